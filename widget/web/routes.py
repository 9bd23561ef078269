"""The URLs of the service and the endpoints behind them."""

from collections.abc import Callable

from flask import Blueprint, Response

from widget.web.account_page import AccountPageEndpoint
from widget.web.error_responses import ErrorResponses
from widget.web.files import FileEndpoints
from widget.web.oembed_endpoint import OEmbedEndpoint
from widget.web.service import Service
from widget.web.status import StatusEndpoints
from widget.web.studio_page import StudioPage
from widget.web.widgets import WidgetEndpoint

Endpoint = Callable[..., Response]


def blueprint(service: Service, errors: ErrorResponses) -> Blueprint:
    """The routes of the service."""
    widgets = WidgetEndpoint(service, errors)
    account_pages = AccountPageEndpoint(service, errors)
    studio = StudioPage(service, errors)
    oembed = OEmbedEndpoint(service, errors)
    files = FileEndpoints(service)
    status = StatusEndpoints(service)

    # The names of arguments in a rule are those of the endpoint's parameters. One that may have a
    # suffix, such as that of a picture, is called ``name``.
    routes = Blueprint("cabinet", __name__)
    route = routes.add_url_rule

    def public(
        rule: str,
        name: str,
        get: Endpoint,
        preflight: Endpoint,
    ) -> None:
        """Add a URL that scripts of other origins may read, after a preflight if need be."""
        # Flask's own response to OPTIONS would say nothing about other origins.
        route(rule, name, get, provide_automatic_options=False)
        route(rule, f"{name}_preflight", preflight, methods=["OPTIONS"])

    public("/w/<slug>/<name>", "widget", widgets.get, widgets.preflight)
    route("/w/<slug>/<name>/unlock", "unlock", widgets.unlock, methods=["POST"])
    public("/a/<name>", "account_page", account_pages.get, account_pages.preflight)
    route("/a/<name>/unlock", "unlock_page", account_pages.unlock, methods=["POST"])
    route("/", "studio", studio.get)
    route("/oembed", "oembed", oembed.get)
    public("/embed.js", "loader", files.loader, files.preflight)
    public("/embed.json", "embed_json", files.embed_json, files.preflight)
    public("/openapi.json", "openapi_json", files.openapi_json, files.preflight)
    public("/static/<version>/<name>", "static", files.static, files.preflight)
    route("/favicon.ico", "favicon", files.favicon)
    route("/healthz", "health", status.health)
    route("/readyz", "ready", status.ready)
    route("/metrics", "metrics", status.metrics)
    return routes
