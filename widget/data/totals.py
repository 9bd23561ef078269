"""Sums over trades: totals, groups by symbol, sums by day. Everything is calculated in Decimal."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from widget.api.records import ZERO, ClosedTrade, OpenTrade


def sum_known(values: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of the known values; None if there are values but none is known."""
    all_values = list(values)
    known = [value for value in all_values if value is not None]
    # Nothing known is a dash and not 0; without any trades, 0 is right.
    if all_values and not known:
        return None
    return sum(known, ZERO)


def trade_result(trade: OpenTrade | ClosedTrade) -> Decimal:
    """The change of the balance when the trade is closed: profit and swap."""
    return (trade.profit or ZERO) + (trade.swap or ZERO)


def position_totals(trades: Iterable[OpenTrade]) -> dict[str, Any]:
    """Totals of the open positions. Pending orders are not counted."""
    positions = [trade for trade in trades if trade.is_position]
    return {
        "count": len(positions),
        "volume": sum_known(trade.volume for trade in positions),
        "swap": sum_known(trade.swap for trade in positions),
        "profit": sum_known(trade.profit for trade in positions),
    }


def closed_totals(trades: Sequence[ClosedTrade]) -> dict[str, Any]:
    """Totals of closed trades.

    A trade is won if its profit, without swap, is above 0, and lost if it is below 0.
    """
    profits = [trade.profit for trade in trades]
    known_profits = [profit for profit in profits if profit is not None]
    return {
        "count": len(trades),
        "won": sum(profit > 0 for profit in known_profits),
        "lost": sum(profit < 0 for profit in known_profits),
        "volume": sum_known(trade.volume for trade in trades),
        "swap": sum_known(trade.swap for trade in trades),
        "profit": sum_known(profits),
    }


def group_by_symbol(trades: Iterable[OpenTrade]) -> list[dict[str, Any]]:
    """The open positions as one row per symbol, in alphabetical order.

    Prices are averages weighted by volume.
    """
    positions_by_symbol: defaultdict[str, list[OpenTrade]] = defaultdict(list)
    for trade in trades:
        if trade.is_position:
            positions_by_symbol[trade.symbol].append(trade)
    return [
        symbol_row(symbol, positions) for symbol, positions in sorted(positions_by_symbol.items())
    ]


def symbol_row(symbol: str, positions: list[OpenTrade]) -> dict[str, Any]:
    """The row of one symbol."""
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
    """The mean open price weighted by volume, with as many decimals as the most precise price."""
    volume = sum((trade.volume for trade in trades), ZERO)
    if not volume:
        return None
    value = sum((trade.open_price * trade.volume for trade in trades), ZERO)
    mean = value / volume
    exponents = [int(trade.open_price.as_tuple().exponent) for trade in trades]
    decimals = max(0, -min(exponents))
    # Formatting rounds half to even as quantize() does, which however raises an error for more than
    # 28 digits.
    return Decimal(f"{mean:.{decimals}f}")


def sum_by_day(
    amounts: Iterable[tuple[datetime, Decimal]], zone: ZoneInfo
) -> list[tuple[date, Decimal]]:
    """Sums by calendar day of a time zone, oldest first. Days without amounts are left out."""
    days: defaultdict[date, Decimal] = defaultdict(Decimal)
    for moment, amount in amounts:
        # Days begin at midnight of the account's zone.
        days[moment.astimezone(zone).date()] += amount
    return sorted(days.items())
