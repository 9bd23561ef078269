"""``make soak``: the service under steady load, while its API fails in every known way.

Visitors request pages, JSON and pictures, with and without tokens, under more and more URLs, and
somebody guesses passwords. Every response is checked: no unexpected errors, no figures that are
older than they claim or than they may be, no secrets, no waiting beyond the deadline. So are the
processes: no leaks of memory, descriptors or threads.
"""

import argparse
import gzip
import itertools
import json
import os
import random
import re
import resource
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import NamedTuple

import brotli
import jwt
import processes
import requests
from faults import FAULTS, Fault, FaultySandbox
from processes import PATIENCE, Program, children_of
from werkzeug.security import generate_password_hash

from widget import paths
from widget.sandbox.api import serve_sandbox
from widget.sandbox.book import PERSONAL
from widget.widgets import registry

TTL = 2  # seconds
MAX_AGE = 40  # seconds
DEADLINE = 2.0  # seconds
TOLERANCE = 4.0  # seconds that a busy machine may add to anything
VISITORS = 8
REQUESTS_PER_SECOND = 40
SECONDS_BETWEEN_PASSWORDS = 3
SECRET = "the secret of an embedding page of 32 bytes and more"
PASSWORD = "sandbox-password"
VIEWER_PASSWORD = "the password of a viewer"
HIDDEN = [*PERSONAL.values(), SECRET, PASSWORD, VIEWER_PASSWORD, "1000001", "1000002"]
FUNCTIONS = [
    None,
    None,
    "RequestBalanceInformation",
    "RequestOpenTrades",
    "RequestClosedTrades",
    "GetOpenTrades",
]
DELAY = 60
ERRORS = {
    502: {"upstream_refused", "upstream_unreadable"},
    503: {"upstream_unavailable", "delayed"},
}
TTL_SECONDS = ", ".join(
    f"{name} = {TTL}"
    for name in (
        "balance",
        "summary",
        "open_trades",
        "closed_trades",
        "lots",
        "bonus",
        "operations",
    )
)
TOML = f"""
[cache]
{{cache}}
keep_seconds = {MAX_AGE}
[api]
base_url = "{{upstream}}"
deadline_seconds = {DEADLINE}
max_response_bytes = 8388608
[accounts.open]
login = 1000001
ttl_seconds = {{{{ {TTL_SECONDS} }}}}
[accounts.newer]
login = 1000002
password_env = "SOAK_PASSWORD"
ttl_seconds = {{{{ {TTL_SECONDS} }}}}
api.dialect = "cabinet-basic"
[accounts.delayed]
login = 1000001
delay_minutes = {DELAY // 60}
amounts = "percent"
ttl_seconds = {{{{ {TTL_SECONDS} }}}}
[accounts.closed]
login = 1000002
password_env = "SOAK_PASSWORD"
access = "closed"
viewer_password_hash_env = "SOAK_HASH"
embed_secret_env = "SOAK_SECRET"
ttl_seconds = {{{{ {TTL_SECONDS} }}}}
"""


DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "br": brotli.decompress,
    "gzip": gzip.decompress,
    "": bytes,
}


class Figures(NamedTuple):
    """The newest figures of a widget.

    Attributes:
        as_of: how old they are, as a Unix second.
        seen_at: when they were seen first.
    """

    as_of: float
    seen_at: float


NOTHING = Figures(0.0, 0.0)


@dataclass
class Usage:
    """What the service uses: the sums of all of its processes."""

    mebibytes: float = 0.0
    descriptors: int = 0
    threads: int = 0

    def add(self, pid: int) -> None:
        """Add what a process uses now."""
        proc = Path(f"/proc/{pid}")
        pages = int((proc / "statm").read_text().split()[1])
        self.mebibytes += pages * resource.getpagesize() / 2**20
        self.descriptors += len(os.listdir(proc / "fd"))
        self.threads += len(os.listdir(proc / "task"))


def usage(program: Program) -> Usage:
    """What the main process, its workers and the processes that draw pictures use now."""
    used = Usage()
    used.add(program.process.pid)
    for worker in program.children():
        used.add(worker)
        for painter in children_of(worker):
            used.add(painter)
    return used


