"""What one API, and one account, may occupy of the threads."""

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from conftest import Clock, Service, Upstream, simulated
from faults import Fault
from flask_caching.backends.simplecache import SimpleCache
from processes import PATIENCE, until

from widget.data.cache import Caller, Environment, FreshCache
from widget.data.call_threads import (
    MAX_CALLS,
    MAX_CALLS_PER_ACCOUNT,
    MAX_WAITING,
    MIN_CALLS_PER_API,
    CallThreads,
    LimitedExecutor,
)
from widget.errors import Unavailable
from widget.server import BLOCKING_THREADS
from widget.web import response_cache


class Calls:
    """Calls that last until the gate opens.

    Attributes:
        running: those in progress.
        most: the highest number of calls in progress at once.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.running = 0
        self.most = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        assert self.gate.wait(PATIENCE)
        with self._lock:
            self.running -= 1
        return "value"


@pytest.fixture
def calls() -> Calls:
    return Calls()


def test_an_account_has_at_most_four_calls_in_progress_and_the_others_occupy_no_thread(
    calls: Calls,
) -> None:
    threads = CallThreads()
    share = threads.share_of("api")
    submitted = [share.executor_for("main").submit(calls) for _ in range(50)]
    until(lambda: calls.running == MAX_CALLS_PER_ACCOUNT)
    assert share.executor_for("other").submit(str, 7).result(PATIENCE) == "7"
    calls.gate.set()
    assert {call.result(PATIENCE) for call in submitted} == {"value"}
    assert calls.most == MAX_CALLS_PER_ACCOUNT
    threads.close()


@pytest.mark.parametrize("apis", [1, 2, 5, 100])
def test_an_api_gets_its_share_of_the_threads_and_another_api_has_its_own(
    calls: Calls, apis: int
) -> None:
    sizes = []

    def create_executor(size: int) -> Executor:
        sizes.append(size)
        return ThreadPoolExecutor(size)

    threads = CallThreads(apis, create_executor=create_executor)
    hanging = threads.share_of("hanging")
    submitted = [hanging.executor_for(f"account-{n}").submit(calls) for n in range(2 * MAX_CALLS)]
    expected = max(MIN_CALLS_PER_API, MAX_CALLS // apis)
    until(lambda: calls.running == expected)
    healthy = threads.share_of("healthy").executor_for("main")
    assert healthy.submit(str, 7).result(PATIENCE) == "7"
    calls.gate.set()
    assert {call.result(PATIENCE) for call in submitted} == {"value"}
    assert calls.most == expected
    assert sizes == [expected] * 2
    threads.close()


@pytest.mark.parametrize(("apis", "places"), [(1, MAX_WAITING), (2, 64), (3, 42), (1000, 1)])
def test_only_so_many_requests_wait_for_an_api(apis: int, places: int) -> None:
    threads = CallThreads(apis)
    taken = [threads.share_of("api").place() for _ in range(places)]
    results = [place.__enter__() for place in taken]
    assert all(results)
    with threads.share_of("api").place() as has_place:
        assert not has_place
    with threads.share_of("other").place() as has_place:
        assert has_place
    for place in taken:
        place.__exit__(None, None, None)
    with threads.share_of("api").place() as has_place:
        assert has_place


def test_the_server_always_has_threads_for_requests_that_do_not_wait() -> None:
    waiting = MAX_WAITING + response_cache.MAX_WAITING
    assert BLOCKING_THREADS - waiting >= 16


def test_a_request_without_a_place_gets_an_error_or_the_cached_value_at_once(
    calls: Calls,
) -> None:
    clock = Clock(1000.0)
    threads = CallThreads(max_waiting=1)
    cache = FreshCache(
        SimpleCache(),
        keep_seconds=86400,
        patience_seconds=PATIENCE,
        threads=threads,
        environment=Environment(clock=clock),
    )
    cache.get("cached", 15, lambda: "old", PATIENCE)
    clock.now += 600
    hanging = Caller(api="hanging")
    with threads.share_of("hanging").place():
        with pytest.raises(Unavailable, match="too many requests wait"):
            cache.get("cold", 15, calls, PATIENCE, hanging)
        assert cache.get("cached", 15, calls, PATIENCE, hanging).value == "old"
        other = Caller(api="other")
        assert cache.get("other", 15, lambda: "value", PATIENCE, other).value == "value"
    calls.gate.set()
    assert cache.get("cold", 15, calls, PATIENCE, hanging).value == "value"
    cache.close()


def test_a_result_that_is_there_needs_no_place() -> None:
    cache = FreshCache(
        SimpleCache(),
        keep_seconds=86400,
        threads=CallThreads(max_waiting=1, create_executor=lambda _: Inline()),
    )
    with cache._threads.share_of("").place():
        assert cache.get("k", 15, lambda: "value", PATIENCE).value == "value"


class Inline(Executor):
    """Makes each call at once, in the thread of the caller."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_an_error_of_a_call_is_passed_on_and_makes_room_for_the_next() -> None:
    with ThreadPoolExecutor() as pool:
        limited = LimitedExecutor(pool, 1)
        failed = limited.submit(int, "seven")
        assert isinstance(failed.exception(PATIENCE), ValueError)
        assert limited.submit(int, "7").result(PATIENCE) == 7


