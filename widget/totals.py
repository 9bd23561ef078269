"""Sums over trades: totals, groups by symbol, days. Pure arithmetic in Decimal."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from widget.models import ClosedTrade, OpenTrade

ZERO = Decimal(0)


def sum_known(values: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of the values that are known; None where there are values and none is known."""
    values = list(values)
    known = [value for value in values if value is not None]
    return sum(known, ZERO) if known or not values else None


def trade_result(trade: OpenTrade | ClosedTrade) -> Decimal:
    """What a trade does to the balance, once it is closed: its profit and its swap."""
    return (trade.profit or ZERO) + (trade.swap or ZERO)


def position_totals(trades: Iterable[OpenTrade]) -> dict[str, Any]:
    """Totals over the open positions; pending orders are no positions and do not count."""
    positions = [trade for trade in trades if trade.is_position]
    return {
        "count": len(positions),
        "volume": sum_known(trade.volume for trade in positions),
        "swap": sum_known(trade.swap for trade in positions),
        "profit": sum_known(trade.profit for trade in positions),
    }


def closed_totals(trades: Sequence[ClosedTrade]) -> dict[str, Any]:
    """Totals over closed trades; a trade is won when its profit, without swap, is above 0, and lost below."""
    return {
        "count": len(trades),
        "won": sum(1 for trade in trades if trade.profit is not None and trade.profit > 0),
        "lost": sum(1 for trade in trades if trade.profit is not None and trade.profit < 0),
        "volume": sum_known(trade.volume for trade in trades),
        "swap": sum_known(trade.swap for trade in trades),
        "profit": sum_known(trade.profit for trade in trades),
    }


def group_by_symbol(trades: Iterable[OpenTrade]) -> list[dict[str, Any]]:
    """The open positions, one row a symbol in alphabetical order; prices are averages weighted by volume."""
    groups: defaultdict[str, list[OpenTrade]] = defaultdict(list)
    for trade in trades:
        if trade.is_position:
            groups[trade.symbol].append(trade)
    return [_group(symbol, groups[symbol]) for symbol in sorted(groups)]


def _group(symbol: str, positions: list[OpenTrade]) -> dict[str, Any]:
    bought = [trade for trade in positions if trade.side == "buy"]
    sold = [trade for trade in positions if trade.side == "sell"]
    return {
        "symbol": symbol,
        "orders": len(positions),
        "buy_volume": sum_known(trade.volume for trade in bought),
        "sell_volume": sum_known(trade.volume for trade in sold),
        "buy_price": average_price(bought),
        "sell_price": average_price(sold),
        "swap": sum_known(trade.swap for trade in positions),
        "profit": sum_known(trade.profit for trade in positions),
    }


def average_price(trades: Sequence[OpenTrade]) -> Decimal | None:
    """The mean open price weighted by volume, with as many decimals as the most exact of the prices."""
    volume = sum((trade.volume for trade in trades), ZERO)
    if not volume:
        return None
    mean = sum((trade.open_price * trade.volume for trade in trades), ZERO) / volume
    decimals = max(0, *(-int(trade.open_price.as_tuple().exponent) for trade in trades))
    return Decimal(f"{mean:.{decimals}f}")  # half-even; quantize() gives up beyond 28 digits


def sum_by_day(
    amounts: Iterable[tuple[datetime, Decimal]], zone: ZoneInfo
) -> list[tuple[date, Decimal]]:
    """Sums by day of a zone, oldest first; days without any are left out."""
    days: defaultdict[date, Decimal] = defaultdict(Decimal)
    for moment, amount in amounts:
        days[moment.astimezone(zone).date()] += amount
    return sorted(days.items())
