<?php
/**
 * Block patterns: several widgets that belong together.
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

const PATTERNS = 'cabinet-widgets';

add_action( 'init', __NAMESPACE__ . '\register_patterns' );

/**
 * Registers the patterns and their category.
 */
function register_patterns(): void {
	register_block_pattern_category( PATTERNS, array( 'label' => __( 'Trading', 'cabinet-widgets' ) ) );
	register_block_pattern(
		'cabinet-widgets/trader-page',
		array(
			'title'         => __( 'Trader’s page', 'cabinet-widgets' ),
			'description'   => __( 'Growth, statistics, open and closed trades of a trading account.', 'cabinet-widgets' ),
			'categories'    => array( PATTERNS ),
			'keywords'      => array( 'forex', 'trading', 'MetaTrader', 'equity', 'profit' ),
			'blockTypes'    => array( 'core/post-content', BLOCK ),
			'viewportWidth' => 800,
			'content'       => pattern(
				array(
					'growth'        => array( 'period' => 'all' ),
					'statistics'    => array( 'period' => 'all' ),
					'open-trades'   => array(),
					'closed-trades' => array(),
				)
			),
		)
	);
	register_block_pattern(
		'cabinet-widgets/sidebar',
		array(
			'title'         => __( 'Trading account in a sidebar', 'cabinet-widgets' ),
			'description'   => __( 'Balance and growth of a trading account, for a narrow column.', 'cabinet-widgets' ),
			'categories'    => array( PATTERNS ),
			'keywords'      => array( 'forex', 'trading', 'MetaTrader', 'equity', 'sidebar' ),
			'blockTypes'    => array( BLOCK ),
			'viewportWidth' => 320,
			'content'       => pattern(
				array(
					'balance' => array(),
					'growth'  => array(),
				)
			),
		)
	);
}

/**
 * The blocks of a pattern. Widgets that the service is known not to offer are left out; no request is sent for that.
 *
 * @param array[] $widgets Options by name of the widget.
 */
function pattern( array $widgets ): string {
	$offered = cached_catalogue()['widgets'];
	$blocks  = '';
	foreach ( $widgets as $widget => $options ) {
		if ( $offered && ! isset( $offered[ $widget ] ) ) {
			continue;
		}
		$attributes = array( 'widget' => $widget ) + ( $options ? array( 'options' => $options ) : array() );
		$blocks    .= get_comment_delimited_block_content( BLOCK, $attributes, '' ) . "\n\n";
	}
	return "<!-- wp:group {\"layout\":{\"type\":\"default\"}} -->\n<div class=\"wp-block-group\">" . trim( $blocks ) . "</div>\n<!-- /wp:group -->";
}
