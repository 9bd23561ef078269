"""Loader, scripts, stylesheets, and descriptions of the widgets for other programs."""

import json
from typing import Any

from flask import Response, abort

from widget import __version__
from widget.web import headers, openapi
from widget.web.responses import add_etag
from widget.web.service import Service
from widget.widgets.base import HEADING_HEIGHT, Widget

# The name of a versioned file changes with its content.
_IMMUTABLE = "public, max-age=31536000, immutable"
# Host pages name the loader without a version, so it must not be cached for long.
_LOADER = "public, max-age=3600, stale-while-revalidate=86400"
# Pages may be cached for longer than a release, and name the files of the one before.
_OTHER_VERSION = "public, max-age=60"
_DESCRIPTION = "public, max-age=3600"


class FileEndpoints:
    """``/embed.js``, ``/static``, ``/embed.json``, ``/openapi.json`` and ``/favicon.ico``."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._server = service.settings.server

    def loader(self) -> Response:
        """``GET /embed.js``."""
        return self._file("embed.js", _LOADER)

    def static(self, version: str, name: str) -> Response:
        """``GET /static/{version}/{name}``."""
        # Any version gets the present file: a page without its stylesheet would be worse.
        cache = _OTHER_VERSION
        if version == self._service.assets.version:
            cache = _IMMUTABLE
        return self._file(name, cache)

    def preflight(self, **_: str) -> Response:
        """``OPTIONS`` of the files: scripts of any origin may read them."""
        return headers.preflight_response(self._server, cors=True)

    def favicon(self) -> Response:
        """``GET /favicon.ico``: empty. Browsers request it for every page in a tab of its own."""
        response = Response(status=204)
        return headers.set_headers(response, self._server, _IMMUTABLE)

    def embed_json(self) -> Response:
        """``GET /embed.json``."""
        text = json.dumps(self._description())
        response = Response(text, content_type="application/json")
        add_etag(response)
        return headers.set_headers(response, self._server, _DESCRIPTION, cors=True)

    def openapi_json(self) -> Response:
        """``GET /openapi.json``."""
        description = openapi.describe(self._service.widgets, self._server.public_url)
        response = Response(json.dumps(description), content_type="application/json")
        add_etag(response)
        return headers.set_headers(response, self._server, _DESCRIPTION, cors=True)

    def _file(self, name: str, cache: str) -> Response:
        asset = self._service.assets.get(name)
        if asset is None:
            abort(404)
        response = Response(asset.body, content_type=asset.content_type)
        add_etag(response)
        # Other sites only load the loader, and with `integrity` they need this.
        return headers.set_headers(response, self._server, cache, cors=name == "embed.js")

    def _description(self) -> dict[str, Any]:
        widgets = {}
        for name, widget in self._service.widgets.items():
            widgets[name] = _describe(widget)
        return {
            "version": __version__,
            "accounts": self._public_account(),
            "widgets": widgets,
        }

    def _public_account(self) -> list[str]:
        """The name of the only account, if it is public, so that nobody has to type it.

        If there are several, knowing one must not reveal the others.
        """
        accounts = list(self._service.settings.accounts.values())
        if len(accounts) > 1:
            return []
        only = accounts[0]
        # Listing a private account would reveal that it exists.
        if only.is_private:
            return []
        return [only.slug]


def _describe(widget: Widget) -> dict[str, Any]:
    return {
        "label": widget.label,
        "height": widget.height,
        "row_height": widget.row_height,
        "heading": HEADING_HEIGHT,
        "rows": widget.default_rows,
        "options": widget.all_options,
        "picture": bool(widget.picture),
    }
