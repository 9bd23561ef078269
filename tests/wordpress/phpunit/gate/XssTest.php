<?php

/**
 * The test against stored XSS: whatever a contributor writes into any attribute of shortcode and block, an administrator who
 * views it gets only the elements and attributes that the plugin creates, each in its known form.
 */
final class XssTest extends CabinetTestCase {
	const PAYLOADS = array(
		'" onload="alert(1)',
		"' onload='alert(1)",
		'"><script>alert(1)</script>',
		"'><img src=x onerror=alert(1)>",
		'<img src=x onerror=alert(1)>',
		'<b>x</b>',
		'</noscript><script>alert(1)</script>',
		'<svg/onload=alert(1)>',
		'--><script>alert(1)</script>',
		'&quot; onmouseover=&quot;alert(1)',
		'&#34; onmouseover=&#34;alert(1)',
		'&lt;script&gt;alert(1)&lt;/script&gt;',
		'%22%20onload=%22alert(1)',
		'\\" onload=\\"alert(1)',
		"x\n\" onload=alert(1) x",
		'x onload=alert(1)',
		'javascript:alert(1)',
		'data:text/html,<script>alert(1)</script>',
		'//evil.example',
		'https://evil.example/',
		'../../evil',
		'main/../../evil',
		'main?token=x',
		'main#x',
		'1px;position:fixed;inset:0',
		'100;background:url(//evil.example)',
		'1"style="position:fixed',
		'" srcdoc="<script>alert(1)</script>',
		'role:editor" onload="alert(1)',
		"\u{202e}\u{2028}\u{ff02} onload=alert(1)",
		'{{constructor.constructor("alert(1)")()}}',
		'[cabinet_widget account=x]',
	);
	const ATTRIBUTES = array( 'account', 'widget', 'for', 'height', 'label', 'loading', 'theme', 'accent', 'lang', 'tz', 'title', 'refresh', 'rows', 'group', 'period', 'from', 'to' );
	// Widgets with options that the balance does not have.
	const WITH = array(
		'rows'   => 'open-trades',
		'group'  => 'open-trades',
		'period' => 'growth',
		'from'   => 'growth',
		'to'     => 'growth',
	);
	// Names that are not attributes of the plugin and must not become any.
	const STRANGE = array( 'onload', 'onmouseover', 'style', 'src', 'srcdoc', 'class', 'id', 'token', 'sandbox', 'data-grant', 'is', 'x/onload', 'cabinet"onload' );

	/** The attributes that each element may have. */
	const FORMS = array(
		'div'                   => array(
			'class' => '/^(cabinet-widget-box|wp-block-cabinet-widgets-widget)\z/',
			'style' => '/^margin-bottom:1em\z/',
		),
		'cabinet-widget-closed' => array(
			'data-grant'   => '/^[\w-]+\.[\w-]+\z/',
			'data-token'   => '/^[\w-]+\.[\w-]+\.[\w-]+\z/',
			'data-tokens'  => '#^(/wp-json/|/index\.php\?rest_route=/)cabinet-widgets/v1/token\z#',
			'data-label'   => '/./su',
			'data-loading' => '/^(lazy|eager)\z/',
			'style'        => '/^display:block;height:[0-9]{2,5}px\z/',
		),
		'cabinet-widget' => array(
			'account' => '/^[a-z0-9-]+\z/',
			'widget'  => '/^(balance|open-trades|growth)\z/',
			'loading' => '/^(lazy|eager)\z/',
			'label'   => '/./su',
			'style'   => '/^display:block;height:[0-9]{2,5}px\z/',
			'theme'   => self::VALUE,
			'accent'  => self::VALUE,
			'lang'    => self::VALUE,
			'tz'      => self::VALUE,
			'title'   => self::VALUE,
			'refresh' => self::VALUE,
			'rows'    => self::VALUE,
			'group'   => self::VALUE,
			'period'  => self::VALUE,
			'from'    => self::VALUE,
			'to'      => self::VALUE,
		),
		'noscript'       => array(),
		'iframe'         => array(
			'src'            => '#^https://widgets\.example\.com/w/[a-z0-9-]+/(balance|open-trades|growth)\?[\w%=&.+-]*\z#',
			'title'          => '/./su',
			'width'          => '/^100%\z/',
			'height'         => '/^[0-9]{2,5}\z/',
			'loading'        => '/^(lazy|eager)\z/',
			'sandbox'        => '/^allow-scripts allow-same-origin allow-forms allow-popups\z/',
			'referrerpolicy' => '/^no-referrer\z/',
			'style'          => '/^border:0;display:block\z/',
		),
		'p'              => array( 'class' => '/^cabinet-widget-note\z/' ),
		'a'              => array(
			'href' => '#^(https://widgets\.example\.com/w/[a-z0-9-]+/(balance|open-trades|growth)\?[\w%=&.+-]*|http://127\.0\.0\.1:[0-9]+/wp-login\.php\?redirect_to=[\w%.+-]+)\z#',
			'rel'  => '/^nofollow\z/',
		),
	);
	const VALUE = '#^[A-Za-z0-9_+:./-]{1,64}\z#';

