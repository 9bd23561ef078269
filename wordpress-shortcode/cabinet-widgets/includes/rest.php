<?php
/**
 * The REST routes. Pages fetch tokens from one of them: it takes a grant and responds with a token if the grant is for the
 * visitor.
 *
 * In a page that was cached for hours, the nonce has expired, so WordPress's own REST check would treat a member as logged
 * out. The login cookie is read here instead. That is safe because nothing is changed and no other site can read the
 * response: requests from other sites are refused, and no CORS header is sent.
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

const SPACE = 'cabinet-widgets/v1';
const ROUTE = SPACE . '/token';

add_action( 'rest_api_init', __NAMESPACE__ . '\register_routes' );
add_filter( 'rest_pre_serve_request', __NAMESPACE__ . '\drop_cors', 20, 3 );
add_filter( 'rest_request_before_callbacks', __NAMESPACE__ . '\enter_request', 10, 3 );
add_filter( 'rest_request_after_callbacks', __NAMESPACE__ . '\leave_request' );

/**
 * Registers the routes for visitors, for the set-up inside a post and for Site Health.
 */
function register_routes(): void {
	register_rest_route(
		SPACE,
		'/connection',
		array(
			'methods'             => 'POST',
			'callback'            => __NAMESPACE__ . '\respond_to_set_up',
			'permission_callback' => __NAMESPACE__ . '\may_choose_service',
			'args'                => array(
				'address' => array(
					'type'      => 'string',
					'required'  => true,
					'maxLength' => 2000,
				),
			),
		)
	);
	register_rest_route(
		SPACE,
		'/health',
		array(
			'methods'             => 'GET',
			'callback'            => __NAMESPACE__ . '\test_health',
			'permission_callback' => static fn() => current_user_can( 'view_site_health_checks' ),
		)
	);
	register_rest_route(
		SPACE,
		'/token',
		array(
			'methods'             => 'POST',
			'callback'            => __NAMESPACE__ . '\respond_with_tokens',
			'permission_callback' => __NAMESPACE__ . '\is_from_here',
			'args'                => array(
				'grants' => array(
					'type'     => 'array',
					'required' => true,
					'maxItems' => 50,
					'items'    => array(
						'type'      => 'string',
						'maxLength' => 4096,
					),
				),
			),
		)
	);
}

/**
 * Stores the address of the service that was entered in a post, if it works.
 *
 * @param \WP_REST_Request $request With 'address'.
 * @return array 'problem', '' if the address was stored; then also 'site', what the editor needs to know now, and 'warnings',
 *               lines about what will not work yet.
 */
function respond_to_set_up( \WP_REST_Request $request ): array {
	$problem = connect( $request['address'] );
	if ( '' !== $problem ) {
		return array( 'problem' => $problem );
	}
	$bad = array_filter( test_connection(), static fn( $result ) => ! $result[0] );
	return array(
		'problem'  => '',
		'site'     => editor_data(),
		'warnings' => array_column( $bad, 1 ),
	);
}

/**
 * Whether a request was made by a page of this site, or by no page at all (then it carries no visitor's cookie).
 *
 * JSON is required because a script element of another site could otherwise make the request: it sends no origin, and
 * WordPress treats ?_method=POST&_jsonp=… as a POST. Other cross-site requests with JSON need CORS.
 *
 * @param \WP_REST_Request $request The request.
 */
function is_from_here( \WP_REST_Request $request ): bool {
	$origin = get_http_origin();
	// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- only compared.
	$here = $_SERVER['HTTP_HOST'] ?? '';
	return $request->is_json_content_type() && ( ! $origin || is_allowed_http_origin( $origin ) || preg_replace( '#^https?://#', '', $origin ) === $here );
}

/**
 * Responds to each grant with a token, or with the line that is shown instead.
 *
 * @param \WP_REST_Request $request With 'grants'.
 */
function respond_with_tokens( \WP_REST_Request $request ): \WP_REST_Response {
	$user     = new \WP_User( get_current_user_id() ? get_current_user_id() : (int) wp_validate_auth_cookie( '', 'logged_in' ) );
	$response = new \WP_REST_Response( array_map( static fn( $grant ) => token_for_grant( $grant, $user ), $request['grants'] ) );
	$response->header( 'Cache-Control', 'private, no-store' );
	return $response;
}

