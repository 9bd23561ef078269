"""The limits of password attempts: by address, by account, by process, and between processes."""

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import processes
import pytest
import requests
from conftest import Clock
from hypothesis import given
from hypothesis import strategies as st
from limits.errors import StorageError
from scripted import InProcess, Script, running
from test_closed import CLOSED, HASH, unlock
from test_fuzz import send_request
from test_privacy import responses

from widget.web import attempt_file, passwords
from widget.web.attempt_file import AttemptFile

SERVER = '[server]\ntrusted_proxies = 1\n[api]\nbase_url = "http://127.0.0.1:9"\n'
ACCOUNT = (
    '[accounts.main]\nlogin = 5\naccess = "closed"\nviewer_password_hash_env = "VIEWER_HASH"\n'
)


@pytest.fixture
def start() -> Iterator[Callable[..., InProcess]]:
    """Starts a service in this process: ``start(accounts={...}, server={...}, clock=…)``."""
    with ExitStack() as stack:
        yield lambda **more: running(stack, Script(responses()), **more)


def attempt(url: str, password: str = "guess") -> int:
    """The status of an attempt on its own connection, so that every worker gets some."""
    response = requests.post(
        f"{url}/w/main/balance/unlock",
        data={"password": password},
        headers={"Connection": "close", "X-Forwarded-For": "203.0.113.5"},
        timeout=processes.PATIENCE,
    )
    return response.status_code


@pytest.mark.programs
@pytest.mark.parametrize("cache", ["SimpleCache", "FileSystemCache"])
def test_ten_attempts_a_minute_are_allowed_however_many_workers_there_are_and_die(
    cache: str, tmp_path: Path
) -> None:
    folder = tmp_path / "cache"
    toml = f'{SERVER}[cache]\ntype = "{cache}"\ndir = "{folder}"\n{ACCOUNT}'
    with processes.service(tmp_path, "many", toml, workers=2, VIEWER_HASH=HASH) as (url, program):
        assert Counter(attempt(url) for _ in range(24)) == {401: 10, 429: 14}
        died = program.children()
        for worker in died:
            os.kill(worker, signal.SIGKILL)
            # One after the other, as crashes are.
            processes.until(lambda: processes.is_up(f"{url}/healthz"))
        processes.until(lambda: set(program.children()).isdisjoint(died) and program.children())
        processes.until(lambda: processes.is_up(f"{url}/healthz"))
        assert Counter(attempt(url) for _ in range(12)) == {429: 12}


def test_sixty_wrong_passwords_a_minute_for_an_account_whatever_their_addresses(
    start: Callable[..., InProcess],
) -> None:
    service = start(accounts={"main": CLOSED, "other": CLOSED})

    def guess(number: int) -> int:
        return unlock(service, "guess", address=f"198.51.100.{number}")

    assert [guess(number) for number in range(61)] == [401] * 60 + [429]
    assert unlock(service, "open sesame", address="203.0.113.5") == 429
    assert unlock(service, "open sesame", address="203.0.113.5", slug="other") == 200


def unlock_page(service: InProcess, password: str, slug: str) -> int:
    """The status of an attempt on the page of an account."""
    body = f"password={quote(password)}".encode()
    headers = {
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "REMOTE_ADDR": "198.51.100.7",
    }
    return send_request(service, "POST", f"/a/{slug}/unlock", "", body, **headers).status


def test_attempts_on_the_page_of_an_account_count_together_with_those_in_its_widgets(
    start: Callable[..., InProcess],
) -> None:
    service = start(accounts={"main": CLOSED, "other": CLOSED})
    assert [unlock_page(service, "guess", "main") for _ in range(5)] == [401] * 5
    assert [unlock(service, "guess") for _ in range(6)] == [401] * 5 + [429]
    assert unlock_page(service, "open sesame", "main") == 429
    # Somebody who knows the password of another account gets no more attempts by it.
    assert unlock_page(service, "open sesame", "other") == 200
    assert unlock_page(service, "guess", "main") == 429


def test_right_passwords_do_not_count_against_the_account(start: Callable[..., InProcess]) -> None:
    service = start(accounts={"main": CLOSED})
    for number in range(70):
        assert unlock(service, "open sesame", address=f"198.51.100.{number}") == 200


