"""One caller makes the call, the others share its result."""

from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any

import pytest
from conftest import Clock
from gates import GatedCall
from processes import PATIENCE, until

from widget.single_flight import Flight, SingleFlight


def run_or_wait(flights: SingleFlight[str, int], call: Callable[[], int]) -> int:
    """The result for a caller that makes the call in its own thread if it is the leader."""
    flight, is_leader = flights.join("k")
    if is_leader:
        return flight.run(call)
    return flight.result(PATIENCE)


def followers_of(flight: Flight[int], count: int, pool: ThreadPoolExecutor) -> list[Future[int]]:
    """A number of callers that wait for the same flight."""
    return [pool.submit(flight.result, PATIENCE) for _ in range(count)]


@pytest.fixture
def call() -> GatedCall:
    return GatedCall()


def test_many_callers_at_once_share_one_call(call: GatedCall) -> None:
    flights = SingleFlight[str, int]()
    leaders: list[bool] = []

    def visit() -> int:
        flight, is_leader = flights.join("k")
        leaders.append(is_leader)
        return flight.run(call) if is_leader else flight.result(PATIENCE)

    with ThreadPoolExecutor(100) as pool:
        callers = [pool.submit(visit) for _ in range(100)]
        until(lambda: len(leaders) == 100)
        call.gate.set()
        assert {caller.result(PATIENCE) for caller in callers} == {1}
    assert call.count == leaders.count(True) == 1


def test_followers_get_the_error_of_the_leader(call: GatedCall) -> None:
    flights = SingleFlight[str, int]()
    flight, _ = flights.join("k")
    call.error = LookupError("no such account")
    call.gate.set()
    with ThreadPoolExecutor(20) as pool:
        followers = followers_of(flight, 20, pool)
        with pytest.raises(LookupError):
            flight.run(call)
        assert {type(follower.exception(PATIENCE)) for follower in followers} == {LookupError}
    assert call.count == 1


@pytest.mark.parametrize("error", [ValueError(), SystemExit(), KeyboardInterrupt()])
def test_a_flight_that_fails_makes_room_for_the_next(call: GatedCall, error: BaseException) -> None:
    flights = SingleFlight[str, int]()
    call.gate.set()
    call.error = error
    with pytest.raises(type(error)):
        run_or_wait(flights, call)
    assert flights.get("k") is None
    call.error = None
    assert run_or_wait(flights, call) == 2


def test_a_caller_that_comes_after_the_end_makes_its_own_call(call: GatedCall) -> None:
    flights = SingleFlight[str, int]()
    call.gate.set()
    assert run_or_wait(flights, call) == 1
    assert run_or_wait(flights, call) == 2


def test_a_result_is_published_when_nobody_can_join_its_flight_any_more() -> None:
    flights = SingleFlight[str, int]()
    flight, _ = flights.join("k")
    joined_after_the_result: list[Any] = []
    flight._future.add_done_callback(lambda _: joined_after_the_result.append(flights.get("k")))
    flight.run(lambda: 1)
    assert joined_after_the_result == [None]


def test_a_follower_waits_only_for_so_long_and_the_call_goes_on(call: GatedCall) -> None:
    flights = SingleFlight[str, int]()
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(run_or_wait, flights, call)
        until(lambda: call.count > 0)
        flight, is_leader = flights.join("k")
        assert not is_leader
        for wait_seconds in (0.01, 0.0, -1.0):
            with pytest.raises(TimeoutError):
                flight.result(wait_seconds)
        call.gate.set()
        assert leader.result(PATIENCE) == flight.result(PATIENCE) == 1


def test_keys_do_not_wait_for_each_other(call: GatedCall) -> None:
    flights = SingleFlight[str, int]()
    flights.join("stuck")
    call.gate.set()
    assert run_or_wait(flights, call) == 1


def test_a_flight_on_a_thread_pool_has_no_caller_that_runs_it(call: GatedCall) -> None:
    flights = SingleFlight[str, int]()
    with ThreadPoolExecutor(1) as pool:
        flight, is_leader = flights.join("k")
        assert is_leader
        flight.start(pool, call)
        assert flights.join("k") == (flight, False)
        call.gate.set()
        assert flight.result(PATIENCE) == 1
    assert flights.get("k") is None


def test_a_flight_that_no_thread_will_run_ends_at_once(call: GatedCall) -> None:
    flights = SingleFlight[str, int]()
    pool = ThreadPoolExecutor(1)
    running, _ = flights.join("running")
    running.start(pool, call)
    until(lambda: call.count > 0)
    queued, _ = flights.join("queued")
    queued.start(pool, call)
    pool.shutdown(wait=False, cancel_futures=True)
    refused, _ = flights.join("refused")
    refused.start(pool, call)
    for key, flight in (("queued", queued), ("refused", refused)):
        assert flights.get(key) is None
        with pytest.raises(CancelledError):
            flight.result(PATIENCE)
    call.gate.set()
    assert running.result(PATIENCE) == 1
    pool.shutdown()


def test_a_flight_knows_when_it_began() -> None:
    clock = Clock(1000.0)
    flights = SingleFlight[str, int](clock)
    flight, _ = flights.join("k")
    clock.now += 5
    assert flights.join("k")[0].began == flight.began == 1000.0
