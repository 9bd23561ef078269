<?php
// Installs WordPress into a site made by site.py, or runs a script inside an installed one.
// usage: php site.php SITE install | php site.php SITE SCRIPT [ARGUMENT ...]      (SITE holds wp/ and url)

list( , $site, $script ) = $argv;
$arguments = array_slice( $argv, 3 );

require __DIR__ . '/request.php';
if ( 'install' !== $script ) {
	require "$site/wp/wp-load.php";
	require_once ABSPATH . 'wp-admin/includes/admin.php';
	wp_set_current_user( 1 );
	require $script;
	return;
}

define( 'WP_INSTALLING', true );
require "$site/wp/wp-load.php";
require_once ABSPATH . 'wp-admin/includes/admin.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';

function wp_new_blog_notification() {} // Pluggable: no mail.

add_filter( 'pre_http_request', fn() => new WP_Error( 'offline', 'No network while installing.' ) );
$made = wp_install( 'Trading diary', 'administrator', 'administrator@example.org', true, '', 'administrator-pass' );
update_option( 'permalink_structure', '/%postname%/' );
$theme = WP_Theme::get_core_default_theme()->get_stylesheet();
update_option( 'template', $theme );
update_option( 'stylesheet', $theme );
foreach ( array( 'editor', 'author', 'contributor', 'subscriber' ) as $role ) {
	wp_insert_user(
		array(
			'user_login' => $role,
			'user_pass'  => "$role-pass",
			'user_email' => "$role@example.org",
			'role'       => $role,
		)
	);
}
flush_rewrite_rules( false );
