<?php

/** Closed accounts: who gets a token and for what, and that pages contain none unless they are for everyone. */
final class ClosedTest extends CabinetTestCase {
	/** @dataProvider audiences */
	public function test_only_the_visitors_named_in_the_shortcode_get_a_token( string $for, array $allowed ): void {
		$grant = $this->grant( "for=\"$for\"" );
		foreach ( array( '', 'subscriber', 'contributor', 'author', 'editor', 'administrator' ) as $role ) {
			$this->become( $role );
			$response = $this->fetch_tokens( $grant )[0];
			$this->assertSame( in_array( $role, $allowed, true ), isset( $response['token'] ), "$role for $for" );
			$this->assertNotSame( isset( $response['token'] ), isset( $response['refused'] ) );
		}
	}

	public static function audiences(): array {
		$members = array( 'subscriber', 'contributor', 'author', 'editor', 'administrator' );
		return array(
			'by default'  => array( '', $members ),
			'members'     => array( 'members', $members ),
			'everyone'    => array( 'everyone', array( '', ...$members ) ),
			'a role'      => array( 'role:editor', array( 'editor', 'administrator' ) ),
			'two roles'   => array( 'role:editor,role:author', array( 'author', 'editor', 'administrator' ) ),
			'no role'     => array( 'role:nobody', array( 'administrator' ) ),
		);
	}

	public function test_the_token_is_for_that_widget_for_ten_minutes_and_locks_the_options(): void {
		$grant  = $this->grant( 'for=everyone theme=dark title=0' );
		$token  = $this->fetch_tokens( $grant )[0]['token'];
		$claims = $this->claims( $token );
		$this->assertSame( 'vault/balance', $claims['sub'] );
		$this->assertEqualsWithDelta( time() + 600, $claims['exp'], 2 );
		$this->assertSame(
			array(
				'theme' => 'dark',
				'title' => '0',
			),
			$claims['params']
		);
		list( $head, $body, $signature ) = explode( '.', $token );
		$this->assertSame( Cabinet_Widgets\base64url( hash_hmac( 'sha256', "$head.$body", self::SECRET, true ) ), $signature );
	}

	public function test_the_newer_of_two_secrets_signs(): void {
		$new = str_repeat( 'n', 40 );
		update_option( 'cabinet_widgets_embed_secrets', array( 'vault' => "$new," . self::SECRET ) );
		list( $head, $body, $signature ) = explode( '.', Cabinet_Widgets\create_token( 'vault', 'balance', array() ) );
		$this->assertSame( Cabinet_Widgets\base64url( hash_hmac( 'sha256', "$head.$body", $new, true ) ), $signature );
	}

	public function test_a_page_that_is_not_for_everyone_contains_no_token_for_any_visitor(): void {
		$id = $this->post( '[cabinet_widget account=vault widget=balance] [cabinet_widget account=vault widget=balance for=role:editor]' );
		$pages = array();
		foreach ( array( '', 'subscriber', 'editor', 'administrator' ) as $role ) {
			$this->become( $role );
			$pages[] = $this->show( $id );
		}
		$this->assertStringNotContainsString( Cabinet_Widgets\base64url( '{"alg":"HS256"' ), $pages[3] );
		$this->assertDoesNotMatchRegularExpression( '/token=|data-token="/', $pages[3] );
		$this->assertStringNotContainsString( '/w/vault/', $pages[3] );
		$this->assertCount( 1, array_unique( $pages ), 'The same page for all, so that any cache may keep it.' );
		$this->assertTrue( wp_script_is( 'cabinet-widgets-view' ) );
	}

	public function test_a_widget_for_everyone_works_without_scripts_on_a_page_cached_for_hours(): void {
		$html  = $this->show( $this->post( '[cabinet_widget account=vault widget=balance for=everyone theme=dark]' ) );
		$frame = $this->one( '//noscript/iframe', $html );
		parse_str( parse_url( $frame->getAttribute( 'src' ), PHP_URL_QUERY ), $query );
		$claims = $this->claims( $query['token'] );
		$this->assertEqualsWithDelta( time() + 23 * 3600, $claims['exp'], 2 );
		$this->assertSame( array( 'theme' => 'dark' ), $claims['params'] );
		$this->assertSame( $query['token'], $this->one( '//cabinet-widget-closed', $html )->getAttribute( 'data-token' ) );
	}

