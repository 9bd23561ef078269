<?php

/** What a command of WP-CLI calls. */
final class WP_CLI {
	public static array $lines = array();
	public static ?int $code   = null;

	public static function log( string $line ): void {
		self::$lines[] = $line;
	}

	public static function halt( int $code ): void {
		self::$code = $code;
	}
}
