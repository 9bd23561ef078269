"""Balance, trades and operations belong to the same moment, whenever money moves."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from accounts import WIDGETS
from conftest import Clock
from flask_caching.backends.simplecache import SimpleCache
from hypothesis import given
from hypothesis import strategies as st
from scripted import NOW
from test_cache import inline

from widget import config
from widget.api import parsing, records
from widget.api.client import Client
from widget.api.guard import GuardedClient
from widget.config import Account
from widget.data.snapshots import Snapshots
from widget.data.source import Source
from widget.errors import Unavailable
from widget.names import Function
from widget.widgets.options import Options, Period

DIALECTS = ("client-api", "cabinet-basic")
RULES = parsing.TimeRules(UTC)
DAY = 86400
ALL = Options(period=Period("all"))
DEPOSIT = (False, 10_000_000)


Move = tuple[bool, int]
"""A trade or else an operation, and its cents."""


@dataclass(frozen=True)
class Movement:
    """Something that changed the balance.

    Attributes:
        is_trade: whether it is a trade, and not a deposit or a withdrawal.
        cents: by how much.
        at: Unix seconds.
    """

    is_trade: bool
    cents: int
    at: float


class Broker:
    """An API whose balance always is the sum of its movements. Money moves before chosen calls.

    Attributes:
        movements: those so far, oldest first.
        due: for each of the next calls, what happens before it.
        calls: the functions that were called.
        clock_error: how many seconds the broker's clock is ahead.
        unlisted: cents of the balance that are in no list.
        gains: those of all moments so far.
    """

    def __init__(self, clock: Clock, movements: list[Movement]) -> None:
        self.movements = movements
        self.due: list[list[Move]] = []
        self.calls: list[Function] = []
        self.clock_error = 0
        self.unlisted = 0
        self.gains: set[Fraction] = set()
        self._clock = clock
        self._note_gain()

    def call(
        self,
        account: Account,
        function: Function,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> records.Result:
        """Replaces ``GuardedClient.call``."""
        self.calls.append(function)
        if self.due:
            for move in self.due.pop(0):
                self.move(*move)
        has_operations = account.api.dialect == "cabinet-basic"
        respond: dict[str, Callable[[], Any]] = {
            "balance": lambda: {"balance": self._balance() / 100},
            "closed_trades": lambda: list(self._trades(with_operations=not has_operations)),
            "operations": lambda: list(self._operations()),
        }
        body = json.dumps(respond[function]())
        return parsing.parse(function, body, RULES).result

    def move(self, is_trade: bool, cents: int) -> None:
        """Change the balance now, and let a second pass."""
        self.movements.append(Movement(is_trade, cents, self._clock.now))
        self._clock.now += 1
        self._note_gain()

    def _balance(self) -> int:
        return self.unlisted + sum(movement.cents for movement in self.movements)

    def _note_gain(self) -> None:
        self.gains.add(gain_of(self.movements))

    def _trades(self, *, with_operations: bool) -> Iterator[dict[str, Any]]:
        for number, movement in enumerate(self.movements):
            if not movement.is_trade and not with_operations:
                continue
            moment = self._written(movement.at)
            yield {
                "ticket": number, "symbol": "EURUSD", "type": 0 if movement.is_trade else 6,
                "volume": 0.1, "openPrice": 1.1, "closePrice": 1.2, "openTime": moment,
                "closeTime": moment, "profit": movement.cents / 100,
            }  # fmt: skip

    def _operations(self) -> Iterator[dict[str, Any]]:
        for movement in self.movements:
            if not movement.is_trade:
                yield {
                    "amount": abs(movement.cents) / 100, "date": self._written(movement.at),
                    "operationType": int(movement.cents < 0), "status": 1,
                }  # fmt: skip

    def _written(self, at: float) -> float:
        """A time as the broker's clock shows it."""
        return round(at + self.clock_error)


def gain_of(movements: list[Movement]) -> Fraction:
    """The gain after some movements by the definition in the documentation, in exact fractions."""
    balance = highest = Fraction(0)
    growth = Fraction(1)
    for movement in movements:
        is_link = balance > 0 and balance >= highest / 100
        if movement.is_trade and is_link:
            growth *= max(Fraction(0), (balance + movement.cents) / balance)
        balance += movement.cents
        highest = max(highest, balance)
    return growth - 1


