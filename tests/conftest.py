"""What the tests share: a simulated API and the service, both as real servers on loopback.

No test depends on the real clock: the simulated API and the service start at an instant that the
option ``--instant`` sets, and time passes when a test moves the clock. ``make instants`` runs the
tests that depend on it at several instants.
"""

import argparse
import gc
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.types import WSGIApplication

import hypothesis
import programs
import pytest
import requests
from effort import (
    EXPLORE_EXAMPLES,
    EXPLORE_PROFILE,
    FULL_EXAMPLES,
    FULL_PROFILE,
    QUICK_EXAMPLES,
    QUICK_PROFILE,
)
from faults import FaultySandbox
from flask import Flask
from processes import PATIENCE
from werkzeug.serving import make_server

from widget import app, config
from widget.sandbox.api import QuietHandler, serve_sandbox
from widget.widgets import registry

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright


# Whether a test passes must not depend on chance, and a busy machine must not make it fail.
hypothesis.settings.register_profile(
    FULL_PROFILE, derandomize=True, database=None, deadline=None, max_examples=FULL_EXAMPLES
)
# `make check` chooses this one: pytest --hypothesis-profile=quick
hypothesis.settings.register_profile(
    QUICK_PROFILE, hypothesis.settings.get_profile(FULL_PROFILE), max_examples=QUICK_EXAMPLES
)
# This one is for `make explore`.
hypothesis.settings.register_profile(
    EXPLORE_PROFILE, derandomize=False, deadline=None, max_examples=EXPLORE_EXAMPLES
)
hypothesis.settings.load_profile(FULL_PROFILE)


# Another font on the machine must not change a layout. Browsers that tests start inherit this.
os.environ["FONTCONFIG_FILE"] = str(Path(__file__).parent / "fonts.conf")

FIXTURES_THAT_START_PROGRAMS = {"browser", "certificates", "contexts"}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark tests that need a browser, openssl or WordPress.

    ``find_program`` fails other tests that need the marker.
    """
    fixtures = set(getattr(item, "fixturenames", ()))
    is_of_wordpress = item.path.is_relative_to(Path(__file__).parent / "wordpress")
    if is_of_wordpress or fixtures & FIXTURES_THAT_START_PROGRAMS:
        item.add_marker(pytest.mark.programs)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Record the running test, so that ``find_program`` can check its marker."""
    programs.running_test = item


AN_ORDINARY_WEDNESDAY = "2026-11-25T12:00:00Z"


def unix_seconds(text: str) -> float:
    """Read the value of ``--instant``: a time with its zone, or ``now``."""
    if text == "now":
        # Whole seconds, like the other instants: with a fraction, the 15 seconds between two
        # times may be a little less, and the tests of max-age would need a tolerance.
        return float(int(time.time()))  # noqa: TID251  # explicitly requested
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{text}: write a time with its zone, such as {AN_ORDINARY_WEDNESDAY}, or now"
        )
    return instant.timestamp()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--instant``."""
    parser.addoption(
        "--instant",
        type=unix_seconds,
        default=AN_ORDINARY_WEDNESDAY,
        metavar="TIME",
        help="when the tests take place: a time with its zone, or now",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker ``instant``."""
    config.addinivalue_line(
        "markers", "instant: depends on when it takes place; added automatically, see --instant"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test that uses the fixture ``instant``, itself or through another fixture."""
    for item in items:
        if "instant" in getattr(item, "fixturenames", ()):
            item.add_marker("instant")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect the tests without looking for garbage.

    Thousands of tests are objects that stay: looking at them again and again takes a third of the
    time of collecting them.
    """
    gc.disable()
    result = yield
    gc.freeze()
    gc.enable()
    return result


@contextmanager
def serving(application: WSGIApplication) -> Iterator[str]:
    """Serve a WSGI application on a free loopback port; yields its URL."""
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
    """Unix seconds that stand still until a test moves them."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class Upstream:
    """The simulated API of a test.

    Attributes:
        url: its address.
        sandbox: its state.
        gate: a call that the fault ``slow`` delays ends as soon as this is set.
    """

    url: str
    sandbox: FaultySandbox
    gate: threading.Event

    def reset(self) -> None:
        """Remove all faults, clear the gate, and count calls from zero."""
        self.sandbox.faults.clear()
        self.sandbox.calls.clear()
        self.gate.clear()


@contextmanager
def simulated(clock: Callable[[], float]) -> Iterator[Upstream]:
    """A simulated API that uses a given clock."""
    gate = threading.Event()
    sandbox = FaultySandbox(clock=clock, sleep=gate.wait)
    with serve_sandbox(sandbox.app) as url:
        yield Upstream(url, sandbox, gate)


@dataclass
class Service:
    """The service of a test."""

    url: str
    app: Flask

    def get(self, path: str, **more: Any) -> requests.Response:
        """GET of a path."""
        return requests.get(self.url + path, timeout=30, **more)

    def json(self, path: str) -> Any:
        """The figures of a widget: the object ``data``."""
        response = self.get(path)
        assert response.status_code == 200, response.text
        return response.json()["data"]


@pytest.fixture(scope="session")
def playwright() -> Iterator["Playwright"]:
    """What starts Chromium: a process can have only one of these at a time."""
    from playwright.sync_api import expect, sync_playwright  # most tests do not need it

    # By default, pages are expected to change within five seconds.
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: "Playwright") -> Iterator["Browser"]:
    """Chromium, started once for all tests of a process."""
    from browsers import launched  # imports this module

    with launched(playwright) as started:
        yield started


@pytest.fixture(scope="session")
def instant(request: pytest.FixtureRequest) -> float:
    """When the tests take place, in Unix seconds: one time for the whole run, see ``--instant``."""
    return float(request.config.getoption("--instant"))


@pytest.fixture(scope="module")
def upstream(instant: float) -> Iterator[Upstream]:
    """A simulated API at the instant, for the tests of a module.

    Each test starts without faults and calls.
    """
    with simulated(Clock(instant)) as started:
        yield started


@pytest.fixture
def clock(upstream: Upstream, instant: float) -> Iterator[Clock]:
    """The clock of the upstream and of all services that have no other, to let time pass."""
    clock = upstream.sandbox.clock
    assert isinstance(clock, Clock)
    yield clock
    clock.now = instant


@pytest.fixture(scope="module")
def upstream_in_real_time() -> Iterator[Upstream]:
    """The same for a service in its own process, which uses the real clock."""
    with simulated(time.time) as started:  # noqa: TID251  # as that process does
        yield started


@pytest.fixture
def serve(upstream: Upstream) -> Iterator[Callable[..., Service]]:
    """Starts a service: ``serve(accounts={"main": {...}}, server={...}, clock=…)``.

    Without ``accounts`` it has an open one; without ``clock`` it uses that of the upstream.
    """
    upstream.reset()
    with ExitStack() as stack:

        def start(clock: Callable[[], float] = upstream.sandbox.clock, **tables: Any) -> Service:
            tables.setdefault("accounts", {"main": {"login": 1000001}})
            tables["api"] = {"base_url": upstream.url, **tables.get("api", {})}
            widgets = registry.discover()
            settings = config.parse(tables, {}, widgets, folder=Path(), demo=True)
            application = app.create_app(settings, clock=clock)
            parts = application.extensions["cabinet-widgets"]
            stack.callback(parts.cache.close)
            stack.callback(parts.painter.close)
            return Service(stack.enter_context(serving(application)), application)

        yield start
