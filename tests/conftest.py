"""What the tests share: a simulated upstream and the service, both as real servers on loopback."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.types import WSGIApplication

import hypothesis
import programs
import pytest
import requests
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from widget import app, config, paths, registry
from widget.sandbox import Sandbox, create_sandbox, serve_sandbox

if TYPE_CHECKING:
    from playwright.sync_api import Browser


# A machine that is busy otherwise makes no test fail; in CI hypothesis does so by itself.
hypothesis.settings.register_profile("patient", hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("patient")


FIXTURES_THAT_START_PROGRAMS = {"browser", "certificates", "contexts"}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what needs a browser, openssl or WordPress; ``find_program`` says which other tests need the marker."""
    fixtures = set(getattr(item, "fixturenames", ()))
    is_of_wordpress = item.path.is_relative_to(Path(__file__).parent / "wordpress")
    if is_of_wordpress or fixtures & FIXTURES_THAT_START_PROGRAMS:
        item.add_marker(pytest.mark.programs)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tell ``find_program`` which test runs, so that it finds those without the marker."""
    programs.running_test = item


class QuietHandler(WSGIRequestHandler):
    """Logs nothing."""

    def log(self, type: str, message: str, *args: Any) -> None:
        """Drop the line."""


@contextmanager
def serving(application: WSGIApplication) -> Iterator[str]:
    """Serve a WSGI application on a free port of loopback; yields its address."""
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Clock:
    """Unix seconds that move when they are told to."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class Upstream:
    """The simulated API of a test."""

    url: str
    sandbox: Sandbox


@dataclass
class Service:
    """The service of a test."""

    url: str
    app: Flask

    def get(self, path: str, **more: Any) -> requests.Response:
        """GET of a path."""
        return requests.get(self.url + path, timeout=30, **more)

    def json(self, path: str) -> Any:
        """The figures of a widget: the member ``data``."""
        response = self.get(path)
        assert response.status_code == 200, response.text
        return response.json()["data"]


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Debian's Chromium, one for all the tests of a module."""
    from browsers import chromium  # which needs this module, and what most tests do without

    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    """A simulated API for the tests of a module; each test begins without faults and counts."""
    simulated = create_sandbox()
    with serve_sandbox(app=simulated) as url:
        yield Upstream(url, simulated.extensions["sandbox"])


@pytest.fixture
def serve(upstream: Upstream) -> Iterator[Callable[..., Service]]:
    """Starts a service: ``serve(accounts={"main": {...}}, server={...}, clock=…)``; without accounts, an open one."""
    upstream.sandbox.faults.clear()
    upstream.sandbox.calls.clear()
    with ExitStack() as stack:

        def start(clock: Callable[[], float] | None = None, **tables: Any) -> Service:
            tables.setdefault("accounts", {"main": {"login": 1000001}})
            tables["api"] = {"base_url": upstream.url, **tables.get("api", {})}
            widgets = registry.discover(paths.templates())
            settings = config.parse(tables, {}, widgets, folder=Path(), demo=True)
            application = app.create_app(settings, **({"clock": clock} if clock else {}))
            stack.callback(application.extensions["cabinet-widgets"].cache.close)
            return Service(stack.enter_context(serving(application)), application)

        yield start
