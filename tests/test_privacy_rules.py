"""A hidden figure is hidden everywhere, with everything that would reveal it."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget import names, privacy

NAMES = sorted(names.FIGURES)
AMOUNTS = st.dictionaries(
    st.sampled_from(sorted(names.MONEY)), st.none() | st.decimals(-1000, 1000, places=2)
)
DATA = st.recursive(
    AMOUNTS,
    lambda inner: st.builds(
        lambda rest, amounts: {**rest, **amounts},
        st.dictionaries(
            st.sampled_from(sorted(names.FIGURES - names.MONEY)),
            st.one_of(
                st.lists(inner, max_size=3), inner, st.integers(), st.decimals(0, 10, places=2)
            ),
            max_size=3,
        ),
        AMOUNTS,
    ),
    max_leaves=8,
)


def named_values(data: Any) -> list[tuple[str, Any]]:
    """Every name with its value, at any depth."""
    if isinstance(data, dict):
        return [*data.items(), *(pair for value in data.values() for pair in named_values(value))]
    if isinstance(data, list):
        return [pair for value in data for pair in named_values(value)]
    return []


@given(DATA, st.sets(st.sampled_from(NAMES)))
def test_a_hidden_figure_is_nowhere_in_the_data_and_nothing_else_is_touched(
    data: Any, hidden: set[str]
) -> None:
    result = privacy.hide(data, hidden)
    assert all(value is None for name, value in named_values(result) if name in hidden)
    assert privacy.hide(data, set()) == data


@given(st.sets(st.sampled_from(NAMES)))
def test_no_sum_leaves_exactly_one_of_its_figures_to_be_calculated(hidden: set[str]) -> None:
    result = privacy.expand_hidden(hidden)
    assert result >= hidden
    for total in privacy.SUMS:
        assert sum(name in result for name in total) != 1


def test_a_floating_profit_does_not_reveal_a_commission_or_a_swap() -> None:
    """It is their sum with the profits. Most accounts pay no commission, so that hiding both swap
    and commission must hide it too.
    """
    for hidden in ({"commission"}, {"swap"}, {"swap", "commission"}):
        assert {privacy.FLOATING_PROFIT, "equity"} <= privacy.expand_hidden(hidden)
    data = {"balance": Decimal(1), "profit": Decimal(2), "commission": None}
    assert privacy.hide(data, privacy.expand_hidden({"commission"}))["profit"] is None


RESULTS = {
    "result", "gross_profit", "gross_loss", "expectancy", "average_win", "average_loss",
    "best_trade", "worst_trade", "best_day", "worst_day",
}  # fmt: skip


@pytest.mark.parametrize(
    ("figure", "also_hidden"),
    [
        ("volume", {"close_price", "current_price", "average_volume", "lots", "margin"}),
        ("profit", {"close_price", "current_price", *RESULTS, "gain", "months", "profit_factor"}),
        ("profit", {"won_days", "lost_days", "longest_winning_streak", "longest_losing_streak"}),
        ("swap", RESULTS),
        ("commission", RESULTS),
        ("result", {*RESULTS, "profit", "net"}),
        ("best_trade", RESULTS),
        ("trades", {"points", "count", "trades_per_week"}),
        ("close_time", {"active_days", "days", "time", "open_time", "average_duration"}),
        ("days", {"close_time"}),
        ("active_days", {"days"}),
        ("balance", {"equity", "gain", "net", "deposits", "withdrawals"}),
        ("net", {"balance", "deposits", "withdrawals"}),
        ("total", {privacy.EARNINGS}),
        ("amount", {privacy.EARNINGS, privacy.OPERATION, "total", "net"}),
        ("months", {"gain", "years"}),
        ("close_price", {"open_price"}),
        ("won", {"lost", "won_share", "long_won_share"}),
        ("leverage", {"margin", "free_margin"}),
        ("side", {"close_price", "current_price"}),
    ],
)
def test_what_reveals_a_figure_is_hidden_with_it(figure: str, also_hidden: set[str]) -> None:
    assert also_hidden <= privacy.expand_hidden({figure})


@pytest.mark.parametrize(
    ("figure", "shown"),
    [
        # Dates can still be chosen: see ``DATED``.
        ("balance", privacy.DATED),
        ("profit", privacy.DATED),
        ("volume", privacy.DATED | {"profit", "swap", "gain"}),
        ("swap", privacy.DATED | {"profit", "commission", "gain", "balance"}),
        ("trades", {"gain", "profit", "volume", "result", "days"}),
        ("points", {"gain", "drawdown"}),
        ("total", {privacy.OPERATION, "balance"}),
    ],
)
def test_what_does_not_reveal_a_figure_stays(figure: str, shown: set[str]) -> None:
    assert not shown & privacy.expand_hidden({figure})


def test_a_name_of_two_figures_hides_only_the_one_that_is_hidden() -> None:
    deposit = {"time": 1, "amount": Decimal(5)}
    earned = {"date": 1, "amount": Decimal(5)}
    hidden = privacy.expand_hidden({"total"})
    assert privacy.hide([deposit, earned], hidden) == [deposit, {**earned, "amount": None}]


@pytest.mark.parametrize(
    ("by", "figure"),
    [("weekday", "close_time"), ("hour", "open_time"), ("side", "side"), ("symbol", "symbol")],
)
def test_groups_are_hidden_with_the_figure_of_their_keys(by: str, figure: str) -> None:
    hidden = privacy.expand_hidden({figure})
    assert privacy.hide({"by": by, "groups": [{"key": 1}]}, hidden)["groups"] is None
    assert privacy.hide({"by": by, "groups": [{"key": 1}]}, {"ticket"})["groups"] == [{"key": 1}]


def test_limits_of_losses_and_wins_are_hidden_with_the_side_of_their_trade() -> None:
    limits = {"stop_loss": Decimal(1), "take_profit": Decimal(3)}
    hidden = privacy.expand_hidden({"side"})
    assert privacy.hide({"side": "buy", **limits}, hidden) == dict.fromkeys(["side", *limits])


@pytest.mark.parametrize(
    ("hidden", "amounts", "has_gains"),
    [
        ({"swap"}, "money", False),
        ({"commission"}, "percent", False),
        ({"volume"}, "percent", False),
        ({"volume"}, "money", True),
        ({"ticket"}, "percent", True),
    ],
)
def test_gains_between_dates_are_hidden_if_many_of_them_would_reveal_results(
    hidden: set[str], amounts: str, has_gains: bool
) -> None:
    always = privacy.expand_hidden(hidden)
    named = privacy.expand_for_request(always, amounts, between_dates=False)
    chosen = privacy.expand_for_request(always, amounts, between_dates=True)
    assert chosen - named == (set() if has_gains else {"gain", "months", "years"})


def test_the_progress_of_a_bonus_of_a_known_amount_is_hidden_with_the_lots() -> None:
    hidden = privacy.expand_hidden({"volume"})
    as_money = privacy.expand_for_request(hidden, "money", between_dates=False)
    as_fraction = privacy.expand_for_request(hidden, "percent", between_dates=False)
    assert "progress" in as_money - as_fraction


def test_the_shares_of_both_sides_are_hidden_with_the_sides_and_not_that_of_all_trades() -> None:
    hidden = privacy.expand_hidden({"side"})
    sides = ("long_trades", "short_trades", "long_won_share", "short_won_share")
    data = {**dict.fromkeys(sides, 1), "won_share": 1}
    assert privacy.hide(data, hidden) == {**dict.fromkeys(sides), "won_share": 1}


def test_sums_of_days_are_hidden_with_the_days_and_not_with_the_other_results() -> None:
    hidden = privacy.expand_hidden({"close_time"})
    statistics = {"active_days": 5, "best_day": 3, "worst_day": 2, "best_trade": 1}
    assert privacy.hide(statistics, hidden) == {**dict.fromkeys(statistics), "best_trade": 1}
    calendar = {"days": [], "won_days": 5, "lost_days": 3, "result": 4}
    assert privacy.hide(calendar, hidden) == {**dict.fromkeys(calendar), "result": 4}


def test_the_number_of_pages_is_hidden_with_the_number_of_rows() -> None:
    data = {"trades": [], "totals": {"count": 3}, "page": 1, "pages": 3}
    assert privacy.hide(data, {"count"})["pages"] is None
    assert privacy.hide(data, {"trades"})["pages"] is None
    assert privacy.hide(data, {"won"})["pages"] == 3


def test_what_stands_for_a_single_trade_is_hidden_with_the_trades() -> None:
    day = {"date": 1, "result": Decimal(5), "trades": 2}
    single_day = {"date": 2, "result": Decimal(7), "trades": 1}
    data = {
        "days": [day, single_day, {**single_day, "date": 3}],
        "totals": {"count": 1, "profit": Decimal(5)},
        "best_trade": Decimal(7),
        "best_day": Decimal(7),
        "worst_day": Decimal(5),
        "_best_day_entries": 1,
        "_worst_day_entries": 2,
    }
    found = privacy.without_single_entries(data, {"trades"})
    assert found["days"] == [day]
    assert found["totals"] == {"count": 1, "profit": None}
    assert (found["best_trade"], found["best_day"], found["worst_day"]) == (None, None, Decimal(5))
    assert privacy.without_single_entries(data, {"points"}) is data


def test_a_month_of_a_single_trade_is_hidden_and_not_alone() -> None:
    year = {
        "gain": Decimal(9),
        "months": (Decimal(1), Decimal(2), Decimal(3), None, Decimal(0)),
        "_month_entries": (4, 1, 3, 0, 0),
        "_entries": 8,
    }
    found = privacy.without_single_entries({"years": [year], "_entries": 8}, {"trades"})
    assert found["years"][0]["months"] == [Decimal(1), None, None, None, Decimal(0)]
    year["_month_entries"] = (1, 1, 3, 0, 0)
    found = privacy.without_single_entries({"years": [year], "_entries": 5}, {"trades"})
    assert found["years"][0]["months"] == [None, None, Decimal(3), None, Decimal(0)]


def test_a_day_that_would_be_the_difference_to_the_total_is_not_left_out_alone() -> None:
    days = [{"date": day, "trades": trades} for day, trades in enumerate((5, 1, 2, 3))]
    found = privacy.without_single_entries({"trades": 11, "days": days}, {"trades"})
    assert found["days"] == [days[0], days[3]]


def test_a_single_deposit_is_hidden_with_the_operations_and_not_with_the_trades() -> None:
    data = {"operations": [], "totals": {"count": 1, "net": Decimal(5)}}
    assert privacy.without_single_entries(data, {"operations"})["totals"]["net"] is None
    assert privacy.without_single_entries(data, {"trades"}) == data


@given(st.decimals(-(10**9), 10**9, places=6), st.integers(0, 4))
def test_rounding_is_half_to_even(value: Decimal, decimals: int) -> None:
    expected = value.quantize(Decimal(10) ** -decimals, ROUND_HALF_EVEN)
    data = [{"profit": value, "months": [value, None], "volume": value}]
    assert privacy.round_figures(data, {"profit": decimals, "months": decimals}) == [
        {"profit": expected, "months": [expected, None], "volume": value}
    ]


def test_private_names_are_not_published() -> None:
    assert privacy.hide({"lots": 1, "_entries": 3}, frozenset()) == {"lots": 1}


def test_the_total_of_the_lots_goes_with_the_volumes() -> None:
    assert {
        "lots",
        "total_lots",
        "open_lots",
        "buy_volume",
        "sell_volume",
        "lots_closed",
        "lots_required",
    } <= (privacy.expand_hidden({"volume"}))


def test_profit_cannot_be_calculated_from_equity_and_balance() -> None:
    assert "equity" in privacy.expand_hidden({"profit"})


def test_without_hidden_figures_nothing_is_hidden() -> None:
    assert privacy.expand_hidden(()) == frozenset()


def test_hiding_a_ticket_hides_nothing_else() -> None:
    assert privacy.expand_hidden({"ticket"}) == {"ticket"}


@given(DATA, st.decimals("0.01", 1_000_000, places=2))
def test_as_fractions_no_amount_is_left_as_money(data: Any, balance: Decimal) -> None:
    before, after = named_values(data), named_values(privacy.as_fractions(data, balance))
    assert [name for name, _ in before] == [name for name, _ in after]
    for (name, old), (_, new) in zip(before, after, strict=True):
        if name in ("balance", "equity", "deposits", "withdrawals", "net"):
            assert new is None
        elif name == "amount" and new is None:
            assert isinstance(old, Decimal | None)  # a deposit or withdrawal
        elif name in names.MONEY and isinstance(old, Decimal):
            assert new == old / balance


def test_without_a_balance_there_are_no_fractions() -> None:
    for balance in (None, Decimal(0), Decimal(-5)):
        assert privacy.as_fractions({"profit": Decimal(10), "volume": Decimal(1)}, balance) == {
            "profit": None,
            "volume": Decimal(1),
        }
