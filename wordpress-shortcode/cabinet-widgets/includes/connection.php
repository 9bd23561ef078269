<?php
/**
 * Tests the connection to the service and says in words what is wrong.
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

// The oldest version of the service that this version of the plugin works with.
const OLDEST_SERVICE = '0.1.0';
// How many seconds the clocks may differ: the service accepts tokens with this leeway.
const CLOCK_TOLERANCE = 30;

const FRAMING = 'cabinet_widgets_framing';

/**
 * Requests the service's catalogue, and a widget of each account with a secret and of the default account.
 *
 * @return array[] For each result, whether it is good and a line of text.
 */
function test_connection(): array {
	$response = request_service( '/embed.json' );
	$problem  = problem_of_service( $response, service_url() );
	if ( '' !== $problem ) {
		return array( array( false, $problem ) );
	}
	fetch_catalogue();
	$known = read_catalogue( wp_remote_retrieve_body( $response ) );
	$names = array_keys( $known['widgets'] );
	/* translators: 1: version, 2: number of widgets. */
	$works = __( 'The service responds: version %1$s, widgets: %2$d.', 'cabinet-widgets' );
	$lines = array( array( true, sprintf( $works, $known['version'], count( $names ) ) ) );
	$clock = problem_of_clocks( $response );
	if ( '' !== $clock ) {
		$lines[] = array( false, $clock );
	}
	foreach ( array_keys( secrets() ) as $account ) {
		$lines[] = test_account( (string) $account, $names );
	}
	$account = defaults()['account'];
	if ( '' !== $account && ! is_closed( $account ) ) {
		$lines[] = test_open_account( $account, $names );
	}
	return $lines;
}

/**
 * Why the service cannot be used, in words; '' if it can.
 *
 * @param array|\WP_Error $response To the request for the catalogue.
 * @param string          $service  Address of the service.
 */
function problem_of_service( $response, string $service ): string {
	if ( is_wp_error( $response ) ) {
		/* translators: 1: address, 2: reason, a sentence. */
		return sprintf( __( '%1$s cannot be reached from this server. %2$s', 'cabinet-widgets' ), $service, explain_error( $response, $service ) );
	}
	$target = (string) wp_remote_retrieve_header( $response, 'location' );
	if ( '' !== $target ) {
		/* translators: 1: address, 2: another address. */
		return sprintf( __( '%1$s redirects to %2$s. Enter that address.', 'cabinet-widgets' ), $service, $target );
	}
	$status = (int) wp_remote_retrieve_response_code( $response );
	$known  = read_catalogue( wp_remote_retrieve_body( $response ) );
	if ( 200 !== $status || null === $known ) {
		/* translators: 1: address, 2: HTTP status. */
		return sprintf( __( '%1$s responds (status %2$d), but not as a Cabinet Widgets service. Is the address correct?', 'cabinet-widgets' ), $service, $status );
	}
	if ( version_compare( $known['version'], OLDEST_SERVICE, '<' ) ) {
		/* translators: 1: version of the service, 2: oldest version that works. */
		return sprintf( __( 'The service has version %1$s. This plugin needs version %2$s or later.', 'cabinet-widgets' ), $known['version'], OLDEST_SERVICE );
	}
	return '';
}

/**
 * Why a server cannot be reached, in words instead of the codes of cURL.
 *
 * @param \WP_Error $error   From the request.
 * @param string    $service Address of the service.
 */
