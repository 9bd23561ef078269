<?php
/**
 * Who may see a widget of a closed account: tokens and grants.
 *
 * A token is accepted by the service: it is short-lived, for one widget, and its options are locked. A grant is part of a
 * page: this site's signed statement that a user who may publish put the widget there, and for whom. Grants are not secret
 * and page caches may store them. With a grant, a visitor's browser requests a token from this site (see rest.php).
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

const TOKEN_SECONDS = 10 * MINUTE_IN_SECONDS;
const GRANT_SECONDS = 7 * DAY_IN_SECONDS;
// In HTML, only in widgets for everyone: the service's maximum (24 hours), minus an hour for clocks that differ.
const PAGE_TOKEN_SECONDS = 23 * HOUR_IN_SECONDS;
const SECRET_BYTES       = 32;

/**
 * The embed secrets by account; those in wp-config.php take precedence over those in the database.
 */
function secrets(): array {
	return array_replace( array_filter( (array) get_option( SECRETS_OPTION, array() ), 'is_string' ), constant_secrets() );
}

/**
 * The embed secrets that wp-config.php defines.
 */
function constant_secrets(): array {
	if ( ! defined( 'CABINET_WIDGETS_EMBED_SECRETS' ) ) {
		return array();
	}
	$secrets = json_decode( (string) constant( 'CABINET_WIDGETS_EMBED_SECRETS' ), true );
	return array_filter( is_array( $secrets ) ? $secrets : array(), 'is_string' );
}

/**
 * The secret that signs for an account: the newest of "new,old"; '' if there is none.
 *
 * @param string $account Slug.
 */
function signing_secret( string $account ): string {
	return trim( explode( ',', secrets()[ $account ] ?? '' )[0] );
}

/**
 * Whether this site shows an account with tokens only.
 *
 * @param string $account Slug.
 */
function is_closed( string $account ): bool {
	return '' !== signing_secret( $account );
}

/**
 * A token for one widget of one account.
 *
 * @param string $account Slug of an account with a secret.
 * @param string $widget  Name of the widget.
 * @param array  $params  Options that the visitor cannot change, by name.
 * @param int    $seconds How long it is valid.
 */
function create_token( string $account, string $widget, array $params, int $seconds = TOKEN_SECONDS ): string {
	$claims = array(
		'sub'    => "$account/$widget",
		'exp'    => time() + $seconds,
		'params' => (object) $params,
	);
	$signed = base64url( '{"alg":"HS256","typ":"JWT"}' ) . '.' . base64url( wp_json_encode( $claims, JSON_UNESCAPED_SLASHES ) );
	return $signed . '.' . base64url( hash_hmac( 'sha256', $signed, signing_secret( $account ), true ) );
}

/**
 * Base64 in the URL-safe alphabet, without padding.
 *
 * @param string $bytes Anything.
 */
function base64url( string $bytes ): string {
	// phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions.obfuscation_base64_encode -- RFC 7515 requires it.
	return rtrim( strtr( base64_encode( $bytes ), '+/', '-_' ), '=' );
}

/**
 * This site's signed statement that a page shows a widget of a closed account.
 *
 * @param array $what Account, widget, options, for, the post that contains it (0 for none), the fingerprint of the post's
 *                    content, and whether it is for the preview of a post.
 */
function grant( array $what ): string {
	// The same all day, so that the page does not change with every view.
	$what['until'] = ( intdiv( time(), DAY_IN_SECONDS ) + 1 ) * DAY_IN_SECONDS + GRANT_SECONDS;
	$body          = base64url( wp_json_encode( $what ) );
	return $body . '.' . seal( $body );
}

/**
 * The contents of a grant, or null if it is not from this site or too old.
 *
 * @param string $grant Anything that a visitor sent.
 */
function open_grant( string $grant ): ?array {
	list( $body, $seal ) = explode( '.', $grant . '.' );
	if ( ! hash_equals( seal( $body ), $seal ) ) {
		return null;
	}
	// phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions.obfuscation_base64_decode -- made by grant().
	$what = json_decode( base64_decode( strtr( $body, '-_', '+/' ) ), true );
	return $what['until'] > time() ? $what : null;
}

/**
 * What changes when a post or a synced pattern in it is edited; '' without a post.
 *
 * @param \WP_Post|null $post The post.
 */
function fingerprint( ?\WP_Post $post ): string {
	return $post ? substr( md5( whole_content( $post ) ), 0, 12 ) : '';
}

/**
 * The content of a post and of the synced patterns in it.
 *
 * @param \WP_Post $post  The post.
 * @param int      $depth How deep patterns may contain others.
 */
