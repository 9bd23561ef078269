"""The demonstration: the service with a simulated API, and a host page that embeds every widget."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from wsgiref.types import WSGIApplication

from flask import Response
from werkzeug.security import generate_password_hash
from werkzeug.serving import make_server

from widget import app, config
from widget.config import Settings
from widget.sandbox.api import QuietHandler
from widget.widgets import registry
from widget.widgets.options import Options

PASSWORD = "demo"  # noqa: S105  # not a secret: the account is simulated


@contextmanager
def running(upstream: str, port: int, clock: Callable[[], float]) -> Iterator[tuple[str, str]]:
    """Serve the demonstration on loopback.

    Args:
        upstream: the base URL of the simulated API.
        port: the service's port; 0 takes a free one.
        clock: Unix seconds, the same as the simulated API's.

    Yields:
        The URLs of the host page and of the service.
    """
    with (
        ExitStack() as sampling,
        listen(port) as (service, serve),
        listen(0) as (host_page, serve_host),
    ):
        # On two ports, so that the host page has another origin, as in reality.
        application = app.create_app(settings(upstream, service, host_page), clock=clock)
        serve(application)
        wired = application.extensions["cabinet-widgets"]
        wired.sampler.start()
        sampling.callback(wired.sampler.stop)
        context = {"service": service, "widgets": wired.widgets, "options": Options(rows=5)}
        serve_host(Response(wired.renderer.template("demo.html", "en", **context)))
        yield host_page, service


def settings(upstream: str, public_url: str, host_page: str) -> Settings:
    """Settings with two accounts: one that shows every widget, and a closed one."""
    widgets = registry.discover()
    document = {
        "server": {"public_url": public_url, "studio": True},
        "api": {"base_url": upstream},
        "accounts": {
            "demo": {
                "login": 1000005,
                "partner_password": "partner-password",
                "widgets": list(widgets),
            },
            "private": {
                "login": 1000002,
                "password": "sandbox-password",
                "access": "closed",
                "allowed_origins": [host_page],
                "viewer_password_hash": generate_password_hash(PASSWORD),
            },
        },
    }
    return config.parse(document, {}, widgets, folder=Path(), demo=True)


@contextmanager
def listen(port: int) -> Iterator[tuple[str, Callable[[WSGIApplication], None]]]:
    """Listen on a loopback port, and serve an application once it is there.

    The application needs its own URL, so the port has to be known before. Requests that come
    earlier wait.

    Yields:
        The URL, and a function that starts to serve an application.
    """
    # This application is replaced before the first request is accepted.
    server = make_server(
        "127.0.0.1", port, lambda *_: [], threaded=True, request_handler=QuietHandler
    )
    with ExitStack() as stack:
        stack.callback(server.server_close)

        def serve(application: WSGIApplication) -> None:
            server.app = application
            Thread(target=server.serve_forever, daemon=True).start()
            # Registered only now: shutdown never returns for a server that was not started.
            stack.callback(server.shutdown)

        yield f"http://127.0.0.1:{server.server_port}", serve
