// What a site owner and visitors do, in a real browser. Reads a JSON object from standard input and prints one line of
// JSON per step: { step, ...what was seen }. Console messages and requests to other machines are collected and printed
// at the end.
//
// usage: node browser.mjs < { modules, site, service, secret, shots, steps: [], ... arguments of the steps }
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const given = JSON.parse( readFileSync( 0, 'utf8' ) );
const { chromium } = createRequire( given.modules + '/' )( 'playwright-core' );
const tell = ( step, seen = {} ) => console.log( JSON.stringify( { step, ...seen } ) );
const complaints = [];

const browser = await chromium.launch( {
	executablePath: '/usr/bin/chromium-headless-shell',
	args: [ '--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync' ],
} );

async function open( { role, only = null, lang = 'en-US' } = {} ) {
	const context = await browser.newContext( { viewport: { width: 1280, height: 900 }, locale: lang } );
	const page = await context.newPage();
	const seen = ( what ) => only ? only.push( what ) : complaints.push( what );
	page.on( 'console', ( message ) => [ 'error', 'warning' ].includes( message.type() ) && seen( `${ message.type() }: ${ message.text().slice( 0, 300 ) } (${ page.url() }, ${ message.location().url })` ) );
	page.on( 'pageerror', ( error ) => seen( `exception: ${ error.message } (${ page.url() })` ) );
	page.on( 'dialog', ( dialog ) => { seen( `dialog: ${ dialog.message() }` ); dialog.dismiss(); } );
	await page.route( '**/*', ( route ) => {
		const url = new URL( route.request().url() );
		if ( [ '127.0.0.1', '' ].includes( url.hostname ) || url.protocol === 'data:' ) {
			return route.continue();
		}
		seen( `request to another machine: ${ url }` );
		return route.abort();
	} );
	if ( role ) {
		const form = { log: role, pwd: role + '-pass' };
		const response = await context.request.post( `${ given.site }/wp-login.php`, { form, maxRedirects: 0 } );
		assert.equal( response.status(), 302, 'logged in' );
	}
	return page;
}

const shot = ( page, name, options = {} ) => given.shots && page.screenshot( { path: `${ given.shots }/${ name }.png`, ...options } );
// The text of the widget in a frame, once it contains figures.
async function figures( where, frame = 'iframe' ) {
	const main = where.frameLocator( frame ).first().locator( 'main' );
	await main.filter( { hasText: /\d[.,]\d\d/ } ).waitFor( { timeout: 15000 } );
	return ( await main.innerText() ).replace( /\s+/g, ' ' );
}
// Opens a new post in the editor and returns the frame or page that holds its blocks.
async function newPost( page ) {
	await page.goto( given.site + '/wp-admin/post-new.php?post_type=post' );
	await page.waitForFunction( () => window.wp?.data?.select( 'core/editor' )?.__unstableIsEditorReady() && wp.blocks.getBlockType( 'cabinet-widgets/widget' ) );
	await page.evaluate( () => {
		wp.data.dispatch( 'core/preferences' ).set( 'core/edit-post', 'welcomeGuide', false );
		wp.data.dispatch( 'core/editor' ).editPost( { title: 'My trading diary' } );
	} );
	const isFramed = await page.waitForSelector( 'iframe[name="editor-canvas"]', { timeout: 5000 } ).then( () => true, () => false );
	return isFramed ? page.frameLocator( 'iframe[name="editor-canvas"]' ) : page;
}

// The attributes of the first widget in the editor.
const attributes = ( page ) => page.evaluate( () => wp.data.select( 'core/block-editor' ).getBlocks().find( ( block ) => block.name === 'cabinet-widgets/widget' ).attributes );

// Opens the sidebar with the controls of the first widget.
async function openSidebar( page ) {
	await page.evaluate( () => {
		const { getBlocks } = wp.data.select( 'core/block-editor' );
		wp.data.dispatch( 'core/block-editor' ).selectBlock( getBlocks().find( ( block ) => block.name === 'cabinet-widgets/widget' ).clientId );
		wp.data.dispatch( 'core/interface' ).enableComplementaryArea( 'core', 'edit-post/block' );
	} );
	const sidebar = page.locator( '.interface-complementary-area' );
	await sidebar.getByLabel( 'Widget', { exact: true } ).waitFor();
	return sidebar;
}

const publish = ( page ) => page.evaluate( async () => {
	wp.data.dispatch( 'core/editor' ).editPost( { status: 'publish' } );
	await wp.data.dispatch( 'core/editor' ).savePost();
	return wp.data.select( 'core/editor' ).getCurrentPostId();
} );

