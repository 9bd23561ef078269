<?php
/**
 * What the editor says about the widgets. The service says which of them it offers, with which options.
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

/**
 * The widgets that the plugin knows, by name: a label, a description, words to find it by, the drawing of its icon (an
 * SVG path in a square of 24) and the kind of its picture in the inserter.
 */
function known_widgets(): array {
	return array(
		'balance'       => array(
			'label'       => __( 'Balance', 'cabinet-widgets' ),
			'description' => __( 'Balance, equity, free margin, margin and floating profit of a trading account.', 'cabinet-widgets' ),
			'keywords'    => __( 'equity, margin, profit, money', 'cabinet-widgets' ),
			'icon'        => 'M3 6h18v13H3zM3 10h18M15 14.5h3',
			'picture'     => 'figures',
		),
		'summary'       => array(
			'label'       => __( 'Account summary', 'cabinet-widgets' ),
			'description' => __( 'A trading account at a glance.', 'cabinet-widgets' ),
			'keywords'    => __( 'equity, leverage, lots, overview', 'cabinet-widgets' ),
			'icon'        => 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z',
			'picture'     => 'figures',
		),
		'growth'        => array(
			'label'       => __( 'Growth', 'cabinet-widgets' ),
			'description' => __( 'The growth curve with gain, drawdown, profit factor and the share of winning trades.', 'cabinet-widgets' ),
			'keywords'    => __( 'chart, curve, gain, drawdown, profit', 'cabinet-widgets' ),
			'icon'        => 'M4 4v16h16M7 16l4-5 3 3 5-7',
			'picture'     => 'curve',
		),
		'returns'       => array(
			'label'       => __( 'Monthly returns', 'cabinet-widgets' ),
			'description' => __( 'The gain of each month and year as a table.', 'cabinet-widgets' ),
			'keywords'    => __( 'gain, profit, month, year', 'cabinet-widgets' ),
			'icon'        => 'M4 5h16v14H4zM4 10h16M4 14.5h16M9.5 5v14M14.5 5v14',
			'picture'     => 'grid',
		),
		'calendar'      => array(
			'label'       => __( 'Trading calendar', 'cabinet-widgets' ),
			'description' => __( 'One month by day: result, gain and number of trades.', 'cabinet-widgets' ),
			'keywords'    => __( 'profit, day, month', 'cabinet-widgets' ),
			'icon'        => 'M4 6h16v14H4zM4 10h16M8 3v4M16 3v4M8 14h2M14 14h2',
			'picture'     => 'grid',
		),
		'statistics'    => array(
			'label'       => __( 'Statistics', 'cabinet-widgets' ),
			'description' => __( 'Performance figures, each with a short explanation.', 'cabinet-widgets' ),
			'keywords'    => __( 'performance, profit factor, expectancy, drawdown', 'cabinet-widgets' ),
			'icon'        => 'M5 20v-7M10 20V5M15 20v-9M20 20V9',
			'picture'     => 'figures',
		),
		'breakdown'     => array(
			'label'       => __( 'Breakdown of trades', 'cabinet-widgets' ),
			'description' => __( 'Closed trades by symbol, side, weekday or hour.', 'cabinet-widgets' ),
			'keywords'    => __( 'symbol, pair, weekday, hour, profit', 'cabinet-widgets' ),
			'icon'        => 'M4 6h14M4 12h9M4 18h5',
			'picture'     => 'rows',
		),
		'open-trades'   => array(
			'label'       => __( 'Open trades', 'cabinet-widgets' ),
			'description' => __( 'Open positions and pending orders, with totals.', 'cabinet-widgets' ),
			'keywords'    => __( 'positions, orders, profit, live', 'cabinet-widgets' ),
			'icon'        => 'M7 4v4M7 15v5M5 8h4v7H5zM17 3v5M17 16v5M15 8h4v8h-4z',
			'picture'     => 'rows',
		),
		'closed-trades' => array(
			'label'       => __( 'Closed trades', 'cabinet-widgets' ),
			'description' => __( 'The trades closed in a period, with totals.', 'cabinet-widgets' ),
			'keywords'    => __( 'history, profit, results', 'cabinet-widgets' ),
			'icon'        => 'M4 6h16M4 12h9M4 18h7M15 16l2 2 4-5',
			'picture'     => 'rows',
		),
		'lots'          => array(
			'label'       => __( 'Lots traded', 'cabinet-widgets' ),
			'description' => __( 'The lots traded in a period, by day.', 'cabinet-widgets' ),
			'keywords'    => __( 'volume, chart, day', 'cabinet-widgets' ),
			'icon'        => 'M4 20h16M6 20v-5h3v5M11 20V8h3v12M16 20v-8h3v8',
			'picture'     => 'bars',
		),
		'bonus'         => array(
			'label'       => __( 'Bonus', 'cabinet-widgets' ),
			'description' => __( 'Bonuses received, the amount available to withdraw and the progress of the lots required.', 'cabinet-widgets' ),
			'keywords'    => __( 'bonus, withdraw, lots, progress', 'cabinet-widgets' ),
			'icon'        => 'M4 9h16v4H4zM6 13v7h12v-7M12 9v11M12 9C9 9 7 7.5 8 5.5S12 6 12 9c0-3 3-5.500 4-3.500S15 9 12 9',
			'picture'     => 'figures',
		),
		'logins'        => array(
			'label'       => __( 'Login history', 'cabinet-widgets' ),
			'description' => __( 'Logins to the account: time, masked address and application.', 'cabinet-widgets' ),
			'keywords'    => __( 'security, history', 'cabinet-widgets' ),
			'icon'        => 'M12 4a4 4 0 110 8 4 4 0 010-8M4 20c1-4 4-5 8-5s7 1 8 5',
			'picture'     => 'rows',
		),
		'commissions'   => array(
			'label'       => __( 'Partner commissions', 'cabinet-widgets' ),
			'description' => __( 'Commissions of a partner: the total of the period, by day, and the records.', 'cabinet-widgets' ),
			'keywords'    => __( 'partner, affiliate, earnings', 'cabinet-widgets' ),
			'icon'        => 'M12 4a8 8 0 110 16 8 8 0 010-16M9 15l6-6M9.500 9.500h.1M14.500 14.500h.1',
			'picture'     => 'bars',
		),
		'operations'    => array(
			'label'       => __( 'Deposits and withdrawals', 'cabinet-widgets' ),
			'description' => __( 'Deposits to the account and withdrawals from it.', 'cabinet-widgets' ),
			'keywords'    => __( 'deposit, withdrawal, money', 'cabinet-widgets' ),
			'icon'        => 'M7 20V5M3 9l4-4 4 4M17 4v15M13 15l4 4 4-4',
			'picture'     => 'rows',
		),
		'referrals'     => array(
			'label'       => __( 'Referrals', 'cabinet-widgets' ),
			'description' => __( 'The number of accounts that a partner has referred.', 'cabinet-widgets' ),
			'keywords'    => __( 'partner, affiliate, clients', 'cabinet-widgets' ),
			'icon'        => 'M9 5a3 3 0 110 6 3 3 0 010-6M3 19c.5-4 3-5 6-5s5.500 1 6 5M16 8h6M19 5v6',
			'picture'     => 'figures',
		),
	);
}

