"""Two machines, Redis, and nginx with the file of docs/deploy: what visitors see if one fails."""

import itertools
import re
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import documents
import processes
import pytest
import requests
from conftest import serving
from processes import Program, until

from widget.sandbox.api import create_sandbox

pytestmark = pytest.mark.programs

PERIOD = 2
"""Seconds for which a result is fresh: whole ones, as in the times of responses."""
WIDGETS = {
    "balance": "RequestBalanceInformation",
    "open-trades": "RequestOpenTrades",
    "closed-trades": "RequestClosedTrades",
}


class Api:
    """The simulated API.

    Attributes:
        calls: the number of calls of each widget's function.
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._sandbox = create_sandbox(clock=time.time)  # noqa: TID251  # as the machines do
        self._widgets = {function: widget for widget, function in WIDGETS.items()}

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        self.calls[self._widgets[environ["PATH_INFO"].split("/")[2]]] += 1
        time.sleep(0.05)  # noqa: TID251  # long enough for others to arrive in the meantime
        return self._sandbox(environ, start)


def session_from(address: str) -> requests.Session:
    """A session whose requests come from a loopback address."""
    adapter = requests.adapters.HTTPAdapter()
    adapter.init_poolmanager(10, 25, source_address=(address, 0))
    session = requests.Session()
    session.mount("http://", adapter)
    return session


class Viewers:
    """Visitors of all widgets, each with its own URLs: nobody gets a response made for another.

    Attributes:
        statuses: the number of responses with each status.
        seen: for each widget, the times of the figures that visitors received, in Unix seconds by
            the machines' own clock. A time is that at which a call begins, however long it takes.
    """

    def __init__(self, url: str) -> None:
        self.statuses: Counter[int | str] = Counter()
        self.seen: dict[str, set[float]] = defaultdict(set)
        self._url, self._numbers, self._stop = url, itertools.count(10), threading.Event()
        # nginx limits the requests from one address.
        addresses = [f"127.0.0.{number}" for number in range(2, 102)]
        self._sessions = itertools.cycle([session_from(address) for address in addresses])

    @contextmanager
    def visiting(self) -> Iterator[None]:
        """Visits by four visitors at a time, until the end of the block."""
        with ThreadPoolExecutor(4) as pool:
            visitors = [pool.submit(self._visit_all) for _ in range(4)]
            try:
                yield
            finally:
                self._stop.set()
        for visitor in visitors:
            visitor.result()

    def wait_for_responses(self, count: int) -> None:
        """Wait for a number of further responses."""
        goal = self.statuses.total() + count
        until(lambda: self.statuses.total() >= goal)

    def _visit_all(self) -> None:
        while not self._stop.wait(0.1):
            for widget in WIDGETS:
                self.visit(widget)

    def visit(self, widget: str) -> None:
        """Request a widget."""
        try:
            url = f"{self._url}/w/main/{widget}.json?refresh={next(self._numbers)}"
            response = next(self._sessions).get(url, timeout=30)
            self.statuses[response.status_code] += 1
            if response.ok:
                as_of = datetime.fromisoformat(response.json()["as_of"])
                self.seen[widget].add(as_of.timestamp())
        except requests.RequestException as error:
            self.statuses[str(error)] += 1

    def times_of(self, widget: str, since: float = 0.0) -> list[float]:
        """The times of a widget's figures since a given time, in order."""
        return sorted(at for at in self.seen[widget].copy() if at >= since)

    def calls_that_explain(self, widget: str, since: float = 0.0) -> float:
        """How many calls are enough for the times of a widget's figures since a given time.

        The times themselves are no count: who waits for a call that begins in the next second gets
        the second of their own request.
        """
        times = self.times_of(widget, since)
        periods = (times[-1] - times[0]) / PERIOD
        # The first call begins before the first period, and nobody may have seen the last one yet.
        return periods + 2

    def newest(self) -> dict[str, float]:
        """The time of the newest figures of each widget."""
        return {widget: self.times_of(widget)[-1] for widget in WIDGETS}

    def saw(self, count: int, since: dict[str, float]) -> bool:
        """Whether visitors saw the figures of ``count`` calls of each function since some times."""
        return all(len(self.times_of(widget, since[widget])) >= count for widget in WIDGETS)


