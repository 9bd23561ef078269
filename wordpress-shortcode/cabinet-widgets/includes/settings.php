<?php
/**
 * The options, over the settings page and over REST, and the test of the connection.
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

const PAGE = 'cabinet-widgets';

// What stands for a secret that is set, wherever it is read.
const SECRET_SET = 'set';

add_action( 'init', __NAMESPACE__ . '\register_options' );
add_action( 'admin_menu', __NAMESPACE__ . '\add_page' );
add_filter( 'rest_pre_get_setting', __NAMESPACE__ . '\hide_secrets', 10, 2 );
add_filter( 'plugin_action_links_' . plugin_basename( FILE ), __NAMESPACE__ . '\link_page' );

/**
 * Registers the three options with their schemas and sanitisers.
 */
function register_options(): void {
	register_setting(
		PAGE,
		URL_OPTION,
		array(
			'type'              => 'string',
			'label'             => __( 'Address of the service', 'cabinet-widgets' ),
			'default'           => '',
			'sanitize_callback' => __NAMESPACE__ . '\clean_url',
			'show_in_rest'      => array( 'schema' => array( 'pattern' => '^(https?://[^\s"<>]+)?$' ) ),
		)
	);
	register_setting(
		PAGE,
		SECRETS_OPTION,
		array(
			'type'              => 'object',
			'label'             => __( 'Embed secrets', 'cabinet-widgets' ),
			'default'           => array(),
			'sanitize_callback' => __NAMESPACE__ . '\clean_secrets',
			'show_in_rest'      => array(
				'schema' => array(
					'properties'           => array(),
					'additionalProperties' => array( 'type' => 'string' ),
				),
			),
		)
	);
	register_setting(
		PAGE,
		DEFAULTS_OPTION,
		array(
			'type'              => 'object',
			'label'             => __( 'Defaults', 'cabinet-widgets' ),
			'default'           => array(),
			'sanitize_callback' => __NAMESPACE__ . '\clean_defaults',
			'show_in_rest'      => array(
				'schema' => array(
					'properties'           => array(
						'theme'   => array(
							'type' => 'string',
							'enum' => themes(),
						),
						'lang'    => array( 'type' => 'string' ),
						'account' => array( 'type' => 'string' ),
					),
					'additionalProperties' => false,
				),
			),
		)
	);
}

/**
 * The themes to choose from; '' leaves it to the service.
 */
function themes(): array {
	return array( '', 'auto', 'light', 'dark' );
}

/**
 * The defaults of this site: theme, lang, account; each '' where none is set.
 */
function defaults(): array {
	$none = array(
		'theme'   => '',
		'lang'    => '',
		'account' => '',
	);
	return array_replace( $none, array_intersect_key( (array) get_option( DEFAULTS_OPTION, array() ), $none ) );
}

/**
 * Reduces what was pasted to the service's address. The address of one of its widgets will do: the account in it
 * becomes the default one.
 *
 * @param mixed $value What was entered.
 */
function clean_url( $value ): string {
	$value = is_string( $value ) ? trim( $value ) : '';
	if ( '' === $value ) {
		return '';
	}
	if ( ! preg_match( '#^[a-z]+://#i', $value ) ) {
		$value = "https://$value";
	}
	if ( preg_match( '#/w/([a-z0-9][a-z0-9-]{0,31})(/|\z)#', $value, $found ) ) {
		pasted_account( $found[1] );
	}
	$parts = wp_parse_url( preg_replace( '#(/w/.*|/oembed|/embed\.js(on)?|/+)?([?\#].*)?\z#s', '', $value, 1 ) );
	$host  = strtolower( $parts['host'] ?? '' );
	$http  = 'http' === strtolower( $parts['scheme'] ?? '' );
	$local = preg_match( '/^(localhost|127\.[0-9.]+|\[::1\])\z/', $host );
	$named = preg_match( '/^([a-z0-9._-]+|\[[0-9a-f:]+\])\z/', $host ) && preg_match( '#^(/[A-Za-z0-9._~/-]*)?\z#', $parts['path'] ?? '' );
	if ( ! $named || isset( $parts['user'] ) || ! ( $http && $local || 'https' === strtolower( $parts['scheme'] ) ) ) {
		complain( __( 'The address of the service begins with https:// (or with http:// on this very machine). The one before it stays.', 'cabinet-widgets' ) );
		return service_url();
	}
	return rtrim( ( $http ? 'http://' : 'https://' ) . $host . ( isset( $parts['port'] ) ? ":{$parts['port']}" : '' ) . ( $parts['path'] ?? '' ), '/' );
}

