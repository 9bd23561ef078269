<?php
/**
 * Removes everything: options, the cached catalogue and the embeds that WordPress cached for addresses of the service.
 *
 * @package Cabinet_Widgets
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

/**
 * Removes what belongs to the plugin on the current site.
 */
function cabinet_widgets_uninstall_site() {
	global $wpdb;
	$address = (string) get_option( 'cabinet_widgets_service_url', '' );
	if ( '' !== $address ) {
		$frame = '%' . $wpdb->esc_like( "$address/w/" ) . '%';
		// phpcs:disable WordPress.DB.DirectDatabaseQuery -- WordPress has no function that finds these.
		$keys   = $wpdb->get_col( $wpdb->prepare( "SELECT meta_key FROM $wpdb->postmeta WHERE meta_key LIKE %s AND meta_value LIKE %s", $wpdb->esc_like( '_oembed_' ) . '%', $frame ) );
		$embeds = $wpdb->get_col( $wpdb->prepare( "SELECT option_name FROM $wpdb->options WHERE option_name LIKE %s AND option_value LIKE %s", $wpdb->esc_like( '_transient_oembed_' ) . '%', $frame ) );
		$posts  = $wpdb->get_col( $wpdb->prepare( "SELECT ID FROM $wpdb->posts WHERE post_type = 'oembed_cache' AND post_content LIKE %s", $frame ) );
		// phpcs:enable
		foreach ( $keys as $key ) {
			delete_post_meta_by_key( $key );
			delete_post_meta_by_key( str_replace( '_oembed_', '_oembed_time_', $key ) );
		}
		foreach ( $embeds as $embed ) {
			delete_transient( substr( $embed, strlen( '_transient_' ) ) );
		}
		foreach ( $posts as $post ) {
			wp_delete_post( $post, true );
		}
	}
	foreach ( array( 'service_url', 'embed_secrets', 'defaults' ) as $option ) {
		delete_option( "cabinet_widgets_$option" );
	}
	delete_transient( 'cabinet_widgets_catalogue' );
	delete_transient( 'cabinet_widgets_framing' );
	wp_clear_scheduled_hook( 'cabinet_widgets_refresh' );
}

if ( is_multisite() ) {
	$cabinet_widgets_sites = get_sites(
		array(
			'fields' => 'ids',
			'number' => 0,
		)
	);
	foreach ( $cabinet_widgets_sites as $cabinet_widgets_site ) {
		switch_to_blog( $cabinet_widgets_site );
		cabinet_widgets_uninstall_site();
		restore_current_blog();
	}
} else {
	cabinet_widgets_uninstall_site();
}
