"""Attacks on hidden figures: nothing that is published depends on them, or only as precisely as the
published decimals imply.

The attackers may request every widget in every form, with every period, date and other option. They
take the widgets from the registry, so that a new widget is attacked as soon as it exists.
"""

import math
import random
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from urllib.parse import quote

import pytest
from accounts import WIDGETS
from effort import some
from scripted import NOW, InProcess, Script, at, running

from widget import names
from widget.api import records
from widget.errors import Unavailable
from widget.names import Function
from widget.widgets.options import PERIODS

HOUR = 3600
DAY = 24 * HOUR
CENT = Decimal("0.01")
DEPOSIT = Decimal("12345678.90")
TODAY = datetime.fromtimestamp(NOW, UTC).date()
DAYS = [str(TODAY - timedelta(days=age)) for age in (0, 1, 2, 3, 6, 7, 8, 12, 13, 19, 30, 41)]
VALUES = {
    "rows": ["100"],
    "group": ["symbol"],
    "by": ["symbol", "side", "weekday", "hour"],
    "month": ["2026-10", "2026-11"],
    "period": list(PERIODS),
}
"""Values of the options that change what is published."""

Responses = dict[Function, Any]


def trades_of(dice: random.Random, digits: int) -> list[dict[str, Any]]:
    """Closed trades of 39 days, from one to three on each day and two today.

    Args:
        dice: chooses the figures.
        digits: the digits of amounts.
    """
    result = []
    days = [day for day in range(39) for _ in range(1 + (day + 1) % 3)]
    for number, day in enumerate(days):
        closed = day * DAY + 8 * HOUR + number * 97
        amount = dice.randrange(10**digits, 10 ** (digits + 1)) / 100
        result.append(
            {
                "ticket": 48_000_000 + number * 7, "symbol": f"QZ{'ABC'[number % 3]}XAU",
                "type": dice.randrange(2), "digits": 5,
                "volume": dice.randrange(10**6, 10**7) / 1e4,
                "openPrice": dice.randrange(10**5, 10**6) / 1e5,
                "closePrice": dice.randrange(10**5, 10**6) / 1e5,
                "openTime": at(closed + 5 * HOUR + dice.randrange(HOUR)), "closeTime": at(closed),
                "sl": dice.randrange(10**5, 10**6) / 1e5, "tp": dice.randrange(10**5, 10**6) / 1e5,
                "swaps": -dice.randrange(10 ** (digits - 2), 10 ** (digits - 1)) / 100,
                "commission": -dice.randrange(10 ** (digits - 2), 10 ** (digits - 1)) / 100,
                "profit": round(amount * dice.choice([1, 1, -1]), 2),
            }
        )  # fmt: skip
    return result


def positions_of(dice: random.Random) -> list[dict[str, Any]]:
    """Open trades: two of one symbol, and one of another."""
    return [
        {
            "ticket": 51_000_000 + number, "symbol": f"QZ{'AAB'[number]}CHF", "type": 0,
            "digits": 5, "volume": dice.randrange(10**6, 10**7) / 1e4,
            "openPrice": dice.randrange(10**5, 10**6) / 1e5,
            "currentPrice": dice.randrange(10**5, 10**6) / 1e5,
            "openTime": at((number + 1) * 3 * HOUR + dice.randrange(HOUR)),
            "sl": dice.randrange(10**5, 10**6) / 1e5, "tp": dice.randrange(10**5, 10**6) / 1e5,
            "swaps": -dice.randrange(10**5, 10**6) / 100, "commission": -250.5,
            "profit": dice.randrange(10**7, 10**8) / 100,
        }
        for number in range(3)
    ]  # fmt: skip


