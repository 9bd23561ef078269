"""``make bench``: the speed of the service, compared with the possible minimum, and how it scales.

Everything runs on loopback, with the servers on one core and the load on another if there are two.
Rounds are interleaved, and ratios are medians of the ratios of each round, because absolute figures
vary from minute to minute.
"""

import argparse
import http.client
import itertools
import json
import math
import os
import platform
import random
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import requests
from bench import bulk, rendering
from faults import Fault, FaultySandbox
from processes import Program, free_port, is_up, nginx, redis_server, until
from programs import find_program

from widget.sandbox.api import serve_sandbox

ENCODING = "gzip, deflate, br"
CONNECTIONS = 32
TOML = """
[server]
public_url = "http://127.0.0.1:8000"
[api]
base_url = "{upstream}"
{accounts}
"""
ACCOUNT = """
[accounts.{slug}]
login = 1000001
currency = "USD"
timezone = "Europe/Paris"
[accounts.{slug}.ttl_seconds]
balance = {seconds}
open_trades = {seconds}
closed_trades = {seconds}
"""


@dataclass
class Target:
    """Something that wrk sends requests to.

    Attributes:
        name: its name in the table.
        url: its URL.
        pids: the processes that respond.
        headers: the request headers.
        rates: requests per second of each round.
        tails: the 99th percentile of each round, in milliseconds.
        costs: the processor time per response in microseconds, which does not depend on other load.
    """

    name: str
    url: str
    pids: list[int]
    headers: dict[str, str] = field(default_factory=dict)
    rates: list[float] = field(default_factory=list)
    tails: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)

    def measure(self, seconds: float, core: str) -> None:
        """Measure one round."""
        before = processor_seconds(self.pids)
        count, rate, tail = wrk(self.url, seconds, core, self.headers)
        self.rates.append(rate)
        self.tails.append(tail)
        # A very busy machine may complete no request in a short round.
        requests_made = max(count, 1)
        self.costs.append((processor_seconds(self.pids) - before) / requests_made * 1e6)


def ratio(these: list[float], those: list[float]) -> float:
    """The median of the ratios of each round."""
    return median(this / that for this, that in zip(these, those, strict=True))


def processor_seconds(pids: list[int]) -> float:
    """The processor time of processes so far; one of nginx's ends soon after its start."""
    stats = [stat for pid in pids if (stat := Path(f"/proc/{pid}/stat")).exists()]
    fields = [stat.read_text().rpartition(")")[2].split() for stat in stats]
    return sum(int(stat[11]) + int(stat[12]) for stat in fields) / os.sysconf("SC_CLK_TCK")


def wrk(url: str, seconds: float, core: str, headers: dict[str, str]) -> tuple[int, float, float]:
    """The number of responses, responses per second, and the 99th percentile in milliseconds."""
    count, microseconds, tail, wrong = run_wrk(url, seconds, core, headers)
    assert not wrong, f"{wrong} of {count} requests to {url} failed"
    return count, count / microseconds * 1e6, tail / 1000