	public function test_a_feed_is_safe_too(): void {
		$content = '';
		foreach ( self::PAYLOADS as $payload ) {
			$content .= self::in_shortcode( 'main', 'balance', 'label', $payload ) . "\n\n";
		}
		$id                           = $this->save( 'contributor', $content, array( 'post_status' => 'pending' ) );
		$html                         = '';
		add_filter( 'the_content', fn( $html ) => ( $GLOBALS['wp_query']->is_feed = true ) ? $html : '', 0 );
		$this->become( 'administrator' );
		$html = $this->show( $id, true );
		remove_all_filters( 'the_content', 0 );
		$links = $this->all( '//main//a', $html );
		$this->assertGreaterThan( 15, count( $links ) );
		foreach ( $links as $link ) {
			$this->assertSame( get_permalink( $id ), $link->getAttribute( 'href' ) );
			$this->assertSame( 1, $link->attributes->length, $html );
			$this->assertSame( 0, $link->getElementsByTagName( '*' )->length, $html );
		}
	}

	/** @dataProvider addresses */
	public function test_a_malicious_address_in_the_database_is_harmless( string $address ): void {
		$poison = fn() => $address;
		add_filter( 'option_cabinet_widgets_service_url', $poison );
		try {
			foreach ( array( 'main', 'vault' ) as $account ) {
				$html = do_shortcode( "[cabinet_widget account=$account widget=balance for=everyone]" );
				foreach ( $this->all( '//main//*', $html ) as $element ) {
					$this->assertArrayHasKey( $element->tagName, self::FORMS, $html );
					foreach ( $element->attributes as $attribute ) {
						$this->assertArrayHasKey( $attribute->name, self::FORMS[ $element->tagName ], $html );
						$this->assertDoesNotMatchRegularExpression( '/^\s*(javascript|data|vbscript):/i', $attribute->value );
					}
				}
			}
		} finally {
			remove_filter( 'option_cabinet_widgets_service_url', $poison );
		}
	}

	public static function addresses(): array {
		return array( array( 'javascript:alert(1)//' ), array( 'https://x" onload="alert(1)' ), array( 'data:text/html,<script>alert(1)</script>' ) );
	}

	/** The patterns, also with a malicious catalogue and malicious translations. */
	public function test_patterns_contain_nothing_but_widgets(): void {
		$evil      = '"} --><script>alert(1)</script>';
		$catalogue = self::CATALOGUE;
		$catalogue['widgets']['growth']['label'] = $evil;
		$this->service = self::respond( 200, wp_json_encode( $catalogue ) );
		Cabinet_Widgets\fetch_catalogue();
		$mark = fn( $text ) => $text . $evil;
		add_filter( 'gettext', $mark );
		foreach ( array( 'trader-page', 'sidebar' ) as $name ) {
			unregister_block_pattern( "cabinet-widgets/$name" );
		}
		Cabinet_Widgets\register_patterns();
		remove_filter( 'gettext', $mark );
		$seen = 0;
		foreach ( array( 'trader-page', 'sidebar' ) as $name ) {
			$content = WP_Block_Patterns_Registry::get_instance()->get_registered( "cabinet-widgets/$name" )['content'];
			$this->assertStringNotContainsString( 'alert', $content );
			$this->become( 'administrator' );
			$seen += $this->examine( do_blocks( $content ) );
		}
		$this->assertGreaterThan( 3, $seen );
	}

	public function test_the_editors_data_cannot_end_its_script(): void {
		$this->become( 'administrator' );
		$catalogue                                = self::CATALOGUE;
		$catalogue['widgets']['balance']['label'] = '<!--<script>alert(1)</script>';
		$this->service                            = self::respond( 200, wp_json_encode( $catalogue ) );
		$catalogue['widgets']['new']              = $catalogue['widgets']['balance'];
		$this->service                            = self::respond( 200, wp_json_encode( $catalogue ) );
		$printed = $this->editor_script();
		$this->assertStringContainsString( 'alert(1)', $printed );
		$this->assertStringNotContainsString( '<', $printed );
	}

