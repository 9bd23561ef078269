"""``make soak``: the service as ``serve`` runs it, under a steady load, while its API fails in every way there is.

Every answer is looked at: no error beyond the designed ones, no figure that is older than it says or than it may be, no
secret, no wait beyond the deadline. And the process: no memory, descriptor or thread that it does not give back.
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
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median

import brotli
import jwt
import processes
import requests
from faults import FAULTS, Fault, FaultySandbox
from processes import PATIENCE

from widget import paths, registry
from widget.sandbox_api import serve_sandbox
from widget.sandbox_book import PERSONAL

FRESH, KEPT, DEADLINE = 2, 40, 2.0  # seconds
BUSY = 4.0  # seconds that a machine with other work may add to anything
VISITORS, PER_SECOND = 8, 40
SECRET = "the secret of an embedding page of 32 bytes and more"
PASSWORD = "sandbox-password"
HIDDEN = [*PERSONAL.values(), SECRET, PASSWORD, "1000001", "1000002"]
FUNCTIONS = [
    None,
    None,
    "RequestBalanceInformation",
    "RequestOpenTrades",
    "RequestClosedTrades",
    "GetOpenTrades",
]
ERRORS = {502: {"upstream_refused", "upstream_unreadable"}, 503: {"upstream_unavailable"}}
FRESHNESS = ", ".join(
    f"{name} = {FRESH}"
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
keep_seconds = {KEPT}
[api]
base_url = "{{upstream}}"
deadline_seconds = {DEADLINE}
max_response_bytes = 8388608
[accounts.open]
login = 1000001
ttl_seconds = {{{{ {FRESHNESS} }}}}
[accounts.newer]
login = 1000002
password_env = "SOAK_PASSWORD"
ttl_seconds = {{{{ {FRESHNESS} }}}}
api.dialect = "cabinet-basic"
[accounts.delayed]
login = 1000001
delay_minutes = 5
amounts = "percent"
ttl_seconds = {{{{ {FRESHNESS} }}}}
[accounts.closed]
login = 1000002
password_env = "SOAK_PASSWORD"
access = "closed"
embed_secret_env = "SOAK_SECRET"
ttl_seconds = {{{{ {FRESHNESS} }}}}
"""


@dataclass
class Usage:
    """What a process holds."""

    mebibytes: float
    descriptors: int
    threads: int


def usage(pid: int) -> Usage:
    """What a process holds now."""
    proc = Path(f"/proc/{pid}")
    resident = int((proc / "statm").read_text().split()[1]) * resource.getpagesize() / 2**20
    return Usage(resident, len(os.listdir(proc / "fd")), len(os.listdir(proc / "task")))


