<?php
/**
 * A widget as HTML, for the shortcode and the block alike.
 *
 * The HTML is the same for every visitor, so that any page cache may keep it: who may see a closed account is decided
 * when the page asks for a token. Attributes come from people who may write, but not publish, and not write HTML: each
 * is checked against a form or a list, and all are escaped in tag(), nowhere else.
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

const LOADER  = 'cabinet-widgets-loader';
const VIEW    = 'cabinet-widgets-view';
const SANDBOX = 'allow-scripts allow-same-origin allow-forms allow-popups';

add_action( 'init', __NAMESPACE__ . '\register' );
add_action( 'enqueue_block_editor_assets', __NAMESPACE__ . '\tell_editor' );
add_filter( 'script_loader_tag', __NAMESPACE__ . '\load_async', 10, 2 );
add_filter( 'rest_pre_dispatch', __NAMESPACE__ . '\note_editor_request', 10, 3 );

/**
 * Registers the shortcode, the block and their scripts; nothing is enqueued here.
 */
function register(): void {
	load_plugin_textdomain( 'cabinet-widgets', false, dirname( plugin_basename( FILE ) ) . '/languages' );
	register_scripts();
	add_shortcode( 'cabinet_widget', __NAMESPACE__ . '\shortcode' );
	register_block_type( dirname( FILE ) . '/blocks/widget', array( 'render_callback' => __NAMESPACE__ . '\block' ) );
	wp_set_script_translations( 'cabinet-widgets-widget-editor-script', 'cabinet-widgets', dirname( FILE ) . '/languages' );
}

/**
 * Registers the service's loader and the script of closed accounts; the widgets on a page enqueue what they need.
 */
function register_scripts(): void {
	if ( '' !== service_url() ) {
		// phpcs:ignore WordPress.WP.EnqueuedResourceParameters.MissingVersion -- the service's, which sees to its own freshness.
		wp_register_script( LOADER, service_url() . '/embed.js', array(), null, true );
	}
	wp_register_script( VIEW, plugins_url( 'assets/view.js', FILE ), array(), VERSION, true );
}

/**
 * The shortcode [cabinet_widget].
 *
 * @param array|string $atts As written; '' for none.
 */
function shortcode( $atts ): string {
	return render( (array) $atts, 'class="cabinet-widget-box"' );
}

/**
 * The block cabinet-widgets/widget.
 *
 * @param array $attributes As saved.
 */
function block( array $attributes ): string {
	return render( array_merge( (array) ( $attributes['options'] ?? array() ), $attributes ), get_block_wrapper_attributes() );
}

/**
 * A widget's HTML, in a block-level element (a bare frame is not laid out in block themes).
 *
 * @param array  $given   What the author wrote, by name.
 * @param string $wrapper Attributes of the outer element, escaped.
 */
function render( array $given, string $wrapper ): string {
	$wish = understand( $given );
	if ( is_wp_error( $wish ) ) {
		// For those who can mend it; visitors see nothing.
		return current_user_can( 'edit_posts' ) ? "<div $wrapper>" . note( $wish->get_error_message() ) . '</div>' : '';
	}
	if ( is_feed() ) {
		return '<p>' . tag( 'a', array( 'href' => get_permalink() ), esc_html( $wish['title'] ) ) . '</p>';
	}
	if ( is_editor_request() ) {
		return "<div $wrapper>" . preview( $wish ) . '</div>';
	}
	wp_enqueue_script( LOADER );
	return "<div $wrapper>" . ( '' === signing_secret( $wish['account'] ) ? element( $wish ) : placeholder( $wish ) ) . '</div>';
}

/**
 * What an author wants, checked and completed.
 *
 * @param array $given What the author wrote, by name.
 * @return array|\WP_Error Account, widget, for, options, height, label and loading ('' where not given) and title.
 */
function understand( array $given ) {
	$given = array_map( __NAMESPACE__ . '\text', $given );
	if ( '' === service_url() ) {
		return new \WP_Error( 'no_service', __( 'Cabinet widget: set the address of the service first, under Settings → Cabinet Widgets.', 'cabinet-widgets' ) );
	}
	$account = ( $given['account'] ?? '' ) ?: ( known_accounts()[0] ?? '' );
	if ( '' === $account ) {
		return new \WP_Error( 'no_account', __( 'Cabinet widget: say which account to show.', 'cabinet-widgets' ) );
	}
	$widget = ( $given['widget'] ?? '' ) ?: 'balance';
	$known  = catalogue()['widgets'];
	if ( ! preg_match( SLUG, $account ) || ! preg_match( SLUG, $widget ) || ( $known && ! isset( $known[ $widget ] ) ) ) {
		/* translators: %s: "account/widget" as the author wrote it. */
		return new \WP_Error( 'no_widget', sprintf( __( 'Cabinet widget: there is no %s.', 'cabinet-widgets' ), "$account/$widget" ) );
	}
	$for = audience( $account, $given['for'] ?? '' );
	if ( is_wp_error( $for ) ) {
		return $for;
	}
	$options = options( $widget, $given );
	$label   = $given['label'] ?? '';
	$height  = (int) ( $given['height'] ?? 0 );
	return array(
		'account' => $account,
		'widget'  => $widget,
		'for'     => $for,
		'options' => $options,
		'height'  => $height ? max( 40, min( 2000, $height ) ) : height_of( $widget, $options ),
		'label'   => $label,
		'loading' => in_array( $given['loading'] ?? '', array( 'eager', 'lazy' ), true ) ? $given['loading'] : '',
		'title'   => $label ?: label_of( $widget ),
	);
}

