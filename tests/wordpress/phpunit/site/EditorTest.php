<?php

/** What the block's scripts and the patterns get, and the set-up inside a post. */
final class EditorTest extends CabinetTestCase {
	public function test_every_widget_of_the_service_is_offered_and_only_those(): void {
		$choices = Cabinet_Widgets\editor_data()['widgets'];
		$this->assertSame( array( 'balance', 'growth', 'open-trades' ), array_keys( $choices ) );
		$this->assertSame( self::CATALOGUE['widgets']['growth']['options'], $choices['growth']['options'] );
	}

	public function test_a_widget_that_only_the_service_knows_is_offered_with_its_label(): void {
		$catalogue                   = self::CATALOGUE;
		$catalogue['widgets']['new'] = array( 'label' => 'Brand new' ) + $catalogue['widgets']['balance'];
		$this->service               = self::respond( 200, wp_json_encode( $catalogue ) );
		$choices                     = Cabinet_Widgets\editor_data()['widgets'];
		$this->assertSame( 'Brand new', $choices['new']['label'] );
		$this->assertSame( array( 'new' ), array_slice( array_keys( $choices ), -1 ) );
	}

	public function test_before_the_service_is_set_the_usual_widgets_are_offered_so_that_they_are_found(): void {
		delete_option( 'cabinet_widgets_service_url' );
		$data = Cabinet_Widgets\editor_data();
		$this->assertContains( 'growth', array_keys( $data['widgets'] ) );
		$this->assertNotContains( 'logins', array_keys( $data['widgets'] ), 'Not shown by default.' );
		$this->assertSame( array( '', false ), array( $data['service'], $data['reachable'] ) );
		$this->assertSame( array(), $this->requested );
	}

	public function test_every_widget_has_a_description_keywords_an_icon_and_a_picture(): void {
		foreach ( Cabinet_Widgets\known_widgets() as $name => $widget ) {
			foreach ( array( 'label', 'description', 'keywords' ) as $text ) {
				$this->assertNotSame( '', $widget[ $text ], $name );
			}
			$this->assertMatchesRegularExpression( '/^[MLHVCSAZmlhvcsaz0-9 .,-]+\z/', $widget['icon'] );
			$this->assertContains( $widget['picture'], array( 'figures', 'curve', 'bars', 'rows', 'grid' ) );
		}
	}

	public function test_patterns_contain_the_widgets_that_the_service_offers(): void {
		Cabinet_Widgets\fetch_catalogue();
		$requests = count( $this->requested );
		$blocks   = fn( $content ) => array_column( array_column( Cabinet_Widgets\blocks_in( parse_blocks( $content ) ), null ), 'widget' );
		$page     = array_fill_keys( array( 'growth', 'statistics', 'open-trades' ), array() );
		$this->assertSame( array( 'growth', 'open-trades' ), $blocks( Cabinet_Widgets\pattern( $page ) ) );
		$this->assertCount( $requests, $this->requested, 'Registering patterns sends no request.' );
		delete_transient( 'cabinet_widgets_catalogue' );
		$this->assertSame( array_keys( $page ), $blocks( Cabinet_Widgets\pattern( $page ) ) );
		$this->assertCount( $requests, $this->requested );
	}

	public function test_the_patterns_show_widgets_when_inserted(): void {
		foreach ( array( 'trader-page' => 4, 'sidebar' => 2 ) as $name => $number ) {
			$pattern = WP_Block_Patterns_Registry::get_instance()->get_registered( "cabinet-widgets/$name" );
			$this->assertCount( $number, Cabinet_Widgets\blocks_in( parse_blocks( $pattern['content'] ) ) );
		}
		update_option( 'cabinet_widgets_defaults', array( 'account' => 'main' ) );
		$this->assertCount( 2, $this->all( '//cabinet-widget', do_blocks( $pattern['content'] ) ) );
	}

	public function test_the_plain_style_has_no_background(): void {
		$catalogue = self::CATALOGUE;
		$catalogue['widgets']['balance']['options'][] = 'background';
		$this->service = self::respond( 200, wp_json_encode( $catalogue ) );
		$show          = fn( string $more ) => $this->one( '//cabinet-widget', do_blocks( "<!-- wp:cabinet-widgets/widget {\"account\":\"main\",\"widget\":\"balance\"$more} /-->" ) );
		$this->assertSame( 'none', $show( ',"className":"is-style-plain"' )->getAttribute( 'background' ) );
		$this->assertFalse( $show( '' )->hasAttribute( 'background' ) );
		$this->assertFalse( $show( ',"className":"is-style-card"' )->hasAttribute( 'background' ) );
		$this->assertFalse( $show( ',"className":"not-is-style-plainly"' )->hasAttribute( 'background' ) );
	}