/**
 * The account in the address that was pasted in this request; '' for none.
 *
 * @param string|null $account What to remember.
 */
function pasted_account( ?string $account = null ): string {
	static $known = '';
	$known        = $account ?? $known;
	return $known;
}

/**
 * Completes what came from the form or over REST to what shall be stored.
 *
 * For an account, '' and "set" keep the secret that is stored, anything else replaces it; an account that is not named
 * loses its secret, as does one that says "remove". The form's row for one more account is named "+".
 *
 * @param mixed $value Secrets by account.
 */
function clean_secrets( $value ): array {
	$value  = (array) $value;
	$stored = (array) get_option( SECRETS_OPTION, array() );
	$more   = $value['+'] ?? array();
	unset( $value['+'] );
	if ( is_array( $more ) && '' !== text( $more['account'] ?? '' ) ) {
		$value[ text( $more['account'] ) ] = $more['secret'] ?? '';
	}
	$clean = array();
	foreach ( $value as $account => $secret ) {
		$secret = text( $secret );
		if ( '' === $secret || SECRET_SET === $secret ) {
			$secret = $stored[ $account ] ?? '';
		} elseif ( 'remove' === $secret ) {
			$secret = '';
		} elseif ( ! preg_match( SLUG, (string) $account ) || ! is_secret( $secret ) ) {
			complain( __( 'An embed secret was not stored: it has at least 32 characters, and the name of its account only small letters, digits and hyphens.', 'cabinet-widgets' ) );
			$secret = $stored[ $account ] ?? '';
		}
		if ( '' !== $secret ) {
			$clean[ $account ] = $secret;
		}
	}
	return $clean;
}

/**
 * Whether this is an embed secret, or a new and an old one with a comma between.
 *
 * @param string $secret Anything.
 */
function is_secret( string $secret ): bool {
	foreach ( explode( ',', $secret ) as $one ) {
		if ( strlen( trim( $one ) ) < SECRET_BYTES ) {
			return false;
		}
	}
	return true;
}

/**
 * Keeps of the defaults what is of the right form.
 *
 * @param mixed $value Theme, lang and account.
 */
function clean_defaults( $value ): array {
	$value = array_map( __NAMESPACE__ . '\text', (array) $value );
	$clean = array(
		'theme'   => in_array( $value['theme'] ?? '', themes(), true ) ? $value['theme'] ?? '' : '',
		'lang'    => preg_match( '/^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*\z/', $value['lang'] ?? '' ) ? str_replace( '_', '-', $value['lang'] ) : '',
		'account' => preg_match( SLUG, $value['account'] ?? '' ) ? $value['account'] : pasted_account(),
	);
	return $clean;
}

/**
 * Shows an error on the settings page, where there is one.
 *
 * @param string $line Text.
 */
function complain( string $line ): void {
	if ( function_exists( 'add_settings_error' ) ) {
		add_settings_error( PAGE, 'cabinet-widgets', $line );
	}
}

/**
 * Over REST the secrets are written, never read: each is shown as "set".
 *
 * @param mixed  $value Passed on.
 * @param string $name  The setting's name.
 */
function hide_secrets( $value, $name ) {
	return SECRETS_OPTION === $name ? array_map( static fn() => SECRET_SET, (array) get_option( SECRETS_OPTION, array() ) ) : $value;
}

/**
 * Adds the settings page and its fields.
 */
function add_page(): void {
	add_options_page( __( 'Cabinet Widgets', 'cabinet-widgets' ), __( 'Cabinet Widgets', 'cabinet-widgets' ), 'manage_options', PAGE, __NAMESPACE__ . '\show_page' );
	add_settings_section( 'service', '', '__return_null', PAGE );
	$fields = array(
		'url'      => array( __( 'Address of the service', 'cabinet-widgets' ), URL_OPTION ),
		'account'  => array( __( 'Default account', 'cabinet-widgets' ), DEFAULTS_OPTION . '[account]' ),
		'theme'    => array( __( 'Default theme', 'cabinet-widgets' ), DEFAULTS_OPTION . '[theme]' ),
		'language' => array( __( 'Default language', 'cabinet-widgets' ), DEFAULTS_OPTION . '[lang]' ),
		'secrets'  => array( __( 'Embed secrets', 'cabinet-widgets' ), '' ),
	);
	foreach ( $fields as $field => list( $label, $name ) ) {
		add_settings_field( $field, $label, __NAMESPACE__ . "\\show_$field", PAGE, 'service', $name ? array( 'label_for' => $name ) : array() );
	}
}

