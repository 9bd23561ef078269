"""A request for a widget, from the URL to the response."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from flask import Response

from widget.config import Account
from widget.errors import CabinetError, NotFound
from widget.privacy import expand_hidden
from widget.render import picture
from widget.render.badge import render_badge
from widget.render.csv import render_csv
from widget.render.feed import render_feed
from widget.render.html import PageContext
from widget.render.json import render_json
from widget.render.snippet import account_url, widget_url
from widget.render.view import View
from widget.web import access, headers
from widget.web.credentials import credentials_of_request, with_token
from widget.web.error_responses import (
    ATOM,
    BADGE,
    CSV,
    HTML,
    JSON,
    PICTURE_TYPES,
    ErrorContext,
    ErrorResponses,
    picture_response,
)
from widget.web.form_options import parse_form_options
from widget.web.request_data import (
    appearance_options,
    link_parameters,
    query_parameters,
    split_suffix,
    token_of,
    without_token,
)
from widget.web.responses import count_figures, default_refresh, figures_response
from widget.web.service import Service
from widget.web.tokens import Grant
from widget.widgets.base import Widget
from widget.widgets.options import PERIOD_OPTIONS

Render = Callable[[View, Grant | None], Response]


class WidgetEndpoint:
    """Responds with widgets in all their forms."""

    def __init__(self, service: Service, errors: ErrorResponses) -> None:
        self._service = service
        self._errors = errors
        self._server = service.settings.server
        self._forms: Mapping[str, Render] = {
            HTML: self._page,
            JSON: self._json,
            ".svg": self._svg,
            ".png": self._png,
            CSV: self._csv,
            ATOM: self._feed,
            BADGE: self._badge,
        }

    def get(self, slug: str, name: str) -> Response:
        """``GET /w/{account}/{widget}``, with the suffix of a form or none."""
        widget_name, suffix = split_suffix(name)
        if suffix not in self._forms:
            return self._errors.respond(NotFound("no such form"), ErrorContext(JSON))
        return self._respond(slug, widget_name, suffix)

    def preflight(self, slug: str, name: str) -> Response:
        """``OPTIONS`` of the same: what scripts of other origins may read has CORS headers."""
        widget_name, suffix = split_suffix(name)
        try:
            account, _ = self._find(slug, widget_name, suffix)
            is_readable = not account.is_private and suffix in self._forms
        except NotFound:
            is_readable = False
        return headers.preflight_response(self._server, cors=is_readable)

    def unlock(self, slug: str, name: str) -> Response:
        """``POST /w/{account}/{widget}/unlock``, with the viewer password in the form."""
        return self._respond(slug, name, HTML, unlocking=True)

    def _respond(
        self,
        slug: str,
        name: str,
        suffix: str,
        *,
        unlocking: bool = False,
    ) -> Response:
        # Every step adds to the context what an error in the next ones needs to be displayed.
        context = ErrorContext(suffix)
        try:
            parameters = query_parameters()
            context = replace(context, options=appearance_options(parameters))
            token = token_of(parameters)
            # Unknown accounts must not be distinguishable, so everything about the account comes
            # after this: the token, the password, the options.
            account, widget = self._find(slug, name, suffix)
            context = replace(context, account=account, widget=widget)
            credentials = credentials_of_request(self._service, account, token, unlocking=unlocking)
            now = self._service.clock()
            grant = access.authorize(account, widget.name, credentials, now)
            options = parse_form_options(widget, suffix, without_token(parameters), grant)
            context = replace(context, options=options)
            view = self._service.view(account, widget, options)
            response = self._forms[suffix](view, grant)
        except CabinetError as error:
            self._count_error(error, context)
            return self._errors.respond(error, context)
        count_figures(self._service, widget.name, view, response)
        return response

    def _find(self, slug: str, name: str, suffix: str) -> tuple[Account, Widget]:
        account, widget = self._service.find_widget(slug, name)
        if not _has_form(account, widget, suffix):
            raise NotFound("this widget has no such form")
        return account, widget

    def _count_error(self, error: CabinetError, context: ErrorContext) -> None:
        # Text from the URL is no label: visitors could create any number of them.
        label = "none"
        if context.widget:
            label = context.widget.name
        self._service.metrics.count_response(label, error.status, "none")

    def _page(self, view: View, grant: Grant | None) -> Response:
        context = PageContext(
            assets=self._service.asset_urls(view.options, [view.widget]),
            refresh=view.options.refresh or default_refresh([view]),
            home=self._home(view),
        )
        # A private page has no canonical URL: nobody could open it without the token.
        if grant:
            context = with_token(context, view.account, grant, self._service.clock())
        elif not view.account.is_private:
            context = replace(context, canonical=self._canonical_url(view))
        context = replace(
            context,
            page_url=self._url_without(["page"], view, grant, context.token),
            # Another period may have fewer pages.
            period_url=self._url_without([*PERIOD_OPTIONS, "page"], view, grant, context.token),
            month_url=self._url_without(["month"], view, grant, context.token),
        )
        html = self._service.renderer.page(view, context)
        response = Response(html, content_type="text/html; charset=utf-8")
        # In a sandboxed frame, a page has no origin, and refreshes itself like a script of another.
        return self._with_headers(response, view, grant)

    def _json(self, view: View, grant: Grant | None) -> Response:
        response = Response(render_json(view), content_type="application/json")
        return self._with_headers(response, view, grant)

    def _csv(self, view: View, grant: Grant | None) -> Response:
        name = f"{view.account.slug}-{view.widget.name}.csv"
        response = Response(
            render_csv(view),
            content_type="text/csv; charset=utf-8; header=present",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
        return self._with_headers(response, view, grant)

    def _feed(self, view: View, grant: Grant | None) -> Response:
        # Without options, and so without the token: readers publish what they subscribe to.
        base = self._server.public_url
        slug = view.account.slug
        xml = render_feed(
            view,
            self._service.catalogues,
            feed_url=widget_url(base, slug, view.widget.name, suffix=ATOM),
            page_url=widget_url(base, slug, view.widget.name),
        )
        response = Response(xml, content_type="application/atom+xml; charset=utf-8")
        return self._with_headers(response, view, grant)

    def _badge(self, view: View, grant: Grant | None) -> Response:
        text = render_badge(view, self._service.catalogues)
        response = Response(text, content_type="application/json")
        return self._with_headers(response, view, grant)

    def _svg(self, view: View, grant: Grant | None) -> Response:
        return self._picture(view, grant, ".svg")

    def _png(self, view: View, grant: Grant | None) -> Response:
        return self._picture(view, grant, ".png")

    def _picture(self, view: View, grant: Grant | None, suffix: str) -> Response:
        svg = picture.widget_svg(view, self._service.catalogues)
        response = picture_response(svg, suffix, self._service.painter)
        return self._with_headers(response, view, grant)

    def _with_headers(
        self,
        response: Response,
        view: View,
        grant: Grant | None,
    ) -> Response:
        return figures_response(response, self._server, view, grant)

    def _home(self, view: View) -> str | None:
        """Where the name of the account leads to."""
        account = view.account
        if account.link:
            return account.link
        # Nobody could open the page of a private account without the token.
        if account.is_private:
            return None
        if account.page:
            return account_url(self._server.public_url, account.slug)
        return self._canonical_url(view)

    def _url_without(
        self,
        names: Collection[str],
        view: View,
        grant: Grant | None,
        token: str | None,
    ) -> str | None:
        """The path of a page without some of its options, for links that choose others.

        Args:
            names: the options.
            view: the page.
            grant: None is returned if it locks one of the options.
            token: the new token of the page, if it has one.
        """
        if grant and not grant.params.keys().isdisjoint(names):
            return None
        return widget_url(
            self._server.path,
            view.account.slug,
            view.widget.name,
            params=link_parameters(names, token),
        )

    def _canonical_url(self, view: View) -> str:
        """The absolute URL of a public page, with its options."""
        return widget_url(
            self._server.public_url,
            view.account.slug,
            view.widget.name,
            params=query_parameters(),
        )


def _has_form(account: Account, widget: Widget, suffix: str) -> bool:
    """Whether a widget of an account has one of the forms."""
    if suffix in PICTURE_TYPES:
        return bool(widget.picture)
    if suffix == CSV:
        return bool(widget.csv)
    if suffix == BADGE:
        return widget.has_badge
    if suffix == ATOM:
        return widget.feed is not None and widget.feed.is_public(expand_hidden(account.hide))
    return True
