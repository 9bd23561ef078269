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
    closed = sorted(trades, key=lambda trade: trade.close_time)
    in_period = [trade for trade in closed if trade.close_time < end]
    gain = None
    drawdown = None
    curve: list[Level] = []
    if balance is not None:
        gain = ZERO
        if in_period:
            changes = balance_changes(closed, operations)
            curve = growth_curve(balance, changes, start or in_period[0].open_time, end)
            gain = curve[-1].factor - 1
        drawdown = largest_fall(curve)
    return Growth(
        gain=gain,
        drawdown=drawdown,
        profit_factor=profit_factor(in_period),
        won_share=won_share(in_period),
        trades=len(in_period),
        points=tuple(Point(level.time, level.factor - 1) for level in thin_out(curve, MAX_POINTS)),
    )


def profit_factor(trades: Iterable[ClosedTrade]) -> Decimal | None:
    """Gross profit divided by gross loss, swaps included; None if nothing was lost."""
    results = [trade_result(trade) for trade in trades]
    won = sum((result for result in results if result > 0), ZERO)
    lost = -sum((result for result in results if result < 0), ZERO)
    if not lost:
        return None
    return won / lost


def won_share(trades: Sequence[ClosedTrade]) -> Decimal | None:
    """The share of trades with a profit above 0; None if there are no trades."""
    if not trades:
        return None
    won = [trade for trade in trades if trade.profit is not None and trade.profit > 0]
    return Decimal(len(won)) / len(trades)


def balance_changes(trades: Iterable[ClosedTrade], operations: Iterable[Operation]) -> list[Change]:
    """All changes of the balance, oldest first."""
    changes = [Change(operation.time, False, operation.amount) for operation in operations]
    changes += [Change(trade.close_time, True, trade_result(trade)) for trade in trades]
    # A deposit at the instant of a trade counts as made before it: False sorts before True.
    return sorted(changes, key=lambda change: (change.time, change.is_trade))


def growth_curve(
    balance: Decimal, changes: Sequence[Change], start: datetime, end: datetime
) -> list[Level]:
    """The levels of a period, beginning with 1 at its start.

    Args:
        balance: the present balance.
        changes: all changes since ``start``, oldest first.
        start: the time of the first level.
        end: changes from then on are ignored.
    """
    # The API sends only the present balance: subtracting all changes since gives the opening one.
    before = balance - sum((change.amount for change in changes), ZERO)
    factor = ONE
    levels = [Level(start, ONE)]
    for change in changes:
        if change.time >= end:
            break
        after = before + change.amount
        if change.is_trade:
            # A return on a balance of 0 or less is undefined: trades on credit alone do not change
            # the curve.
            if before > 0:
                factor *= max(after, ZERO) / before
            # Of several trades closed at the same instant, only the level after the last one is a
            # point.
            if len(levels) > 1 and levels[-1].time == change.time:
                levels.pop()
            levels.append(Level(change.time, factor))
        before = after
    return levels


def largest_fall(curve: Iterable[Level]) -> Decimal:
    """The drawdown: the largest fall from a peak, as a fraction of that peak."""
    peak = ONE
    largest = ZERO
    for level in curve:
        peak = max(peak, level.factor)
        largest = max(largest, (peak - level.factor) / peak)
    return largest


def thin_out(curve: Sequence[Level], max_points: int) -> list[Level]:
    """The curve with at most ``max_points`` points.

    Both ends stay, and the lowest and highest point of each section between them, so that no peak
    gets lost.
    """
    if len(curve) <= max_points:
        return list(curve)
    sections = max_points // 2 - 1
    between = len(curve) - 2
    indices = {0, len(curve) - 1}
    for section in range(sections):
        first = 1 + section * between // sections
        last = 1 + (section + 1) * between // sections
        span = range(first, last)
        indices.add(min(span, key=lambda index: curve[index].factor))
        indices.add(max(span, key=lambda index: curve[index].factor))
    return [curve[index] for index in sorted(indices)]
