<?php
// A request for WordPress where there is none, at the address of the site in $site.

$url = parse_url( trim( file_get_contents( "$site/url" ) ) );
$_SERVER += array(
	'HTTP_HOST'       => "{$url['host']}:{$url['port']}",
	'SERVER_NAME'     => $url['host'],
	'SERVER_PROTOCOL' => 'HTTP/1.1',
	'REQUEST_METHOD'  => 'GET',
	'REQUEST_URI'     => '/',
	'REMOTE_ADDR'     => '127.0.0.1',
);
$_SERVER['PHP_SELF'] = '/index.php';
