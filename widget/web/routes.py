"""The URLs of the service and the endpoints behind them."""

from flask import Blueprint

from widget.web.error_responses import ErrorResponses
from widget.web.files import FileEndpoints
from widget.web.oembed_endpoint import OEmbedEndpoint
from widget.web.service import Service
from widget.web.status import StatusEndpoints
from widget.web.studio_page import StudioPage
from widget.web.widgets import WidgetEndpoint


def blueprint(service: Service) -> Blueprint:
    """The routes of the service."""
    errors = ErrorResponses(service)
    widgets = WidgetEndpoint(service, errors)
    studio = StudioPage(service, errors)
    oembed = OEmbedEndpoint(service, errors)
    files = FileEndpoints(service)
    status = StatusEndpoints(service)

    routes = Blueprint("cabinet", __name__)
    route = routes.add_url_rule
    route("/w/<slug>/<name>", "widget", widgets.get)
    route("/w/<slug>/<name>/unlock", "unlock", widgets.unlock, methods=["POST"])
    # With strict slashes, a URL without a path is redirected to the Host of the request, which is
    # not trusted.
    route("/", "studio", studio.get, strict_slashes=False)
    route("/oembed", "oembed", oembed.get)
    route("/embed.js", "loader", files.loader)
    route("/embed.json", "embed_json", files.embed_json)
    route("/static/<version>/<name>", "static", files.static)
    route("/favicon.ico", "favicon", files.favicon)
    route("/healthz", "health", status.health)
    route("/readyz", "ready", status.ready)
    route("/metrics", "metrics", status.metrics)
    return routes
