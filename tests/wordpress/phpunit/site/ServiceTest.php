<?php

final class ServiceTest extends CabinetTestCase {
	const TOP = '[cabinet_widget account=main widget=balance]';

	public function test_many_widgets_cause_one_request_to_the_service(): void {
		do_shortcode( str_repeat( self::TOP, 5 ) );
		do_shortcode( self::TOP );
		$this->assertSame( array( self::SERVICE . '/embed.json' ), $this->requested );
	}

	public function test_an_old_catalogue_is_used_and_refreshed_in_the_background(): void {
		do_shortcode( self::TOP );
		$this->age( HOUR_IN_SECONDS + 1 );
		$this->service = self::respond( 200, str_replace( '180', '222', wp_json_encode( self::CATALOGUE ) ) );
		$this->assertStringContainsString( 'height:180px', do_shortcode( self::TOP ) );
		$this->assertCount( 1, $this->requested, 'No visitor waits.' );
		$this->assertNotFalse( wp_next_scheduled( 'cabinet_widgets_refresh' ) );
		do_action( 'cabinet_widgets_refresh' );
		$this->assertStringContainsString( 'height:222px', do_shortcode( self::TOP ) );
	}

	/** @dataProvider failures */
	public function test_while_the_service_is_down_the_cached_catalogue_is_used( $failure ): void {
		do_shortcode( self::TOP );
		$this->service = $failure;
		do_action( 'cabinet_widgets_refresh' );
		$this->assertStringContainsString( 'height:180px', do_shortcode( self::TOP ) );
	}

	/** @dataProvider failures */
	public function test_a_service_that_never_responded_is_requested_once_a_minute_and_the_widget_is_still_rendered( $failure ): void {
		$this->service = $failure;
		$html          = do_shortcode( str_repeat( '[cabinet_widget account=main widget=growth period=7d]', 3 ) );
		$this->assertCount( 1, $this->requested );
		$this->assertCount( 3, $this->all( '//cabinet-widget[@account="main" and @widget="growth" and @period="7d"]', $html ) );
		$this->assertStringContainsString( 'height:320px', $html );
		$this->age( 61 );
		$this->service = self::respond( 200, wp_json_encode( self::CATALOGUE ) );
		$this->assertStringContainsString( 'height:180px', do_shortcode( self::TOP ) );
		$this->assertCount( 2, $this->requested );
	}

	public static function failures(): array {
		return array(
			'unreachable'         => array( new WP_Error( 'http_request_failed', 'Connection refused' ) ),
			'an error'            => array( self::respond( 502, '{"widgets": {"balance": {}}}' ) ),
			'a page'              => array( self::respond( 200, '<html>Parked domain</html>' ) ),
			'other JSON'          => array( self::respond( 200, '{"widgets": []}' ) ),
			'nonsense'            => array( self::respond( 200, '{"widgets": {"../x": {}, "balance": 7}}' ) ),
		);
	}

	public function test_a_new_address_causes_a_new_request(): void {
		do_shortcode( self::TOP );
		update_option( 'cabinet_widgets_service_url', 'https://other.example.com' );
		do_shortcode( self::TOP );
		$this->assertSame( 'https://other.example.com/embed.json', end( $this->requested ) );
	}

	/** @dataProvider statuses_of_the_usual_account */
	public function test_if_the_service_lists_no_accounts_the_usual_one_is_known_if_it_exists( int $status, array $known ): void {
		update_option( 'cabinet_widgets_embed_secrets', array() );
		$catalogue     = wp_json_encode( array( 'accounts' => array() ) + self::CATALOGUE );
		$this->service = fn( $url ) => false !== strpos( $url, '/embed.json' ) ? self::respond( 200, $catalogue ) : self::respond( $status, '' );
		$this->assertSame( $known, Cabinet_Widgets\known_accounts() );
		$this->assertSame( array( self::SERVICE . '/embed.json', self::SERVICE . '/w/main/balance' ), $this->requested );
		$this->assertSame( $known, Cabinet_Widgets\known_accounts() );
		$this->assertCount( 2, $this->requested, 'Remembered.' );
	}

	public static function statuses_of_the_usual_account(): array {
		return array(
			'open'      => array( 200, array( 'main' ) ),
			'closed'    => array( 401, array( 'main' ) ),
			'not there' => array( 404, array() ),
		);
	}