class Site:
    """Two machines with one configuration, a Redis server, and nginx."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack, self._folder = stack, folder
        self.api = Api()
        self._redis_port, port = processes.free_port(), processes.free_port()
        self._configuration = CONFIGURATION.format(
            redis_port=self._redis_port, api=stack.enter_context(serving(self.api)), period=PERIOD
        )
        self.redis = self.start_redis()
        self._ports = {name: processes.free_port() for name in ("first", "second")}
        self.machines = {name: self.start(name) for name in self._ports}
        url = f"http://127.0.0.1:{port}"
        stack.enter_context(
            processes.nginx(folder, proxy(folder, port, self._ports.values()), f"{url}/healthz")
        )
        self.viewers = Viewers(url)

    def start(self, name: str) -> Program:
        """Start a machine."""
        started = processes.service(self._folder, name, self._configuration, port=self._ports[name])
        return self._stack.enter_context(started)[1]

    def start_redis(self) -> Program:
        """Start the Redis server."""
        return self._stack.enter_context(processes.redis_server(self._folder, self._redis_port))


CONFIGURATION = """
[server]
trusted_proxies = 1
[cache]
type = "RedisCache"
redis_url = "redis://127.0.0.1:{redis_port}/0"
[api]
base_url = "{api}"
deadline_seconds = 20.0
[accounts.main]
login = 1000001
[accounts.main.ttl_seconds]
balance = {period}
open_trades = {period}
closed_trades = {period}
"""


def proxy(folder: Path, port: int, machines: Iterable[int]) -> str:
    """nginx with the file of docs/deploy, with several machines, on loopback and without TLS."""
    text = re.sub(r"(?m)^ *(ssl_|listen \[).*\n", "", documents.deployment_file("nginx.conf"))
    text = text.replace("listen 443 ssl http2;", f"listen 127.0.0.1:{port};")
    text = text.replace("listen 80;", f"listen 127.0.0.1:{processes.free_port()};").replace(
        "/var/log/nginx", str(folder)
    )
    [line] = re.findall(r"(?m)^ *server 127\.0\.0\.1:8000 .*\n", text)
    return text.replace(line, "".join(line.replace("8000", str(machine)) for machine in machines))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(stack, tmp_path)


def test_a_hundred_viewers_at_two_machines_are_one_call_for_each_function_and_period(
    site: Site,
) -> None:
    with ThreadPoolExecutor(25) as pool:
        for _ in pool.map(site.viewers.visit, [*WIDGETS] * 100):
            pass
    with site.viewers.visiting():
        until(lambda: site.viewers.saw(4, dict.fromkeys(WIDGETS, 0.0)))
    assert set(site.viewers.statuses) == {200}
    for widget in WIDGETS:
        assert site.api.calls[widget] <= site.viewers.calls_that_explain(widget)
    for program in site.machines.values():
        assert program.text().count('"status": 200') > 100, "both have responded"


def test_machines_and_redis_may_go_and_come_back_under_load(site: Site) -> None:
    with site.viewers.visiting():
        site.viewers.wait_for_responses(50)
        for name, how in (("first", signal.SIGKILL), ("second", signal.SIGTERM)):
            site.machines[name].end(how)
            site.viewers.wait_for_responses(100)
            site.machines[name] = program = site.start(name)
            # nginx sends a second request only after the response to the first one.
            until(lambda program=program: program.text().count('"status": 200') > 1)  # type: ignore[misc]

        site.redis.end(signal.SIGKILL)
        without_redis = site.viewers.newest()
        before = site.api.calls.copy()
        until(lambda: site.viewers.saw(4, without_redis))
        calls = site.api.calls - before
        for widget in WIDGETS:
            enough = site.viewers.calls_that_explain(widget, without_redis[widget])
            assert calls[widget] <= 2 * enough, "each machine for itself"
        site.machines["first"].end()
        site.machines["first"] = site.start("first")
        for program in site.machines.values():
            until(lambda program=program: "locking fails, continuing without it" in program.text())  # type: ignore[misc]

        site.redis = site.start_redis()
        for program in site.machines.values():
            until(lambda program=program: "locking works again" in program.text())  # type: ignore[misc]
        # Each machine still has figures that only it has fetched, until their period ends.
        together_again = {widget: at + 2 * PERIOD for widget, at in site.viewers.newest().items()}
        until(lambda: site.viewers.saw(1, together_again))
        before = site.api.calls.copy()
        until(lambda: site.viewers.saw(4, together_again))
        calls = site.api.calls - before
        for widget in WIDGETS:
            enough = site.viewers.calls_that_explain(widget, together_again[widget])
            # Their first figures are from a call that was not counted.
            assert calls[widget] <= enough - 1, "one for both machines"
    assert set(site.viewers.statuses) == {200}
    for program in site.machines.values():
        assert "Traceback" not in program.text()
