// Runs PHP of a chosen version, as WebAssembly from npm, with the same arguments and files as the program php.
// usage: node php.mjs MODULES VERSION FOLDERS ARGUMENT ...      (VERSION: 7.4 or 8.4; FOLDERS: those that PHP sees, separated by colons)
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const [ modules, version, folders, ...argv ] = process.argv.slice( 2 );
const { resolve } = createRequire( modules + '/' );
const load = ( name ) => import( pathToFileURL( resolve( name ) ).href );
const { PHP, loadPHPRuntime } = await load( '@php-wasm/universal' );
const { getPHPLoaderModule } = await load( `@php-wasm/node-${ version.replace( '.', '-' ) }` );
const php = new PHP( await loadPHPRuntime( await getPHPLoaderModule(), {} ) );
for ( const root of folders.split( ':' ) ) {
	php.mkdir( root );
	await php.mount( root, ( _, FS, at ) => {
		FS.mount( FS.filesystems.NODEFS, { root }, at );
		return () => FS.unmount( at );
	} );
}
const done = await php.cli( [ 'php', ...argv ], { env: process.env } );
const pipe = ( from, to ) => from.pipeTo( new WritableStream( { write: ( chunk ) => void to.write( chunk ) } ) );
await Promise.all( [ pipe( done.stdout, process.stdout ), pipe( done.stderr, process.stderr ) ] );
process.exitCode = await done.exitCode;
