<?php
/**
 * What the plugin knows about the service: its address, and the names, options and heights of its widgets.
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

const CATALOGUE    = 'cabinet_widgets_catalogue';
const REFRESH_HOOK = 'cabinet_widgets_refresh';

// The account of services whose operators did not choose another name.
const USUAL_ACCOUNT = 'main';

// Used until the service has responded once.
const USUAL_OPTIONS  = array( 'theme', 'background', 'accent', 'lang', 'tz', 'title', 'refresh', 'rows', 'page', 'period', 'from', 'to', 'switch', 'group', 'by', 'month' );
const UNKNOWN_HEIGHT = 320;

add_action( REFRESH_HOOK, __NAMESPACE__ . '\fetch_catalogue' );
add_filter( 'http_request_host_is_external', __NAMESPACE__ . '\trust_service_host', 10, 3 );
add_filter( 'http_allowed_safe_ports', __NAMESPACE__ . '\trust_service_port', 10, 3 );

/**
 * The service's address without a trailing slash; '' if it is not set.
 */
function service_url(): string {
	return (string) get_option( URL_OPTION, '' );
}

/**
 * Sends a GET request to the service and waits at most five seconds.
 *
 * On a single site, the person who sets the address may also install plugins, so private addresses are allowed. The
 * administrators of a network's sites have fewer rights, so private addresses are refused there.
 *
 * @param string      $path    Path with a leading slash, including the query.
 * @param string|null $service Address of the service; null for the one in the settings.
 * @return array|\WP_Error As wp_remote_get().
 */
function request_service( string $path, ?string $service = null ) {
	$get = is_multisite() ? 'wp_safe_remote_get' : 'wp_remote_get';
	return $get(
		( $service ?? service_url() ) . $path,
		array(
			'timeout'             => 5,
			'redirection'         => 0,
			'limit_response_size' => 262144,
		)
	);
}

/**
 * The service's catalogue: 'version', 'accounts' (slugs that it lists publicly; if it lists none, the usual one if it has that)
 * and 'widgets', by name: label, height, row_height, heading, rows, options.
 *
 * Callers wait for the service only if nothing is cached, and after a failure not again for a minute. A catalogue that is
 * older than an hour is still used while WP-Cron refreshes it. If the service is down, it is retained for a month.
 */
function catalogue(): array {
	$url = service_url();
	if ( '' === $url ) {
		return empty_catalogue();
	}
	$cached = get_transient( CATALOGUE );
	if ( ! is_array( $cached ) || $cached['url'] !== $url ) {
		return fetch_catalogue();
	}
	$age = time() - $cached['asked'];
	if ( ! $cached['known']['widgets'] ) {
		return $age > MINUTE_IN_SECONDS ? fetch_catalogue() : $cached['known'];
	}
	if ( $age > HOUR_IN_SECONDS && ! wp_next_scheduled( REFRESH_HOOK ) ) {
		wp_schedule_single_event( time(), REFRESH_HOOK );
	}
	return $cached['known'];
}

/**
 * The cached catalogue, however old it is; an empty one if there is none. No request is sent.
 */
function cached_catalogue(): array {
	$cached = get_transient( CATALOGUE );
	return is_array( $cached ) && service_url() === $cached['url'] ? $cached['known'] : empty_catalogue();
}

/**
 * Requests the catalogue now and caches it; if that fails, returns the previous one.
 */
function fetch_catalogue(): array {
	$url = service_url();
	if ( '' === $url ) {
		return empty_catalogue();
	}
	$response = request_service( '/embed.json' );
	$known    = 200 === wp_remote_retrieve_response_code( $response ) ? read_catalogue( wp_remote_retrieve_body( $response ) ) : null;
	if ( null === $known ) {
		$known = cached_catalogue();
	} elseif ( ! $known['accounts'] && has_usual_account() ) {
		$known['accounts'] = array( USUAL_ACCOUNT );
	}
	set_transient(
		CATALOGUE,
		array(
			'url'   => $url,
			'asked' => time(),
			'known' => $known,
		),
		MONTH_IN_SECONDS
	);
	return $known;
}

/**
 * Whether the service has the usual account, so that nobody has to enter its name.
 */
function has_usual_account(): bool {
	$status = (int) wp_remote_retrieve_response_code( request_service( '/w/' . USUAL_ACCOUNT . '/balance' ) );
	return in_array( $status, array( 200, 401 ), true );
}

/**
 * A catalogue without accounts and widgets.
 */
function empty_catalogue(): array {
	return array(
		'version'  => '',
		'accounts' => array(),
		'widgets'  => array(),
	);
}