/**
 * Whom a widget is for.
 *
 * @param string $account Slug.
 * @param string $for     What the author wrote; '' for nothing.
 * @return string|\WP_Error As in is_for(), or why the widget may not show.
 */
function audience( string $account, string $for ) {
	$closed = '' !== signing_secret( $account );
	$for    = $for ?: ( $closed ? 'members' : 'everyone' );
	if ( ! preg_match( '/^(everyone|members|role:[a-z0-9_-]+(,role:[a-z0-9_-]+)*)\z/', $for ) ) {
		return new \WP_Error( 'bad_for', __( 'Cabinet widget: "for" is everyone, members, or a role such as role:editor.', 'cabinet-widgets' ) );
	}
	if ( 'everyone' !== $for && ! $closed ) {
		/* translators: %s: account. */
		return new \WP_Error( 'no_secret', sprintf( __( 'Cabinet widget: only an account with an embed secret can be kept for some; set the secret of %s first.', 'cabinet-widgets' ), $account ) );
	}
	if ( $closed && ! may_show_closed() ) {
		return new \WP_Error( 'not_published', __( 'Cabinet widget: the figures of this closed account show once the post is published.', 'cabinet-widgets' ) );
	}
	return $for;
}

/**
 * A value as it would stand in an attribute; '' for what has no such form.
 *
 * @param mixed $value From a shortcode or from a block's JSON.
 */
function text( $value ): string {
	return is_bool( $value ) ? (string) (int) $value : ( is_scalar( $value ) ? trim( (string) $value ) : '' );
}

/**
 * The options that the author set, or this site's defaults: those that the widget takes and that are of the right form.
 *
 * @param string $widget Name of the widget.
 * @param array  $given  What the author wrote, by name.
 */
function options( string $widget, array $given ): array {
	$given['accent'] = ltrim( $given['accent'] ?? '', '#' );
	$options         = array();
	foreach ( options_of( $widget ) as $name ) {
		$value = ( $given[ $name ] ?? '' );
		$value = '' === $value ? ( defaults()[ $name ] ?? '' ) : $value;
		if ( preg_match( VALUE, $value ) ) {
			$options[ $name ] = $value;
		}
	}
	return $options;
}

/**
 * Whether a closed account may show here. Who may write but not publish (a contributor) could otherwise look at any
 * closed account in a draft of their own: also where a block in the draft makes a published post the current one.
 */
function may_show_closed(): bool {
	if ( current_user_can( 'publish_posts' ) ) {
		return true;
	}
	if ( current_user_can( 'edit_posts' ) && ( is_admin() || is_preview() || is_rest_request() ) ) {
		return false;
	}
	$post = get_post();
	return ! $post || in_array( get_post_status( $post ), array( 'publish', 'private' ), true );
}

/**
 * Whether the HTML goes into an answer of WordPress's REST server.
 */
function is_rest_request(): bool {
	return function_exists( 'wp_is_rest_endpoint' ) ? wp_is_rest_endpoint() : defined( 'REST_REQUEST' ); // Since 6.5.
}

/**
 * The custom element of an open account, with a plain frame for browsers without scripts.
 *
 * @param array $wish From understand().
 */
function element( array $wish ): string {
	$attributes = array(
		'account' => $wish['account'],
		'widget'  => $wish['widget'],
	);
	return tag(
		'cabinet-widget',
		$attributes + $wish['options'] + array(
			'label'   => $wish['label'],
			'loading' => $wish['loading'],
			'style'   => "display:block;height:{$wish['height']}px",
		),
		tag( 'noscript', array(), frame( $wish, $wish['options'] ) )
	);
}

/**
 * The place where assets/view.js puts the element of a closed account once it has a token.
 *
 * @param array $wish From understand().
 */