/**
 * The link "Settings" in the list of plugins.
 *
 * @param string[] $links HTML.
 */
function link_page( $links ) {
	array_unshift( $links, tag( 'a', array( 'href' => page_url() ), esc_html__( 'Settings', 'cabinet-widgets' ) ) );
	return $links;
}

/**
 * The address of the settings page.
 */
function page_url(): string {
	return admin_url( 'options-general.php?page=' . PAGE );
}

/**
 * The settings page.
 */
function show_page(): void {
	echo '<div class="wrap"><h1>' . esc_html( get_admin_page_title() ) . '</h1><form action="options.php" method="post">';
	settings_fields( PAGE );
	do_settings_sections( PAGE );
	submit_button();
	echo '</form>';
	show_test();
	echo '</div>';
}

/**
 * The button that tests the connection, and the result once it was pressed.
 */
function show_test(): void {
	if ( '' === service_url() ) {
		show_help( __( 'Once the address is saved, the connection can be tested here. Until then nothing is asked of any server.', 'cabinet-widgets' ) );
		return;
	}
	echo '<h2>' . esc_html__( 'Connection', 'cabinet-widgets' ) . '</h2>';
	if ( isset( $_GET['test'] ) && check_admin_referer( 'cabinet-widgets-test' ) ) {
		foreach ( test_connection() as list( $well, $line ) ) {
			echo '<div class="notice inline notice-' . ( $well ? 'success' : 'error' ) . '"><p>' . esc_html( $line ) . '</p></div>';
		}
	}
	$button = array(
		'class' => 'button',
		'href'  => wp_nonce_url( add_query_arg( 'test', '1', page_url() ), 'cabinet-widgets-test' ),
	);
	echo '<p>' . tag( 'a', $button, esc_html__( 'Test the connection', 'cabinet-widgets' ) ) . '</p>';
}

/**
 * The field of the service's address.
 */
function show_url(): void {
	show_text( URL_OPTION, service_url(), 'https://widgets.example.com' );
	show_help( __( 'Where your Cabinet Widgets service runs; the address of one of its widgets will do.', 'cabinet-widgets' ) );
}

/**
 * The field of the default account.
 */
function show_account(): void {
	show_text( DEFAULTS_OPTION . '[account]', defaults()['account'], 'main' );
	show_help( __( 'Shown where a shortcode or block names none; by default the first that is known.', 'cabinet-widgets' ) );
}

/**
 * The field of the default language.
 */
function show_language(): void {
	show_text( DEFAULTS_OPTION . '[lang]', defaults()['lang'], 'fr' );
	show_help( __( 'Empty: the language of the page.', 'cabinet-widgets' ) );
}

/**
 * The field of the default theme.
 */
function show_theme(): void {
	$labels  = array(
		''      => __( 'As the service has it', 'cabinet-widgets' ),
		'auto'  => __( 'As the visitor’s system', 'cabinet-widgets' ),
		'light' => __( 'Light', 'cabinet-widgets' ),
		'dark'  => __( 'Dark', 'cabinet-widgets' ),
	);
	$options = '';
	foreach ( themes() as $theme ) {
		$is_chosen = defaults()['theme'] === $theme;
		// Not through tag(): an empty value has to be there, or the label would be the value.
		$options .= "<option value=\"$theme\"" . ( $is_chosen ? ' selected' : '' ) . '>' . esc_html( $labels[ $theme ] ) . '</option>';
	}
	$name = DEFAULTS_OPTION . '[theme]';
	echo tag(
		'select',
		array(
			'id'   => $name,
			'name' => $name,
		),
		$options
	);
}

/**
 * The fields of the embed secrets; no secret is ever written into the page.
 */
