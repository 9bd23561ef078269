<?php
/**
 * Must-use plugin of the test site: nothing leaves the machine, no mail, no update checks, no pictures from elsewhere.
 * It does nothing for the plugin under test; with a file named open-loopback (that holds a port) it lets WordPress's own oEmbed discovery
 * request a service on loopback, for the tests of a site without the plugin.
 */
add_filter( 'pre_wp_mail', '__return_true' );
add_filter( 'pre_option_show_avatars', '__return_zero' );
add_filter( 'emoji_svg_url', '__return_false' );
foreach ( array( 'core', 'plugins', 'themes' ) as $kind ) {
	add_filter(
		"pre_site_transient_update_$kind",
		fn() => (object) array(
			'last_checked'    => time(),
			'version_checked' => get_bloginfo( 'version' ),
			'updates'         => array(),
			'response'        => array(),
			'translations'    => array(),
			'no_update'       => array(),
		)
	);
}
// Searching for blocks would search the directory of plugins too.
add_action( 'admin_init', fn() => remove_action( 'enqueue_block_editor_assets', 'wp_enqueue_editor_block_directory_assets' ) );
foreach ( array( '_maybe_update_core', '_maybe_update_plugins', '_maybe_update_themes', 'wp_schedule_update_checks' ) as $check ) {
	remove_action( 'admin_init', $check );
}
if ( is_file( WP_CONTENT_DIR . '/open-loopback' ) ) {
	add_filter( 'http_request_host_is_external', fn( $external, $host ) => $external || '127.0.0.1' === $host, 10, 2 );
	add_filter( 'http_allowed_safe_ports', fn( $ports ) => array_merge( $ports, array( (int) file_get_contents( WP_CONTENT_DIR . '/open-loopback' ) ) ) );
}
