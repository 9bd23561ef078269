"""The widgets about performance, from an API whose responses a test writes."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from accounts import WIDGETS
from scripted import InProcess, Script, at, running

from widget.widgets.statistics import FIGURES, NAMES

HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Ends the services of a test."""
    with ExitStack() as stack:
        yield stack


def trade(age: float, profit: float, **fields: Any) -> dict[str, Any]:
    """A trade closed so many seconds ago, an hour after it was opened."""
    return {
        "ticket": int(age), "symbol": "EURUSD", "type": 0, "volume": 0.1, "openPrice": 1.1,
        "closePrice": 1.2, "openTime": at(age + HOUR), "closeTime": at(age), "profit": profit,
        **fields,
    }  # fmt: skip


def deposit(age: float, amount: float) -> dict[str, Any]:
    """A deposit, or a withdrawal if the amount is negative."""
    return trade(age, amount, type=6, symbol="", volume=0)


def service(
    stack: ExitStack, rows: list[dict[str, Any]], balance: float = 1000, **account: Any
) -> InProcess:
    """A service with an account that displays every widget."""
    responses: dict[Any, Any] = {
        "balance": {"balance": balance, "currency": "USD"},
        "closed_trades": rows,
    }
    account = {"login": 7654321, "widgets": list(WIDGETS), **account}
    return running(stack, Script(responses), accounts={"main": account})


def data(running: InProcess, path: str) -> Any:
    """The data of a widget."""
    response = running.client.get(f"/w/main/{path}")
    assert response.status_code == 200, response.text
    return response.get_json()["data"]


def text(running: InProcess, path: str) -> str:
    """The page of a widget."""
    response = running.client.get(f"/w/main/{path}")
    assert response.status_code == 200, response.text
    return response.get_data(as_text=True)


# -- statistics -----------------------------------------------------------------------------------


def test_a_trade_without_a_time_of_opening_is_displayed_with_a_gap(stack: ExitStack) -> None:
    rows = [trade(DAY + n, 10, openTime="0001-01-01T00:00:00") for n in range(3)]
    found = service(stack, rows)
    assert data(found, "statistics.json")["average_duration"] is None
    assert len(data(found, "growth.json?period=all")["points"]) == 4
    assert [row["open_time"] for row in data(found, "closed-trades.json")["trades"]] == [None] * 3
    for form in (
        "closed-trades",
        "closed-trades.csv",
        "closed-trades.atom",
        "growth.svg?period=all",
    ):
        assert "0001" not in text(found, form)


def test_statistics_are_rounded_as_documented(stack: ExitStack) -> None:
    rows = [trade(DAY + n, profit, volume=0.1) for n, profit in enumerate([10, 20, -5, 0, 7, -3])]
    rows[0]["volume"] = 0.2
    found = data(service(stack, rows), "statistics.json")
    assert found["profit_factor"] == 4.62
    assert found["won_share"] == 0.5
    assert found["expectancy"] == 4.83
    assert found["average_volume"] == 0.1167
    assert found["average_duration"] == HOUR
    assert isinstance(found["average_duration"], int), "it is in whole seconds"
    assert found["trades_per_week"] == 21
    assert "best_day_entries" not in str(found)


def test_groups_beside_each_other_have_equally_many_figures() -> None:
    sizes = [len(group.figures) for group in FIGURES.groups]
    assert sizes[0::2] == sizes[1::2]
    assert {figure.name for figure in FIGURES.figures} == set(NAMES)


def test_fewer_than_five_trades_are_dashes_with_the_reason_but_numbers_in_json(
    stack: ExitStack,
) -> None:
    reason = "Fewer than five trades"
    rows = [trade(DAY + n, 10) for n in range(5)]
    enough = service(stack, rows)
    few = service(stack, rows[:4])
    assert reason not in text(enough, "statistics")
    page = text(few, "statistics")
    assert reason in page
    expectancy = page.partition(">Expectancy<")[2].partition("</dd>")[0]
    assert expectancy.endswith("<bdi>–</bdi>")
    assert data(few, "statistics.json")["expectancy"] == 10


def test_without_trades_sums_are_zero_and_everything_else_is_missing(stack: ExitStack) -> None:
    found = data(service(stack, []), "statistics.json")
    zeros = {name for name, figure in found.items() if figure == 0}
    assert zeros == {
        "trades", "won", "lost", "gross_profit", "gross_loss", "longest_winning_streak",
        "longest_losing_streak", "long_trades", "short_trades", "volume", "swap", "active_days",
    }  # fmt: skip
    assert found["profit_factor"] is None


