"""The broker's clock may be ahead of the service's: nothing disappears because of it."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from accounts import WIDGETS
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import NOW, InProcess, Script, at, running

DAY = 86400
TODAY = datetime.fromtimestamp(NOW, UTC).date()
DIALECTS = ("client-api", "cabinet-basic")


def closed(seconds_ago: float, ticket: int = 1) -> dict[str, Any]:
    """A trade of 0.5 lots that won 100, with a commission."""
    return {
        "ticket": ticket, "symbol": "EURUSD", "type": 0, "volume": 0.5, "openPrice": 1.1,
        "closePrice": 1.2, "openTime": at(seconds_ago + 60), "closeTime": at(seconds_ago),
        "profit": 100, "swaps": -4, "commission": -6,
    }  # fmt: skip


def opened(seconds_ago: float) -> dict[str, Any]:
    """A position."""
    return {
        "ticket": 9, "symbol": "EURUSD", "type": 0, "volume": 0.5, "openPrice": 1.1,
        "currentPrice": 1.2, "openTime": at(seconds_ago), "profit": 10,
    }  # fmt: skip


def responses(seconds_ago: float) -> dict[Any, Any]:
    """Those of an API whose newest records are so old."""
    return {
        "balance": {"balance": 1090, "currency": "USD"},
        "closed_trades": [closed(seconds_ago)],
        "operations": [],
        "open_trades": [opened(seconds_ago)],
        "logins": [{"time": at(seconds_ago), "ip": "203.0.113.7"}],
        "commissions": [{"balanceRecords": [{"time": at(seconds_ago), "amount": 3}]}],
    }


def service(stack: ExitStack, dialect: str, script: dict[Any, Any]) -> InProcess:
    """A service with one account that displays every widget."""
    account = {"login": 7654321, "partner_password": "partner", "widgets": list(WIDGETS)}
    api = {"dialect": dialect, "methods": {"lots": ""}}
    return running(stack, Script(script), accounts={"main": account}, api=api)


def data(running: InProcess, path: str) -> Any:
    """The data of a widget."""
    response = running.client.get(f"/w/main/{path}")
    assert response.status_code == 200, response.get_json()
    return response.get_json()["data"]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("hours_ahead", [0, 3, 30])
def test_what_the_api_dates_in_the_future_is_displayed_and_counted(
    dialect: str, hours_ahead: int
) -> None:
    with ExitStack() as stack:
        ahead = service(stack, dialect, responses(-3600 * hours_ahead))
        for period in ("today", "30d", "all"):
            query = f"?period={period}"
            trades = data(ahead, f"closed-trades.json{query}")
            assert (len(trades["trades"]), trades["totals"]["count"]) == (1, 1)
            lots = data(ahead, f"lots.json{query}")
            assert (lots["lots"], [day["lots"] for day in lots["days"]]) == (0.5, [0.5])
            growth = data(ahead, f"growth.json{query}")
            # 100 won, of which swap and commission leave 90.
            assert (growth["gain"], growth["trades"]) == (0.09, 1)
            for widget in ("closed-trades", "lots", "growth"):
                page = ahead.client.get(f"/w/main/{widget}{query}")
                assert page.status_code == 200
        assert len(data(ahead, "open-trades.json")["trades"]) == 1
        if dialect == "client-api":
            assert len(data(ahead, "logins.json?period=today")["logins"]) == 1
            commissions = data(ahead, "commissions.json?period=today")
            assert (commissions["total"], len(commissions["days"])) == (3, 1)


@pytest.mark.parametrize("widget", ["closed-trades", "growth", "lots"])
def test_only_an_explicit_last_day_cuts(widget: str) -> None:
    tomorrow = TODAY + timedelta(days=1)
    with ExitStack() as stack:
        ahead = service(stack, "client-api", responses(-DAY))
        counts = []
        for last in (TODAY, tomorrow):
            found = data(ahead, f"{widget}.json?from={TODAY}&to={last}")
            counts.append(found.get("trades") or found.get("days") or [])
        assert (bool(counts[0]), bool(counts[1])) == (False, True)


@given(ages=st.lists(st.integers(-2 * DAY, 2 * DAY), max_size=8, unique=True))
@settings(max_examples=examples(50))
def test_totals_do_not_depend_on_the_clock(ahead: InProcess, ages: list[int]) -> None:
    ahead.script.responses["closed_trades"] = [
        closed(age, ticket) for ticket, age in enumerate(ages)
    ]
    # An account of its own has no cached values.
    slug = ahead.add()
    found = ahead.client.get(f"/w/{slug}/closed-trades.json?period=7d").get_json()["data"]
    assert found["totals"]["count"] == len(ages)
    assert [row["ticket"] for row in found["trades"]] == [
        ticket for _, ticket in sorted((age, ticket) for ticket, age in enumerate(ages))
    ]


@pytest.fixture(scope="module")
def ahead() -> Iterator[InProcess]:
    """A service for many accounts."""
    with ExitStack() as stack:
        yield service(stack, "client-api", responses(0))
