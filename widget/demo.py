"""The demonstration: the service on a simulated API, and a host page on another origin that embeds every widget."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from flask import Response
from werkzeug.exceptions import ServiceUnavailable
from werkzeug.security import generate_password_hash
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from widget import app, config, paths, registry
from widget.config import Settings
from widget.spec import Options

PASSWORD = "demo"  # noqa: S105  # of an account that does not exist


@contextmanager
def running(upstream: str, port: int) -> Iterator[tuple[str, str]]:
    """Serve the demonstration on loopback.

    Args:
        upstream: the base URL of the simulated API.
        port: the service's; 0 for any.

    Yields:
        The addresses of the host page and of the service.
    """
    with _serving(port) as (service, server), _serving(0) as (host_page, host):
        server.app = application = app.create_app(settings(upstream, service, host_page))
        wired = application.extensions["cabinet-widgets"]
        shown = {"service": service, "widgets": wired.widgets, "options": Options(rows=5)}
        host.app = Response(wired.renderer.template("demo.html", "en", **shown))
        yield host_page, service


def settings(upstream: str, public_url: str, host_page: str) -> Settings:
    """Two accounts of the simulated API: one that shows everything, and a closed one."""
    widgets = registry.discover(paths.templates())
    raw = {
        "server": {"public_url": public_url, "studio": True},
        "api": {"base_url": upstream},
        "accounts": {
            "demo": {"login": 1000005, "partner_password": "partner-password", "widgets": list(widgets)},
            "private": {
                "login": 1000002,
                "password": "sandbox-password",
                "access": "closed",
                "allowed_origins": [host_page],
                "viewer_password_hash": generate_password_hash(PASSWORD),
            },
        },
    }
    return config.parse(raw, {}, widgets, folder=Path(), demo=True)


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # the name is werkzeug's
        pass


@contextmanager
def _serving(port: int) -> Iterator[tuple[str, BaseWSGIServer]]:
    """Listen on a port of loopback, so that the address is known; the application is put in later."""
    server = make_server("127.0.0.1", port, ServiceUnavailable(), threaded=True, request_handler=_Quiet)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", server
    finally:
        server.shutdown()  # it would wait for ever for a server that was never started
        server.server_close()
