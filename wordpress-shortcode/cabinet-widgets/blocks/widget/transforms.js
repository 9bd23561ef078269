/**
 * Turns shortcodes and addresses of widgets into blocks, and blocks into shortcodes. What is written in them may come from
 * anybody; it only ever becomes attributes of a block, which the server checks, or the text of a shortcode.
 */
( function ( wp, cabinetWidgets ) {
	'use strict';

	const { createBlock } = wp.blocks;
	const BLOCK = 'cabinet-widgets/widget';
	const TAG = 'cabinet_widget';
	// These are attributes of the block; all other names are options of the widget.
	const ATTRIBUTES = [ 'account', 'widget', 'for', 'height', 'label', 'loading' ];
	const VALUE = /^[A-Za-z0-9_+:./-]{1,64}$/;
	const NAME = /^[a-z][a-z_]{0,31}$/;

	const service = () => wp.data.select( cabinetWidgets.store ).getSite().service;

	function attributesOf( named ) {
		const attributes = { options: {} };
		for ( const [ name, value ] of Object.entries( named ) ) {
			if ( ATTRIBUTES.includes( name ) ) {
				attributes[ name ] = value;
			} else {
				attributes.options[ name ] = value.replace( /^#/, '' );
			}
		}
		return attributes;
	}

	// A shortcode that an editor has mangled stays one: the server repairs it.
	const isClean = ( { named, numeric } ) =>
		! numeric.length && Object.entries( named ).every( ( [ name, value ] ) => name === 'label' || ( NAME.test( name ) && ( value === '' || VALUE.test( value.replace( /^#/, '' ).replaceAll( ',', '' ) ) ) ) );

	// The attributes of a text that is one shortcode and nothing else.
	function readShortcode( text ) {
		const found = wp.shortcode.next( TAG, text );
		return found && found.content === text.trim() && isClean( found.shortcode.attrs ) ? found.shortcode.attrs.named : null;
	}

	// The attributes of a block for an address of a widget; null for any other text.
	function readAddress( text ) {
		const start = service() + '/w/';
		const [ , account, widget, query = '' ] = ( service() && text.startsWith( start ) && /^([a-z0-9-]+)\/([a-z0-9-]+)\/?(?:\?([^#\s]*))?(?:#\S*)?$/.exec( text.slice( start.length ) ) ) || [];
		if ( ! account ) {
			return null;
		}
		const options = Object.fromEntries( [ ...new URLSearchParams( query ) ].filter( ( [ name, value ] ) => NAME.test( name ) && VALUE.test( value ) && name !== 'token' && ! ATTRIBUTES.includes( name ) ) );
		return { account, widget, options };
	}

	// A value in quotes, without what would end the shortcode.
	function quote( value ) {
		const text = value.replace( /[[\]<>\r\n]/g, ' ' );
		return text.includes( '"' ) && ! text.includes( "'" ) ? `'${ text }'` : `"${ text.replaceAll( '"', '”' ) }"`;
	}

	function writeShortcode( attributes ) {
		const plain = / is-style-plain /.test( ` ${ attributes.className } ` ) ? { background: 'none' } : {};
		const all = [ ...ATTRIBUTES.map( ( name ) => [ name, attributes[ name ] ] ), ...Object.entries( { ...attributes.options, ...plain } ) ];
		const written = all.filter( ( [ name, value ] ) => NAME.test( name ) && value ).map( ( [ name, value ] ) => ` ${ name }=${ quote( String( value ) ) }` );
		return `[${ TAG }${ written.join( '' ) }]`;
	}

	cabinetWidgets.readAddress = readAddress;
	cabinetWidgets.transforms = {
		from: [
			{
				type: 'shortcode',
				tag: TAG,
				isMatch: isClean,
				transform: ( { named } ) => createBlock( BLOCK, attributesOf( named ) ),
			},
			{
				type: 'block',
				blocks: [ 'core/shortcode' ],
				isMatch: ( { text } ) => !! readShortcode( text || '' ),
				transform: ( { text } ) => createBlock( BLOCK, attributesOf( readShortcode( text ) ) ),
			},
			{
				type: 'block',
				blocks: [ 'core/embed' ],
				isMatch: ( { url } ) => !! readAddress( url || '' ),
				transform: ( { url } ) => createBlock( BLOCK, readAddress( url ) ),
			},
			{
				// A pasted address; before WordPress's own transform into an embed.
				type: 'raw',
				priority: 5,
				isMatch: ( { nodeName, textContent } ) => nodeName === 'P' && !! readAddress( textContent.trim() ),
				transform: ( { textContent } ) => createBlock( BLOCK, readAddress( textContent.trim() ) ),
			},
		],
		to: [
			{
				type: 'block',
				blocks: [ 'core/shortcode' ],
				transform: ( attributes ) => createBlock( 'core/shortcode', { text: writeShortcode( attributes ) } ),
			},
		],
	};
} )( window.wp, window.cabinetWidgets );
