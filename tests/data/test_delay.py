"""Trades within the delay leave no trace in any widget."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from conftest import Clock
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import until
from scripted import NOW, WIDGETS, InProcess, Script, at, running

DELAY = 60 * 60
PERIODS = ("", "?period=today", "?period=7d", "?period=all", "?from=2026-11-01&to=2026-11-30")


@pytest.fixture
def service() -> Iterator[Callable[[dict[Any, Any]], InProcess]]:
    """Starts a service with a scripted upstream."""
    with ExitStack() as stack:
        yield lambda responses: running(stack, Script(responses))


@pytest.fixture(scope="module")
def shared() -> Iterator[InProcess]:
    """One service for all examples of the property."""
    with ExitStack() as stack:
        yield running(stack, Script({}))


def trade(
    ticket: int, opened: float, closed: float | None, cents: int, **more: Any
) -> dict[str, Any]:
    """A trade, opened and closed so many seconds before now."""
    record = {
        "ticket": ticket, "symbol": "EURUSD", "type": ticket % 2, "volume": 0.13, "digits": 5,
        "openPrice": 1.08412,
        "openTime": at(opened), "swaps": -0.37, "profit": cents / 100, "sl": 0, "tp": 0, **more,
    }  # fmt: skip
    return record | (
        {"currentPrice": 1.1} if closed is None else {"closePrice": 1.09, "closeTime": at(closed)}
    )


def world(opened: list[dict[str, Any]], closed: list[dict[str, Any]]) -> dict[Any, Any]:
    """All responses of an upstream for an account with these trades."""

    def result(trades: list[dict[str, Any]]) -> Decimal:
        return sum(
            (Decimal(str(t["profit"])) + Decimal(str(t["swaps"])) for t in trades), Decimal(0)
        )

    def within(start: datetime | None, end: datetime | None) -> list[dict[str, Any]]:
        first, last = (
            moment.replace(tzinfo=None).isoformat() if moment else "" for moment in (start, end)
        )
        return [
            t for t in closed if first <= t["closeTime"] and (not last or t["closeTime"] <= last)
        ]

    def lots(trades: list[dict[str, Any]]) -> str:
        return str(sum((Decimal(str(t["volume"])) for t in trades), Decimal(0)))

    positions = [t for t in opened if t["type"] < 2]
    balance = 10_000 + result(closed)
    equity = balance + result(positions)
    information = {
        "balance": str(balance), "equity": str(equity),
        "freeMargin": str(equity - len(positions) * 50),
        "currency": "USD", "leverage": 500, "type": 1, "currentTradesCount": len(positions),
        "currentTradesVolume": lots(positions), "totalTradesCount": len(closed),
        "totalTradesVolume": lots(closed),
    }  # fmt: skip
    closed_lots = Decimal(lots(closed))
    return {
        "balance": information,
        "summary": information,
        "open_trades": opened,
        "closed_trades": lambda start, end: within(start, end),
        "lots": lambda start, end: lots(within(start, end)),
        "bonus": {
            "bonuses": {"totalBonus": 300, "welcomeBonus": 300, "clubBonus": 0},
            "summary": {
                "availableToWithdraw": str(equity - 300),
                "availableToWithdrawWithoutLosingBonus": str(equity),
            },
            "trade": {
                "closedLots": str(closed_lots),
                "lotsRequired": 900,
                "missingLots": str(max(Decimal(0), 900 - closed_lots)),
            },
        },
        "logins": [],
        "commissions": [],
    }


def figures(service: InProcess, slug: str) -> dict[str, Any]:
    """All figures of an account, in every period."""
    found = {}
    for name, widget in WIDGETS.items():
        queries = PERIODS if "period" in widget.options else ("", "?group=symbol")
        for period in queries if widget.options else ("",):
            response = service.client.get(f"/w/{slug}/{name}.json{period}")
            assert response.status_code == 200, (name, response.text)
            found[name + period] = response.get_json()
    return found


MOMENTS = st.integers(1, 3 * DELAY).filter(lambda s: abs(s - DELAY) > 1)
OPEN = st.lists(
    st.tuples(MOMENTS, st.integers(-9999, 9999), st.sampled_from([0, 1, 2, 5])), max_size=5
)
CLOSED = st.lists(st.tuples(MOMENTS, st.integers(1, 90_000), st.integers(-9999, 9999)), max_size=6)


@settings(max_examples=examples(25))
@given(opened=OPEN, closed=CLOSED)
def test_a_trade_within_the_delay_leaves_no_trace_in_any_widget(
    shared: InProcess, opened: list[tuple[int, int, int]], closed: list[tuple[int, int, int]]
) -> None:
    """The figures are the same as if the trade did not exist."""
    open_trades = [
        trade(100 + n, ago, None, cents, type=kind) for n, (ago, cents, kind) in enumerate(opened)
    ]
    closed_trades = [
        trade(200 + n, ago + held, ago, cents) for n, (ago, held, cents) in enumerate(closed)
    ]
    worlds = (
        world(open_trades, closed_trades),
        world(
            [t for t in open_trades if t["openTime"] <= at(DELAY)],
            [t for t in closed_trades if t["closeTime"] <= at(DELAY)],
        ),
    )
    found = []
    for shared.script.responses in worlds:
        slug = shared.add(delay_minutes=DELAY // 60, widgets=list(WIDGETS))
        found.append(
            {where: {**figure, "account": None} for where, figure in figures(shared, slug).items()}
        )
    assert found[0] == found[1]


def test_without_a_delay_the_same_trades_are_all_there(service: Callable[..., InProcess]) -> None:
    young = service(world([trade(1, 60, None, 4321)], [trade(2, 90, 30, 1234)]))
    account = {"widgets": list(WIDGETS)}
    public = figures(young, young.add(**account))
    assert public["open-trades"]["data"]["totals"]["count"] == 1
    assert public["closed-trades"]["data"]["totals"]["profit"] == 12.34
    assert public["balance"]["data"]["balance"] == 10_000 + 12.34 - 0.37
    assert public["lots?period=today"]["data"]["lots"] == 0.13
    delayed = figures(young, young.add(**account, delay_minutes=1))
    # The trade was closed 30 s ago: the minute of the delay is not over.
    assert delayed["lots?period=today"]["data"]["lots"] == 0


@pytest.mark.parametrize("widget", ["balance", "summary", "growth", "bonus"])
def test_a_trade_is_not_published_early_because_the_lists_are_older_than_the_figures(
    widget: str,
) -> None:
    """The lists of trades are fresh for longer than the balance, which may include trades that are
    not in them yet.
    """
    clock = Clock(NOW)
    script = Script(world([], [trade(4, 4 * DELAY, 3 * DELAY, 5_000)]))
    with ExitStack() as stack:
        service = running(stack, script, clock=clock)
        slug = service.add(
            delay_minutes=DELAY // 60, ttl_seconds={"closed_trades": 3000, "open_trades": 3000}
        )
        for name in ("open-trades", "closed-trades", widget):
            before = service.client.get(f"/w/{slug}/{name}.json").get_json()
        script.responses.update(
            world(
                [trade(1, -5, None, 77_777)],
                [trade(4, 4 * DELAY, 3 * DELAY, 5_000), trade(2, 9_000, -5, 88_888)],
            )
        )
        clock.now += 600
        calls = service.service.cache._flights._flights
        for _ in range(10):  # refreshed in the background, long before the hour is over
            clock.now += 2
            after = service.client.get(f"/w/{slug}/{widget}.json").get_json()
            assert {**after["data"], "to": None} == {**before["data"], "to": None}
            until(lambda: not calls)
        # Growth is as old as the oldest of its values, and the list of trades stays fresh for long.
        assert (after["as_of"] != before["as_of"]) == (widget != "growth")


def test_no_lots_are_requested_for_a_period_within_the_delay(
    service: Callable[..., InProcess],
) -> None:
    responses = world([], [trade(2, 9000, 7200, 1234)])
    periods: list[tuple[Any, Any]] = []
    respond = responses["lots"]

    def lots(start: Any, end: Any) -> Any:
        periods.append((start, end))
        return respond(start, end)

    responses["lots"] = lots
    delayed = service(responses)
    slug = delayed.add(delay_minutes=3 * 24 * 60)
    assert delayed.client.get(f"/w/{slug}/lots.json?period=today").get_json()["data"]["lots"] == 0
    assert periods == []
    assert delayed.client.get(f"/w/{slug}/lots.json?period=30d").get_json()["data"]["lots"] == 0
    assert [start < end for start, end in periods] == [True]