	public function test_a_modified_grant_is_invalid(): void {
		$grant = $this->grant( 'for=members' );
		$what  = Cabinet_Widgets\open_grant( $grant );
		$forged = Cabinet_Widgets\base64url( wp_json_encode( array( 'for' => 'everyone' ) + $what ) ) . '.' . explode( '.', $grant )[1];
		foreach ( array( $forged, $grant . 'x', explode( '.', $grant )[0], '', '.', 'x.y.z', '..', '{}' ) as $bad ) {
			$this->assertArrayNotHasKey( 'token', $this->fetch_tokens( $bad )[0], $bad );
		}
	}

	public function test_a_grant_expires_after_a_week(): void {
		$grant = $this->grant( 'for=everyone' );
		$this->assertEqualsWithDelta( time() + 7.5 * DAY_IN_SECONDS, Cabinet_Widgets\open_grant( $grant )['until'], DAY_IN_SECONDS / 2 );
		$old  = array( 'until' => time() - 1 ) + Cabinet_Widgets\open_grant( $grant );
		$body = Cabinet_Widgets\base64url( wp_json_encode( $old ) );
		$this->assertNull( Cabinet_Widgets\open_grant( $body . '.' . Cabinet_Widgets\seal( $body ) ) );
	}

	public function test_the_widgets_of_a_withdrawn_post_get_no_tokens(): void {
		$id    = $this->post( '[cabinet_widget account=vault widget=balance for=everyone]' );
		$grant = $this->one( '//cabinet-widget-closed', $this->show( $id ) )->getAttribute( 'data-grant' );
		$this->assertArrayHasKey( 'token', $this->fetch_tokens( $grant )[0] );
		foreach ( array( array( 'post_status' => 'draft' ), array( 'post_status' => 'private' ), array( 'post_status' => 'publish', 'post_password' => 'x' ) ) as $change ) {
			wp_update_post( array( 'ID' => $id ) + $change );
			$this->become( '' );
			$this->assertArrayNotHasKey( 'token', $this->fetch_tokens( $grant )[0], wp_json_encode( $change ) );
		}
		wp_delete_post( $id, true );
		$this->assertArrayNotHasKey( 'token', $this->fetch_tokens( $grant )[0] );
	}

	/** @dataProvider ways */
	public function test_a_widget_that_was_removed_from_its_post_gets_no_tokens( string $widget, string $same ): void {
		Cabinet_Widgets\register_embeds();
		$id    = $this->post( "Before.\n\n$widget\n\nAfter." );
		$grant = $this->one( '//cabinet-widget-closed', $this->show( $id ) )->getAttribute( 'data-grant' );
		$gets  = function ( string $content ) use ( $id, $grant ): bool {
			$this->become( 'editor' );
			wp_update_post( wp_slash( array( 'ID' => $id, 'post_content' => $content ) ) );
			$this->become( 'subscriber' );
			return isset( $this->fetch_tokens( $grant )[0]['token'] );
		};
		$this->assertTrue( $gets( "Before, edited.\n\n$widget\n\nAfter." ), 'The rest of the post may change.' );
		$this->assertTrue( $gets( $same ), 'It may be written differently.' );
		$this->assertFalse( $gets( 'Before. After.' ) );
		$this->assertFalse( $gets( '[cabinet_widget account=vault widget=growth][cabinet_widget account=main widget=balance]' ), 'Another widget.' );
		$this->assertFalse( $gets( '[cabinet_widget account=vault widget=balance for=role:editor]' ), 'For others.' );
		$this->assertFalse( $gets( '[cabinet_widget account=vault widget=balance theme=dark]' ), 'With another option.' );
		$this->assertTrue( $gets( $widget ), 'As before.' );
	}

