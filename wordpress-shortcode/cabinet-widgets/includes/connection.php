<?php
/**
 * Tests the connection to the service and says in words what is wrong.
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

/**
 * Requests the service's catalogue, and a widget of each account with a secret and of the default account.
 *
 * @return array[] For each result, whether it is good and a line of text.
 */
function test_connection(): array {
	$response = request_service( '/embed.json' );
	$known    = is_wp_error( $response ) ? null : read_catalogue( wp_remote_retrieve_body( $response ) );
	if ( is_wp_error( $response ) ) {
		/* translators: 1: address, 2: technical reason. */
		return array( array( false, sprintf( __( '%1$s cannot be reached from this server: %2$s', 'cabinet-widgets' ), service_url(), $response->get_error_message() ) ) );
	}
	if ( 200 !== wp_remote_retrieve_response_code( $response ) || null === $known ) {
		/* translators: 1: address, 2: HTTP status. */
		return array( array( false, sprintf( __( '%1$s responds (status %2$d), but not as a Cabinet Widgets service. Is the address correct?', 'cabinet-widgets' ), service_url(), wp_remote_retrieve_response_code( $response ) ) ) );
	}
	fetch_catalogue();
	/* translators: 1: version, 2: number of widgets. */
	$lines = array( array( true, sprintf( _n( 'The service responds: version %1$s, %2$d widget.', 'The service responds: version %1$s, %2$d widgets.', count( $known['widgets'] ), 'cabinet-widgets' ), $known['version'], count( $known['widgets'] ) ) ) );
	foreach ( array_keys( secrets() ) as $account ) {
		$lines[] = test_account( (string) $account, array_keys( $known['widgets'] ) );
	}
	$account = defaults()['account'];
	if ( '' !== $account && '' === signing_secret( $account ) ) {
		$lines[] = test_open_account( $account, array_keys( $known['widgets'] ) );
	}
	return $lines;
}

/**
 * Requests the first widget that an account shows, with a token.
 *
 * @param string   $account Slug.
 * @param string[] $widgets Their names.
 * @return array Whether the result is good, and a line of text.
 */
function test_account( string $account, array $widgets ): array {
	$response = request_first_widget( $account, $widgets, fn( $widget ) => '?token=' . create_token( $account, $widget, array() ) );
	$status   = (int) wp_remote_retrieve_response_code( $response );
	$reason   = explain_failure( $account, $status );
	if ( '' !== $reason ) {
		return array( false, $reason );
	}
	if ( 401 === $status ) {
		/* translators: %s: account. */
		return array( false, sprintf( __( '%s: the service does not accept this embed secret.', 'cabinet-widgets' ), $account ) );
	}
	if ( ! may_be_framed( (string) wp_remote_retrieve_header( $response, 'content-security-policy' ) ) ) {
		/* translators: 1: account, 2: this site's origin. */
		return array( false, sprintf( __( '%1$s: the secret is correct, but browsers will not show the account on this site. Add %2$s to its allowed_origins.', 'cabinet-widgets' ), $account, origin() ) );
	}
	if ( 200 !== $status ) {
		/* translators: 1: account, 2: HTTP status. */
		return array( false, sprintf( __( '%1$s: the secret is correct, but the figures are not available at the moment (status %2$d).', 'cabinet-widgets' ), $account, $status ) );
	}
	/* translators: %s: account. */
	return array( true, sprintf( __( '%s: the secret is correct.', 'cabinet-widgets' ), $account ) );
}

/**
 * The service's response for the first widget that an account shows.
 *
 * @param string   $account Slug.
 * @param string[] $widgets Their names.
 * @param callable $query   Returns the query for a widget's address.
 * @return array|\WP_Error As request_service().
 */
function request_first_widget( string $account, array $widgets, callable $query ) {
	foreach ( $widgets as $widget ) {
		$response = request_service( "/w/$account/$widget" . $query( $widget ) );
		if ( 404 !== (int) wp_remote_retrieve_response_code( $response ) ) {
			break;
		}
	}
	return $response;
}

/**
 * Why the service shows nothing of an account, with or without a token; '' if it is for another reason.
 *
 * @param string $account Slug.
 * @param int    $status  HTTP status of its response, 0 if there is none.
 */
function explain_failure( string $account, int $status ): string {
	$lines = array(
		/* translators: %s: account. */
		0   => __( '%s: the service did not respond in time.', 'cabinet-widgets' ),
		/* translators: %s: account. */
		403 => __( '%s: the account is available to certain networks only, and this server is not in any of them.', 'cabinet-widgets' ),
		/* translators: %s: account. */
		404 => __( '%s: the service has no such account.', 'cabinet-widgets' ),
	);
	return isset( $lines[ $status ] ) ? sprintf( $lines[ $status ], $account ) : '';
}

/**
 * Requests the first widget that an account shows to everybody.
 *
 * @param string   $account Slug of an account without a secret on this site.
 * @param string[] $widgets Their names.
 * @return array Whether the result is good, and a line of text.
 */
function test_open_account( string $account, array $widgets ): array {
	$response = request_first_widget( $account, $widgets, fn() => '' );
	$status   = (int) wp_remote_retrieve_response_code( $response );
	$reason   = explain_failure( $account, $status );
	if ( '' !== $reason ) {
		return array( false, $reason );
	}
	if ( ! may_be_framed( (string) wp_remote_retrieve_header( $response, 'content-security-policy' ) ) ) {
		/* translators: 1: account, 2: this site's origin. */
		return array( false, sprintf( __( '%1$s: browsers will not show the account on this site. Add %2$s to its allowed_origins.', 'cabinet-widgets' ), $account, origin() ) );
	}
	if ( 401 === $status ) {
		/* translators: %s: account. */
		return array( true, sprintf( __( '%s: the account is closed. Visitors have to enter its password unless you enter its embed secret here.', 'cabinet-widgets' ), $account ) );
	}
	if ( 200 !== $status ) {
		/* translators: 1: account, 2: HTTP status. */
		return array( false, sprintf( __( '%1$s: the figures are not available at the moment (status %2$d).', 'cabinet-widgets' ), $account, $status ) );
	}
	/* translators: %s: account. */
	return array( true, sprintf( __( '%s: the figures are available.', 'cabinet-widgets' ), $account ) );
}

/**
 * Whether pages of this site may frame a page of the service.
 *
 * @param string $policy The page's Content-Security-Policy.
 */
function may_be_framed( string $policy ): bool {
	if ( ! preg_match( '/frame-ancestors ([^;]*)/', $policy, $found ) ) {
		return true;
	}
	$sources = preg_split( '/\s+/', trim( $found[1] ) );
	return in_array( '*', $sources, true ) || in_array( origin(), $sources, true );
}

/**
 * The origin of this site's pages.
 */
function origin(): string {
	$parts = wp_parse_url( home_url() );
	return $parts['scheme'] . '://' . $parts['host'] . ( isset( $parts['port'] ) ? ":{$parts['port']}" : '' );
}
