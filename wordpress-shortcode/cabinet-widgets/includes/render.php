<?php
/**
 * Renders a widget as HTML, for both the shortcode and the block.
 *
 * The HTML is the same for every visitor, so any page cache may store it: whether a visitor may see a closed account is
 * decided when the page requests a token. Attributes may come from people who may neither publish nor write HTML, so each
 * is checked against a pattern or a list, and all are escaped in one place, tag().
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

const LOADER  = 'cabinet-widgets-loader';
const VIEW    = 'cabinet-widgets-view';
const CLOSED  = 'cabinet-widget-closed';
const SANDBOX = 'allow-scripts allow-same-origin allow-forms allow-popups';

// The element around a shortcode or an address. Many classic themes rely on the margin below a paragraph.
const BOX = 'class="cabinet-widget-box" style="margin-bottom:1em"';

add_action( 'init', __NAMESPACE__ . '\register', 5 ); // Before what is registered with translated texts.

/**
 * Loads the translations, and registers the service's loader and the script for closed accounts. The widgets on a page
 * enqueue what they need.
 */
function register(): void {
	load_plugin_textdomain( 'cabinet-widgets', false, dirname( plugin_basename( FILE ) ) . '/languages' );
	register_scripts();
}

/**
 * Registers the scripts of pages.
 */
function register_scripts(): void {
	if ( '' !== service_url() ) {
		// phpcs:ignore WordPress.WP.EnqueuedResourceParameters.MissingVersion -- the service sets the headers that expire it.
		wp_register_script( LOADER, service_url() . '/embed.js', array(), null, load( 'async' ) );
	}
	wp_register_script( VIEW, plugins_url( 'assets/view.js', FILE ), array(), VERSION, load( 'defer' ) );
}

/**
 * How a script is loaded.
 *
 * @param string $strategy Async or defer.
 */
function load( string $strategy ): array {
	return array(
		'in_footer' => true,
		'strategy'  => $strategy,
	);
}

/**
 * A widget's HTML, in a block-level element because block themes do not lay out a frame by itself.
 *
 * @param array  $given   What the author wrote, by name.
 * @param string $wrapper Attributes of the outer element, escaped.
 */
function render( array $given, string $wrapper ): string {
	$resolved = resolve_attributes( $given );
	if ( ! is_wp_error( $resolved ) && is_closed( $resolved['account'] ) && ! may_show_closed() ) {
		$resolved = new \WP_Error( 'not_published', __( 'Cabinet widget: the figures of this closed account appear once the post is published.', 'cabinet-widgets' ) );
	}
	if ( is_wp_error( $resolved ) ) {
		// Only shown to users who can fix it.
		return current_user_can( 'edit_posts' ) ? "<div $wrapper>" . note( $resolved->get_error_message() ) . '</div>' : '';
	}
	if ( is_feed() ) {
		return '<p>' . tag( 'a', array( 'href' => get_permalink() ), esc_html( $resolved['title'] ) ) . '</p>';
	}
	return "<div $wrapper>" . inside( $resolved ) . '</div>';
}

/**
 * A widget's HTML without the outer element.
 *
 * @param array $resolved From resolve_attributes().
 */
function inside( array $resolved ): string {
	if ( is_editor_request() ) {
		return preview( $resolved );
	}
	if ( is_closed( $resolved['account'] ) ) {
		wp_enqueue_script( LOADER );
		return placeholder( $resolved );
	}
	if ( is_admin() && current_user_can( 'edit_posts' ) ) {
		// For the editor of a page builder, which shows this without the scripts that are enqueued here.
		return preview( $resolved );
	}
	wp_enqueue_script( LOADER );
	return element( $resolved );
}

/**
 * Checks the attributes of a widget and fills in the defaults.
 *
 * @param array $given What the author wrote, by name.
 * @return array|\WP_Error Account, widget, for, options, height, loading ('' if not given) and title, the name for people.
 */
