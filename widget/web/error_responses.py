"""Errors as responses: in the requested form and the visitor's language."""

import logging
import math
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from flask import Response, request
from werkzeug.exceptions import HTTPException

from widget.config import Account
from widget.errors import (
    BadOption,
    CabinetError,
    Locked,
    NoSuchPage,
    Overloaded,
    RequestError,
    TooManyAttempts,
    Unavailable,
)
from widget.render import picture
from widget.render.html import UTC_ZONE, PageContext
from widget.render.json import render_error_json
from widget.render.painter import Painter
from widget.render.snippet import account_url, widget_url
from widget.web import headers
from widget.web.request_data import (
    accepted_languages,
    appearance_options,
    query_parameters,
    without_token,
)
from widget.web.service import Service
from widget.widgets import registry
from widget.widgets.base import Widget
from widget.widgets.options import Options

DEFAULT_RETRY_SECONDS = 5
"""``Retry-After`` of errors that do not say when the next attempt makes sense."""

HTML = ""
JSON = ".json"
CSV = ".csv"
ATOM = ".atom"
BADGE = ".badge.json"
PICTURE_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}

# The name is part of the log's format, whatever the modules are called.
log = logging.getLogger("widget.web")


@dataclass(frozen=True, slots=True)
class ErrorContext:
    """What is known about a request when it fails.

    Attributes:
        suffix: the form of the response: ``HTML``, one of ``PICTURE_TYPES``, or any other, of which
            errors are JSON.
        options: those that are valid.
        account: the account, if it was found.
        widget: the widget, if it was found.
        is_account_page: whether the page of an account was requested.
    """

    suffix: str
    options: Options = field(default_factory=Options)
    account: Account | None = None
    widget: Widget | None = None
    is_account_page: bool = False

    @property
    def name(self) -> str | None:
        """What was found, as the subjects of tokens name it."""
        if self.account is None:
            return None
        if self.is_account_page:
            return "*"
        if self.widget is None:
            return None
        return self.widget.name


class ErrorResponses:
    """Makes and logs responses to requests that failed."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def respond(self, error: CabinetError, context: ErrorContext) -> Response:
        """The response to a request that failed."""
        self._log(error, context)
        response = self._response(error, context)
        account = context.account
        return headers.set_headers(
            response,
            self._service.settings.server,
            headers.PRIVATE,
            account,
            # A script that may read the figures may also read why there are none.
            cors=account is None or not account.is_private,
        )

    def respond_to_http(self, exception: HTTPException) -> Response:
        """The response to a request that has no endpoint, or whose endpoint has a bug.

        Flask has logged the bug.
        """
        suffix = HTML
        if request.path.endswith(JSON):
            suffix = JSON
        context = ErrorContext(suffix, _valid_options())
        response = self._response(_as_cabinet_error(exception), context)
        # A wrong method has a header with the right ones.
        for name, value in exception.get_headers():
            if name != "Content-Type":
                response.headers[name] = value
        return headers.set_headers(response, self._service.settings.server, headers.PRIVATE)

    def _response(self, error: CabinetError, context: ErrorContext) -> Response:
        """The response to an error, in the form of the request, with all but the usual headers."""
        language = self._language(context)
        message = self._service.renderer.message(error, language, self._zone(context))
        # In the requested form, so that an <img> or a script can display the error as well.
        if context.suffix == HTML:
            response = self._page(error, context, language, message)
        elif context.suffix in PICTURE_TYPES:
            svg = picture.message_svg(message, language, context.options)
            response = self._message_picture(svg, context.suffix)
        else:
            text = render_error_json(error, message)
            response = Response(text, content_type="application/json")
        response.status_code = error.status
        if error.retry_after is not None or isinstance(error, Unavailable):
            # Rounded up: a moment too early, the next attempt would fail as well.
            seconds = math.ceil(error.retry_after or DEFAULT_RETRY_SECONDS)
            seconds = max(1, seconds)
            response.headers["Retry-After"] = str(seconds)
        return response

    def _message_picture(self, svg: str, suffix: str) -> Response:
        """The picture of a message; an SVG, which browsers display as well, if nothing else can."""
        try:
            return picture_response(svg, suffix, self._service.painter)
        except Overloaded:
            return picture_response(svg, ".svg", self._service.painter)

    def _log(self, error: CabinetError, context: ErrorContext) -> None:
        slug = "-"
        if context.account:
            slug = context.account.slug
        if error.status >= 500:
            log.warning("%s %s: %s", slug, error.code, error)
        elif context.name and str(error).startswith("token: "):
            # For the developer of the site that creates the tokens. Visitors do not see the reason.
            log.info("%s/%s %s: %s", slug, context.name, error.code, error)

    # The language of the URL comes before the visitor's: it is the language of the host page.
    def _language(self, context: ErrorContext) -> str:
        default = None
        if context.account:
            default = context.account.lang
        return self._service.catalogues.negotiate(
            context.options.lang,
            *accepted_languages(),
            default,
        )

    def _zone(self, context: ErrorContext) -> ZoneInfo:
        """The time zone of a time in the message: that of the URL, or of the account."""
        if context.options.tz is not None:
            return context.options.tz
        if context.account is not None:
            return context.account.timezone
        return UTC_ZONE

    def _page(
        self,
        error: CabinetError,
        context: ErrorContext,
        language: str,
        message: str,
    ) -> Response:
        page = PageContext(
            # It will refresh itself and display the widgets.
            assets=self._service.asset_urls(context.options, self._widgets(context)),
            unlock_url=self._unlock_url(error, context),
            is_account_page=context.is_account_page,
        )
        html = self._service.renderer.error_page(
            error.code,
            message,
            language,
            context.options,
            page,
            context.widget,
        )
        return Response(html, content_type="text/html; charset=utf-8")

    def _widgets(self, context: ErrorContext) -> list[Widget]:
        """The widgets that were requested, as far as they were found."""
        if context.widget:
            return [context.widget]
        if context.account and context.is_account_page:
            return registry.widgets_of_page(context.account, self._service.widgets)
        return []

    def _unlock_url(self, error: CabinetError, context: ErrorContext) -> str | None:
        """Where the unlock form sends the password; None if a password does not help."""
        account = context.account
        name = context.name
        if account is None or name is None:
            return None
        if account.viewer_password_hash is None:
            return None
        if not isinstance(error, Locked | TooManyAttempts):
            return None
        base = self._service.settings.server.path
        # An expired token would be refused again, and the password replaces it.
        options = without_token(query_parameters())
        if context.is_account_page:
            return account_url(base, account.slug, suffix="/unlock", params=options)
        return widget_url(base, account.slug, name, suffix="/unlock", params=options)


def _valid_options() -> Options:
    """The options of the request that apply to error pages, as far as they are valid."""
    try:
        return appearance_options(query_parameters())
    except BadOption:
        return Options()


def _as_cabinet_error(exception: HTTPException) -> CabinetError:
    """An exception of Flask as an error of this service."""
    status = exception.code or 500
    if status == 404:
        return NoSuchPage()
    if status >= 500:
        return CabinetError()
    return RequestError(status, exception.name)


def picture_response(svg: str, suffix: str, painter: Painter) -> Response:
    """An SVG picture in one of ``PICTURE_TYPES``; Overloaded if it cannot be drawn as PNG now."""
    content_type = PICTURE_TYPES[suffix]
    if suffix == ".png":
        return Response(painter.png(svg), content_type=content_type)
    return Response(svg, content_type=content_type)
