"""The protection of an API in trouble: the circuit breaker, and the limit for each account."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import Clock
from conftest import Upstream as Simulated
from faults import Fault
from processes import until

from widget import config
from widget.api import guard
from widget.api.client import Client
from widget.api.guard import GuardedClient
from widget.api.records import AccountInformation
from widget.config import Account
from widget.errors import CabinetError, NotOffered, Refused, Unavailable, Unreadable
from widget.names import Function


def accounts(base_url: str = "https://api.example.com", **more: Any) -> dict[str, Account]:
    """Two accounts of an API."""
    tables = {
        slug: {"login": 1000001, "api": {"base_url": base_url, **more}}
        for slug in ("main", "other")
    }
    return config.parse({"accounts": tables}, {}, (), folder=Path(), demo=True).accounts


MAIN, OTHER = accounts().values()
ELSEWHERE = accounts("https://elsewhere.example.com")["main"]


class Api(Client):
    """A client that counts the calls that the guard lets through."""

    def __init__(self) -> None:
        super().__init__()
        self.error: CabinetError | None = None
        self.accounts_called: list[Account] = []
        self.gate = threading.Event()
        self.gate.set()

    def call(
        self,
        account: Account,
        function: Function,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> AccountInformation:
        """A result, once the gate is open, or the error."""
        self.accounts_called.append(account)
        assert self.gate.wait(30)
        if self.error:
            raise self.error
        return AccountInformation()


@pytest.fixture
def api() -> Api:
    """An API that replaces the calls of the client."""
    return Api()


@pytest.fixture
def clock() -> Clock:
    """A clock that does not run."""
    return Clock(1000.0)


def attempts(client: GuardedClient, account: Account, times: int) -> None:
    """Calls whose errors do not matter."""
    for _ in range(times):
        with suppress(CabinetError):
            client.call(account, "balance")


def test_after_five_failures_in_a_row_nobody_calls_that_api_for_a_while(
    api: Api, clock: Clock
) -> None:
    client = GuardedClient(api, clock=clock)
    api.error = Unavailable("HTTP 503", retry_after=15)
    attempts(client, MAIN, 3)
    attempts(client, OTHER, 3)
    assert len(api.accounts_called) == 5
    with pytest.raises(Unavailable, match="gets no calls") as refused:
        client.call(OTHER, "open_trades")
    assert refused.value.retry_after == 15
    attempts(client, ELSEWHERE, 1)
    assert api.accounts_called[-1] is ELSEWHERE


def test_the_api_gets_no_calls_before_its_retry_after_is_over(api: Api, clock: Clock) -> None:
    client = GuardedClient(api, clock=clock)
    api.error = Unavailable("HTTP 429", retry_after=120)
    attempts(client, MAIN, 5)
    clock.now += 119.5
    attempts(client, MAIN, 1)
    assert len(api.accounts_called) == 5
    clock.now += 1
    attempts(client, MAIN, 1)
    assert len(api.accounts_called) == 6


def test_the_circuit_stays_open_after_a_failed_probe_and_closes_after_a_successful_one(
    api: Api, clock: Clock
) -> None:
    client = GuardedClient(api, clock=clock)
    api.error = Unavailable("HTTP 503", retry_after=15)
    attempts(client, MAIN, 5)
    clock.now += 15
    attempts(client, MAIN, 3)
    assert len(api.accounts_called) == 6
    clock.now += 15
    api.error = None
    attempts(client, MAIN, 3)
    assert len(api.accounts_called) == 9
    api.error = Unavailable("HTTP 503")
    attempts(client, MAIN, 4)
    assert len(api.accounts_called) == 13


def test_only_one_call_probes(api: Api, clock: Clock) -> None:
    client = GuardedClient(api, clock=clock)
    api.error = Unavailable("HTTP 503", retry_after=15)
    attempts(client, MAIN, 5)
    clock.now += 15
    api.error = None
    api.gate.clear()
    with ThreadPoolExecutor() as pool:
        probe = pool.submit(client.call, MAIN, "balance")
        until(lambda: len(api.accounts_called) == 6)
        with pytest.raises(Unavailable, match="gets no calls"):
            client.call(OTHER, "balance")
        api.gate.set()
        assert probe.result() == AccountInformation()
    attempts(client, OTHER, 1)
    assert len(api.accounts_called) == 7


@pytest.mark.parametrize(
    "error", [Refused("wrong password"), Unreadable("HTML"), NotOffered("lots")]
)
def test_what_concerns_one_account_or_function_is_no_outage(
    error: CabinetError, api: Api, clock: Clock
) -> None:
    client = GuardedClient(api, clock=clock)
    api.error = error
    attempts(client, MAIN, 20)
    assert len(api.accounts_called) == 20
    api.error = Unavailable("HTTP 503")
    attempts(client, MAIN, 4)
    api.error = error
    attempts(client, MAIN, 1)  # a response, even if not a useful one: the API is up
    api.error = Unavailable("HTTP 503")
    attempts(client, MAIN, 4)
    assert len(api.accounts_called) == 29


def test_one_account_has_at_most_four_calls_in_progress(api: Api, clock: Clock) -> None:
    client = GuardedClient(api, clock=clock)
    api.gate.clear()
    with ThreadPoolExecutor(20) as pool:
        calls = [pool.submit(client.call, MAIN, "balance") for _ in range(9)]
        other = pool.submit(client.call, OTHER, "balance")
        until(lambda: len(api.accounts_called) == 5)
        assert Counter(account.slug for account in api.accounts_called) == {"main": 4, "other": 1}
        api.gate.set()
        assert {call.result() for call in [*calls, other]} == {AccountInformation()}
    assert len(api.accounts_called) == 10


def test_a_caller_that_waits_for_a_slot_gives_up_in_time(api: Api) -> None:
    account = accounts(deadline_seconds=0.1)["main"]
    client = GuardedClient(api)
    api.gate.clear()
    with ThreadPoolExecutor(20) as pool:
        calls = [
            pool.submit(client.call, account, "balance") for _ in range(guard.MAX_CALLS_PER_ACCOUNT)
        ]
        until(lambda: len(api.accounts_called) == guard.MAX_CALLS_PER_ACCOUNT)
        with pytest.raises(Unavailable, match="still in progress"):
            client.call(account, "balance")
        api.gate.set()
        assert len({call.result() for call in calls}) == 1
    assert client.call(account, "balance") == AccountInformation()


def test_every_call_is_reported_and_the_first_success_is_remembered(api: Api, clock: Clock) -> None:
    reported: list[tuple[str, str, float]] = []
    client = GuardedClient(api, clock=clock, on_call=lambda *call: reported.append(call))
    api.error = Unavailable("HTTP 503")
    attempts(client, MAIN, 8)
    assert reported == [("balance", "upstream_unavailable", 0.0)] * 5
    assert not client.has_worked
    clock.now += guard.PAUSE_SECONDS
    api.error = None
    attempts(client, MAIN, 1)
    assert reported[5:] == [("balance", "ok", 0.0)]
    assert client.has_worked


def test_a_dead_api_gets_five_calls_for_twenty_widgets_and_then_one_now_and_then(
    upstream: Simulated, serve: Callable[..., Any]
) -> None:
    service = serve(accounts={f"a{n}": {"login": 1000001} for n in range(20)})
    upstream.sandbox.faults.append(Fault("error503"))
    responses = [service.get(f"/w/a{n}/balance.json") for n in range(20)]
    assert {response.status_code for response in responses} == {503}
    assert all(1 <= int(response.headers["Retry-After"]) <= 17 for response in responses)
    assert upstream.sandbox.calls.total() == 5