// Inserts a block and publishes it; returns the number of the post.
async function insert( page, canvas ) {
	await page.evaluate( () => wp.data.dispatch( 'core/block-editor' ).insertBlocks( wp.blocks.createBlock( 'cabinet-widgets/widget' ) ) );
	const preview = await figures( canvas, '.wp-block-cabinet-widgets-widget iframe' );
	const first = await attributes( page );
	const sidebar = await openSidebar( page );
	const widgets = await sidebar.getByLabel( 'Widget', { exact: true } ).locator( 'option' ).allInnerTexts();
	const accounts = await sidebar.getByLabel( 'Account', { exact: true } ).locator( 'option' ).allInnerTexts();
	await sidebar.getByRole( 'button', { name: 'Appearance' } ).click();
	await sidebar.getByLabel( 'Theme', { exact: true } ).selectOption( 'light' );
	await figures( canvas, 'iframe[src*="theme=light"]' );
	await shot( page, 'controls' );
	const id = await publish( page );
	tell( 'editor', { preview, first, last: await attributes( page ), widgets, accounts, id } );
	return id;
}

// The controls: an invalid value stays in its field, with a message; everything is stored as the service expects it.
async function control( page ) {
	await page.evaluate( () => wp.data.dispatch( 'core/block-editor' ).resetBlocks( [ wp.blocks.createBlock( 'cabinet-widgets/widget', { account: 'main', widget: 'closed-trades' } ) ] ) );
	const sidebar = await openSidebar( page );
	const rows = sidebar.getByLabel( 'Rows', { exact: true } );
	await rows.fill( '500' );
	const problem = await sidebar.getByRole( 'alert' ).innerText();
	const described = await rows.evaluate( ( input ) => input.getAttribute( 'aria-invalid' ) );
	const invalid = await attributes( page );
	await rows.fill( '5' );
	await sidebar.getByLabel( 'Period', { exact: true } ).selectOption( 'dates' );
	await sidebar.getByLabel( 'Last day', { exact: true } ).fill( '2026-06-30' );
	await sidebar.getByLabel( 'First day', { exact: true } ).fill( '2026-07-01' );
	const order = await sidebar.getByRole( 'alert' ).innerText();
	await sidebar.getByLabel( 'First day', { exact: true } ).fill( '2026-01-01' );
	await shot( page, 'controls-main' );
	// By keyboard alone.
	await sidebar.getByRole( 'button', { name: 'Appearance' } ).focus();
	await page.keyboard.press( 'Enter' );
	await page.keyboard.press( 'Tab' );
	await page.keyboard.press( 'ArrowDown' );
	await page.keyboard.press( 'ArrowDown' );
	await sidebar.getByRole( 'button', { name: 'Accent color' } ).focus();
	await page.keyboard.press( 'Enter' );
	// The first color of the theme's palette.
	const color = page.locator( '.components-circular-option-picker__option' ).first();
	await color.waitFor();
	await color.focus();
	await page.keyboard.press( 'Enter' );
	await page.keyboard.press( 'Escape' );
	await sidebar.getByLabel( 'Language', { exact: true } ).selectOption( 'fr' );
	await sidebar.getByLabel( 'Time zone' ).fill( 'paris' );
	await page.getByRole( 'option', { name: 'Europe/Paris' } ).waitFor();
	await page.keyboard.press( 'Enter' );
	await shot( page, 'controls-appearance' );
	tell( 'controls', { problem, described, invalid, order, last: await attributes( page ) } );
}

// Transforms from and to shortcodes and from embeds, also of hostile texts. Nothing is shown, so nothing is loaded.
async function transform( page ) {
	tell( 'transforms', await page.evaluate( ( { texts, addresses, labels } ) => {
		const { createBlock, pasteHandler, rawHandler, switchToBlockType, getPossibleBlockTransformations } = wp.blocks;
		const OURS = 'cabinet-widgets/widget';
		const plain = ( blocks ) => [ blocks ].flat().filter( ( block ) => block?.name ).map( ( { name, attributes } ) => ( { name, attributes: JSON.parse( JSON.stringify( attributes ) ) } ) );
		const offered = ( block ) => getPossibleBlockTransformations( [ block ] ).map( ( { name } ) => name );
		const fromShortcode = texts.map( ( text ) => {
			const block = createBlock( 'core/shortcode', { text } );
			return { offered: offered( block ).includes( OURS ), raw: plain( rawHandler( { HTML: `<p>${ text }</p>` } ) ), blocks: offered( block ).includes( OURS ) ? plain( switchToBlockType( block, OURS ) ) : [] };
		} );
		const fromEmbed = addresses.map( ( url ) => {
			const block = createBlock( 'core/embed', { url } );
			return { blocks: offered( block ).includes( OURS ) ? plain( switchToBlockType( block, OURS ) ) : [], pasted: plain( pasteHandler( { plainText: url, HTML: '', mode: 'BLOCKS' } ) ) };
		} );
		const toShortcode = labels.map( ( label ) => switchToBlockType( createBlock( OURS, { account: 'main', widget: 'growth', label, className: 'is-style-plain', options: { period: '7d', 'on"load': 'x', tz: label } } ), 'core/shortcode' )[ 0 ].attributes.text );
		return { fromShortcode, fromEmbed, toShortcode };
	}, given.transforms ) );
}