	/** The script for closed accounts acts on these elements, so nobody else may write them. */
	public function test_what_an_author_copies_from_a_page_is_not_taken_for_a_widget(): void {
		$html = $this->show( $this->save( 'editor', '[cabinet_widget account=vault widget=balance for=everyone]', array( 'post_status' => 'publish' ) ) );
		$this->assertStringContainsString( '<cabinet-widget-closed ', $html );
		$copy = $this->show( $this->save( 'author', $html . '<cabinet-widget service="https://evil.example"></cabinet-widget>', array( 'post_status' => 'publish' ) ) );
		$this->assertStringContainsString( 'Balance', $copy );
		$this->assertStringNotContainsString( '<cabinet-widget', $copy );
	}

	/** What an administrator pastes while setting up the service inside a post. */
	public function test_no_address_that_is_pasted_in_a_post_becomes_markup(): void {
		$this->become( 'administrator' );
		foreach ( self::PAYLOADS as $payload ) {
			foreach ( array( $payload, "https://widgets.example.com/$payload", "https://widgets.example.com/w/$payload/balance", "https://$payload" ) as $address ) {
				$this->connect( $address );
				$this->assertMatchesRegularExpression( '#^https://[a-z0-9._-]+(/[A-Za-z0-9._~/-]*)?\z#', get_option( 'cabinet_widgets_service_url' ), $address );
				$this->assertMatchesRegularExpression( '/^[a-z0-9-]*\z/', Cabinet_Widgets\defaults()['account'], $address );
				update_option( 'cabinet_widgets_service_url', self::SERVICE );
			}
		}
		$this->assertCount( 3, $this->all( '//*[self::cabinet-widget or self::iframe or self::a]', do_shortcode( '[cabinet_widget account=main widget=balance]' ) ) );
	}

	/** @dataProvider payloads */
	public function test_what_a_contributor_writes_never_becomes_markup( string $payload ): void {
		$content = '';
		foreach ( array( 'main', 'vault' ) as $account ) {
			foreach ( array_merge( self::ATTRIBUTES, self::STRANGE ) as $name ) {
				$widget   = self::WITH[ $name ] ?? 'balance';
				$content .= self::in_shortcode( $account, $widget, $name, $payload ) . "\n\n" . self::in_block( $account, $widget, $name, $payload ) . "\n\n";
			}
		}
		foreach ( self::ATTRIBUTES as $name ) {
			$widget   = self::WITH[ $name ] ?? 'balance';
			$content .= self::in_mangled_shortcode( 'main', $widget, $name, $payload ) . "\n\n" . self::in_address( 'main', $widget, $name, $payload ) . "\n\n";
		}
		Cabinet_Widgets\register_embeds();
		$id   = $this->save( 'contributor', $content );
		$seen = 0;
		$this->become( 'administrator' );
		$seen += $this->examine( $this->show( $id, true ) );
		wp_publish_post( $id );
		$this->become( '' );
		$seen += $this->examine( $this->show( $id ) );
		$this->assertGreaterThan( 200, $seen, 'The gate has to see widgets.' );
	}

	public static function payloads(): array {
		return array_map( fn( $payload ) => array( $payload ), array_combine( self::PAYLOADS, self::PAYLOADS ) );
	}

	/**
	 * WordPress also runs shortcodes inside attributes of elements.
	 *
	 * @dataProvider payloads
	 */
	public function test_a_shortcode_inside_an_attribute_stays_inside( string $payload ): void {
		$quote     = false === strpos( $payload, '"' ) ? '"' : "'";
		$other     = '"' === $quote ? "'" : '"';
		$shortcode = "[cabinet_widget account=main widget=balance label=$quote$payload$quote]";
		$content   = "<a href=$other$shortcode$other title=$other$shortcode$other>A</a> <img alt=$other$shortcode$other src=\"x.png\"> <b title=$shortcode>B</b>";
		$id        = $this->save( 'contributor', $content );
		$this->become( 'administrator' );
		$html = $this->show( $id, true );
		foreach ( $this->all( '//main//*[not(ancestor-or-self::div[@class="cabinet-widget-box"])]', $html ) as $element ) {
			$this->assertContains( $element->tagName, array( 'a', 'b', 'br', 'img', 'p' ), $html );
			foreach ( $element->attributes as $attribute ) {
				$this->assertMatchesRegularExpression( '/^(href|title|alt|src|style|class|decoding|loading|fetchpriority)\z/', $attribute->name, $html );
				$this->assertDoesNotMatchRegularExpression( '/^\s*(javascript|data):/i', $attribute->value, $html );
			}
		}
		$this->examine( $html );
	}

