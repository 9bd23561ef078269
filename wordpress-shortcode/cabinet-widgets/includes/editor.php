<?php
/**
 * The block and what its scripts in the editor need.
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

const BLOCK  = 'cabinet-widgets/widget';
const EDITOR = 'cabinet-widgets-editor';

// The block's scripts in blocks/widget/, in the order in which they are loaded, with the packages that each needs.
const EDITOR_SCRIPTS = array(
	'site'       => array( 'wp-data' ),
	'pictures'   => array( 'wp-element' ),
	'transforms' => array( 'wp-blocks', 'wp-shortcode' ),
	'controls'   => array( 'wp-block-editor', 'wp-components', 'wp-element', 'wp-i18n' ),
	'setup'      => array( 'wp-api-fetch', 'wp-components', 'wp-data', 'wp-element', 'wp-i18n', 'wp-notices' ),
	'index'      => array( 'wp-api-fetch', 'wp-block-editor', 'wp-blocks', 'wp-components', 'wp-data', 'wp-element', 'wp-i18n' ),
);

add_action( 'init', __NAMESPACE__ . '\register_block' );
add_action( 'enqueue_block_editor_assets', __NAMESPACE__ . '\pass_data_to_editor' );

/**
 * Registers the block and its scripts.
 */
function register_block(): void {
	register_editor_scripts();
	register_block_type( dirname( FILE ) . '/blocks/widget', array( 'render_callback' => __NAMESPACE__ . '\block' ) );
	wp_set_script_translations( EDITOR, 'cabinet-widgets', dirname( FILE ) . '/languages' );
}

/**
 * Registers the block's scripts; the last one depends on all others.
 */
function register_editor_scripts(): void {
	$earlier = array();
	foreach ( EDITOR_SCRIPTS as $name => $packages ) {
		$handle = 'index' === $name ? EDITOR : EDITOR . "-$name";
		wp_register_script( $handle, plugins_url( "blocks/widget/$name.js", FILE ), array_merge( $packages, $earlier ), VERSION, true );
		$earlier[] = $handle;
	}
}

/**
 * The block cabinet-widgets/widget.
 *
 * @param array $attributes As saved.
 */
function block( array $attributes ): string {
	return render( given_in_block( $attributes ), get_block_wrapper_attributes() );
}

/**
 * What the author of a block wrote, by name.
 *
 * @param array $attributes As saved.
 */
function given_in_block( array $attributes ): array {
	$given = array_merge( (array) ( $attributes['options'] ?? array() ), $attributes );
	if ( preg_match( '/(^| )is-style-plain( |\z)/', text( $attributes['className'] ?? '' ) ) ) {
		$given['background'] = 'none';
	}
	return $given;
}

/**
 * Passes what the block's scripts need to them.
 */
function pass_data_to_editor(): void {
	$json = wp_json_encode( editor_data(), JSON_HEX_TAG | JSON_HEX_AMP );
	wp_add_inline_script( EDITOR . '-site', "window.cabinetWidgets = { site: $json };", 'before' );
}

/**
 * What the block's scripts need to know of this site and of the service.
 */
function editor_data(): array {
	$offered = catalogue()['widgets'];
	return array(
		'service'      => service_url(),
		'reachable'    => array() !== $offered,
		'mayConfigure' => may_choose_service(),
		'settings'     => current_user_can( 'manage_options' ) ? page_url() : '',
		'accounts'     => known_accounts(),
		'closed'       => array_map( 'strval', array_keys( secrets() ) ),
		'widgets'      => choices( $offered ),
		'languages'    => languages(),
		'tallFields'   => is_wp_version_compatible( '6.5' ),
	);
}
