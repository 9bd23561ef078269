<?php
/**
 * The shortcode [cabinet_widget], also if an editor or a page builder changed its text.
 *
 * @package Cabinet_Widgets
 */

namespace Cabinet_Widgets;

defined( 'ABSPATH' ) || exit;

const SHORTCODE = 'cabinet_widget';

// What editors put between attributes: tags of lines and of formats, and spaces that WordPress does not know as such.
const SEPARATORS = '~</?(?:b|br|code|div|em|font|i|p|span|strong)\b[^<>]*>|&(?:amp;)?(?:nbsp|\#0*160|\#x0*a0);|[\x{a0}\x{200b}\x{2060}\x{feff}]~iu';

// Quotes around a value, as characters or as entities.
const QUOTE = '(?:["\'`´′″‟“”„‘’‚«»]|(?i:&(?:amp;)?(?:quot|apos|[lr][ds]quo|bdquo|sbquo|[lr]aquo|prime|\#0*(?:34|39|96|171|180|187|821[678]|822[012]|8242|8243)|\#x0*(?:22|27|60|ab|b4|bb|201[89ac-e]|203[23]));))';

add_action( 'init', __NAMESPACE__ . '\register_shortcode' );
add_filter( 'pre_do_shortcode_tag', __NAMESPACE__ . '\show_shortcode', 10, 4 );

/**
 * Registers the shortcode.
 */
function register_shortcode(): void {
	add_shortcode( SHORTCODE, __NAMESPACE__ . '\shortcode' );
}

/**
 * Renders the shortcode from its text, which may need repairs before its attributes can be read.
 *
 * @param string|false $html  What another plugin shows in place of the shortcode; false if none does.
 * @param string       $tag   Name of the shortcode.
 * @param array|string $atts  Not used.
 * @param array        $found From get_shortcode_regex(); 1 and 6 are brackets around the shortcode, 3 are the attributes.
 */
function show_shortcode( $html, $tag, $atts, $found ) {
	if ( false !== $html || SHORTCODE !== $tag ) {
		return $html;
	}
	return $found[1] . shortcode( read_attributes( $found[3] ) ) . $found[6];
}

/**
 * The HTML of a shortcode.
 *
 * @param array|string $atts As written by the author; '' if there are none.
 */
function shortcode( $atts ): string {
	return render( (array) $atts, BOX );
}

/**
 * Reads the attributes of a shortcode.
 *
 * @param string $text Everything between the name of the shortcode and its closing bracket.
 */
function read_attributes( string $text ): array {
	return (array) shortcode_parse_atts( repair( $text ) );
}

/**
 * Replaces tags and unusual spaces by spaces, and curly quotes and entities around values by plain quotes.
 *
 * @param string $text The attributes of a shortcode.
 */
function repair( string $text ): string {
	// PHP's functions return null if the text is not UTF-8.
	$spaced = preg_replace( SEPARATORS, ' ', $text ) ?? $text;
	// A value in plain quotes remains as it is, with all quotes inside.
	$plain = '"[^"]*"(?=\s|/|\z)|\'[^\']*\'(?=\s|/|\z)';
	$other = QUOTE . '(?<value>.*?)' . QUOTE . '(?=\s|/|\z|[\w-]+\s*=\s*' . QUOTE . ')';
	return preg_replace_callback( "~(?<name>[\w-]+)\s*=\s*(?:$plain|$other)~su", __NAMESPACE__ . '\quote_plainly', $spaced ) ?? $spaced;
}

/**
 * An attribute of a shortcode in plain quotes.
 *
 * @param string[] $found Name, and value if it is not in plain quotes yet.
 */
function quote_plainly( array $found ): string {
	if ( ! isset( $found['value'] ) ) {
		return $found[0];
	}
	return $found['name'] . '="' . str_replace( '"', '', $found['value'] ) . '" ';
}