@dataclass
class Soak:
    """A service under load, and what was found wrong with it."""

    url: str
    sandbox: FaultySandbox
    ends: float
    dice: random.Random
    rate: float = REQUESTS_PER_SECOND
    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    newest: dict[str, Figures] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def report_wrong(self, what: str) -> None:
        """Record what is wrong."""
        with self.lock:
            self.wrong.append(f"{datetime.now():%H:%M:%S} {what}")  # noqa: DTZ005  # the reader's own time
            print(f"soak: WRONG: {self.wrong[-1]}", file=sys.stderr, flush=True)

    def visitor(self, number: int) -> None:
        """Request random URLs until the end."""
        dice, session = random.Random(self.dice.random() + number), requests.Session()
        session.trust_env = False
        tags: dict[str, str] = {}
        for n in itertools.count(1):
            path, account = address(dice)
            headers = {"Accept-Encoding": dice.choice(["gzip, deflate, br", "gzip", "identity"])}
            if path in tags and dice.random() < 0.4:
                headers["If-None-Match"] = tags[path]
            began = time.time()
            try:
                with session.get(
                    self.url + path, headers=headers, timeout=PATIENCE, stream=True
                ) as response:
                    self.check(
                        path, account, response, response.raw.read(decode_content=False), began
                    )
                    if response.status_code == 200 and "token" not in path:
                        tags[path] = response.headers["ETag"]
            except requests.RequestException as error:
                self.report_wrong(f"{path}: {type(error).__name__}")
            if time.monotonic() > self.ends:
                return
            time.sleep(dice.uniform(0, 2) * VISITORS / self.rate if n % 50 else 0)

    def guess_passwords(self) -> None:
        """Try wrong passwords until the end, and sometimes the right one."""
        dice = random.Random(self.dice.random())
        guesses = [VIEWER_PASSWORD, "", "a wrong password", "\N{SNOWMAN}" * 100]
        url = "/w/closed/balance/unlock"
        while time.monotonic() < self.ends:
            began = time.time()
            try:
                with requests.post(
                    self.url + url,
                    {"password": dice.choice(guesses)},
                    headers={"Accept-Encoding": "gzip"},
                    timeout=PATIENCE,
                    stream=True,
                ) as response:
                    body = response.raw.read(decode_content=False)
                    self.check(url, "closed", response, body, began)
            except requests.RequestException as error:
                self.report_wrong(f"{url}: {type(error).__name__}")
            left = self.ends - time.monotonic()
            time.sleep(max(0.0, min(dice.uniform(0, 2) * SECONDS_BETWEEN_PASSWORDS, left)))

    def check(
        self, path: str, account: str, response: requests.Response, body: bytes, began: float
    ) -> None:
        """Check a response."""
        elapsed = time.time() - began
        status = response.status_code
        kind = response.headers.get("Content-Type", "")
        encoding = response.headers.get("Content-Encoding", "")
        text = DECODERS[encoding](body)
        masked = re.sub("token=.*", "token=…", path)
        self.seen[str(status)] += 1
        if elapsed > DEADLINE + TOLERANCE:
            self.report_wrong(f"{masked}: {elapsed:.1f} s")
        if account == "closed":
            self.check_privacy(masked, response)
        if not kind.startswith("image/"):
            self.check_for_leaks(masked, text.decode())
        if status == 503 and ".png" in path:
            # Perhaps there were too many pictures at the same time, whatever figures are cached. A
            # picture does not contain the code of its error.
            self.seen["503 of a PNG"] += 1
        elif status in ERRORS:
            self.check_error(masked, response, text)
        elif status not in expected_statuses(path, account):
            self.report_wrong(f"{masked}: {status} {text[:200]!r}")
        if status == 200 and kind == "application/json":
            self.check_age(masked, json.loads(text))

    def check_privacy(self, path: str, response: requests.Response) -> None:
        """Responses of closed accounts are not stored, and not compressed because of BREACH."""
        is_public = "public" in response.headers["Cache-Control"]
        if is_public or "Content-Encoding" in response.headers:
            self.report_wrong(f"{path}: a private response that may be stored or was compressed")

    def check_for_leaks(self, path: str, text: str) -> None:
        """No response contains secrets."""
        for hidden in HIDDEN:
            if hidden in text:
                self.report_wrong(f"{path}: {hidden!r} in the response")

    def check_error(self, path: str, response: requests.Response, text: bytes) -> None:
        """Errors are expected ones, and only sent if there are no cached figures."""
        if (
            response.status_code == 503
            and not 1 <= int(response.headers.get("Retry-After", "0")) <= 1000
        ):
            self.report_wrong(f"{path}: 503 without a sane Retry-After")
        if response.headers["Content-Type"] == "application/json":
            code = json.loads(text)["error"]["code"]
            self.seen[code] += 1
            if code not in ERRORS[response.status_code]:
                self.report_wrong(f"{path}: {response.status_code} {code}")
        newest = self.newest.get(resource_of(path), NOTHING)
        age = time.time() - newest.as_of
        # A worker that waits after a failure looks now and then whether the other has figures.
        are_known = time.time() - newest.seen_at > TOLERANCE
        if are_known and age < MAX_AGE - TOLERANCE:
            self.report_wrong(
                f"{path}: {response.status_code}, though figures of {age:.0f} s ago are cached"
            )

    def check_age(self, path: str, response: dict[str, object]) -> None:
        """Figures are never older than the limit, and old ones are marked as stale."""
        as_of = datetime.fromisoformat(str(response["as_of"])).timestamp()
        age = time.time() - as_of
        if path.startswith("/w/delayed"):
            if age < DELAY:
                self.report_wrong(f"{path}: only {age:.1f} s old")
            # One snapshot is taken every quarter of a minute, and may be late.
            age -= DELAY + 15 + 30
        self.seen["stale" if response["stale"] else "fresh"] += 1
        if age > MAX_AGE + TOLERANCE:
            self.report_wrong(f"{path}: {age:.0f} s old")
        # Twice the TTL, a second of max-age, and a second because as_of is rounded. Older figures
        # are not marked if the call for them has only just begun, after others for the same widget.
        if not response["stale"] and age > 2 * TTL + 2 + TOLERANCE:
            self.seen["old and not marked"] += 1
        with self.lock:
            key = resource_of(path)
            if as_of > self.newest.get(key, NOTHING).as_of:
                self.newest[key] = Figures(as_of, time.time())

    def cause_faults(self) -> None:
        """Everything that can go wrong with the API, one fault after the other, with pauses."""
        while time.monotonic() < self.ends:
            fault = Fault(
                self.dice.choice(FAULTS),
                self.dice.choice(FUNCTIONS),
                seconds=self.dice.choice([0.05, 0.5, 5.0]),
                megabytes=16,
            )
            self.sandbox.faults.append(fault)
            self.seen[f"fault {fault.fault}"] += 1
            left = self.ends - time.monotonic()
            # Sometimes long enough for the cached figures to become too old.
            duration = self.dice.choice([1, 3, 6])
            if left > 4 * MAX_AGE and self.dice.random() < 0.1:
                duration = MAX_AGE + 8
            time.sleep(max(0.0, min(duration, left)))
            self.sandbox.faults.clear()
            time.sleep(max(0.0, min(self.dice.uniform(1, 8), self.ends - time.monotonic())))