def responses(seed: int = 3) -> Responses:
    """All responses of an upstream whose figures are consistent."""
    dice = random.Random(seed)
    closed = trades_of(dice, 8)
    opened = positions_of(dice)
    deposit = {"ticket": 1, "type": 6, "symbol": "", "volume": 0, "openPrice": 0, "closePrice": 0}
    deposit |= {"profit": 90_000_000, "openTime": at(50 * DAY), "closeTime": at(50 * DAY)}
    amounts = ("profit", "swaps", "commission")
    balance = total([deposit], "profit") + total(closed, *amounts)
    equity = balance + total(opened, *amounts)
    information = {
        "balance": str(balance), "equity": str(equity), "currency": "USD",
        "freeMargin": str(equity - Decimal("863721.23")), "leverage": 500, "type": 7,
        "isSwapFree": False, "verificationLevel": 2,
        "currentTradesCount": 3, "currentTradesVolume": str(total(opened, "volume")),
        "totalTradesCount": len(closed), "totalTradesVolume": str(total(closed, "volume")),
    }  # fmt: skip
    return {
        "balance": information,
        "summary": information,
        "open_trades": opened,
        "closed_trades": [*closed, deposit],
        "lots": unavailable,
        "bonus": {
            "bonuses": {"clubBonus": "3244.44", "totalBonus": "31105.81", "welcomeBonus": "27861"},
            "summary": {
                "availableToWithdraw": "359135.71",
                "availableToWithdrawWithoutLosingBonus": "328077.63",
            },
            "trade": {
                "closedLots": "4471.31", "lotsRequired": "9317.27", "missingLots": "4845.96"
            },
        },
        "logins": [
            {"time": at(n * 7_001 + 333), "ip": f"203.{n}.{n}.7", "application": f"Terminal {n}"}
            for n in range(5)
        ],
        "commissions": [
            {"time": at(n * 50_021 + 77), "login": 7654321, "volume": f"{n + 3}.41",
             "symbol": f"QZ{n}CHF", "amount": f"{n + 2}71{n}.3{n}", "currency": "USD"}
            for n in range(8)
        ],
        "referrals": [{"ReferalAccounts": [86401337, 86401338], "clicks": 5}],
    }  # fmt: skip


def unavailable(start: object, end: object) -> None:
    """No response, so that the service adds up the trades of each period."""
    raise Unavailable("lots: not in this test")


def total(rows: list[dict[str, Any]], *columns: str) -> Decimal:
    """The exact sum of some columns."""
    return sum((Decimal(str(row[name])) for row in rows for name in columns), Decimal(0))


def queries(widget: str, form: str) -> Iterator[str]:
    """The queries that publish different figures of a widget."""
    if form == ".atom":
        yield ""
        return
    options = WIDGETS[widget].options
    rows = "rows=100&" if "rows" in options else ""
    yield rows
    if form == ".csv":
        yield ""  # all rows
    for option in sorted(options & VALUES.keys()):
        for value in VALUES[option]:
            yield f"{rows}{option}={value}" if option != "rows" else rows
    # Pages and pictures are made from the same data; the dates of a few are enough.
    days = DAYS if form == ".json" else DAYS[5:15:5]
    if "period" in options:
        for day in days:
            yield f"{rows}from={day}&to={day}"
        for day in days[::3]:
            yield f"{rows}from={day}"


def published(service: InProcess, slug: str, form: str = ".json") -> dict[str, Any]:
    """Everything in one form that visitors can request, by its URL."""
    found = {}
    for name in service.service.settings.accounts[slug].widgets:
        if form in (".svg", ".png") and not WIDGETS[name].picture:
            continue
        for query in dict.fromkeys(queries(name, form)):
            response = service.client.get(f"/w/{slug}/{name}{form}?{query}".rstrip("?&"))
            # Not every widget has a table, a feed or a badge.
            if response.status_code == 404 and form in (".csv", ".atom", ".badge.json"):
                break
            if response.status_code == 400:
                assert re.search(r"\b(from|to|month)\b", response.text), (name, query)
                continue
            assert response.status_code == 200, (name, query, response.text)
            found[f"{name}?{query}"] = (
                response.get_json()["data"] if form == ".json" else response.text
            )
    return found


@pytest.fixture(scope="module")
def stack() -> Iterator[ExitStack]:
    with ExitStack() as services:
        yield services


def account(stack: ExitStack, upstream: Responses, **settings: Any) -> tuple[InProcess, str]:
    """A service with an account that shows all widgets."""
    service = running(stack, Script(upstream))
    return service, service.add(widgets=list(WIDGETS), **settings)


# -- What is published does not depend on a hidden figure -----------------------------------------


def every(function: Function, *keys: str) -> Callable[[Responses], None]:
    """A change of some fields of every record of a function."""

    def change(upstream: Responses) -> None:
        for number, row in enumerate(upstream[function]):
            if row.get("type") == 6:
                continue
            for key in keys:
                if row.get(key):
                    row[key] = changed(row[key], number)

    return change


