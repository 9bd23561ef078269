<?php

final class SettingsTest extends CabinetTestCase {
	/** @dataProvider addresses */
	public function test_a_pasted_address_is_stored_or_the_old_one_remains( string $pasted, string $stored ): void {
		update_option( 'cabinet_widgets_service_url', $pasted );
		$this->assertSame( $stored, get_option( 'cabinet_widgets_service_url' ) );
		$this->assertSame( self::SERVICE === $stored ? 1 : 0, count( get_settings_errors( 'cabinet-widgets' ) ) );
	}

	public static function addresses(): array {
		$good = 'https://w.example.org';
		return array(
			'plain'             => array( "$good", $good ),
			'a slash'           => array( "  $good//  ", $good ),
			'no scheme'         => array( 'w.example.org', $good ),
			'a port'            => array( "$good:8443/", "$good:8443" ),
			'a folder'          => array( "$good/figures/", "$good/figures" ),
			'of a widget'       => array( "$good/w/main/balance?theme=dark#x", $good ),
			'of the loader'     => array( "$good/embed.js", $good ),
			'of the catalogue'  => array( "$good/embed.json", $good ),
			'of oEmbed'         => array( "$good/figures/oembed?url=x", "$good/figures" ),
			'capitals'          => array( 'HTTPS://W.Example.ORG', $good ),
			'loopback'          => array( 'http://127.0.0.1:8000/', 'http://127.0.0.1:8000' ),
			'loopback, short'   => array( '127.0.0.1:8000', 'http://127.0.0.1:8000' ),
			'localhost'         => array( 'http://localhost:8000', 'http://localhost:8000' ),
			'none'              => array( ' ', '' ),
			'not encrypted'     => array( 'http://w.example.org', self::SERVICE ),
			'a script'          => array( 'javascript:alert(1)', self::SERVICE ),
			'a script of sorts' => array( 'javascript://w.example.org/%0aalert(1)', self::SERVICE ),
			'a password'        => array( 'https://me:secret@w.example.org', self::SERVICE ),
			'a quote'           => array( 'https://w.example.org/" onload="x', self::SERVICE ),
			'a tag'             => array( 'https://<b>', self::SERVICE ),
			'nothing'           => array( 'https://', self::SERVICE ),
		);
	}

	public function test_the_account_of_a_widget_that_was_pasted_becomes_the_default_one(): void {
		Cabinet_Widgets\clean_url( Cabinet_Widgets\clean_url( 'https://w.example.org/w/second/balance' ) ); // WordPress cleans a new option twice.
		update_option( 'cabinet_widgets_defaults', array( 'account' => '' ) );
		$this->assertSame( 'second', Cabinet_Widgets\defaults()['account'] );
		update_option( 'cabinet_widgets_defaults', array( 'account' => 'mine' ) );
		$this->assertSame( 'mine', Cabinet_Widgets\defaults()['account'] );
	}

	public function test_secrets_can_be_left_replaced_added_and_removed(): void {
		$other = str_repeat( 'o', 32 );
		$set   = function ( array $value ) {
			update_option( 'cabinet_widgets_embed_secrets', $value );
			return get_option( 'cabinet_widgets_embed_secrets' );
		};
		$this->assertSame( array( 'vault' => self::SECRET ), $set( array( 'vault' => '' ) ) );
		$this->assertSame( array( 'vault' => self::SECRET ), $set( array( 'vault' => 'set' ) ) );
		$this->assertSame( array( 'vault' => self::SECRET, 'b' => $other ), $set( array( 'vault' => '', '+' => array( 'account' => 'b', 'secret' => $other ) ) ) );
		$this->assertSame( array( 'vault' => "$other,$other", 'b' => $other ), $set( array( 'vault' => "$other,$other", 'b' => 'set' ) ) );
		$this->assertSame( array( 'b' => $other ), $set( array( 'vault' => 'remove', 'b' => '' ) ) );
		$this->assertSame( array(), $set( array() ) );
	}