function resolve_attributes( array $given ) {
	$given = array_map( __NAMESPACE__ . '\text', $given );
	if ( '' === service_url() ) {
		return new \WP_Error( 'no_service', __( 'Cabinet widget: first set the address of the service under Settings → Cabinet Widgets.', 'cabinet-widgets' ) );
	}
	$account = filled( $given['account'] ?? '', known_accounts()[0] ?? '' );
	if ( '' === $account ) {
		return new \WP_Error( 'no_account', __( 'Cabinet widget: choose the account to show.', 'cabinet-widgets' ) );
	}
	$widget = filled( $given['widget'] ?? '', 'balance' );
	$known  = catalogue()['widgets'];
	if ( ! preg_match( SLUG, $account ) || ! preg_match( SLUG, $widget ) || ( $known && ! isset( $known[ $widget ] ) ) ) {
		/* translators: %s: "account/widget" as the author wrote it. */
		return new \WP_Error( 'no_widget', sprintf( __( 'Cabinet widget: there is no %s.', 'cabinet-widgets' ), shorten( $account ) . '/' . shorten( $widget ) ) );
	}
	$audience = resolve_audience( $account, $given['for'] ?? '' );
	if ( is_wp_error( $audience ) ) {
		return $audience;
	}
	$options = options( $widget, $given );
	$height  = (int) ( $given['height'] ?? 0 );
	return array(
		'account' => $account,
		'widget'  => $widget,
		'for'     => $audience,
		'options' => $options,
		'height'  => $height ? max( 40, min( 2000, $height ) ) : height_of( $widget, $options ),
		'loading' => in_array( $given['loading'] ?? '', array( 'eager', 'lazy' ), true ) ? $given['loading'] : '',
		'title'   => filled( $given['label'] ?? '', label_of( $widget ) ),
	);
}

/**
 * The visitors that a widget is for.
 *
 * @param string $account  Slug.
 * @param string $audience What the author wrote in "for"; '' if nothing.
 * @return string|\WP_Error As in is_for(), or why the widget must not be shown.
 */
function resolve_audience( string $account, string $audience ) {
	$closed   = is_closed( $account );
	$default  = $closed ? 'members' : 'everyone';
	$audience = filled( $audience, $default );
	if ( ! preg_match( '/^(everyone|members|role:[a-z0-9_-]+(,role:[a-z0-9_-]+)*)\z/', $audience ) ) {
		return new \WP_Error( 'bad_for', __( 'Cabinet widget: "for" must be everyone, members or a role such as role:editor.', 'cabinet-widgets' ) );
	}
	if ( 'everyone' !== $audience && ! $closed ) {
		/* translators: %s: account. */
		return new \WP_Error( 'no_secret', sprintf( __( 'Cabinet widget: only an account with an embed secret can be limited to certain visitors; set the secret of %s first.', 'cabinet-widgets' ), $account ) );
	}
	return $audience;
}

/**
 * A text, or another one if it is empty.
 *
 * @param string $value     The text.
 * @param string $otherwise Used if the text is empty.
 */
function filled( string $value, string $otherwise ): string {
	return '' === $value ? $otherwise : $value;
}

/**
 * A value as the text of an attribute; '' if it cannot be written as one.
 *
 * @param mixed $value From a shortcode or from a block's JSON.
 */
function text( $value ): string {
	return is_bool( $value ) ? (string) (int) $value : ( is_scalar( $value ) ? trim( (string) $value ) : '' );
}

/**
 * The options that the author set, or this site's defaults. Options that the widget does not have or that are malformed
 * are left out.
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
 * A text for a message, without the end if it is very long.
 *
 * @param string $text What the author wrote.
 */
function shorten( string $text ): string {
	return mb_strlen( $text ) > 40 ? mb_substr( $text, 0, 40 ) . '…' : $text;
}

/**
 * Whether a closed account may be shown here. Users who may write but not publish (contributors) could otherwise see any
 * closed account in a draft of their own, even if a block in the draft makes a published post the current one.
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
 * Whether somebody who may publish looks at a post as it would be, with what is not stored yet. Any visitor may add
 * "preview=true" to the address of a published post.
 */
function is_publishers_preview(): bool {
	return is_preview() && current_user_can( 'publish_posts' );
}

/**
 * The custom element for an open account, with a plain frame for browsers without JavaScript.
 *
 * @param array $resolved From resolve_attributes().
 */
function element( array $resolved ): string {
	$attributes = array(
		'account' => $resolved['account'],
		'widget'  => $resolved['widget'],
	);
	return tag(
		'cabinet-widget',
		$attributes + $resolved['options'] + array(
			'label'   => $resolved['title'],
			'loading' => $resolved['loading'],
			'style'   => "display:block;height:{$resolved['height']}px",
		),
		link_to( address_of( $resolved, $resolved['options'] ), $resolved['title'] ) . tag( 'noscript', array(), frame( $resolved, $resolved['options'] ) )
	);
}

