"""What an account's figures were without its youngest trades: the arithmetic of ``delay_minutes``."""

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

    Margin, free margin and the totals since ever cannot be reckoned back from what the upstream tells: they are None,
    always, since a dash that comes and goes would give a young trade away.

    Args:
        now: what the upstream says.
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
    """The bonus without the lots closed within the delay; what is available follows equity and is None."""
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
