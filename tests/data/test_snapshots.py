"""A delayed account is displayed as it was: nothing can be seen before the delay is over."""

import copy
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import processes
import pytest
from accounts import WIDGETS
from conftest import Clock
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import NOW, InProcess, Script, running

from widget import config
from widget.api.client import Client
from widget.config import Account
from widget.data import sampler
from widget.errors import Refused, Unreadable
from widget.names import Function

MINUTE = 60
HOUR = 3600
DAY = 86400
DELAY = 12 * MINUTE
INTERVAL = 2 * MINUTE
LOGIN = {"login": 7654321, "partner_password": "partner"}
ACCOUNT = config.parse({"accounts": {"main": LOGIN}}, {}, WIDGETS, folder=Path(), demo=True)
OFFERED = {
    name: widget
    for name, widget in WIDGETS.items()
    if all(Client().offers(ACCOUNT.accounts["main"], each) for each in widget.functions)
}
EVERYTHING = {
    **LOGIN,
    "widgets": list(OFFERED),
    # Not the API's own figure for a period that ends in the past: it changes with old records.
    "api": {"methods": {"lots": ""}},
    "ttl_seconds": {"logins": 1, "commissions": 1},
}
REFERENCE_CLOCK = Clock(NOW)
QUERIES = ("", "?period=today", "?period=all", "?from=2026-11-01&to=2026-11-30")


