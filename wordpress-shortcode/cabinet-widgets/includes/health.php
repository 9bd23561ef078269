<?php
/**
 * What WordPress and its administrators learn about the plugin: Site Health, the privacy policy and the command line.
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

add_filter( 'site_status_tests', __NAMESPACE__ . '\add_health_test' );
add_action( 'admin_init', __NAMESPACE__ . '\suggest_privacy_policy' );
if ( defined( 'WP_CLI' ) && \WP_CLI ) {
	\WP_CLI::add_command( 'cabinet-widgets check', __NAMESPACE__ . '\check_in_terminal' );
}

/**
 * Adds the connection test to Site Health, which runs it in the background.
 *
 * @param array[] $tests All tests.
 */
function add_health_test( $tests ) {
	if ( '' !== service_url() ) {
		$tests['async']['cabinet_widgets'] = array(
			'label'             => __( 'Cabinet Widgets service', 'cabinet-widgets' ),
			'test'              => rest_url( SPACE . '/health' ),
			'has_rest'          => true,
			'async_direct_test' => __NAMESPACE__ . '\test_health',
		);
	}
	return $tests;
}

/**
 * Whether the service can be reached, its version is compatible, the clocks agree and it accepts the secrets, in the form
 * of Site Health.
 */
function test_health(): array {
	$results = test_connection();
	$is_good = ! in_array( false, array_column( $results, 0 ), true );
	$lines   = array_map( static fn( $result ) => '<li>' . esc_html( $result[1] ) . '</li>', $results );
	return array(
		'test'        => 'cabinet_widgets',
		'label'       => $is_good ? __( 'Your trading accounts can be shown', 'cabinet-widgets' ) : __( 'Some trading accounts cannot be shown', 'cabinet-widgets' ),
		'status'      => $is_good ? 'good' : 'recommended',
		'badge'       => array(
			'label' => __( 'Cabinet Widgets', 'cabinet-widgets' ),
			'color' => 'blue',
		),
		'description' => '<ul>' . implode( '', $lines ) . '</ul>',
		'actions'     => tag( 'a', array( 'href' => page_url() ), esc_html__( 'Settings', 'cabinet-widgets' ) ),
	);
}

/**
 * Suggests a text for the site's privacy policy.
 */
function suggest_privacy_policy(): void {
	wp_add_privacy_policy_content( __( 'Cabinet Widgets', 'cabinet-widgets' ), privacy_text() );
}

/**
 * The text for the privacy policy, as HTML.
 */
function privacy_text(): string {
	$text = __( 'Some of our pages show the figures of a trading account. Your browser loads them from a separate service, which learns your IP address and the version of your browser, as every web server does. It sets no cookies and gets no other information about you. If figures are for members only, your browser first asks our own site for permission; our site does not store these requests.', 'cabinet-widgets' );
	return '<p>' . esc_html( $text ) . '</p>';
}

/**
 * Tests the connection to the service: it can be reached, its version is compatible, the clocks agree, and it accepts the
 * secrets of closed accounts. The exit code is 1 if anything fails.
 */
function check_in_terminal(): void {
	if ( '' === service_url() ) {
		\WP_CLI::error( __( 'The address of the service is not set. Set it with: wp option update cabinet_widgets_service_url https://…', 'cabinet-widgets' ) );
	}
	$results = test_connection();
	foreach ( $results as list( $is_good, $line ) ) {
		\WP_CLI::log( ( $is_good ? '✓ ' : '✗ ' ) . $line );
	}
	if ( in_array( false, array_column( $results, 0 ), true ) ) {
		\WP_CLI::halt( 1 );
	}
}