	public static function ways(): array {
		$shortcode = '[cabinet_widget account=vault widget=balance]';
		$block     = '<!-- wp:cabinet-widgets/widget {"account":"vault","widget":"balance"} /-->';
		return array(
			'a shortcode' => array( $shortcode, "<!-- wp:group --><div>$block</div><!-- /wp:group -->" ),
			'a block'     => array( $block, '[cabinet_widget account=“vault”<br>widget=“balance”]' ),
			'an address'  => array( self::SERVICE . '/w/vault/balance', $shortcode ),
		);
	}

	public function test_a_widget_that_was_removed_from_a_synced_pattern_gets_no_tokens(): void {
		$pattern = $this->save( 'editor', '<!-- wp:cabinet-widgets/widget {"account":"vault","widget":"balance"} /-->', array( 'post_type' => 'wp_block', 'post_status' => 'publish' ) );
		$grant   = $this->one( '//cabinet-widget-closed', $this->show( $this->post( "<!-- wp:block {\"ref\":$pattern} /-->" ) ) )->getAttribute( 'data-grant' );
		$this->become( 'subscriber' );
		$this->assertArrayHasKey( 'token', $this->fetch_tokens( $grant )[0] );
		wp_update_post( array( 'ID' => $pattern, 'post_content' => 'Nothing.' ) );
		$this->assertArrayNotHasKey( 'token', $this->fetch_tokens( $grant )[0] );
	}

	public function test_a_preview_shows_a_widget_that_is_not_stored_yet_to_those_who_may_publish_it(): void {
		$id   = $this->post( 'Not stored yet.' );
		$this->become( 'editor' );
		$GLOBALS['post'] = get_post( $id );
		$GLOBALS['wp_query']->is_preview = true;
		$grants = array();
		foreach ( array( 'members', 'everyone', 'role:editor' ) as $audience ) {
			$html = do_shortcode( "[cabinet_widget account=vault widget=balance for=$audience]" );
			$this->assertDoesNotMatchRegularExpression( '/token=|data-token="/', $html, 'A page builder may cache it for visitors.' );
			$grants[ $audience ] = $this->one( '//cabinet-widget-closed', $html )->getAttribute( 'data-grant' );
		}
		$seen_by = fn( string $role ) => array_keys( array_filter( $grants, fn( $grant ) => isset( $this->fetch_tokens_as( $role, $grant )['token'] ) ) );
		$this->assertSame( array_keys( $grants ), $seen_by( 'editor' ) );
		foreach ( array( '', 'subscriber', 'contributor', 'author' ) as $role ) {
			$this->assertSame( array(), $seen_by( $role ), $role );
		}
		wp_update_post( array( 'ID' => $id, 'post_author' => get_user_by( 'login', 'author' )->ID ) );
		$this->assertSame( array( 'members', 'everyone' ), $seen_by( 'author' ) );
		wp_update_post( array( 'ID' => $id, 'post_author' => get_user_by( 'login', 'contributor' )->ID, 'post_status' => 'draft' ) );
		$this->assertSame( array(), $seen_by( 'contributor' ) );
		wp_delete_post( $id, true );
		$this->assertSame( array(), $seen_by( 'editor' ) );
	}

	public function test_a_visitor_who_adds_preview_to_the_address_sees_the_page_as_it_is(): void {
		$id = $this->post( '[cabinet_widget account=vault widget=balance for=everyone]' );
		$this->become( '' );
		$GLOBALS['wp_query']->is_preview = true;
		$GLOBALS['post']                 = get_post( $id );
		$box = $this->one( '//cabinet-widget-closed', do_shortcode( get_post( $id )->post_content ) );
		$this->assertNotSame( '', $box->getAttribute( 'data-token' ) );
		$this->assertArrayHasKey( 'token', $this->fetch_tokens( $box->getAttribute( 'data-grant' ) )[0] );
	}

	private function fetch_tokens_as( string $role, string $grant ): array {
		$this->become( $role );
		return $this->fetch_tokens( $grant )[0];
	}

	public function test_only_a_visitor_who_is_not_logged_in_gets_a_link_to_log_in(): void {
		$grant = $this->grant( 'for=role:editor' );
		$this->assertSame( wp_login_url(), $this->fetch_tokens( $grant )[0]['log_in']['url'] );
		$this->become( 'subscriber' );
		$this->assertArrayNotHasKey( 'log_in', $this->fetch_tokens( $grant )[0] );
	}

