"""Freshness, single flight, the last good value, pauses, clocks that jump, stores that fail."""

import logging
import pickle
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import Clock
from effort import examples
from flask import Flask
from flask_caching import Cache
from flask_caching.backends.filesystemcache import FileSystemCache
from flask_caching.backends.simplecache import SimpleCache
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from processes import until

from widget.data.cache import CachedValue, Caller, Entry, Environment, FreshCache
from widget.data.call_threads import CallThreads
from widget.data.locks import file_locks
from widget.errors import CabinetError, NotCalled, NotOffered, Refused, Unavailable, Unreadable

START = 1_800_000_000.0
PATIENCE = 20.0


class Inline(Executor):
    """Runs each call in the caller's thread: what happens in the background has happened when
    ``get`` returns.
    """

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Upstream:
    """Counts its calls and returns their number.

    A test can hold it with a gate, or make it fail.

    Attributes:
        calls: how many have begun.
        ended: how many have ended.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.ended = 0
        self.error: Exception | None = None
        self.entered = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self) -> int:
        self.calls += 1
        number = self.calls
        self.entered.release()
        was_opened = self.gate.wait(PATIENCE)
        self.ended += 1
        assert was_opened
        if self.error:
            raise self.error
        return number


class Broken:
    """A store that fails while ``error`` is set, and counts how often it is used."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.values: dict[str, Any] = {}
        self.timeouts: list[int] = []
        self.gets = 0
        self.sets = 0

    def get(self, key: str) -> Any:
        self.gets += 1
        if self.error:
            raise self.error
        return self.values.get(key)

    def set(self, key: str, value: Any, timeout: int) -> bool:
        self.sets += 1
        if self.error:
            raise self.error
        self.timeouts.append(timeout)
        self.values[key] = value
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


def pinned(clock: Callable[[], float], **more: Callable[[], float]) -> Environment:
    """An environment in which time passes only if a test moves the clock."""
    arguments = {"clock": clock, "timer": clock, "random_fraction": lambda: 0.0}
    return Environment(**(arguments | more))


def inline(store: Any, clock: Clock, **options: Any) -> FreshCache:
    arguments: dict[str, Any] = {
        "keep_seconds": 86400,
        "threads": CallThreads(create_executor=lambda _: Inline()),
        "environment": pinned(clock),
    }
    return FreshCache(store, **(arguments | options))


@contextmanager
def threaded(
    store: Any, clock: Callable[[], float], upstream: Upstream, **options: Any
) -> Iterator[FreshCache]:
    arguments: dict[str, Any] = {"keep_seconds": 86400, "environment": pinned(clock)}
    cache = FreshCache(store, **(arguments | options))
    try:
        yield cache
    finally:
        upstream.gate.set()
        cache.close()


def gather(count: int, get: Callable[[], CachedValue[int]]) -> list[Future[CachedValue[int]]]:
    """Start ``count`` visitors, all at once."""
    visitors = ThreadPoolExecutor(count)
    barrier = threading.Barrier(count)

    def visit() -> CachedValue[int]:
        barrier.wait(PATIENCE)
        return get()

    futures = [visitors.submit(visit) for _ in range(count)]
    visitors.shutdown(wait=False)
    return futures


# Freshness


def test_a_fresh_value_is_served_without_a_call_and_without_the_store(
    clock: Clock, upstream: Upstream
) -> None:
    store = Broken()
    cache = inline(store, clock)
    first = cache.get("k", 15, upstream, 1)
    used = store.gets
    clock.now += 15
    assert cache.get("k", 15, upstream, 1) == first == CachedValue(1, START, stale=False)
    assert (upstream.calls, store.gets) == (1, used)


def test_an_old_value_is_served_at_once_while_one_call_refreshes_it(
    clock: Clock, upstream: Upstream
) -> None:
    with threaded(SimpleCache(), clock, upstream) as cache:
        cache.get("k", 15, upstream, PATIENCE)
        clock.now += 20
        upstream.gate.clear()
        visitors = gather(50, lambda: cache.get("k", 15, upstream, PATIENCE))
        assert {visitor.result(PATIENCE) for visitor in visitors} == {
            CachedValue(1, START, stale=False)
        }
        assert not upstream.gate.is_set(), "nobody waited for the refresh"
        upstream.gate.set()
        until(
            lambda: (
                cache.get("k", 15, upstream, PATIENCE) == CachedValue(2, START + 20, stale=False)
            )
        )
        assert upstream.calls == 2