	public function test_strange_numbers_from_the_service_are_limited(): void {
		$odd = array( 'widgets' => array( 'balance' => array( 'label' => array(), 'height' => -5, 'row_height' => 'x', 'rows' => 1e12, 'options' => array( 'theme', 'on load', 7, 'onload"' ) ) ), 'accounts' => array( 'main', 'no slug', 7 ) );
		$read = Cabinet_Widgets\read_catalogue( wp_json_encode( $odd ) );
		$this->assertSame( array( 'main' ), $read['accounts'] );
		$this->assertSame(
			array(
				'label'      => 'balance',
				'height'     => 0,
				'row_height' => 0,
				'heading'    => 0,
				'rows'       => 10000,
				'options'    => array( 'theme' ),
			),
			$read['widgets']['balance']
		);
	}

	public function test_only_the_services_own_address_is_trusted_on_its_host(): void {
		update_option( 'cabinet_widgets_service_url', 'http://127.0.0.3:8123' );
		$this->assertNotFalse( wp_http_validate_url( 'http://127.0.0.3:8123/oembed' ) );
		$this->assertFalse( wp_http_validate_url( 'http://127.0.0.2:8123/oembed' ) );
		$this->assertFalse( wp_http_validate_url( 'http://127.0.0.3:8124/oembed' ) );
		$this->assertFalse( wp_http_validate_url( 'http://127.0.0.3:8080/manager' ) );
		$this->assertFalse( wp_http_validate_url( 'http://127.0.0.3/server-status' ) );
		delete_option( 'cabinet_widgets_service_url' );
		$this->assertFalse( wp_http_validate_url( 'http://127.0.0.3:8123/oembed' ) );
	}

	/** @dataProvider findings */
	public function test_the_connection_test_explains_what_is_wrong( $service, array $expected ): void {
		$this->service = $service;
		$lines         = Cabinet_Widgets\test_connection();
		$this->assertSame( array_column( $expected, 0 ), array_column( $lines, 0 ) );
		foreach ( $expected as $i => list( , $words ) ) {
			$this->assertStringContainsString( $words, $lines[ $i ][1] );
			$this->assertStringNotContainsString( self::SECRET, $lines[ $i ][1] );
		}
	}

	/** @dataProvider findings_of_the_default_account */
	public function test_the_connection_test_includes_the_default_account( int $status, string $ancestors, array $expected ): void {
		update_option( 'cabinet_widgets_defaults', array( 'account' => 'main' ) );
		$this->service = fn( $url ) => false !== strpos( $url, '/embed.json' )
			? self::respond( 200, wp_json_encode( self::CATALOGUE ) )
			: self::respond( false === strpos( $url, '/w/main/' ) ? 200 : $status, '', array( 'content-security-policy' => "frame-ancestors $ancestors" ) );
		$lines         = Cabinet_Widgets\test_connection();
		$this->assertCount( 3, $lines );
		$this->assertSame( $expected[0], $lines[2][0] );
		$this->assertStringContainsString( "main: $expected[1]", $lines[2][1] );
		$this->assertStringNotContainsString( 'token=', end( $this->requested ) );
		update_option( 'cabinet_widgets_defaults', array( 'account' => 'vault' ) );
		$this->assertCount( 2, Cabinet_Widgets\test_connection(), 'An account with a secret is tested once.' );
	}

	public static function findings_of_the_default_account(): array {
		return array(
			'everything works'  => array( 200, '*', array( true, 'the figures are available.' ) ),
			'closed'            => array( 401, '*', array( true, 'the account is closed. Visitors have to enter its password' ) ),
			'mistyped'          => array( 404, '*', array( false, 'the service has no such account' ) ),
			'other networks'    => array( 403, '*', array( false, 'the account is available to certain networks only' ) ),
			'upstream down'     => array( 503, '*', array( false, 'the figures are not available at the moment (status 503)' ) ),
			'may not be framed' => array( 200, "'none'", array( false, 'browsers will not show the account on this site' ) ),
		);
	}

