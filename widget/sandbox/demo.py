"""The demonstration: the service with a simulated API, and a host page that embeds every widget."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from wsgiref.types import WSGIApplication

from flask import Response
from markupsafe import Markup
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.security import generate_password_hash
from werkzeug.serving import make_server

from widget import app, config
from widget.config import Settings
from widget.render import snippet
from widget.render.html import Renderer
from widget.render.snippet import Embed
from widget.sandbox.api import QuietHandler
from widget.widgets import registry
from widget.widgets.base import Widget, Widgets
from widget.widgets.options import Options

HOST_PAGE = "/demo"
"""The path of the host page."""
NAME = "Pip by Pip"
PASSWORD = "demo"  # noqa: S105  # not a secret: the account is simulated
ROWS = 5
"""How many rows of a table the host page displays."""


@contextmanager
def running(
    upstream: str,
    port: int,
    clock: Callable[[], float],
    address: str = "127.0.0.1",
) -> Iterator[str]:
    """Serve the demonstration, with the host page at ``HOST_PAGE``.

    Args:
        upstream: the base URL of the simulated API.
        port: the port to listen on; 0 takes a free one.
        clock: Unix seconds, the same as the simulated API's.
        address: the IP address to listen on.

    Yields:
        The URL of the service.
    """
    with ExitStack() as sampling, listen(address, port) as (url, serve):
        application = app.create_app(settings(upstream, url), clock=clock)
        wired = application.extensions["cabinet-widgets"]
        page = host_page(wired.renderer, wired.widgets, url)
        # Next to the service and not a part of it, since it stands for the page of somebody else.
        serve(DispatcherMiddleware(application, {HOST_PAGE: page}))
        wired.sampler.start()
        sampling.callback(wired.sampler.stop)
        yield url


def settings(upstream: str, public_url: str) -> Settings:
    """Settings with two accounts: one that shows every widget, and a closed one."""
    widgets = registry.discover()
    document = {
        "server": {"studio": True},
        "api": {"base_url": upstream},
        "accounts": {
            "demo": {
                "login": 1000005,
                "name": NAME,
                "kind": "demo",
                "about": "An invented trader with a simulated account.",
                "notice": "All figures are simulated.",
                "partner_password": "partner-password",
                "widgets": list(widgets),
            },
            "private": {
                "login": 1000002,
                "name": NAME,
                "kind": "demo",
                "password": "sandbox-password",
                "access": "closed",
                "allowed_origins": [public_url],
                "viewer_password_hash": generate_password_hash(PASSWORD),
            },
        },
    }
    parsed = config.parse(document, {}, widgets, folder=Path(), demo=True)
    # Set afterwards: in a file, http is only accepted for loopback addresses.
    server = parsed.server.model_copy(update={"public_url": public_url})
    return parsed.model_copy(update={"server": server})


def host_page(renderer: Renderer, widgets: Widgets, public_url: str) -> Response:
    """The page of an invented trader, who embeds every widget.

    Its URLs have no host, so that it works under every name and address of this machine. The code
    that it displays has ``public_url``, since it is meant for other pages.
    """
    embeds = {name: embed_of("demo", widget) for name, widget in widgets.items()}
    embeds["growth"] = embeds["growth"].with_params({"switch": "1"})
    html = renderer.template(
        "demo.html",
        "en",
        embeds=embeds,
        private=embed_of("private", widgets["balance"]),
        iframe=Markup(snippet.iframe(embeds["balance"])),  # noqa: S704  # it is HTML
        tag=Markup(snippet.tag(embeds["bonus"])),  # noqa: S704
        picture=Markup(snippet.badge(embeds["growth"])),  # noqa: S704
        code=code_to_paste(widgets, public_url),
        service=public_url,
        site=NAME,
        password=PASSWORD,
    )
    return Response(html)


def code_to_paste(widgets: Widgets, public_url: str) -> dict[str, str]:
    """The code for everything that can be put on a page, by the names of the template."""
    growth = embed_of("demo", widgets["growth"], public_url)
    strip = replace(growth, params={"size": "strip"}, options=Options(size="strip"))
    page = snippet.account_url(public_url, "demo")
    feed = snippet.widget_url(public_url, "demo", "closed-trades", suffix=".atom")
    csv = snippet.widget_url(
        public_url,
        "demo",
        "closed-trades",
        suffix=".csv",
        params={"period": "year"},
    )
    badge = snippet.widget_url(public_url, "demo", "growth", suffix=".badge.json")
    shields = snippet.with_query("https://img.shields.io/endpoint", {"url": badge})
    return {
        "widget": snippet.script(growth),
        "switch": snippet.script(growth.with_params({"switch": "1"})),
        "wordpress": snippet.wordpress(growth),
        "address": snippet.oembed(growth),
        "page": page,
        "preview": f'<a href="{page}"><img src="{page}.png" width="600" alt="My account"></a>',
        "strip": snippet.badge(strip),
        "forum": snippet.bbcode(strip),
        "csv": csv,
        "feed": f'<link rel="alternate" type="application/atom+xml" href="{feed}">',
        "badge": f"![Growth]({shields})",
    }


def embed_of(account: str, widget: Widget, base: str = "") -> Embed:
    """A widget as the host page embeds it; ``base`` is the URL of the service in its code."""
    params = {}
    if widget.default_rows:
        params["rows"] = str(ROWS)
    if widget.name == "operations":
        # Few of them are recent.
        params["period"] = "all"
    return Embed(
        base=base,
        account=account,
        widget=widget,
        params=params,
        options=Options(rows=ROWS),
        label=widget.label,
    )


@contextmanager
def listen(
    address: str,
    port: int,
) -> Iterator[tuple[str, Callable[[WSGIApplication], None]]]:
    """Listen on a port, and serve an application once it is there.

    The application needs its own URL, so the port has to be known before. Requests that come
    earlier wait.

    Yields:
        The URL, and a function that starts to serve an application.
    """
    # This application is replaced before the first request is accepted.
    server = make_server(address, port, lambda *_: [], threaded=True, request_handler=QuietHandler)
    with ExitStack() as stack:
        stack.callback(server.server_close)

        def serve(application: WSGIApplication) -> None:
            server.app = application
            Thread(target=server.serve_forever, daemon=True).start()
            # Registered only now: shutdown never returns for a server that was not started.
            stack.callback(server.shutdown)

        yield url_of(address, server.server_port), serve


def url_of(address: str, port: int) -> str:
    """The URL under which this machine reaches its own server."""
    if ip_address(address).is_unspecified:
        # It stands for all addresses of this machine, and every machine has this one.
        return f"http://127.0.0.1:{port}"
    host = address
    if ":" in address:
        host = f"[{address}]"
    return f"http://{host}:{port}"
