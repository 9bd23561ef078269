"""Statistics are those of the definitions in the documentation."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from random import Random
from zoneinfo import ZoneInfo

import pytest
from histories import (
    HISTORIES,
    START,
    ZONES,
    is_close,
    newest_first,
    result_of,
    trades,
)
from hypothesis import given
from hypothesis import strategies as st

from widget.api.records import ClosedTrade
from widget.data import statistics
from widget.data.statistics import Statistics

UTC_ZONE = ZoneInfo("UTC")
LAST_DAY = date(2027, 5, 1)


def mean(values: list[Fraction]) -> Fraction | None:
    return sum(values, Fraction(0)) / len(values) if values else None


def whole(value: Fraction | None) -> Fraction | None:
    """The whole number, half to even."""
    return None if value is None else Fraction(round(value))


def streak(results: list[Fraction], sign: int) -> int:
    runs = groupby(results, key=lambda result: (result > 0) - (result < 0))
    return max((len(list(run)) for key, run in runs if key == sign), default=0)


def won_share(found: list[ClosedTrade]) -> Fraction | None:
    return mean([Fraction(trade.profit is not None and trade.profit > 0) for trade in found])


def reference(history: tuple[ClosedTrade, ...], zone: ZoneInfo) -> dict[str, Fraction | None]:
    """The figures by their definitions, one after the other and in exact fractions."""
    closed = list(reversed(history))
    results = [result_of(trade) for trade in closed]
    gains = [result for result in results if result > 0]
    losses = [result for result in results if result < 0]
    by_day: defaultdict[date, Fraction] = defaultdict(Fraction)
    for trade, result in zip(closed, results, strict=True):
        by_day[trade.close_time.astimezone(zone).date()] += result
    bought = [trade for trade in closed if trade.side == "buy"]
    sold = [trade for trade in closed if trade.side == "sell"]
    swaps = [Fraction(trade.swap) for trade in closed if trade.swap is not None]
    durations = [
        Fraction((trade.close_time - trade.open_time).total_seconds())
        for trade in closed
        if trade.open_time is not None
    ]
    days = (LAST_DAY - min(by_day)).days + 1 if by_day else 0
    return {
        "trades": Fraction(len(closed)),
        "won": Fraction(sum(1 for trade in closed if trade.profit and trade.profit > 0)),
        "lost": Fraction(sum(1 for trade in closed if trade.profit and trade.profit < 0)),
        "won_share": won_share(closed),
        "gross_profit": sum(gains, Fraction(0)),
        "gross_loss": sum(losses, Fraction(0)),
        "profit_factor": sum(gains, Fraction(0)) / -sum(losses) if losses else None,
        "expectancy": mean(results),
        "average_win": mean(gains),
        "average_loss": mean(losses),
        "best_trade": max(results, default=None),
        "worst_trade": min(results, default=None),
        "longest_winning_streak": Fraction(streak(results, 1)),
        "longest_losing_streak": Fraction(streak(results, -1)),
        "average_duration": whole(mean(durations)),
        "long_trades": Fraction(len(bought)),
        "long_won_share": won_share(bought),
        "short_trades": Fraction(len(sold)),
        "short_won_share": won_share(sold),
        "volume": sum((Fraction(trade.volume) for trade in closed), Fraction(0)),
        "average_volume": mean([Fraction(trade.volume) for trade in closed]),
        "swap": sum(swaps, Fraction(0)) if swaps or not closed else None,
        "best_day": max(by_day.values(), default=None),
        "worst_day": min(by_day.values(), default=None),
        "active_days": Fraction(len(by_day)),
        "trades_per_week": Fraction(7 * len(closed), days) if closed else None,
    }


@given(HISTORIES, ZONES)
def test_the_figures_are_those_of_the_definitions(
    history: tuple[ClosedTrade, ...], zone: ZoneInfo
) -> None:
    found = statistics.calculate(history, zone, LAST_DAY)
    for name, expected in reference(history, zone).items():
        figure = getattr(found, name)
        number = Decimal(figure) if isinstance(figure, int) else figure
        assert is_close(number, expected), name


@given(st.lists(trades(), max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(found: list[ClosedTrade], random: Random) -> None:
    before = statistics.calculate(newest_first(found), UTC_ZONE, LAST_DAY)
    random.shuffle(found)
    assert statistics.calculate(newest_first(found), UTC_ZONE, LAST_DAY) == before


DAY_FIGURES = {
    "best_day",
    "worst_day",
    "best_day_entries",
    "worst_day_entries",
    "active_days",
    "trades_per_week",
}


@given(HISTORIES, ZONES)
def test_a_time_zone_moves_days_and_nothing_else(
    history: tuple[ClosedTrade, ...], zone: ZoneInfo
) -> None:
    there = statistics.calculate(history, zone, LAST_DAY)
    here = statistics.calculate(history, UTC_ZONE, LAST_DAY)
    for name in set(Statistics.__slots__) - DAY_FIGURES:
        assert getattr(there, name) == getattr(here, name), name


def closed(hours: float, profit: str, swap: str = "0") -> ClosedTrade:
    """A trade closed so many hours after the start."""
    moment = START + timedelta(hours=hours)
    return ClosedTrade(
        ticket=1, symbol="EURUSD", command=0, volume=Decimal(1), open_price=Decimal(1),
        open_time=moment, close_price=Decimal(1), close_time=moment, profit=Decimal(profit),
        swap=Decimal(swap),
    )  # fmt: skip


def test_a_trade_that_swap_turns_into_a_loss_is_won_and_its_result_a_loss() -> None:
    found = statistics.calculate((closed(1, "5", "-7"),), UTC_ZONE, LAST_DAY)
    assert (found.won, found.lost) == (1, 0)
    assert (found.gross_profit, found.gross_loss) == (Decimal(0), Decimal(-2))


def test_a_result_of_zero_ends_both_streaks() -> None:
    profits = ["1", "1", "0", "1", "-1", "0", "-1"]
    history = newest_first([closed(hour, profit) for hour, profit in enumerate(profits)])
    found = statistics.calculate(history, UTC_ZONE, LAST_DAY)
    assert (found.longest_winning_streak, found.longest_losing_streak) == (2, 1)


def test_a_week_without_trades_at_the_end_of_the_period_counts() -> None:
    found = statistics.calculate((closed(1, "1"),), UTC_ZONE, START.date() + timedelta(days=13))
    assert found.trades_per_week == Decimal("0.5")


def test_a_trade_that_seems_to_be_closed_after_the_period_does_not_make_its_days_negative() -> None:
    history = (closed(48, "1"), closed(1, "1"))
    found = statistics.calculate(history, UTC_ZONE, START.date())
    assert found.trades_per_week == pytest.approx(Decimal(14) / 3)


def test_of_equally_good_days_the_one_with_fewest_trades_counts_for_privacy() -> None:
    history = newest_first([closed(1, "2"), closed(2, "3"), closed(30, "5"), closed(60, "1")])
    found = statistics.calculate(history, UTC_ZONE, LAST_DAY)
    assert (found.best_day, found.best_day_entries) == (Decimal(5), 1)