	public static function findings(): array {
		$widget = fn( int $status, string $ancestors = '*' ) => fn( $url ) => false !== strpos( $url, '/embed.json' )
			? self::respond( 200, wp_json_encode( self::CATALOGUE ) )
			: self::respond( $status, '', array( 'content-security-policy' => "default-src 'none'; frame-ancestors $ancestors" ) );
		$good   = array( true, 'version 1.2.3, widgets: 3' );
		// A catalogue that a cache stored a minute ago, with a clock that is wrong by some seconds.
		$dated = fn( int $seconds ) => fn() => self::respond(
			200,
			wp_json_encode( self::CATALOGUE ),
			array(
				'date' => gmdate( 'D, d M Y H:i:s', time() + $seconds - 60 ) . ' GMT',
				'age'  => '60',
			)
		);
		return array(
			'unreachable'       => array( new WP_Error( 'x', 'Could not resolve host' ), array( array( false, 'cannot be reached from this server. Could not resolve host' ) ) ),
			'another site'      => array( self::respond( 200, '<html>' ), array( array( false, 'not as a Cabinet Widgets service' ) ) ),
			'no such name'      => array( new WP_Error( 'http_request_failed', 'cURL error 6: Could not resolve host: x' ), array( array( false, 'There is no server of this name.' ) ) ),
			'nothing listens'   => array( new WP_Error( 'http_request_failed', 'cURL error 7: Failed to connect' ), array( array( false, 'Nothing accepts connections there.' ) ) ),
			'too slow'          => array( new WP_Error( 'http_request_failed', 'cURL error 28: Operation timed out after 5001 milliseconds' ), array( array( false, 'It did not respond within five seconds.' ) ) ),
			'no HTTPS'          => array( new WP_Error( 'http_request_failed', 'cURL error 35: error:0A00010B:SSL routines::wrong version number' ), array( array( false, 'does not use HTTPS on this port' ) ) ),
			'a certificate'     => array( new WP_Error( 'http_request_failed', 'cURL error 60: SSL certificate problem' ), array( array( false, 'certificate is not valid' ) ) ),
			'blocked'           => array( new WP_Error( 'http_request_not_executed', 'User has blocked requests through HTTP.' ), array( array( false, 'WP_HTTP_BLOCK_EXTERNAL' ) ) ),
			'without cURL'      => array( new WP_Error( 'http_request_failed', 'fsocket: php_network_getaddresses: getaddrinfo failed' ), array( array( false, 'There is no server of this name.' ) ) ),
			'a redirect'        => array( self::respond( 301, '', array( 'location' => 'https://other.example.com/' ) ), array( array( false, 'redirects to https://other.example.com/. Enter that address.' ) ) ),
			'an old version'    => array( self::respond( 200, wp_json_encode( array( 'version' => '0.0.9' ) + self::CATALOGUE ) ), array( array( false, 'has version 0.0.9. This plugin needs version 0.1.0' ) ) ),
			'a wrong clock'     => array( $dated( 90 ), array( $good, array( false, 'differ by 90 seconds' ), array( true, 'vault: the secret is correct' ) ) ),
			'clocks agree'      => array( $dated( 25 ), array( $good, array( true, 'vault: the secret is correct' ) ) ),
			'not found'         => array( self::respond( 404, '' ), array( array( false, 'status 404' ) ) ),
			'everything works'  => array( $widget( 200 ), array( $good, array( true, 'vault: the secret is correct.' ) ) ),
			'wrong secret'      => array( $widget( 401 ), array( $good, array( false, 'vault: the service does not accept this embed secret' ) ) ),
			'no such account'   => array( $widget( 404 ), array( $good, array( false, 'vault: the service has no such account' ) ) ),
			'other networks'    => array( $widget( 403 ), array( $good, array( false, 'certain networks only' ) ) ),
			'upstream down'     => array( $widget( 503 ), array( $good, array( false, 'not available at the moment (status 503)' ) ) ),
			'may not be framed' => array( $widget( 200, "'none'" ), array( $good, array( false, 'to its allowed_origins' ) ) ),
			'framed by us'      => array( fn( $url ) => $widget( 200, Cabinet_Widgets\origin() )( $url ), array( $good, array( true, 'correct' ) ) ),
		);
	}

	/** Makes the cached catalogue older. */
	private function age( int $seconds ): void {
		$cached           = get_transient( 'cabinet_widgets_catalogue' );
		$cached['asked'] -= $seconds;
		set_transient( 'cabinet_widgets_catalogue', $cached );
	}
}