	public function test_a_secret_that_is_too_short_is_refused_and_the_old_one_remains(): void {
		foreach ( array( 'short', str_repeat( 'x', 31 ), str_repeat( 'x', 40 ) . ',short' ) as $bad ) {
			update_option( 'cabinet_widgets_embed_secrets', array( 'vault' => $bad ) );
			$this->assertSame( array( 'vault' => self::SECRET ), get_option( 'cabinet_widgets_embed_secrets' ) );
		}
		update_option( 'cabinet_widgets_embed_secrets', array( 'vault' => '', 'No Slug' => self::SECRET, 'c' => array( 'x' ) ) );
		$this->assertSame( array( 'vault' => self::SECRET ), get_option( 'cabinet_widgets_embed_secrets' ) );
		$this->assertNotEmpty( get_settings_errors( 'cabinet-widgets' ) );
	}

	public function test_malformed_defaults_are_dropped(): void {
		$clean = fn( array $value ) => Cabinet_Widgets\clean_defaults( $value );
		$none  = array( 'theme' => '', 'lang' => '', 'account' => '' );
		$this->assertSame( array( 'theme' => 'dark', 'lang' => 'pt-BR', 'account' => 'main' ), $clean( array( 'theme' => 'dark', 'lang' => 'pt_BR', 'account' => 'main', 'more' => 'x' ) ) );
		$this->assertSame( $none, $clean( array( 'theme' => 'pink', 'lang' => '"><b>', 'account' => 'A B' ) ) );
		$this->assertSame( $none, $clean( array( 'theme' => array(), 'lang' => array(), 'account' => array() ) ) );
	}

	/** @dataProvider roles */
	public function test_over_rest_only_an_administrator_reads_and_writes_the_settings( string $role, int $status ): void {
		$this->become( $role );
		$this->assertSame( $status, rest_do_request( new WP_REST_Request( 'GET', '/wp/v2/settings' ) )->get_status() );
		$response = $this->write( array( 'cabinet_widgets_service_url' => 'https://w.example.org', 'cabinet_widgets_defaults' => array( 'theme' => 'dark' ) ) );
		$this->assertSame( $status, $response->get_status() );
		$this->assertSame( 200 === $status ? 'https://w.example.org' : self::SERVICE, get_option( 'cabinet_widgets_service_url' ) );
	}

	public static function roles(): array {
		return array(
			'nobody'        => array( '', 401 ),
			'subscriber'    => array( 'subscriber', 403 ),
			'contributor'   => array( 'contributor', 403 ),
			'author'        => array( 'author', 403 ),
			'editor'        => array( 'editor', 403 ),
			'administrator' => array( 'administrator', 200 ),
		);
	}

	public function test_over_rest_secrets_are_written_and_never_read(): void {
		$this->become( 'administrator' );
		$other  = str_repeat( 'o', 32 );
		$response = $this->write( array( 'cabinet_widgets_embed_secrets' => array( 'vault' => 'set', 'b' => $other ) ) );
		$this->assertSame( array( 'vault' => self::SECRET, 'b' => $other ), get_option( 'cabinet_widgets_embed_secrets' ) );
		$read = rest_do_request( new WP_REST_Request( 'GET', '/wp/v2/settings' ) )->get_data();
		$this->assertSame( array( 'vault' => 'set', 'b' => 'set' ), $read['cabinet_widgets_embed_secrets'] );
		foreach ( array( $response->get_data(), $read ) as $data ) {
			$this->assertStringNotContainsString( self::SECRET, wp_json_encode( $data ) );
			$this->assertStringNotContainsString( $other, wp_json_encode( $data ) );
		}
	}

	/** @dataProvider nonsense */
	public function test_over_rest_nonsense_is_refused( array $settings ): void {
		$this->become( 'administrator' );
		$this->assertSame( 400, $this->write( $settings )->get_status() );
	}

