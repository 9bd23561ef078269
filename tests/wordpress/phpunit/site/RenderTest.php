<?php

final class RenderTest extends CabinetTestCase {
	public function test_a_shortcode_becomes_the_custom_element_with_a_frame_for_browsers_without_scripts(): void {
		$html    = do_shortcode( '[cabinet_widget account="main" widget="balance" theme="dark" lang="fr" label="My figures"]' );
		$element = $this->one( '//div[@class="cabinet-widget-box"]/cabinet-widget', $html );
		$this->assertSame( 'main', $element->getAttribute( 'account' ) );
		$this->assertSame( 'balance', $element->getAttribute( 'widget' ) );
		$this->assertSame( 'dark', $element->getAttribute( 'theme' ) );
		$this->assertSame( 'My figures', $element->getAttribute( 'label' ) );
		$this->assertSame( 'display:block;height:180px', $element->getAttribute( 'style' ) );
		$frame = $this->one( '//cabinet-widget/noscript/iframe', $html );
		$this->assertSame( self::SERVICE . '/w/main/balance?theme=dark&lang=fr', $frame->getAttribute( 'src' ) );
		$this->assertSame( '180', $frame->getAttribute( 'height' ) );
		$this->assertSame( 'My figures', $frame->getAttribute( 'title' ) );
		$this->assertSame( 'allow-scripts allow-same-origin allow-forms allow-popups', $frame->getAttribute( 'sandbox' ) );
	}

	public function test_the_frame_has_the_widgets_name_and_the_pages_language_where_the_author_gave_none(): void {
		$html  = do_shortcode( '[cabinet_widget account="main" widget="open-trades"]' );
		$frame = $this->one( '//iframe', $html );
		$this->assertSame( 'Open trades', $frame->getAttribute( 'title' ) );
		$this->assertSame( 'Open trades', $this->one( '//cabinet-widget', $html )->getAttribute( 'label' ), 'The loader gives it to its frame.' );
		$this->assertSame( self::SERVICE . '/w/main/open-trades?lang=en-US', $frame->getAttribute( 'src' ) );
	}

	public function test_the_name_of_a_widget_is_in_the_language_of_the_page(): void {
		$translate = fn( $text, $source, $domain ) => 'cabinet-widgets' === $domain && 'Balance' === $source ? 'Kontostand' : $text;
		add_filter( 'gettext', $translate, 10, 3 );
		$open   = do_shortcode( '[cabinet_widget account=main widget=balance]' );
		$closed = $this->show( $this->save( 'editor', '[cabinet_widget account=vault widget=balance]', array( 'post_status' => 'publish' ) ) );
		remove_filter( 'gettext', $translate, 10 );
		$this->assertSame( 'Kontostand', $this->one( '//cabinet-widget/a', $open )->textContent );
		$this->assertSame( 'Kontostand', $this->one( '//cabinet-widget', $open )->getAttribute( 'label' ) );
		$this->assertSame( 'Kontostand', $this->one( '//cabinet-widget-closed', $closed )->getAttribute( 'data-label' ) );
	}

	/** @dataProvider heights */
	public function test_exactly_the_height_is_reserved( string $attributes, int $height ): void {
		$html = do_shortcode( "[cabinet_widget account=main $attributes]" );
		$this->assertSame( "display:block;height:{$height}px", $this->one( '//cabinet-widget', $html )->getAttribute( 'style' ) );
		$this->assertSame( (string) $height, $this->one( '//iframe', $html )->getAttribute( 'height' ) );
	}

	public static function heights(): array {
		return array(
			'as the service says'     => array( 'widget=balance', 180 ),
			'without the heading'     => array( 'widget=balance title=0', 140 ),
			'with the usual rows'     => array( 'widget=open-trades', 120 + 10 * 36 ),
			'with rows'               => array( 'widget=open-trades rows=3 title=0', 120 + 3 * 36 - 40 ),
			'as the author has it'    => array( 'widget=balance height=500', 500 ),
			'no less than 40'         => array( 'widget=balance height=1', 40 ),
			'no more than 2000'       => array( 'widget=balance height=100000', 2000 ),
			'rows that it takes not'  => array( 'widget=balance rows=50', 180 ),
		);
	}

