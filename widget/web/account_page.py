"""The page of an account, ``/a/{account}``, and the picture that link previews show of it."""

from dataclasses import replace

from flask import Response

from widget.config import Account
from widget.errors import CabinetError, NoSuchPage
from widget.render import picture
from widget.render.account_page import WidgetLinks, render_account_page
from widget.render.account_view import AccountView
from widget.render.html import PageContext
from widget.render.snippet import account_url
from widget.web import access, headers
from widget.web.credentials import credentials_of_request, with_token
from widget.web.error_responses import (
    HTML,
    PICTURE_TYPES,
    ErrorContext,
    ErrorResponses,
    picture_response,
)
from widget.web.form_options import locks_period, options_on_page, parse_page_options
from widget.web.request_data import (
    Parameters,
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
from widget.widgets import registry
from widget.widgets.base import Widget
from widget.widgets.options import Options

METRIC_LABEL = "page"
"""What stands for the name of a widget in the metrics."""


class AccountPageEndpoint:
    """Responds with all widgets of an account in one document."""

    def __init__(self, service: Service, errors: ErrorResponses) -> None:
        self._service = service
        self._errors = errors
        self._server = service.settings.server

    def get(self, name: str) -> Response:
        """``GET /a/{account}``, with the suffix of a picture or none."""
        slug, suffix = split_suffix(name)
        return self._respond(slug, suffix)

    def preflight(self, name: str) -> Response:
        """``OPTIONS`` of the same: what scripts of other origins may read has CORS headers."""
        slug, suffix = split_suffix(name)
        try:
            account = self._find(slug, suffix)
            is_readable = not account.is_private
        except NoSuchPage:
            is_readable = False
        return headers.preflight_response(self._server, cors=is_readable)

    def unlock(self, name: str) -> Response:
        """``POST /a/{account}/unlock``, with the viewer password in the form."""
        return self._respond(name, HTML, unlocking=True)

    def _respond(self, slug: str, suffix: str, *, unlocking: bool = False) -> Response:
        # Every step adds to the context what an error in the next ones needs to be displayed.
        context = ErrorContext(suffix, is_account_page=True)
        try:
            parameters = query_parameters()
            context = replace(context, options=_on_page(appearance_options(parameters)))
            token = token_of(parameters)
            # Unknown accounts must not be distinguishable, so everything about the account comes
            # after this: the token, the password, the options.
            account = self._find(slug, suffix)
            context = replace(context, account=account)
            credentials = credentials_of_request(self._service, account, token, unlocking=unlocking)
            grant = access.authorize(account, "*", credentials, self._service.clock())
            parameters = without_token(parameters)
            options = _on_page(parse_page_options(parameters, grant))
            context = replace(context, options=options)
            if suffix in PICTURE_TYPES:
                return self._picture(account, parameters, grant, suffix)
            return self._page(account, parameters, grant, options)
        except CabinetError as error:
            label = "none"
            if context.account:
                label = METRIC_LABEL
            self._service.metrics.count_response(label, error.status, "none")
            return self._errors.respond(error, context)

    def _find(self, slug: str, suffix: str) -> Account:
        """An account whose page has a form.

        Raises:
            NoSuchPage: the account is unknown or has no page, or its page has no such form.
        """
        account = self._service.find_page(slug)
        has_form = suffix == HTML
        if suffix in PICTURE_TYPES:
            has_form = self._pictured_widget(account) is not None
        if not has_form:
            raise NoSuchPage("no such form")
        return account

    def _pictured_widget(self, account: Account) -> Widget | None:
        """The first widget of the page that has a picture."""
        for widget in registry.widgets_of_page(account, self._service.widgets):
            if widget.picture:
                return widget
        return None

    def _page(
        self,
        account: Account,
        parameters: Parameters,
        grant: Grant | None,
        options: Options,
    ) -> Response:
        widgets = widgets_on_page(self._service, account, parameters, grant)
        view = self._service.account_view(account, widgets, options)
        context = self._context(view, parameters, grant)
        # Without it, each widget has the period that is its own default.
        period = None
        if "period" in dict(parameters):
            period = options.period
        links = None
        # The links of a private page would need its token.
        if context.canonical:
            links = WidgetLinks(self._server.path, account.slug, parameters)
        html = render_account_page(self._service.renderer, view, context, links, period)
        response = Response(html, content_type="text/html; charset=utf-8")
        response = figures_response(response, self._server, view, grant)
        count_figures(self._service, METRIC_LABEL, view, response)
        return response

    def _context(
        self,
        view: AccountView,
        parameters: Parameters,
        grant: Grant | None,
    ) -> PageContext:
        context = PageContext(
            assets=self._service.asset_urls(view.options, [each.widget for each in view.views]),
            refresh=default_refresh(view.views),
            is_account_page=True,
        )
        account = view.account
        # A private page has no canonical URL: nobody could open it without the token.
        if grant:
            context = with_token(context, account, grant, self._service.clock())
        elif not account.is_private:
            url = account_url(self._server.public_url, account.slug, params=parameters)
            context = replace(context, canonical=url)
        if grant and locks_period(grant.params):
            return context
        return replace(context, period_url=self._period_url(account, context.token))

    def _period_url(self, account: Account, token: str | None) -> str:
        """The path of the page without its period.

        Args:
            account: the account.
            token: the new token of the page, if it has one.
        """
        return account_url(
            self._server.path,
            account.slug,
            params=link_parameters(["period"], token),
        )

    def _picture(
        self,
        account: Account,
        parameters: Parameters,
        grant: Grant | None,
        suffix: str,
    ) -> Response:
        widget = self._pictured_widget(account)
        assert widget is not None  # otherwise it was not found
        options = options_on_page(widget, parameters, grant)
        view = self._service.view(account, widget, options)
        svg = picture.preview_svg(view, self._service.catalogues)
        response = picture_response(svg, suffix, self._service.painter)
        response = figures_response(response, self._server, view, grant)
        count_figures(self._service, METRIC_LABEL, view, response)
        return response


def widgets_on_page(
    service: Service,
    account: Account,
    parameters: Parameters,
    grant: Grant | None,
) -> list[tuple[Widget, Options]]:
    """The widgets of a page, each with its options.

    Args:
        service: knows all widgets.
        account: whose page.
        parameters: those of the page's URL, without a token.
        grant: of the token or password; None if none was needed.

    Raises:
        BadOption: an option of the page cannot be combined with what the token locks.
    """
    found = []
    for widget in registry.widgets_of_page(account, service.widgets):
        options = options_on_page(widget, parameters, grant)
        # A token that locks a grouping allows no other one.
        if grant and "by" in grant.params:
            widget = replace(widget, more_on_page=())
        found.append((widget, options))
    return found


def _on_page(options: Options) -> Options:
    """The options of a page, whose widgets stand on its own background."""
    return options.model_copy(update={"background": "none"})
