"""A hidden figure is in no page, JSON, picture or oEmbed response, and cannot be calculated from
the others.
"""

import itertools
import json
import random
import re
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from accounts import WIDGETS
from effort import examples, some
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import InProcess, Script, at, running

from widget import names
from widget.names import Function
from widget.render.format import formatter

DAY = 86400
PERSONAL = {
    "name": "Wilhelmina Qxyzzy", "address": "771 Vjkrumpf Alley", "city": "Zzylorptown",
    "phone": "4abb771993",
    "zipCode": "QX-550188", "email": "wq@personal.invalid",
}  # fmt: skip


@cache
def numbers() -> list[int]:
    """Numbers of six digits with different first five digits, and without a zero at the end."""
    dice = random.Random(5)
    beginnings = dice.sample(range(10_000, 100_000), 2_000)
    return [beginning * 10 + dice.randint(1, 9) for beginning in beginnings]


@cache
def history() -> list[dict[str, Any]]:
    """Some trades whose figures all differ."""
    number, dice = iter(numbers()), random.Random(6)
    return [
        {
            "ticket": 48_000_000 + next(number), "symbol": f"QZ{'ABCDEFG'[n % 7]}XAU",
            "type": n % 2, "digits": 5,
            "volume": next(number) / 1e4, "openPrice": next(number) / 1e5,
            "closePrice": next(number) / 1e5,
            "openTime": at(dice.randrange(n * 9_000 + 9_100, n * 9_000 + 50_000)),
            "closeTime": at(n * 9_000 + dice.randrange(8_000)),
            "sl": next(number) / 1e5, "tp": next(number) / 1e5, "swaps": -next(number) / 1e2,
            "profit": next(number) / 1e2 * dice.choice([1, 1, -1]), "comment": "Vjkrumpf comment",
            "login": 7654321,
        }
        for n in range(60)
    ]  # fmt: skip


@cache
def positions() -> list[dict[str, Any]]:
    """Open trades of the same kind, one of them a pending order."""
    number, dice = iter(reversed(numbers())), random.Random(7)
    return [
        {
            "ticket": 51_000_000 + next(number), "symbol": f"QZ{'ABC'[n % 3]}CHF", "type": [0, 1, 0,
            1, 0, 3][n],
            "digits": 5, "volume": next(number) / 1e4, "openPrice": next(number) / 1e5,
            "login": 7654321,
            "currentPrice": next(number) / 1e5, "openTime": at(n * 3_000 + dice.randrange(2_900)),
            "sl": 0,
            "tp": next(number) / 1e5, "swaps": -next(number) / 1e2,
            "profit": next(number) / 1e2 * dice.choice([1, -1]),
        }
        for n in range(6)
    ]  # fmt: skip


def responses() -> dict[Function, Any]:
    """All responses of the upstream."""

    def total(rows: list[dict[str, Any]], *names: str) -> Decimal:
        return sum((Decimal(str(row[name])) for row in rows for name in names), Decimal(0))

    closed, opened = history(), positions()
    held = [row for row in opened if row["type"] < 2]
    balance = Decimal("483172.91")
    equity = balance + total(held, "profit", "swaps")
    lots = total(closed, "volume")
    information = {
        **PERSONAL, "balance": str(balance), "equity": str(equity),
        "freeMargin": str(equity - Decimal("86372.23")),
        "currency": "USD", "leverage": 61837, "type": 739154, "isSwapFree": True,
        "verificationLevel": 29461,
        "currentTradesCount": len(held), "currentTradesVolume": str(total(held, "volume")),
        "totalTradesCount": len(closed), "totalTradesVolume": str(lots),
    }  # fmt: skip
    deposit = {"ticket": 1, "type": 6, "symbol": "", "volume": 0, "openPrice": 0, "closePrice": 0}
    deposit |= {"profit": 400_000, "openTime": at(40 * DAY), "closeTime": at(40 * DAY)}
    return {
        "balance": information,
        "summary": information,
        "open_trades": opened,
        "closed_trades": [*closed, deposit],
        "lots": str(lots),
        "bonus": {
            "bonuses": {
                "clubBonus": "3244.44",
                "totalBonus": "31105.81",
                "welcomeBonus": "27861.37",
            },
            "summary": {
                "availableToWithdraw": "359135.71",
                "availableToWithdrawWithoutLosingBonus": "328077.63",
            },
            "trade": {
                "closedLots": "44719.31",
                "lotsRequired": "93174.27",
                "missingLots": "48454.96",
            },
        },
        "logins": [
            {
                "time": at(n * 7_001 + 333),
                "ip": f"203.{n + 40}.{n * 3 + 101}.77",
                "application": f"Terminal {n}77341",
            }
            for n in range(5)
        ],
        "commissions": [
            {
                "time": at(n * 50_021 + 77),
                "login": 7654321,
                "volume": f"{n + 3}.4{n}17",
                "symbol": f"QZ{n}CHF",
            }
            | {"amount": f"{n + 2}71{n}.3{n}", "currency": "USD"}
            for n in range(8)
        ],
        "referrals": [{"ReferalAccounts": [86401337, 86401338, 86401339], "clicks": 5}],
    }


