<?php

/** A network of two sites. */
final class NetworkTest extends CabinetTestCase {
	private int $second;

	protected function setUp(): void {
		parent::setUp();
		$sites        = get_sites( array( 'path' => '/second/' ) );
		$this->second = $sites ? (int) $sites[0]->blog_id : wpmu_create_blog( $_SERVER['HTTP_HOST'], '/second/', 'Second', 1 );
		$this->assertIsInt( $this->second );
	}

	public function test_each_site_has_its_own_settings(): void {
		switch_to_blog( $this->second );
		$this->assertSame( '', Cabinet_Widgets\service_url() );
		update_option( 'cabinet_widgets_service_url', 'https://second.example.com' );
		$this->assertStringContainsString( 'https://second.example.com/w/main/balance', do_shortcode( '[cabinet_widget account=main widget=balance]' ) );
		restore_current_blog();
		$this->assertStringContainsString( self::SERVICE . '/w/main/balance', do_shortcode( '[cabinet_widget account=main widget=balance]' ) );
	}

	public function test_a_grant_of_one_site_is_invalid_on_another(): void {
		$grant = Cabinet_Widgets\grant( array( 'account' => 'vault', 'widget' => 'balance', 'options' => array(), 'for' => 'everyone', 'post' => 0 ) );
		$this->assertArrayHasKey( 'token', $this->fetch_tokens( $grant )[0] );
		switch_to_blog( $this->second );
		update_option( 'cabinet_widgets_embed_secrets', array( 'vault' => self::SECRET ) );
		$this->assertArrayNotHasKey( 'token', $this->fetch_tokens( $grant )[0] );
		restore_current_blog();
	}

	public function test_a_user_of_the_network_who_is_not_a_member_of_the_site_has_no_access(): void {
		switch_to_blog( $this->second );
		$user = get_user_by( 'login', 'subscriber' )->ID;
		$this->assertFalse( Cabinet_Widgets\is_for( 'members', new WP_User( $user ) ) );
		add_user_to_blog( $this->second, $user, 'subscriber' );
		$this->assertTrue( Cabinet_Widgets\is_for( 'members', new WP_User( $user ) ) );
		restore_current_blog();
	}

	public function test_the_administrator_of_a_site_cannot_request_private_addresses(): void {
		update_option( 'cabinet_widgets_service_url', 'http://127.0.0.1:8123' );
		remove_filter( 'pre_http_request', array( $this, 'play_service' ), 10 );
		$response = Cabinet_Widgets\request_service( '/embed.json' );
		$this->assertInstanceOf( WP_Error::class, $response );
		$this->assertSame( 'A valid URL was not provided.', $response->get_error_message() );
		$this->assertFalse( wp_http_validate_url( 'http://127.0.0.1:8123/oembed' ) );
	}

	public function test_only_an_administrator_of_the_network_chooses_the_service_since_pages_load_its_script(): void {
		add_user_to_blog( get_current_blog_id(), get_user_by( 'login', 'author' )->ID, 'administrator' );
		$this->become( 'author' );
		update_option( 'cabinet_widgets_service_url', 'https://w.example.org' );
		$this->assertSame( self::SERVICE, Cabinet_Widgets\service_url() );
		$this->assertSame( 403, $this->connect( 'https://w.example.org' )->get_status() );
		$this->assertFalse( Cabinet_Widgets\editor_data()['mayConfigure'] );
		$html = $this->settings_page();
		$this->assertCount( 0, $this->all( '//input[@name="cabinet_widgets_service_url"]', $html ) );
		$this->assertStringContainsString( self::SERVICE, $html );
		$this->assertCount( 1, $this->all( '//input[@name="cabinet_widgets_embed_secrets[vault]" and @type="password"]', $html ), 'Secrets are the site’s own.' );
		$this->become( 'administrator' );
		$this->assertSame( 200, $this->connect( 'https://w.example.org' )->get_status() );
		$this->assertSame( 'https://w.example.org', Cabinet_Widgets\service_url() );
	}

	public function test_zzz_uninstalling_leaves_nothing_on_any_site(): void {
		$options = fn() => array_map(
			function ( $site ) {
				switch_to_blog( $site );
				global $wpdb;
				$found = $wpdb->get_col( "SELECT option_name FROM $wpdb->options WHERE option_name LIKE '%cabinet%widgets%'" );
				restore_current_blog();
				return $found;
			},
			array( get_current_blog_id(), $this->second )
		);
		switch_to_blog( $this->second );
		update_option( 'cabinet_widgets_service_url', self::SERVICE );
		do_shortcode( '[cabinet_widget account=main widget=balance]' );
		restore_current_blog();
		$this->assertNotContains( array(), $options() );
		define( 'WP_UNINSTALL_PLUGIN', 'cabinet-widgets/cabinet-widgets.php' );
		require dirname( Cabinet_Widgets\FILE ) . '/uninstall.php';
		$this->assertSame( array( array(), array() ), $options() );
	}
}