# -- returns --------------------------------------------------------------------------------------


def test_returns_are_of_all_time_unless_the_url_says_otherwise(stack: ExitStack) -> None:
    rows = [trade(400 * DAY, 100), trade(DAY, 55)]
    found = service(stack, rows, balance=1155)
    everything = data(found, "returns.json")
    assert everything["from"] is None
    assert [year["year"] for year in everything["years"]] == [2026, 2025]
    assert everything["gain"] == 0.155
    assert everything["years"][1]["months"][8:] == [None, 0.1, 0, 0]
    assert everything["years"][0]["months"] == [*[0] * 10, 0.05, None]
    assert data(found, "returns.json?period=30d")["gain"] == 0.05
    assert data(found, "returns.json?from=2026-01-01")["gain"] == 0.05


def test_a_month_of_a_single_trade_is_hidden_with_the_trades(stack: ExitStack) -> None:
    """With another month, so that it is not what is missing to the gain of the year."""
    rows = [trade(age * DAY + n, 10) for age, count in ((1, 3), (40, 1), (70, 2), (100, 3))
            for n in range(count)]  # fmt: skip
    found = data(service(stack, rows, hide=["trades"]), "returns.json")
    [year] = found["years"]
    assert [year["months"][number] is None for number in (7, 8, 9, 10)] == [
        False,
        True,
        True,
        False,
    ]


# -- calendar -------------------------------------------------------------------------------------


def test_a_calendar_has_the_days_of_one_month_in_the_zone_of_the_account(
    stack: ExitStack,
) -> None:
    # 1 November begins at 23:00 UTC in Paris.
    first = 22 * DAY + 12 * HOUR + HOUR // 2
    rows = [trade(first, 100), trade(first + HOUR, 50), trade(DAY, -30), trade(DAY + 60, -25)]
    found = service(stack, rows, balance=1095, timezone="Europe/Paris")
    november = data(found, "calendar.json")
    assert november == data(found, "calendar.json?month=2026-11&tz=Asia/Tokyo")
    assert november["month"] == "2026-11"
    assert november["days"] == [
        {"date": "2026-11-01", "result": 100, "gain": 0.0952, "trades": 1},
        {"date": "2026-11-22", "result": -55, "gain": -0.0478, "trades": 2},
    ]
    assert (november["result"], november["trades"]) == (45, 3)
    assert (november["won_days"], november["lost_days"]) == (1, 1)
    assert november["gain"] == 0.0429
    assert data(found, "calendar.json?month=2026-10")["result"] == 50


@pytest.mark.parametrize("month", ["1970-01", "2026-12", "2999-12"])
def test_a_month_without_trades_has_no_days_and_sums_of_zero(month: str, stack: ExitStack) -> None:
    found = data(service(stack, [trade(DAY, 5)]), f"calendar.json?month={month}")
    assert found == {
        "month": month, "days": [], "result": 0, "gain": 0, "trades": 0, "won_days": 0,
        "lost_days": 0,
    }  # fmt: skip


@pytest.mark.parametrize("month", ["1969-12", "3000-01", "2026-13", "2026-00", "202611", "26-11"])
def test_other_months_are_errors_that_name_the_option(month: str, stack: ExitStack) -> None:
    response = service(stack, []).client.get(f"/w/main/calendar.json?month={month}")
    assert response.status_code == 400
    assert "month must be a month" in response.get_json()["error"]["message"]


def test_links_lead_to_the_months_before_and_after_with_the_other_options(
    stack: ExitStack,
) -> None:
    found = service(stack, [trade(DAY, 5)])
    page = text(found, "calendar?theme=dark&month=2026-01&lang=de")
    for rel, month in (("prev", "2025-12"), ("next", "2026-02")):
        link = f'href="/w/main/calendar?theme=dark&amp;lang=de&amp;month={month}" rel="{rel}"'
        assert link in page
    assert 'rel="prev"' not in text(found, "calendar?month=1970-01")
    assert 'rel="next"' not in text(found, "calendar?month=2999-12")


