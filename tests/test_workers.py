"""Workers that die, configurations that are replaced, and a main process that is killed."""

import json
import os
import re
import signal
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from itertools import pairwise
from pathlib import Path
from threading import Event

import processes
import pytest
import requests
from conftest import Upstream
from hypothesis import given
from hypothesis import strategies as st
from processes import Program, until

from widget.supervisor import MAX_PAUSE_SECONDS, pause_before_restart

pytestmark = pytest.mark.programs

ACCOUNT = """
[accounts.{slug}]
login = 1000001
widgets = ["balance"]
"""


def configure(folder: Path, upstream: Upstream, *slugs: str) -> str:
    """A ``widgets.toml`` with some accounts, in which the workers share a cache in a folder."""
    accounts = "".join(ACCOUNT.format(slug=slug) for slug in slugs)
    cache = f'[cache]\ntype = "FileSystemCache"\ndir = "{folder / "cache"}"'
    return f'{cache}\n[api]\nbase_url = "{upstream.url}"\n{accounts}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a service; its metrics are in a folder inside."""
    (tmp_path / "metrics").mkdir()
    return tmp_path


@pytest.fixture(params=[1, 2])
def service(
    request: pytest.FixtureRequest, folder: Path, upstream: Upstream
) -> Iterator[tuple[str, Program]]:
    """A service with one worker, and one with two."""
    upstream.reset()
    text = configure(folder, upstream, "main")
    with processes.service(
        folder,
        "service",
        text,
        workers=request.param,
        PROMETHEUS_MULTIPROC_DIR=str(folder / "metrics"),
    ) as started:
        until(lambda: len(started[1].children()) == request.param)
        yield started


def kill_a_worker(program: Program) -> None:
    """Kill a worker and wait until another one has taken its place."""
    before = program.children()
    os.kill(before[0], signal.SIGKILL)
    until(lambda: before[0] not in program.children() and len(program.children()) == len(before))


def status(url: str, slug: str = "main") -> int:
    """The status of a widget; 0 if the connection ended without a response."""
    with suppress(requests.ConnectionError):
        return requests.get(f"{url}/w/{slug}/balance.json", timeout=30).status_code
    return 0


def logged(program: Program, text: str) -> list[str]:
    """The messages in the log that contain a text."""
    messages = [json.loads(line)["message"] for line in program.text().splitlines()]
    return [message for message in messages if text in message]


def test_workers_that_die_again_and_again_are_started_again(service: tuple[str, Program]) -> None:
    url, program = service
    for _ in range(3):
        kill_a_worker(program)
    until(lambda: status(url) == 200)
    assert program.end() == 0


def test_a_worker_that_dies_is_started_again_while_the_file_is_invalid(
    service: tuple[str, Program], folder: Path
) -> None:
    url, program = service
    (folder / "service.toml").write_text("[accounts")
    kill_a_worker(program)
    until(lambda: status(url) == 200)


def test_sighup_with_an_invalid_file_is_one_line_in_the_log_and_changes_nothing(
    service: tuple[str, Program], folder: Path, upstream: Upstream
) -> None:
    url, program = service
    before = program.children()
    mistakes = configure(folder, upstream, "main") + 'colour = "blue"\nsize = 3\n'
    (folder / "service.toml").write_text(mistakes)
    program.process.send_signal(signal.SIGHUP)
    until(lambda: logged(program, "not reloaded"))
    (line,) = logged(program, "not reloaded")
    assert "accounts.main.colour" in line
    assert "accounts.main.size" in line
    assert program.children() == before
    assert status(url) == 200
    assert program.end() == 0


def test_sighup_with_a_valid_file_replaces_the_workers_and_loses_no_request(
    service: tuple[str, Program], folder: Path, upstream: Upstream
) -> None:
    url, program = service
    before = set(program.children())
    outcomes: Counter[int] = Counter()
    stop = Event()

    def load() -> None:
        while not stop.is_set():
            outcomes[status(url)] += 1

    (folder / "service.toml").write_text(configure(folder, upstream, "main", "other"))
    with ThreadPoolExecutor(4) as visitors:
        loading = [visitors.submit(load) for _ in range(4)]
        try:
            program.process.send_signal(signal.SIGHUP)
            until(lambda: not before & set(program.children()))
            until(lambda: status(url, "other") == 200)
        finally:
            stop.set()
        for future in loading:
            future.result()
    # A connection that a worker accepted in its last moment, and did not read from, is closed
    # without a response. Browsers and load balancers repeat such a request.
    assert set(outcomes) <= {200, 0}
    assert outcomes[0] <= 4 * len(before)
    assert len(program.children()) == len(before)
    assert program.end() == 0


NEVER_READY = """
import time

from widget import server, supervisor

supervisor.STOP_SECONDS = 600


def load():
    print("loading", flush=True)
    time.sleep(600)


server.run_server(load, "127.0.0.1", {port}, workers=2)
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_service_stops_at_once_while_its_workers_start(
    how: signal.Signals, tmp_path: Path
) -> None:
    script = NEVER_READY.format(port=processes.free_port())
    with processes.running(tmp_path, "service", sys.executable, "-c", script) as program:
        until(lambda: program.text().count("loading") == 2)
        assert program.end(how) == 0


def test_if_the_main_process_is_killed_its_workers_end_and_free_the_port(
    service: tuple[str, Program],
) -> None:
    url, program = service
    workers = program.children()
    assert workers
    program.process.kill()
    program.process.wait(processes.PATIENCE)
    port = int(url.rpartition(":")[2])

    def is_free() -> bool:
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return True
        return False

    until(is_free)


def test_the_folder_of_a_killed_service_is_removed_at_the_next_start(
    folder: Path, upstream: Upstream
) -> None:
    temporary = folder / "tmp"
    temporary.mkdir()
    text = configure(folder, upstream, "main")

    def started(name: str) -> AbstractContextManager[tuple[str, Program]]:
        return processes.service(folder, name, text, TMPDIR=str(temporary))

    def folders() -> set[Path]:
        return set(temporary.glob("cabinet-widgets-serve-*"))

    with started("first") as (_, first):
        used = folders()
        assert len(used) == 1
        with started("second"):
            assert len(folders()) == 2  # a service that runs keeps its folder
        assert folders() == used
        first.end(signal.SIGKILL)
    assert folders() == used
    with started("third"):
        assert len(folders()) == 1
        assert not folders() & used
    assert folders() == set()


def test_the_metrics_of_a_dead_worker_still_count(service: tuple[str, Program]) -> None:
    url, program = service

    def requests_so_far() -> float:
        text = requests.get(f"{url}/metrics", timeout=30).text
        found = re.findall(r'^cabinet_answers_total\{.*widget="balance".*\} (\S+)$', text, re.M)
        return sum(map(float, found))

    assert status(url) == 200
    before = requests_so_far()
    assert before >= 1
    for pid in program.children():
        os.kill(pid, signal.SIGKILL)
        until(lambda pid=pid: pid not in program.children())  # type: ignore[misc]
    until(lambda: status(url) == 200)
    assert requests_so_far() >= before + 1


@given(deaths=st.integers(1, 10**6))
def test_pauses_begin_with_none_and_grow_to_a_limit(deaths: int) -> None:
    pauses = [pause_before_restart(number) for number in (deaths, deaths + 1)]
    assert all(earlier <= later for earlier, later in pairwise(pauses))
    assert pause_before_restart(1) == 0
    assert pauses[1] >= 1
    assert pauses[1] <= MAX_PAUSE_SECONDS