class Bank:
    """An account at a broker whose money moves, and the cache of a service that displays it."""

    def __init__(self, dialect: str, movements: list[Movement]) -> None:
        self.clock = Clock(NOW)
        self.broker = Broker(self.clock, movements)
        api = {"dialect": dialect, "base_url": "http://127.0.0.1:9", "methods": {"lots": ""}}
        tables = {"api": api, "accounts": {"main": {"login": 7654321}}}
        settings = config.parse(tables, {}, WIDGETS, folder=Path(), demo=True)
        self.account = settings.accounts["main"]
        self._client = GuardedClient(Client())
        self._client.call = self.broker.call  # type: ignore[method-assign]
        store = SimpleCache()
        self._snapshots = Snapshots(store, keep_seconds=DAY, clock=self.clock)
        self._cache = inline(store, self.clock)

    def data(self, widget: str, options: Options = ALL) -> dict[str, Any]:
        """The data of a widget now; what has to be refreshed was refreshed before."""
        for _ in range(2):
            now = datetime.fromtimestamp(self.clock.now, UTC)
            source = Source(self.account, self._client, self._cache, now, snapshots=self._snapshots)
            # The first time, an old value is served while a call refreshes it.
            data = WIDGETS[widget].fetch(source, options)
        return data

    def gain(self) -> Decimal:
        """The gain of the whole history."""
        gain = self.data("growth")["gain"]
        assert isinstance(gain, Decimal)
        return gain


def deposit_and_profit() -> list[Movement]:
    """900 paid in ten days ago, and 100 won five days ago."""
    return [
        Movement(is_trade=False, cents=90_000, at=NOW - 10 * DAY),
        Movement(is_trade=True, cents=10_000, at=NOW - 5 * DAY),
    ]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_deposit_does_not_change_the_gain_not_even_for_five_minutes(dialect: str) -> None:
    bank = Bank(dialect, deposit_and_profit())
    before = bank.gain()
    assert float(before) == pytest.approx(1 / 9)
    bank.clock.now += 30
    bank.broker.move(*DEPOSIT)
    for _ in range(20):
        bank.clock.now += 16
        assert bank.gain() == before


@pytest.mark.parametrize("dialect", DIALECTS)
def test_in_the_ordinary_case_each_function_is_called_once(dialect: str) -> None:
    bank = Bank(dialect, deposit_and_profit())
    for widget in ("growth", "balance", "closed-trades"):
        bank.data(widget)
    assert len(bank.broker.calls) == len(set(bank.broker.calls))
    # Neither does a movement cost another call once the opening balance is known.
    bank.broker.move(is_trade=True, cents=500)
    bank.broker.calls.clear()
    bank.clock.now += 70
    bank.data("growth")
    assert len(bank.broker.calls) == len(set(bank.broker.calls))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("clock_error", [0, 3 * 3600])
def test_on_a_first_reading_a_movement_between_two_calls_is_noticed(
    dialect: str, clock_error: int
) -> None:
    bank = Bank(dialect, deposit_and_profit())
    bank.broker.clock_error = clock_error
    bank.broker.due = [[], [DEPOSIT]]
    assert float(bank.gain()) == pytest.approx(1 / 9)


def test_money_that_never_stops_moving_gives_no_gain_instead_of_a_wrong_one() -> None:
    bank = Bank("client-api", deposit_and_profit())
    # Between any two calls the same amount, so that all readings are wrong in the same way.
    bank.broker.due = [[DEPOSIT] for _ in range(50)]
    with pytest.raises(Unavailable):
        bank.gain()
    bank.broker.due.clear()
    bank.clock.now += 3600
    assert float(bank.gain()) == pytest.approx(1 / 9)


def test_a_history_that_the_broker_corrects_is_accepted() -> None:
    bank = Bank("client-api", deposit_and_profit())
    bank.data("growth")
    # A row disappears although the balance stays.
    bank.broker.unlisted = bank.broker.movements.pop(0).cents
    bank.broker.unlisted += 10_000
    bank.clock.now += 70
    assert float(bank.gain()) == pytest.approx(100 / 1000)


def test_a_widget_of_trades_alone_does_not_need_the_balance() -> None:
    bank = Bank("client-api", deposit_and_profit())
    for widget in ("closed-trades", "lots"):
        bank.data(widget)
    assert "balance" not in bank.broker.calls


# Small and round amounts too, so that some cancel each other.
CENTS = st.sampled_from([-10_000, -5_000, 5_000, 10_000, 10_000_000]) | st.integers(-90, 90_000)
MOVES = st.lists(st.tuples(st.booleans(), CENTS), max_size=3)


@given(
    dialect=st.sampled_from(DIALECTS),
    clock_error=st.sampled_from([0, 3600, 3 * 3600]),
    between_calls=st.lists(MOVES, max_size=12),
    between_requests=st.lists(st.tuples(st.integers(1, 200), MOVES), max_size=4),
)
def test_the_published_gain_always_is_that_of_one_moment(
    dialect: str,
    clock_error: int,
    between_calls: list[list[Move]],
    between_requests: list[tuple[int, list[Move]]],
) -> None:
    bank = Bank(dialect, deposit_and_profit())
    bank.broker.clock_error = clock_error
    bank.broker.due = between_calls
    for seconds, moves in [(0, []), *between_requests]:
        bank.clock.now += seconds
        for move in moves:
            bank.broker.move(*move)
        try:
            gain = bank.gain()
        except Unavailable:
            continue
        distances = [abs(float(gain) - float(other)) for other in bank.broker.gains]
        assert min(distances) < 1e-9
