<?php
/**
 * The address of a widget alone on a line.
 *
 * WordPress would request the service's oEmbed code and cache it. Instead, the address becomes the same element as the
 * shortcode and the block.
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

add_action( 'init', __NAMESPACE__ . '\register_embeds' );
add_filter( 'pre_oembed_result', __NAMESPACE__ . '\show_address', 10, 2 );
add_filter( 'oembed_result', __NAMESPACE__ . '\preview_address', 10, 2 );

/**
 * Registers the addresses of widgets, and the service as the provider of the editor's preview of an address.
 */
function register_embeds(): void {
	if ( '' === service_url() ) {
		return;
	}
	$widgets = preg_quote( service_url() . '/w/', '#' );
	wp_embed_register_handler( 'cabinet-widgets', "#^$widgets.*\z#", __NAMESPACE__ . '\embed' );
	wp_oembed_add_provider( service_url() . '/w/*', service_url() . '/oembed' );
}

/**
 * The HTML for an address on a line of its own.
 *
 * @param string[] $matches Not used.
 * @param array    $attr    Not used.
 * @param string   $url     The address.
 * @return string|false False if it is not the address of a widget.
 */
function embed( $matches, $attr, $url ) {
	$given = read_address( $url );
	return null === $given ? false : render( $given, BOX );
}

/**
 * The HTML where a theme or another plugin embeds the address of a widget.
 *
 * @param string|null $html What another plugin shows; null if none does.
 * @param string      $url  The address.
 */
function show_address( $html, $url ) {
	$shown = null === $html ? embed( array(), array(), $url ) : $html;
	return false === $shown ? null : $shown;
}

/**
 * The HTML in the editor's preview of an address.
 *
 * WordPress caches it for all authors, so it must not contain a token.
 *
 * @param string|false $html From the service.
 * @param string       $url  The address.
 */
function preview_address( $html, $url ) {
	$given    = is_editor_request() ? read_address( $url ) : null;
	$resolved = null === $given ? null : resolve_attributes( $given );
	if ( null === $resolved || is_wp_error( $resolved ) || is_closed( $resolved['account'] ) ) {
		return $html;
	}
	return preview( $resolved );
}

/**
 * The widget at an address, with its options.
 *
 * @param string $url Any address.
 * @return array|null Attributes by name, not checked; null if this is not the address of a widget.
 */
function read_address( string $url ): ?array {
	$start = service_url() . '/w/';
	if ( '' === service_url() || 0 !== strpos( $url, $start ) ) {
		return null;
	}
	$rest = str_replace( array( '&amp;', '&#038;' ), '&', substr( $url, strlen( $start ) ) );
	if ( ! preg_match( '~^(?<account>[a-z0-9-]+)/(?<widget>[a-z0-9-]+)/?(\?(?<query>[^\#]*))?(\#.*)?\z~s', $rest, $found ) ) {
		return null;
	}
	parse_str( $found['query'] ?? '', $options );
	$named = array(
		'account' => $found['account'],
		'widget'  => $found['widget'],
	);
	return $named + array_diff_key( $options, array_flip( array( 'for', 'height', 'label', 'loading' ) ) );
}
