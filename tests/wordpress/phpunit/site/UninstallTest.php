<?php

final class UninstallTest extends CabinetTestCase {
	public function test_uninstalling_leaves_nothing(): void {
		global $wpdb;
		do_shortcode( '[cabinet_widget account=main widget=balance]' );
		update_option( 'cabinet_widgets_defaults', array( 'theme' => 'dark' ) );
		wp_schedule_single_event( time(), 'cabinet_widgets_refresh' );
		$id = $this->save( 'editor', 'x', array( 'post_status' => 'publish' ) );
		update_post_meta( $id, '_oembed_' . md5( 'ours' ), '<iframe src="' . self::SERVICE . '/w/main/balance"></iframe>' );
		update_post_meta( $id, '_oembed_time_' . md5( 'ours' ), time() );
		wp_insert_post( array( 'post_type' => 'oembed_cache', 'post_status' => 'publish', 'post_content' => '<iframe src="' . self::SERVICE . '/w/main/balance"></iframe>' ) );
		update_post_meta( $id, '_oembed_' . md5( 'other' ), '<iframe src="https://video.example/1"></iframe>' );
		set_transient( 'oembed_' . md5( 'ours' ), (object) array( 'html' => '<iframe src="' . self::SERVICE . '/w/main/balance"></iframe>' ), DAY_IN_SECONDS );
		$this->assertGreaterThan( 4, $this->left() );

		define( 'WP_UNINSTALL_PLUGIN', 'cabinet-widgets/cabinet-widgets.php' );
		require dirname( Cabinet_Widgets\FILE ) . '/uninstall.php';

		wp_cache_flush();
		$this->assertSame( 0, $this->left() );
		$this->assertFalse( wp_next_scheduled( 'cabinet_widgets_refresh' ) );
		$this->assertSame( array( '_oembed_' . md5( 'other' ) ), $wpdb->get_col( "SELECT meta_key FROM $wpdb->postmeta WHERE meta_key LIKE '%oembed%' AND post_id = $id" ) );
	}

	/** The number of database rows that belong to the plugin or its service. */
	private function left(): int {
		global $wpdb;
		$ours = '%cabinet%widgets%';
		$host = '%widgets.example.com%';
		return (int) $wpdb->get_var( $wpdb->prepare( "SELECT COUNT(*) FROM $wpdb->options WHERE option_name LIKE %s OR ( option_value LIKE %s AND option_name NOT LIKE 'active_plugins' ) OR option_value LIKE %s", $ours, $ours, $host ) )
			+ (int) $wpdb->get_var( $wpdb->prepare( "SELECT COUNT(*) FROM $wpdb->posts WHERE post_type = 'oembed_cache' AND post_content LIKE %s", $host ) )
			+ (int) $wpdb->get_var( $wpdb->prepare( "SELECT COUNT(*) FROM $wpdb->postmeta WHERE meta_value LIKE %s", $host ) );
	}
}