WIDGETS = [widget for widget in registry.discover().values() if widget.by_default]
LANGUAGES = ["", *sorted(path.stem for path in paths.locales().glob("*.po")), "tlh"]


def some_addresses() -> list[tuple[str, str, str, str]]:
    """Account, widget, suffix and query of a limited number of URLs.

    Limited, so that the caches fill up and then grow no more.
    """
    rng = random.Random(1)
    addresses = []
    for slug, widget in itertools.product(("open", "newer", "delayed", "closed"), WIDGETS):
        suffixes = ["", ".json", ".svg", ".png"] if widget.picture else ["", ".json"]
        for suffix in suffixes:
            for language in rng.sample(LANGUAGES, 2):
                options = [f"lang={language}", rng.choice(["", "theme=dark", "title=0"])]
                query = "&".join(option for option in options if option not in ("", "lang="))
                addresses.append((slug, widget.name, suffix, query))
    return addresses


ADDRESSES = some_addresses()


def address(rng: random.Random) -> tuple[str, str]:
    """A random URL, and the account that it belongs to."""
    slug, name, suffix, query = rng.choice(ADDRESSES)
    options = [query] if query else []
    if rng.random() < 0.1:
        # One of so many URLs that hardly any is requested twice.
        options.append(f"accent={rng.randrange(2**24):06x}")
    if slug == "closed":
        # Most tokens are valid, some have expired, and some requests have none.
        seconds = rng.choice([60, 60, 60, -60, 0])
        if seconds:
            claims = {"sub": f"closed/{name}", "exp": int(time.time()) + seconds}
            options.append(f"token={jwt.encode(claims, SECRET)}")
    path = f"/w/{slug}/{name}{suffix}"
    return f"{path}?{'&'.join(options)}" if options else path, slug


