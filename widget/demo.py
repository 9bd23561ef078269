"""The demonstration: the service on a simulated API, and a host page on another origin that embeds every widget."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from werkzeug.security import generate_password_hash
from werkzeug.serving import WSGIRequestHandler, make_server

from widget import app, config, i18n, paths, registry
from widget.config import Settings
from widget.errors import OperatorError
from widget.render import Renderer
from widget.spec import Options

PASSWORD = "demo"  # noqa: S105  # of an account that does not exist

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@contextmanager
def running(upstream: str, port: int) -> Iterator[tuple[str, str]]:
    """Serve the demonstration on loopback.

    Args:
        upstream: the base URL of the simulated API.
        port: the service's; 0 for any.

    Yields:
        The addresses of the host page and of the service.
    """
    with _serving(port) as (service, run_service), _serving(0) as (host_page, run_host_page):
        run_service(app.create_app(settings(upstream, service, host_page)))
        run_host_page(_page(host_page_html(service)))
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


def host_page_html(service: str) -> str:
    """A page of somebody else's, with every widget in every form."""
    widgets = registry.discover(paths.templates())
    renderer = Renderer(paths.templates(), i18n.load(paths.locales()))
    heights = {name: widget.pixels(Options(rows=5)) for name, widget in widgets.items()}
    return renderer.template("demo.html", "en", service=service, widgets=widgets, heights=heights)


def _page(html: str) -> WSGIApp:
    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        found = environ["PATH_INFO"] == "/"
        start_response("200 OK" if found else "404 Not Found", [("Content-Type", "text/html; charset=utf-8")])
        return [html.encode() if found else b"Not found"]

    return answer


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # the name is werkzeug's
        pass


@contextmanager
def _serving(port: int) -> Iterator[tuple[str, Callable[[WSGIApp], None]]]:
    """Listen on a port of loopback first, so that the address is known, and run an application there later."""
    try:
        server = make_server("127.0.0.1", port, lambda *_: [], threaded=True, request_handler=_Quiet)
    except (OSError, SystemExit):
        raise OperatorError(f"port {port} is taken; choose another with --port") from None

    def run(application: WSGIApp) -> None:
        server.app = application
        Thread(target=server.serve_forever, daemon=True).start()

    try:
        yield f"http://127.0.0.1:{server.server_port}", run
    finally:
        server.shutdown()
        server.server_close()