	public function test_the_editors_preview_is_safe_too(): void {
		$this->become( 'administrator' );
		$seen = 0;
		foreach ( self::PAYLOADS as $payload ) {
			foreach ( array_merge( self::ATTRIBUTES, self::STRANGE ) as $name ) {
				$request = new WP_REST_Request( 'GET', '/wp/v2/block-renderer/cabinet-widgets/widget' );
				$request->set_query_params(
					array(
						'context'    => 'edit',
						'attributes' => self::block_attributes( 'vault', 'balance', $name, $payload ),
					)
				);
				$response = rest_do_request( $request );
				if ( 200 === $response->get_status() ) {
					$seen += $this->examine( $response->get_data()['rendered'] );
				}
			}
		}
		$this->assertGreaterThan( 200, $seen );
	}

	/** The settings page with malicious options, responses of the service and even translations. */
	public function test_the_settings_page_escapes_everything_it_prints(): void {
		$evil     = '"\'><script>alert(1)</script><img src=x onerror=alert(1)>';
		$poisoned = array(
			'cabinet_widgets_service_url'   => "https://x/$evil",
			'cabinet_widgets_embed_secrets' => array( $evil => self::SECRET ),
			'cabinet_widgets_defaults'      => array(
				'theme'   => $evil,
				'lang'    => $evil,
				'account' => $evil,
			),
		);
		$this->service = function ( $url ) use ( $evil ) {
			$catalogue            = self::CATALOGUE;
			$catalogue['version'] = $evil;
			return false !== strpos( $url, '/embed.json' ) ? self::respond( 200, wp_json_encode( $catalogue ) ) : self::respond( 401, $evil );
		};
		define( 'CABINET_WIDGETS_EMBED_SECRETS', wp_json_encode( array( "fixed$evil" => self::SECRET ) ) );
		$this->become( 'administrator' );
		$filters = array();
		foreach ( $poisoned as $option => $value ) {
			$filters[ "option_$option" ] = fn() => $value;
		}
		$mark                = fn( $text, $source, $domain ) => 'cabinet-widgets' === $domain ? $text . $evil : $text;
		$filters['gettext']  = fn( $text, $source, $domain = '' ) => $mark( $text, $source, $domain );
		$filters['ngettext'] = fn( $text, $one, $many, $count, $domain = '' ) => $mark( $text, $one, $domain );
		$_GET['test']        = '1';
		$_REQUEST['_wpnonce'] = wp_create_nonce( 'cabinet-widgets-test' );
		foreach ( $filters as $name => $filter ) {
			add_filter( $name, $filter, 99, 5 );
		}
		set_current_screen( 'options-general' );
		$GLOBALS['title']       = __( 'Cabinet Widgets', 'cabinet-widgets' );
		$GLOBALS['plugin_page'] = 'cabinet-widgets';
		ob_start();
		try {
			Cabinet_Widgets\add_page();
			$GLOBALS['wp_settings_fields']['cabinet-widgets']['service'] = array_map(
				fn( $field ) => array( 'title' => 'x' ) + $field, // WordPress prints the title itself.
				$GLOBALS['wp_settings_fields']['cabinet-widgets']['service']
			);
			Cabinet_Widgets\show_page();
			echo implode( '', Cabinet_Widgets\link_page( array() ) );
			$this->become( 'editor' ); // Like an administrator of a network's site, who only sees the address.
			Cabinet_Widgets\show_url();
			$health = Cabinet_Widgets\test_health();
			echo $health['description'] . $health['actions'] . Cabinet_Widgets\privacy_text();
			remove_filter( 'option_cabinet_widgets_service_url', $filters['option_cabinet_widgets_service_url'], 99 );
			add_filter( 'option_cabinet_widgets_service_url', '__return_empty_string' );
			Cabinet_Widgets\show_test();
		} finally {
			$html = ob_get_clean();
			foreach ( $filters as $name => $filter ) {
				remove_filter( $name, $filter, 99 );
			}
			remove_filter( 'option_cabinet_widgets_service_url', '__return_empty_string' );
			unset( $GLOBALS['current_screen'] );
		}
		$this->assertGreaterThan( 40, substr_count( $html, 'alert(1)' ) );
		foreach ( $this->all( '//main//*', $html ) as $element ) {
			$this->assertNotContains( $element->tagName, array( 'script', 'img' ), $html );
			foreach ( $element->attributes as $attribute ) {
				$this->assertMatchesRegularExpression( '/^(class|action|method|type|name|value|id|inputmode|placeholder|aria-label|autocomplete|scope|href|for|role|selected)\z/', $attribute->name, $html );
			}
		}
	}

