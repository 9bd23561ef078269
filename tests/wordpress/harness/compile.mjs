// Compiles PHP files under the oldest and the newest PHP that the plugin is for, as WebAssembly from npm.
// usage: node compile.mjs MODULES FILE ...      prints "VERSION: N files compiled" for each PHP
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const [ modules, ...files ] = process.argv.slice( 2 );
const { resolve } = createRequire( modules + '/' );
const load = ( name ) => import( pathToFileURL( resolve( name ) ).href );
const { PHP, loadPHPRuntime } = await load( '@php-wasm/universal' );
let failed = 0;
for ( const version of [ '7-4', '8-4' ] ) {
	const { getPHPLoaderModule } = await load( `@php-wasm/node-${ version }` );
	const php = new PHP( await loadPHPRuntime( await getPHPLoaderModule(), {} ) );
	let compiled = 0;
	for ( const file of files ) {
		php.writeFile( '/tmp/one.php', readFileSync( file ) );
		// Compiled whole before its guard ends it; what ends it otherwise is said in between.
		const { text } = await php.run( { code: '<?php error_reporting( -1 ); ini_set( "display_errors", "1" ); require "/tmp/one.php"; echo "not guarded";' } ).catch( ( error ) => ( { text: String( error ) } ) );
		if ( text === '' ) {
			compiled++;
		} else {
			failed = 1;
			console.error( version, file, text );
		}
	}
	console.log( `${ ( await php.run( { code: '<?php echo PHP_VERSION;' } ) ).text }: ${ compiled } files compiled` );
}
process.exit( failed );
