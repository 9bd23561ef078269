"""Gains by month and year, and by day. See ``growth`` for what a gain is.

The gain of a part of a period is the product of the factors of its trades, minus 1. So the factors
of the months multiply to that of their year, and those of the years to that of the whole period.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from zoneinfo import ZoneInfo

from widget.api.records import ONE, ZERO
from widget.data.days import (
    MONTHS_OF_YEAR,
    first_of_month,
    next_month,
    split_by_day,
    split_by_month,
)
from widget.data.growth import growth_factors
from widget.data.ledger import Ledger
from widget.data.totals import trade_result


@dataclass(frozen=True, slots=True)
class Year:
    """A year of an account.

    Attributes:
        year: its number.
        gain: as a fraction.
        months: the gains of its twelve months; None for those that are not part of the history.
        trades: the number of trades closed in the year.
        month_trades: the number of trades closed in each month.
    """

    year: int
    gain: Decimal
    months: tuple[Decimal | None, ...]
    trades: int
    month_trades: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Returns:
    """The gain of a period, and those of its years, newest first.

    Without trades the gain is 0, and without a known balance None; in both cases without years.
    """

    gain: Decimal | None
    years: tuple[Year, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """A day on which trades were closed.

    Attributes:
        date: the day.
        result: the sum of the results of its trades.
        gain: as a fraction; None if the balance is unknown.
        trades: their number.
    """

    date: date
    result: Decimal
    gain: Decimal | None
    trades: int


@dataclass(frozen=True, slots=True)
class Month:
    """The days of a month, oldest first, and their sums.

    Attributes:
        days: the days on which trades were closed.
        result: the sum of the results.
        gain: as a fraction; None if the balance is unknown.
        trades: the number of trades.
        won_days: the number of days with a result above 0.
        lost_days: those with a result below 0.
    """

    days: tuple[Day, ...]
    result: Decimal
    gain: Decimal | None
    trades: int
    won_days: int
    lost_days: int


class MonthGrowth(NamedTuple):
    """By how much an account grew in a month, as a factor, and by how many trades."""

    factor: Decimal
    trades: int

    @property
    def gain(self) -> Decimal:
        """The growth as a fraction."""
        return self.factor - ONE


NO_GROWTH = MonthGrowth(ONE, 0)


def calculate_years(ledger: Ledger, zone: ZoneInfo, last_day: date) -> Returns:
    """The gains of a period by month and year.

    The months of the history are those from the first closed trade's to that of the last day. The
    gain of those without trades is 0.

    Args:
        ledger: the balance at the beginning of the period, and what changed it.
        zone: the time zone of the months.
        last_day: the last day of the period.
    """
    if ledger.opening is None:
        return Returns(None, ())
    months = growth_by_month(ledger, ledger.opening, zone, last_day)
    if not months:
        return Returns(ZERO, ())
    newest_first = sorted({month.year for month in months}, reverse=True)
    years = []
    growth = ONE
    for number in newest_first:
        year = year_of(months, number)
        years.append(year)
        growth *= year.gain + ONE
    return Returns(growth - ONE, tuple(years))


def growth_by_month(
    ledger: Ledger,
    opening: Decimal,
    zone: ZoneInfo,
    last_day: date,
) -> dict[date, MonthGrowth]:
    """The growth of each month of a history by its first day; empty without trades.

    Args:
        ledger: what changed the balance.
        opening: the balance before that.
        zone: the time zone of the months.
        last_day: a day in the last month.
    """
    closed = ledger.trades[::-1]
    if not closed:
        return {}
    times = [trade.close_time for trade in closed]
    results = [trade_result(trade) for trade in closed]
    factors = growth_factors(opening, times, results, ledger.operations)
    parts = split_by_month(times, zone)
    first_month = parts[0].first_day
    # The broker's clock may be ahead, so that a trade seems to be closed after the period.
    last_month = max(first_of_month(last_day), parts[-1].first_day)
    months = months_without_growth(first_month, last_month)
    for part in parts:
        factor = product(factors[part.begin : part.end])
        months[part.first_day] = MonthGrowth(factor, part.length)
    return months


def product(factors: Iterable[Decimal]) -> Decimal:
    """The growth over several trades; 1 without any."""
    return math.prod(factors, start=ONE)


def months_without_growth(first_month: date, last_month: date) -> dict[date, MonthGrowth]:
    """The months between two others, both included, as if there had been no trades."""
    months = {}
    month = first_month
    while month <= last_month:
        months[month] = NO_GROWTH
        month = next_month(month)
    return months


def year_of(months: Mapping[date, MonthGrowth], year: int) -> Year:
    """A year of a history, from its months."""
    growth = ONE
    gains: list[Decimal | None] = []
    counts = []
    for number in range(1, MONTHS_OF_YEAR + 1):
        first_day = date(year, number, 1)
        month = months.get(first_day)
        # Before the first trade, or after the period.
        if month is None:
            gains.append(None)
            counts.append(0)
            continue
        growth *= month.factor
        gains.append(month.gain)
        counts.append(month.trades)
    return Year(
        year=year,
        gain=growth - ONE,
        months=tuple(gains),
        trades=sum(counts),
        month_trades=tuple(counts),
    )


def calculate_month(ledger: Ledger, zone: ZoneInfo) -> Month:
    """The results and gains of a month by day.

    Args:
        ledger: the balance at the beginning of the month, and what changed it.
        zone: the time zone of the days.
    """
    closed = ledger.trades[::-1]
    times = [trade.close_time for trade in closed]
    results = [trade_result(trade) for trade in closed]
    factors = None
    if ledger.opening is not None:
        factors = growth_factors(ledger.opening, times, results, ledger.operations)
    days = []
    for part in split_by_day(times, zone):
        gain = None
        if factors is not None:
            gain = product(factors[part.begin : part.end]) - ONE
        day = Day(
            date=part.first_day,
            result=sum(results[part.begin : part.end], ZERO),
            gain=gain,
            trades=part.length,
        )
        days.append(day)
    gain = None
    if factors is not None:
        gain = product(factors) - ONE
    return Month(
        days=tuple(days),
        result=sum(results, ZERO),
        gain=gain,
        trades=len(closed),
        won_days=sum(day.result > ZERO for day in days),
        lost_days=sum(day.result < ZERO for day in days),
    )