def run_wrk(
    url: str,
    seconds: float,
    core: str,
    headers: dict[str, str],
    script_name: str = "wrk.lua",
    connections: int = CONNECTIONS,
) -> tuple[int, int, int, int]:
    """Responses, duration and 99th percentile in microseconds, and failed requests."""
    script = Path(__file__).with_name(script_name)
    sent = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    # wrk itself takes whole seconds only, and ends as usual when it is interrupted.
    command = [
        *("timeout", "--signal=INT", "--preserve-status", str(seconds)),
        find_program("wrk"),
        "-t1",
        f"-c{connections}",
        f"-d{math.ceil(seconds) + 1}s",
        "--latency",
        "-s",
        str(script),
    ]
    printed = subprocess.run(
        [*core.split(), *command, *sent, url], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", printed)
    assert found, printed
    count, microseconds, tail, wrong = map(int, found.groups())
    return count, microseconds, tail, wrong


@contextmanager
def program(
    command: list[str], core: str, ready: str, **env: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A server in the background."""
    path = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*core.split(), sys.executable, *command],
            env={**os.environ, "PYTHONPATH": path, **env},
            stdout=output,
            stderr=output,
        )
        try:
            until(lambda: process.poll() is not None or is_up(ready))
            if process.poll() is not None:
                output.seek(0)
                raise SystemExit(output.read().decode())
            yield process
        finally:
            process.terminate()
            process.wait(30)


@dataclass
class Bench:
    """What all measurements share."""

    folder: Path
    upstream: str
    sandbox: FaultySandbox
    server_core: str
    load_core: str

    @contextmanager
    def service(self, accounts: str) -> Iterator[tuple[str, int, float]]:
        """``cabinet-widgets serve``: its URL, the worker's pid, the seconds until it responded."""
        config = self.folder / "widgets.toml"
        config.write_text(TOML.format(upstream=self.upstream, accounts=accounts))
        port, began = free_port(), time.monotonic()
        url = f"http://127.0.0.1:{port}"
        command = ["-m", "widget", "serve", "--config", str(config), "--bind", f"127.0.0.1:{port}"]
        with program(command, self.server_core, f"{url}/healthz") as process:
            took = time.monotonic() - began
            yield url, worker(process), took

    def bind(self, other: Program) -> None:
        """Run another server on the core of the service."""
        for pid in (other.process.pid, *other.children()) if self.server_core else ():
            os.sched_setaffinity(pid, {int(self.server_core.split()[-1])})

    @contextmanager
    def app(self, name: str, **env: str) -> Iterator[tuple[str, list[int]]]:
        """One of ``apps``: its URL and the worker's pid."""
        url = f"http://127.0.0.1:{(port := free_port())}"
        ready = f"{url}/page" if name == "bare" else f"{url}/healthz"
        with program(
            ["-m", "bench.apps", name, str(port)], self.server_core, ready, **env
        ) as process:
            yield url, [worker(process)]


def worker(server: subprocess.Popen[bytes]) -> int:
    """The worker process of a server."""
    command = [find_program("ps"), "-o", "pid=", "--ppid", str(server.pid)]
    listed = subprocess.run(command, capture_output=True, text=True)
    return int(listed.stdout.split()[-1])


def cores() -> tuple[str, str]:
    """How servers and load are bound to cores."""
    known = sorted(os.sched_getaffinity(0))
    if len(known) < 2 or shutil.which("taskset") is None:
        return "", ""
    return f"taskset -c {known[0]}", f"taskset -c {','.join(map(str, known[1:]))}"


def record(url: str, folder: Path) -> tuple[str, str]:
    """Record responses for the bare function; returns the paths of that file and of the page."""
    recorded, sent = {}, {"Accept-Encoding": ENCODING}
    etag = requests.get(url, headers=sent, timeout=30).headers["ETag"]
    for path, headers in (("/page", sent), ("/304", {**sent, "If-None-Match": etag})):
        with requests.get(url, headers=headers, timeout=30, stream=True) as response:
            body = response.raw.read(decode_content=False)
            named = [
                (name, value)
                for name, value in response.raw.headers.items()
                if name.lower() != "date"
            ]
            recorded[path] = (
                f"{response.status_code} {response.reason}",
                named,
                body.decode("latin-1"),
            )
    (folder / "recorded.json").write_text(json.dumps(recorded))
    (folder / "page.html").write_text(requests.get(url, timeout=30).text)
    return str(folder / "recorded.json"), str(folder / "page.html")


def speed(bench: Bench, rounds: int, seconds: float, keys: str) -> None:
    """The first table: requests per second and tails of targets, in one interleaved run."""
    with ExitStack() as stack:
        url, pid, _ = stack.enter_context(bench.service(ACCOUNT.format(slug="main", seconds=3600)))
        page = f"{url}/w/main/open-trades"
        recorded, html = record(page, bench.folder)
        bare, bares = stack.enter_context(bench.app("bare", BENCH_RECORDED=recorded))
        cached, cacheds = stack.enter_context(bench.app("cached", BENCH_PAGE=html))
        empty, empties = stack.enter_context(bench.app("empty"))
        port = free_port()
        address = url.removeprefix("http://")
        conf = f"""
        proxy_cache_path {bench.folder}/cache keys_zone=widgets:1m;
        server {{
            listen 127.0.0.1:{port};
            location / {{ proxy_pass http://{address}; proxy_cache widgets; }}
        }}"""
        through = f"http://127.0.0.1:{port}/w/main/open-trades"
        bench.folder.chmod(0o711)  # nginx gives up its rights, and its cache is in there
        proxy = stack.enter_context(nginx(bench.folder, conf, through))
        bench.bind(proxy)
        sent = {"Accept-Encoding": ENCODING}
        tag = requests.get(page, headers=sent, timeout=30).headers["ETag"]
        targets = {
            "a": Target("an empty Flask view, 4 KB", f"{empty}/", empties),
            "b": Target(
                "a bare WSGI function, same bytes and headers", f"{bare}/page", bares, sent
            ),
            "b304": Target("a bare WSGI function, same 304", f"{bare}/304", bares, sent),
            "c": Target("cached page", page, [pid], sent),
            "d": Target("304", page, [pid], {**sent, "If-None-Match": tag}),
            "e": Target("cached JSON", f"{page}.json", [pid], sent),
            "g": Target("the page through nginx proxy_cache", through, proxy.children(), sent),
            "h": Target("Flask-Caching's @cached, same page", f"{cached}/", cacheds),
        }
        targets = {key: target for key, target in targets.items() if key[0] in keys}
        for target in targets.values():
            response = requests.get(target.url, headers=target.headers, timeout=30)
            assert response.status_code in (200, 304), target.url
        for _ in range(rounds):
            for target in targets.values():
                target.measure(seconds, bench.load_core)
        sample, samples = stack.enter_context(bench.app("sample", BENCH_UPSTREAM=bench.upstream))
        bench.sandbox.faults.append(Fault("slow", seconds=0.2))
        targets["i"] = Target(
            "token and call for every view, upstream of 200 ms", f"{sample}/", samples
        )
        targets["i"].measure(1, bench.load_core)
        bench.sandbox.faults.clear()
        targets["i"].rates *= rounds
        targets["i"].costs *= rounds
    empty_view = targets["a"]
    print(
        "| | requests/s | to an empty view | to the bare function | p99 ms | CPU µs each |"
        " empty view's CPU to it |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for key, target in targets.items():
        floor = targets["b304" if key in ("d", "b304") else "b"]
        print(
            f"| {target.name} | {median(target.rates):,.0f} | "
            f"{ratio(target.rates, empty_view.rates):.2f} | "
            f"{ratio(target.rates, floor.rates):.2f} | "
            f"{median(target.tails):.1f} | {median(target.costs):.1f} | "
            f"{ratio(empty_view.costs, target.costs):.2f} |"
        )


def pages(times: int) -> None:
    """The second table: what is rendered."""
    cold, formats = rendering.cold(times), rendering.formats(50, times)
    print("\n| cold render, figures at hand | ms |")
    print("| --- | ---: |")
    for name, taken in cold.items():
        print(f"| {name} | {taken:.2f} |")
    print(f"| the template of 50 rows alone | {formats['here']:.2f} |")
    print(
        f"| by Babel's module functions: {formats['babel'] / formats['here']:.2f} times that | "
        f"{formats['babel']:.2f} |"
    )
    print(
        f"| without formatting: that is {formats['here'] / formats['none']:.2f} times it | "
        f"{formats['none']:.2f} |"
    )


def large_amounts(trades: int, times: int) -> None:
    """The third and the fourth: a long history, and the secrets of many accounts."""
    cost = bulk.parse(trades, times)
    times_as_long = cost.parse / cost.json_loads
    print(f"\n| {trades:,} closed trades | ms | peak MiB |")
    print("| --- | ---: | ---: |")
    print(f"| json.loads | {cost.json_loads:.0f} | {cost.json_mebibytes:.0f} |")
    print(f"| parsed: {times_as_long:.2f} times that | {cost.parse:.0f} | {cost.mebibytes:.0f} |")
    print("\n| large amounts | ms |")
    print("| --- | ---: |")
    print(f"| a line is logged, with 10,000 accounts to mask | {bulk.mask(10_000, times):.3f} |")


def performance(count: int, times: int) -> None:
    """The widgets about performance, next to the balance and to parsing the trades."""
    cost = rendering.performance(count, times)
    print(
        f"\n| {count:,} closed trades, of all time | calculated once: ms | warm: ms | to balance |"
    )
    print("| --- | ---: | ---: | ---: |")
    balance = cost.warm["balance"]
    for name, warm in cost.warm.items():
        calculated = cost.calculate.get(name, 0)
        print(f"| {name} | {calculated:.0f} | {warm:.2f} | {warm / balance:.2f} |")
    total = sum(cost.calculate.values())
    print(
        f"| all of them: {total / cost.parse:.0%} of parsing, which is {cost.parse:.0f} ms | "
        f"{total:.0f} | | |"
    )


def pictures(bench: Bench, visits: int) -> None:
    """The fourth table: visits of a cached page, while others request pictures without a pause."""
    attackers = 4
    with bench.service(ACCOUNT.format(slug="main", seconds=3600)) as (url, _, _):
        page = f"{url}/w/main/open-trades"
        picture = f"{url}/w/main/growth.png?size=large&scale=2"
        visit(picture)  # starts the process that draws
        # Each has a colour of its own, so that none is in a cache.
        alone = [visit(f"{picture}&accent={n:06x}") for n in range(max(3, visits // 100))]
        quiet = [visit(page) for _ in range(visits)]
        busy = list[float]()
        # Another process requests them: in this one, reading them would delay the visits.
        with ThreadPoolExecutor(1) as thread:
            seconds = visits / 1000
            attack = thread.submit(
                run_wrk, picture, seconds, bench.load_core, {}, "pictures.lua", attackers
            )
            while not attack.done() or len(busy) < 2:
                busy.append(visit(page))
            # Some may be refused, since they are too many.
            drawn, _, _, _ = attack.result()
    print("\n| pictures | p50 ms | p99 ms |")
    print("| --- | ---: | ---: |")
    for name, taken in (
        ("a picture of the largest size", alone),
        ("cached page, no pictures", quiet),
        (f"cached page, {attackers} connections request pictures ({drawn} drawn)", busy),
    ):
        print(f"| {name} | {median(taken):.2f} | {percentile_99(taken):.2f} |")


def percentile_99(values: list[float]) -> float:
    """The 99th percentile."""
    return quantiles(values, n=100, method="inclusive")[98]


def outage(bench: Bench, seconds: float) -> None:
    """An API that works and one that does not respond, with a TTL of two seconds."""
    with bench.service(ACCOUNT.format(slug="main", seconds=2)) as (url, _, _):
        page = f"{url}/w/main/open-trades"
        requests.get(page, timeout=30)
        _, rate, well = wrk(page, seconds, bench.load_core, {})
        bench.sandbox.faults.append(Fault("slow", seconds=30))
        time.sleep(2)
        _, dead_rate, dead = wrk(page, seconds, bench.load_core, {})
        bench.sandbox.faults.clear()
    print("\n| TTL of 2 s | requests/s | p99 ms |")
    print("| --- | ---: | ---: |")
    print(f"| upstream works | {rate:,.0f} | {well:.1f} |")
    print(f"| upstream hangs | {dead_rate:,.0f} | {dead:.1f} ({dead / well:.2f} times) |")


def isolation(bench: Bench, seconds: float) -> None:
    """Two APIs: what visitors of one that hangs cost the visitors of the other."""
    names = ("balance", "open-trades", "closed-trades", "bonus", "lots", "growth")
    # Connections to this socket are established, and nothing ever comes back.
    with socket.create_server(("127.0.0.1", 0), backlog=256) as hanging:
        port = hanging.getsockname()[1]
        api = f'base_url = "http://127.0.0.1:{port}"\ndeadline_seconds = {seconds}\n'
        tables = ACCOUNT.format(slug="main", seconds=3600)
        for n in range(8):
            tables += ACCOUNT.format(slug=f"h{n}", seconds=3600)
            tables += f"[accounts.h{n}.api]\n{api}"
        with bench.service(tables) as (url, _, _), ThreadPoolExecutor(60) as visitors:
            visit(f"{url}/w/main/bonus")  # so that nothing is used for the first time
            alone = visit(f"{url}/w/main/balance")
            for n in range(60):
                path = f"/w/h{n % 8}/{names[n // 8 % len(names)]}?refresh={n + 10}"
                visitors.submit(requests.get, url + path, timeout=60)
            time.sleep(1)
            beside = visit(f"{url}/w/main/open-trades")
    print("\n| a cold widget | ms |")
    print("| --- | ---: |")
    print(f"| while nobody waits for another API | {alone:.0f} |")
    print(f"| while 60 visitors wait for 8 accounts of another API that hangs | {beside:.0f} |")


def growth(
    bench: Bench, accounts: tuple[int, ...], trades: tuple[int, ...], viewers: tuple[int, ...]
) -> None:
    """The last: how cost grows with accounts, trades and viewers."""
    print("\n| accounts | start-up s | MiB | cached p50 ms | p99 ms | cold p50 ms |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for count in accounts:
        tables = "".join(ACCOUNT.format(slug=f"a{n}", seconds=3600) for n in range(count))
        with bench.service(tables) as (url, pid, took):
            some = [f"a{n * count // 20}" for n in range(20)]
            requests.get(f"{url}/w/a0/balance", timeout=30)
            hot = [visit(f"{url}/w/{slug}/balance") for _ in range(20) for slug in some][20:]
            cold = [
                visit(f"{url}/w/{slug}/balance?refresh={n}") for n, slug in enumerate(10 * some, 10)
            ]
            figures = (took, mebibytes(pid), median(hot), quantiles(hot, n=100)[98], median(cold))
            print("| {:,} | {:.1f} | {:.0f} | {:.2f} | {:.2f} | {:.2f} |".format(count, *figures))
    print("\n| closed trades | read, once a period: ms | table ms | growth ms | MiB cached |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for count in trades:
        cost = rendering.trades(count)
        print(
            f"| {count:,} | {cost.read:,.0f} | {cost.table:.1f} | {cost.growth:.1f} | "
            f"{cost.mebibytes:.1f} |"
        )
    print(
        "\n| viewers a second, of 1,000 accounts, for 10 s | p50 ms | p99 ms | upstream calls |"
        " accounts seen | MiB |"
    )
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    tables = "".join(ACCOUNT.format(slug=f"a{n}", seconds=3600) for n in range(1000))
    for rate in viewers:
        with bench.service(tables) as (url, pid, _):
            bench.sandbox.calls.clear()
            seen, taken = stream(url, rate, 10)
            calls = bench.sandbox.calls.total()
            assert calls == seen, "an account was fetched more than once in a period, or not at all"
            print(
                f"| {rate} | {median(taken):.2f} | {percentile_99(taken):.2f} | "
                f"{calls} | {seen} | {mebibytes(pid):.0f} |"
            )


def crowd(bench: Bench, visitors: int) -> None:
    """Few and many visitors, with one service and with two: the calls of the API are the same."""
    accounts, periods, seconds = 10, 3, 15
    tables = "".join(ACCOUNT.format(slug=f"a{n}", seconds=seconds) for n in range(accounts))
    widgets = [
        f"a{n}/{name}"
        for n in range(accounts)
        for name in ("balance", "open-trades", "closed-trades")
    ]
    print("\n| functions x accounts x periods | services | visits a period | upstream calls |")
    print("| ---: | ---: | ---: | ---: |")
    for services, visits in itertools.product((1, 2), (len(widgets), visitors)):
        with ExitStack() as stack:
            shared = ""
            if services > 1:
                port = free_port()
                stack.enter_context(redis_server(bench.folder, port))
                shared = f'[cache]\ntype = "RedisCache"\nredis_url = "redis://127.0.0.1:{port}/0"\n'
            urls = [stack.enter_context(bench.service(tables + shared))[0] for _ in range(services)]
            # Every other visit is not in the response cache.
            paths = [
                f"/w/{widgets[n % len(widgets)]}" + f"?refresh={n % 3000 + 10}" * (n % 2)
                for n in range(visits)
            ]
            bench.sandbox.calls.clear()
            for period in range(1, periods + 1):
                random.shuffle(paths)
                with ThreadPoolExecutor(16) as pool:
                    list(pool.map(visit, [random.choice(urls) + path for path in paths]))
                expected = len(widgets) * period
                until(lambda: bench.sandbox.calls.total() >= expected)  # noqa: B023  # called at once
                time.sleep(0.5)  # for one too many
                calls = bench.sandbox.calls.total()
                assert calls == expected, f"{calls} calls of the API instead of {expected}"
                time.sleep(1.1 * seconds + 0.5 if period < periods else 0)
        product = f"{len(widgets) // accounts} x {accounts} x {periods} = {expected}"
        print(f"| {product} | {services} | {visits:,} | {calls} |")


_CONNECTIONS = threading.local()


def visit(url: str) -> float:
    """The milliseconds of one visit, over a connection of the thread's own."""
    host, _, path = url.removeprefix("http://").partition("/")
    connections: dict[str, http.client.HTTPConnection] = _CONNECTIONS.__dict__
    connection = connections.setdefault(host, http.client.HTTPConnection(host, timeout=60))
    began = time.perf_counter()
    connection.request("GET", f"/{path}")
    response = connection.getresponse()
    response.read()
    assert response.status == 200, (response.status, url)
    return 1000 * (time.perf_counter() - began)


def stream(url: str, rate: int, seconds: int) -> tuple[int, list[float]]:
    """Visits at a steady rate to random accounts: how many accounts were visited, and the times."""
    slugs = [f"a{random.randrange(1000)}" for _ in range(rate * seconds)]
    with ThreadPoolExecutor(16) as pool:
        began, visits = time.monotonic(), []
        for n, slug in enumerate(slugs):
            time.sleep(max(0.0, began + n / rate - time.monotonic()))
            visits.append(pool.submit(visit, f"{url}/w/{slug}/balance"))
        return len(set(slugs)), [done.result() for done in visits]


def mebibytes(pid: int) -> float:
    """The resident memory of a process."""
    pages_ = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages_ * resource.getpagesize() / 2**20


def machine() -> str:
    """What it was measured on."""
    known = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", known)
    cpu = model[1] if model else platform.machine()
    linux = platform.release().split("-")[0]
    return f"{os.cpu_count()} cores of {cpu}, Linux {linux}, Python {platform.python_version()}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only see that it works")
    quick = parser.parse_args().quick
    sandbox = FaultySandbox(clock=time.time)
    with tempfile.TemporaryDirectory() as folder, serve_sandbox(sandbox.app) as upstream:
        bench = Bench(Path(folder), upstream, sandbox, *cores())
        print(f"Measured on {machine()}; {CONNECTIONS} connections, servers on one core.\n")
        parts: list[Callable[[], Any]] = [
            lambda: speed(bench, 1, 0.5, "abcdg") if quick else speed(bench, 9, 1, "abcdegh"),
            lambda: pages(3 if quick else 40),
            lambda: large_amounts(1_000 if quick else 100_000, 1 if quick else 10),
            lambda: performance(1_000 if quick else 100_000, 3 if quick else 40),
            lambda: pictures(bench, 300 if quick else 10_000),
            lambda: outage(bench, 0.5 if quick else 5),
            lambda: isolation(bench, 2 if quick else 8),
        ]
        if not quick:
            parts.append(lambda: crowd(bench, 10_000))
            parts.append(
                lambda: growth(bench, (1, 100, 10_000), (10, 1_000, 100_000), (1, 10, 100))
            )
        for part in parts:
            part()
            sys.stdout.flush()


main()