def test_all_callers_for_a_value_that_is_not_cached_share_one_call(
    clock: Clock, upstream: Upstream
) -> None:
    upstream.gate.clear()
    with threaded(SimpleCache(), clock, upstream) as cache:
        visitors = gather(120, lambda: cache.get("k", 15, upstream, PATIENCE))
        assert upstream.entered.acquire(timeout=PATIENCE)
        assert not any(visitor.done() for visitor in visitors)
        upstream.gate.set()
        assert {visitor.result(PATIENCE) for visitor in visitors} == {
            CachedValue(1, START, stale=False)
        }
        assert upstream.calls == 1


def test_the_age_of_a_value_counts_from_the_beginning_of_its_call(clock: Clock) -> None:
    def slow() -> str:
        clock.now += 3
        return "figures"

    assert inline(SimpleCache(), clock).get("k", 15, slow, PATIENCE).as_of == START


def test_periods_are_lengthened_by_up_to_a_tenth_each_key_by_its_own_share(clock: Clock) -> None:
    cache, upstreams = (
        inline(SimpleCache(threshold=5000), clock),
        {f"account-{n}": Upstream() for n in range(200)},
    )
    calls_by_second = []
    for second in range(0, 112):
        clock.now = START + second
        before = sum(upstream.calls for upstream in upstreams.values())
        for key, upstream in upstreams.items():
            cache.get(key, 100, upstream, 1)
        calls_by_second.append(sum(upstream.calls for upstream in upstreams.values()) - before)
    assert calls_by_second[0] == 200
    assert calls_by_second[1:101] == [0] * 100, "no call before the period is over"
    assert sum(calls_by_second[101:]) == 200
    assert max(calls_by_second[101:]) < 50, "not all in the same second"


@pytest.mark.parametrize("seconds", [35, 600, 86399])
def test_after_a_quiet_time_the_first_caller_gets_a_new_value(
    clock: Clock, upstream: Upstream, seconds: float
) -> None:
    with threaded(SimpleCache(), clock, upstream, patience_seconds=PATIENCE) as cache:
        cache.get("k", 15, upstream, PATIENCE)
        clock.now += seconds
        assert cache.get("k", 15, upstream, 0) == CachedValue(2, START + seconds, stale=False)
        assert upstream.calls == 2


def test_nobody_waits_longer_than_the_patience(clock: Clock, upstream: Upstream) -> None:
    with threaded(SimpleCache(), clock, upstream, patience_seconds=0.01) as cache:
        cache.get("k", 15, upstream, PATIENCE)
        clock.now += 600
        upstream.gate.clear()
        # Not stale, because the timer stands still: the call has not lasted long yet.
        assert cache.get("k", 15, upstream, PATIENCE) == CachedValue(1, START, stale=False)
        assert upstream.ended == 1, "the second call is still under way"


def test_a_call_that_lasts_too_long_makes_the_value_stale_and_nobody_waits_for_it(
    clock: Clock, upstream: Upstream
) -> None:
    timer = Clock(0.0)
    environment = pinned(clock, timer=timer)
    with threaded(
        SimpleCache(), clock, upstream, environment=environment, patience_seconds=PATIENCE
    ) as cache:
        cache.get("k", 15, upstream, PATIENCE)
        clock.now += 20
        upstream.gate.clear()
        assert cache.get("k", 15, upstream, PATIENCE) == CachedValue(1, START, stale=False)
        timer.now += PATIENCE / 2
        assert not cache.get("k", 15, upstream, PATIENCE).stale
        timer.now += PATIENCE / 2
        for age in (20, 600):
            clock.now = START + age
            visitors = gather(20, lambda: cache.get("k", 15, upstream, PATIENCE))
            results = {visitor.result(PATIENCE / 2) for visitor in visitors}
            assert results == {CachedValue(1, START, stale=True)}
        assert (upstream.calls, upstream.ended) == (2, 1)


def test_a_caller_waits_only_as_long_as_its_own_patience_lasts(
    clock: Clock, upstream: Upstream
) -> None:
    with threaded(SimpleCache(), clock, upstream, patience_seconds=3 * PATIENCE) as cache:
        cache.get("k", 15, upstream, PATIENCE)
        clock.now += 600
        upstream.gate.clear()
        [patient] = gather(1, lambda: cache.get("k", 15, upstream, PATIENCE))
        impatient = Caller(patience_seconds=0)
        assert cache.get("k", 15, upstream, PATIENCE, impatient).value == 1
        upstream.gate.set()
        assert patient.result(PATIENCE).value == 2