	private static function in_shortcode( string $account, string $widget, string $name, string $payload ): string {
		$quote = false === strpos( $payload, '"' ) ? '"' : "'";
		$base  = self::base( $account, $widget, $name );
		$words = implode( ' ', array_map( fn( $key, $value ) => "$key=\"$value\"", array_keys( $base ), $base ) );
		return "[cabinet_widget $words $name=$quote$payload$quote]";
	}

	/** A shortcode as editors and page builders change it, so that its text is repaired. */
	private static function in_mangled_shortcode( string $account, string $widget, string $name, string $payload ): string {
		$base  = self::base( $account, $widget, $name ) + array( $name => $payload );
		$words = implode( '<br />&nbsp;', array_map( fn( $key, $value ) => "$key=&#8220;{$value}”", array_keys( $base ), $base ) );
		return "[cabinet_widget<br>$words]";
	}

	/** The address of a widget alone on a line. */
	private static function in_address( string $account, string $widget, string $name, string $payload ): string {
		$base = self::base( $account, $widget, $name ) + array( $name => $payload );
		$path = ( $base['account'] ?? 'main' ) . '/' . ( $base['widget'] ?? 'balance' );
		return self::SERVICE . "/w/$path?" . ( 'lang' === $name ? "lang=$payload" : http_build_query( array( $name => $payload ) ) );
	}

	private static function in_block( string $account, string $widget, string $name, string $payload ): string {
		return '<!-- wp:cabinet-widgets/widget ' . serialize_block_attributes( self::block_attributes( $account, $widget, $name, $payload ) ) . ' /-->';
	}

	private static function block_attributes( string $account, string $widget, string $name, string $payload ): array {
		$attributes = self::base( $account, $widget, $name );
		if ( in_array( $name, array( 'account', 'widget', 'for', 'height', 'label', 'loading' ), true ) ) {
			return array( $name => $payload ) + $attributes;
		}
		return $attributes + array( 'options' => array( $name => $payload ) );
	}

	/** A complete widget, without the attribute under attack. */
	private static function base( string $account, string $widget, string $name ): array {
		$base = array(
			'account' => $account,
			'widget'  => $widget,
		);
		if ( 'vault' === $account ) {
			$base['for'] = 'everyone';
		}
		unset( $base[ $name ] );
		return $base;
	}

	/** Checks every rendered element and returns the number of widgets. */
	private function examine( string $html ): int {
		$document = self::parse( $html );
		$xpath    = new DOMXPath( $document );
		$this->assertSame( 1, $document->getElementsByTagName( 'body' )->item( 0 )->childNodes->length, 'Nothing breaks out.' );
		foreach ( $xpath->query( '//main//*' ) as $element ) {
			if ( $xpath->evaluate( 'boolean(ancestor-or-self::div[contains(@class, "cabinet-widget")])', $element ) ) {
				$this->examine_ours( $element );
			} else {
				// Text outside widgets, as WordPress lets contributors write it.
				$this->assertNotContains( $element->tagName, array( 'script', 'iframe', 'svg', 'object', 'embed', 'cabinet-widget' ), $html );
				foreach ( $element->attributes as $attribute ) {
					$this->assertDoesNotMatchRegularExpression( '/^on/i', $attribute->name, $html );
					$this->assertDoesNotMatchRegularExpression( '/^\s*javascript:/i', $attribute->value, $html );
				}
			}
		}
		return $xpath->query( '//cabinet-widget | //cabinet-widget-closed | //main//iframe' )->length;
	}

	private function examine_ours( DOMElement $element ): void {
		$forms = self::FORMS[ $element->tagName ] ?? null;
		if ( null === $forms ) {
			$this->fail( "An element of another's making: " . $element->ownerDocument->saveHTML( $element->parentNode ) );
		}
		foreach ( $element->attributes as $attribute ) {
			if ( ! preg_match( $forms[ $attribute->name ] ?? '/^\b\B/', $attribute->value ) ) {
				$this->fail( "$attribute->name in " . $element->ownerDocument->saveHTML( $element ) );
			}
		}
		if ( $element->hasAttribute( 'data-grant' ) ) {
			$grant = Cabinet_Widgets\open_grant( $element->getAttribute( 'data-grant' ) );
			$this->assertMatchesRegularExpression( '/^(everyone|members|role:[a-z0-9_-]+(,role:[a-z0-9_-]+)*)\z/', $grant['for'] );
			foreach ( $grant['options'] as $name => $value ) {
				$this->assertArrayHasKey( $name, self::FORMS['cabinet-widget'] );
				$this->assertMatchesRegularExpression( self::VALUE, $value );
			}
		}
	}
}
