"""Figures that describe how an account is traded, from its closed trades.

A **result** is profit, swap and commission of a trade, see ``totals.trade_result``. A trade is won
or lost by its profit alone. Everything is calculated in Decimal and not rounded.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from widget.api.records import ZERO, ClosedTrade
from widget.data.days import DAYS_OF_WEEK, Part, split_by_day
from widget.data.growth import profit_factor
from widget.data.totals import count_results, share, total_swap, total_volume, trade_result


@dataclass(frozen=True, slots=True)
class Statistics:
    """The figures of a period. Sums of nothing are 0; means, shares and extremes of nothing None.

    Attributes:
        trades: the number of closed trades.
        won: those with a profit above 0.
        lost: those with a profit below 0.
        won_share: won / trades.
        gross_profit: the sum of the results above 0.
        gross_loss: the sum of the results below 0, which is negative.
        profit_factor: gross profit / -gross loss; None if nothing was lost.
        expectancy: the mean result (Tharp, Trade Your Way to Financial Freedom, in money).
        average_win: the mean of the results above 0.
        average_loss: the mean of the results below 0.
        best_trade: the highest result.
        worst_trade: the lowest result.
        longest_winning_streak: the most consecutive results above 0, in the order of closing.
        longest_losing_streak: the same below 0. A result of 0 ends both.
        average_duration: the mean time from opening to closing, in whole seconds.
        long_trades: the number of trades that were bought.
        long_won_share: the share of them that is won.
        short_trades: the number of trades that were sold.
        short_won_share: the share of them that is won.
        volume: the lots of all trades.
        average_volume: the mean lots of a trade.
        swap: the sum of the swaps; None if the API sends none.
        best_day: the highest sum of the results of one day; only days with closed trades count.
        worst_day: the lowest one.
        best_day_entries: the number of trades on the best day; the least if several are the best.
        worst_day_entries: the same for the worst day.
        active_days: the number of days on which trades were closed.
        trades_per_week: trades x 7 / calendar days, from the day of the first closed trade of the
            period to the period's last day, both included.
    """

    trades: int
    won: int
    lost: int
    won_share: Decimal | None
    gross_profit: Decimal
    gross_loss: Decimal
    profit_factor: Decimal | None
    expectancy: Decimal | None
    average_win: Decimal | None
    average_loss: Decimal | None
    best_trade: Decimal | None
    worst_trade: Decimal | None
    longest_winning_streak: int
    longest_losing_streak: int
    average_duration: int | None
    long_trades: int
    long_won_share: Decimal | None
    short_trades: int
    short_won_share: Decimal | None
    volume: Decimal
    average_volume: Decimal | None
    swap: Decimal | None
    best_day: Decimal | None
    worst_day: Decimal | None
    best_day_entries: int
    worst_day_entries: int
    active_days: int
    trades_per_week: Decimal | None


def calculate(trades: Sequence[ClosedTrade], zone: ZoneInfo, last_day: date) -> Statistics:
    """The statistics of a period.

    Args:
        trades: the trades closed in the period, newest first.
        zone: the time zone of the days.
        last_day: the last day of the period.
    """
    closed = trades[::-1]
    results = [trade_result(trade) for trade in closed]
    gains = [result for result in results if result > ZERO]
    losses = [result for result in results if result < ZERO]
    long_trades = [trade for trade in closed if trade.side == "buy"]
    won, lost = count_results(closed)
    long_won, _ = count_results(long_trades)
    # Every other trade is a short one.
    short_count = len(closed) - len(long_trades)
    short_won = won - long_won
    volume = total_volume(closed)
    times = [trade.close_time for trade in closed]
    days = split_by_day(times, zone)
    best_day, worst_day = best_and_worst(days, results)
    return Statistics(
        trades=len(closed),
        won=won,
        lost=lost,
        won_share=share(won, len(closed)),
        gross_profit=sum(gains, ZERO),
        gross_loss=sum(losses, ZERO),
        profit_factor=profit_factor(results),
        expectancy=mean(results),
        average_win=mean(gains),
        average_loss=mean(losses),
        best_trade=max(results, default=None),
        worst_trade=min(results, default=None),
        longest_winning_streak=longest_streak(results, 1),
        longest_losing_streak=longest_streak(results, -1),
        average_duration=average_duration(closed),
        long_trades=len(long_trades),
        long_won_share=share(long_won, len(long_trades)),
        short_trades=short_count,
        short_won_share=share(short_won, short_count),
        volume=volume,
        average_volume=per_trade(volume, len(closed)),
        swap=total_swap(closed),
        best_day=best_day.result,
        best_day_entries=best_day.trades,
        worst_day=worst_day.result,
        worst_day_entries=worst_day.trades,
        active_days=len(days),
        trades_per_week=trades_per_week(len(closed), days, last_day),
    )


def mean(amounts: Collection[Decimal]) -> Decimal | None:
    """The mean of some amounts; None without any."""
    total = sum(amounts, ZERO)
    return per_trade(total, len(amounts))


def per_trade(total: Decimal, count: int) -> Decimal | None:
    """A total divided by a number of trades; None without any."""
    if count == 0:
        return None
    return total / count


def longest_streak(results: Sequence[Decimal], sign: int) -> int:
    """The most consecutive results above 0 (``sign`` is 1) or below (-1)."""
    longest = 0
    length = 0
    for result in results:
        # The product is positive exactly if both have the same sign.
        if result * sign > ZERO:
            length += 1
            longest = max(longest, length)
        else:
            length = 0
    return longest


def average_duration(trades: Sequence[ClosedTrade]) -> int | None:
    """The mean time from opening to closing, in whole seconds, half to even.

    Trades without a known time of opening do not count. None if no trade has one.
    """
    total = timedelta()
    count = 0
    for trade in trades:
        if trade.open_time is None:
            continue
        total += trade.close_time - trade.open_time
        count += 1
    # Exact, unlike total_seconds(), which is a float.
    microseconds = total // timedelta(microseconds=1)
    seconds = Decimal(microseconds).scaleb(-6)
    average = per_trade(seconds, count)
    if average is None:
        return None
    return round(average)


class DayResult(NamedTuple):
    """The sum of the results of a day, and the number of its trades."""

    result: Decimal | None
    trades: int


def best_and_worst(
    days: Sequence[Part],
    results: Sequence[Decimal],
) -> tuple[DayResult, DayResult]:
    """The days with the highest and the lowest sum of results.

    Of several such days, the one with the fewest trades: what stands for a single trade has to be
    recognized.
    """
    if not days:
        nothing = DayResult(None, 0)
        return nothing, nothing
    sums = []
    for day in days:
        total = sum(results[day.begin : day.end], ZERO)
        sums.append(DayResult(total, day.length))
    best = max(sums, key=lambda day: (day.result, -day.trades))
    # Compared by their results first, and then by their numbers of trades.
    worst = min(sums)
    return best, worst


def trades_per_week(count: int, days: Sequence[Part], last_day: date) -> Decimal | None:
    """Trades x 7 / calendar days from the first day with a trade to the last day of the period."""
    if not days:
        return None
    first_day = days[0].first_day
    # The broker's clock may be ahead, so that a trade seems to be closed after the period.
    last_day = max(last_day, days[-1].first_day)
    period = last_day - first_day
    # Both are part of the period.
    calendar_days = period.days + 1
    return Decimal(count * DAYS_OF_WEEK) / calendar_days