@cache
def service() -> InProcess:
    """One service for all examples of the property."""
    return running(STACK, Script(responses()))


STACK = ExitStack()


@pytest.fixture(scope="module", autouse=True)
def _ended() -> Iterator[None]:
    yield
    STACK.close()
    # The other tests of this file may be run later by the same process.
    service.cache_clear()
    everything.cache_clear()


def published(slug: str) -> Iterator[tuple[str, str]]:
    """Everything that is published about an account: where, and the text."""
    for name in enabled_widgets(slug):
        yield from in_one_form(slug, name, ".json")
        yield from in_one_form(slug, name, "")
        if WIDGETS[name].picture:
            yield from in_one_form(slug, name, ".svg")
        for form in ("json", "xml"):
            response = service().client.get(
                f"/oembed?format={form}&url=http%3A%2F%2F127.0.0.1%3A8000%2Fw%2F{slug}%2F{name}"
            )
            assert response.status_code == 200, response.text
            yield f"{name} {form}", response.text


def enabled_widgets(slug: str) -> list[str]:
    """The widgets of an account."""
    return list(service().service.settings.accounts[slug].widgets)


def in_one_form(slug: str, name: str, suffix: str) -> Iterator[tuple[str, str]]:
    """A widget as JSON, page or picture, with the options that change its figures."""
    queries = [""]
    options = WIDGETS[name].options
    # A picture has none of these options.
    if suffix != ".svg":
        if "group" in options:
            queries.append("?group=symbol")
        if "period" in options:
            queries.append("?period=all")
        if "rows" in options:
            queries.append("?rows=100")
    for query in queries:
        response = service().client.get(f"/w/{slug}/{name}{suffix}{query}")
        assert response.status_code == 200, (name, suffix, response.text)
        yield f"{name}{suffix}{query}", response.text


def data(slug: str) -> dict[str, Any]:
    """All JSON of an account by its URL, with exact numbers."""
    return {
        where: exact_data(text)
        for name in enabled_widgets(slug)
        for where, text in in_one_form(slug, name, ".json")
    }


def exact_data(text: str) -> dict[str, Any]:
    """The figures in a JSON response, with exact numbers."""
    figures: dict[str, Any] = json.loads(text, parse_float=Decimal, parse_int=Decimal)["data"]
    return figures