// The widgets that are offered until the service has responded once: those of every account by default.
const USUAL_WIDGETS = array( 'balance', 'summary', 'growth', 'returns', 'calendar', 'statistics', 'breakdown', 'open-trades', 'closed-trades', 'lots', 'bonus' );

/**
 * The widgets to choose from, by name, in the order of known_widgets(); those that only the service knows are the last.
 *
 * @param array[] $offered The widgets of a catalogue; none if the service has not responded yet.
 * @return array[] As known_widgets(), with 'options'.
 */
function choices( array $offered ): array {
	$known   = known_widgets();
	$names   = $offered ? array_keys( $offered ) : USUAL_WIDGETS;
	$ordered = array_unique( array_merge( array_intersect( array_keys( $known ), $names ), $names ) );
	$choices = array();
	foreach ( $ordered as $name ) {
		$unknown          = array(
			'label'       => $offered[ $name ]['label'] ?? $name,
			'description' => '',
			'keywords'    => '',
			'icon'        => 'M4 4v16h16M7 16l4-5 3 3 5-7',
			'picture'     => 'figures',
		);
		$choices[ $name ] = ( $known[ $name ] ?? $unknown ) + array( 'options' => $offered[ $name ]['options'] ?? USUAL_OPTIONS );
	}
	return $choices;
}

/**
 * The languages of the widgets, by code, each in its own name.
 */
function languages(): array {
	return array(
		'ar' => 'العربية',
		'de' => 'Deutsch',
		'en' => 'English',
		'es' => 'Español',
		'fr' => 'Français',
		'hi' => 'हिन्दी',
		'id' => 'Bahasa Indonesia',
		'it' => 'Italiano',
		'ms' => 'Bahasa Melayu',
		'pl' => 'Polski',
		'pt' => 'Português',
		'ru' => 'Русский',
		'uk' => 'Українська',
		'zh' => '中文',
	);
}
