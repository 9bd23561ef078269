"""Growth of an account, time-weighted: a deposit is no gain and a withdrawal no loss.

The gain is the product of ``(balance + result) / balance`` over the closed trades, each with the balance that it was
made on: the time-weighted return, with a link at every trade (Bacon, Practical Portfolio Performance Measurement,
chapter 2). The balance at each trade is reckoned back from the present one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from operator import itemgetter

from widget.models import ClosedTrade, Operation
from widget.totals import ZERO, trade_result

ONE = Decimal(1)
MAX_POINTS = 400


@dataclass(frozen=True, slots=True)
class Point:
    """The gain since the period began, as a fraction, right after a trade was closed."""

    time: datetime
    gain: Decimal


@dataclass(frozen=True, slots=True)
class Growth:
    """How an account grew.

    Attributes:
        gain: as a fraction; None where the balance is unknown.
        drawdown: the greatest fall from a peak of the curve, as a fraction of that peak.
        profit_factor: gross profit over gross loss, swaps included; None where nothing was lost.
        won_share: trades with a profit above 0 of all trades.
        trades: how many were closed.
        points: the curve, oldest first, beginning at 0; at most ``MAX_POINTS``.
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
        trades: all that were closed since ``start``, those after ``end`` too: the balance is reckoned back over them.
        operations: deposits and withdrawals since ``start``.
        start: when the period begins, None for since ever.
        end: before when it ends.
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
        # What is paid in at the instant of a trade was there before it.
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
        points=tuple(Point(moment, factor - 1) for moment, factor in _thinned(curve, MAX_POINTS)),
    )


_Level = tuple[datetime, Decimal]
"""What the money of the beginning has become, as a factor, right after a trade."""


def _curve(
    balance: Decimal, moves: Sequence[tuple[datetime, int, Decimal]], start: datetime, end: datetime
) -> list[_Level]:
    """The levels of a period, from what changed the balance, in order: when, whether by a trade, and by how much."""
    before = balance - sum((amount for _, _, amount in moves), ZERO)
    factor = ONE
    levels = [(start, ONE)]
    for moment, is_trade, amount in moves:
        if moment >= end:
            break
        after = before + amount
        if is_trade:
            # On a balance of nothing no return can be reckoned: trades on credit alone leave the curve as it is.
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


def _thinned(curve: Sequence[_Level], most: int) -> list[_Level]:
    """The curve with at most ``most`` points: the ends, and of each stretch between the lowest and the highest."""
    if len(curve) <= most:
        return list(curve)
    stretches = most // 2 - 1
    kept = {0, len(curve) - 1}
    for i in range(stretches):
        first = 1 + i * (len(curve) - 2) // stretches
        last = 1 + (i + 1) * (len(curve) - 2) // stretches
        span = range(first, last)
        kept.add(min(span, key=lambda k: curve[k][1]))
        kept.add(max(span, key=lambda k: curve[k][1]))
    return [curve[i] for i in sorted(kept)]
