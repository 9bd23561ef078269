"""Delayed accounts (``delay_minutes``): calculates what an account's figures were without its latest trades."""

from collections.abc import Iterable
from dataclasses import replace

from widget.models import (
    AccountInformation,
    Bonus,
    ClosedTrade,
    OpenTrade,
    remaining_lots,
    subtract,
)
from widget.totals import ZERO, trade_result


def account_information(
    now: AccountInformation, young: Iterable[OpenTrade], late: Iterable[ClosedTrade]
) -> AccountInformation:
    """The account's figures without what happened within the delay.

    Margin, free margin and the all-time totals cannot be calculated backwards from what the API sends. They are always
    None, since a figure that is missing only now and then would reveal that there is a new trade.

    Args:
        now: the present figures.
        young: orders opened within the delay, pending ones included.
        late: trades closed within the delay.
    """
    positions = [trade for trade in young if trade.is_position]
    floating = sum(map(trade_result, positions), ZERO)
    realised = sum(map(trade_result, late), ZERO)
    return replace(
        now,
        balance=subtract(now.balance, realised),
        profit=subtract(now.profit, floating),
        equity=subtract(now.equity, realised + floating),
        margin=None,
        free_margin=None,
        open_trades=None if now.open_trades is None else max(0, now.open_trades - len(positions)),
        open_lots=subtract(now.open_lots, sum((trade.volume for trade in positions), ZERO)),
        total_trades=None,
        total_lots=None,
    )


def bonus(now: Bonus, late: Iterable[ClosedTrade]) -> Bonus:
    """The bonus without the lots closed within the delay. The available amounts depend on equity and are None."""
    lots = sum((trade.volume for trade in late), ZERO)
    closed = None if now.lots_closed is None else max(ZERO, now.lots_closed - lots)
    missing, progress = remaining_lots(closed, now.lots_required)
    return replace(
        now,
        available=None,
        available_keeping_bonus=None,
        lots_closed=closed,
        lots_missing=missing,
        progress=progress,
    )
