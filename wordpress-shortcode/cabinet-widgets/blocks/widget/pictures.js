/**
 * Drawings: the icons of the block and its variations, and a picture of each kind of widget for the inserter, where no live
 * figures are shown. They are SVG because the editor's frame has no icon font.
 */
( function ( wp, cabinetWidgets ) {
	'use strict';

	const { createElement: el } = wp.element;

	// The path is in a square of 24.
	cabinetWidgets.icon = ( path ) =>
		el( 'svg', { xmlns: 'http://www.w3.org/2000/svg', viewBox: '0 0 24 24', width: 24, height: 24, 'aria-hidden': true, focusable: false },
			el( 'path', { d: path, fill: 'none', stroke: 'currentColor', strokeWidth: 1.5, strokeLinecap: 'round', strokeLinejoin: 'round' } )
		);

	const line = ( x, y, width, height = 8, opacity = 0.25 ) =>
		el( 'rect', { key: `${ x } ${ y }`, x, y, width, height, rx: 2, fill: 'currentColor', opacity } );
	const count = ( number, make ) => Array.from( { length: number }, ( _, i ) => make( i ) );

	// Each draws into a space of 300 by 120.
	const kinds = {
		figures: () => count( 6, ( i ) => [ line( 100 * ( i % 3 ), 60 * Math.floor( i / 3 ), 50, 8 ), line( 100 * ( i % 3 ), 18 + 60 * Math.floor( i / 3 ), 78, 16, 0.7 ) ] ),
		curve: () => [
			line( 0, 118, 300, 2 ),
			el( 'path', { key: 'curve', d: 'M0 110 40 92 75 98 120 60 155 72 205 38 245 46 300 8', fill: 'none', stroke: '#0a7f5a', strokeWidth: 4 } ),
		],
		bars: () => [ 40, 70, 30, 96, 60, 84, 110, 50, 76, 100 ].map( ( height, i ) => line( 30 * i, 120 - height, 20, height, 0.6 ) ),
		rows: () => count( 5, ( i ) => [ line( 0, 26 * i, 70, 10, 0.6 ), line( 110, 26 * i, 60, 10 ), line( 230, 26 * i, 70, 10, 0.6 ) ] ),
		grid: () => count( 35, ( i ) => line( 43 * ( i % 7 ), 24 * Math.floor( i / 7 ), 38, 19, 0.12 + 0.12 * ( ( i * 5 ) % 6 ) ) ),
	};

	// The picture of a widget: a card with its label.
	cabinetWidgets.picture = ( { label, picture } ) =>
		el( 'div', { style: { border: '1px solid rgba(128, 128, 128, 0.4)', borderRadius: 8, padding: 16, background: '#fff', color: '#1e1e1e' } },
			el( 'strong', {}, label ),
			el( 'svg', { xmlns: 'http://www.w3.org/2000/svg', viewBox: '0 0 300 120', style: { display: 'block', width: '100%', marginTop: 12 }, 'aria-hidden': true, focusable: false }, kinds[ picture ]() )
		);
} )( window.wp, window.cabinetWidgets );
