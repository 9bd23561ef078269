/**
 * The block "Cabinet widget" in the editor, with a variation for each widget. The server renders the live preview.
 */
( function ( wp, cabinetWidgets ) {
	'use strict';

	const { createElement: el, RawHTML, useEffect, useState } = wp.element;
	const { InspectorControls, store: blockEditorStore, useBlockProps } = wp.blockEditor;
	const { getBlockVariations, registerBlockType, registerBlockVariation, unregisterBlockVariation } = wp.blocks;
	const { Disabled, Notice, PanelBody, Spinner, TextControl } = wp.components;
	const { select, subscribe, useSelect } = wp.data;
	const { __ } = wp.i18n;
	const { fields, icon, picture, SetUp, store, transforms } = cabinetWidgets;
	const { Account, Audience, NumberField, Options, Widget } = cabinetWidgets.controls;

	const BLOCK = 'cabinet-widgets/widget';
	const CHART = 'M4 4v16h16M7 16l4-5 3 3 5-7';
	// Words that people type for any of the widgets.
	const KEYWORDS = [ 'forex', 'trading', 'MetaTrader', 'MT4', 'MT5' ];

	// The block as rendered by the server. wp.serverSideRender is not used because before WordPress 7 it loses a change that
	// is made within half a second before another rendering.
	function Preview( { attributes } ) {
		const [ html, setHtml ] = useState( null );
		const { account, widget, for: audience, height, label, loading, options, className } = attributes;
		const data = { attributes: { account, widget, for: audience, height, label, loading, options, className } };
		useEffect( () => {
			let isCurrent = true;
			const show = ( rendered ) => isCurrent && setHtml( rendered );
			const path = '/wp/v2/block-renderer/cabinet-widgets/widget?context=edit';
			const render = () => wp.apiFetch( { path, method: 'POST', data } ).then( ( { rendered } ) => show( rendered ), () => show( '' ) );
			// Wait for more input while the user is typing.
			const timer = setTimeout( render, html === null ? 0 : 400 );
			return () => {
				isCurrent = false;
				clearTimeout( timer );
			};
		}, [ JSON.stringify( data ) ] );
		if ( html === '' ) {
			return el( Notice, { status: 'warning', isDismissible: false }, __( 'The preview could not be loaded.', 'cabinet-widgets' ) );
		}
		return html === null ? el( Spinner ) : el( Disabled, {}, el( RawHTML, {}, html ) );
	}

	function Sidebar( { site, attributes, setAttributes } ) {
		const { account, widget, options } = attributes;
		const { options: names = [] } = site.widgets[ widget ] || {};
		const given = { names, options, setOptions: ( changed ) => setAttributes( { options: changed } ) };
		return el( InspectorControls, {},
			el( PanelBody, { title: __( 'Cabinet widget', 'cabinet-widgets' ) },
				el( Widget, { site, value: widget, onChange: ( value ) => setAttributes( { widget: value } ) } ),
				el( Options, { panel: 'main', ...given } ),
				el( Account, { site, value: account, onChange: ( value ) => setAttributes( { account: value } ) } ),
				site.closed.includes( account ) && el( Audience, { value: attributes.for, onChange: ( value ) => setAttributes( { for: value } ) } )
			),
			el( PanelBody, { title: __( 'Appearance', 'cabinet-widgets' ), initialOpen: false },
				el( Options, { panel: 'appearance', ...given } )
			),
			el( PanelBody, { title: __( 'More options', 'cabinet-widgets' ), initialOpen: false },
				el( Options, { panel: 'advanced', ...given } ),
				el( NumberField, { label: __( 'Height in pixels', 'cabinet-widgets' ), help: __( 'Empty: the exact height of the widget.', 'cabinet-widgets' ), min: 40, max: 2000, value: attributes.height, onChange: ( height ) => setAttributes( { height } ) } ),
				el( TextControl, { ...fields, label: __( 'Name for screen readers', 'cabinet-widgets' ), help: __( 'Empty: the name of the widget.', 'cabinet-widgets' ), value: attributes.label, onChange: ( label ) => setAttributes( { label } ) } )
			)
		);
	}

	function Edit( { attributes, setAttributes } ) {
		const blockProps = useBlockProps();
		const site = useSelect( ( get ) => get( store ).getSite() );
		// In the inserter and in lists of patterns.
		const isPicture = useSelect( ( get ) => {
			const settings = get( blockEditorStore ).getSettings();
			// The second name is the one before WordPress 6.8.
			return 'isPreviewMode' in settings ? settings.isPreviewMode : settings.__unstableIsPreviewMode;
		} );
		const { account, widget } = attributes;
		const [ first ] = Object.keys( site.widgets );
		const shown = site.widgets[ widget ] || site.widgets[ first ];

		// Store what the server would choose, so that changing the defaults later does not change existing posts.
		useEffect( () => {
			if ( isPicture || ! site.service ) {
				return;
			}
			if ( ! account && site.accounts.length ) {
				setAttributes( { account: site.accounts[ 0 ] } );
			}
			if ( ! widget ) {
				setAttributes( { widget: first } );
			}
		}, [ site, isPicture ] );

		if ( isPicture ) {
			return el( 'div', blockProps, picture( shown ) );
		}
		if ( ! site.service || ! account ) {
			return el( 'div', blockProps, el( SetUp, { site, icon: icon( shown.icon ), label: shown.label, attributes, setAttributes } ) );
		}
		return el( 'div', blockProps,
			el( Sidebar, { site, attributes, setAttributes } ),
			! site.reachable && el( Notice, { status: 'warning', isDismissible: false }, __( 'The service cannot be reached at the moment.', 'cabinet-widgets' ) ),
			el( Preview, { attributes } )
		);
	}

	// A variation for each widget. The service may offer others than expected once it is set up in a post.
	function updateVariations() {
		const { widgets } = select( store ).getSite();
		const registered = getBlockVariations( BLOCK ).map( ( { name } ) => name );
		registered.filter( ( name ) => ! widgets[ name ] ).forEach( ( name ) => unregisterBlockVariation( BLOCK, name ) );
		for ( const [ name, { label, description, keywords, icon: path } ] of Object.entries( widgets ) ) {
			if ( registered.includes( name ) ) {
				continue;
			}
			registerBlockVariation( BLOCK, {
				name,
				title: label,
				description,
				keywords: [ ...keywords.split( /,\s*/ ).filter( Boolean ), ...KEYWORDS ],
				icon: icon( path ),
				attributes: { widget: name },
				example: { attributes: { widget: name } },
				isActive: ( { widget } ) => widget === name,
				scope: [ 'inserter', 'block', 'transform' ],
			} );
		}
	}

	registerBlockType( BLOCK, { icon: icon( CHART ), edit: Edit, save: () => null, transforms } );
	updateVariations();
	subscribe( updateVariations, store );
} )( window.wp, window.cabinetWidgets );