function explain_error( \WP_Error $error, string $service ): string {
	if ( 'http_request_not_executed' === $error->get_error_code() ) {
		return __( 'This site blocks requests to other servers: see WP_HTTP_BLOCK_EXTERNAL and WP_ACCESSIBLE_HOSTS in wp-config.php.', 'cabinet-widgets' );
	}
	if ( is_multisite() && ! wp_http_validate_url( $service ) ) {
		return __( 'The sites of a network may only use public addresses.', 'cabinet-widgets' );
	}
	$message = $error->get_error_message();
	$known   = array(
		'cURL error 6:|getaddrinfo'                => __( 'There is no server of this name. Is it spelled correctly?', 'cabinet-widgets' ),
		'cURL error 7:|Connection refused'         => __( 'Nothing accepts connections there. Is the service running, and is the port correct?', 'cabinet-widgets' ),
		'cURL error 28:|timed out'                 => __( 'It did not respond within five seconds. Is the service running, and does a firewall let this server connect?', 'cabinet-widgets' ),
		'cURL error 35:'                           => __( 'A secure connection is not possible: the server does not use HTTPS on this port, or refuses this name.', 'cabinet-widgets' ),
		'cURL error (51|53|58|59|60|77|80|83|91):' => __( 'A secure connection is not possible: its certificate is not valid for this name, has expired, or is not from a known authority.', 'cabinet-widgets' ),
	);
	foreach ( $known as $pattern => $line ) {
		if ( preg_match( "~$pattern~i", $message ) ) {
			return $line;
		}
	}
	return $message;
}

/**
 * What is said if the clocks of this server and the service differ too much; '' if they do not.
 *
 * @param array $response Of the service.
 */
function problem_of_clocks( array $response ): string {
	$date = strtotime( (string) wp_remote_retrieve_header( $response, 'date' ) );
	$age  = (int) wp_remote_retrieve_header( $response, 'age' );
	if ( false === $date || abs( $date + $age - time() ) <= CLOCK_TOLERANCE ) {
		return '';
	}
	/* translators: 1: seconds, 2: tolerated seconds. */
	return sprintf( __( 'The clocks of this server and of the service differ by %1$d seconds. With more than %2$d, closed accounts may not be shown.', 'cabinet-widgets' ), abs( $date + $age - time() ), CLOCK_TOLERANCE );
}

/**
 * Tests an address and, if it works, stores it, with the account in it as the default account if there is none yet.
 *
 * @param string $pasted Address of the service or of a widget.
 * @return string Why it was not stored; '' if it was.
 */
function connect( string $pasted ): string {
	$service = service_in( trim( $pasted ) );
	if ( null === $service ) {
		return wrong_address();
	}
	$problem = problem_of_service( request_service( '/embed.json', $service ), $service );
	if ( '' !== $problem ) {
		return $problem;
	}
	update_option( URL_OPTION, $service );
	if ( '' === defaults()['account'] ) {
		update_option( DEFAULTS_OPTION, array( 'account' => account_in( $pasted ) ) + defaults() );
	}
	return '';
}

/**
 * Why browsers will refuse the frame of a widget on this site; '' if they will not. Remembered for a minute, since the
 * editor asks for each preview.
 *
 * @param string $account Slug.
 * @param string $widget  Name of the widget.
 */
function framing_problem( string $account, string $widget ): string {
	$remembered = array_filter( (array) get_transient( FRAMING ), static fn( $one ) => is_array( $one ) && $one['until'] > time() );
	$key        = service_url() . "/w/$account/$widget";
	if ( ! isset( $remembered[ $key ] ) ) {
		$query    = is_closed( $account ) ? '?token=' . create_token( $account, $widget, array() ) : '';
		$response = request_service( "/w/$account/$widget$query" );
		$policy   = (string) wp_remote_retrieve_header( $response, 'content-security-policy' );
		/* translators: 1: account, 2: this site's origin. */
		$line               = __( '%1$s: browsers will not show the account on this site. Add %2$s to its allowed_origins.', 'cabinet-widgets' );
		$remembered[ $key ] = array(
			'problem' => may_be_framed( $policy ) ? '' : sprintf( $line, $account, origin() ),
			'until'   => time() + MINUTE_IN_SECONDS,
		);
		set_transient( FRAMING, $remembered, MINUTE_IN_SECONDS );
	}
	return $remembered[ $key ]['problem'];
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