	public function test_an_option_that_the_widget_does_not_take_is_left_out(): void {
		$element = $this->one( '//cabinet-widget', do_shortcode( '[cabinet_widget account=main widget=balance rows=5 period=7d onload=x]' ) );
		foreach ( array( 'rows', 'period', 'onload' ) as $name ) {
			$this->assertFalse( $element->hasAttribute( $name ), $name );
		}
	}

	public function test_dates_reach_a_widget_with_a_period(): void {
		$element = $this->one( '//cabinet-widget', do_shortcode( '[cabinet_widget account=main widget=growth from=2026-01-01 to=2026-06-30 accent="#0a7f5a"]' ) );
		$this->assertSame( '2026-01-01', $element->getAttribute( 'from' ) );
		$this->assertSame( '2026-06-30', $element->getAttribute( 'to' ) );
		$this->assertSame( '0a7f5a', $element->getAttribute( 'accent' ) );
	}

	public function test_the_sites_defaults_replace_what_the_author_left_out(): void {
		update_option(
			'cabinet_widgets_defaults',
			array(
				'theme' => 'light',
				'lang'  => 'fr',
			)
		);
		$html = do_shortcode( '[cabinet_widget account=main widget=balance][cabinet_widget account=main widget=balance theme=dark]' );
		$this->assertSame( array( 'light', 'dark' ), array_map( fn( $one ) => $one->getAttribute( 'theme' ), $this->all( '//cabinet-widget', $html ) ) );
		$this->assertSame( 'fr', $this->all( '//cabinet-widget', $html )[0]->getAttribute( 'lang' ) );
	}

	public function test_without_attributes_the_first_known_account_shows_its_balance(): void {
		update_option( 'cabinet_widgets_embed_secrets', array() );
		$element = $this->one( '//cabinet-widget', do_shortcode( '[cabinet_widget]' ) );
		$this->assertSame( 'main/balance', $element->getAttribute( 'account' ) . '/' . $element->getAttribute( 'widget' ) );
		update_option( 'cabinet_widgets_defaults', array( 'account' => 'second' ) );
		$this->assertSame( 'second', $this->one( '//cabinet-widget', do_shortcode( '[cabinet_widget]' ) )->getAttribute( 'account' ) );
	}

	public function test_block_and_shortcode_render_the_same_widget(): void {
		$block     = do_blocks( '<!-- wp:cabinet-widgets/widget {"account":"main","widget":"open-trades","height":"300","options":{"theme":"dark","title":false,"rows":4}} /-->' );
		$shortcode = do_shortcode( '[cabinet_widget account=main widget=open-trades height=300 theme=dark title=0 rows=4]' );
		$inside    = fn( $html ) => preg_replace( '#^<div [^>]*>(.*)</div>$#s', '$1', trim( $html ) );
		$this->assertSame( $inside( $shortcode ), $inside( $block ) );
		$this->assertStringContainsString( 'wp-block-cabinet-widgets-widget', $block );
	}

	public function test_the_blocks_alignment_and_spacing_are_on_its_outer_element(): void {
		$html = do_blocks( '<!-- wp:cabinet-widgets/widget {"account":"main","widget":"balance","align":"wide","style":{"spacing":{"margin":{"top":"7px"}}}} /-->' );
		$box  = $this->one( '//main/div', $html );
		$this->assertStringContainsString( 'alignwide', $box->getAttribute( 'class' ) );
		$this->assertStringContainsString( 'margin-top:7px', $box->getAttribute( 'style' ) );
	}

	public function test_a_shortcode_is_not_wrapped_into_a_paragraph(): void {
		$id   = $this->save( 'editor', "Before.\n\n[cabinet_widget account=main widget=balance]\n\nAfter.", array( 'post_status' => 'publish' ) );
		$html = $this->show( $id );
		$this->assertCount( 1, $this->all( '//cabinet-widget', $html ) );
		$this->assertCount( 0, $this->all( '//p//cabinet-widget', $html ) );
	}

	public function test_the_block_shows_in_a_widget_area(): void {
		$html = '';
		ob_start();
		the_widget( 'WP_Widget_Block', array( 'content' => '<!-- wp:cabinet-widgets/widget {"account":"main","widget":"balance"} /-->' ) );
		$html = ob_get_clean();
		$this->assertCount( 1, $this->all( '//cabinet-widget', $html ) );
	}