function whole_content( \WP_Post $post, int $depth = 3 ): string {
	$content = $post->post_content;
	if ( 0 === $depth || ! preg_match_all( '/<!-- wp:block \{[^}]*"ref":([0-9]+)/', $content, $found ) ) {
		return $content;
	}
	foreach ( array_unique( $found[1] ) as $id ) {
		$pattern  = get_post( (int) $id );
		$content .= $pattern && 'wp_block' === $pattern->post_type ? "\n" . whole_content( $pattern, $depth - 1 ) : '';
	}
	return $content;
}

/**
 * Whether the post that a grant was made for still contains the widget.
 *
 * As long as the post is unchanged, it does. Afterwards only what can be found in the content counts: a visitor whose page
 * contains a widget from elsewhere, such as a template, has to reload it once after the post was edited.
 *
 * @param array    $what From open_grant().
 * @param \WP_Post $post The post.
 */
function still_contains( array $what, \WP_Post $post ): bool {
	if ( fingerprint( $post ) === ( $what['content'] ?? '' ) ) {
		return true;
	}
	foreach ( written_widgets( whole_content( $post ) ) as $given ) {
		$resolved = resolve_attributes( $given );
		if ( ! is_wp_error( $resolved ) && is_same_widget( $what, $resolved ) ) {
			return true;
		}
	}
	return false;
}

/**
 * Whether a grant was made for a widget.
 *
 * @param array $what     From open_grant().
 * @param array $resolved From resolve_attributes().
 */
function is_same_widget( array $what, array $resolved ): bool {
	foreach ( array( 'account', 'widget', 'for', 'options' ) as $name ) {
		if ( $what[ $name ] !== $resolved[ $name ] ) {
			return false;
		}
	}
	return true;
}

/**
 * What authors wrote to show widgets: as shortcodes, blocks and addresses.
 *
 * @param string $content Of a post.
 * @return array[] Attributes by name.
 */
function written_widgets( string $content ): array {
	preg_match_all( '/' . get_shortcode_regex( array( SHORTCODE ) ) . '/', $content, $shortcodes );
	$written = array_map( __NAMESPACE__ . '\read_attributes', $shortcodes[3] );
	preg_match_all( '#' . preg_quote( service_url() . '/w/', '#' ) . '[^\s"<>]+#', $content, $addresses );
	$written = array_merge( $written, array_filter( array_map( __NAMESPACE__ . '\read_address', $addresses[0] ) ) );
	return array_merge( $written, blocks_in( parse_blocks( $content ) ) );
}

/**
 * The attributes of the plugin's blocks, also inside other blocks.
 *
 * @param array[] $blocks From parse_blocks().
 */
function blocks_in( array $blocks ): array {
	$found = array();
	foreach ( $blocks as $block ) {
		if ( 'cabinet-widgets/widget' === $block['blockName'] ) {
			$found[] = given_in_block( $block['attrs'] );
		}
		$found = array_merge( $found, blocks_in( $block['innerBlocks'] ) );
	}
	return $found;
}

/**
 * The signature of a grant's body. It includes the site's number because the sites of a network share their salts.
 *
 * @param string $body Base64.
 */
function seal( string $body ): string {
	return base64url( hash_hmac( 'sha256', 'cabinet-widgets-grant|' . get_current_blog_id() . "|$body", wp_salt( 'auth' ), true ) );
}

/**
 * Whether a widget is for a visitor. It always is for administrators, since they set the secrets.
 *
 * @param string   $audience Everyone, members, or roles: "role:editor", "role:editor,role:author".
 * @param \WP_User $user     The visitor.
 */
function is_for( string $audience, \WP_User $user ): bool {
	if ( 'everyone' === $audience || user_can( $user, 'manage_options' ) ) {
		return true;
	}
	if ( ! $user->exists() || ! $user->roles ) {
		return false; // On a network, a user without a role on this site is not one of its members.
	}
	return 'members' === $audience || array() !== array_intersect( explode( ',', str_replace( 'role:', '', $audience ) ), $user->roles );
}

/**
 * The line in place of a widget that is not for the visitor, as plain text.
 *
 * @param string $audience As in is_for().
 */
function refusal( string $audience ): string {
	$line = 'members' === $audience
		? __( 'These figures are for members.', 'cabinet-widgets' )
		: __( 'These figures are not open to everyone.', 'cabinet-widgets' );
	/**
	 * Filters the line in place of a widget that is not for the visitor.
	 *
	 * @param string $line     The line; '' shows nothing.
	 * @param string $audience The visitors that the widget is for.
	 */
	return (string) apply_filters( 'cabinet_widgets_refusal', $line, $audience );
}
