<?php
/**
 * The real WordPress of CABINET_TEST_SITE inside PHPUnit's process, on a copy of its database, with the plugin
 * loaded from CABINET_TEST_PLUGIN.
 */

$site = getenv( 'CABINET_TEST_SITE' );
require __DIR__ . '/../harness/request.php';

$copy = sys_get_temp_dir() . '/' . uniqid( 'cabinet-widgets-test-', true ) . '/';
mkdir( $copy );
foreach ( glob( "$site/sqlite/wp.sqlite*" ) as $file ) {
	copy( $file, $copy . basename( $file ) );
}
register_shutdown_function(
	function () use ( $copy ) {
		foreach ( array_diff( scandir( $copy ), array( '.', '..' ) ) as $file ) {
			unlink( $copy . $file );
		}
		rmdir( $copy );
	}
);
define( 'DB_DIR', $copy );

// WordPress expects its globals in the global scope, and PHPUnit includes this file from a function: so globals
// that WordPress declares at file level have to be declared here.
foreach ( array( 'wpdb', 'wp', 'wp_query', 'wp_the_query', 'wp_rewrite', 'wp_version', 'wp_filter', 'wp_actions', 'wp_filters', 'wp_current_filter', 'wp_roles', 'wp_locale', 'wp_locale_switcher', 'wp_plugin_paths', 'wp_embed', 'wp_widget_factory', 'wp_scripts', 'wp_styles', 'wp_object_cache', 'wp_textdomain_registry', 'wp_theme_directories', 'wp_post_types', 'wp_post_statuses', 'wp_taxonomies', 'wp_db_version', 'required_php_version', 'required_mysql_version', 'tinymce_version', 'wp_local_package', 'table_prefix', 'shortcode_tags', 'allowedposttags', 'allowedtags', 'allowedentitynames', 'allowedxmlentitynames', 'pagenow', 'blog_id', 'current_site', 'current_blog', 'post', 'current_user', 'timestart', 'locale', 'l10n', 'l10n_unloaded' ) as $name ) {
	global $$name;
}
$wp_filter = array(
	'muplugins_loaded' => array(
		10 => array(
			array(
				'function'      => fn() => require_once getenv( 'CABINET_TEST_PLUGIN' ) . '/cabinet-widgets.php',
				'accepted_args' => 0,
			),
		),
	),
);
require "$site/wp/wp-load.php";
require_once ABSPATH . 'wp-admin/includes/admin.php';
require __DIR__ . '/CabinetTestCase.php';
fwrite( STDERR, sprintf( "WordPress %s, PHP %s\n", $wp_version, PHP_VERSION ) );