def test_nobody_waits_during_the_pause_after_a_failed_call(
    clock: Clock, upstream: Upstream
) -> None:
    with threaded(SimpleCache(), clock, upstream, patience_seconds=PATIENCE) as cache:
        cache.get("k", 15, upstream, PATIENCE)
        upstream.error = Refused("no")
        clock.now += 600
        assert cache.get("k", 15, upstream, PATIENCE) == CachedValue(1, START, stale=True)
        upstream.gate.clear()
        clock.now += 4
        assert cache.get("k", 15, upstream, PATIENCE) == CachedValue(1, START, stale=True)
        assert upstream.calls == 2


def test_a_call_that_is_not_made_is_no_failure_of_its_key_and_its_pause_is_short(
    clock: Clock, upstream: Upstream
) -> None:
    store = Broken()
    cache = inline(store, clock)
    cache.get("k", 15, upstream, 1)
    upstream.error = NotCalled("the API is down", retry_after=300)
    clock.now += 600
    for _ in range(4):
        assert cache.get("k", 15, upstream, 1) == CachedValue(1, START, stale=True)
        clock.now += 5.01
    assert upstream.calls == 5, "a call is due again after the shortest pause each time"
    assert store.values["k"].failure is None, "other processes do not hear of it"
    upstream.error = Refused("no")
    cache.get("k", 15, upstream, 1)
    entry = store.values["k"]
    assert entry.failure.count == 1


# Calls that fail


def test_the_last_good_value_is_served_and_marked_stale_while_calls_fail(
    clock: Clock, upstream: Upstream
) -> None:
    cache = inline(SimpleCache(), clock)
    cache.get("k", 15, upstream, 1)
    upstream.error = Refused("no")
    clock.now += 17
    assert cache.get("k", 15, upstream, 1) == CachedValue(1, START, stale=False), (
        "the call has only just been made"
    )
    assert cache.get("k", 15, upstream, 1) == CachedValue(1, START, stale=True)
    upstream.error = None
    clock.now += 6
    cache.get("k", 15, upstream, 1)
    assert cache.get("k", 15, upstream, 1) == CachedValue(3, START + 23, stale=False)
    clock.now += 15.01
    assert not cache.get("k", 15, upstream, 1).stale, "a failure before the value does not count"


def test_a_failed_call_is_followed_by_a_pause_that_grows(clock: Clock, upstream: Upstream) -> None:
    upstream.error = Refused("no")
    cache, pauses = inline(SimpleCache(), clock), []
    for _ in range(9):
        with pytest.raises(Refused) as caught:
            cache.get("k", 15, upstream, 1)
        calls = upstream.calls
        pauses.append(caught.value.retry_after)
        assert pauses[-1] is not None
        clock.now += pauses[-1] - 0.01
        with pytest.raises(Refused):
            cache.get("k", 15, upstream, 1)
        assert upstream.calls == calls, "no second attempt before the pause is over"
        clock.now += 0.02
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    upstream.error = None
    cache.get("k", 15, upstream, 1)
    upstream.error = Refused("no")
    clock.now += 17
    cache.get("k", 15, upstream, 1)
    calls, clock.now = upstream.calls, clock.now + 5.01
    cache.get("k", 15, upstream, 1)
    assert upstream.calls == calls + 1, "after a success the pauses start again from the shortest"


def test_during_a_pause_the_store_is_rarely_read(clock: Clock, upstream: Upstream) -> None:
    store = Broken()
    cache = inline(store, clock)
    cache.get("old", 15, upstream, 1)
    upstream.error = Refused("no")
    clock.now += 40
    cache.get("old", 15, upstream, 1)
    with pytest.raises(Refused):
        cache.get("new", 15, upstream, 1)
    reads = store.gets
    writes = store.sets
    for _ in range(40):
        clock.now += 0.1
        assert cache.get("old", 15, upstream, 1).stale
        with pytest.raises(Refused):
            cache.get("new", 15, upstream, 1)
    assert store.gets - reads <= 2 * 2, "once in two seconds for each key"
    assert store.sets == writes


def test_a_value_that_another_process_has_fetched_is_served_during_the_pause(
    clock: Clock, upstream: Upstream
) -> None:
    store = Broken()
    one = inline(store, clock)
    other = inline(store, clock)
    upstream.error = Refused("no")
    with pytest.raises(Refused):
        one.get("k", 15, upstream, 1)
    with pytest.raises(Refused):
        one.get("k", 15, upstream, 1)
    # The other one has fetched it together with another value.
    clock.now += 2
    other.store("k", 7, clock.now)
    assert one.get("k", 15, upstream, 1) == CachedValue(7, clock.now, stale=False)
    assert upstream.calls == 1


