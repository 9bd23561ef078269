/**
 * What the block shows instead of a widget until everything is known that a widget needs: the address of the service, which
 * an administrator can enter right there, and the account.
 */
( function ( wp, cabinetWidgets ) {
	'use strict';

	const { createElement: el, useState } = wp.element;
	const { Button, Placeholder, TextControl } = wp.components;
	const { useDispatch } = wp.data;
	const { __ } = wp.i18n;

	const connect = ( address ) => wp.apiFetch( { path: '/cabinet-widgets/v1/connection', method: 'POST', data: { address } } );

	// The account and widget in a pasted address, if it has any.
	function widgetIn( address ) {
		const [ , account, widget ] = /\/w\/([a-z0-9-]+)\/([a-z0-9-]+)/.exec( address ) || [];
		return account ? { account, widget } : {};
	}

	// Asks for the address of the service, tests it and stores it.
	function Address( { setAttributes } ) {
		const [ address, setAddress ] = useState( '' );
		const [ problem, setProblem ] = useState( '' );
		const [ isBusy, setBusy ] = useState( false );
		const { setSite } = useDispatch( cabinetWidgets.store );
		const { createWarningNotice } = useDispatch( wp.notices.store );
		async function submit( event ) {
			event.preventDefault();
			setBusy( true );
			setProblem( '' );
			const { problem: refusal, site, warnings } = await connect( address ).catch( ( { message } ) => ( { problem: message } ) );
			setBusy( false );
			setProblem( refusal );
			if ( ! refusal ) {
				warnings.forEach( ( line ) => createWarningNotice( line ) );
				setAttributes( widgetIn( address ) );
				setSite( site );
			}
		}
		// WordPress 6.4 would otherwise put the button beside the field.
		return el( 'form', { onSubmit: submit, style: { display: 'grid', gap: 12, width: '100%' } },
			el( TextControl, {
				...cabinetWidgets.fields,
				label: __( 'Address of the service', 'cabinet-widgets' ),
				placeholder: 'https://widgets.example.com',
				help: problem ? el( 'span', { role: 'alert', style: { color: '#b32d2e' } }, problem ) : __( 'The address of your Cabinet Widgets service, or of one of its widgets.', 'cabinet-widgets' ),
				value: address,
				onChange: setAddress,
				'aria-invalid': !! problem,
			} ),
			el( Button, { variant: 'primary', type: 'submit', style: { justifySelf: 'start' }, isBusy, disabled: isBusy || ! address.trim() }, __( 'Connect', 'cabinet-widgets' ) )
		);
	}

	cabinetWidgets.SetUp = function ( { site, icon, label, attributes, setAttributes } ) {
		const { Account, Widget } = cabinetWidgets.controls;
		if ( site.service ) {
			return el( Placeholder, { icon, label, instructions: __( 'Choose the account to show.', 'cabinet-widgets' ) },
				el( Account, { site, value: attributes.account, onChange: ( account ) => setAttributes( { account } ) } ),
				el( Widget, { site, value: attributes.widget, onChange: ( widget ) => setAttributes( { widget } ) } )
			);
		}
		if ( ! site.mayConfigure ) {
			return el( Placeholder, { icon, label, instructions: __( 'The address of the service is not set yet. An administrator can set it here or under Settings → Cabinet Widgets.', 'cabinet-widgets' ) } );
		}
		return el( Placeholder, { icon, label, instructions: __( 'The figures come from a Cabinet Widgets service. Where does yours run?', 'cabinet-widgets' ) },
			el( Address, { setAttributes } )
		);
	};
} )( window.wp, window.cabinetWidgets );