const steps = {
	async settings() {
		const page = await open( { role: 'administrator' } );
		await page.goto( given.site + '/wp-admin/options-general.php?page=cabinet-widgets' );
		const before = await page.locator( '.wrap' ).innerText();
		await page.fill( '[name=cabinet_widgets_service_url]', given.paste );
		await Promise.all( [ page.waitForURL( /settings-updated/ ), page.click( '#submit' ) ] );
		const address = await page.inputValue( '[name=cabinet_widgets_service_url]' );
		await page.fill( '[name="cabinet_widgets_embed_secrets[+][account]"]', 'vault' );
		await page.fill( '[name="cabinet_widgets_embed_secrets[+][secret]"]', given.secret );
		await Promise.all( [ page.waitForNavigation(), page.click( '#submit' ) ] );
		const html = await page.content();
		await Promise.all( [ page.waitForURL( /test=1/ ), page.click( 'text=Test the connection' ) ] );
		tell( 'settings', { before, address, html: html.includes( given.secret ), notices: await page.locator( '.wrap .notice.inline' ).allInnerTexts() } );
		// A picture for the directory, with an address as site owners have one.
		await page.fill( '[name=cabinet_widgets_service_url]', 'https://widgets.example.com' );
		await shot( page, 'screenshot-4', { clip: { x: 160, y: 32, width: 1120, height: 820 } } );
		await page.context().close();
	},

	// Everything in the editor on one page, since loading it takes long: a block is inserted and published, another one's
	// controls are used, and blocks are transformed.
	async editor() {
		const page = await open( { role: 'administrator' } );
		const canvas = await newPost( page );
		const id = await insert( page, canvas );
		await control( page );
		await transform( page );
		await page.context().close();
		const visitor = await open();
		await visitor.goto( `${ given.site }/?p=${ id }` );
		tell( 'block', await widget( visitor ) );
		await shot( visitor, 'block' );
		await visitor.context().close();
	},

	// A site owner who has a service and no documentation: finds a widget by searching, sets up the service in the post, adds
	// two more widgets, publishes.
	async owner() {
		const page = await open( { role: 'administrator' } );
		const canvas = await newPost( page );
		await page.getByRole( 'button', { name: 'Block Inserter' } ).or( page.getByRole( 'button', { name: 'Toggle block inserter' } ) ).first().click();
		const search = page.getByRole( 'searchbox' ).first();
		const found = [];
		for ( const word of Object.keys( given.words ) ) {
			await search.fill( word );
			await page.getByRole( 'option', { name: given.words[ word ], exact: true } ).first().waitFor();
			found.push( word );
		}
		// The list of blocks, and previews of the patterns below it.
		const bonus = page.getByRole( 'option', { name: 'Bonus', exact: true } );
		await search.fill( 'trading' );
		await bonus.waitFor();
		await page.locator( '.block-editor-block-preview__content iframe' ).first().waitFor();
		await shot( page, 'screenshot-1' );
		await search.fill( 'drawdown' );
		await bonus.waitFor( { state: 'hidden' } );
		await page.getByRole( 'option', { name: 'Growth', exact: true } ).first().hover();
		await page.locator( '.block-editor-inserter__preview-content, .block-editor-inserter__preview' ).first().waitFor();
		const hasPreview = await page.getByText( 'No preview available' ).count() === 0;
		await page.getByRole( 'option', { name: 'Growth', exact: true } ).first().click();
		const field = canvas.getByLabel( 'Address of the service' );
		await field.waitFor();
		// Nothing opens under the mouse there.
		await page.mouse.move( 640, 860 );
		const icon = await canvas.locator( '.wp-block-cabinet-widgets-widget .components-placeholder__label svg' ).count();
		await field.fill( 'http://127.0.0.1:9' );
		await shot( page, 'owner-setup' );
		await field.press( 'Enter' );
		const problem = await canvas.getByRole( 'alert' ).innerText();
		await field.fill( given.paste );
		await field.press( 'Enter' );
		await figures( canvas, '.wp-block-cabinet-widgets-widget iframe' );
		await shot( page, 'screenshot-2' );
		const offered = await page.evaluate( () => wp.blocks.getBlockVariations( 'cabinet-widgets/widget' ).map( ( { name } ) => name ) );
		for ( const name of [ 'balance', 'open-trades' ] ) {
			await page.evaluate( ( widget ) => wp.data.dispatch( 'core/block-editor' ).insertBlocks( wp.blocks.createBlock( 'cabinet-widgets/widget', { widget } ) ), name );
			await figures( canvas, `iframe[src*="/${ name }?"]` );
		}
		const id = await publish( page );
		await page.context().close();
		const visitor = await open();
		await visitor.goto( `${ given.site }/?p=${ id }` );
		const shown = await widget( visitor );
		const widgets = await visitor.locator( 'cabinet-widget' ).evaluateAll( ( all ) => all.map( ( one ) => one.getAttribute( 'widget' ) ) );
		await shot( visitor, 'screenshot-3' );
		tell( 'owner', { found, hasPreview, icon, problem, offered, widgets, shown } );
		await visitor.context().close();
	},

	async pages() {
		for ( const [ name, url ] of Object.entries( given.posts ) ) {
			const page = await open();
			await page.goto( url );
			const frame = name.startsWith( 'url' ) ? '.entry-content iframe' : 'cabinet-widget iframe';
			tell( name, { text: await figures( page, frame ), ...( name.startsWith( 'url' ) ? await embedded( page ) : await widget( page ) ) } );
			await shot( page, name );
			await page.context().close();
		}
	},

	// The same cached HTML for a visitor, a member and an editor, as a page cache serves it: it contains nothing personal.
	async members() {
		for ( const role of [ null, 'subscriber', 'editor' ] ) {
			const page = await open( { role } );
			await page.goto( given.cached );
			await page.waitForFunction( () => [ ...document.querySelectorAll( 'cabinet-widget-closed' ) ].every( ( box ) => box.querySelector( ':scope > cabinet-widget, :scope > .cabinet-widget-note' ) ) );
			const boxes = await page.locator( 'cabinet-widget-closed' ).count();
			const shown = await page.locator( 'cabinet-widget-closed cabinet-widget' ).count();
			const lines = await page.locator( '.cabinet-widget-note' ).allInnerTexts();
			const texts = [];
			for ( let i = 0; i < shown; i++ ) {
				texts.push( await figures( page.locator( 'cabinet-widget' ).nth( i ) ) );
			}
			const link = page.locator( '.cabinet-widget-note a' ).first();
			const back = role ? '' : new URL( await link.getAttribute( 'href' ) ).searchParams.get( 'redirect_to' );
			// Another post is added to the page.
			await page.evaluate( ( html ) => document.body.insertAdjacentHTML( 'beforeend', html ), given.another );
			const last = page.locator( 'cabinet-widget-closed' ).last();
			await last.locator( ':scope > cabinet-widget, :scope > .cabinet-widget-note' ).waitFor();
			const added = role ? await figures( last.locator( 'cabinet-widget' ) ) : await last.innerText();
			tell( 'members', { role, boxes, shown, lines, texts, added, back, url: page.url() } );
			await page.context().close();
		}
	},

	// A cached page for everyone whose token expired long ago, seen with a correct clock and with a slow one; and a page
	// whose token expires while it is open.
	async renewal() {
		for ( const [ step, url ] of Object.entries( given.renewals ) ) {
			// With a slow clock the old token seems valid, and the service responds 401.
			const page = await open( step === 'slow' ? { only: [] } : {} );
			if ( step === 'slow' ) {
				await page.clock.setSystemTime( Date.now() - 7200_000 );
			}
			let requests = 0;
			let token;
			await page.route( '**/cabinet-widgets/v1/token', ( route ) => {
				if ( ++requests > 1 || step !== 'running' ) {
					return route.continue();
				}
				// Valid for ten seconds.
				token = execFileSync( given.create_token[ 0 ], given.create_token.slice( 1 ), { encoding: 'utf8' } );
				return route.fulfill( { json: [ { token } ] } );
			} );
			const frames = [];
			page.on( 'framenavigated', ( frame ) => frame !== page.mainFrame() && frame.url().startsWith( given.service ) && frames.push( frame.url() ) );
			const refreshes = [];
			page.on( 'request', ( request ) => request.url().startsWith( given.service + '/w/vault/' ) && refreshes.push( request.url() ) );
			await page.goto( url );
			const text = await figures( page, 'cabinet-widget iframe' );
			if ( step === 'running' ) {
				await page.waitForFunction( ( old ) => document.querySelector( 'cabinet-widget' ).getAttribute( 'token' ) !== old, token, { timeout: 30000 } );
				// The next refresh of the widget's page uses the new token.
				const fresh = await page.getAttribute( 'cabinet-widget', 'token' );
				while ( ! refreshes.some( ( address ) => address.includes( fresh ) ) ) {
					await page.waitForEvent( 'request', { timeout: 30000 } );
				}
			}
			tell( step, { text, requests, loads: frames.length, after: await figures( page, 'cabinet-widget iframe' ), token: await page.getAttribute( 'cabinet-widget', 'token' ), old: token } );
			await page.context().close();
		}
	},

	// What a contributor wrote, previewed by an administrator and parsed by the browser.
	async hostile() {
		// What remains of a shortcode that WordPress cannot parse is plain text with a broken picture, which contributors may
		// write anyway. It must not run anything either.
		const messages = [];
		const page = await open( { role: 'administrator', only: messages } );
		// What is in the frames does not matter here, and there are hundreds of them.
		await page.route( `${ given.service }/w/**`, ( route ) => route.fulfill( { contentType: 'text/html', body: '' } ) );
		for ( const url of given.hostile ) {
			await page.goto( url, { waitUntil: 'load' } );
			tell( 'hostile', await inspect( page ) );
		}
		await page.context().close();
		// A box like those of closed accounts that an author wrote, next to a real one.
		const visitor = await open( { only: messages } );
		await visitor.goto( given.forged );
		await figures( visitor, 'cabinet-widget-closed cabinet-widget iframe' );
		tell( 'forged', await inspect( visitor ) );
		await visitor.context().close();
		const expected = /Failed to load resource: .* 404 .*\/x\)$|cabinet-widget: set service=URL/; // The latter from the empty frames.
		tell( 'hostile-said', { ran: messages.filter( ( what ) => ! expected.test( what ) ) } );
	},
};