def changed(value: Any, number: int) -> Any:
    """Another value of the same sign and kind."""
    if isinstance(value, str):
        if re.fullmatch(r"\d+(\.\d+)?", value):
            return f"{float(value) * 1.7 + number:.2f}"
        return f"{value}-other"
    return type(value)(round(value * (1.3 + number % 7 / 10), 5))


def information(*keys: str) -> Callable[[Responses], None]:
    """A change of some figures of the account."""

    def change(upstream: Responses) -> None:
        # Both functions return the same object.
        for key in keys:
            upstream["balance"][key] = changed(str(upstream["balance"][key]), 3)

    return change


def bonus(*keys: str) -> Callable[[Responses], None]:
    """A change of some figures of the bonus."""

    def change(upstream: Responses) -> None:
        for part in upstream["bonus"].values():
            for key in keys:
                if key in part:
                    part[key] = changed(part[key], 1)

    return change


def later(function: Function, key: str, seconds: int) -> Callable[[Responses], None]:
    """A change of the times of the records that are in no short named period."""

    def change(upstream: Responses) -> None:
        for row in upstream[function]:
            moment = datetime.fromisoformat(row[key]).replace(tzinfo=UTC)
            age = NOW - moment.timestamp()
            # Between the seventh day and the first of the month, and in their order.
            if 9 * DAY < age < 20 * DAY:
                row[key] = at(age - seconds)

    return change


def flipped(upstream: Responses) -> None:
    """A change of the sides, with the prices that lead to the same profits."""
    for row in upstream["closed_trades"] + upstream["open_trades"]:
        if row["type"] > 1:
            continue
        row["type"] = 1 - row["type"]
        for key in ("closePrice", "currentPrice", "sl", "tp"):
            if row.get(key):
                row[key] = round(2 * row["openPrice"] - row[key], 5)


def deleveraged(upstream: Responses) -> None:
    """A change of the leverage, with the margin of the same positions."""
    information = upstream["balance"]
    equity = Decimal(information["equity"])
    margin = equity - Decimal(information["freeMargin"])
    information["leverage"] = str(2 * int(information["leverage"]))
    information["freeMargin"] = str(equity - margin / 2)


def shifted(*keys: str) -> Callable[[Responses], None]:
    """A change of figures of the account by the same amount, so that their differences stay."""

    def change(upstream: Responses) -> None:
        for key in keys:
            upstream["balance"][key] = str(Decimal(upstream["balance"][key]) + DEPOSIT)

    return change


def deposited(upstream: Responses) -> None:
    """Another deposit."""
    upstream["closed_trades"][-1]["profit"] += float(DEPOSIT)
    shifted("balance", "equity", "freeMargin")(upstream)


VOLUMES = (
    every("closed_trades", "volume", "closePrice", "sl", "tp"),
    every("open_trades", "volume", "currentPrice"),
    every("commissions", "volume"),
    information("currentTradesVolume", "totalTradesVolume", "freeMargin"),
    # The lots that a bonus requires follow from its amount.
    bonus("closedLots", "missingLots"),
)
OPEN_PRICES = (
    every("closed_trades", "openPrice", "closePrice", "sl", "tp"),
    every("open_trades", "openPrice", "currentPrice"),
)
CHANGES: dict[str, tuple[Callable[[Responses], None], ...]] = {
    "volume": VOLUMES,
    "open_price": OPEN_PRICES,
    "close_price": OPEN_PRICES,
    "stop_loss": (every("closed_trades", "sl"), every("open_trades", "sl")),
    "take_profit": (every("closed_trades", "tp"), every("open_trades", "tp")),
    "profit": (
        every("closed_trades", "profit", "closePrice", "sl", "tp"),
        every("open_trades", "profit", "currentPrice"),
        shifted("equity", "freeMargin"),
    ),
    "ticket": (every("closed_trades", "ticket"), every("open_trades", "ticket")),
    "side": (flipped,),
    "open_time": (later("closed_trades", "openTime", 21 * HOUR),),
    "close_time": (
        later("closed_trades", "closeTime", 21 * HOUR),
        later("closed_trades", "openTime", 21 * HOUR),
    ),
    "days": (later("closed_trades", "closeTime", 21 * HOUR),),
    "balance": (deposited,),
    "equity": (deposited,),
    "free_margin": (information("freeMargin"),),
    "margin": (information("freeMargin"),),
    "leverage": (deleveraged,),
    "application": (every("logins", "application"),),
    "address": (every("logins", "ip"),),
    "total": (
        bonus("totalBonus", "welcomeBonus"),
        bonus("lotsRequired", "missingLots"),
        every("commissions", "amount"),
    ),
    "welcome": (bonus("welcomeBonus", "clubBonus"),),
    "club": (bonus("welcomeBonus", "clubBonus"),),
    "available": (bonus("availableToWithdraw"),),
    "available_keeping_bonus": (bonus("availableToWithdrawWithoutLosingBonus"),),
}
"""What is different in another account that must look the same while a figure is hidden."""