function show_secrets(): void {
	$stored = (array) get_option( SECRETS_OPTION, array() );
	$fixed  = constant_secrets();
	foreach ( array_keys( secrets() ) as $account ) {
		echo '<p><code>' . esc_html( $account ) . '</code> ';
		if ( isset( $fixed[ $account ] ) ) {
			esc_html_e( 'Set in wp-config.php.', 'cabinet-widgets' );
		}
		if ( isset( $stored[ $account ] ) ) {
			$remove = array(
				'type'  => 'checkbox',
				'name'  => SECRETS_OPTION . "[$account]",
				'value' => 'remove',
			);
			show_secret( $remove['name'], isset( $fixed[ $account ] ) ? __( 'Another one is stored, not used', 'cabinet-widgets' ) : __( 'Set; enter a new one to replace it', 'cabinet-widgets' ) );
			echo ' <label>' . tag( 'input', $remove ) . esc_html__( 'Remove', 'cabinet-widgets' ) . '</label>';
		}
		echo '</p>';
	}
	echo '<p>';
	show_text( SECRETS_OPTION . '[+][account]', '', __( 'Account', 'cabinet-widgets' ), __( 'Account', 'cabinet-widgets' ) );
	echo ' ';
	show_secret( SECRETS_OPTION . '[+][secret]', __( 'Secret', 'cabinet-widgets' ) );
	echo '</p>';
	show_help( __( 'Only for closed accounts: the embed secret from the configuration of the service, at least 32 characters. It is never shown again. CABINET_WIDGETS_EMBED_SECRETS in wp-config.php wins.', 'cabinet-widgets' ) );
}

/**
 * A field for a line of text.
 *
 * @param string $name    The field's name.
 * @param string $value   What it holds.
 * @param string $example A value.
 * @param string $label   Its accessible name, where no label stands beside it.
 */
function show_text( string $name, string $value, string $example, string $label = '' ): void {
	echo tag(
		'input',
		array(
			'type'        => 'text',
			'class'       => 'code' . ( URL_OPTION === $name ? ' regular-text' : '' ),
			'id'          => $name,
			'name'        => $name,
			'value'       => $value,
			'placeholder' => $example,
			'aria-label'  => $label,
		)
	);
}

/**
 * A field for a secret, always empty.
 *
 * @param string $name  The field's name.
 * @param string $state What is known of the secret.
 */
function show_secret( string $name, string $state ): void {
	echo tag(
		'input',
		array(
			'type'         => 'password',
			'class'        => 'regular-text',
			'name'         => $name,
			'autocomplete' => 'new-password',
			'placeholder'  => $state,
			'aria-label'   => __( 'Secret', 'cabinet-widgets' ),
		)
	);
}

/**
 * A line of help.
 *
 * @param string $line Text.
 */
function show_help( string $line ): void {
	echo '<p class="description">' . esc_html( $line ) . '</p>';
}

/**
 * Asks the service for its catalogue, and for a widget of each account with a secret and of the default one.
 *
 * @return array[] For each finding whether it is well, and a line in words.
 */
