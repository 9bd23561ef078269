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
from widget.data.totals import trade_result


def account_information(
    now: AccountInformation, young: Iterable[OpenTrade], late: Iterable[ClosedTrade]
) -> AccountInformation:
    """The account's figures without what happened within the delay.

    Args:
        now: the present figures.
        young: orders opened within the delay, pending ones included.
        late: trades closed within the delay.
    """
    positions = [trade for trade in young if trade.is_position]
    floating = sum(map(trade_result, positions), ZERO)
    realised = sum(map(trade_result, late), ZERO)
    lots = sum((trade.volume for trade in positions), ZERO)
    open_trades = now.open_trades
    if open_trades is not None:
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
    lots = sum((trade.volume for trade in late), ZERO)
    closed = now.lots_closed
    if closed is not None:
        closed = max(ZERO, closed - lots)
    return replace(
        now,
        # What is available depends on equity, and with it on open trades.
        available=None,
        available_keeping_bonus=None,
        lots_closed=closed,
        lots_missing=missing_lots(closed, now.lots_required),
        progress=bonus_progress(closed, now.lots_required),
    )
