"""Growth of an account, time-weighted: a deposit is no gain and a withdrawal no loss.

The gain is the product of ``(balance + result) / balance`` over the closed trades, with the balance
before each trade. This is the time-weighted return, linked at every trade (Bacon, Practical
Portfolio Performance Measurement, chapter 2). The balance before each trade is calculated backwards
from the present balance.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from operator import attrgetter
from typing import NamedTuple

from widget.api.records import ONE, ZERO, ClosedTrade, Operation
from widget.data.totals import trade_result

MAX_POINTS = 400
"""Points of a curve. More would not be visible in a chart a few hundred pixels wide."""


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
        profit_factor: gross profit divided by gross loss, swaps included; None if nothing was lost.
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


class Change(NamedTuple):
    """A change of the balance, by a trade or by an operation."""

    time: datetime
    is_trade: bool
    amount: Decimal


class Level(NamedTuple):
    """The factor by which the account has grown since the beginning of the period, right after a
    trade.
    """

    time: datetime
    factor: Decimal


def calculate(
    balance: Decimal | None,
    trades: Iterable[ClosedTrade],
    operations: Iterable[Operation],
    start: datetime | None,
    end: datetime,
) -> Growth:
    """The growth of a period.

    Args:
        balance: the account's present balance.
        trades: all trades closed since ``start``. Those after ``end`` are needed too, to calculate
            the balance before.
        operations: deposits and withdrawals since ``start``.
        start: the beginning of the period; None for the account's whole history.
        end: the end of the period, which is not part of it.
    """
    closed = sorted(trades, key=attrgetter("close_time"))
    in_period = [trade for trade in closed if trade.close_time < end]
    # Once for all that follows: a history can have a hundred thousand trades.
    results = [trade_result(trade) for trade in closed]
    gain = None
    drawdown = None
    curve: list[Level] = []
    if balance is not None:
        gain = ZERO
        if in_period:
            changes = balance_changes(closed, results, operations)
            # The whole history begins when its first trade was opened: nothing is known before.
            first_time = start or in_period[0].open_time
            curve = growth_curve(balance, changes, first_time, end)
            gain = gain_of(curve[-1])
        drawdown = largest_fall(curve)
    return Growth(
        gain=gain,
        drawdown=drawdown,
        profit_factor=profit_factor(results[: len(in_period)]),
        won_share=won_share(in_period),
        trades=len(in_period),
        points=points_of(curve),
    )


def points_of(curve: Sequence[Level]) -> tuple[Point, ...]:
    """The points of a curve that a chart can display."""
    points = []
    for level in thin_out(curve):
        point = Point(level.time, gain_of(level))
        points.append(point)
    return tuple(points)


def gain_of(level: Level) -> Decimal:
    """The gain at a level: 0.1 if the account has grown by a factor of 1.1."""
    return level.factor - ONE


def profit_factor(results: Iterable[Decimal]) -> Decimal | None:
    """Gross profit divided by gross loss, swaps included; None if nothing was lost."""
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


def won_share(trades: Sequence[ClosedTrade]) -> Decimal | None:
    """The share of trades with a profit above 0; None if there are no trades."""
    if not trades:
        return None
    won_count = 0
    for trade in trades:
        profit = trade.profit
        if profit is not None and profit > 0:
            won_count += 1
    return Decimal(won_count) / len(trades)


def balance_changes(
    trades: Iterable[ClosedTrade],
    results: Iterable[Decimal],
    operations: Iterable[Operation],
) -> list[Change]:
    """All changes of the balance, oldest first.

    Args:
        trades: the closed trades.
        results: the result of each of them.
        operations: deposits and withdrawals.
    """
    changes = []
    for operation in operations:
        change = Change(operation.time, is_trade=False, amount=operation.amount)
        changes.append(change)
    for trade, result in zip(trades, results, strict=True):
        change = Change(trade.close_time, True, result)
        changes.append(change)
    # A deposit at the instant of a trade counts as made before it: operations come first in the
    # list, and sorting keeps the order of changes at the same instant.
    changes.sort(key=attrgetter("time"))
    return changes


def growth_curve(
    balance: Decimal,
    changes: Sequence[Change],
    start: datetime,
    end: datetime,
) -> list[Level]:
    """The levels of a period, beginning with 1 at its start.

    Args:
        balance: the present balance.
        changes: all changes since ``start``, oldest first.
        start: the time of the first level.
        end: changes from then on are ignored.
    """
    # The API sends only the present balance: subtracting all changes since gives the opening one.
    changed_since = sum((change.amount for change in changes), ZERO)
    before = balance - changed_since
    factor = ONE
    levels = [Level(start, ONE)]
    for change in changes:
        if change.time >= end:
            break
        after = before + change.amount
        # An operation moves the balance, but it is neither gain nor loss.
        if change.is_trade:
            factor *= growth_factor(before, after)
            # Of several trades closed at the same instant, only the last one counts. The first
            # level is the beginning of the curve and stays.
            if levels[-1].time == change.time and len(levels) > 1:
                levels.pop()
            levels.append(Level(change.time, factor))
        before = after
    return levels


def growth_factor(before: Decimal, after: Decimal) -> Decimal:
    """The factor by which a trade changed the account.

    Args:
        before: the balance before the trade.
        after: the balance after it; below 0 the account is lost, which is a factor of 0.
    """
    # A return on a balance of 0 or less is undefined: trades on credit alone do not change the
    # curve.
    if before <= ZERO:
        return ONE
    if after <= ZERO:
        return ZERO
    return after / before


def largest_fall(curve: Iterable[Level]) -> Decimal:
    """The drawdown: the largest fall from a peak, as a fraction of that peak."""
    peak = ONE
    largest = ZERO
    for level in curve:
        factor = level.factor
        # Divisions of decimals are slow, and at a peak there is no fall.
        if factor >= peak:
            peak = factor
            continue
        # The peak is at least 1, so the division is safe.
        fall = (peak - factor) / peak
        if fall > largest:
            largest = fall
    return largest


def thin_out(curve: Sequence[Level]) -> list[Level]:
    """The curve with at most ``MAX_POINTS`` points.

    Both ends stay, and the lowest and highest point of each section between them, so that no peak
    is lost.
    """
    count = len(curve)
    if count <= MAX_POINTS:
        return list(curve)
    # Each section contributes two points, and the two ends of the curve are in none.
    sections = MAX_POINTS // 2 - 1
    between = count - 2
    bounds = [1 + number * between // sections for number in range(sections + 1)]
    points = [curve[0]]
    for first, after_last in pairwise(bounds):
        section = curve[first:after_last]
        points += extremes(section)
    points.append(curve[-1])
    return points


def extremes(section: Sequence[Level]) -> list[Level]:
    """The lowest and the highest level, in order of time; only one if all are equal."""
    lowest = min(section, key=attrgetter("factor"))
    highest = max(section, key=attrgetter("factor"))
    if lowest is highest:
        return [lowest]
    return sorted([lowest, highest], key=attrgetter("time"))