// The elements of a post, and what in them would run a script.
function inspect( page ) {
	return page.evaluate( () => {
		const inside = [ ...document.querySelectorAll( '.entry-content *' ) ];
		return {
			widgets: inside.filter( ( element ) => element.matches( 'cabinet-widget, cabinet-widget-closed, iframe' ) ).length,
			handlers: inside.flatMap( ( element ) => element.getAttributeNames().filter( ( name ) => /^on/i.test( name ) || element.hasAttribute( 'srcdoc' ) ) ),
			scripts: inside.filter( ( element ) => element.matches( 'script:not([type]), object, embed, svg, base, meta' ) ).map( ( element ) => element.outerHTML ),
		};
	} );
}

async function widget( page ) {
	const text = await figures( page, 'cabinet-widget iframe' );
	return page.locator( 'cabinet-widget' ).first().evaluate( ( element, text ) => ( {
		text,
		account: element.getAttribute( 'account' ),
		sandbox: element.shadowRoot.querySelector( 'iframe' ).getAttribute( 'sandbox' ),
		title: element.shadowRoot.querySelector( 'iframe' ).title,
		height: element.getBoundingClientRect().height,
		reserved: parseInt( element.style.height ),
		quotations: document.querySelectorAll( '.entry-content blockquote' ).length,
		loaders: document.querySelectorAll( 'script[src*="/embed.js"]' ).length,
	} ), text );
}

async function embedded( page ) {
	// The frame of an untrusted provider becomes visible once its page has posted its height.
	await page.waitForFunction( () => {
		const frame = document.querySelector( '.entry-content iframe' );
		return getComputedStyle( frame ).position !== 'absolute' && frame.getBoundingClientRect().height > 50;
	} );
	return page.locator( '.entry-content iframe' ).first().evaluate( ( frame ) => ( {
		sandbox: frame.getAttribute( 'sandbox' ),
		title: frame.title,
		height: frame.getBoundingClientRect().height,
		quote: document.querySelectorAll( 'blockquote.wp-embedded-content' ).length,
	} ) );
}

try {
	for ( const step of given.steps ) {
		await steps[ step ]();
	}
} catch ( error ) {
	for ( const [ i, page ] of browser.contexts().flatMap( ( context ) => context.pages() ).entries() ) {
		await shot( page, `failed-${ i }` );
	}
	throw error;
} finally {
	tell( 'complaints', { complaints: [ ...new Set( complaints ) ] } );
	await browser.close();
}
