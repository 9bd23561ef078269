"""Growth of an account, time-weighted: a deposit is no gain and a withdrawal no loss.

The gain is the product of ``(balance + result) / balance`` over the closed trades, with the balance before each trade:
the time-weighted return, linked at every trade (Bacon, Practical Portfolio Performance Measurement, chapter 2). The
balance before each trade is calculated backwards from the present balance.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import itemgetter

from widget.records import ClosedTrade, Operation
from widget.totals import ZERO, trade_result

ONE = Decimal(1)
MAX_POINTS = 400


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
        trades: all trades closed since ``start``. Those after ``end`` are needed too, to calculate the balance before.
        operations: deposits and withdrawals since ``start``.
        start: the beginning of the period; None for the account's whole history.
        end: the end of the period, which is not part of it.
    """
    trades = sorted(trades, key=lambda trade: trade.close_time)
    closed = [(trade.close_time, 1, trade_result(trade)) for trade in trades]
    inside = [trade for trade in trades if trade.close_time < end]
    results = [value for _, _, value in closed[: len(inside)]]
    won = sum((value for value in results if value > 0), ZERO)
    lost = -sum((value for value in results if value < 0), ZERO)
    count = len(inside)
    curve: list[_Level] = []
    if balance is not None and inside:
        # A deposit at the instant of a trade counts as made before it.
        moves = [(operation.time, 0, operation.amount) for operation in operations]
        curve = _curve(
            balance, sorted(moves + closed, key=itemgetter(0, 1)), start or inside[0].open_time, end
        )
    return Growth(
        gain=curve[-1][1] - 1 if curve else (ZERO if balance is not None else None),
        drawdown=_drawdown(curve) if balance is not None else None,
        profit_factor=won / lost if lost else None,
        won_share=Decimal(sum(1 for t in inside if t.profit is not None and t.profit > 0)) / count
        if count
        else None,
        trades=count,
        points=tuple(Point(moment, factor - 1) for moment, factor in _thin_out(curve, MAX_POINTS)),
    )


_Level = tuple[datetime, Decimal]
"""The time of a trade, and the factor by which the account has grown since the beginning of the period."""


def _curve(
    balance: Decimal, moves: Sequence[tuple[datetime, int, Decimal]], start: datetime, end: datetime
) -> list[_Level]:
    """The levels of a period. A move is the time of a change of the balance, 1 for a trade or 0, and the amount."""
    before = balance - sum((amount for _, _, amount in moves), ZERO)
    factor = ONE
    levels = [(start, ONE)]
    for moment, is_trade, amount in moves:
        if moment >= end:
            break
        after = before + amount
        if is_trade:
            # A return on a balance of 0 or less is undefined: trades on credit alone do not change the curve.
            if before > 0:
                factor *= after / before if after > 0 else ZERO
            if len(levels) > 1 and levels[-1][0] == moment:
                levels.pop()
            levels.append((moment, factor))
        before = after
    return levels


def _drawdown(curve: Iterable[_Level]) -> Decimal:
    peak, deepest = ONE, ZERO
    for _, level in curve:
        if level >= peak:
            peak = level
        else:
            deepest = max(deepest, (peak - level) / peak)
    return deepest


def _thin_out(curve: Sequence[_Level], most: int) -> list[_Level]:
    """The curve with at most ``most`` points: both ends, and the lowest and highest of each section between."""
    if len(curve) <= most:
        return list(curve)
    sections = most // 2 - 1
    indices = {0, len(curve) - 1}
    for i in range(sections):
        first = 1 + i * (len(curve) - 2) // sections
        last = 1 + (i + 1) * (len(curve) - 2) // sections
        span = range(first, last)
        indices.add(min(span, key=lambda k: curve[k][1]))
        indices.add(max(span, key=lambda k: curve[k][1]))
    return [curve[i] for i in sorted(indices)]
