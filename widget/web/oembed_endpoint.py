"""``GET /oembed``: the code that embeds a widget or an account page, for its URL."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from flask import Response

from widget.config import Account
from widget.errors import BadOption, CabinetError, Locked, NotFound, RequestError
from widget.render.account_page import page_display
from widget.web import access, oembed
from widget.web.access import Credentials
from widget.web.account_page import widgets_on_page
from widget.web.cache_key import is_tracking
from widget.web.error_responses import JSON, ErrorContext, ErrorResponses
from widget.web.form_options import parse_page_options
from widget.web.request_data import Parameters, query_parameters, visitor_address
from widget.web.responses import Figures, figures_response
from widget.web.service import Service
from widget.widgets.base import Widget
from widget.widgets.options import parse_integer, parse_options

_MAX_PIXELS = 999_999


@dataclass(frozen=True, slots=True)
class EmbeddedUrl:
    """The URL of a widget or of an account page, taken apart.

    Attributes:
        slug: the name of the account.
        widget: the name of the widget; None for the page of the account.
        parameters: those of its query.
    """

    slug: str
    widget: str | None
    parameters: Parameters


def parse_url(url: str, base: str) -> EmbeddedUrl:
    """Take apart the URL of a widget or of an account page.

    Args:
        url: any URL.
        base: the URL of the service.

    Raises:
        NotFound: it is neither.
    """
    name = r"([^/?#]+)"
    path = rf"(?:w/{name}/{name}|a/{name})"
    # Sites append slashes and fragments when they store a URL.
    pattern = rf"{re.escape(base)}/{path}/?(?:\?([^#]*))?(?:#.*)?"
    match = re.fullmatch(pattern, url)
    if match is None:
        raise NotFound("neither the URL of a widget nor of an account page")
    slug, widget, slug_of_page, query = match.groups()
    parameters = parse_qsl(query or "", keep_blank_values=True)
    options = [(name, value) for name, value in parameters if not is_tracking(name)]
    return EmbeddedUrl(slug or slug_of_page, widget, options)


class OEmbedEndpoint:
    """Responds to oEmbed consumers. Their unknown parameters are ignored."""

    def __init__(self, service: Service, errors: ErrorResponses) -> None:
        self._service = service
        self._errors = errors
        self._server = service.settings.server
        self._base = self._server.public_url

    def get(self) -> Response:
        """``GET /oembed?url=&format=&maxwidth=&maxheight=``."""
        # Errors are JSON in both formats: consumers look at their status only.
        context = ErrorContext(JSON)
        try:
            consumer = dict(query_parameters())
            form = consumer.get("format", "json").lower()
            if form not in ("json", "xml"):
                # As the specification requires.
                raise RequestError(501, "Not Implemented")
            limits = oembed.Limits(
                width=_pixels(consumer, "maxwidth"),
                height=_pixels(consumer, "maxheight"),
            )
            url = parse_url(consumer.get("url", ""), self._base)
            account, widget = self._find(url)
            context = replace(context, account=account, widget=widget)
            self._check_public(account, widget, url)
            if widget is None:
                embedded, view = self._account_page(account, url)
            else:
                embedded, view = self._widget(account, widget, url, limits)
        except CabinetError as error:
            return self._errors.respond(error, context)
        data = oembed.build_response(embedded, self._base, limits)
        return self._response(data, view, form)

    def _find(self, url: EmbeddedUrl) -> tuple[Account, Widget | None]:
        """The account and the widget that a URL leads to; no widget for the page of an account.

        Raises:
            NotFound: there is no such widget or page.
        """
        if url.widget is None:
            return self._service.find_page(url.slug), None
        return self._service.find_widget(url.slug, url.widget)

    def _widget(
        self,
        account: Account,
        widget: Widget,
        url: EmbeddedUrl,
        limits: oembed.Limits,
    ) -> tuple[oembed.Embedded, Figures]:
        with _as_not_found():
            options = parse_options(widget, url.parameters)
        options = oembed.fit_rows(widget, options, limits.height)
        view = self._service.view(account, widget, options)
        display = self._service.renderer.display(view)
        params = dict(url.parameters)
        embedded = oembed.embed_widget(display, self._base, params, limits)
        return embedded, view

    def _account_page(
        self,
        account: Account,
        url: EmbeddedUrl,
    ) -> tuple[oembed.Embedded, Figures]:
        with _as_not_found():
            options = parse_page_options(url.parameters, None)
            widgets = widgets_on_page(self._service, account, url.parameters, None)
        view = self._service.account_view(account, widgets, options)
        display = page_display(self._service.renderer, view)
        params = dict(url.parameters)
        embedded = oembed.embed_page(view, display, self._base, params)
        return embedded, view

    def _check_public(self, account: Account, widget: Widget | None, url: EmbeddedUrl) -> None:
        """Check that anybody may see what a URL leads to.

        Raises:
            CabinetError: it is not public.
        """
        now = self._service.clock()
        address = visitor_address(self._server)
        name = "*"
        if widget is not None:
            name = widget.name
        # Without credentials: the code has to work for everybody.
        access.authorize(account, name, Credentials(address), now)
        names = [name for name, _ in url.parameters]
        # The consumer stores the code and shows it to everybody.
        if "token" in names:
            raise Locked("public embed code must not contain a token")

    def _response(
        self,
        data: Mapping[str, Any],
        view: Figures,
        form: str,
    ) -> Response:
        if form == "xml":
            response = Response(oembed.as_xml(data), content_type="text/xml; charset=utf-8")
        else:
            response = Response(json.dumps(data), content_type="application/json")
        return figures_response(response, self._server, view)


@contextmanager
def _as_not_found() -> Iterator[None]:
    """Turn wrong options into the error that the specification has for a URL without a
    representation: it has nothing like 400.
    """
    try:
        yield
    except BadOption as error:
        raise NotFound(f"not the URL of a widget: {error}") from None


def _pixels(consumer: Mapping[str, str], name: str) -> int | None:
    """A maximum of the consumer's in CSS pixels, None if it has none."""
    if name not in consumer:
        return None
    return parse_integer(name, consumer[name], 1, _MAX_PIXELS)