def test_pauses_are_spread_by_chance(clock: Clock, upstream: Upstream) -> None:
    upstream.error = Refused("no")
    cache = inline(SimpleCache(), clock, environment=pinned(clock, random_fraction=lambda: 0.5))
    with pytest.raises(Refused) as caught:
        cache.get("k", 15, upstream, 1)
    assert caught.value.retry_after == pytest.approx(5.25)


@pytest.mark.parametrize(("wish", "pause"), [(2.0, 5.0), (120.0, 120.0), (float("nan"), 5.0)])
def test_a_longer_pause_that_the_upstream_requests_is_respected(
    clock: Clock, upstream: Upstream, wish: float, pause: float
) -> None:
    upstream.error = Unavailable("busy", retry_after=wish)
    with pytest.raises(Unavailable) as caught:
        inline(SimpleCache(), clock).get("k", 15, upstream, 1)
    assert caught.value.retry_after == pause


def test_two_hundred_callers_that_wait_for_a_call_that_fails_make_one_call(
    clock: Clock, upstream: Upstream
) -> None:
    upstream.gate.clear()
    upstream.error = Unreadable("open trades[3].openPrice: missing")
    threads = CallThreads(max_waiting=200)
    with threaded(SimpleCache(), clock, upstream, threads=threads) as cache:
        visitors = gather(200, lambda: cache.get("k", 15, upstream, PATIENCE))
        assert upstream.entered.acquire(timeout=PATIENCE)
        upstream.gate.set()
        assert {type(visitor.exception(PATIENCE)) for visitor in visitors} == {Unreadable}
        assert upstream.calls == 1


@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (Unavailable("gone"), Unavailable),
        (Refused("no"), Refused),
        (Unreadable("what?"), Unreadable),
        (NotOffered("404"), NotOffered),
        (ZeroDivisionError("a bug"), CabinetError),
    ],
)
def test_a_failure_has_the_same_class_for_all_callers_during_the_pause(
    clock: Clock, upstream: Upstream, raised: Exception, seen: type[CabinetError]
) -> None:
    store = SimpleCache()
    upstream.error = raised
    for cache in (inline(store, clock), inline(store, clock)):
        for _ in range(2):
            with pytest.raises(CabinetError) as caught:
                cache.get("k", 15, upstream, 1)
            assert type(caught.value) is seen
            assert (caught.value.retry_after or 0) > 0
            clock.now += 1
    assert upstream.calls == 1


def test_the_pause_ends_for_everybody_when_it_is_over(clock: Clock, upstream: Upstream) -> None:
    store = SimpleCache()
    upstream.error = Refused("no")
    with pytest.raises(Refused):
        inline(store, clock).get("k", 15, upstream, 1)
    upstream.error = None
    clock.now += 3
    with pytest.raises(Refused) as caught:
        inline(store, clock).get("k", 15, upstream, 1)
    assert caught.value.retry_after == pytest.approx(2)
    clock.now += 2.1
    assert inline(store, clock).get("k", 15, upstream, 1).value == 2


