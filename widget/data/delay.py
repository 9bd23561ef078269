"""Delayed accounts (``delay_minutes``): calculates what an account's figures were without its
latest trades.
"""

from collections.abc import Iterable
from dataclasses import replace

from widget.api.records import (
    ZERO,
    AccountInformation,
    Bonus,
    ClosedTrade,
    OpenTrade,
    bonus_progress,
    missing_lots,
    subtract,
)
from widget.data.totals import total_result, total_volume


def account_information(
    now: AccountInformation,
    young: Iterable[OpenTrade],
    late: Iterable[ClosedTrade],
) -> AccountInformation:
    """The account's figures without what happened within the delay.

    Args:
        now: the present figures.
        young: orders opened within the delay, pending ones included.
        late: trades closed within the delay.
    """
    positions = [trade for trade in young if trade.is_position]
    floating = total_result(positions)
    realised = total_result(late)
    lots = total_volume(positions)
    open_trades = now.open_trades
    if open_trades is not None:
        # The number and the positions come from two calls, between which a trade may be closed.
        open_trades = max(0, open_trades - len(positions))
    return replace(
        now,
        balance=subtract(now.balance, realised),
        profit=subtract(now.profit, floating),
        equity=subtract(now.equity, realised + floating),
        open_trades=open_trades,
        open_lots=subtract(now.open_lots, lots),
        # These cannot be calculated backwards from what the API sends. They are always None, since
        # a figure that is missing only now and then would reveal that there is a new trade.
        margin=None,
        free_margin=None,
        total_trades=None,
        total_lots=None,
    )


def bonus(now: Bonus, late: Iterable[ClosedTrade]) -> Bonus:
    """The bonus without the lots closed within the delay."""
    closed = now.lots_closed
    if closed is not None:
        # The API decides which trades count for a bonus, so more may be late than it counted.
        closed = max(ZERO, closed - total_volume(late))
    return replace(
        now,
        # What is available depends on equity, and with it on open trades.
        available=None,
        available_keeping_bonus=None,
        lots_closed=closed,
        lots_missing=missing_lots(closed, now.lots_required),
        progress=bonus_progress(closed, now.lots_required),
    )
