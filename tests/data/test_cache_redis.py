"""The cache of several machines, on a real Redis server."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from conftest import Clock
from flask import Flask
from flask_caching import Cache
from processes import until
from programs import find_program
from test_cache import PATIENCE, START, Upstream

from widget.data.cache import CachedValue, Environment, FreshCache
from widget.data.locks import redis_locks, redis_options
from widget.errors import Refused

pytestmark = pytest.mark.programs


class Server:
    """A Redis server that can be stopped, started again, and made to hang."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = f"unix://{directory}/redis.sock?db=0"
        self.client = redis.Redis.from_url(self.url)

    def start(self) -> None:
        arguments = [
            "--port",
            "0",
            "--unixsocket",
            "redis.sock",
            "--save",
            "",
            "--appendonly",
            "no",
        ]
        command = [find_program("redis-server"), *arguments]
        self.process = subprocess.Popen(
            command, cwd=self.directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        until(self._responds)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    @contextmanager
    def hanging(self) -> Iterator[None]:
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    def _responds(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False


@pytest.fixture(scope="module")
def shared() -> Iterator[Server]:
    # Not in tmp_path, whose name may be too long for a socket.
    with tempfile.TemporaryDirectory() as directory:
        server = Server(Path(directory))
        server.start()
        yield server
        server.stop()
        server.client.close()


@pytest.fixture
def server(shared: Server) -> Server:
    shared.client.flushall()
    return shared


@contextmanager
def machine(
    server: Server, clock: Clock | None = None, lock_seconds: float = 20
) -> Iterator[FreshCache]:
    """The cache of one machine, with its own connections."""
    options = {
        "CACHE_TYPE": "RedisCache",
        "CACHE_REDIS_URL": server.url,
        "CACHE_OPTIONS": redis_options(),
    }
    store = Cache(Flask("test"), config=options)
    client = redis.Redis.from_url(server.url, **redis_options())
    lock = redis_locks(client, lock_seconds)
    cache = FreshCache(
        store,
        keep_seconds=3600,
        lock=lock,
        environment=Environment(clock=clock or Clock(START)),
    )
    yield cache
    cache.close()
    client.close()
    store.cache._write_client.close()  # type: ignore[attr-defined]


@contextmanager
def visitors(*caches: FreshCache, upstream: Upstream) -> Iterator[list[Future[CachedValue[int]]]]:
    """Twenty visitors at each machine."""
    with ThreadPoolExecutor(20 * len(caches)) as pool:
        yield [
            pool.submit(cache.get, "k", 15, upstream, PATIENCE)
            for cache in caches
            for _ in range(20)
        ]
        upstream.gate.set()


def are_calling(*caches: FreshCache) -> bool:
    """Whether each of the machines makes a call, or waits for the lock to make it."""
    return all(cache._flights.get("k") is not None for cache in caches)


def locks(server: Server) -> list[bytes]:
    return list(server.client.scan_iter("cabinet-lock:*"))


def test_two_machines_make_one_call_and_leave_no_lock(server: Server) -> None:
    upstream = Upstream()
    upstream.gate.clear()
    with machine(server) as first, machine(server) as second:
        with visitors(first, second, upstream=upstream) as results:
            assert upstream.entered.acquire(timeout=PATIENCE)
            assert len(locks(server)) == 1
            until(lambda: are_calling(first, second))
            upstream.gate.set()
            assert {result.result(PATIENCE).value for result in results} == {1}
        assert upstream.calls == 1
        assert locks(server) == []


def test_two_machines_make_one_call_to_refresh_an_old_value_and_nobody_waits(
    server: Server,
) -> None:
    upstream, clock = Upstream(), Clock(START)
    with machine(server, clock) as first, machine(server, clock) as second:
        for cache in (first, second):
            assert cache.get("k", 15, upstream, PATIENCE).value == 1
        clock.now += 20
        upstream.gate.clear()
        with visitors(first, second, upstream=upstream) as results:
            assert {result.result(PATIENCE).value for result in results} == {1}
            assert not upstream.gate.is_set()
        for cache in (first, second):
            until(lambda cache=cache: cache.get("k", 15, upstream, PATIENCE).value == 2)  # type: ignore[misc]
        assert upstream.calls == 2


def test_a_failure_on_one_machine_is_one_on_the_other(server: Server) -> None:
    upstream = Upstream()
    upstream.gate.clear()
    upstream.error = Refused("no")
    with machine(server) as first, machine(server) as second:
        with visitors(first, second, upstream=upstream) as results:
            assert upstream.entered.acquire(timeout=PATIENCE)
            until(lambda: are_calling(first, second))
            upstream.gate.set()
            assert {type(result.exception(PATIENCE)) for result in results} == {Refused}
        assert upstream.calls == 1
    with machine(server) as third, pytest.raises(Refused):
        third.get("k", 15, upstream, PATIENCE)
    assert upstream.calls == 1


PROCESS = """
import sys, time
from flask_caching.backends.rediscache import RedisCache
from redis import Redis
from widget.data.cache import FreshCache
from widget.data.locks import redis_locks

client = Redis.from_url(sys.argv[1])
store = RedisCache(client, key_prefix="flask_cache_")
cache = FreshCache(store, keep_seconds=60, lock=redis_locks(client, 1))

def fetch():
    print("calling", flush=True)
    time.sleep(60)

cache.get("k", 15, fetch, 60)
"""


def test_the_lock_of_a_process_that_was_killed_expires(server: Server) -> None:
    upstream = Upstream()
    arguments = [sys.executable, "-c", PROCESS, server.url]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "calling\n"
        process.kill()
    assert len(locks(server)) == 1
    with machine(server, lock_seconds=5) as cache:
        assert cache.get("k", 15, upstream, PATIENCE).value == 1
    assert locks(server) == []


def test_redis_may_go_and_come_back(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    upstream, clock = Upstream(), Clock(START)
    with machine(server, clock) as first, machine(server, clock) as second:
        first.get("k", 15, upstream, PATIENCE)
        server.stop()
        try:
            assert first.get("k", 15, upstream, PATIENCE).value == 1
            clock.now += 20
            assert first.get("k", 15, upstream, PATIENCE).value == 1
            until(lambda: first.get("k", 15, upstream, PATIENCE).value == 2)
            for number in range(50):
                assert second.get(f"other-{number}", 15, upstream, PATIENCE).value == 3 + number
            assert 3 <= len(caplog.records) <= 6, "each machine logs once what fails"
        finally:
            server.start()
        calls = upstream.calls
        clock.now += 20
        first.get("k", 15, upstream, PATIENCE)
        until(lambda: first.get("k", 15, upstream, PATIENCE).value == calls + 1)
        clock.now += 6  # the second machine tries Redis again
        assert second.get("k", 15, upstream, PATIENCE).value == calls + 1
        assert upstream.calls == calls + 1


def test_redis_may_go_while_another_machine_waits_for_its_lock(server: Server) -> None:
    upstream = Upstream()
    upstream.gate.clear()
    with (
        machine(server) as first,
        machine(server) as second,
        visitors(first, second, upstream=upstream) as results,
    ):
        assert upstream.entered.acquire(timeout=PATIENCE)
        until(lambda: are_calling(first, second))
        server.stop()
        try:
            assert upstream.entered.acquire(timeout=PATIENCE), "the other goes on by itself"
            upstream.gate.set()
            assert {result.result(PATIENCE).value for result in results} == {1, 2}
        finally:
            server.start()


def test_nobody_waits_for_a_redis_that_hangs_if_a_value_is_cached(server: Server) -> None:
    upstream, clock = Upstream(), Clock(START)
    with machine(server, clock) as cache, ThreadPoolExecutor(1) as visitor:
        cache.get("k", 15, upstream, PATIENCE)
        clock.now += 20
        readers = spied_on(cache)
        with server.hanging():
            for _ in range(20):
                assert cache.get("k", 15, upstream, PATIENCE).value == 1
            assert threading.current_thread() not in readers, (
                "only the call in the background uses Redis"
            )
            new = visitor.submit(cache.get, "new", 15, upstream, PATIENCE)
            assert new.result(3 * PATIENCE).value > 1, "although Redis still hangs"


def spied_on(cache: FreshCache) -> list[threading.Thread]:
    """The threads that read from the store of a cache from now on."""
    threads = list[threading.Thread]()
    get = cache._store.get

    def spy(key: str) -> object:
        threads.append(threading.current_thread())
        return get(key)

    cache._store.get = spy  # type: ignore[method-assign]
    return threads