def test_an_unexpected_exception_is_logged_with_its_traceback_and_does_not_reach_visitors(
    clock: Clock, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    cache = inline(SimpleCache(), clock)
    cache.get("k", 15, upstream, 1)
    upstream.error = ZeroDivisionError("a bug")
    clock.now += 20
    assert cache.get("k", 15, upstream, 1).value == 1
    assert cache.get("k", 15, upstream, 1) == CachedValue(1, START, stale=True)
    (line,) = caplog.records
    assert line.levelno == logging.ERROR
    assert line.exc_info
    assert line.exc_info[0] is ZeroDivisionError


def test_a_stored_failure_has_none_of_its_text(clock: Clock, upstream: Upstream) -> None:
    store = Broken()
    upstream.error = Refused("password hunter2 was refused")
    with pytest.raises(Refused) as caught:
        inline(store, clock).get("k", 15, upstream, 1)
    assert "hunter2" not in str(caught.value)
    stored = pickle.dumps(store.values)
    assert b"Refused" in stored
    assert b"hunter2" not in stored


# The age limit


def test_a_value_older_than_the_limit_is_never_served(clock: Clock, upstream: Upstream) -> None:
    store = Broken()
    cache = inline(store, clock, keep_seconds=100.5)
    cache.get("k", 15, upstream, 1)
    assert store.timeouts == [101]
    upstream.error = Unavailable("gone")
    clock.now += 100
    assert cache.get("k", 15, upstream, 1) == CachedValue(1, START, stale=True)
    for other in (cache, inline(store, clock, keep_seconds=100.5)):
        clock.now += 20
        with pytest.raises(Unavailable):
            other.get("k", 15, upstream, 1)


# Waiting


def test_a_caller_waits_only_as_long_as_it_wants_to(clock: Clock, upstream: Upstream) -> None:
    upstream.gate.clear()
    with threaded(SimpleCache(), clock, upstream) as cache:
        with pytest.raises(Unavailable):
            cache.get("k", 15, upstream, 0.05)
        assert upstream.ended == 0, "the call is still under way"
        upstream.gate.set()
        assert cache.get("k", 15, upstream, PATIENCE).value == 1, (
            "the call went on, and is not made twice"
        )
        assert upstream.calls == 1


def test_nobody_queues_behind_a_call_that_is_stuck_and_other_keys_go_on(
    clock: Clock, upstream: Upstream
) -> None:
    upstream.gate.clear()
    other = Upstream()
    with threaded(SimpleCache(), clock, upstream) as cache:
        with pytest.raises(Unavailable):
            cache.get("stuck", 15, upstream, 0)
        clock.now += 60
        with pytest.raises(Unavailable):
            cache.get("stuck", 15, upstream, 3 * PATIENCE)
        assert upstream.ended == 0, "nobody waited for it"
        assert cache.get("other", 15, other, PATIENCE).value == 1
        assert upstream.calls == 1


def test_a_stuck_call_does_not_hide_the_result_of_another_process(
    clock: Clock, upstream: Upstream
) -> None:
    store, other = SimpleCache(), Upstream()
    upstream.gate.clear()
    with threaded(store, clock, upstream) as cache:
        with pytest.raises(Unavailable):
            cache.get("k", 15, upstream, 0)
        clock.now += 60
        inline(store, clock).get("k", 15, other, 1)
        assert cache.get("k", 15, upstream, 3 * PATIENCE) == CachedValue(1, START + 60, stale=False)
        assert upstream.ended == 0, "nobody waited for it"


def test_no_more_calls_run_in_parallel_than_there_are_workers(clock: Clock) -> None:
    gate, running, most, lock = threading.Event(), 0, 0, threading.Lock()

    def fetch() -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        assert gate.wait(PATIENCE)
        with lock:
            running -= 1
        return 1

    cache = FreshCache(
        SimpleCache(),
        keep_seconds=86400,
        environment=pinned(clock),
        threads=CallThreads(create_executor=lambda _: ThreadPoolExecutor(3)),
    )
    keys = iter(range(12))
    visitors = gather(12, lambda: cache.get(f"k{next(keys)}", 15, fetch, PATIENCE))
    until(lambda: running == 3)
    gate.set()
    assert [visitor.result(PATIENCE).value for visitor in visitors] == [1] * 12
    assert most == 3
    cache.close()


def test_after_closing_cached_values_are_served_and_no_call_is_made(
    clock: Clock, upstream: Upstream
) -> None:
    cache = FreshCache(
        SimpleCache(),
        keep_seconds=86400,
        environment=pinned(clock),
        threads=CallThreads(create_executor=lambda _: ThreadPoolExecutor(1)),
    )
    cache.get("cached", 15, upstream, PATIENCE)
    clock.now += 20
    upstream.gate.clear()
    running = gather(1, lambda: cache.get("running", 15, upstream, PATIENCE))
    until(lambda: upstream.calls == 2)
    queued = gather(3, lambda: cache.get("queued", 15, upstream, PATIENCE))
    until(lambda: cache._flights.get("queued") is not None)
    cache.close()
    assert {type(visitor.exception(PATIENCE)) for visitor in queued} == {Unavailable}
    assert cache.get("cached", 15, upstream, PATIENCE).value == 1
    with pytest.raises(Unavailable):
        cache.get("new", 15, upstream, PATIENCE)
    upstream.gate.set()
    assert running[0].result(PATIENCE).value == 2
    assert upstream.calls == 2


# Clocks that jump


def test_a_clock_that_is_a_little_slow_treats_a_value_as_new(
    clock: Clock, upstream: Upstream
) -> None:
    store = SimpleCache()
    inline(store, clock).get("k", 15, upstream, 1)
    clock.now -= 2
    assert inline(store, clock).get("k", 15, upstream, 1) == CachedValue(1, START - 2, stale=False)
    assert upstream.calls == 1


def test_a_clock_set_back_makes_nothing_fresh_for_long(clock: Clock, upstream: Upstream) -> None:
    cache = inline(SimpleCache(), clock)
    cache.get("k", 15, upstream, 1)
    clock.now -= 3600
    assert cache.get("k", 15, upstream, 1) == CachedValue(2, START - 3600, stale=False)


def test_a_clock_set_back_does_not_prolong_a_pause(clock: Clock, upstream: Upstream) -> None:
    store = SimpleCache()
    upstream.error = Refused("no")
    with pytest.raises(Refused):
        inline(store, clock).get("k", 15, upstream, 1)
    upstream.error = None
    clock.now -= 3600
    cache = inline(store, clock)
    assert cache.get("k", 15, upstream, 1).value == 2
    clock.now += 15.01
    assert not cache.get("k", 15, upstream, 1).stale, "the failure is not of the future"


def test_a_clock_set_forward_makes_everything_old(clock: Clock, upstream: Upstream) -> None:
    cache = inline(SimpleCache(), clock)
    cache.get("k", 15, upstream, 1)
    clock.now += 3600
    assert cache.get("k", 15, upstream, 1).value == 2
    clock.now += 86400 * 2
    assert cache.get("k", 15, upstream, 1).value == 3


# Stores that fail


def test_a_store_that_fails_is_logged_once_and_costs_no_caller_a_value(
    clock: Clock, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    store = Broken()
    store.error = ConnectionError("no route")
    cache = inline(store, clock)
    for second in range(0, 120):
        clock.now = START + second
        assert clock.now - cache.get("k", 15, upstream, 1).as_of <= 18
        cache.get(f"other-{second}", 15, upstream, 1)
    assert [record.getMessage() for record in caplog.records] == [
        "cache: reading fails, continuing without it: ConnectionError: no route",
        "cache: writing fails, continuing without it: ConnectionError: no route",
    ]
    assert store.gets + store.sets <= 2 * 120 / 5 + 2, "a store that fails is not used for a while"
    caplog.clear()
    store.error = None
    clock.now += 20
    cache.get("k", 15, upstream, 1)
    assert [record.getMessage() for record in caplog.records] == [
        "cache: reading works again",
        "cache: writing works again",
    ]
    for key in ("new", "newer"):
        cache.get(key, 15, upstream, 1)
    calls = upstream.calls
    for key in ("k", "new", "newer"):
        assert inline(store, clock).get(key, 15, upstream, 1).as_of == clock.now
    assert upstream.calls == calls, "what was fetched since is in the store again"


def test_while_the_store_fails_there_is_still_one_call_a_period_and_a_pause_after_failures(
    clock: Clock, upstream: Upstream
) -> None:
    store = Broken()
    store.error = OSError(28, "No space left on device")
    cache = inline(store, clock)
    cache.get("k", 100, upstream, 1)
    upstream.error = Refused("no")
    clock.now += 111
    for _ in range(5):
        assert cache.get("k", 100, upstream, 1).value == 1
    assert upstream.calls == 2


def test_a_store_that_is_suddenly_empty_is_no_loss(clock: Clock, upstream: Upstream) -> None:
    store = Broken()
    cache = inline(store, clock)
    cache.get("k", 15, upstream, 1)
    store.values.clear()
    upstream.error = Unavailable("gone")
    clock.now += 100
    cache.get("k", 15, upstream, 1)
    assert cache.get("k", 15, upstream, 1) == CachedValue(1, START, stale=True)


@pytest.mark.parametrize("foreign", [b"bytes", 7, {"value": 1}, object.__new__(Entry)])
def test_a_value_of_another_version_or_program_counts_as_absent(
    clock: Clock, upstream: Upstream, foreign: Any
) -> None:
    store = Broken()
    store.values["k"] = foreign
    assert inline(store, clock).get("k", 15, upstream, 1).value == 1


def test_the_process_stores_a_limited_number_of_the_most_recently_used_values(
    clock: Clock, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Broken()
    monkeypatch.setattr("widget.data.cache.MAX_LOCAL_ENTRIES", 2)
    cache = inline(store, clock)
    for key in ("a", "b", "a", "c"):
        cache.get(key, 15, upstream, 1)
    store.values.clear()
    calls = upstream.calls
    for key in ("a", "c"):
        cache.get(key, 15, upstream, 1)
    assert upstream.calls == calls
    cache.get("b", 15, upstream, 1)
    assert upstream.calls == calls + 1


def test_a_cache_of_flask_caching_is_accepted(clock: Clock, upstream: Upstream) -> None:
    store = Cache(Flask("test"), config={"CACHE_TYPE": "SimpleCache"})
    with threaded(store, clock, upstream) as cache, threaded(store, clock, upstream) as other:
        assert cache.get("k", 15, upstream, PATIENCE).value == 1
        assert other.get("k", 15, upstream, PATIENCE).value == 1


# Files


def entry_of(directory: Path) -> Path:
    """The file of the only entry: the largest, since there is also a counter."""
    return max(directory.iterdir(), key=lambda path: path.stat().st_size)


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\0\0",
        b"\0\0\0\0",
        b"\0\0\0\0garbage",
        b"\0\0\0\0cno_such_module\nThing\n.",
        b"\xff" * 200,
    ],
)
def test_a_corrupt_cache_file_counts_as_absent_and_is_replaced(
    clock: Clock, upstream: Upstream, tmp_path: Path, garbage: bytes
) -> None:
    store = FileSystemCache(str(tmp_path))
    inline(store, clock).get("k", 15, upstream, 1)
    entry_of(tmp_path).write_bytes(garbage)
    assert inline(store, clock).get("k", 15, upstream, 1).value == 2
    assert inline(store, clock).get("k", 15, upstream, 1).value == 2


def test_a_truncated_cache_file_counts_as_absent(
    clock: Clock, upstream: Upstream, tmp_path: Path
) -> None:
    store = FileSystemCache(str(tmp_path))
    inline(store, clock).get("k", 15, upstream, 1)
    whole = entry_of(tmp_path).read_bytes()
    entry_of(tmp_path).write_bytes(whole[: len(whole) // 2])
    assert inline(store, clock).get("k", 15, upstream, 1).value == 2


def test_a_full_disk_costs_no_caller_a_value(
    clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = inline(FileSystemCache(str(tmp_path)), clock)
    large, calls = "x" * 2**22, 0

    def fetch() -> str:
        nonlocal calls
        calls += 1
        return large

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**21, hard))
    try:
        for second in range(60):
            clock.now = START + second
            assert cache.get("k", 10, fetch, 1).value == large
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert calls <= 6
    assert len([record for record in caplog.records if record.name == "widget.data.cache"]) == 1
    clock.now += 20
    cache.get("k", 10, fetch, 1)
    calls = 0
    assert inline(FileSystemCache(str(tmp_path)), clock).get("k", 10, fetch, 1).value == large
    assert calls == 0, "it stores again when there is room"


def test_a_cache_directory_that_is_gone_costs_no_caller_a_value(
    clock: Clock, upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("widget.data.cache.MAX_LOCAL_ENTRIES", 1)
    directory = tmp_path / "cache"
    cache = inline(
        FileSystemCache(str(directory)),
        clock,
        lock=file_locks(tmp_path / "locks", 5),
    )
    cache.get("k", 15, upstream, 1)
    for folder in (directory, tmp_path / "locks"):
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
        folder.write_text("a file where the directory was")
    clock.now += 20
    cache.get("k", 15, upstream, 1)
    assert cache.get("k", 15, upstream, 1) == CachedValue(2, START + 20, stale=False)
    assert cache.get("other", 15, upstream, 1).value == 3


PROCESS = """
import sys, threading, time
from pathlib import Path
from concurrent.futures import ThreadPoolExecutor
from flask_caching.backends.filesystemcache import FileSystemCache
from widget.data.cache import FreshCache
from widget.data.call_threads import CallThreads
from widget.data.locks import file_locks

folder, name, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
store = FileSystemCache(str(folder / "cache"))
cache = FreshCache(store, keep_seconds=60, lock=file_locks(folder / "locks", 20))

def fetch():
    with (folder / "calls").open("a") as calls:
        calls.write(name + "\\n")
    time.sleep(seconds)
    return name

print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(20) as visitors:
    results = {visitors.submit(cache.get, "k", 15, fetch, 10) for _ in range(20)}
    print(*sorted({result.result().value for result in results}), flush=True)
"""


@contextmanager
def process(folder: Path, name: str, seconds: float) -> Iterator[subprocess.Popen[str]]:
    arguments = [sys.executable, "-c", PROCESS, str(folder), name, str(seconds)]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as started:
        try:
            assert started.stdout
            assert started.stdout.readline() == "ready\n"
            yield started
        finally:
            started.kill()


def go(started: subprocess.Popen[str]) -> None:
    assert started.stdin
    started.stdin.write("go\n")
    started.stdin.flush()


def calls_made(folder: Path) -> list[str]:
    return (folder / "calls").read_text().split() if (folder / "calls").exists() else []


def test_two_processes_with_one_directory_make_one_call(tmp_path: Path) -> None:
    with process(tmp_path, "first", 0.4) as first, process(tmp_path, "second", 0.4) as second:
        go(first)
        go(second)
        assert first.stdout
        assert second.stdout
        results = {first.stdout.readline().strip(), second.stdout.readline().strip()}
    assert len(calls_made(tmp_path)) == 1
    assert results == set(calls_made(tmp_path))


def test_a_process_that_is_killed_in_the_middle_of_a_call_delays_nobody(tmp_path: Path) -> None:
    with process(tmp_path, "first", 60) as first, process(tmp_path, "second", 0) as second:
        go(first)
        until(lambda: calls_made(tmp_path) == ["first"])
        go(second)
        first.kill()
        assert second.stdout
        assert second.stdout.readline() == "second\n"
    assert calls_made(tmp_path) == ["first", "second"]


# Whatever happens


class Life(RuleBasedStateMachine):
    """Two processes with one store, over days in which the upstream and the store come and go."""

    FRESH = 15.0
    KEEP = 400.0

    @initialize()
    def begin(self) -> None:
        self.clock, self.store = Clock(START), Broken()
        self.processes = [inline(self.store, self.clock, keep_seconds=self.KEEP) for _ in range(2)]
        self.calls: list[tuple[float, int, bool]] = []  # when, which process, success
        self.known = [
            0,
            0,
        ]  # how many of the calls each process can know of since it was last called
        self.is_up = True
        self.had_outage = False

    def fetch(self, process: int) -> float:
        now = self.clock.now
        self.check_that_it_is_time(process, now)
        self.calls.append((now, process, self.is_up))
        if not self.is_up:
            raise Refused("down")
        return now

    def check_that_it_is_time(self, process: int, now: float) -> None:
        # Without a store each process is on its own, and afterwards may not know all of what the
        # other did.
        known = [call for call in self.calls if call[1] == process or not self.had_outage]
        successes = [at for at, _, is_success in known if is_success]
        last_success = max(successes, default=0.0)
        failures = [at for at, _, is_success in known if not is_success and at > last_success]
        assert now - last_success > self.FRESH, "a second call within a period"
        if failures:
            pause = min(300, 5 * 2 ** (min(len(failures), 8) - 1)) if not self.had_outage else 5
            assert now - failures[-1] >= pause - 0.001, "a call within the pause"

    @rule(seconds=st.one_of(st.floats(0, 20), st.floats(0, 1000)))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(is_up=st.booleans())
    def the_upstream_changes(self, is_up: bool) -> None:
        self.is_up = is_up

    @rule(is_up=st.sampled_from([True, True, False]))
    def the_store_changes(self, is_up: bool) -> None:
        self.store.error = None if is_up else ConnectionError("gone")
        self.had_outage = self.had_outage or not is_up

    @rule(process=st.integers(0, 1))
    def somebody_visits(self, process: int) -> None:
        now, calls_before = self.clock.now, list(self.calls)
        result: CachedValue[float] | None
        try:
            result = self.processes[process].get("k", self.FRESH, lambda: self.fetch(process), 1)
        except Refused as refusal:
            result, retry_after = None, refusal.retry_after
        successes = [at for at, _, is_success in self.calls if is_success]
        has_heard_of_failure = (
            calls_before and not calls_before[-1][2] and self.known[process] == len(calls_before)
        )
        self.known[process] = len(self.calls)
        if result is None:
            assert not self.calls[-1][2] or self.had_outage
            assert not successes or now - successes[-1] > self.KEEP or self.had_outage
            assert 0 < (retry_after or 0) <= 300
            return
        age = now - result.as_of
        assert result.value == result.as_of
        assert result.as_of in successes
        assert 0 <= age <= self.KEEP
        if age <= self.FRESH:
            assert not result.stale
        elif has_heard_of_failure and not self.had_outage:
            assert result.stale
        elif all(is_success for _, _, is_success in self.calls):
            assert not result.stale, "no call has failed"


Life.TestCase.settings = settings(max_examples=examples(150), stateful_step_count=40)
TestLife = Life.TestCase
