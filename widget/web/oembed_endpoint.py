"""``GET /oembed``: the code that embeds a widget, for the URL of the widget."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from flask import Response

from widget.config import Account
from widget.errors import BadOption, CabinetError, Locked, NotFound, RequestError
from widget.render.view import View
from widget.web import access, oembed
from widget.web.access import Credentials
from widget.web.cache_key import is_tracking
from widget.web.error_responses import JSON, ErrorContext, ErrorResponses
from widget.web.request_data import Parameters, query_parameters, visitor_address
from widget.web.responses import figures_response
from widget.web.service import Service
from widget.widgets.base import Widget
from widget.widgets.options import Options, parse_integer, parse_options

_MAX_PIXELS = 999_999


@dataclass(frozen=True, slots=True)
class WidgetUrl:
    """The URL of a widget, taken apart.

    Attributes:
        slug: the name of the account.
        widget: the name of the widget.
        parameters: those of its query.
    """

    slug: str
    widget: str
    parameters: Parameters


def parse_widget_url(url: str, base: str) -> WidgetUrl:
    """Take apart the URL of a widget.

    Args:
        url: any URL.
        base: the URL of the service.

    Raises:
        NotFound: it is not the URL of a widget of this service.
    """
    pattern = re.escape(base) + r"/w/([^/?#]+)/([^/?#]+)/?(?:\?([^#]*))?(?:#.*)?"
    match = re.fullmatch(pattern, url)
    if match is None:
        raise NotFound("not the URL of a widget")
    slug, widget, query = match.groups()
    parameters = parse_qsl(query or "", keep_blank_values=True)
    options = [(name, value) for name, value in parameters if not is_tracking(name)]
    return WidgetUrl(slug, widget, options)


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
            url = parse_widget_url(consumer.get("url", ""), self._base)
            account, widget = self._service.find_widget(url.slug, url.widget)
            context = replace(context, account=account, widget=widget)
            options = self._authorized_options(account, widget, url)
            options = oembed.fit_rows(widget, options, limits.height)
            view = self._service.view(account, widget, options)
        except CabinetError as error:
            return self._errors.respond(error, context)
        data = oembed.build_response(
            self._service.renderer,
            view,
            self._base,
            dict(url.parameters),
            limits,
        )
        return self._response(data, view, form)

    def _authorized_options(self, account: Account, widget: Widget, url: WidgetUrl) -> Options:
        """The options of a widget's URL, if anybody may see the widget.

        Raises:
            CabinetError: the widget is not public, or the options are invalid.
        """
        now = self._service.clock()
        address = visitor_address(self._server)
        # Without credentials: the code has to work for everybody.
        access.authorize(account, widget.name, Credentials(address), now)
        names = [name for name, value in url.parameters]
        if "token" in names:
            # The consumer stores the code and shows it to everybody.
            raise Locked("public embed code must not contain a token")
        try:
            return parse_options(widget, url.parameters)
        except BadOption as error:
            # The specification has 404 for a URL that has no representation, and nothing like 400.
            raise NotFound(f"not the URL of a widget: {error}") from None

    def _response(
        self,
        data: Mapping[str, Any],
        view: View,
        form: str,
    ) -> Response:
        if form == "xml":
            response = Response(oembed.as_xml(data), content_type="text/xml; charset=utf-8")
        else:
            response = Response(json.dumps(data), content_type="application/json")
        return figures_response(response, self._server, view)


def _pixels(consumer: Mapping[str, str], name: str) -> int | None:
    """A maximum of the consumer's in CSS pixels, None if it has none."""
    if name not in consumer:
        return None
    return parse_integer(name, consumer[name], 1, _MAX_PIXELS)
