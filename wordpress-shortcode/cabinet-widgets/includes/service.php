<?php
/**
 * What the plugin knows of the service: its address, and what its widgets are called, take and measure.
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

const CATALOGUE    = 'cabinet_widgets_catalogue';
const REFRESH_HOOK = 'cabinet_widgets_refresh';

// Taken for granted until the service has answered once.
const USUAL_OPTIONS = array( 'theme', 'accent', 'lang', 'tz', 'title', 'refresh', 'rows', 'period', 'from', 'to', 'group' );
const UNKNOWN_HEIGHT = 320;

add_action( 'init', __NAMESPACE__ . '\register_provider' );
add_action( REFRESH_HOOK, __NAMESPACE__ . '\fetch_catalogue' );
add_filter( 'http_request_host_is_external', __NAMESPACE__ . '\trust_service_host', 10, 3 );
add_filter( 'http_allowed_safe_ports', __NAMESPACE__ . '\trust_service_port', 10, 3 );

/**
 * The service's address without a slash at its end; '' before it is set.
 */
function service_url(): string {
	return (string) get_option( URL_OPTION, '' );
}

/**
 * Asks the service for a path, at most five seconds long.
 *
 * On a single site the address is the word of somebody who may install plugins, so that a private one is as good as any.
 * The administrators of a network's sites are not trusted so far: there, private addresses are refused.
 *
 * @param string $path Path with a slash before it, query included.
 * @return array|\WP_Error As wp_remote_get().
 */
function ask( string $path ) {
	$get = is_multisite() ? 'wp_safe_remote_get' : 'wp_remote_get';
	return $get(
		service_url() . $path,
		array(
			'timeout'             => 5,
			'redirection'         => 0,
			'limit_response_size' => 262144,
		)
	);
}

/**
 * What the service says of its widgets: 'version', 'accounts' (slugs that it lists in public, often none) and
 * 'widgets', by name: label, height, row_height, heading, rows, options.
 *
 * Only where nothing is known does the caller wait for the service, and after a failure nobody does for a minute. What
 * is known but older than an hour is used, and renewed by WP-Cron; it is kept for a month while the service is down.
 */
function catalogue(): array {
	$url = service_url();
	if ( '' === $url ) {
		return nothing_known();
	}
	$kept = get_transient( CATALOGUE );
	if ( ! is_array( $kept ) || $kept['url'] !== $url ) {
		return fetch_catalogue();
	}
	$age = time() - $kept['asked'];
	if ( ! $kept['known']['widgets'] ) {
		return $age > MINUTE_IN_SECONDS ? fetch_catalogue() : $kept['known'];
	}
	if ( $age > HOUR_IN_SECONDS && ! wp_next_scheduled( REFRESH_HOOK ) ) {
		wp_schedule_single_event( time(), REFRESH_HOOK );
	}
	return $kept['known'];
}

/**
 * Asks the service for its catalogue now and keeps the answer, or else what was known before.
 */
function fetch_catalogue(): array {
	$url = service_url();
	if ( '' === $url ) {
		return nothing_known();
	}
	$answer = ask( '/embed.json' );
	$known  = 200 === wp_remote_retrieve_response_code( $answer ) ? read_catalogue( wp_remote_retrieve_body( $answer ) ) : null;
	if ( null === $known ) {
		$kept  = get_transient( CATALOGUE );
		$known = is_array( $kept ) && $kept['url'] === $url ? $kept['known'] : nothing_known();
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
 * A catalogue that names nothing.
 */
function nothing_known(): array {
	return array(
		'version'  => '',
		'accounts' => array(),
		'widgets'  => array(),
	);
}

/**
 * Reads the service's embed.json and keeps what is of the right form.
 *
 * @param string $body What the service sent.
 * @return array|null The catalogue, or null where this is none.
 */
function read_catalogue( string $body ) {
	$said = json_decode( $body, true );
	if ( ! is_array( $said ) || ! is_array( $said['widgets'] ?? null ) ) {
		return null;
	}
	$known            = nothing_known();
	$known['version'] = text( $said['version'] ?? '' );
	foreach ( array_filter( (array) ( $said['accounts'] ?? array() ), 'is_string' ) as $slug ) {
		if ( preg_match( SLUG, $slug ) ) {
			$known['accounts'][] = $slug;
		}
	}
	foreach ( $said['widgets'] as $name => $widget ) {
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
	$rows    = min( 100, (int) ( $options['rows'] ?? $known['rows'] ) );
	$heading = '0' === ( $options['title'] ?? '1' ) ? $known['heading'] : 0;
	return $known['height'] + $known['row_height'] * $rows - $heading;
}

/**
 * A widget's label, for people.
 *
 * @param string $widget Name of the widget.
 */
function label_of( string $widget ): string {
	return catalogue()['widgets'][ $widget ]['label'] ?? $widget;
}

/**
 * The accounts that this site knows: those with a secret, the default one, those that the service lists.
 */
function known_accounts(): array {
	$accounts = array_merge( array( defaults()['account'] ), array_map( 'strval', array_keys( secrets() ) ), catalogue()['accounts'] );
	return array_values( array_unique( array_filter( $accounts ) ) );
}

/**
 * Makes WordPress trust the service's oEmbed answers, so that a widget's address alone on a line shows the widget.
 */
function register_provider(): void {
	if ( '' !== service_url() ) {
		wp_oembed_add_provider( service_url() . '/w/*', service_url() . '/oembed' );
	}
}

/**
 * Lets WordPress's oEmbed client reach a service on a private address, under the same rule as ask().
 *
 * @param bool   $external Whether the host is trusted already.
 * @param string $host     Not used.
 * @param string $url      The address that is asked.
 */
function trust_service_host( $external, $host, $url ) {
	return $external || is_of_service( $url );
}

/**
 * The same for a service on a port of its own.
 *
 * @param int[]  $ports The ports that are trusted already.
 * @param string $host  Not used.
 * @param string $url   The address that is asked.
 */
function trust_service_port( $ports, $host, $url ) {
	$port = wp_parse_url( service_url(), PHP_URL_PORT );
	return $port && is_of_service( $url ) ? array_merge( $ports, array( $port ) ) : $ports;
}

/**
 * Whether an address is one of the service's (and not of whatever else listens on its host, since any author may write
 * an address alone on a line), on a site whose administrator may name any.
 *
 * @param string $url The address.
 */
function is_of_service( $url ): bool {
	return ! is_multisite() && '' !== service_url() && 0 === strpos( $url, service_url() . '/' );
}