def test_while_times_are_hidden_there_are_no_links_and_no_other_months(stack: ExitStack) -> None:
    found = service(stack, [trade(DAY, 5)], hide=["close_time"])
    assert "rel=" not in text(found, "calendar").partition("<main")[2]
    assert found.client.get("/w/main/calendar?month=2026-11").status_code == 400


@pytest.mark.parametrize(
    ("language", "first"),
    [("en-US", "Sun"), ("en-GB", "Mon"), ("en", "Sun"), ("de", "Mo"), ("ar", "السبت")],
)
def test_weeks_begin_on_the_first_day_of_the_locale(
    language: str, first: str, stack: ExitStack
) -> None:
    page = text(service(stack, []), f"calendar?lang={language}")
    names = page.partition("<thead>")[2].partition("</thead>")[0]
    assert names.partition('class="longer">')[2].startswith(f"{first}<")


# -- breakdown ------------------------------------------------------------------------------------


def test_a_breakdown_lists_symbols_by_their_number_of_trades_and_adds_up_the_others(
    stack: ExitStack,
) -> None:
    symbols = ["GBPUSD", "EURUSD", "EURUSD", "XAUUSD", "AUDUSD"]
    rows = [trade(DAY + n, n + 1, symbol=symbol) for n, symbol in enumerate(symbols)]
    found = service(stack, rows)
    groups = data(found, "breakdown.json?rows=2")["groups"]
    assert [(group["key"], group["trades"], group["result"]) for group in groups] == [
        ("EURUSD", 2, 5), ("AUDUSD", 1, 5), (None, 2, 5),
    ]  # fmt: skip
    assert "Others" in text(found, "breakdown?rows=2")
    assert len(data(found, "breakdown.json")["groups"]) == 4


@pytest.mark.parametrize(
    ("by", "keys", "words"),
    [
        ("side", ["buy", "sell"], ("Buy", "Sell")),
        ("weekday", [1, 7], ("Monday", "Sunday")),
        ("hour", [0, 13], ("00:00", "13:00")),
    ],
)
def test_groups_are_named_in_the_language_and_zone_of_the_account(
    by: str, keys: list[Any], words: tuple[str, ...], stack: ExitStack
) -> None:
    # In Paris, the first one is closed at 00:30 on Monday.
    rows = [trade(12 * HOUR + HOUR // 2, 5), trade(DAY, 5, type=1)]
    found = service(stack, rows, timezone="Europe/Paris")
    groups = data(found, f"breakdown.json?by={by}&rows=1")["groups"]
    assert [group["key"] for group in groups] == keys
    page = text(found, f"breakdown?by={by}&rows=1&lang=en-GB")
    assert all(f"<bdi>{word}</bdi>" in page for word in words)


# -- operations -----------------------------------------------------------------------------------


def test_operations_are_deposits_and_withdrawals_with_totals_of_all_pages(
    stack: ExitStack,
) -> None:
    credit = trade(DAY, 77, type=7, symbol="")
    rows = [deposit(3 * DAY, 500), deposit(2 * DAY, -200), deposit(40 * DAY, 1000), credit]
    found = service(stack, [*rows, trade(DAY, 5)])
    recent = data(found, "operations.json?rows=1")
    assert recent["operations"] == [{"time": "2026-11-21T12:00:00Z", "amount": -200}]
    assert recent["totals"] == {"count": 2, "deposits": 500, "withdrawals": 200, "net": 300}
    assert (recent["page"], recent["pages"]) == (1, 2)
    assert data(found, "operations.json?rows=1&page=2")["operations"][0]["amount"] == 500
    assert data(found, "operations.json?period=all")["totals"]["net"] == 1300


def test_in_percent_mode_no_operation_has_an_amount(stack: ExitStack) -> None:
    found = data(service(stack, [deposit(3 * DAY, 500)], amounts="percent"), "operations.json")
    assert found["operations"] == [{"time": "2026-11-20T12:00:00Z", "amount": None}]
    assert found["totals"] == {"count": 1, "deposits": None, "withdrawals": None, "net": None}


def test_operations_and_only_they_of_the_new_widgets_have_to_be_enabled(stack: ExitStack) -> None:
    found = service(stack, [])
    slug = found.add(widgets=None)
    for name in ("returns", "calendar", "statistics", "breakdown"):
        assert found.client.get(f"/w/{slug}/{name}").status_code == 200
    assert found.client.get(f"/w/{slug}/operations").status_code == 404