def named(value: Any) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Every name with its value and the object that it is in, at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, inner, value
            yield from named(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from named(inner)


def written(name: str, value: Any) -> set[str]:
    """The ways to write a figure, if they are long enough to be recognized."""
    if isinstance(value, Decimal):
        digits = re.sub(r"\D", "", str(value)).strip("0")
        return {digits[:6]} if len(digits) >= 5 else set()
    if isinstance(value, str) and name in ("time", "open_time", "close_time"):
        moment = datetime.fromisoformat(value)
        return {value, formatter("en", ZoneInfo("UTC"), None).datetime(moment.astimezone(UTC))}
    return (
        {value}
        if isinstance(value, str) and len(value) > 5 and name not in ("from", "to", "date")
        else set()
    )


def plain(text: str) -> str:
    """A text whose numbers have no separators."""
    return re.sub(r"(?<=\d)[.,](?=\d)", "", text)


def first_digits(text: str) -> set[str]:
    """The first five and the first six digits of every number in a plain text."""
    numbers = {number.lstrip("0") for number in re.findall(r"\d+", text)}
    return {number[:count] for number in numbers for count in (5, 6)}


@cache
def everything(amounts: str = "money", delay: int = 0) -> dict[str, Any]:
    """The figures of an account that hides nothing."""
    return data(service().add(widgets=list(WIDGETS), amounts=amounts, delay_minutes=delay))


OF_NO_FIGURE = {"by", "key"}
"""Names that say what groups are about: the option of the URL, and symbols, which have a name."""

HIDE = st.sets(st.sampled_from(sorted(names.FIGURES)), max_size=4)


@settings(max_examples=examples(40))
@given(
    hidden=HIDE,
    amounts=st.sampled_from(["money", "percent"]),
    delay=st.sampled_from([0, 0, 90, 24 * 60]),
    enabled=st.lists(st.sampled_from(sorted(WIDGETS)), min_size=1, unique=True),
)
def test_what_is_hidden_is_in_no_form_of_any_widget(
    hidden: set[str], amounts: str, delay: int, enabled: list[str]
) -> None:
    is_nowhere(hidden, amounts, delay, enabled)


@pytest.mark.parametrize("figure", some(sorted(names.FIGURES)))
def test_every_figure_can_be_hidden(figure: str) -> None:
    is_nowhere({figure}, "money", 0, list(WIDGETS))


def is_nowhere(hidden: set[str], amounts: str, delay: int, enabled: list[str]) -> None:
    """Hide these figures, and search everything that is published for them."""
    slug = service().add(widgets=enabled, hide=sorted(hidden), amounts=amounts, delay_minutes=delay)
    secret = {
        form: (name, value)
        for kind in ("money", amounts)
        for all_of_it in everything(kind, delay).values()
        for name, value, _ in named(all_of_it)
        if name not in OF_NO_FIGURE
        if name in hidden or (amounts == "percent" and kind == "money" and name in names.MONEY)
        # The curve begins where the period does, and everybody knows which month this is.
        if value not in (all_of_it.get("from"), all_of_it.get("month"))
        for form in written(name, value)
    }
    secret_digits = {form for form in secret if form.isdigit()}
    secret_texts = secret.keys() - secret_digits
    for where, text in published(slug):
        bare = plain(text)
        found = secret_digits & first_digits(bare)
        found |= {form for form in secret_texts if form in bare}
        assert not found, (where, [secret[form] for form in found])
        if ".json" in where:
            for name, value, _ in named(exact_data(text)):
                assert name not in hidden or value is None, (where, name)


def columns(value: Any) -> Iterator[tuple[str, Decimal]]:
    """The sum of each column of every list of rows."""
    for name, inner, _ in named(value):
        if isinstance(inner, list) and inner and isinstance(inner[0], dict):
            for column in inner[0]:
                numbers_ = [row[column] for row in inner]
                if all(isinstance(number, Decimal) for number in numbers_):
                    yield f"{name}.{column}", sum(numbers_, Decimal(0))


def scalars(all_of_it: dict[str, Any]) -> dict[str, Decimal]:
    """The figures of an account outside lists, and the sums of those in lists."""
    found: dict[str, Decimal] = {}
    for where, widget in all_of_it.items():
        found |= {f"{where} {name}": total for name, total in columns(widget)}
        for part in (widget, widget.get("totals") or {}):
            found |= {
                f"{where} {name}": x
                for name, x in part.items()
                if isinstance(x, Decimal) and abs(x) > 1000
            }
    return found


@pytest.mark.parametrize("figure", some(sorted(names.FIGURES)))
def test_no_two_figures_that_are_published_add_up_to_one_that_is_hidden(figure: str) -> None:
    nothing_adds_up_to({figure})


@settings(max_examples=examples(20))
@given(HIDE)
def test_no_two_published_figures_add_up_to_one_of_several_hidden_ones(hidden: set[str]) -> None:
    nothing_adds_up_to(hidden)


def nothing_adds_up_to(hidden: set[str]) -> None:
    """Hide these figures, and check the sums and differences of any two published ones."""
    slug = service().add(widgets=list(WIDGETS), hide=sorted(hidden))
    secret = {
        value
        for all_of_it in everything().values()
        for name, value, _ in named(all_of_it)
        if name in hidden and isinstance(value, Decimal) and written(name, value)
    }
    for (one, a), (two, b) in itertools.combinations_with_replacement(
        scalars(data(slug)).items(), 2
    ):
        sums = {a, -a, a - b, b - a, a + b}
        assert not sums & secret, (one, two)


def test_a_gain_is_not_published_with_only_one_of_profit_and_balance() -> None:
    """The base of each step of the curve is the result of the trade over the step."""
    for hidden in ("balance", "profit", "equity"):
        left = data(service().add(widgets=list(WIDGETS), hide=[hidden]))
        gain = left["growth.json"]["gain"]
        profit, balance = (
            left["closed-trades.json"]["totals"]["profit"],
            left["balance.json"]["balance"],
        )
        assert gain is None or (profit is not None) == (balance is not None), hidden
        assert gain is not None or left["growth.json"]["points"] is None


DECIMALS = {
    **dict.fromkeys(["gain", "drawdown", "won_share", "progress", "months"], 4),
    "profit_factor": 2,
}


@pytest.mark.parametrize(
    ("settings", "money_decimals"),
    [
        ({}, 2),
        ({"currency": "JPY"}, 0),
        ({"currency": "KWD"}, 3),
        ({"amounts": "percent"}, 4),
        ({"amounts": "percent", "hide": ["volume"]}, 4),
    ],
)
def test_figures_have_their_published_decimals(
    settings: dict[str, Any], money_decimals: int
) -> None:
    """More decimals of a ratio are the ratio of whole cents, and so reveal them."""
    found = set()
    for widget in data(service().add(widgets=list(WIDGETS), **settings)).values():
        for name, value, _ in named(widget):
            decimals = money_decimals if name in names.MONEY else DECIMALS.get(name)
            if isinstance(value, Decimal) and decimals is not None:
                assert value == round(value, decimals), (name, value)
                found.add(name)
    assert {"profit", "amount", "gain", "drawdown", "profit_factor", "won_share"} <= found


def test_a_balance_cannot_be_calculated_from_the_lots_that_a_bonus_requires() -> None:
    """It is known how many lots a bonus requires for each unit of money, and the bonus is displayed
    as a fraction of the balance.
    """
    left = data(service().add(widgets=["bonus"], amounts="percent", hide=["volume"]))["bonus.json"]
    assert left["total"] is not None
    assert left["lots_required"] is left["lots_missing"] is left["lots_closed"] is None
    assert left["progress"] is not None


def test_the_number_of_closed_trades_has_two_names_and_is_hidden_under_both() -> None:
    for hidden in ("count", "trades"):
        left = data(service().add(widgets=list(WIDGETS), hide=[hidden]))
        assert left["closed-trades.json"]["totals"]["count"] is None
        assert left["growth.json"]["trades"] is None
    assert left["closed-trades.json"]["trades"] is None


def test_names_and_addresses_of_people_and_the_login_are_in_no_form() -> None:
    slug = service().add(widgets=list(WIDGETS))
    for where, text in published(slug):
        for secret in (*PERSONAL.values(), "7654321", "Vjkrumpf", ".101.77", "203.40.101.7"):
            assert secret not in text, where
    masked = [row["address"] for row in data(slug)["logins.json"]["logins"]]
    assert masked[0] == "203.40.101.0/24"