@dataclass
class Soak:
    """A service under load, and what is wrong with it."""

    url: str
    sandbox: FaultySandbox
    ends: float
    dice: random.Random
    seen: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    newest: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def accuse(self, what: str) -> None:
        """Note what is wrong."""
        with self.lock:
            self.wrong.append(f"{datetime.now():%H:%M:%S} {what}")  # noqa: DTZ005  # the reader's own time
            print(f"soak: WRONG: {self.wrong[-1]}", file=sys.stderr, flush=True)

    def visitor(self, number: int) -> None:
        """Somebody who asks for this and that until the end."""
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
                ) as answer:
                    self.look(path, account, answer, answer.raw.read(decode_content=False), began)
                    if answer.status_code == 200 and "token" not in path:
                        tags[path] = answer.headers["ETag"]
            except requests.RequestException as error:
                self.accuse(f"{path}: {type(error).__name__}")
            if time.monotonic() > self.ends:
                return
            time.sleep(dice.uniform(0, 2) * VISITORS / PER_SECOND if n % 50 else 0)

    def look(
        self, path: str, account: str, answer: requests.Response, body: bytes, began: float
    ) -> None:
        """Judge an answer."""
        took, status = time.time() - began, answer.status_code
        shown = path.replace(path.partition("token=")[2], "…") if "token=" in path else path
        encoding = answer.headers.get("Content-Encoding")
        text = {"br": brotli.decompress, "gzip": gzip.decompress}.get(encoding or "", bytes)(body)
        kind = answer.headers.get("Content-Type", "")
        self.seen[str(status)] += 1
        if took > DEADLINE + BUSY:
            self.accuse(f"{shown}: {took:.1f} s")
        if account == "closed" and ("public" in answer.headers["Cache-Control"] or encoding):
            self.accuse(f"{shown}: a private answer that may be kept or was compressed")
        if not kind.startswith("image/"):
            self.accuse_of_leaks(shown, text.decode())
        if status in (200, 304) or (
            account == "closed" and status == 401 and "token=good" not in path
        ):
            pass
        elif status in ERRORS:
            self.look_at_error(shown, answer, text)
        else:
            self.accuse(f"{shown}: {status} {text[:200]!r}")
        if status == 200 and kind == "application/json":
            self.look_at_age(shown, json.loads(text))

    def accuse_of_leaks(self, path: str, text: str) -> None:
        """No answer holds what is nobody's business."""
        for hidden in HIDDEN:
            if hidden in text:
                self.accuse(f"{path}: {hidden!r} in the answer")

    def look_at_error(self, path: str, answer: requests.Response, text: bytes) -> None:
        """An error is one of the designed ones, and only shown where there are no figures to show instead."""
        if (
            answer.status_code == 503
            and not 1 <= int(answer.headers.get("Retry-After", "0")) <= 1000
        ):
            self.accuse(f"{path}: 503 without a sane Retry-After")
        if answer.headers["Content-Type"] == "application/json":
            code = json.loads(text)["error"]["code"]
            self.seen[code] += 1
            if code not in ERRORS[answer.status_code]:
                self.accuse(f"{path}: {answer.status_code} {code}")
        age = time.time() - self.newest.get(resource_of(path), 0)
        if age < KEPT - BUSY:
            self.accuse(f"{path}: {answer.status_code}, though figures of {age:.0f} s ago are kept")

    def look_at_age(self, path: str, answer: dict[str, object]) -> None:
        """Figures are never older than the limit, and what is old says so."""
        as_of = datetime.fromisoformat(str(answer["as_of"])).timestamp()
        age = time.time() - as_of
        self.seen["stale" if answer["stale"] else "fresh"] += 1
        if age > KEPT + BUSY:
            self.accuse(f"{path}: {age:.0f} s old")
        # Twice the time that counts as fresh; a second of max-age, and one that as_of is rounded by.
        if not answer["stale"] and age > 2 * FRESH + 2 + BUSY:
            self.accuse(f"{path}: {age:.1f} s old and not marked")
        with self.lock:
            key = resource_of(path)
            self.newest[key] = max(self.newest.get(key, 0), as_of)

    def misfortune(self) -> None:
        """Whatever can go wrong with the API, one thing after the other, with a rest between."""
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
            # Now and then long enough for what is kept to grow too old.
            lasts = (
                KEPT + 8
                if left > 4 * KEPT and self.dice.random() < 0.1
                else self.dice.choice([1, 3, 6])
            )
            time.sleep(max(0.0, min(lasts, left)))
            self.sandbox.faults.clear()
            time.sleep(max(0.0, min(self.dice.uniform(1, 8), self.ends - time.monotonic())))


WIDGETS = [
    w
    for w in registry.discover(paths.templates()).values()
    if w.name not in ("logins", "commissions")
]
LANGUAGES = ["", *sorted(path.stem for path in paths.locales().glob("*.po")), "tlh"]
_CHOSEN = random.Random(1)
# A bounded number of addresses: what is kept of them fills up, and then no more is.
ADDRESSES = [
    (slug, widget.name, suffix, query)
    for slug in ("open", "newer", "delayed", "closed")
    for widget in WIDGETS
    for suffix in ("", ".json", *((".svg", ".png") if widget.picture else ()))
    for query in {
        "&".join(
            filter(
                None,
                (language and f"lang={language}", _CHOSEN.choice(["", "theme=dark", "title=0"])),
            )
        )
        for language in _CHOSEN.sample(LANGUAGES, 2)
    }
]


def address(dice: random.Random) -> tuple[str, str]:
    """Something to ask for, and the account that it is of."""
    slug, name, suffix, query = dice.choice(ADDRESSES)
    if slug == "closed" and (seconds := dice.choice([60, 60, 60, -60, 0])):
        token = jwt.encode({"sub": f"closed/{name}", "exp": int(time.time()) + seconds}, SECRET)
        query += f"&token={token}"
    return f"/w/{slug}/{name}{suffix}" + (f"?{query.removeprefix('&')}" if query else ""), slug