	public function test_the_loader_is_enqueued_once_and_only_where_a_widget_is(): void {
		do_shortcode( 'No widget here.' );
		$this->assertFalse( wp_script_is( 'cabinet-widgets-loader' ) );
		do_shortcode( '[cabinet_widget account=main widget=balance][cabinet_widget account=main widget=growth]' );
		$this->assertTrue( wp_script_is( 'cabinet-widgets-loader' ) );
		$this->assertFalse( wp_script_is( 'cabinet-widgets-view' ), 'Nothing of closed accounts on a page of open ones.' );
		ob_start();
		wp_scripts()->do_items();
		$html   = ob_get_clean();
		$loader = $this->one( '//script[contains(@src, "/embed.js")]', $html );
		$this->assertSame( self::SERVICE . '/embed.js', $loader->getAttribute( 'src' ) );
		$this->assertTrue( $loader->hasAttribute( 'async' ) );
	}

	/** @dataProvider mistakes */
	public function test_a_mistake_is_shown_only_to_those_who_can_fix_it( string $shortcode, string $line ): void {
		$this->assertSame( '', do_shortcode( $shortcode ) );
		$this->become( 'contributor' );
		$html = do_shortcode( $shortcode );
		$this->assertStringContainsString( $line, $this->one( '//p', $html )->textContent );
		$this->assertCount( 0, $this->all( '//cabinet-widget | //iframe', $html ) );
	}

	public static function mistakes(): array {
		return array(
			'no such widget'          => array( '[cabinet_widget account=main widget=crystal-ball]', 'there is no main/crystal-ball' ),
			'no name of an account'   => array( '[cabinet_widget account="Main Account" widget=balance]', 'there is no Main Account/balance' ),
			'unknown visitors'        => array( '[cabinet_widget account=main widget=balance for=friends]', '"for" must be everyone, members' ),
			'open, yet for a few'     => array( '[cabinet_widget account=main widget=balance for=members]', 'set the secret of main first' ),
		);
	}

	public function test_before_the_address_is_set_no_requests_are_sent(): void {
		delete_option( 'cabinet_widgets_service_url' );
		$this->become( 'administrator' );
		$this->assertStringContainsString( 'first set the address of the service', do_shortcode( '[cabinet_widget account=main widget=balance]' ) );
		Cabinet_Widgets\pass_data_to_editor();
		$this->settings_page();
		Cabinet_Widgets\fetch_catalogue();
		$this->assertSame( array(), $this->requested );
	}

	public function test_a_feed_contains_a_link_instead_of_scripts(): void {
		$id = $this->save( 'editor', '[cabinet_widget account=main widget=balance]', array( 'post_status' => 'publish' ) );
		$this->show( $id );
		$GLOBALS['wp_query']->is_feed = true;
		$this->assertSame( '<p><a href="' . get_permalink( $id ) . '">Balance</a></p>', do_shortcode( '[cabinet_widget account=main widget=balance]' ) );
	}

	public function test_the_editors_preview_is_a_plain_frame_since_no_loader_runs_there(): void {
		$this->become( 'author' );
		$html = $this->preview( array( 'account' => 'main', 'widget' => 'balance' ) );
		$this->assertSame( self::SERVICE . '/w/main/balance?lang=en-US', $this->one( '//div/iframe', $html )->getAttribute( 'src' ) );
		do_shortcode( '[cabinet_widget account=main widget=balance]' );
		rest_do_request( new WP_REST_Request( 'GET', '/wp/v2/types' ) );
		$this->assertCount( 1, $this->all( '//cabinet-widget', do_shortcode( '[cabinet_widget account=main widget=balance]' ) ), 'Only the preview is one.' );
	}

	public function test_nor_in_the_editor_of_a_page_builder_which_shows_what_wp_admin_renders(): void {
		set_current_screen( 'dashboard' );
		$shown = array();
		foreach ( array( 'author', '' ) as $role ) {
			$this->become( $role );
			$shown[] = do_shortcode( '[cabinet_widget account=main widget=balance]' );
		}
		unset( $GLOBALS['current_screen'] );
		$this->one( '//div/iframe', $shown[0] );
		$this->one( '//div/cabinet-widget', $shown[1] ); // A visitor whose page loads more posts over admin-ajax.php.
	}