@dataclass
class Book:
    """An account at the broker. Amounts are whole cents.

    Attributes:
        clock_error: by how many seconds the API's clock is ahead.
    """

    clock_error: float = 0.0
    balance: int = 1_000_000
    bonus: int = 30_000
    opened: list[dict[str, Any]] = field(default_factory=list)
    closed: list[dict[str, Any]] = field(default_factory=list)
    logins: list[dict[str, Any]] = field(default_factory=list)
    commissions: list[dict[str, Any]] = field(default_factory=list)
    ticket: int = 48_000_000

    def at(self, now: float) -> str:
        """A time as the API writes it."""
        moment = datetime.fromtimestamp(now + self.clock_error, UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S")

    def open(self, now: float, cents: int, command: int) -> None:
        """Open a position, or place an order."""
        self.ticket += 1
        self.opened.append(
            {"ticket": self.ticket, "symbol": f"QZ{self.ticket}", "type": command}
            | {"volume": 0.13, "digits": 5, "openPrice": 1.08412, "currentPrice": 1.1}
            | {"openTime": self.at(now), "swaps": -0.37, "profit": cents / 100, "sl": 0, "tp": 0}
        )

    def modify(self, now: float, cents: int, command: int) -> None:
        """Change the newest trade."""
        if self.opened:
            self.opened[-1] |= {"sl": cents / 1000, "tp": 1.2, "swaps": -1.11, "profit": 4.56}

    def close(self, now: float, cents: int, command: int) -> None:
        """Close the oldest position, or remove the oldest order."""
        if not self.opened:
            return
        trade = self.opened.pop(0)
        if trade["type"] < 2:
            self.add_closed(trade | {"profit": cents / 100}, now)

    def add_closed(self, trade: dict[str, Any], closed_at: float) -> None:
        """Add a closed trade, and its result to the balance."""
        row = trade | {"closePrice": 1.09, "closeTime": self.at(closed_at)}
        self.closed.append(row)
        self.balance += round((row["profit"] + row["swaps"]) * 100)

    def correct(self, now: float, cents: int, command: int) -> None:
        """Correct the trade that was closed last, as brokers do."""
        trades = [row for row in self.closed if row["type"] < 2]
        if trades:
            trades[-1]["profit"] += 1.23
            self.balance += 123

    def enter_later(self, now: float, cents: int, command: int) -> None:
        """Add a trade that was closed hours ago."""
        self.open(now - 9 * HOUR, cents, 0)
        self.add_closed(self.opened.pop(), now - 8 * HOUR)

    def deposit(self, now: float, cents: int, command: int) -> None:
        """Complete a deposit, or a withdrawal, that was requested an hour ago."""
        self.ticket += 1
        row = {"ticket": self.ticket, "type": 6, "symbol": "", "volume": 0, "openPrice": 0}
        row |= {"openTime": self.at(now - HOUR), "profit": cents / 100, "swaps": 0}
        self.add_closed(row, now - HOUR)

    def grant(self, now: float, cents: int, command: int) -> None:
        """Grant a bonus."""
        self.bonus += abs(cents)

    def log_in(self, now: float, cents: int, command: int) -> None:
        """Log in from a new address."""
        row = {"time": self.at(now), "ip": f"203.0.{cents % 250}.77", "application": f"T{cents}"}
        self.logins.append(row)

    def earn(self, now: float, cents: int, command: int) -> None:
        """Earn a commission as a partner."""
        row = {"time": self.at(now), "login": 1, "volume": 0.5, "symbol": f"C{cents % 99}"}
        self.commissions.append(row | {"amount": cents / 100, "currency": "USD"})

    def responses(self) -> dict[Any, Any]:
        """What the API sends now. A copy, which later changes do not touch."""
        book = copy.deepcopy(self)
        positions = [trade for trade in book.opened if trade["type"] < 2]
        floating = sum(round((trade["profit"] + trade["swaps"]) * 100) for trade in positions)
        equity = book.balance + floating
        information = {
            "balance": book.balance / 100,
            "equity": equity / 100,
            "freeMargin": (equity - 5_000 * len(positions)) / 100,
            "currency": "USD",
            "leverage": 500,
            "currentTradesCount": len(positions),
            "currentTradesVolume": 0.13 * len(positions),
            "totalTradesCount": len(book.closed),
            "totalTradesVolume": 0.13 * len(book.closed),
        }
        return {
            "balance": information,
            "summary": information,
            "open_trades": book.opened,
            "closed_trades": book.closed_since,
            "lots": book.lots_between,
            "bonus": {
                "bonuses": {"totalBonus": book.bonus / 100},
                "summary": {"availableToWithdraw": equity / 100},
                "trade": {"closedLots": len(book.closed), "lotsRequired": 900},
            },
            "logins": book.logins,
            "commissions": book.commissions,
            "referrals": [],
        }

    def closed_since(self, start: datetime | None, end: datetime | None) -> list[dict[str, Any]]:
        """The closed trades of a period, by the clock of the API."""
        first = start.strftime("%Y-%m-%dT%H:%M:%S") if start else ""
        last = end.strftime("%Y-%m-%dT%H:%M:%S") if end else "9"
        return [row for row in self.closed if first <= row["closeTime"] <= last]

    def lots_between(self, start: datetime | None, end: datetime | None) -> str:
        """The lots of a period."""
        rows = self.closed_since(start, end)
        return str(sum((Decimal(str(row["volume"])) for row in rows), Decimal(0)))


class Delayed:
    """A service with a delayed account, whose snapshots are taken when they are due.

    Attributes:
        book: the account as it is now; a change takes effect with ``publish``.
        taken: what the API sent, by the times of the snapshots.
    """

    def __init__(
        self,
        stack: ExitStack,
        book: Book,
        keep_seconds: int = DAY,
        **account: Any,
    ) -> None:
        self.clock = Clock(NOW)
        self.book = book
        self.script = Script(book.responses())
        table = {**EVERYTHING, "delay_minutes": DELAY // MINUTE, **account}
        self.service = running(
            stack,
            self.script,
            clock=self.clock,
            accounts={"main": table},
            cache={"keep_seconds": keep_seconds},
        )
        self.taken: dict[float, dict[Any, Any]] = {}
        self.sample()

    def publish(self) -> None:
        """Let the API send the account as it is now."""
        self.script.responses = self.book.responses()

    def sample(self) -> None:
        """Take the snapshots that are due."""
        before = self.script.calls.total()
        self.service.take_snapshots()
        if self.script.calls.total() > before:
            self.taken[self.clock.now] = self.script.responses

    def wait(self, seconds: float) -> None:
        """Let time pass; snapshots are taken meanwhile."""
        until = self.clock.now + seconds
        while self.clock.now < until:
            self.clock.now = min(until, self.clock.now + 5)
            self.sample()

    def get(self, path: str) -> Any:
        """The response to a request."""
        # The response cache does not store responses to requests with credentials. What it has
        # stored is older, and would conceal that an application shows something too early.
        return self.service.client.get(f"/w/main/{path}", headers={"Authorization": "Bearer none"})

    def json(self, path: str) -> Any:
        """The JSON of a widget."""
        response = self.get(path)
        assert response.status_code == 200, (path, response.text)
        return response.get_json()


@pytest.fixture
def delayed() -> Iterator[Callable[..., Delayed]]:
    """Starts a service with a delayed account."""
    with ExitStack() as stack:

        def start(book: Book | None = None, **account: Any) -> Delayed:
            return Delayed(stack, book or old_book(), **account)

        yield start


@pytest.fixture(scope="module")
def reference() -> Iterator[InProcess]:
    """A service whose accounts have no delay."""
    with ExitStack() as stack:
        service = running(stack, Script({}), clock=REFERENCE_CLOCK)
        yield service


def old_book(clock_error: float = 0.0) -> Book:
    """An account that has been traded for months."""
    book = Book(clock_error)
    for days in (200, 100, 50, 20, 3, 1):
        book.open(NOW - days * DAY - HOUR, 100 * days, 0)
        book.add_closed(book.opened.pop(), NOW - days * DAY)
    book.open(NOW - 5 * HOUR, 777, 1)
    book.log_in(NOW - 20 * DAY, 1, 0)
    book.earn(NOW - 20 * DAY, 4321, 0)
    return book


def addresses() -> Iterator[str]:
    """The JSON of all widgets, with several options."""
    for name, widget in OFFERED.items():
        queries: tuple[str, ...] = ("",)
        if "period" in widget.options:
            queries = QUERIES
        if "group" in widget.options:
            queries = ("", "?group=symbol")
        for query in queries:
            yield f"{name}.json{query}"


def other_forms() -> Iterator[str]:
    """All other addresses of the widgets of the account."""
    for name, widget in OFFERED.items():
        yield f"/w/main/{name}"
        yield f"/oembed?url=http://127.0.0.1:8000/w/main/{name}"
        if widget.picture:
            yield f"/w/main/{name}.svg"


def figures(response: Any) -> Any:
    """The JSON of a widget without the name of the account."""
    assert response.status_code == 200, response.text
    content = response.get_json()
    del content["account"]
    return content


def names_in(text: str) -> set[str]:
    """The tickets and symbols in a text."""
    return set(re.findall(r"480000\d\d", text))


CHANGES = st.sampled_from(
    [
        Book.open,
        Book.modify,
        Book.close,
        Book.correct,
        Book.enter_later,
        Book.deposit,
        Book.grant,
        Book.log_in,
        Book.earn,
    ]
)
STEPS = st.lists(
    st.tuples(
        CHANGES,
        st.integers(-90_000, 90_000),  # cents
        st.sampled_from([0, 1, 2, 5]),  # command
        st.integers(1, 400),  # seconds until the next step
    ),
    min_size=1,
    max_size=15,
)


@settings(max_examples=examples(25))
@given(
    steps=STEPS,
    rest=st.integers(0, 2 * DELAY),
    clock_error=st.sampled_from([0, 0, -3 * HOUR, 2 * HOUR]),
)
def test_whatever_changes_at_any_time_is_displayed_as_it_was_and_not_before_the_delay(
    reference: InProcess,
    steps: list[tuple[Callable[..., None], int, int, int]],
    rest: int,
    clock_error: int,
) -> None:
    """Every widget has the figures of an account without delay at the time of the snapshot."""
    with ExitStack() as stack:
        delayed = Delayed(stack, old_book(clock_error))
        delayed.wait(DELAY)
        for change, cents, command, seconds in steps:
            change(delayed.book, delayed.clock.now, cents, command)
            delayed.publish()
            delayed.wait(seconds)
        delayed.wait(rest)
        now = delayed.clock.now
        due = [taken_at for taken_at in delayed.taken if taken_at <= now - DELAY]
        taken_at = max(due)
        # Not later than a delay and an interval, and the steps of this test.
        assert taken_at >= now - DELAY - INTERVAL - 10
        reference.script.responses = delayed.taken[taken_at]
        REFERENCE_CLOCK.now = taken_at
        slug = reference.add(**EVERYTHING)
        for address in addresses():
            found = figures(delayed.get(address))
            assert found == figures(reference.client.get(f"/w/{slug}/{address}")), address
        visible = names_in(json.dumps(delayed.taken[taken_at], default=str))
        rows = delayed.taken[taken_at]["closed_trades"](None, None)
        visible |= names_in(json.dumps(rows))
        for address in other_forms():
            response = delayed.service.client.get(address)
            assert response.status_code == 200, address
            assert names_in(response.text) <= visible, address


def test_a_position_that_was_just_closed_is_still_open_for_visitors(
    delayed: Callable[..., Delayed],
) -> None:
    """Five seconds after it was closed, it was missing from the list."""
    service = delayed()
    service.wait(DELAY + 60)
    before = {address: service.json(address) for address in addresses()}
    service.book.close(service.clock.now, 98_765, 0)
    service.publish()
    service.clock.now += 5
    assert before == {address: service.json(address) for address in addresses()}
    service.wait(DELAY - INTERVAL)
    assert service.json("open-trades.json")["data"] == before["open-trades.json"]["data"]
    service.wait(2 * INTERVAL + 10)
    assert service.json("open-trades.json")["data"]["totals"]["count"] == 0
    assert service.json("closed-trades.json")["data"]["trades"][0]["profit"] == 987.65


def test_until_a_snapshot_is_old_enough_a_card_says_when_there_will_be_figures(
    delayed: Callable[..., Delayed],
) -> None:
    service = delayed(timezone="Europe/Paris")
    service.wait(60)
    for address in ("balance.json", "growth.json", "balance", "lots.svg"):
        response = service.get(address)
        assert response.status_code == 503, address
        assert response.headers["Retry-After"] == str(DELAY - 60)
        assert response.headers["Cache-Control"] == "private, no-store"
    # The snapshots began at noon UTC, which is 1 pm in Paris.
    message = service.get("balance.json").get_json()["error"]
    assert message["code"] == "delayed"
    assert "13:12 UTC+1" in message["message"]
    page = service.get("balance?lang=de&tz=Asia/Tokyo").text
    assert 'data-error="delayed"' in page
    assert "21:12 UTC+9" in page
    assert service.service.client.get("/readyz").status_code == 200
    service.wait(DELAY - 60)
    assert service.get("balance.json").status_code == 200


def test_the_time_when_there_will_be_figures_is_not_too_early(
    delayed: Callable[..., Delayed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written without seconds."""
    monkeypatch.setattr(Clock, "__call__", lambda clock: clock.now + 5)
    service = delayed()
    assert service.get("balance.json").headers["Retry-After"] == str(DELAY)
    message = service.get("balance.json").get_json()["error"]["message"]
    assert "12:13 UTC" in message


def test_a_snapshot_counts_from_the_end_of_its_last_call(delayed: Callable[..., Delayed]) -> None:
    """Until then, a call may return something that happened meanwhile."""
    service = delayed()
    respond = service.script.responses["bonus"]

    def slowly(*_: Any) -> Any:
        service.clock.now += 40
        return respond

    service.wait(INTERVAL - 10)
    service.script.responses = {**service.script.responses, "bonus": slowly}
    began = service.clock.now + 10
    service.clock.now = began
    service.sample()
    service.clock.now = began + DELAY + 39
    assert service.json("balance.json")["as_of"] < iso(began)
    service.clock.now = began + DELAY + 40
    assert service.json("balance.json")["as_of"] == iso(began)


def iso(seconds: float) -> str:
    """A time as it is in the JSON."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("minutes", "seconds"),
    [(1, 15), (2, 20), (12, 120), (60, 600), (1440, 600)],
)
def test_snapshots_are_a_sixth_of_the_delay_apart_whether_anybody_is_watching_or_not(
    delayed: Callable[..., Delayed], minutes: int, seconds: int
) -> None:
    service = delayed(delay_minutes=minutes)
    service.wait(3 * seconds)
    assert list(service.taken) == [NOW + n * seconds for n in range(4)]


def test_only_as_many_snapshots_as_needed_are_stored(delayed: Callable[..., Delayed]) -> None:
    service = delayed()
    service.wait(3 * DELAY)
    store = service.service.service.snapshots._store._store
    stored = [key for key in store._cache if ":snapshot:" in key]
    assert len(stored) == DELAY / INTERVAL + 2


def test_a_history_is_not_requested_more_often_because_of_the_delay(
    delayed: Callable[..., Delayed],
) -> None:
    service = delayed()
    periods: list[Any] = []
    closed_since = service.book.closed_since

    def closed_trades(start: Any, end: Any) -> Any:
        periods.append(start)
        return closed_since(start, end)

    service.script.responses = {**service.script.responses, "closed_trades": closed_trades}
    service.wait(DELAY)
    periods.clear()
    for _ in range(30):
        service.wait(60)
        service.json("closed-trades.json?period=all")
        service.json("closed-trades.json")
    # Without a delay, each of the two would be requested once a minute.
    whole = [start for start in periods if start is None]
    assert len(whole) == 1
    recent = [start for start in periods if start and start.timestamp() > NOW - 4 * DAY]
    assert len(recent) == 30 * 60 / INTERVAL
    assert len(periods) == len(recent) + 2


def test_logins_and_commissions_are_requested_as_rarely_as_without_the_delay(
    delayed: Callable[..., Delayed],
) -> None:
    service = delayed(ttl_seconds={})
    service.wait(10 * INTERVAL)
    # Once in their five minutes, at the next snapshot.
    assert service.script.calls["logins"] == service.script.calls["commissions"] == 4
    assert service.script.calls["bonus"] == 11


def test_recent_periods_need_no_history_at_all(delayed: Callable[..., Delayed]) -> None:
    service = delayed()
    service.wait(DELAY)
    service.json("closed-trades.json?period=today")
    before = service.script.calls["closed_trades"]
    service.json("growth.json?period=today")
    assert service.script.calls["closed_trades"] == before


def test_lots_are_requested_until_the_time_of_the_snapshot(
    delayed: Callable[..., Delayed],
) -> None:
    periods: list[Any] = []

    def lots(start: Any, end: Any) -> str:
        periods.append((start, end))
        return "12.5"

    service = delayed(api={})
    service.script.responses = {**service.script.responses, "lots": lots}
    service.wait(DELAY + 60)
    content = service.json("lots.json?period=30d")
    assert content["data"]["lots"] == 12.5
    assert content["as_of"] == iso(NOW)
    assert [end for _, end in periods] == [datetime.fromtimestamp(NOW, UTC)]


def test_a_share_of_the_balance_is_one_of_the_snapshots_balance(
    delayed: Callable[..., Delayed],
) -> None:
    service = delayed(amounts="percent")
    service.wait(DELAY + 60)
    before = service.json("open-trades.json")["data"]["totals"]["profit"]
    service.book.balance *= 2
    service.publish()
    service.wait(60)
    assert service.json("open-trades.json")["data"]["totals"]["profit"] == before


def test_figures_are_stale_while_sampling_fails_or_is_overdue(
    delayed: Callable[..., Delayed],
) -> None:
    service = delayed()
    service.wait(DELAY + 60)
    assert service.json("balance.json")["stale"] is False
    service.script.is_down = True
    service.wait(INTERVAL)
    failed = service.json("balance.json")
    assert failed["stale"] is True
    # While the API is down, the figures get older, but do not disappear.
    service.wait(2 * DELAY)
    assert service.json("balance.json")["stale"] is True
    service.script.is_down = False
    service.wait(2 * INTERVAL)
    # The next snapshot is not old enough yet, and there is none between them.
    assert service.json("balance.json")["stale"] is True
    service.wait(DELAY)
    assert service.json("balance.json")["stale"] is False
    # No process takes snapshots any more.
    service.clock.now += INTERVAL + 60
    assert service.json("balance.json")["stale"] is True


def test_after_a_failure_the_next_attempt_is_made_soon(delayed: Callable[..., Delayed]) -> None:
    service = delayed()
    service.script.is_down = True
    calls = service.script.calls
    service.wait(INTERVAL)
    attempts = []
    for _ in range(60):
        before = calls.total()
        service.wait(5)
        if calls.total() > before:
            attempts.append(service.clock.now - NOW - INTERVAL)
    assert attempts == [15, 45, 105, 225]


@pytest.mark.parametrize(("error", "status"), [(Refused, 502), (Unreadable, 502)])
def test_an_account_of_which_no_snapshot_can_be_taken_says_why(
    delayed: Callable[..., Delayed], error: type[Exception], status: int
) -> None:
    def fail(*_: Any) -> Any:
        raise error("in this test")

    service = delayed(Book())
    service.service.service.snapshots._accounts.clear()
    service.service.service.snapshots._store._store.clear()
    service.script.responses = dict.fromkeys(service.script.responses, fail)
    service.sample()
    assert service.get("balance.json").status_code == status


def test_a_function_that_fails_does_not_affect_the_others(
    delayed: Callable[..., Delayed],
) -> None:
    def fail(*_: Any) -> Any:
        raise Unreadable("in this test")

    service = delayed()
    service.wait(INTERVAL)
    service.script.responses = {**service.script.responses, "bonus": fail, "closed_trades": fail}
    service.wait(DELAY + 3 * INTERVAL)
    balance = service.json("balance.json")
    bonus = service.json("bonus.json")
    # Longer periods need a call of the function that fails.
    growth = service.json("growth.json?period=today")
    assert balance["stale"] is False
    assert bonus["stale"] is growth["stale"] is True
    # They are from the snapshot before.
    assert bonus["as_of"] == growth["as_of"] < balance["as_of"]


def test_a_function_that_fails_for_too_long_has_an_error(delayed: Callable[..., Delayed]) -> None:
    def fail(*_: Any) -> Any:
        raise Unreadable("in this test")

    service = delayed(keep_seconds=3 * INTERVAL)
    service.wait(INTERVAL)
    service.script.responses = {**service.script.responses, "bonus": fail}
    service.wait(DELAY + 2 * INTERVAL)
    assert service.json("bonus.json")["stale"] is True
    service.wait(3 * INTERVAL)
    assert service.get("bonus.json").status_code == 502
    assert service.json("balance.json")["stale"] is False


def test_a_clock_that_is_set_back_reveals_nothing(delayed: Callable[..., Delayed]) -> None:
    service = delayed()
    service.wait(2 * DELAY)
    before = service.json("balance.json")
    service.book.deposit(service.clock.now, 90_000, 0)
    service.publish()
    service.wait(INTERVAL)
    service.clock.now -= INTERVAL - 10
    for _ in range(int((DELAY - INTERVAL) / 5)):
        service.wait(5)
        assert service.json("balance.json")["data"] == before["data"]
    service.wait(3 * INTERVAL)
    assert service.json("balance.json")["data"] != before["data"]


def shared_cache(folder: Path) -> dict[str, Any]:
    """The table of a cache in a folder."""
    return {"type": "FileSystemCache", "dir": str(folder)}


def test_an_api_that_hangs_does_not_delay_the_snapshots_of_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sampler, "TICK_SECONDS", 0.01)
    gate = threading.Event()
    was_sampled = threading.Event()

    def call(account: Account, function: Function, *_: Any) -> Any:
        if account.slug == "other":
            was_sampled.set()
        else:
            gate.wait(processes.PATIENCE)
        raise Refused(f"{function}: in this test")

    account = {**LOGIN, "delay_minutes": 12, "widgets": ["balance"]}
    accounts: dict[str, Any] = {
        f"a{number}": account for number in range(sampler.MAX_SAMPLES_PER_API)
    }
    accounts["other"] = {**account, "api": {"base_url": "http://127.0.0.1:10"}}
    with ExitStack() as stack:
        service = running(stack, Script({}), accounts=accounts)
        service.service.client.call = call
        stack.callback(service.service.sampler.stop)
        stack.callback(gate.set)
        service.service.sampler.start()
        assert was_sampled.wait(processes.PATIENCE)


def test_one_process_takes_the_snapshots_for_all(tmp_path: Path) -> None:
    book = old_book()
    clock = Clock(NOW)
    script = Script(book.responses())
    accounts = {"main": {**EVERYTHING, "delay_minutes": DELAY // MINUTE}}
    with ExitStack() as stack:
        processes = [
            running(stack, script, clock=clock, accounts=accounts, cache=shared_cache(tmp_path))
            for _ in range(3)
        ]
        for number in range(int(DELAY / INTERVAL) + 1):
            for process in processes:
                sampler = process.service.sampler
                for plan in sampler.due():
                    sampler.sample(plan)
            assert script.calls["open_trades"] == number + 1
            clock.now += INTERVAL
        for process in processes:
            response = process.client.get("/w/main/balance.json")
            assert response.get_json()["as_of"] == iso(NOW + INTERVAL)


def test_snapshots_survive_a_restart_but_not_another_delay(tmp_path: Path) -> None:
    clock = Clock(NOW)
    script = Script(old_book().responses())

    def start(stack: ExitStack, minutes: int) -> InProcess:
        accounts = {"main": {**EVERYTHING, "delay_minutes": minutes}}
        cache = shared_cache(tmp_path)
        return running(stack, script, clock=clock, accounts=accounts, cache=cache)

    with ExitStack() as stack:
        start(stack, 12).take_snapshots()
        clock.now += DELAY
        restarted = start(stack, 12).client.get("/w/main/balance.json")
        assert restarted.get_json()["as_of"] == iso(NOW)
        for minutes in (1, 13):
            response = start(stack, minutes).client.get("/w/main/balance.json")
            assert response.status_code == 503, minutes


def test_a_widget_that_is_enabled_later_has_figures_after_the_delay(tmp_path: Path) -> None:
    clock = Clock(NOW)
    script = Script(old_book().responses())

    def start(stack: ExitStack, widgets: list[str]) -> InProcess:
        accounts = {"main": {"login": 1, "delay_minutes": 12, "widgets": widgets}}
        cache = shared_cache(tmp_path)
        return running(stack, script, clock=clock, accounts=accounts, cache=cache)

    with ExitStack() as stack:
        start(stack, ["balance"]).take_snapshots()
        clock.now += DELAY
        service = start(stack, ["balance", "open-trades"])
        service.take_snapshots()
        assert service.client.get("/w/main/balance.json").status_code == 200
        response = service.client.get("/w/main/open-trades.json")
        assert response.get_json()["error"]["code"] == "delayed"
        clock.now += DELAY
        assert service.client.get("/w/main/open-trades.json").status_code == 200


def test_a_store_that_fails_does_not_end_the_snapshots_of_a_process(
    delayed: Callable[..., Delayed],
) -> None:
    class Broken:
        def get(self, key: str) -> Any:
            raise OSError("in this test")

        set = delete = get

    service = delayed()
    service.service.service.snapshots._store._store = Broken()
    service.wait(DELAY + INTERVAL)
    assert service.json("balance.json")["as_of"] >= iso(NOW)


def test_a_snapshot_takes_trades_of_any_zone_and_sorts_them(
    delayed: Callable[..., Delayed],
) -> None:
    """The trades of a snapshot and the older ones overlap nowhere."""
    service = delayed()
    service.wait(DELAY + 60)
    found = service.json("closed-trades.json?period=all&rows=100")["data"]["trades"]
    times = [trade["close_time"] for trade in found]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == len(times) == 6
    oldest = datetime.fromisoformat(times[-1])
    assert oldest == datetime.fromtimestamp(NOW, UTC) - timedelta(days=200)
