"""The protection of an API in trouble: the circuit breaker."""

import threading
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
from widget.errors import (
    CabinetError,
    NoSuchPath,
    NotCalled,
    NotOffered,
    RateLimited,
    Refused,
    Unavailable,
    Unreachable,
    Unreadable,
)
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


def fail_until_open(client: GuardedClient) -> None:
    """Enough failures of several accounts to open the breaker."""
    attempts(client, MAIN, 3)
    attempts(client, OTHER, 2)


def test_the_api_gets_no_calls_before_its_retry_after_is_over(api: Api, clock: Clock) -> None:
    client = GuardedClient(api, clock=clock)
    api.error = Unavailable("HTTP 503", retry_after=120)
    fail_until_open(client)
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
    fail_until_open(client)
    clock.now += 15
    attempts(client, MAIN, 3)
    assert len(api.accounts_called) == 6
    clock.now += 15
    api.error = None
    attempts(client, MAIN, 3)
    assert len(api.accounts_called) == 9
    api.error = Unavailable("HTTP 503")
    attempts(client, MAIN, 2)
    attempts(client, OTHER, 2)
    assert len(api.accounts_called) == 13


def test_only_one_call_probes(api: Api, clock: Clock) -> None:
    client = GuardedClient(api, clock=clock)
    api.error = Unavailable("HTTP 503", retry_after=15)
    fail_until_open(client)
    clock.now += 15
    api.error = None
    api.gate.clear()
    with ThreadPoolExecutor() as pool:
        probe = pool.submit(client.call, MAIN, "balance")
        until(lambda: len(api.accounts_called) == 6)
        with pytest.raises(NotCalled, match="gets no calls"):
            client.call(OTHER, "balance")
        api.gate.set()
        assert probe.result() == AccountInformation()
    attempts(client, OTHER, 1)
    assert len(api.accounts_called) == 7


ABOUT_AN_ACCOUNT = [
    Refused("wrong password"),
    Unreadable("HTML"),
    NoSuchPath("HTTP 404"),
    NotOffered("lots"),
    RateLimited("HTTP 429", retry_after=300),
]


@pytest.mark.parametrize("error", ABOUT_AN_ACCOUNT, ids=lambda error: type(error).__name__)
def test_what_concerns_one_account_or_function_is_no_outage(
    error: CabinetError, api: Api, clock: Clock
) -> None:
    client = GuardedClient(api, clock=clock)
    api.error = error
    attempts(client, MAIN, 20)
    attempts(client, OTHER, 20)
    assert len(api.accounts_called) == 40
    api.error = Unavailable("HTTP 503")
    attempts(client, MAIN, 2)
    attempts(client, OTHER, 2)
    api.error = error
    attempts(client, MAIN, 1)  # a response, even if not a useful one: the API is up
    api.error = Unavailable("HTTP 503")
    attempts(client, MAIN, 2)
    attempts(client, OTHER, 2)
    assert len(api.accounts_called) == 49


def test_timeouts_and_5xx_of_one_account_alone_are_no_outage(api: Api, clock: Clock) -> None:
    client = GuardedClient(api, clock=clock)
    api.error = Unavailable("HTTP 500", retry_after=300)
    attempts(client, MAIN, 50)
    # One failure of another account may be a coincidence.
    attempts(client, OTHER, 1)
    assert len(api.accounts_called) == 51
    attempts(client, OTHER, 5)
    assert len(api.accounts_called) == 52
    with pytest.raises(NotCalled):
        client.call(MAIN, "balance")


def test_a_connection_that_cannot_be_established_is_an_outage_whoever_wanted_it(
    api: Api, clock: Clock
) -> None:
    client = GuardedClient(api, clock=clock)
    api.error = Unreachable("ConnectionRefusedError")
    attempts(client, MAIN, 20)
    assert len(api.accounts_called) == 5
    with pytest.raises(NotCalled) as refused:
        client.call(OTHER, "balance")
    assert refused.value.retry_after == guard.PAUSE_SECONDS


def test_every_call_is_reported_and_the_first_success_is_remembered(api: Api, clock: Clock) -> None:
    reported: list[tuple[str, str, float]] = []
    client = GuardedClient(api, clock=clock, on_call=lambda *call: reported.append(call))
    api.error = Unavailable("HTTP 503")
    fail_until_open(client)
    attempts(client, MAIN, 3)
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
