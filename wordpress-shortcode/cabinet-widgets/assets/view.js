/**
 * Shows the widgets of closed accounts: fetches their tokens from this site, and new ones before the old ones expire.
 * The page itself contains no tokens (except in widgets for everyone), so any cache may store it.
 */
( function () {
	'use strict';

	const decode = ( part ) => JSON.parse( atob( part.replace( /-/g, '+' ).replace( /_/g, '/' ) ) );
	const pause = ( seconds ) => new Promise( ( done ) => setTimeout( done, 1000 * seconds ) );

	// Whether a token (a JWT) is valid for another minute.
	const isValid = ( token ) => !! token && decode( token.split( '.' )[ 1 ] ).exp > Date.now() / 1000 + 60;

	// Returns { token } or { refused, log_in } for each grant. Retries while the site cannot be reached.
	async function fetchTokens( url, grants ) {
		for ( let seconds = 2; ; seconds *= 2 ) {
			try {
				const response = await fetch( url, {
					method: 'POST',
					cache: 'no-store',
					headers: { 'Content-Type': 'application/json' },
					body: JSON.stringify( { grants } ),
				} );
				if ( response.ok ) {
					return await response.json();
				}
			} catch ( error ) {
				// No connection, or no JSON: the same as a response that is not ok.
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
		// The page's language unless the author set one. With a token, the loader does not set it.
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

	// A link to log in, which returns to this page.
	function linkToLogIn( { url, label } ) {
		const link = document.createElement( 'a' );
		const address = new URL( url, location.href );
		address.searchParams.set( 'redirect_to', location.href );
		link.href = address;
		link.textContent = label;
		return link;
	}

	function refuse( box, line, logIn ) {
		const note = document.createElement( 'p' );
		note.className = 'cabinet-widget-note';
		note.textContent = line;
		if ( logIn ) {
			note.append( ' ', linkToLogIn( logIn ) );
		}
		box.style.height = '';
		box.replaceChildren( ...( line ? [ note ] : [] ) );
	}

	async function fill( boxes ) {
		const results = await fetchTokens( boxes[ 0 ].dataset.tokens, boxes.map( ( box ) => box.dataset.grant ) );
		boxes.forEach( ( box, i ) => {
			const element = box.querySelector( 'cabinet-widget' );
			const { token, refused, log_in: logIn } = results[ i ];
			if ( token && element ) {
				element.setAttribute( 'token', token );
			} else if ( token ) {
				show( box, token );
			} else if ( ! element ) {
				refuse( box, refused, logIn );
			}
		} );
	}

	const waiting = [];

	function fillWaiting() {
		while ( waiting.length ) {
			// The route accepts at most 50 grants at a time.
			fill( waiting.splice( 0, 50 ) );
		}
	}

	// Authors can write neither these elements nor <cabinet-widget>: WordPress removes both from their HTML. A page may add
	// more of them later, such as an endless list of posts or the preview of the Customizer.
	class ClosedWidget extends HTMLElement {
		connectedCallback() {
			if ( this.querySelector( 'cabinet-widget' ) ) {
				return;
			}
			if ( isValid( this.dataset.token ) ) {
				show( this, this.dataset.token );
				return;
			}
			// All that are added at once are filled with one request.
			if ( waiting.push( this ) === 1 ) {
				setTimeout( fillWaiting );
			}
		}
	}
	customElements.define( 'cabinet-widget-closed', ClosedWidget );

	document.addEventListener( 'cabinet-widget:expired', ( { target } ) => {
		const box = target.closest( 'cabinet-widget-closed' );
		if ( box ) {
			fill( [ box ] );
		}
	} );

	// The token of a cached page had expired although it seemed valid (this machine's clock is slow): start again.
	document.addEventListener( 'cabinet-widget:error', ( { target, detail } ) => {
		const box = target.closest( 'cabinet-widget-closed[data-token]' );
		if ( box && detail.code === 'expired' ) {
			box.removeAttribute( 'data-token' );
			box.style.height = target.style.height;
			target.remove();
			fill( [ box ] );
		}
	} );
} )();