function placeholder( array $wish ): string {
	wp_enqueue_script( VIEW );
	$everyone   = 'everyone' === $wish['for'];
	$token      = $everyone ? mint( $wish['account'], $wish['widget'], $wish['options'], PAGE_TOKEN_SECONDS ) : '';
	$attributes = array(
		'class'         => 'cabinet-widget-closed',
		'data-grant'    => grant(
			array(
				'account' => $wish['account'],
				'widget'  => $wish['widget'],
				'options' => $wish['options'],
				'for'     => $wish['for'],
				'post'    => (int) get_the_ID(),
			)
		),
		'data-token'    => $token,
		'data-tokens'   => wp_make_link_relative( rest_url( ROUTE ) ),
		'data-label'    => $wish['label'],
		'data-loading'  => $wish['loading'],
		'style'         => "height:{$wish['height']}px",
	);
	$otherwise  = $everyone ? frame( $wish, array( 'token' => $token ) ) : note( __( 'These figures need JavaScript and a login.', 'cabinet-widgets' ) );
	return tag( 'div', $attributes, tag( 'noscript', array(), $otherwise ) );
}

/**
 * The widget as the editor shows it, where no loader runs.
 *
 * @param array $wish From understand().
 */
function preview( array $wish ): string {
	if ( '' === signing_secret( $wish['account'] ) ) {
		return frame( $wish, $wish['options'] );
	}
	if ( ! is_for( $wish['for'], wp_get_current_user() ) ) {
		return note( refusal( $wish['for'] ) );
	}
	return frame( $wish, array( 'token' => mint( $wish['account'], $wish['widget'], $wish['options'] ) ) );
}

/**
 * A widget as a plain frame.
 *
 * @param array $wish  From understand().
 * @param array $query Options or token.
 */
function frame( array $wish, array $query ): string {
	$query += isset( $wish['options']['lang'] ) ? array() : array( 'lang' => get_bloginfo( 'language' ) );
	return tag(
		'iframe',
		array(
			'src'            => service_url() . "/w/{$wish['account']}/{$wish['widget']}?" . http_build_query( $query, '', '&' ),
			'title'          => $wish['title'],
			'width'          => '100%',
			'height'         => $wish['height'],
			'loading'        => $wish['loading'] ?: 'lazy',
			'sandbox'        => SANDBOX,
			'referrerpolicy' => 'no-referrer',
			'style'          => 'border:0;display:block',
		)
	);
}

/**
 * An HTML element; the one place where attributes are escaped. Empty attributes are left out.
 *
 * @param string $name       Name of the element.
 * @param array  $attributes Values by name, not escaped.
 * @param string $inside     HTML.
 */
function tag( string $name, array $attributes, string $inside = '' ): string {
	$html = "<$name";
	foreach ( $attributes as $attribute => $value ) {
		if ( '' !== $value ) {
			$html .= " $attribute=\"" . ( in_array( $attribute, array( 'src', 'href' ), true ) ? esc_url( $value ) : esc_attr( $value ) ) . '"';
		}
	}
	return 'input' === $name ? "$html>" : "$html>$inside</$name>";
}

/**
 * A line in place of a widget.
 *
 * @param string $line Text.
 */
function note( string $line ): string {
	return '' === $line ? '' : '<p class="cabinet-widget-note">' . esc_html( $line ) . '</p>';
}

/**
 * Gives the loader's tag its async, and the script of closed accounts its defer (WordPress knows neither before 6.3).
 *
 * @param string $tag    HTML.
 * @param string $handle The script's name.
 */
function load_async( $tag, $handle ) {
	$how = array(
		LOADER => 'async',
		VIEW   => 'defer',
	);
	return isset( $how[ $handle ] ) ? str_replace( ' src=', " {$how[ $handle ]} src=", $tag ) : $tag;
}

/**
 * Tells the block's script what there is to choose from.
 */
function tell_editor(): void {
	$data = array(
		'configured' => '' !== service_url(),
		'settings'   => current_user_can( 'manage_options' ) ? admin_url( 'options-general.php?page=cabinet-widgets' ) : '',
		'accounts'   => known_accounts(),
		'closed'     => array_map( 'strval', array_keys( secrets() ) ),
		'widgets'    => (object) catalogue()['widgets'],
	);
	$json = wp_json_encode( $data, JSON_HEX_TAG | JSON_HEX_AMP );
	wp_add_inline_script( 'cabinet-widgets-widget-editor-script', "window.cabinetWidgetsEditor = $json;", 'before' );
}

/**
 * Notes whether the request that WordPress's REST server works on comes from the editor's live preview.
 *
 * @param mixed            $result  Passed on.
 * @param \WP_REST_Server  $server  Not used.
 * @param \WP_REST_Request $request The request.
 */
function note_editor_request( $result, $server, $request ) {
	is_editor_request( 0 === stripos( $request->get_route(), '/wp/v2/block-renderer/' ) ); // WordPress reads routes in any case.
	return $result;
}

/**
 * Whether the HTML is for the editor's live preview.
 *
 * @param bool|null $is What to remember from now on.
 */
function is_editor_request( ?bool $is = null ): bool {
	static $known = false;
	$known        = $is ?? $known;
	return $known;
}
