<?php

use PHPUnit\Framework\TestCase;

/**
 * A WordPress with the plugin, the address set, an open account "main" and a closed one "vault"; the service is played
 * by `$this->service`, and `$this->requested` lists the requested addresses.
 */
abstract class CabinetTestCase extends TestCase {
	const SERVICE   = 'https://widgets.example.com';
	const SECRET    = 'a secret for tests of more than 32 bytes';
	const CATALOGUE = array(
		'version'  => '1.2.3',
		'accounts' => array( 'main' ),
		'widgets'  => array(
			'balance'     => array(
				'label'      => 'Balance',
				'height'     => 180,
				'row_height' => 0,
				'heading'    => 40,
				'rows'       => 0,
				'options'    => array( 'theme', 'accent', 'lang', 'tz', 'title', 'refresh' ),
			),
			'open-trades' => array(
				'label'      => 'Open trades',
				'height'     => 120,
				'row_height' => 36,
				'heading'    => 40,
				'rows'       => 10,
				'options'    => array( 'theme', 'accent', 'lang', 'tz', 'title', 'refresh', 'rows', 'group' ),
			),
			'growth'      => array(
				'label'      => 'Growth',
				'height'     => 320,
				'row_height' => 0,
				'heading'    => 40,
				'rows'       => 0,
				'options'    => array( 'theme', 'accent', 'lang', 'tz', 'title', 'refresh', 'period', 'from', 'to' ),
			),
		),
	);

	/** @var callable|array|WP_Error */
	protected $service;
	protected array $requested = array();

	protected function setUp(): void {
		wp_set_current_user( 0 );
		foreach ( array( 'service_url', 'embed_secrets', 'defaults' ) as $option ) {
			delete_option( "cabinet_widgets_$option" );
		}
		delete_transient( 'cabinet_widgets_catalogue' );
		delete_transient( 'cabinet_widgets_framing' );
		wp_clear_scheduled_hook( 'cabinet_widgets_refresh' );
		$GLOBALS['wp_settings_errors'] = array();
		unset( $GLOBALS['post'] );
		$GLOBALS['wp_query'] = new WP_Query();
		$_GET                = array();
		$_REQUEST            = array();
		unset( $_SERVER['HTTP_ORIGIN'], $_COOKIE[ LOGGED_IN_COOKIE ] );
		Cabinet_Widgets\current_routes( array() );
		Cabinet_Widgets\pasted_account( '' );

		$this->service = self::respond( 200, wp_json_encode( self::CATALOGUE ) );
		add_filter( 'pre_http_request', array( $this, 'play_service' ), 10, 3 );
		update_option( 'cabinet_widgets_service_url', self::SERVICE );
		update_option( 'cabinet_widgets_embed_secrets', array( 'vault' => self::SECRET ) );
		$GLOBALS['wp_scripts'] = null;
		Cabinet_Widgets\register_scripts();
		Cabinet_Widgets\register_editor_scripts();
	}

	protected function tearDown(): void {
		remove_filter( 'pre_http_request', array( $this, 'play_service' ), 10 );
	}

	/** Responds in place of the service. */
	public function play_service( $result, array $request, string $url ) {
		$this->requested[] = $url;
		return is_array( $this->service ) || $this->service instanceof WP_Error ? $this->service : ( $this->service )( $url );
	}

	/** An HTTP response. */
	protected static function respond( int $status, string $body, array $headers = array() ): array {
		return array(
			'headers'  => $headers,
			'body'     => $body,
			'cookies'  => array(),
			'response' => array(
				'code'    => $status,
				'message' => '',
			),
		);
	}

	protected function become( string $role ): void {
		wp_set_current_user( '' === $role ? 0 : get_user_by( 'login', $role )->ID );
	}

	/** Saves a post as a role, through all filters, and returns its number. */
	protected function save( string $role, string $content, array $more = array() ): int {
		$this->become( $role );
		$id = wp_insert_post(
			wp_slash(
				$more + array(
					'post_title'   => 'Diary',
					'post_content' => $content,
					'post_status'  => 'pending',
				)
			),
			true
		);
		$this->assertIsInt( $id );
		return $id;
	}

	/** The content of a post as WordPress shows it to the current user. */
	protected function show( int $id, bool $is_preview = false ): string {
		$query = $GLOBALS['wp_query'] = $GLOBALS['wp_the_query'] = new WP_Query();
		$query->query(
			array( 'p' => $id ) + ( $is_preview ? array( 'preview' => true ) : array() )
		);
		if ( ! $query->have_posts() ) {
			return '';
		}
		$query->the_post();
		ob_start();
		the_content();
		return ob_get_clean();
	}

	/** The settings page as its administrator sees it. */
	protected function settings_page(): string {
		set_current_screen( 'options-general' );
		$GLOBALS['title']       = 'Cabinet Widgets';
		$GLOBALS['plugin_page'] = 'cabinet-widgets';
		ob_start();
		try {
			Cabinet_Widgets\add_page();
			Cabinet_Widgets\show_page();
		} finally {
			$html = ob_get_clean();
			unset( $GLOBALS['current_screen'] );
		}
		return $html;
	}

	/** What the editor's scripts get. */
	protected function editor_script(): string {
		Cabinet_Widgets\pass_data_to_editor();
		return implode( '', wp_scripts()->get_data( 'cabinet-widgets-editor-site', 'before' ) );
	}

	/** Posts to the token route and returns its results. */
	protected function fetch_tokens( string ...$grants ): array {
		return $this->post_tokens( ...$grants )->get_data();
	}

	protected function post_tokens( string ...$grants ): WP_REST_Response {
		$request = new WP_REST_Request( 'POST', '/cabinet-widgets/v1/token' );
		$request->set_header( 'Content-Type', 'application/json' );
		$request->set_body( wp_json_encode( array( 'grants' => $grants ) ) );
		return rest_do_request( $request );
	}

	/** Sets up the service as the block does. */
	protected function connect( string $address ): WP_REST_Response {
		$request = new WP_REST_Request( 'POST', '/cabinet-widgets/v1/connection' );
		$request->set_body_params( array( 'address' => $address ) );
		return rest_do_request( $request );
	}

	/** The one element that an XPath expression finds in HTML. */
	protected function one( string $xpath, string $html ): DOMElement {
		$found = $this->all( $xpath, $html );
		$this->assertCount( 1, $found, "$xpath in $html" );
		return $found[0];
	}

	/** @return DOMElement[] */
	protected function all( string $xpath, string $html ): array {
		return iterator_to_array( ( new DOMXPath( self::parse( $html ) ) )->query( $xpath ) );
	}

	protected static function parse( string $html ): DOMDocument {
		$document = new DOMDocument();
		$head     = '<!DOCTYPE html><html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"></head>';
		$document->loadHTML( "$head<body><main>$html</main></body></html>", LIBXML_NOERROR );
		return $document;
	}
}
