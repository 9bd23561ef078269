/**
 * What is known about this site and the service: the data that editor_data() in includes/editor.php writes, in a store, so
 * that every block is drawn again when the service is set up in one of them.
 */
( function ( wp, cabinetWidgets ) {
	'use strict';

	const { createReduxStore, register } = wp.data;

	cabinetWidgets.store = createReduxStore( 'cabinet-widgets/site', {
		reducer: ( site = cabinetWidgets.site, action ) => ( action.type === 'SET_SITE' ? action.site : site ),
		actions: { setSite: ( site ) => ( { type: 'SET_SITE', site } ) },
		selectors: { getSite: ( site ) => site },
	} );
	register( cabinetWidgets.store );

	// Fields look as in newer versions of WordPress. Before 6.5, they do not know the second property.
	const tall = cabinetWidgets.site.tallFields ? { __next40pxDefaultSize: true } : {};
	cabinetWidgets.fields = { __nextHasNoMarginBottom: true, ...tall };
} )( window.wp, window.cabinetWidgets );