def test_calls_in_the_queue_are_cancelled_if_they_are_never_made(calls: Calls) -> None:
    pool = ThreadPoolExecutor(1)
    limited = LimitedExecutor(pool, 2)
    running = limited.submit(calls)
    until(lambda: calls.running == 1)
    others = [limited.submit(calls) for _ in range(3)]
    pool.shutdown(wait=False, cancel_futures=True)
    after = limited.submit(calls)
    for future in [*others, after]:
        with pytest.raises(CancelledError):
            future.result(PATIENCE)
    calls.gate.set()
    assert running.result(PATIENCE) == "value"


def test_visitors_of_an_api_that_hangs_delay_no_cold_widget_of_another(
    serve: Callable[..., Service], upstream: Upstream, clock: Clock
) -> None:
    names = ("balance", "open-trades", "closed-trades", "bonus", "lots", "growth")
    slugs = [f"a{n}" for n in range(8)]
    with simulated(clock) as other:
        other.sandbox.faults.append(Fault("slow", seconds=60))
        hanging = {"login": 1000001, "currency": "USD", "api": {"base_url": other.url}}
        accounts = dict.fromkeys(slugs, hanging)
        service = serve(
            accounts={**accounts, "healthy": {"login": 1000001}},
            api={"deadline_seconds": 100},
        )
        paths = [f"/w/{slug}/{name}.json" for name in names for slug in slugs]
        with ThreadPoolExecutor(len(paths)) as visitors:
            waiting = [visitors.submit(service.get, path) for path in paths]
            until(lambda: other.sandbox.calls.total() == MAX_CALLS // 2)
            assert service.get("/w/healthy/balance.json").status_code == 200
            assert service.get("/w/healthy/growth.json").status_code == 200
            assert not other.gate.is_set(), "nobody waited for the other API"
            assert not any(visitor.done() for visitor in waiting)
            assert other.sandbox.calls.total() == MAX_CALLS // 2, "no more than its share"
            other.sandbox.faults.clear()
            other.gate.set()
            assert {visitor.result(PATIENCE).status_code for visitor in waiting} == {200}


def test_more_requests_than_may_wait_for_an_api_get_503_at_once(
    serve: Callable[..., Service], upstream: Upstream
) -> None:
    service = serve(accounts={"main": {"login": 1000001, "currency": "USD"}})
    share = service.app.extensions["cabinet-widgets"].cache._threads.share_of(upstream.url)
    upstream.sandbox.faults.append(Fault("slow", seconds=60))
    with ExitStack() as places:
        while places.enter_context(share.place()):
            pass
        response = service.get("/w/main/balance.json")
        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) >= 1
        assert not upstream.gate.is_set(), "nobody waited for the call"
    upstream.gate.set()
