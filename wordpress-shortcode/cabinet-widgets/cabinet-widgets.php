<?php
/**
 * Plugin Name:       Cabinet Widgets
 * Description:       Shows the figures of a trading account (balance, open trades, growth and more) in posts and pages, from a Cabinet Widgets service.
 * Version:           0.1.0
 * Requires at least: 6.4
 * Requires PHP:      7.4
 * Author:            The Cabinet Widgets authors
 * License:           MIT
 * License URI:       https://opensource.org/licenses/MIT
 * Text Domain:       cabinet-widgets
 * Domain Path:       /languages
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

const VERSION = '0.1.0';
const FILE    = __FILE__;

const URL_OPTION      = 'cabinet_widgets_service_url';
const SECRETS_OPTION  = 'cabinet_widgets_embed_secrets';
const DEFAULTS_OPTION = 'cabinet_widgets_defaults';

// The forms of names: of an account or widget, of an option, and of an option's value.
const SLUG  = '/^[a-z0-9][a-z0-9-]{0,31}\z/';
const NAME  = '/^[a-z][a-z_]{0,31}\z/';
const VALUE = '/^[A-Za-z0-9_+:.\/-]{1,64}\z/';

require __DIR__ . '/includes/languages.php';
require __DIR__ . '/includes/service.php';
require __DIR__ . '/includes/token.php';
require __DIR__ . '/includes/rest.php';
require __DIR__ . '/includes/render.php';
require __DIR__ . '/includes/shortcode.php';
require __DIR__ . '/includes/embed.php';
require __DIR__ . '/includes/widgets.php';
require __DIR__ . '/includes/editor.php';
require __DIR__ . '/includes/patterns.php';
require __DIR__ . '/includes/connection.php';
require __DIR__ . '/includes/settings.php';
require __DIR__ . '/includes/health.php';
