/**
 * The controls of the block in the sidebar. Each reports an invalid value itself and does not store it.
 */
( function ( wp, cabinetWidgets ) {
	'use strict';

	const { createElement: el, useEffect, useState } = wp.element;
	const { PanelColorSettings } = wp.blockEditor;
	const { ComboboxControl, SelectControl, TextControl, ToggleControl } = wp.components;
	const { __, sprintf } = wp.i18n;

	const { fields } = cabinetWidgets;
	const choices = ( pairs ) => pairs.map( ( [ value, label ] ) => ( { value, label } ) );
	const byDefault = () => [ '', __( 'Default', 'cabinet-widgets' ) ];

	// A field whose input is stored only if check() finds no problem with it. Another value from outside, as after an
	// undo, replaces the input.
	function Field( { value, onChange, check, help, values, ...rest } ) {
		const [ input, setInput ] = useState( value );
		useEffect( () => setInput( value ), [ value ] );
		const problem = input === '' ? '' : check( input );
		useEffect( () => {
			// Another control was changed so that the input is valid now.
			if ( ! problem && input !== '' && input !== value ) {
				onChange( input );
			}
		}, [ problem ] );
		const change = ( text ) => {
			setInput( text );
			if ( text === '' || ! check( text ) ) {
				onChange( text );
			}
		};
		const message = problem ? el( 'span', { role: 'alert', style: { color: '#b32d2e' } }, problem ) : help;
		return el( TextControl, { ...fields, ...rest, value: input, onChange: change, help: message, 'aria-invalid': !! problem } );
	}

	function NumberField( { min, max, ...rest } ) {
		const check = ( text ) => {
			if ( /^[0-9]+$/.test( text ) && Number( text ) >= min && ( ! max || Number( text ) <= max ) ) {
				return '';
			}
			/* translators: 1: lowest number, 2: highest number. */
			const between = __( 'A whole number from %1$d to %2$d.', 'cabinet-widgets' );
			/* translators: %d: lowest number. */
			const atLeast = __( 'A whole number, at least %d.', 'cabinet-widgets' );
			return max ? sprintf( between, min, max ) : sprintf( atLeast, min );
		};
		return el( Field, { ...rest, type: 'number', min, max, check } );
	}

	const checkValue = ( text ) => /^[A-Za-z0-9_+:./-]{1,64}$/.test( text ) ? '' : __( 'At most 64 letters, digits and _ + : . / -', 'cabinet-widgets' );
	const Text = ( props ) => el( Field, { ...props, check: checkValue } );
	const Month = ( props ) => el( Field, { ...props, type: 'month', check: ( text ) => /^[0-9]{4}-[0-9]{2}$/.test( text ) ? '' : __( 'A month such as 2026-01.', 'cabinet-widgets' ) } );

	function Select( { values, ...rest } ) {
		const known = [ byDefault(), ...values ];
		// A value from a shortcode that is not in the list.
		const all = known.some( ( [ value ] ) => value === rest.value ) ? known : [ ...known, [ rest.value, rest.value ] ];
		return el( SelectControl, { ...fields, ...rest, options: choices( all ) } );
	}

	// An option that is 1 or 0, and by default the one of `usual`.
	const Toggle = ( { label, value, usual, onChange } ) =>
		el( ToggleControl, { __nextHasNoMarginBottom: true, label, checked: ( value || usual ) === '1', onChange: ( isOn ) => onChange( isOn === ( usual === '1' ) ? '' : String( Number( isOn ) ) ) } );

	function TimeZone( { label, value, onChange } ) {
		const zones = Intl.supportedValuesOf ? Intl.supportedValuesOf( 'timeZone' ) : [];
		const all = [ ...new Set( [ 'UTC', ...zones, ...( value ? [ value ] : [] ) ] ) ];
		return el( ComboboxControl, { ...fields, label, value, onChange: ( zone ) => onChange( zone || '' ), options: choices( all.map( ( zone ) => [ zone, zone.replaceAll( '_', ' ' ) ] ) ) } );
	}

	const Language = ( props ) => el( Select, { ...props, values: Object.entries( wp.data.select( cabinetWidgets.store ).getSite().languages ) } );

	// The six digits of a color of the theme, however it is written; '' if the browser cannot compute it.
	function digitsOf( color ) {
		const context = document.createElement( 'canvas' ).getContext( '2d' );
		context.fillStyle = '#010203';
		context.fillStyle = color;
		const unknown = context.fillStyle === '#010203' && color.toLowerCase() !== '#010203';
		return ! unknown && /^#[0-9a-f]{6}$/.test( context.fillStyle ) ? context.fillStyle.slice( 1 ) : '';
	}

	function Accent( { label, value, onChange } ) {
		const [ problem, setProblem ] = useState( '' );
		const change = ( color ) => {
			const digits = color ? digitsOf( color ) : '';
			setProblem( color && ! digits ? __( 'The widget cannot use this color. Choose one that is not transparent.', 'cabinet-widgets' ) : '' );
			if ( ! color || digits ) {
				onChange( digits );
			}
		};
		return el( PanelColorSettings, { title: label, showTitle: false, enableAlpha: false, disableCustomGradients: true, colorSettings: [ { label, value: value && `#${ value }`, onChange: change } ] },
			problem && el( 'p', { role: 'alert', style: { color: '#b32d2e' } }, problem )
		);
	}

	const day = ( date ) => `${ date.getFullYear() }-${ String( date.getMonth() + 1 ).padStart( 2, '0' ) }-${ String( date.getDate() ).padStart( 2, '0' ) }`;

	// A named period, or two dates. Unlike the other controls it gets and sets all options.
	function Period( { label, options, setOptions } ) {
		const { period = '', from = '', to = '', ...rest } = options;
		const isDates = !! ( from || to );
		const choose = ( value ) => {
			if ( value === 'dates' ) {
				const today = new Date();
				setOptions( { ...rest, from: day( new Date( today.getFullYear(), today.getMonth(), 1 ) ), to: day( today ) } );
			} else {
				setOptions( value ? { ...rest, period: value } : rest );
			}
		};
		const isDay = ( text ) => /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test( text );
		const order = __( 'The first day must not be after the last one.', 'cabinet-widgets' );
		const required = __( 'A day such as 2026-01-31.', 'cabinet-widgets' );
		const date = ( name, text, check ) =>
			el( Field, { type: 'date', label: text, value: options[ name ] || '', check: ( value ) => isDay( value ) ? check( value ) : required, onChange: ( value ) => value && setOptions( { ...rest, from, to, [ name ]: value } ) } );
		return el( wp.element.Fragment, {},
			el( Select, { label, value: isDates ? 'dates' : period, onChange: choose, values: [
				[ 'today', __( 'Today', 'cabinet-widgets' ) ],
				[ '7d', __( '7 days', 'cabinet-widgets' ) ],
				[ '30d', __( '30 days', 'cabinet-widgets' ) ],
				[ '90d', __( '90 days', 'cabinet-widgets' ) ],
				[ 'month', __( 'This month', 'cabinet-widgets' ) ],
				[ 'year', __( 'This year', 'cabinet-widgets' ) ],
				[ 'all', __( 'Since the beginning', 'cabinet-widgets' ) ],
				[ 'dates', __( 'From one day to another', 'cabinet-widgets' ) ],
			] } ),
			isDates && date( 'from', __( 'First day', 'cabinet-widgets' ), ( value ) => to && value > to ? order : '' ),
			isDates && date( 'to', __( 'Last day', 'cabinet-widgets' ), ( value ) => from && value < from ? order : '' )
		);
	}

	// The controls of the options, by name, in the order of the sidebar; `group` is the panel. Any other option of a widget is
	// a text field with its name.
	const controls = {
		period: { group: 'main', control: Period, label: () => __( 'Period', 'cabinet-widgets' ) },
		month: { group: 'main', control: Month, label: () => __( 'Month', 'cabinet-widgets' ), help: () => __( 'Empty: the current month.', 'cabinet-widgets' ) },
		by: { group: 'main', control: Select, label: () => __( 'Group by', 'cabinet-widgets' ), values: () => [
			[ 'symbol', __( 'Symbol', 'cabinet-widgets' ) ],
			[ 'side', __( 'Side', 'cabinet-widgets' ) ],
			[ 'weekday', __( 'Weekday', 'cabinet-widgets' ) ],
			[ 'hour', __( 'Hour', 'cabinet-widgets' ) ],
		] },
		group: { group: 'main', control: Select, label: () => __( 'Group', 'cabinet-widgets' ), values: () => [ [ 'symbol', __( 'One row per symbol', 'cabinet-widgets' ) ] ] },
		rows: { group: 'main', control: NumberField, label: () => __( 'Rows', 'cabinet-widgets' ), min: 1, max: 100 },
		switch: { group: 'main', control: Toggle, label: () => __( 'Visitors can switch the period', 'cabinet-widgets' ), usual: '0' },
		theme: { group: 'appearance', control: Select, label: () => __( 'Theme', 'cabinet-widgets' ), values: () => [
			[ 'auto', __( 'The visitor’s system setting', 'cabinet-widgets' ) ],
			[ 'light', __( 'Light', 'cabinet-widgets' ) ],
			[ 'dark', __( 'Dark', 'cabinet-widgets' ) ],
		] },
		accent: { group: 'appearance', control: Accent, label: () => __( 'Accent color', 'cabinet-widgets' ) },
		title: { group: 'appearance', control: Toggle, label: () => __( 'Show the heading', 'cabinet-widgets' ), usual: '1' },
		lang: { group: 'appearance', control: Language, label: () => __( 'Language', 'cabinet-widgets' ), help: () => __( 'Default: the language of the page.', 'cabinet-widgets' ) },
		tz: { group: 'appearance', control: TimeZone, label: () => __( 'Time zone', 'cabinet-widgets' ) },
		refresh: { group: 'advanced', control: NumberField, label: () => __( 'Seconds between refreshes', 'cabinet-widgets' ), min: 10 },
	};
	// Part of another control, of the block's style, or not useful where a page is embedded.
	const elsewhere = [ 'from', 'to', 'background', 'page' ];

	function Option( { name, options, setOptions } ) {
		const { control: Control = Text, label = () => name, help, values, group, ...rest } = controls[ name ] || {};
		if ( Control === Period ) {
			return el( Period, { label: label(), options, setOptions } );
		}
		const { [ name ]: value = '', ...others } = options;
		const onChange = ( changed ) => setOptions( changed ? { ...others, [ name ]: changed } : others );
		return el( Control, { ...rest, label: label(), help: help?.(), values: values?.(), value, onChange } );
	}

	// The controls of a widget's options in one panel.
	function Options( { panel, names, ...props } ) {
		const ordered = [ ...Object.keys( controls ).filter( ( name ) => names.includes( name ) ), ...names.filter( ( name ) => ! controls[ name ] && ! elsewhere.includes( name ) ) ];
		return ordered.filter( ( name ) => ( controls[ name ]?.group || 'advanced' ) === panel ).map( ( name ) => el( Option, { key: name, name, ...props } ) );
	}

	// A list if the accounts are known, otherwise a text field.
	function Account( { site, value, onChange } ) {
		const label = __( 'Account', 'cabinet-widgets' );
		if ( ! site.accounts.length ) {
			const check = ( text ) => /^[a-z0-9][a-z0-9-]{0,31}$/.test( text ) ? '' : __( 'Lowercase letters, digits and hyphens, as in the address of the account’s widgets.', 'cabinet-widgets' );
			return el( Field, { label, value, onChange, check, placeholder: 'main' } );
		}
		const accounts = value && ! site.accounts.includes( value ) ? [ value, ...site.accounts ] : site.accounts;
		return el( SelectControl, { ...fields, label, value, onChange, options: choices( accounts.map( ( slug ) => [ slug, slug ] ) ) } );
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
		return el( SelectControl, { ...fields, label: __( 'Who can see it', 'cabinet-widgets' ), value, options: choices( values ), onChange } );
	}

	function Widget( { site, value, onChange } ) {
		const widgets = Object.entries( site.widgets ).map( ( [ name, { label } ] ) => [ name, label ] );
		return el( SelectControl, { ...fields, label: __( 'Widget', 'cabinet-widgets' ), value, options: choices( widgets ), onChange } );
	}

	cabinetWidgets.controls = { Account, Audience, NumberField, Options, Widget };
} )( window.wp, window.cabinetWidgets );