	public function test_without_the_secret_there_are_no_more_tokens(): void {
		$grant = $this->grant( 'for=everyone' );
		update_option( 'cabinet_widgets_embed_secrets', array() );
		$this->assertArrayNotHasKey( 'token', $this->fetch_tokens( $grant )[0] );
	}

	public function test_a_contributor_cannot_see_a_closed_account_in_a_draft(): void {
		$content = '[cabinet_widget account=vault widget=balance for=everyone]<!-- wp:cabinet-widgets/widget {"account":"vault","widget":"balance","for":"everyone"} /-->';
		$id      = $this->save( 'contributor', $content, array( 'post_status' => 'draft' ) );
		$html    = $this->show( $id, true );
		$this->assertCount( 0, $this->all( '//cabinet-widget | //cabinet-widget-closed | //iframe', $html ) );
		$this->assertStringContainsString( 'once the post is published', $html );
		// In the editor's preview, of no post, of that draft, of a post that is not theirs.
		foreach ( array( 200 => 0, 201 => $id, 403 => $this->post( 'published' ) ) as $status => $post ) {
			unset( $GLOBALS['post'] );
			$this->become( 'contributor' );
			$response = $this->preview( 'everyone', array_filter( array( 'post_id' => $post ) ) );
			$this->assertSame( 201 === $status ? 200 : $status, $response->get_status() );
			$this->assertStringNotContainsString( 'token=', wp_json_encode( $response->get_data() ) );
		}
		// The response to saving a draft contains its rendered content too.
		$this->become( 'contributor' );
		$rendered = $this->response_to_saving( $id, $content );
		$this->assertStringContainsString( 'once the post is published', $rendered );
		$this->assertStringNotContainsString( 'data-grant', $rendered );
		// Once an editor has published it, the contributor sees it too.
		$this->become( 'editor' );
		wp_publish_post( $id );
		$this->become( '' );
		$this->assertCount( 2, $this->all( '//cabinet-widget-closed', $this->show( $id ) ) );
	}

	public function test_nor_inside_a_block_that_makes_a_published_post_the_current_one(): void {
		$this->post( 'published' );
		$widget  = '<!-- wp:cabinet-widgets/widget {"account":"vault","widget":"balance","for":"everyone"} /-->';
		$content = '<!-- wp:query {"queryId":1,"query":{"perPage":1,"postType":"post","inherit":false}} --><div><!-- wp:post-template -->' . $widget . '<!-- /wp:post-template --></div><!-- /wp:query -->';
		$id      = $this->save( 'contributor', $content, array( 'post_status' => 'draft' ) );
		foreach ( array( true, false ) as $is_preview ) {
			$html = $this->show( $id, $is_preview );
			$this->assertStringContainsString( 'once the post is published', $html );
			$this->assertStringNotContainsString( 'data-grant', $html );
		}
		$GLOBALS['wp_query'] = new WP_Query();
		$rendered            = $this->response_to_saving( $id, $content );
		$this->assertStringContainsString( 'once the post is published', $rendered );
		$this->assertStringNotContainsString( 'data-grant', $rendered );
		unset( $GLOBALS['post'] );
		$this->assertStringContainsString( 'data-grant', do_blocks( $widget ), 'On a page of the site it shows.' );
		set_current_screen( 'dashboard' );
		$html = do_blocks( $widget );
		unset( $GLOBALS['current_screen'] );
		$this->assertStringNotContainsString( 'data-grant', $html );
	}

	public function test_nor_as_a_reader_who_is_shown_a_draft(): void {
		$id = $this->save( 'contributor', '[cabinet_widget account=vault widget=balance for=everyone]', array( 'post_status' => 'draft' ) );
		$this->become( '' );
		$GLOBALS['post'] = get_post( $id ); // As do plugins that let others read drafts.
		$this->assertStringNotContainsString( 'data-grant', apply_filters( 'the_content', get_post( $id )->post_content ) );
	}

	public function test_nor_by_a_route_in_capital_letters(): void {
		$this->become( 'contributor' );
		$this->assertStringContainsString( 'once the post is published', $this->preview( 'role:editor', array(), 'Block-Renderer' )->get_data()['rendered'] );
		$this->become( 'editor' );
		$this->one( '//iframe', $this->preview( 'role:editor', array(), 'Block-Renderer' )->get_data()['rendered'] );
	}

