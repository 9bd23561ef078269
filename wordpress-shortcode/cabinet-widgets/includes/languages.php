<?php
/**
 * The nearest translation: a site in the Spanish of Mexico gets the texts in Spanish.
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

add_filter( 'load_textdomain_mofile', __NAMESPACE__ . '\nearest_catalogue' );
add_filter( 'load_script_translation_file', __NAMESPACE__ . '\nearest_catalogue' );

/**
 * The plugin's catalogue in the same language if there is none for the same country.
 *
 * @param string|false $file Path that WordPress would load; any other file is returned unchanged.
 */
function nearest_catalogue( $file ) {
	$start = preg_quote( dirname( FILE ) . '/languages/cabinet-widgets-', '#' );
	if ( ! is_string( $file ) || is_readable( $file ) || ! preg_match( "#^($start([a-z]{2,3}))(?:_\w+)?(-[a-z-]+\.json|\.mo)\z#", $file, $found ) ) {
		return $file;
	}
	$same_language = glob( "$found[1]_*$found[3]" );
	return $same_language ? $same_language[0] : $file;
}