	public function test_the_service_is_set_up_inside_a_post(): void {
		delete_option( 'cabinet_widgets_service_url' );
		$this->become( 'administrator' );
		$response = $this->connect( ' https://w.example.org/w/second/growth?theme=dark ' );
		$this->assertSame( 200, $response->get_status() );
		$this->assertSame( 'https://w.example.org', get_option( 'cabinet_widgets_service_url' ) );
		$this->assertSame( 'second', Cabinet_Widgets\defaults()['account'] );
		$this->assertSame( 'https://w.example.org', $response->get_data()['site']['service'] );
		$this->assertSame( 'second', $response->get_data()['site']['accounts'][0] );
		$this->assertStringNotContainsString( self::SECRET, wp_json_encode( $response->get_data() ) );
	}

	public function test_an_address_that_does_not_work_is_not_stored(): void {
		$this->become( 'administrator' );
		$this->service = new WP_Error( 'http_request_failed', 'cURL error 6: Could not resolve host: w.example.org' );
		foreach ( array( 'https://w.example.org' => 'There is no server of this name', 'http://w.example.org' => 'must begin with https://', 'javascript:alert(1)' => 'must begin with https://' ) as $address => $words ) {
			$response = $this->connect( $address )->get_data();
			$this->assertStringContainsString( $words, $response['problem'] );
			$this->assertArrayNotHasKey( 'site', $response );
			$this->assertSame( self::SERVICE, get_option( 'cabinet_widgets_service_url' ) );
		}
	}

	public function test_what_does_not_work_yet_is_said_at_once(): void {
		$this->become( 'administrator' );
		$this->service = fn( $url ) => false !== strpos( $url, '/embed.json' ) ? self::respond( 200, wp_json_encode( self::CATALOGUE ) ) : self::respond( 200, '', array( 'content-security-policy' => "frame-ancestors 'none'" ) );
		$warnings      = $this->connect( self::SERVICE . '/w/main/balance' )->get_data()['warnings'];
		$this->assertStringContainsString( 'main: browsers will not show the account on this site', implode( ' ', $warnings ) );
	}

	/** @dataProvider roles */
	public function test_only_an_administrator_may_set_up_the_service( string $role, int $status ): void {
		$this->become( $role );
		$this->assertSame( $status, $this->connect( 'https://w.example.org' )->get_status() );
		$this->assertSame( self::SERVICE, get_option( 'cabinet_widgets_service_url' ) );
		$this->assertSame( array(), $this->requested );
	}

	public static function roles(): array {
		return array(
			array( '', 401 ),
			array( 'subscriber', 403 ),
			array( 'author', 403 ),
			array( 'editor', 403 ),
		);
	}

	/** @dataProvider accounts */
	public function test_in_the_editor_a_note_says_that_browsers_will_refuse_the_frame( string $account ): void {
		$ancestors     = "'none'";
		$this->service = function ( $url ) use ( &$ancestors ) {
			return false !== strpos( $url, '/embed.json' ) ? self::respond( 200, wp_json_encode( self::CATALOGUE ) ) : self::respond( 200, '', array( 'content-security-policy' => "frame-ancestors $ancestors" ) );
		};
		$this->become( 'author' );
		$this->assertStringContainsString( "$account: browsers will not show the account", $this->preview( $account ) );
		$requests = count( $this->requested );
		$this->preview( $account );
		$this->assertCount( $requests, $this->requested, 'Remembered.' );
		$ancestors = Cabinet_Widgets\origin();
		$minute    = array_map( fn( $one ) => array( 'until' => time() ) + $one, get_transient( 'cabinet_widgets_framing' ) );
		set_transient( 'cabinet_widgets_framing', $minute ); // As while the author works on other widgets.
		$this->assertStringNotContainsString( 'browsers will not show', $this->preview( $account ) );
	}

	public static function accounts(): array {
		return array( array( 'main' ), array( 'vault' ) );
	}

	private function preview( string $account ): string {
		$request = new WP_REST_Request( 'GET', '/wp/v2/block-renderer/cabinet-widgets/widget' );
		$request->set_query_params( array( 'context' => 'edit', 'attributes' => array( 'account' => $account, 'widget' => 'balance', 'className' => 'is-style-plain' ) ) );
		return rest_do_request( $request )->get_data()['rendered'];
	}
}