NOT_CHANGED = {
    # Texts and numbers about the account that no rule connects with anything.
    "account_type", "currency", "currency_is_certain", "swap_free", "verification_level",
    # Whoever sees the rows can count them, and read their symbols.
    "symbol", "command", "open_trades", "total_trades",
    # A record of trades and logins, whose time is tested by ``close_time``.
    "time",
    # Attacked below: growth depends on them within its decimals.
    "swap", "commission",
    "amount",  # is tested by ``total``
    "progress",  # is a ratio of lots
    "current_price",  # is hidden with ``open_price``, and the reverse
    *names.VOLUMES,  # are all hidden together
}  # fmt: skip


def test_every_figure_of_the_records_is_changed() -> None:
    found = {field.name for kind in (records.AccountInformation, records.Bonus)
             for field in fields(kind)}  # fmt: skip
    for row in (records.OpenTrade, records.ClosedTrade, records.Login, records.Commission):
        found |= set(row._fields)
    assert found - CHANGES.keys() - NOT_CHANGED == set()


@pytest.mark.parametrize("figure", some(sorted(CHANGES)))
def test_accounts_that_differ_in_hidden_figures_look_the_same(
    figure: str, stack: ExitStack
) -> None:
    upstream = responses()
    other = deepcopy(upstream)
    # deepcopy() knows that both are the same object.
    assert other["summary"] is other["balance"]
    for change in CHANGES[figure]:
        change(other)
    one_account = account(stack, upstream, hide=[figure])
    other_account = account(stack, other, hide=[figure])
    for form in (".json", "", ".svg", ".csv", ".atom", ".badge.json"):
        expected = published(*one_account, form)
        found = published(*other_account, form)
        assert found.keys() == expected.keys()
        for url in expected:
            assert found[url] == expected[url], (form, url)
    for query in ("", "?period=7d", "?period=all"):
        expected_page, found_page = (
            service.client.get(f"/a/{slug}{query}").text
            for service, slug in (one_account, other_account)
        )
        assert found_page == expected_page, query


# -- Dates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("figure", ["open_time", "close_time", "time", "days", "points", "trades"])
@pytest.mark.parametrize("option", ["from", "to"])
@pytest.mark.parametrize("form", ["", ".json", ".svg"])
def test_no_dates_can_be_chosen_while_times_are_hidden(
    figure: str, option: str, form: str, stack: ExitStack
) -> None:
    service, slug = account(stack, responses(), hide=[figure])
    response = service.client.get(f"/w/{slug}/growth{form}?{option}=2026-11-20")
    assert response.status_code == 400
    if form != ".svg":
        assert f"{option} is not available" in response.text
    assert service.client.get(f"/w/{slug}/growth{form}?period=7d").status_code == 200


def test_no_dates_can_be_chosen_by_oembed_either(stack: ExitStack) -> None:
    service, slug = account(stack, responses(), hide=["close_time"])
    url = quote(f"http://127.0.0.1:8000/w/{slug}/growth?from=2026-11-20", safe="")
    response = service.client.get(f"/oembed?url={url}")
    assert response.status_code in (400, 404)


@pytest.mark.parametrize("figure", ["balance", "profit", "volume", "swap", "ticket"])
def test_dates_can_be_chosen_while_only_amounts_are_hidden(figure: str, stack: ExitStack) -> None:
    service, slug = account(stack, responses(), hide=[figure])
    assert service.client.get(f"/w/{slug}/growth.json?from=2026-11-20").status_code == 200


# -- Trades, from what stands for a single one of them --------------------------------------------


def scalars(data: Any, path: str = "") -> Iterator[tuple[str, Decimal]]:
    """Every number in some data with its place; the sum of each list has a place too."""
    if isinstance(data, dict):
        for name, value in data.items():
            yield from scalars(value, f"{path}.{name}")
    elif isinstance(data, list):
        sums: dict[str, Decimal] = {}
        for row in data:
            for place, number in scalars(row, path):
                yield place, number
                sums[place] = sums.get(place, Decimal(0)) + number
        yield from ((f"sum of {place}", number) for place, number in sums.items())
    elif isinstance(data, int | float) and not isinstance(data, bool):
        yield path, Decimal(str(data))