function test_connection(): array {
	$answer = ask( '/embed.json' );
	$known  = is_wp_error( $answer ) ? null : read_catalogue( wp_remote_retrieve_body( $answer ) );
	if ( is_wp_error( $answer ) ) {
		/* translators: 1: address, 2: technical reason. */
		return array( array( false, sprintf( __( '%1$s cannot be reached from this server: %2$s', 'cabinet-widgets' ), service_url(), $answer->get_error_message() ) ) );
	}
	if ( 200 !== wp_remote_retrieve_response_code( $answer ) || null === $known ) {
		/* translators: 1: address, 2: HTTP status. */
		return array( array( false, sprintf( __( '%1$s answers (status %2$d), but not as a Cabinet Widgets service: is the address right?', 'cabinet-widgets' ), service_url(), wp_remote_retrieve_response_code( $answer ) ) ) );
	}
	fetch_catalogue();
	/* translators: 1: version, 2: number of widgets. */
	$lines = array( array( true, sprintf( _n( 'The service answers: version %1$s, %2$d widget.', 'The service answers: version %1$s, %2$d widgets.', count( $known['widgets'] ), 'cabinet-widgets' ), $known['version'], count( $known['widgets'] ) ) ) );
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
 * Asks for the first widget that an account shows, with a token.
 *
 * @param string   $account Slug.
 * @param string[] $widgets Their names.
 * @return array Whether it is well, and a line in words.
 */
function test_account( string $account, array $widgets ): array {
	$answer = ask_for_any( $account, $widgets, fn( $widget ) => '?token=' . mint( $account, $widget, array() ) );
	$status = (int) wp_remote_retrieve_response_code( $answer );
	$why    = why_nothing_came( $account, $status );
	if ( '' !== $why ) {
		return array( false, $why );
	}
	if ( 401 === $status ) {
		/* translators: %s: account. */
		return array( false, sprintf( __( '%s: the service does not accept this embed secret.', 'cabinet-widgets' ), $account ) );
	}
	if ( ! may_be_framed( (string) wp_remote_retrieve_header( $answer, 'content-security-policy' ) ) ) {
		/* translators: 1: account, 2: this site's origin. */
		return array( false, sprintf( __( '%1$s: the secret is right, but browsers will not show the account here: add %2$s to its allowed_origins.', 'cabinet-widgets' ), $account, origin() ) );
	}
	if ( 200 !== $status ) {
		/* translators: 1: account, 2: HTTP status. */
		return array( false, sprintf( __( '%1$s: the secret is right, but the figures are not available now (status %2$d).', 'cabinet-widgets' ), $account, $status ) );
	}
	/* translators: %s: account. */
	return array( true, sprintf( __( '%s: the secret is right.', 'cabinet-widgets' ), $account ) );
}

/**
 * The service's answer for the first widget that an account shows.
 *
 * @param string   $account Slug.
 * @param string[] $widgets Their names.
 * @param callable $query   What goes behind the address of a widget.
 * @return array|\WP_Error As ask().
 */
function ask_for_any( string $account, array $widgets, callable $query ) {
	foreach ( $widgets as $widget ) {
		$answer = ask( "/w/$account/$widget" . $query( $widget ) );
		if ( 404 !== (int) wp_remote_retrieve_response_code( $answer ) ) {
			break;
		}
	}
	return $answer;
}

/**
 * Why the service gave nothing of an account, whatever was brought to it; '' where it is not that.
 *
 * @param string $account Slug.
 * @param int    $status  HTTP status of its answer, 0 for none.
 */
function why_nothing_came( string $account, int $status ): string {
	$lines = array(
		/* translators: %s: account. */
		0   => __( '%s: the service did not answer in time.', 'cabinet-widgets' ),
		/* translators: %s: account. */
		403 => __( '%s: the account is open to certain networks only, and this server is in none of them.', 'cabinet-widgets' ),
		/* translators: %s: account. */
		404 => __( '%s: the service has no such account.', 'cabinet-widgets' ),
	);
	return isset( $lines[ $status ] ) ? sprintf( $lines[ $status ], $account ) : '';
}

/**
 * Asks for the first widget that an account shows to anybody.
 *
 * @param string   $account Slug of an account without a secret here.
 * @param string[] $widgets Their names.
 * @return array Whether it is well, and a line in words.
 */
function test_open_account( string $account, array $widgets ): array {
	$answer = ask_for_any( $account, $widgets, fn() => '' );
	$status = (int) wp_remote_retrieve_response_code( $answer );
	$why    = why_nothing_came( $account, $status );
	if ( '' !== $why ) {
		return array( false, $why );
	}
	if ( ! may_be_framed( (string) wp_remote_retrieve_header( $answer, 'content-security-policy' ) ) ) {
		/* translators: 1: account, 2: this site's origin. */
		return array( false, sprintf( __( '%1$s: browsers will not show the account here: add %2$s to its allowed_origins.', 'cabinet-widgets' ), $account, origin() ) );
	}
	if ( 401 === $status ) {
		/* translators: %s: account. */
		return array( true, sprintf( __( '%s: the account is closed; visitors are asked for its password, unless you enter its embed secret.', 'cabinet-widgets' ), $account ) );
	}
	if ( 200 !== $status ) {
		/* translators: 1: account, 2: HTTP status. */
		return array( false, sprintf( __( '%1$s: the figures are not available now (status %2$d).', 'cabinet-widgets' ), $account, $status ) );
	}
	/* translators: %s: account. */
	return array( true, sprintf( __( '%s: the figures are there.', 'cabinet-widgets' ), $account ) );
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