	public function test_a_request_inside_the_preview_does_not_end_it(): void {
		$this->become( 'author' );
		$nested = function ( $html ) {
			rest_do_request( new WP_REST_Request( 'GET', '/wp/v2/types' ) );
			return $html;
		};
		add_filter( 'pre_render_block', $nested );
		$html = $this->preview( array( 'account' => 'main', 'widget' => 'balance' ) );
		remove_filter( 'pre_render_block', $nested );
		$this->assertCount( 1, $this->all( '//div/iframe', $html ) );
	}

	private function preview( array $attributes ): string {
		$request = new WP_REST_Request( 'GET', '/wp/v2/block-renderer/cabinet-widgets/widget' );
		$request->set_query_params( array( 'context' => 'edit', 'attributes' => $attributes ) );
		return rest_do_request( $request )->get_data()['rendered'];
	}

	public function test_the_editor_learns_accounts_and_widgets(): void {
		$this->become( 'author' );
		$printed = $this->editor_script();
		$data    = json_decode( preg_replace( '/^.*?site: | };$/s', '', trim( $printed ) ), true );
		$this->assertSame( self::SERVICE, $data['service'] );
		$this->assertTrue( $data['reachable'] );
		$this->assertFalse( $data['mayConfigure'] );
		$this->assertSame( array( 'vault', 'main' ), $data['accounts'] );
		$this->assertSame( array( 'vault' ), $data['closed'] );
		$this->assertSame( 'Open trades', $data['widgets']['open-trades']['label'] );
		$this->assertSame( '', $data['settings'], 'An author has no settings page.' );
		$this->assertStringNotContainsString( self::SECRET, $printed );
	}

	/** @dataProvider mangled */
	public function test_a_shortcode_that_an_editor_or_a_page_builder_changed_is_repaired( string $shortcode ): void {
		$id   = $this->save( 'editor', $shortcode, array( 'post_status' => 'publish' ) );
		$html = $this->show( $id );
		$this->become( '' );
		$element = $this->one( '//cabinet-widget', $html );
		$this->assertSame( 'main', $element->getAttribute( 'account' ), $html );
		$this->assertSame( 'open-trades', $element->getAttribute( 'widget' ) );
		$this->assertSame( '5', $element->getAttribute( 'rows' ) );
		$this->assertSame( 'My own trades', $element->getAttribute( 'label' ) );
		$this->assertStringNotContainsString( '[', $html, 'Nothing of the shortcode remains.' );
	}

	public static function mangled(): array {
		$written = '[cabinet_widget account="main" widget="open-trades" rows="5" label="My own trades"]';
		$between = fn( string $separator ) => str_replace( '" ', "\"$separator", $written );
		$quotes  = fn( string $open, string $close ) => preg_replace( '/"(.*?)"/', "$open$1$close", $written );
		return array(
			'as written'                  => array( $written ),
			'line breaks'                 => array( $between( "\n" ) ),
			'empty lines'                 => array( $between( "\n\n" ) ),
			'windows'                     => array( $between( "\r\n" ) ),
			'a line after the name'       => array( str_replace( 'widget account', "widget\naccount", $written ) ),
			'br'                          => array( $between( '<br />' ) ),
			'br and a line break'         => array( $between( "<br>\n" ) ),
			'paragraphs'                  => array( '<p>' . $between( "</p>\n<p>" ) . '</p>' ),
			'spans'                       => array( $between( ' </span><span style="color: red">' ) ),
			'nbsp'                        => array( $between( '&nbsp;' ) ),
			'nbsp as a number'            => array( $between( '&#160;' ) ),
			'nbsp as a character'         => array( $between( "\u{a0}" ) ),
			'a zero-width space'          => array( $between( " \u{200b}" ) ),
			'nbsp after the name'         => array( str_replace( 'widget account', 'widget&nbsp;account', $written ) ),
			'nbsp around ='               => array( str_replace( '=', '&nbsp;=&nbsp;', $written ) ),
			'curly quotes'                => array( $quotes( '“', '”' ) ),
			'closing quotes only'         => array( $quotes( '”', '”' ) ),
			'German quotes'               => array( $quotes( '„', '“' ) ),
			'guillemets'                  => array( $quotes( '«', '»' ) ),
			'single curly quotes'         => array( $quotes( '‘', '’' ) ),
			'double primes'               => array( $quotes( '″', '″' ) ),
			'one curly quote'             => array( $quotes( '"', '”' ) ),
			'quote entities'              => array( $quotes( '&quot;', '&quot;' ) ),
			'quotes as numbers'           => array( $quotes( '&#8220;', '&#8221;' ) ),
			'quotes as hexadecimals'      => array( $quotes( '&#x201C;', '&#x201d;' ) ),
			'quotes as names'             => array( $quotes( '&ldquo;', '&rdquo;' ) ),
			'entities escaped twice'      => array( $quotes( '&amp;quot;', '&amp;quot;' ) ),
			'everything'                  => array( str_replace( '” ', '”&nbsp;<br />', $quotes( '“', '”' ) ) ),
			'in the block for shortcodes' => array( "<!-- wp:shortcode -->\n" . str_replace( '” ', "”<br>\n", $quotes( '“', '”' ) ) . "\n<!-- /wp:shortcode -->" ),
		);
	}