/**
 * Reads the service's embed.json and ignores whatever is malformed.
 *
 * @param string $body What the service sent.
 * @return array|null The catalogue, or null if this is not one.
 */
function read_catalogue( string $body ) {
	$decoded = json_decode( $body, true );
	if ( ! is_array( $decoded ) || ! is_array( $decoded['widgets'] ?? null ) ) {
		return null;
	}
	$known            = empty_catalogue();
	$known['version'] = text( $decoded['version'] ?? '' );
	foreach ( array_filter( (array) ( $decoded['accounts'] ?? array() ), 'is_string' ) as $slug ) {
		if ( preg_match( SLUG, $slug ) ) {
			$known['accounts'][] = $slug;
		}
	}
	foreach ( $decoded['widgets'] as $name => $widget ) {
		if ( ! preg_match( SLUG, (string) $name ) || ! is_array( $widget ) ) {
			continue;
		}
		$label   = text( $widget['label'] ?? '' );
		$options = array_filter( (array) ( $widget['options'] ?? array() ), 'is_string' );

		$known['widgets'][ $name ] = array(
			'label'      => '' === $label ? $name : $label,
			'height'     => pixels( $widget['height'] ?? 0 ),
			'row_height' => pixels( $widget['row_height'] ?? 0 ),
			'heading'    => pixels( $widget['heading'] ?? 0 ),
			'rows'       => pixels( $widget['rows'] ?? 0 ),
			'options'    => array_values( preg_grep( NAME, $options ) ),
		);
	}
	return $known['widgets'] ? $known : null;
}

/**
 * A whole number from 0 to 10000.
 *
 * @param mixed $value Anything.
 */
function pixels( $value ): int {
	return is_numeric( $value ) ? (int) max( 0, min( 10000, $value ) ) : 0;
}

/**
 * The options that a widget takes.
 *
 * @param string $widget Name of the widget.
 */
function options_of( string $widget ): array {
	return catalogue()['widgets'][ $widget ]['options'] ?? USUAL_OPTIONS;
}

/**
 * The exact height of a widget's frame, in pixels.
 *
 * @param string $widget  Name of the widget.
 * @param array  $options Its options, by name.
 */
function height_of( string $widget, array $options ): int {
	$known = catalogue()['widgets'][ $widget ] ?? null;
	if ( null === $known ) {
		return UNKNOWN_HEIGHT;
	}
	$rows = min( 100, (int) ( $options['rows'] ?? $known['rows'] ) );
	// The links to other periods stand in the heading.
	$has_heading = '0' !== ( $options['title'] ?? '1' ) || '1' === ( $options['switch'] ?? '0' );
	$heading     = $has_heading ? 0 : $known['heading'];
	return $known['height'] + $known['row_height'] * $rows - $heading;
}

/**
 * A widget's label, for people: in the language of the page if the plugin knows the widget.
 *
 * @param string $widget Name of the widget.
 */
function label_of( string $widget ): string {
	return known_widgets()[ $widget ]['label'] ?? catalogue()['widgets'][ $widget ]['label'] ?? $widget;
}

/**
 * The accounts that this site knows: the default one, those with a secret and those that the service lists.
 */
function known_accounts(): array {
	$accounts = array_merge( array( defaults()['account'] ), array_map( 'strval', array_keys( secrets() ) ), catalogue()['accounts'] );
	return array_values( array_unique( array_filter( $accounts ) ) );
}

/**
 * Lets WordPress's oEmbed client reach a service on a private address, under the same rule as request_service().
 *
 * @param bool   $external Whether the host is already trusted.
 * @param string $host     Not used.
 * @param string $url      The requested address.
 */
function trust_service_host( $external, $host, $url ) {
	return $external || is_of_service( $url );
}

/**
 * Does the same for the service's port.
 *
 * @param int[]  $ports The ports that are already trusted.
 * @param string $host  Not used.
 * @param string $url   The requested address.
 */
function trust_service_port( $ports, $host, $url ) {
	$port = wp_parse_url( service_url(), PHP_URL_PORT );
	return $port && is_of_service( $url ) ? array_merge( $ports, array( $port ) ) : $ports;
}

/**
 * Whether an address belongs to the service, on a site whose administrator may choose any address. Other addresses on the
 * same host do not count, because any author may write an address alone on a line.
 *
 * @param string $url The address.
 */
function is_of_service( $url ): bool {
	return ! is_multisite() && '' !== service_url() && 0 === strpos( $url, service_url() . '/' );
}