def test_two_passwords_are_checked_at_once_and_few_requests_wait(
    start: Callable[..., InProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each check takes 32 MiB of memory, and whoever waits occupies a thread."""
    service = start(accounts={"main": CLOSED})
    gate = threading.Event()
    lock = threading.Lock()
    checking = [0]
    most = [0]

    def check(_: str, __: str) -> bool:
        with lock:
            checking[0] += 1
            most[0] = max(most[0], checking[0])
        assert gate.wait(processes.PATIENCE)
        with lock:
            checking[0] -= 1
        return False

    monkeypatch.setattr(service.service.attempts, "_check", check)
    allowed = passwords.MAX_CHECKS + passwords.MAX_WAITING
    refused = threading.Semaphore(0)

    def one(number: int) -> int:
        status = unlock(service, "guess", address=f"198.51.100.{number}")
        if status == 429:
            refused.release()
        return status

    with ThreadPoolExecutor(40) as visitors:
        attempts = [visitors.submit(one, number) for number in range(40)]
        for _ in range(40 - allowed):
            assert refused.acquire(timeout=processes.PATIENCE)
        gate.set()
        statuses = Counter(visit.result() for visit in attempts)
    assert statuses == {401: allowed, 429: 40 - allowed}
    assert most == [passwords.MAX_CHECKS]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hit", "hit", "hit", "test", "clear"]),
        st.sampled_from(["one", "two"]),
        st.integers(0, 25),
    ),
    max_size=40,
)


@given(STEPS)
def test_the_file_counts_as_a_list_of_times_does(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, int]]
) -> None:
    clock = Clock(1_800_000_000.0)
    path = tmp_path_factory.mktemp("attempts") / "attempts.sqlite"
    # Each process has its own object.
    files = [AttemptFile(path, clock), AttemptFile(path, clock)]
    times: dict[str, list[float]] = {"one": [], "two": []}
    for number, (what, key, pause) in enumerate(steps):
        clock.now += pause
        file = files[number % 2]
        recent = [at for at in times[key] if at + 60 > clock.now]
        if what == "clear":
            file.clear(key)
            recent = []
        elif what == "test":
            oldest = min(recent, default=clock.now)
            assert file.get_moving_window(key, 3, 60) == (oldest, len(recent))
            assert file.get(key) == len(recent)
        else:
            assert file.acquire_entry(key, 3, 60) == (len(recent) < 3)
            if len(recent) < 3:
                recent.append(clock.now)
        times[key] = recent


def test_attempts_are_counted_in_memory_while_the_file_cannot_be_written(
    start: Callable[..., InProcess], tmp_path: Path
) -> None:
    service = start(
        accounts={"main": CLOSED}, cache={"type": "FileSystemCache", "dir": str(tmp_path)}
    )
    file = tmp_path / "locks" / "attempts.sqlite"
    assert unlock(service, "guess", address="198.51.100.1") == 401
    assert file.exists()
    file.unlink()
    file.mkdir()  # whoever runs the tests may be root, who can write everything
    with pytest.raises(StorageError):
        AttemptFile(file).clear("main")
    assert [unlock(service, "guess") for _ in range(11)] == [401] * 10 + [429]


def test_a_file_that_was_removed_is_created_again(tmp_path: Path) -> None:
    file = AttemptFile(tmp_path / "attempts.sqlite")
    assert file.acquire_entry("main", 1, 60)
    assert not file.acquire_entry("main", 1, 60)
    (tmp_path / "attempts.sqlite").unlink()
    assert file.acquire_entry("main", 1, 60)


def test_threads_of_a_process_wait_for_each_other_and_not_for_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waits for the file in vain counts by itself, which would allow further attempts."""
    monkeypatch.setattr(attempt_file, "_WAIT_SECONDS", 0)
    gate = threading.Event()
    has_begun = threading.Event()

    def clock() -> float:
        # Read within a transaction.
        has_begun.set()
        assert gate.wait(processes.PATIENCE)
        return 1_800_000_000.0

    file = AttemptFile(tmp_path / "attempts.sqlite", clock)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(file.acquire_entry, "main", 1, 60)
        assert has_begun.wait(processes.PATIENCE)
        second = threads.submit(file.acquire_entry, "main", 1, 60)
        with pytest.raises(TimeoutError):
            second.result(timeout=0.2)
        gate.set()
        assert first.result()
        assert not second.result()
