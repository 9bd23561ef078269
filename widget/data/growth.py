"""Growth of an account, time-weighted: a deposit is no gain and a withdrawal no loss.

The gain is the product of ``(balance + result) / balance`` over the closed trades, with the balance
before each trade. This is the time-weighted return, linked at every trade (Bacon, Practical
Portfolio Performance Measurement, chapter 2).

A history can have a hundred thousand trades. So the steps of the calculation are lists with one
value per trade, all in the same order, and not objects: those would take longer to create than all
the arithmetic.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import accumulate, pairwise
from operator import attrgetter, mul

from widget.api.records import ONE, ZERO, ClosedTrade, Operation
from widget.data.totals import count_results, share, trade_result

MAX_POINTS = 400
"""Points of a curve. More would not be visible in a chart a few hundred pixels wide."""

SMALLEST_SHARE = Decimal("0.01")
"""A trade on a balance below this share of the highest one so far does not count as growth."""


@dataclass(frozen=True, slots=True)
class Point:
    """The gain since the beginning of the period, as a fraction, right after a trade was closed."""

    time: datetime
    gain: Decimal


@dataclass(frozen=True, slots=True)
class Growth:
    """How an account grew.

    Attributes:
        gain: as a fraction; None if the balance is unknown.
        drawdown: the largest fall from a peak of the curve, as a fraction of that peak.
        profit_factor: gross profit divided by gross loss, of results; None if nothing was lost.
        won_share: the share of trades with a profit above 0.
        trades: the number of closed trades.
        points: the curve, oldest first, starting at 0; at most ``MAX_POINTS``.
    """

    gain: Decimal | None
    drawdown: Decimal | None
    profit_factor: Decimal | None
    won_share: Decimal | None
    trades: int
    points: tuple[Point, ...]


def calculate(
    opening: Decimal | None,
    trades: Sequence[ClosedTrade],
    operations: Iterable[Operation],
    start: datetime | None,
) -> Growth:
    """The growth of a period.

    Args:
        opening: the balance at its beginning, before all trades and operations; None if unknown.
        trades: the trades closed in the period, newest first.
        operations: its deposits and withdrawals. Those after the last trade do not matter.
        start: the beginning of the period; None for the account's whole history.
    """
    # From here on oldest first, as the balance changed.
    closed = trades[::-1]
    results = [trade_result(trade) for trade in closed]
    won, _ = count_results(closed)
    # They need the balance; the others do not.
    gain = None
    drawdown = None
    points: tuple[Point, ...] = ()
    if opening is not None:
        times = [trade.close_time for trade in closed]
        levels = growth_levels(growth_factors(opening, times, results, operations))
        gain = levels[-1] - ONE
        drawdown = largest_fall(levels)
        points = curve_points(curve_start(start, closed), times, levels)
    return Growth(
        gain=gain,
        drawdown=drawdown,
        profit_factor=profit_factor(results),
        won_share=share(won, len(closed)),
        trades=len(closed),
        points=points,
    )


def growth_factors(
    opening: Decimal,
    times: Sequence[datetime],
    results: Sequence[Decimal],
    operations: Iterable[Operation],
) -> list[Decimal]:
    """The factor by which each trade changed the account, oldest first; 1 for those that are no
    link of the chain.

    The factors of any part of the period multiply to its growth: those of a day, of a month or of
    all trades.

    Args:
        opening: the balance before all trades and operations.
        times: when each trade was closed, oldest first.
        results: the result of each trade.
        operations: deposits and withdrawals, in any order.
    """
    due = sorted(operations, key=attrgetter("time"), reverse=True)
    before = opening
    highest = opening
    factors = []
    for time, result in zip(times, results, strict=True):
        # An operation moves the balance, but it is neither gain nor loss. A deposit at the instant
        # of a trade counts as made before it.
        while due and due[-1].time <= time:
            operation = due.pop()
            before += operation.amount
            # Operations of one instant have no order: the balance after all of them counts.
            is_last_of_its_instant = not due or due[-1].time > operation.time
            if is_last_of_its_instant:
                highest = max(highest, before)
        after = before + result
        factors.append(growth_factor(before, after, highest))
        before = after
        # Faster than max(), and it is called once a trade.
        if after > highest:
            highest = after
    return factors


def growth_factor(before: Decimal, after: Decimal, highest: Decimal) -> Decimal:
    """The factor by which a trade changed the account.

    Args:
        before: the balance before the trade.
        after: the balance after it; below 0 the account is lost, which is a factor of 0.
        highest: the highest balance so far.
    """
    # A return on a balance of 0 or less is undefined: trades on credit alone do not change the
    # curve.
    if before <= ZERO:
        return ONE
    # A return on almost nothing says nothing: withdrawing 1,099.99 of 1,100 and then winning 5
    # with the rest does not multiply the money by 501.
    if before < highest * SMALLEST_SHARE:
        return ONE
    if after <= ZERO:
        return ZERO
    return after / before


def growth_levels(factors: Iterable[Decimal]) -> list[Decimal]:
    """By how much the account had grown at the beginning of the period, which is 1, and after each
    trade.
    """
    return list(accumulate(factors, mul, initial=ONE))


def curve_start(start: datetime | None, closed: Sequence[ClosedTrade]) -> datetime | None:
    """When the curve begins; None if there is no curve, for lack of trades."""
    if not closed:
        return None
    # The whole history begins when its first trade was opened: nothing is known before.
    first = closed[0]
    return start or first.open_time or first.close_time


def curve_points(
    start: datetime | None,
    times: Sequence[datetime],
    levels: Sequence[Decimal],
) -> tuple[Point, ...]:
    """The points of a curve that a chart can display.

    Args:
        start: when the curve begins; None if there is no curve.
        times: when each trade was closed, oldest first.
        levels: the level at the beginning, and that after each trade.
    """
    if start is None:
        return ()
    all_times = [start, *times]
    # Of several trades closed at the same instant, only the last one counts. The first level is the
    # beginning of the curve and stays.
    last = len(all_times) - 1
    places = [
        place
        for place, time in enumerate(all_times)
        if place in (0, last) or all_times[place + 1] != time
    ]
    points = []
    for place in thin_out(places, levels):
        gain = levels[place] - ONE
        points.append(Point(all_times[place], gain))
    return tuple(points)


def profit_factor(results: Iterable[Decimal]) -> Decimal | None:
    """Gross profit divided by gross loss; None if nothing was lost."""
    gross_profit = ZERO
    gross_loss = ZERO
    for result in results:
        if result > ZERO:
            gross_profit += result
        else:
            gross_loss -= result
    if not gross_loss:
        return None
    return gross_profit / gross_loss


def largest_fall(levels: Iterable[Decimal]) -> Decimal:
    """The drawdown: the largest fall from a peak, as a fraction of that peak."""
    peak = ONE
    largest = ZERO
    lowest = ONE
    for level in levels:
        if level >= peak:
            peak = level
            lowest = level
            continue
        # Divisions of decimals are slow: below the same peak, only a new low can be a larger fall.
        if level >= lowest:
            continue
        lowest = level
        # The peak is at least 1, so the division is safe.
        fall = (peak - level) / peak
        if fall > largest:
            largest = fall
    return largest


def thin_out(places: Sequence[int], levels: Sequence[Decimal]) -> Sequence[int]:
    """At most ``MAX_POINTS`` of the places on a curve.

    Both ends stay, and the lowest and highest point of each section between them, so that no peak
    is lost.
    """
    count = len(places)
    if count <= MAX_POINTS:
        return places
    # Each section contributes two points, and the two ends of the curve are in none.
    sections = MAX_POINTS // 2 - 1
    between = count - 2
    bounds = [1 + number * between // sections for number in range(sections + 1)]
    chosen = [places[0]]
    for first, after_last in pairwise(bounds):
        section = places[first:after_last]
        chosen += extremes(section, levels)
    chosen.append(places[-1])
    return chosen


def extremes(section: Sequence[int], levels: Sequence[Decimal]) -> list[int]:
    """The places of the lowest and the highest level, in order of time; one if all are equal."""
    lowest = min(section, key=levels.__getitem__)
    highest = max(section, key=levels.__getitem__)
    if lowest == highest:
        return [lowest]
    return sorted([lowest, highest])
