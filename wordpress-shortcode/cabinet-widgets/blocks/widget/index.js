/**
 * The block "Cabinet widget" in the editor. The accounts and widgets to choose from are in window.cabinetWidgetsEditor,
 * which pass_data_to_editor() in includes/render.php writes. The server renders the live preview.
 */
( function ( wp ) {
	'use strict';

	const { createElement: el, RawHTML, useEffect, useState } = wp.element;
	const { InspectorControls, useBlockProps } = wp.blockEditor;
	const { Button, Disabled, PanelBody, Placeholder, SelectControl, Spinner, TextControl } = wp.components;
	const { __ } = wp.i18n;

	const site = window.cabinetWidgetsEditor || { accounts: [], closed: [], widgets: {} };
	const appearance = { __nextHasNoMarginBottom: true, __next40pxDefaultSize: true };

	const choices = ( pairs ) => pairs.map( ( [ value, label ] ) => ( { value, label } ) );
	const yes = () => [ '1', __( 'Yes', 'cabinet-widgets' ) ];
	const no = () => [ '0', __( 'No', 'cabinet-widgets' ) ];

	// Labels of the options, and their values if there are only a few. Any other option is a field labelled with its name.
	const known = {
		theme: () => ( { label: __( 'Theme', 'cabinet-widgets' ), values: [
			[ 'auto', __( 'The visitor’s system setting', 'cabinet-widgets' ) ],
			[ 'light', __( 'Light', 'cabinet-widgets' ) ],
			[ 'dark', __( 'Dark', 'cabinet-widgets' ) ],
		] } ),
		title: () => ( { label: __( 'Show the heading', 'cabinet-widgets' ), values: [ yes(), no() ] } ),
		group: () => ( { label: __( 'Group', 'cabinet-widgets' ), values: [ [ 'symbol', __( 'One row per symbol', 'cabinet-widgets' ) ] ] } ),
		period: () => ( { label: __( 'Period', 'cabinet-widgets' ), values: [
			[ 'today', __( 'Today', 'cabinet-widgets' ) ],
			[ '7d', __( '7 days', 'cabinet-widgets' ) ],
			[ '30d', __( '30 days', 'cabinet-widgets' ) ],
			[ '90d', __( '90 days', 'cabinet-widgets' ) ],
			[ 'month', __( 'This month', 'cabinet-widgets' ) ],
			[ 'year', __( 'This year', 'cabinet-widgets' ) ],
			[ 'all', __( 'Since the beginning', 'cabinet-widgets' ) ],
		] } ),
		switch: () => ( { label: __( 'Links to other periods', 'cabinet-widgets' ), values: [ yes(), no() ] } ),
		rows: () => ( { label: __( 'Rows', 'cabinet-widgets' ), type: 'number' } ),
		accent: () => ( { label: __( 'Accent colour', 'cabinet-widgets' ), help: __( 'Six hexadecimal digits, such as 0a7f5a.', 'cabinet-widgets' ) } ),
		lang: () => ( { label: __( 'Language', 'cabinet-widgets' ), help: __( 'Empty: the language of the page.', 'cabinet-widgets' ) } ),
		tz: () => ( { label: __( 'Time zone', 'cabinet-widgets' ), help: __( 'Such as Europe/Paris.', 'cabinet-widgets' ) } ),
		refresh: () => ( { label: __( 'Seconds between refreshes', 'cabinet-widgets' ), type: 'number' } ),
	};

	function Option( { name, value, onChange } ) {
		const { label = name, values, ...rest } = known[ name ] ? known[ name ]() : {};
		if ( values ) {
			const options = choices( [ [ '', __( 'Default', 'cabinet-widgets' ) ], ...values ] );
			return el( SelectControl, { ...appearance, label, value, options, onChange } );
		}
		return el( TextControl, { ...appearance, ...rest, label, value, onChange } );
	}

	// A list if the accounts are known, otherwise a text field.
	function Account( { value, onChange } ) {
		const label = __( 'Account', 'cabinet-widgets' );
		if ( ! site.accounts.length ) {
			return el( TextControl, { ...appearance, label, value, onChange } );
		}
		const accounts = value && ! site.accounts.includes( value ) ? [ value, ...site.accounts ] : site.accounts;
		return el( SelectControl, { ...appearance, label, value, onChange, options: choices( accounts.map( ( slug ) => [ slug, slug ] ) ) } );
	}

	// Who can see the widget. A role from a converted shortcode is added to the list.
	function Audience( { value, onChange } ) {
		const values = [
			[ '', __( 'Members', 'cabinet-widgets' ) ],
			[ 'role:editor', __( 'Editors', 'cabinet-widgets' ) ],
			[ 'everyone', __( 'Everyone', 'cabinet-widgets' ) ],
		];
		if ( value && ! values.some( ( [ one ] ) => one === value ) ) {
			values.push( [ value, value ] );
		}
		return el( SelectControl, { ...appearance, label: __( 'Who can see it', 'cabinet-widgets' ), value, options: choices( values ), onChange } );
	}

	// The block as rendered by the server. wp.serverSideRender is not used because before WordPress 7 it loses a change that
	// is made within half a second before another rendering.
	function Preview( { attributes } ) {
		const [ html, setHtml ] = useState( null );
		const { account, widget, for: audience, height, label, loading, options } = attributes;
		const data = { attributes: { account, widget, for: audience, height, label, loading, options } };
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
			return el( Placeholder, { icon: 'chart-line', label: __( 'Cabinet widget', 'cabinet-widgets' ) } );
		}
		return html === null ? el( Spinner ) : el( Disabled, {}, el( RawHTML, {}, html ) );
	}

	function Edit( { attributes, setAttributes } ) {
		const { account, widget, options } = attributes;
		const names = Object.keys( site.widgets );
		const mine = site.widgets[ widget ];

		// Store what the server would choose, so that changing the defaults later does not change existing posts.
		useEffect( () => {
			if ( ! account && site.accounts.length ) {
				setAttributes( { account: site.accounts[ 0 ] } );
			}
			if ( ! widget && names.length ) {
				setAttributes( { widget: names[ 0 ] } );
			}
		}, [] );

		const setOption = ( name ) => ( value ) => {
			const { [ name ]: old, ...rest } = options;
			setAttributes( { options: value ? { ...rest, [ name ]: value } : rest } );
		};
		const fields = el( wp.element.Fragment, {},
			el( SelectControl, {
				...appearance,
				label: __( 'Widget', 'cabinet-widgets' ),
				value: widget,
				options: choices( names.map( ( name ) => [ name, site.widgets[ name ].label ] ) ),
				onChange: ( value ) => setAttributes( { widget: value } ),
			} ),
			el( Account, { value: account, onChange: ( value ) => setAttributes( { account: value } ) } ),
			site.closed.includes( account ) && el( Audience, { value: attributes.for, onChange: ( value ) => setAttributes( { for: value } ) } )
		);

		if ( ! site.configured || ! names.length || ! account ) {
			const line = ! site.configured
				? __( 'The address of the service is not set yet.', 'cabinet-widgets' )
				: ! names.length
				? __( 'The service cannot be reached at the moment.', 'cabinet-widgets' )
				: __( 'Choose the account to show.', 'cabinet-widgets' );
			return el( 'div', useBlockProps(),
				el( Placeholder, { icon: 'chart-line', label: __( 'Cabinet widget', 'cabinet-widgets' ), instructions: line },
					( ! site.configured || ! names.length ) && site.settings
						? el( Button, { variant: 'primary', href: site.settings }, __( 'Settings', 'cabinet-widgets' ) )
						: null,
					site.configured && names.length ? fields : null
				)
			);
		}
		return el( 'div', useBlockProps(),
			el( InspectorControls, {},
				el( PanelBody, { title: __( 'Cabinet widget', 'cabinet-widgets' ) }, fields ),
				el( PanelBody, { title: __( 'Options', 'cabinet-widgets' ), initialOpen: false },
					( mine ? mine.options : [] ).map( ( name ) => el( Option, { key: name, name, value: options[ name ] || '', onChange: setOption( name ) } ) ),
					el( TextControl, { ...appearance, label: __( 'Height in pixels', 'cabinet-widgets' ), help: __( 'Empty: the exact height of the widget.', 'cabinet-widgets' ), type: 'number', value: attributes.height, onChange: ( height ) => setAttributes( { height } ) } ),
					el( TextControl, { ...appearance, label: __( 'Name for screen readers', 'cabinet-widgets' ), help: __( 'Empty: the name of the widget.', 'cabinet-widgets' ), value: attributes.label, onChange: ( label ) => setAttributes( { label } ) } )
				)
			),
			el( Preview, { attributes } )
		);
	}

	wp.blocks.registerBlockType( 'cabinet-widgets/widget', { edit: Edit, save: () => null } );
} )( window.wp );
