<?php
/**
 * The options, on the settings page and over REST.
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

const PAGE = 'cabinet-widgets';

// Replaces a stored secret wherever the settings are read.
const SECRET_SET = 'set';

add_action( 'init', __NAMESPACE__ . '\register_options' );
add_action( 'admin_menu', __NAMESPACE__ . '\add_page' );
add_action( 'add_option_' . SECRETS_OPTION, __NAMESPACE__ . '\load_on_demand' );
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
 * The themes to choose from; '' is the service's default.
 */
function themes(): array {
	return array( '', 'auto', 'light', 'dark' );
}

/**
 * The defaults of this site: theme, lang, account; each '' if it is not set.
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
 * Whether the current user may choose the service. Pages load a script from it, and in a network only its own
 * administrators may add scripts.
 */
function may_choose_service(): bool {
	return current_user_can( is_multisite() ? 'manage_network_options' : 'manage_options' );
}

/**
 * Extracts the service's address from what was pasted. If it is the address of a widget, its account becomes the default
 * account.
 *
 * @param mixed $value What was entered.
 */
function clean_url( $value ): string {
	// Without a user, it is set on the command line.
	if ( is_user_logged_in() && ! may_choose_service() ) {
		return service_url();
	}
	$value = is_string( $value ) ? trim( $value ) : '';
	if ( '' === $value ) {
		return '';
	}
	$account = account_in( $value );
	if ( '' !== $account ) {
		// WordPress may clean the value again, which then contains no account any more.
		pasted_account( $account );
	}
	$address = service_in( $value );
	if ( null === $address ) {
		show_error( wrong_address() . ' ' . __( 'The previous address remains.', 'cabinet-widgets' ) );
		return service_url();
	}
	return $address;
}

/**
 * The service's address in what was pasted; null if there is none.
 *
 * @param string $value Its address, or one of a widget, with or without https://.
 */
function service_in( string $value ): ?string {
	if ( ! preg_match( '#^[a-z]+://#i', $value ) ) {
		$value = ( preg_match( '#^(localhost|127\.[0-9.]+|\[::1\])(?![^:/])#i', $value ) ? 'http://' : 'https://' ) . $value;
	}
	$parts = wp_parse_url( preg_replace( '#(/w/.*|/oembed|/embed\.js(on)?|/+)?([?\#].*)?\z#s', '', $value, 1 ) );
	$host  = strtolower( $parts['host'] ?? '' );
	$http  = 'http' === strtolower( $parts['scheme'] ?? '' );
	$local = preg_match( '/^(localhost|127\.[0-9.]+|\[::1\])\z/', $host );
	$named = preg_match( '/^([a-z0-9._-]+|\[[0-9a-f:]+\])\z/', $host ) && preg_match( '#^(/[A-Za-z0-9._~/-]*)?\z#', $parts['path'] ?? '' );
	if ( ! $named || isset( $parts['user'] ) || ! ( ( $http && $local ) || 'https' === strtolower( $parts['scheme'] ) ) ) {
		return null;
	}
	return rtrim( ( $http ? 'http://' : 'https://' ) . $host . ( isset( $parts['port'] ) ? ":{$parts['port']}" : '' ) . ( $parts['path'] ?? '' ), '/' );
}

/**
 * What is said about an address that cannot be one of a service.
 */
function wrong_address(): string {
	return __( 'The address of the service must begin with https:// (or with http:// on this machine).', 'cabinet-widgets' );
}

/**
 * The account in the address of a widget; '' if it is another address.
 *
 * @param string $address What was pasted.
 */
function account_in( string $address ): string {
	return preg_match( '#/w/([a-z0-9][a-z0-9-]{0,31})(/|\z)#', $address, $found ) ? $found[1] : '';
}

/**
 * The account in the address that was pasted in this request; '' if there is none.
 *
 * @param string|null $account The account to remember; null leaves it unchanged.
 */
function pasted_account( ?string $account = null ): string {
	static $known = '';
	$known        = $account ?? $known;
	return $known;
}

/**
 * Combines the input, from the form or over REST, with the stored secrets.
 *
 * For an account, '' and "set" leave the stored secret unchanged, "remove" removes it and anything else replaces it. The
 * secrets of accounts that the input does not name are removed. The form's row for a new account is named "+".
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
			show_error( __( 'An embed secret was not stored. It must have at least 32 characters, and the name of its account may contain only lowercase letters, digits and hyphens.', 'cabinet-widgets' ) );
			$secret = $stored[ $account ] ?? '';
		}
		if ( '' !== $secret ) {
			$clean[ $account ] = $secret;
		}
	}
	return $clean;
}

/**
 * Excludes a new option from those that WordPress loads for every page, which other plugins may cache elsewhere.
 *
 * @param string $option Its name.
 */
function load_on_demand( string $option ): void {
	wp_set_option_autoload( $option, false );
}

/**
 * Whether this is an embed secret, or several separated by commas.
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
 * Removes malformed values from the defaults.
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
 * Shows an error on the settings page, if this request has one.
 *
 * @param string $line Text.
 */
function show_error( string $line ): void {
	if ( function_exists( 'add_settings_error' ) ) {
		add_settings_error( PAGE, 'cabinet-widgets', $line );
	}
}

/**
 * Hides the secrets from REST clients, which may write but not read them: each is shown as "set".
 *
 * @param mixed  $value Returned unchanged.
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
 * The settings page. What the connection test found is at the top, where "Settings saved." would otherwise be all that is seen.
 */