def test_no_trade_is_found_in_totals_days_and_their_differences(stack: ExitStack) -> None:
    upstream = responses()
    service, slug = account(stack, upstream, hide=["trades"])
    by_place: dict[str, set[Decimal]] = {}
    calculated: set[Decimal] = set()
    for data in published(service, slug).values():
        found = list(scalars(data))
        for place, number in found:
            by_place.setdefault(place.removeprefix("sum of "), set()).add(number)
        if "lots" in data:
            # What the total has more than the days.
            sums = dict(found)
            calculated.add(sums[".lots"] - sums.get("sum of .days.lots", Decimal(0)))
    for numbers in by_place.values():
        calculated |= numbers
        # Between two periods.
        calculated |= {abs(one - other) for one in numbers for other in numbers}
    trades = [row for row in upstream["closed_trades"] + upstream["open_trades"] if row["volume"]]
    secret = {Decimal(str(abs(row[key]))) for row in trades for key in ("profit", "volume")}
    assert len(secret) == 2 * len(trades)
    assert secret & {abs(number) for number in calculated} == set()


# -- Swaps, from the growth of each trade ---------------------------------------------------------


def small_account() -> Responses:
    """An account of about 10,000 with a profitable and a losing trade on each of forty days."""
    dice = random.Random(8)
    upstream = responses()
    deposit = {**upstream["closed_trades"][-1], "profit": 9_000.0}
    closed = []
    for day in range(40):
        for number, sign in enumerate((1, -1)):
            trade = dict(upstream["closed_trades"][day])
            trade |= {"ticket": 1000 + 2 * day + number, "volume": 0.1, "commission": 0}
            trade |= {"profit": sign * dice.randrange(5_000, 40_000) / 100}
            trade |= {"swaps": -dice.randrange(31, 500) / 100}
            trade |= {"closeTime": at(day * DAY + 5 * HOUR + number * HOUR)}
            closed.append(trade)
    balance = total([deposit], "profit") + total(closed, "profit", "swaps")
    information = {**upstream["balance"], "balance": str(balance), "equity": str(balance)}
    information["freeMargin"] = str(balance)
    return upstream | {
        "closed_trades": [*closed, deposit], "open_trades": [],
        "balance": information, "summary": information,
    }  # fmt: skip


def test_a_hidden_swap_is_not_the_growth_of_a_trade_without_its_profit(stack: ExitStack) -> None:
    service, slug = account(stack, small_account(), hide=["swap", "commission"])

    def data(url: str) -> dict[str, Any]:
        response: dict[str, Any] = service.client.get(f"/w/{slug}/{url}").get_json()["data"]
        return response

    after = Decimal(str(data("balance.json")["balance"]))
    trades = data("closed-trades.json?rows=100&period=all")["trades"]
    points = data("growth.json?period=all")["points"]
    factors = [1 + Decimal(str(point["gain"])) for point in points]
    exact = 0
    rows = zip(trades, reversed(factors[1:]), reversed(factors[:-1]), strict=True)
    for row, factor, factor_before in rows:
        before = after * factor_before / factor
        result = after - before
        swap = next(
            Decimal(str(trade["swaps"]))
            for trade in small_account()["closed_trades"]
            if trade["ticket"] == row["ticket"]
        )
        exact += abs(result - Decimal(str(row["profit"])) - swap) < CENT / 2
        after = before
    # A hundredth of a percent of the balance is about a dollar: a cent is found by chance only.
    assert len(trades) == 80
    assert exact <= 4


# -- Results, from the gains of many periods -----------------------------------------------------


def narrowest(bounds: list[list[float]]) -> list[list[float]]:
    """What follows from upper bounds of differences: those of sums of differences, too.

    Args:
        bounds: the upper bound of ``x[j] - x[i]`` in row i and column j.
    """
    for position, middle in enumerate(bounds):
        for row in bounds:
            first = row[position]
            if first < math.inf:
                row[:] = [
                    min(known, first + second) for known, second in zip(row, middle, strict=True)
                ]
    return bounds