def resource_of(path: str) -> str:
    """What an address shows, whichever way: widgets of one call only."""
    found = re.match(r"/w/[a-z]+/(balance|open-trades)(?=[.?]|$)", path)
    return found[0] if found and not path.startswith("/w/delayed") else path


def main() -> None:
    """Soak, and say what came of it."""
    parser = argparse.ArgumentParser(prog="soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    print(f"soak: {given.seconds:.0f} s, --seed {given.seed}", flush=True)
    simulated = create_sandbox(clock=time.time)
    sandbox: Sandbox = simulated.extensions["sandbox"]
    with tempfile.TemporaryDirectory() as folder, serve_sandbox(simulated) as upstream:
        toml = TOML.format(upstream=upstream)
        with processes.service(
            Path(folder), "soak", toml, SOAK_SECRET=SECRET, SOAK_PASSWORD=PASSWORD
        ) as (
            url,
            program,
        ):
            pid = program.children()[-1]
            soak = Soak(url, sandbox, time.monotonic() + given.seconds, random.Random(given.seed))
            used: list[Usage] = []
            with ThreadPoolExecutor(VISITORS + 1) as pool:
                running = [pool.submit(soak.visitor, n) for n in range(VISITORS)]
                running.append(pool.submit(soak.misfortune))
                while not all(job.done() for job in running):
                    used.append(usage(pid))
                    time.sleep(min(1.0, given.seconds / 60))
                for job in running:
                    job.result()
            grown(soak, used)
            recovered(soak)
            if program.end() != 0:
                soak.accuse(f"it ended with {program.process.returncode}")
            logged(soak, program.text())
    report(soak, used)


def grown(soak: Soak, used: list[Usage]) -> None:
    """What a service holds once it has seen everything does not grow any more."""
    quarter = max(1, len(used) // 4)
    before, after = used[quarter : 2 * quarter], used[-quarter:]
    measures: dict[str, tuple[Callable[[Usage], float], float]] = {
        # In the first minutes threads, connections and catalogues are still being made.
        "MiB": (lambda u: u.mebibytes, 24 if len(used) > 600 else 96),
        "descriptors": (lambda u: u.descriptors, 16),
        "threads": (lambda u: u.threads, 16),
    }
    for name, (measure, allowed) in measures.items():
        earlier, later = median(map(measure, before)), median(map(measure, after))
        if later > earlier + allowed:
            soak.accuse(f"{name}: {earlier:.0f} in the second quarter, {later:.0f} in the last")


def recovered(soak: Soak) -> None:
    """When the API is well again, so are the figures, by themselves."""
    soak.sandbox.faults.clear()
    give_up = time.monotonic() + 330  # the longest pause between two attempts, and its jitter
    while time.monotonic() < give_up:
        answer = requests.get(f"{soak.url}/w/open/balance.json", timeout=PATIENCE)
        if answer.status_code == 200 and not answer.json()["stale"]:
            return
        time.sleep(0.5)
    soak.accuse("the API is well again, and the figures are not")


def logged(soak: Soak, text: str) -> None:
    """The log is lines of JSON without secrets, and without trouble that nobody thought of."""
    for line in text.splitlines():
        record = json.loads(line)
        if record["level"] in ("error", "critical"):
            soak.accuse(f"logged: {record['message']} {record.get('exception', '')[-300:]}")
    soak.accuse_of_leaks("the log", text)


def report(soak: Soak, used: list[Usage]) -> None:
    """Print what was seen; exit 1 if something is wrong."""
    for name, count in sorted(soak.seen.items()):
        print(f"soak: {name}: {count}")
    for what in ("mebibytes", "descriptors", "threads"):
        figures = [getattr(one, what) for one in used]
        print(
            f"soak: {what}: first {figures[0]:.0f}, median {median(figures):.0f}, last {figures[-1]:.0f}"
        )
    if not soak.seen["200"] or not soak.seen["fresh"]:
        soak.accuse("nobody saw any figures")
    print(f"soak: {len(soak.wrong)} things are wrong" if soak.wrong else "soak: all is well")
    sys.exit(bool(soak.wrong))


main()
