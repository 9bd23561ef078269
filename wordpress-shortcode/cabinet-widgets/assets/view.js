/**
 * Shows the widgets of closed accounts: asks this site for their tokens, and for new ones before the old run out.
 * The page itself carries none (but for widgets that are for everyone), so that any cache may keep it.
 */
( function () {
	'use strict';

	const decode = ( part ) => JSON.parse( atob( part.replace( /-/g, '+' ).replace( /_/g, '/' ) ) );
	const pause = ( seconds ) => new Promise( ( done ) => setTimeout( done, 1000 * seconds ) );

	// Whether a token (a JWT) is good for another minute.
	const isGood = ( token ) => !! token && decode( token.split( '.' )[ 1 ] ).exp > Date.now() / 1000 + 60;

	// One answer for each grant, { token } or { refused }; tries again while the site cannot be reached.
	async function ask( url, grants ) {
		for ( let seconds = 2; ; seconds *= 2 ) {
			try {
				const answer = await fetch( url, {
					method: 'POST',
					cache: 'no-store',
					headers: { 'Content-Type': 'application/json' },
					body: JSON.stringify( { grants } ),
				} );
				if ( answer.ok ) {
					return await answer.json();
				}
			} catch ( error ) {
				// No connection, or no JSON: the same as an answer that is not ok.
			}
			if ( seconds > 16 ) {
				return grants.map( () => ( {} ) );
			}
			await pause( seconds );
		}
	}

	function show( box, token ) {
		const { account, widget, options } = decode( box.dataset.grant.split( '.' )[ 0 ] );
		const element = document.createElement( 'cabinet-widget' );
		// The language of the page where the author set none; the loader leaves it alone where there is a token.
		const { lang } = document.documentElement;
		const attributes = { account, widget, lang, ...options, token, label: box.dataset.label, loading: box.dataset.loading };
		for ( const [ name, value ] of Object.entries( attributes ) ) {
			if ( value ) {
				element.setAttribute( name, value );
			}
		}
		element.style.display = 'block';
		element.style.height = box.style.height;
		box.style.height = '';
		box.replaceChildren( element );
	}

	function refuse( box, line ) {
		const note = document.createElement( 'p' );
		note.className = 'cabinet-widget-note';
		note.textContent = line;
		box.style.height = '';
		box.replaceChildren( ...( line ? [ note ] : [] ) );
	}

	async function fill( boxes ) {
		const answers = await ask( boxes[ 0 ].dataset.tokens, boxes.map( ( box ) => box.dataset.grant ) );
		boxes.forEach( ( box, i ) => {
			const element = box.querySelector( 'cabinet-widget' );
			const { token, refused } = answers[ i ];
			if ( token && element ) {
				element.setAttribute( 'token', token );
			} else if ( token ) {
				show( box, token );
			} else if ( ! element ) {
				refuse( box, refused );
			}
		} );
	}

	const boxes = [ ...document.querySelectorAll( '.cabinet-widget-closed[data-grant]' ) ];
	boxes.filter( ( box ) => isGood( box.dataset.token ) ).forEach( ( box ) => show( box, box.dataset.token ) );
	const waiting = boxes.filter( ( box ) => ! isGood( box.dataset.token ) );
	// As many at a time as the route takes.
	for ( let i = 0; i < waiting.length; i += 50 ) {
		fill( waiting.slice( i, i + 50 ) );
	}

	document.addEventListener( 'cabinet-widget:expired', ( { target } ) => {
		const box = target.closest( '.cabinet-widget-closed' );
		if ( box ) {
			fill( [ box ] );
		}
	} );

	// The token of a kept page was too old after all (this machine's clock is slow): once more, from the beginning.
	document.addEventListener( 'cabinet-widget:error', ( { target, detail } ) => {
		const box = target.closest( '.cabinet-widget-closed[data-token]' );
		if ( box && detail.code === 'expired' ) {
			box.removeAttribute( 'data-token' );
			box.style.height = target.style.height;
			target.remove();
			fill( [ box ] );
		}
	} );
} )();
