"""A request for a widget, from the URL to the response."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from flask import Response, request

from widget import access, picture, render
from widget.access import Credentials
from widget.config import Account
from widget.errors import CabinetError, NotFound
from widget.render import PageContext
from widget.spec import MIN_REFRESH, PICTURE_OPTIONS, Widget, parse_options
from widget.tokens import Grant
from widget.view import View
from widget.web.error_responses import (
    HTML,
    JSON,
    PICTURE_TYPES,
    ErrorContext,
    ErrorResponses,
    picture_response,
)
from widget.web.request_data import (
    appearance_options,
    query_parameters,
    token_of,
    visitor_address,
    without_token,
)
from widget.web.responses import figures_response
from widget.web.service import Service

Render = Callable[[View, Grant | None], Response]


class WidgetEndpoint:
    """Responds with widgets: as pages, JSON and pictures."""

    def __init__(self, service: Service, errors: ErrorResponses) -> None:
        self._service = service
        self._errors = errors
        self._forms: Mapping[str, Render] = {
            HTML: self._page,
            JSON: self._json,
            ".svg": self._svg,
            ".png": self._png,
        }

    def get(self, slug: str, name: str) -> Response:
        """``GET /w/{account}/{widget}``, with the suffix of a form or none."""
        widget_name, dot, extension = name.partition(".")
        suffix = dot + extension
        if suffix not in self._forms:
            return self._errors.respond(NotFound("no such form"), ErrorContext(JSON))
        return self._respond(slug, widget_name, suffix)

    def unlock(self, slug: str, name: str) -> Response:
        """``POST /w/{account}/{widget}/unlock``, with the viewer password in the form."""
        return self._respond(slug, name, HTML, unlocking=True)

    def _respond(self, slug: str, name: str, suffix: str, *, unlocking: bool = False) -> Response:
        # Every step adds to the context what an error in the next ones needs to be displayed.
        context = ErrorContext(suffix)
        try:
            parameters = query_parameters()
            context = replace(context, options=appearance_options(parameters))
            token = token_of(parameters)
            account, widget = self._find(slug, name, suffix)
            context = replace(context, account=account, widget=widget)
            credentials = self._credentials(account, token, unlocking=unlocking)
            grant = access.authorize(account, widget.name, credentials, self._service.clock())
            options = parse_options(
                widget,
                without_token(parameters),
                locked=grant.params if grant else {},
                extra=PICTURE_OPTIONS if suffix in PICTURE_TYPES else (),
            )
            context = replace(context, options=options)
            view = self._service.view(account, widget, options)
            response = self._forms[suffix](view, grant)
        except CabinetError as error:
            label = context.widget.name if context.widget else "none"
            self._service.metrics.count_response(label, error.status, "none")
            return self._errors.respond(error, context)
        self._count(view, response)
        return response

    def _find(self, slug: str, name: str, suffix: str) -> tuple[Account, Widget]:
        account, widget = self._service.find_widget(slug, name)
        if suffix in PICTURE_TYPES and not widget.picture:
            raise NotFound("this widget has no picture")
        return account, widget

    def _credentials(self, account: Account, token: str | None, *, unlocking: bool) -> Credentials:
        address = visitor_address(self._service.settings.server)
        if not unlocking:
            return Credentials(address, token)
        # The form is shown for expired tokens as well, so a token does not matter here.
        return Credentials(address, check_password=lambda: self._is_viewer(account))

    def _is_viewer(self, account: Account) -> bool:
        return self._service.attempts.verify(
            account.viewer_password_hash, lambda: request.form.get("password", "")
        )

    def _count(self, view: View, response: Response) -> None:
        age = self._service.clock() - view.as_of.timestamp()
        self._service.metrics.count_response(
            view.widget.name, response.status_code, "stale" if view.stale else "fresh", age
        )

    def _page(self, view: View, grant: Grant | None) -> Response:
        account = view.account
        widget = view.widget
        new_token = None
        renewal = access.renew(grant, self._service.clock()) if grant else None
        if renewal:
            grant = renewal
            new_token = access.sign_renewal(account, widget.name, renewal)
        html = self._service.renderer.page(
            view,
            PageContext(
                assets=self._service.asset_urls(view.options),
                token=new_token,
                expires=grant.expires if grant else None,
                canonical=self._canonical_url(view, grant),
                refresh=view.options.refresh or _default_refresh(view),
            ),
        )
        response = Response(html, content_type="text/html; charset=utf-8")
        # Without CORS: pages are for frames, and scripts have the JSON.
        return self._with_headers(response, view, grant, cors=False)

    def _json(self, view: View, grant: Grant | None) -> Response:
        response = Response(render.render_json(view), content_type="application/json")
        return self._with_headers(response, view, grant)

    def _svg(self, view: View, grant: Grant | None) -> Response:
        svg = picture.widget_svg(view, self._service.catalogues)
        return self._with_headers(picture_response(svg, ".svg"), view, grant)

    def _png(self, view: View, grant: Grant | None) -> Response:
        svg = picture.widget_svg(view, self._service.catalogues)
        return self._with_headers(picture_response(svg, ".png"), view, grant)

    def _with_headers(
        self, response: Response, view: View, grant: Grant | None, *, cors: bool = True
    ) -> Response:
        return figures_response(response, self._service.settings.server, view, grant, cors=cors)

    def _canonical_url(self, view: View, grant: Grant | None) -> str | None:
        """The absolute URL of a page, None if it is private."""
        if view.account.is_private or grant is not None:
            return None
        base = self._service.settings.server.public_url
        return render.widget_url(base, view.account.slug, view.widget.name, "", query_parameters())


def _default_refresh(view: View) -> int:
    """The seconds between refreshes of a page: the shortest time to live of its functions."""
    ttl = min(view.account.fresh_seconds(function) for function in view.widget.functions)
    return max(MIN_REFRESH, round(ttl))
