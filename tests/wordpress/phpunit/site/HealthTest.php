<?php

require_once __DIR__ . '/../WP_CLI.php';

/** Site Health, the privacy policy and the command line. */
final class HealthTest extends CabinetTestCase {
	/** @dataProvider secrets */
	public function test_site_health_says_whether_the_accounts_can_be_shown( int $status_of_widgets, string $status ): void {
		$this->service = fn( $url ) => false !== strpos( $url, '/embed.json' ) ? self::respond( 200, wp_json_encode( self::CATALOGUE ) ) : self::respond( $status_of_widgets, '' );
		$this->become( 'administrator' );
		$test = Cabinet_Widgets\add_health_test( array() )['async']['cabinet_widgets'];
		$this->assertStringContainsString( 'cabinet-widgets/v1/health', $test['test'] );
		$response = rest_do_request( new WP_REST_Request( 'GET', '/cabinet-widgets/v1/health' ) );
		$this->assertSame( $status, $response->get_data()['status'] );
		$this->assertStringContainsString( 'version 1.2.3', $response->get_data()['description'] );
		$this->assertSame( $response->get_data(), $test['async_direct_test']() );
	}

	public static function secrets(): array {
		return array(
			'accepted' => array( 200, 'good' ),
			'refused'  => array( 401, 'recommended' ),
		);
	}

	public function test_without_a_service_there_is_no_test(): void {
		delete_option( 'cabinet_widgets_service_url' );
		$this->assertSame( array(), Cabinet_Widgets\add_health_test( array() ) );
	}

	/** @dataProvider roles */
	public function test_only_those_who_see_site_health_may_run_the_test( string $role, int $status ): void {
		$this->become( $role );
		$this->assertSame( $status, rest_do_request( new WP_REST_Request( 'GET', '/cabinet-widgets/v1/health' ) )->get_status() );
		$this->assertSame( array(), $this->requested );
	}

	public static function roles(): array {
		return array(
			array( '', 401 ),
			array( 'editor', 403 ),
		);
	}

	/** @dataProvider checks */
	public function test_the_command_line_says_what_works_and_fails_if_anything_does_not( int $status_of_widgets, string $line, ?int $code ): void {
		$this->service  = fn( $url ) => false !== strpos( $url, '/embed.json' ) ? self::respond( 200, wp_json_encode( self::CATALOGUE ) ) : self::respond( $status_of_widgets, '' );
		WP_CLI::$lines  = array();
		WP_CLI::$code   = null;
		Cabinet_Widgets\check_in_terminal();
		$this->assertStringStartsWith( '✓ The service responds', WP_CLI::$lines[0] );
		$this->assertStringStartsWith( $line, WP_CLI::$lines[1] );
		$this->assertSame( $code, WP_CLI::$code );
	}

	public static function checks(): array {
		return array(
			'accepted' => array( 200, '✓ vault: the secret is correct', null ),
			'refused'  => array( 401, '✗ vault: the service does not accept this embed secret', 1 ),
		);
	}

	public function test_the_privacy_policy_says_what_visitors_browsers_do(): void {
		$this->assertStringContainsString( 'learns your IP address', Cabinet_Widgets\privacy_text() );
	}
}