/**
 * The response to one grant.
 *
 * @param string   $grant As received.
 * @param \WP_User $user  The visitor.
 */
function token_for_grant( string $grant, \WP_User $user ): array {
	$what = open_grant( $grant );
	if ( null === $what || ! is_readable_post( $what, $user ) || ! is_closed( $what['account'] ) ) {
		return array( 'refused' => __( 'These figures are no longer available here. Please reload the page.', 'cabinet-widgets' ) );
	}
	if ( ! is_for( $what['for'], $user ) ) {
		return refuse( $what['for'], $user );
	}
	return array( 'token' => create_token( $what['account'], $what['widget'], $what['options'] ) );
}

/**
 * The response to a visitor for whom the widget is not.
 *
 * @param string   $audience As in is_for().
 * @param \WP_User $user     The visitor.
 */
function refuse( string $audience, \WP_User $user ): array {
	$refused = array( 'refused' => refusal( $audience ) );
	if ( ! $user->exists() ) {
		// The script adds the address of the page to return to.
		$refused['log_in'] = array(
			'url'   => wp_login_url(),
			'label' => __( 'Please log in to see them.', 'cabinet-widgets' ),
		);
	}
	return $refused;
}

/**
 * Whether the post that a grant was made for can still be read by this user and still contains the widget.
 *
 * @param array    $what From open_grant(). Its post is 0 for parts of the site itself, such as a sidebar.
 * @param \WP_User $user The visitor.
 */
function is_readable_post( array $what, \WP_User $user ): bool {
	if ( 0 === $what['post'] ) {
		return true;
	}
	$post = get_post( $what['post'] );
	if ( $post && ! empty( $what['preview'] ) ) {
		// The stored post may not contain the widget yet. Whoever may publish it may see how it will look.
		return user_can( $user, 'publish_posts' ) && user_can( $user, 'edit_post', $post->ID );
	}
	if ( ! $post || post_password_required( $post ) || ! still_contains( $what, $post ) ) {
		return false;
	}
	return is_post_publicly_viewable( $post ) || user_can( $user, 'read_post', $post->ID );
}

/**
 * Removes the CORS headers with which WordPress lets any site read REST responses, with the visitor's cookies.
 *
 * @param bool              $served  Returned unchanged.
 * @param \WP_HTTP_Response $result  The response.
 * @param \WP_REST_Request  $request The request.
 */
function drop_cors( $served, $result, $request ) {
	if ( '/' . ROUTE === $request->get_route() ) {
		header_remove( 'Access-Control-Allow-Origin' );
		header_remove( 'Access-Control-Allow-Credentials' );
	}
	return $served;
}

/**
 * The routes of the REST requests that WordPress is responding to; the innermost is the last, since a callback may make
 * another request.
 *
 * @param string[]|null $routes The routes to remember; null leaves them unchanged.
 */
function current_routes( ?array $routes = null ): array {
	static $known = array();
	$known        = $routes ?? $known;
	return $known;
}

/**
 * Remembers the route of a REST request before its callbacks run.
 *
 * @param mixed            $response Returned unchanged.
 * @param array            $handler  Not used.
 * @param \WP_REST_Request $request  The request.
 */
function enter_request( $response, $handler, $request ) {
	current_routes( array_merge( current_routes(), array( $request->get_route() ) ) );
	return $response;
}

/**
 * Forgets the route afterwards.
 *
 * @param mixed $response Returned unchanged.
 */
function leave_request( $response ) {
	current_routes( array_slice( current_routes(), 0, -1 ) );
	return $response;
}

/**
 * Whether the HTML becomes part of a response of WordPress's REST server.
 */
function is_rest_request(): bool {
	return array() !== current_routes();
}

/**
 * Whether the HTML is for the editor's live preview of a block or of an address.
 */
function is_editor_request(): bool {
	// WordPress ignores the case of routes.
	return array() !== preg_grep( '#^/(wp/v2/block-renderer/|oembed/1\.0/proxy)#i', current_routes() );
}
