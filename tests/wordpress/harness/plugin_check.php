<?php
/**
 * Runs the static checks of Plugin Check on the plugin and prints one line per finding; run by plugin_standards.py inside
 * a WordPress of the tests.
 *
 * usage: php site.php SITE plugin_check.php FOLDER PLUGIN      (FOLDER holds the checkouts that plugin_standards.py names)
 */

use WordPress\Plugin_Check\Checker\Check_Context;
use WordPress\Plugin_Check\Checker\Checks;
use WordPress\Plugin_Check\Checker\Default_Check_Repository;
use WordPress\Plugin_Check\Checker\Static_Check;

list( $folder, $plugin ) = $arguments;

define( 'WP_PLUGIN_CHECK_PLUGIN_DIR_PATH', "$folder/plugin-check/" );
// It is normally loaded by Composer, with the readme parser of the plugin directory.
spl_autoload_register(
	function ( string $name ) use ( $folder ): void {
		$prefix = 'WordPress\\Plugin_Check\\';
		if ( 0 === strpos( $name, $prefix ) ) {
			require "$folder/plugin-check/includes/" . str_replace( '\\', '/', substr( $name, strlen( $prefix ) ) ) . '.php';
		}
	}
);
require "$folder/wordpress-plugin-readme-parser/class-parser.php";

// The sniffs share one process with WordPress.
require "$folder/PHP_CodeSniffer/autoload.php";
$standards = array( 'PHPCSUtils', 'PHPCSExtra', 'WordPress-Coding-Standards', 'VIP-Coding-Standards', 'plugin-check/phpcs-sniffs' );
$paths     = array_map( fn( $standard ) => "$folder/$standard", $standards );
PHP_CodeSniffer\Config::setConfigData( 'installed_paths', implode( ',', $paths ), true );

$repository = new Default_Check_Repository();
$checks     = array_filter( $repository->get_checks()->to_map(), fn( $check ) => $check instanceof Static_Check );
$result     = ( new Checks() )->run_checks( new Check_Context( "$plugin/cabinet-widgets.php", 'cabinet-widgets' ), $checks );

foreach ( array( 'error' => $result->get_errors(), 'warning' => $result->get_warnings() ) as $kind => $files ) {
	foreach ( $files as $file => $lines ) {
		foreach ( $lines as $line => $columns ) {
			foreach ( array_merge( ...array_values( $columns ) ) as $finding ) {
				echo "$kind: $file:$line: {$finding['code']}: {$finding['message']}\n";
			}
		}
	}
}
echo implode( ', ', array_keys( $checks ) ) . "\n";