def expected_statuses(path: str, account: str) -> tuple[int, ...]:
    """The statuses of responses to requests that nothing prevents."""
    if path.endswith("/unlock"):
        return (200, 401, 429)
    if account == "closed":
        # Some requests have no token or an expired one.
        return (200, 304, 401)
    return (200, 304)


def resource_of(path: str) -> str:
    """What a URL shows in any format, for widgets that need a single call."""
    found = re.match(r"/w/[a-z]+/(balance|open-trades)(?=[.?]|$)", path)
    return found[0] if found and not path.startswith("/w/delayed") else path


CACHES = ("SimpleCache", "FileSystemCache", "RedisCache")


def arguments() -> argparse.Namespace:
    """What was given on the command line."""
    parser = argparse.ArgumentParser(prog="soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--cache", choices=CACHES, default="FileSystemCache")
    parser.add_argument("--rate", type=float, default=REQUESTS_PER_SECOND, help="requests/s")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    if given.workers > 1 and given.cache == "SimpleCache":
        parser.error("several workers have to share a cache: choose another one")
    return given


@contextmanager
def cache_table(kind: str, folder: Path) -> Iterator[str]:
    """The settings of a cache; Redis runs as long as they are used."""
    if kind == "RedisCache":
        port = processes.free_port()
        with processes.redis_server(folder, port):
            yield f'type = "{kind}"\nredis_url = "redis://127.0.0.1:{port}/0"'
    else:
        yield f'type = "{kind}"\ndir = "{folder / "cache"}"'


@contextmanager
def service(
    folder: Path, upstream: str, given: argparse.Namespace
) -> Iterator[tuple[str, Program]]:
    """The service under test: its URL and its main process."""
    with cache_table(given.cache, folder) as cache:
        toml = TOML.format(upstream=upstream, cache=cache)
        with processes.service(
            folder,
            "soak",
            toml,
            workers=given.workers,
            SOAK_SECRET=SECRET,
            SOAK_PASSWORD=PASSWORD,
            SOAK_HASH=generate_password_hash(VIEWER_PASSWORD, "scrypt"),
        ) as started:
            yield started


def main() -> None:
    """Run the soak test and print its results."""
    given = arguments()
    print(
        f"soak: {given.seconds:.0f} s, {given.workers} workers, {given.cache}, --seed {given.seed}",
        flush=True,
    )
    sandbox = FaultySandbox(clock=time.time)
    with (
        tempfile.TemporaryDirectory() as folder,
        serve_sandbox(sandbox.app) as upstream,
        service(Path(folder), upstream, given) as (url, program),
    ):
        ends = time.monotonic() + given.seconds
        soak = Soak(url, sandbox, ends, random.Random(given.seed), given.rate)
        used = run(soak, program, min(1.0, given.seconds / 60))
        check_growth(soak, used)
        check_recovery(soak)
        if program.end() != 0:
            soak.report_wrong(f"it ended with {program.process.returncode}")
        check_log(soak, program.text())
    report(soak, used, given.seconds)


