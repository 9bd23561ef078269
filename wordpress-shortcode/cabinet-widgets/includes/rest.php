<?php
/**
 * The route from which pages fetch tokens: a grant comes in, a token goes out to those whom the grant names.
 *
 * A page that a cache keeps for hours has no nonce that is still good, so that WordPress's own REST check would take a
 * member for a stranger. The login cookie is read here instead. That is safe because nothing is changed, and because no
 * other site gets at the answer: requests that come from one are refused, and no CORS header is sent.
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

const ROUTE = 'cabinet-widgets/v1/token';

add_action( 'rest_api_init', __NAMESPACE__ . '\register_route' );
add_filter( 'rest_pre_serve_request', __NAMESPACE__ . '\drop_cors', 20, 3 );

/**
 * Registers the route.
 */
function register_route(): void {
	list( $space, $version, $path ) = explode( '/', ROUTE );
	register_rest_route(
		"$space/$version",
		"/$path",
		array(
			'methods'             => 'POST',
			'callback'            => __NAMESPACE__ . '\give_tokens',
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
 * Whether a request was made by a page of this site (or by no page at all: then it carries no visitor's cookie).
 *
 * No other site can make one with JSON in it without being told of CORS. A script element could, for it says no origin
 * and WordPress takes ?_method=POST&_jsonp=… for it.
 *
 * @param \WP_REST_Request $request The request.
 */
function is_from_here( \WP_REST_Request $request ): bool {
	$origin = get_http_origin();
	// phpcs:ignore WordPress.Security.ValidatedSanitizedInput -- compared, and nothing else.
	$here = $_SERVER['HTTP_HOST'] ?? '';
	return $request->is_json_content_type() && ( ! $origin || is_allowed_http_origin( $origin ) || preg_replace( '#^https?://#', '', $origin ) === $here );
}

/**
 * For each grant a token, or the line that says that there is none.
 *
 * @param \WP_REST_Request $request With 'grants'.
 */
function give_tokens( \WP_REST_Request $request ): \WP_REST_Response {
	$user     = new \WP_User( get_current_user_id() ? get_current_user_id() : (int) wp_validate_auth_cookie( '', 'logged_in' ) );
	$response = new \WP_REST_Response( array_map( static fn( $grant ) => answer( $grant, $user ), $request['grants'] ) );
	$response->header( 'Cache-Control', 'private, no-store' );
	return $response;
}

/**
 * The answer to one grant.
 *
 * @param string   $grant As it came.
 * @param \WP_User $user  Who asks.
 */
function answer( string $grant, \WP_User $user ): array {
	$what = open_grant( $grant );
	if ( null === $what || ! is_readable_post( $what['post'], $user ) || '' === signing_secret( $what['account'] ) ) {
		return array( 'refused' => __( 'These figures are no longer here: please reload the page.', 'cabinet-widgets' ) );
	}
	if ( ! is_for( $what['for'], $user ) ) {
		return array( 'refused' => refusal( $what['for'] ) );
	}
	return array( 'token' => mint( $what['account'], $what['widget'], $what['options'] ) );
}

/**
 * Whether the post that a grant was made for can still be read by this user.
 *
 * @param int      $id   The post; 0 stands for the site's own parts, such as a sidebar.
 * @param \WP_User $user Who asks.
 */
function is_readable_post( int $id, \WP_User $user ): bool {
	if ( 0 === $id ) {
		return true;
	}
	$post = get_post( $id );
	return $post && ( is_post_publicly_viewable( $post ) || user_can( $user, 'read_post', $id ) ) && ! post_password_required( $post );
}

/**
 * WordPress lets any site read what a REST route answers, with the visitor's cookies; not this one.
 *
 * @param bool              $served  Passed on.
 * @param \WP_HTTP_Response $result  The answer.
 * @param \WP_REST_Request  $request The question.
 */
function drop_cors( $served, $result, $request ) {
	if ( '/' . ROUTE === $request->get_route() ) {
		header_remove( 'Access-Control-Allow-Origin' );
		header_remove( 'Access-Control-Allow-Credentials' );
	}
	return $served;
}