	/** @dataProvider plain */
	public function test_what_needs_no_repair_is_not_changed( string $attributes ): void {
		$this->assertSame( $attributes, Cabinet_Widgets\repair( $attributes ) );
	}

	public static function plain(): array {
		return array(
			array( ' account="main" label="Say “hi” to me"' ),
			array( " account='main' label='5″ of \"rain\"'" ),
			array( ' account=main label="A = b"' ),
			array( ' label="L’or &quot;et&quot; moi" rows=5' ),
			array( '' ),
			array( " label=\"\xff\"" ),
		);
	}

	public function test_a_very_long_attribute_is_not_repeated_whole(): void {
		$this->become( 'contributor' );
		$html = do_shortcode( '[cabinet_widget account=main widget="' . str_repeat( 'é', 5000 ) . '"]' );
		$this->assertStringContainsString( 'éé…', $html );
		$this->assertLessThan( 300, strlen( $html ) );
	}

	/** @dataProvider addresses */
	public function test_the_address_of_a_widget_alone_on_a_line_becomes_the_same_element_as_a_shortcode( string $around ): void {
		Cabinet_Widgets\register_embeds();
		$address = self::SERVICE . '/w/main/open-trades?theme=dark&rows=3&onload=x&height=99#top';
		$id      = $this->save( 'editor', "Before.\n\n" . sprintf( $around, $address ) . "\n\nAfter.", array( 'post_status' => 'publish' ) );
		$this->requested = array();
		$html            = $this->show( $id );
		$this->assertSame( array(), preg_grep( '/oembed/', $this->requested ), 'The code of the service is not needed.' );
		$shortcode = do_shortcode( '[cabinet_widget account=main widget=open-trades theme=dark rows=3]' );
		$this->assertStringContainsString( $shortcode, $html );
		$this->assertStringNotContainsString( 'blockquote', $html );
		$this->assertTrue( wp_script_is( 'cabinet-widgets-loader' ) );
	}

	public static function addresses(): array {
		$classes = 'wp-block-embed is-type-rich is-provider-cabinet-widgets';
		return array(
			'a line'         => array( '%s' ),
			'the embed block' => array( "<!-- wp:embed -->\n<figure class=\"$classes\"><div class=\"wp-block-embed__wrapper\">\n%s\n</div></figure>\n<!-- /wp:embed -->" ),
			'a shortcode'    => array( '[embed]%s[/embed]' ),
		);
	}

	public function test_the_address_of_a_widget_of_a_closed_account_is_for_members(): void {
		Cabinet_Widgets\register_embeds();
		$id   = $this->save( 'editor', self::SERVICE . '/w/vault/balance?for=everyone&token=x', array( 'post_status' => 'publish' ) );
		$html = $this->show( $id );
		$this->assertSame( 'members', Cabinet_Widgets\open_grant( $this->one( '//cabinet-widget-closed', $html )->getAttribute( 'data-grant' ) )['for'] );
		$this->assertStringNotContainsString( 'token=', $html );
	}