def bounds_of_growth(curves: list[list[float]], trades: int) -> list[list[float]]:
    """The bounds of the growth between any two balances, from curves that end now.

    Args:
        curves: the gain after each trade of a period, with the published decimals.
        trades: how many trades there are in all periods.

    Returns:
        The logarithms: the upper bound of the growth from balance i to balance j in row i and
        column j. Balance 0 is that before the first trade.
    """
    half = 0.5 * 10**-names.FRACTION_DECIMALS + 1e-9
    bounds = [[math.inf] * (trades + 1) for _ in range(trades + 1)]
    for balance, row in enumerate(bounds):
        row[balance] = 0.0
    for gains in curves:
        start = trades - len(gains)
        for end, gain in enumerate(gains, start + 1):
            bounds[start][end] = math.log1p(gain + half)
            bounds[end][start] = -math.log1p(gain - half)
    return narrowest(bounds)


@pytest.mark.parametrize(
    "settings",
    [{"hide": ["swap"]}, {"hide": ["commission"]}, {"hide": ["volume"], "amounts": "percent"}],
)
def test_many_periods_reveal_no_result_more_precisely_than_one(
    settings: dict[str, Any], stack: ExitStack
) -> None:
    """In percent mode, exact results would reveal the balance, since they are whole cents."""
    service, slug = account(stack, small_account(), **settings)
    periods = [f"from={TODAY - timedelta(days=age)}" for age in range(40)]
    periods += [f"period={name}" for name in PERIODS]
    curves = []
    for period in periods:
        response = service.client.get(f"/w/{slug}/growth.json?{period}")
        data = response.get_json()["data"]
        if data["points"]:
            # Before the trades there is a point for the beginning of the period.
            gains = [point["gain"] for point in data["points"]]
            curves.append(gains[-data["trades"] :])
    assert max(map(len, curves)) == 80
    bounds = bounds_of_growth(curves, trades=80)
    # The logarithms of the growth by each trade are known by as much more or less.
    known = sorted((bounds[n][n + 1] + bounds[n + 1][n]) / 2 for n in range(80))
    one_rounding = 0.5 * 10**-names.FRACTION_DECIMALS
    assert known[40] > one_rounding / 2


# -- The balance of an account in percent mode ----------------------------------------------------


def possible(balance: Fraction, days: list[tuple[Fraction, Fraction, Fraction, int]]) -> bool:
    """Whether whole cents exist that would look as published if this were the balance.

    Args:
        balance: in cents.
        days: of each day, what was won and lost as fractions of the balance, the profit factor, and
            its number of decimals.
    """
    half = Fraction(1, 20_000)
    for won, lost, factor, decimals in days:
        tolerance = Fraction(1, 2 * 10**decimals)
        least = (won - half) * balance
        most = (won + half) * balance
        first = int((lost - half) * balance) + 1
        last = int((lost + half) * balance)
        for cents in range(first, last + 1):
            low = max(least, (factor - tolerance) * cents)
            high = min(most, (factor + tolerance) * cents)
            # Whether there is a whole number between the two.
            if low <= high and int(high) >= low:
                break
        else:
            return False
    return True


def test_a_balance_is_not_found_from_ratios_in_percent_mode(stack: ExitStack) -> None:
    """Exact ratios of whole cents are found by trying, and with a fraction they are the balance."""
    upstream = small_account()
    for trade in upstream["closed_trades"]:
        trade["swaps"] = 0
    service, slug = account(stack, upstream, hide=["volume"], amounts="percent")
    days = []
    for age in range(1, 40):
        day = TODAY - timedelta(days=age)
        dates = f"from={day}&to={day}"
        growth = service.client.get(f"/w/{slug}/growth.json?{dates}").get_json()["data"]
        rows = service.client.get(f"/w/{slug}/closed-trades.json?{dates}").get_json()["data"][
            "trades"
        ]
        [won] = [Fraction(str(row["profit"])) for row in rows if row["profit"] > 0]
        [lost] = [-Fraction(str(row["profit"])) for row in rows if row["profit"] < 0]
        factor = growth["profit_factor"]
        decimals = max(2, len(str(factor).partition(".")[2]))
        days.append((won, lost, Fraction(str(factor)), decimals))
    actual = Fraction(upstream["balance"]["balance"]) * 100
    assert possible(actual, days)
    candidates = [actual * Fraction(percent, 100) for percent in range(50, 201, 5)]
    impossible = [float(each / actual) for each in candidates if not possible(each, days)]
    assert impossible == []