/**
 * The element in which assets/view.js puts the widget of a closed account once it has a token. It has a name of its own
 * because authors may write HTML such as a <div> with any class and data: what they write must not be taken for this.
 *
 * @param array $resolved From resolve_attributes().
 */
function placeholder( array $resolved ): string {
	wp_enqueue_script( VIEW );
	// A page builder may cache the HTML of a preview and show it to visitors.
	$everyone   = 'everyone' === $resolved['for'] && ! is_publishers_preview();
	$token      = $everyone ? create_token( $resolved['account'], $resolved['widget'], $resolved['options'], PAGE_TOKEN_SECONDS ) : '';
	$attributes = array(
		'data-grant'   => grant(
			array(
				'account' => $resolved['account'],
				'widget'  => $resolved['widget'],
				'options' => $resolved['options'],
				'for'     => $resolved['for'],
				'post'    => (int) get_the_ID(),
				'content' => fingerprint( get_post() ),
				'preview' => is_publishers_preview(),
			)
		),
		'data-token'   => $token,
		'data-tokens'  => wp_make_link_relative( rest_url( ROUTE ) ),
		'data-label'   => $resolved['title'],
		'data-loading' => $resolved['loading'],
		'style'        => "display:block;height:{$resolved['height']}px",
	);
	if ( $everyone ) {
		$query = array( 'token' => $token );
		return tag( CLOSED, $attributes, link_to( address_of( $resolved, $query ), $resolved['title'] ) . tag( 'noscript', array(), frame( $resolved, $query ) ) );
	}
	$address = log_in_address();
	$line    = note( __( 'These figures require JavaScript and a login.', 'cabinet-widgets' ) );
	return tag( CLOSED, $attributes, link_to( $address, $resolved['title'] ) . tag( 'noscript', array(), $line ) );
}

/**
 * The widget as shown in the editor, where the loader does not run, below a note if browsers will refuse the frame.
 *
 * @param array $resolved From resolve_attributes().
 */
function preview( array $resolved ): string {
	if ( ! is_closed( $resolved['account'] ) ) {
		return note( framing_problem( $resolved['account'], $resolved['widget'] ) ) . frame( $resolved, $resolved['options'] );
	}
	if ( ! is_for( $resolved['for'], wp_get_current_user() ) ) {
		return note( refusal( $resolved['for'] ) );
	}
	$token = create_token( $resolved['account'], $resolved['widget'], $resolved['options'] );
	return note( framing_problem( $resolved['account'], $resolved['widget'] ) ) . frame( $resolved, array( 'token' => $token ) );
}

/**
 * A widget as a plain frame.
 *
 * @param array $resolved  From resolve_attributes().
 * @param array $query Options or token.
 */
function frame( array $resolved, array $query ): string {
	return tag(
		'iframe',
		array(
			'src'            => address_of( $resolved, $query ),
			'title'          => $resolved['title'],
			'width'          => '100%',
			'height'         => $resolved['height'],
			'loading'        => filled( $resolved['loading'], 'lazy' ),
			'sandbox'        => SANDBOX,
			'referrerpolicy' => 'no-referrer',
			'style'          => 'border:0;display:block',
		)
	);
}

/**
 * A link in place of a widget, until the widget is shown.
 *
 * @param string $address Where it leads.
 * @param string $title   Name of the widget.
 */
function link_to( string $address, string $title ): string {
	$attributes = array(
		'href' => $address,
		'rel'  => 'nofollow',
	);
	return tag( 'a', $attributes, esc_html( $title ) );
}

/**
 * The address of a widget's own page, in the language of this page unless the author chose another one.
 *
 * @param array $resolved From resolve_attributes().
 * @param array $query    Options or token.
 */
function address_of( array $resolved, array $query ): string {
	$query += isset( $resolved['options']['lang'] ) ? array() : array( 'lang' => get_bloginfo( 'language' ) );
	return service_url() . "/w/{$resolved['account']}/{$resolved['widget']}?" . http_build_query( $query, '', '&' );
}

/**
 * An HTML element. This is the only place where attributes are escaped. Empty attributes are left out.
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
 * A line of text in place of a widget.
 *
 * @param string $line Text.
 */
function note( string $line ): string {
	return '' === $line ? '' : '<p class="cabinet-widget-note">' . esc_html( $line ) . '</p>';
}

/**
 * The address of the login form, which returns to the current post.
 */
function log_in_address(): string {
	$post = get_post();
	return wp_login_url( $post ? (string) get_permalink( $post ) : home_url( '/' ) );
}