	public function test_other_addresses_of_the_service_are_no_widgets(): void {
		foreach ( array( '/w/main/balance.png', '/w/main', '/w/main/balance/x', '/a/main', '/', '/embed.js', '/w/main/"onload="x' ) as $path ) {
			$this->assertNull( Cabinet_Widgets\read_address( self::SERVICE . $path ), $path );
		}
		$this->assertNull( Cabinet_Widgets\read_address( self::SERVICE . '.evil.example/w/main/balance' ) );
		$this->assertNull( Cabinet_Widgets\read_address( 'https://evil.example/?' . self::SERVICE . '/w/main/balance' ) );
		delete_option( 'cabinet_widgets_service_url' );
		$this->assertNull( Cabinet_Widgets\read_address( '/w/main/balance' ) );
	}

	public function test_the_editors_preview_of_an_address_is_cached_without_a_token(): void {
		Cabinet_Widgets\register_embeds();
		$this->service = fn( $url ) => self::respond( 200, wp_json_encode( false === strpos( $url, '/oembed' ) ? self::CATALOGUE : array( 'type' => 'rich', 'version' => '1.0', 'html' => '<blockquote>Figures</blockquote><iframe></iframe>', 'width' => 600, 'height' => 180 ) ) );
		$this->become( 'author' );
		foreach ( array( 'main', 'vault' ) as $account ) {
			$request = new WP_REST_Request( 'GET', '/oembed/1.0/proxy' );
			$request->set_query_params( array( 'url' => self::SERVICE . "/w/$account/balance" ) );
			$html = rest_do_request( $request )->get_data()->html;
			$this->assertStringNotContainsString( 'token=', $html );
			$this->assertSame( 'vault' === $account, false !== strpos( $html, 'blockquote' ), 'The frame alone, of an open account.' );
		}
	}

	public function test_until_the_widget_is_shown_there_is_a_link_with_its_name(): void {
		$link = $this->one( '//cabinet-widget/a', do_shortcode( '[cabinet_widget account=main widget=open-trades rows=3]' ) );
		$this->assertSame( 'Open trades', $link->textContent );
		$this->assertSame( self::SERVICE . '/w/main/open-trades?rows=3&lang=en-US', $link->getAttribute( 'href' ) );
		$everyone = do_shortcode( '[cabinet_widget account=vault widget=balance for=everyone]' );
		$this->assertStringContainsString( '/w/vault/balance?token=', $this->one( '//cabinet-widget-closed/a', $everyone )->getAttribute( 'href' ) );
		$id      = $this->save( 'editor', '[cabinet_widget account=vault widget=balance label="My figures"]', array( 'post_status' => 'publish' ) );
		$members = $this->one( '//cabinet-widget-closed/a', $this->show( $id ) );
		$this->assertSame( 'My figures', $members->textContent );
		$this->assertSame( wp_login_url( get_permalink( $id ) ), $members->getAttribute( 'href' ) );
	}

	/** @dataProvider locales */
	public function test_a_site_gets_the_texts_of_its_language_also_for_another_country( string $locale, string $nearest ): void {
		$folder = dirname( Cabinet_Widgets\FILE ) . '/languages/cabinet-widgets-';
		foreach ( array( '.mo', '-cabinet-widgets-editor.json' ) as $kind ) {
			$this->assertSame( "$folder$nearest$kind", Cabinet_Widgets\nearest_catalogue( "$folder$locale$kind" ) );
		}
	}

	public static function locales(): array {
		return array(
			'its own country' => array( 'fr_FR', 'fr_FR' ),
			'another country' => array( 'es_MX', 'es_ES' ),
			'formal'          => array( 'de_DE_formal', 'de_DE' ),
			'no translation'  => array( 'sv_SE', 'sv_SE' ),
		);
	}

	public function test_other_files_are_loaded_as_they_are(): void {
		foreach ( array( '/x/languages/cabinet-widgets-es_MX.mo', '/x/es_MX.mo', false ) as $file ) {
			$this->assertSame( $file, Cabinet_Widgets\nearest_catalogue( $file ) );
		}
	}

	public function test_the_french_catalogue_is_complete(): void {
		switch_to_locale( 'fr_FR' );
		load_textdomain( 'cabinet-widgets', dirname( Cabinet_Widgets\FILE ) . '/languages/cabinet-widgets-fr_FR.mo' );
		$line = Cabinet_Widgets\refusal( 'members' );
		unload_textdomain( 'cabinet-widgets' );
		restore_previous_locale();
		$this->assertStringContainsString( 'membres', $line );
	}
}