function show_page(): void {
	echo '<div class="wrap"><h1>' . esc_html( get_admin_page_title() ) . '</h1>';
	show_results();
	echo '<form action="options.php" method="post">';
	settings_fields( PAGE );
	do_settings_sections( PAGE );
	submit_button();
	echo '</form>';
	show_test();
	echo '</div>';
}

/**
 * The result of the connection test, after the button was pressed or the settings were saved.
 */
function show_results(): void {
	$is_wanted = was_saved() || ( isset( $_GET['test'] ) && check_admin_referer( 'cabinet-widgets-test' ) );
	if ( ! $is_wanted || '' === service_url() ) {
		return;
	}
	foreach ( test_connection() as list( $is_good, $line ) ) {
		echo '<div class="notice inline notice-' . ( $is_good ? 'success' : 'error' ) . '"><p>' . esc_html( $line ) . '</p></div>';
	}
}

/**
 * The button that tests the connection.
 */
function show_test(): void {
	if ( '' === service_url() ) {
		show_help( __( 'When you save the address, the connection is tested. Until then, no requests are sent to any server.', 'cabinet-widgets' ) );
		return;
	}
	$address = wp_nonce_url( add_query_arg( 'test', '1', page_url() ), 'cabinet-widgets-test' );
	echo '<p><a class="button" href="' . esc_url( $address ) . '">' . esc_html__( 'Test the connection', 'cabinet-widgets' ) . '</a></p>';
}

/**
 * Whether the settings were saved just before this page was opened.
 */
function was_saved(): bool {
	return in_array( 'settings_updated', array_column( get_settings_errors( 'general' ), 'code' ), true );
}

/**
 * The field of the service's address.
 */
function show_url(): void {
	if ( ! may_choose_service() ) {
		echo '<code>' . esc_html( service_url() ) . '</code>';
		show_help( __( 'Only an administrator of the network can change this address.', 'cabinet-widgets' ) );
		return;
	}
	show_text( URL_OPTION, service_url(), 'https://widgets.example.com' );
	show_help( __( 'The address of your Cabinet Widgets service; the address of one of its widgets works too.', 'cabinet-widgets' ) );
}

/**
 * The field of the default account.
 */
function show_account(): void {
	show_text( DEFAULTS_OPTION . '[account]', defaults()['account'], 'main' );
	show_help( __( 'Used if a shortcode or block does not name an account. Default: the first known account.', 'cabinet-widgets' ) );
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
	$labels = array(
		''      => __( 'The service’s default', 'cabinet-widgets' ),
		'auto'  => __( 'The visitor’s system setting', 'cabinet-widgets' ),
		'light' => __( 'Light', 'cabinet-widgets' ),
		'dark'  => __( 'Dark', 'cabinet-widgets' ),
	);
	echo '<select id="cabinet_widgets_defaults[theme]" name="cabinet_widgets_defaults[theme]">';
	foreach ( $labels as $theme => $label ) {
		echo '<option value="' . esc_attr( $theme ) . '"' . selected( $theme, defaults()['theme'], false ) . '>' . esc_html( $label ) . '</option>';
	}
	echo '</select>';
}

/**
 * The fields of the embed secrets. No secret is ever written into the page.
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
			$name = SECRETS_OPTION . "[$account]";
			show_secret( $name, isset( $fixed[ $account ] ) ? __( 'Another one is stored but not used', 'cabinet-widgets' ) : __( 'Set; enter a new one to replace it', 'cabinet-widgets' ) );
			echo ' <label><input type="checkbox" name="' . esc_attr( $name ) . '" value="remove">' . esc_html__( 'Remove', 'cabinet-widgets' ) . '</label>';
		}
		echo '</p>';
	}
	echo '<p>';
	show_text( SECRETS_OPTION . '[+][account]', '', __( 'Account', 'cabinet-widgets' ), __( 'Account', 'cabinet-widgets' ) );
	echo ' ';
	show_secret( SECRETS_OPTION . '[+][secret]', __( 'Secret', 'cabinet-widgets' ) );
	echo '</p>';
	show_help( __( 'Only for closed accounts: the embed secret from the configuration of the service, at least 32 characters. It is never shown again. CABINET_WIDGETS_EMBED_SECRETS in wp-config.php takes precedence.', 'cabinet-widgets' ) );
}

/**
 * A field for a line of text.
 *
 * @param string $field   Its name.
 * @param string $value   Its value.
 * @param string $example An example of a value.
 * @param string $label   Its accessible name, if it has no visible label.
 */
function show_text( string $field, string $value, string $example, string $label = '' ): void {
	printf(
		'<input type="text" class="%1$s" id="%2$s" name="%2$s" value="%3$s" placeholder="%4$s" aria-label="%5$s">',
		URL_OPTION === $field ? 'code regular-text' : 'code',
		esc_attr( $field ),
		esc_attr( $value ),
		esc_attr( $example ),
		esc_attr( $label )
	);
}

/**
 * A field for a secret, always empty.
 *
 * @param string $name  The field's name.
 * @param string $state The state of the secret.
 */
function show_secret( string $name, string $state ): void {
	printf(
		'<input type="password" class="regular-text" name="%1$s" autocomplete="new-password" placeholder="%2$s" aria-label="%3$s">',
		esc_attr( $name ),
		esc_attr( $state ),
		esc_attr__( 'Secret', 'cabinet-widgets' )
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