	public function test_the_editors_preview_respects_for(): void {
		$this->become( 'author' );
		$this->assertStringContainsString( 'not open to everyone', $this->preview( 'role:editor' )->get_data()['rendered'] );
		$this->become( 'editor' );
		$frame = $this->one( '//iframe', $this->preview( 'role:editor' )->get_data()['rendered'] );
		parse_str( parse_url( $frame->getAttribute( 'src' ), PHP_URL_QUERY ), $query );
		$this->assertEqualsWithDelta( time() + 600, $this->claims( $query['token'] )['exp'], 2 );
	}

	public function test_a_page_of_another_site_gets_nothing(): void {
		$grant                  = $this->grant( 'for=everyone' );
		$_SERVER['HTTP_ORIGIN'] = 'https://evil.example';
		$this->assertSame( 401, $this->post_tokens( $grant )->get_status() );
		$_SERVER['HTTP_ORIGIN'] = 'null';
		$this->assertSame( 401, $this->post_tokens( $grant )->get_status() );
		$_SERVER['HTTP_ORIGIN'] = Cabinet_Widgets\origin();
		$this->assertSame( 200, $this->post_tokens( $grant )->get_status() );
	}

	public function test_a_script_element_of_another_site_gets_nothing(): void {
		$request = new WP_REST_Request( 'POST', '/cabinet-widgets/v1/token' ); // As ?_method=POST makes one of a GET.
		$request->set_query_params( array( 'grants' => array( $this->grant( 'for=everyone' ) ), '_jsonp' => 'steal' ) );
		$this->assertSame( 401, rest_do_request( $request )->get_status() );
	}

	public function test_responses_with_tokens_are_not_stored(): void {
		$this->assertSame( 'private, no-store', $this->post_tokens( $this->grant( '' ) )->get_headers()['Cache-Control'] );
	}

	public function test_the_line_for_other_visitors_can_be_changed_or_removed(): void {
		$grant = $this->grant( '' );
		$this->assertStringContainsString( 'for members', $this->fetch_tokens( $grant )[0]['refused'] );
		add_filter( 'cabinet_widgets_refusal', '__return_empty_string' );
		$this->assertSame( '', $this->fetch_tokens( $grant )[0]['refused'] );
		remove_filter( 'cabinet_widgets_refusal', '__return_empty_string' );
	}

	public function test_too_many_or_too_long_grants_are_refused(): void {
		$this->assertSame( 400, $this->post_tokens( ...array_fill( 0, 51, 'x' ) )->get_status() );
		$this->assertSame( 400, $this->post_tokens( str_repeat( 'x', 5000 ) )->get_status() );
	}

	private function preview( string $for, array $more = array(), string $route = 'block-renderer' ): WP_REST_Response {
		$request = new WP_REST_Request( 'GET', "/wp/v2/$route/cabinet-widgets/widget" );
		$request->set_query_params( array( 'context' => 'edit', 'attributes' => array( 'account' => 'vault', 'widget' => 'balance', 'for' => $for ) ) + $more );
		return rest_do_request( $request );
	}

	private function response_to_saving( int $id, string $content ): string {
		$request = new WP_REST_Request( 'POST', "/wp/v2/posts/$id" );
		$request->set_body_params( array( 'content' => $content, 'context' => 'edit' ) );
		return rest_do_request( $request )->get_data()['content']['rendered'];
	}

	private function post( string $content ): int {
		return $this->save( 'editor', $content, array( 'post_status' => 'publish' ) );
	}

	/** The grant in a published post whose shortcode has these attributes. */
	private function grant( string $attributes ): string {
		$html = $this->show( $this->post( "[cabinet_widget account=vault widget=balance $attributes]" ) );
		$this->become( '' );
		return $this->one( '//cabinet-widget-closed', $html )->getAttribute( 'data-grant' );
	}

	private function claims( string $token ): array {
		return json_decode( base64_decode( strtr( explode( '.', $token )[1], '-_', '+/' ) ), true );
	}
}