	public static function nonsense(): array {
		return array(
			array( array( 'cabinet_widgets_service_url' => 'javascript:alert(1)' ) ),
			array( array( 'cabinet_widgets_service_url' => array( 'x' ) ) ),
			array( array( 'cabinet_widgets_embed_secrets' => 'x' ) ),
			array( array( 'cabinet_widgets_embed_secrets' => array( 'a' => array( 'x' ) ) ) ),
			array( array( 'cabinet_widgets_defaults' => array( 'theme' => 'pink' ) ) ),
			array( array( 'cabinet_widgets_defaults' => array( 'more' => 'x' ) ) ),
		);
	}

	public function test_secrets_are_not_among_the_options_that_every_page_loads(): void {
		$this->assertNotEmpty( get_option( 'cabinet_widgets_embed_secrets' ) );
		$this->assertArrayNotHasKey( 'cabinet_widgets_embed_secrets', wp_load_alloptions( true ) );
		update_option( 'cabinet_widgets_embed_secrets', array( 'other' => self::SECRET ) );
		$this->assertArrayNotHasKey( 'cabinet_widgets_embed_secrets', wp_load_alloptions( true ) );
		$this->assertArrayHasKey( 'cabinet_widgets_service_url', wp_load_alloptions( true ) );
	}

	public function test_no_secret_is_in_the_settings_page(): void {
		$this->become( 'administrator' );
		$html = $this->settings_page();
		$this->assertStringNotContainsString( self::SECRET, $html );
		$this->assertSame( '', $this->one( '//input[@name="cabinet_widgets_embed_secrets[vault]" and @type="password"]', $html )->getAttribute( 'value' ) );
		foreach ( array( 'service_url', 'defaults[account]', 'defaults[theme]', 'defaults[lang]' ) as $field ) {
			$this->assertCount( 1, $this->all( "//label[@for='cabinet_widgets_$field']", $html ), 'Every field has its label.' );
			$this->assertCount( 1, $this->all( "//*[@id='cabinet_widgets_$field']", $html ) );
		}
		$this->assertStringContainsString( 'Test the connection', $html );
	}

	public function test_saving_tests_the_connection(): void {
		$this->become( 'administrator' );
		$this->assertStringNotContainsString( 'The service responds', $this->settings_page() );
		add_settings_error( 'general', 'settings_updated', 'Settings saved.', 'success' );
		$this->assertStringContainsString( 'The service responds', $this->settings_page() );
	}

	public function test_the_connection_is_tested_with_a_nonce_only(): void {
		$this->become( 'administrator' );
		$_GET['test'] = '1';
		add_filter( 'wp_die_handler', fn() => fn() => $this->throw_died() );
		$this->expectExceptionMessage( 'died' );
		ob_start();
		try {
			Cabinet_Widgets\show_results();
		} finally {
			ob_end_clean();
			remove_all_filters( 'wp_die_handler' );
			$this->assertSame( array(), $this->requested );
		}
	}

	private function throw_died(): void {
		throw new RuntimeException( 'died' );
	}

	/** The last test of its file, since a constant cannot be removed. */
	public function test_zzz_the_constant_takes_precedence_over_stored_secrets(): void {
		$fixed = str_repeat( 'f', 32 );
		define( 'CABINET_WIDGETS_EMBED_SECRETS', wp_json_encode( array( 'vault' => $fixed, 'c' => $fixed, 'd' => 7 ) ) );
		update_option( 'cabinet_widgets_embed_secrets', array( 'vault' => 'set', 'b' => str_repeat( 'b', 32 ) ) );
		$this->assertSame( array( 'vault' => $fixed, 'b' => str_repeat( 'b', 32 ), 'c' => $fixed ), Cabinet_Widgets\secrets() );
		$this->assertSame( $fixed, Cabinet_Widgets\signing_secret( 'vault' ) );
		$this->become( 'administrator' );
		ob_start();
		Cabinet_Widgets\show_secrets();
		$html = ob_get_clean();
		$this->assertStringContainsString( 'Set in wp-config.php', $html );
		$this->assertStringNotContainsString( $fixed, $html );
	}

	private function write( array $settings ): WP_REST_Response {
		$request = new WP_REST_Request( 'POST', '/wp/v2/settings' );
		$request->set_body_params( $settings );
		return rest_do_request( $request );
	}
}