def run(soak: Soak, program: Program, interval: float) -> list[Usage]:
    """Send requests until the end; returns what the service used, once per interval (seconds)."""
    used: list[Usage] = []
    with ThreadPoolExecutor(VISITORS + 2) as pool:
        running = [pool.submit(soak.visitor, n) for n in range(VISITORS)]
        running.append(pool.submit(soak.guess_passwords))
        running.append(pool.submit(soak.cause_faults))
        while not all(job.done() for job in running):
            used.append(usage(program))
            time.sleep(interval)
        for job in running:
            job.result()
    return used


def check_growth(soak: Soak, used: list[Usage]) -> None:
    """Once the service has seen everything, it must not grow any more."""
    quarter = max(1, len(used) // 4)
    before, after = used[quarter : 2 * quarter], used[-quarter:]
    measures: dict[str, tuple[Callable[[Usage], float], float]] = {
        # In the first minutes, threads, connections and catalogues are still being created.
        "MiB": (lambda u: u.mebibytes, 48 if len(used) > 600 else 160),
        "descriptors": (lambda u: u.descriptors, 32),
        "threads": (lambda u: u.threads, 32),
    }
    for name, (measure, allowed) in measures.items():
        earlier, later = median(map(measure, before)), median(map(measure, after))
        if later > earlier + allowed:
            soak.report_wrong(
                f"{name}: {earlier:.0f} in the second quarter, {later:.0f} in the last"
            )


def check_recovery(soak: Soak) -> None:
    """When the API works again, the figures recover by themselves."""
    soak.sandbox.faults.clear()
    give_up = time.monotonic() + 330  # the longest pause between two attempts, and its jitter
    while time.monotonic() < give_up:
        response = requests.get(f"{soak.url}/w/open/balance.json", timeout=PATIENCE)
        if response.status_code == 200 and not response.json()["stale"]:
            return
        time.sleep(0.5)
    soak.report_wrong("the API works again, but the figures are still stale")


def check_log(soak: Soak, text: str) -> None:
    """The log consists of lines of JSON without secrets and without unexpected errors."""
    for line in text.splitlines():
        # The warnings that a command prints before the server starts are for people.
        if line.startswith("cabinet-widgets: "):
            continue
        try:
            record = json.loads(line)
        except ValueError:
            soak.report_wrong(f"logged, but not as JSON: {line[:300]}")
            continue
        if record["level"] in ("error", "critical"):
            soak.report_wrong(f"logged: {record['message']} {record.get('exception', '')[-300:]}")
    soak.check_for_leaks("the log", text)


FIRST_MINUTES = 10
"""Until then, caches fill up and threads are created."""


def print_curve(used: list[Usage], seconds: float) -> None:
    """Print what the service used in each minute after the first ones: the medians."""
    minutes = int(seconds // 60)
    for minute in range(FIRST_MINUTES, minutes):
        first = minute * len(used) // minutes
        last = (minute + 1) * len(used) // minutes
        part = used[first:last]
        mebibytes = median(one.mebibytes for one in part)
        descriptors = median(one.descriptors for one in part)
        threads = median(one.threads for one in part)
        print(
            f"soak: minute {minute + 1}: {mebibytes:.0f} MiB, {descriptors:.0f} descriptors,"
            f" {threads:.0f} threads"
        )


def report(soak: Soak, used: list[Usage], seconds: float) -> None:
    """Print what was seen; exit with 1 if something is wrong."""
    for name, count in sorted(soak.seen.items()):
        print(f"soak: {name}: {count}")
    print_curve(used, seconds)
    for what in ("mebibytes", "descriptors", "threads"):
        figures = [getattr(one, what) for one in used]
        print(
            f"soak: {what}: first {figures[0]:.0f}, median {median(figures):.0f},"
            f" last {figures[-1]:.0f}"
        )
    if not soak.seen["200"] or not soak.seen["fresh"]:
        soak.report_wrong("no response contained figures")
    if soak.seen["old and not marked"] > soak.seen["200"] / 100:
        soak.report_wrong("more than 1% of the figures were old and not marked")
    print(f"soak: {len(soak.wrong)} problems found" if soak.wrong else "soak: everything is fine")
    sys.exit(bool(soak.wrong))


main()
