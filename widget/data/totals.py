"""Sums over trades: totals, groups by symbol, sums by day. Everything is calculated in Decimal."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from widget.api.records import ZERO, ClosedTrade, OpenTrade, Operation
from widget.names import Data

Trade = OpenTrade | ClosedTrade


def sum_known(values: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of the known values; None if there are values but none is known."""
    total = ZERO
    count = 0
    known_count = 0
    for value in values:
        count += 1
        if value is not None:
            known_count += 1
            total += value
    # Nothing known is a dash and not 0; without any trades, 0 is right.
    if count > 0 and known_count == 0:
        return None
    return total


def total_volume(trades: Iterable[Trade]) -> Decimal:
    """The lots of all trades."""
    return sum((trade.volume for trade in trades), ZERO)


def total_swap(trades: Iterable[Trade]) -> Decimal | None:
    """The swaps of all trades, as far as they are known."""
    return sum_known(trade.swap for trade in trades)


def total_commission(trades: Iterable[Trade]) -> Decimal | None:
    """The commissions of all trades, as far as they are known."""
    return sum_known(trade.commission for trade in trades)


def total_profit(trades: Iterable[Trade]) -> Decimal | None:
    """The profits of all trades, as far as they are known."""
    return sum_known(trade.profit for trade in trades)


def trade_result(trade: Trade) -> Decimal:
    """The change of the balance when the trade is closed: profit, swap and commission."""
    # What the API does not send counts as 0: most APIs leave out a swap that is 0, and many know no
    # commission.
    result = trade.profit or ZERO
    if trade.swap:
        result += trade.swap
    if trade.commission:
        result += trade.commission
    return result


def total_result(trades: Iterable[Trade]) -> Decimal:
    """The change of the balance by all trades."""
    return sum(map(trade_result, trades), ZERO)


def position_totals(trades: Iterable[OpenTrade]) -> Data:
    """Totals of the open positions. Pending orders are not counted."""
    # Nobody knows whether a pending order will ever be a position.
    positions = [trade for trade in trades if trade.is_position]
    return {
        "count": len(positions),
        "volume": total_volume(positions),
        "swap": total_swap(positions),
        "commission": total_commission(positions),
        "profit": total_profit(positions),
    }


def count_results(trades: Iterable[ClosedTrade]) -> tuple[int, int]:
    """How many trades are won and how many are lost.

    A trade is won if its profit, without swap and commission, is above 0, and lost if it is below.
    """
    won = 0
    lost = 0
    for trade in trades:
        profit = trade.profit
        # A trade without profit, or whose profit is unknown, is neither won nor lost.
        if not profit:
            continue
        if profit > 0:
            won += 1
        else:
            lost += 1
    return won, lost


def share(part: int, count: int) -> Decimal | None:
    """A part of a number of trades as a fraction; None without trades."""
    if count == 0:
        return None
    return Decimal(part) / count


def closed_totals(trades: Sequence[ClosedTrade]) -> Data:
    """Totals of closed trades."""
    won, lost = count_results(trades)
    return {
        "count": len(trades),
        "won": won,
        "lost": lost,
        "volume": total_volume(trades),
        "swap": total_swap(trades),
        "commission": total_commission(trades),
        "profit": total_profit(trades),
    }


def operation_totals(operations: Sequence[Operation]) -> Data:
    """Totals of deposits and withdrawals; those withdrawn are a positive number."""
    deposits = ZERO
    withdrawals = ZERO
    for operation in operations:
        if operation.amount > ZERO:
            deposits += operation.amount
        else:
            withdrawals -= operation.amount
    return {
        "count": len(operations),
        "deposits": deposits,
        "withdrawals": withdrawals,
        "net": deposits - withdrawals,
    }


def group_by_symbol(trades: Iterable[OpenTrade]) -> list[Data]:
    """The open positions as one row per symbol, in alphabetical order.

    Prices are averages weighted by volume.
    """
    positions_by_symbol: defaultdict[str, list[OpenTrade]] = defaultdict(list)
    for trade in trades:
        if trade.is_position:
            positions_by_symbol[trade.symbol].append(trade)
    symbols = sorted(positions_by_symbol)
    return [symbol_row(symbol, positions_by_symbol[symbol]) for symbol in symbols]


def symbol_row(symbol: str, positions: list[OpenTrade]) -> Data:
    """The row of one symbol."""
    bought = [trade for trade in positions if trade.side == "buy"]
    sold = [trade for trade in positions if trade.side == "sell"]
    return {
        "symbol": symbol,
        "orders": len(positions),
        "buy_volume": total_volume(bought),
        "sell_volume": total_volume(sold),
        "buy_price": average_price(bought),
        "sell_price": average_price(sold),
        "swap": total_swap(positions),
        "commission": total_commission(positions),
        "profit": total_profit(positions),
    }


def average_price(trades: Sequence[OpenTrade]) -> Decimal | None:
    """The mean open price weighted by volume, with as many decimals as the most precise price."""
    volume = total_volume(trades)
    # Without volume there is nothing to weight by.
    if not volume:
        return None
    value = ZERO
    decimals = 0
    for trade in trades:
        price = trade.open_price
        value += price * trade.volume
        decimals = max(decimals, decimals_of(price))
    mean = value / volume
    # Formatting rounds half to even as quantize() does, which however raises an error for more than
    # 28 digits.
    return Decimal(f"{mean:.{decimals}f}")


def decimals_of(price: Decimal) -> int:
    """The number of digits after the decimal point: 5 for 1.23450."""
    exponent = price.as_tuple().exponent
    # A letter stands for infinity and NaN, which are no prices.
    assert isinstance(exponent, int)
    return max(0, -exponent)


def sum_by_day(
    amounts: Iterable[tuple[datetime, Decimal]],
    zone: ZoneInfo,
) -> list[tuple[date, Decimal]]:
    """Sums by calendar day of a time zone, oldest first. Days without amounts are left out."""
    days: defaultdict[date, Decimal] = defaultdict(Decimal)
    for moment, amount in amounts:
        # Days begin at midnight of the account's zone.
        day = moment.astimezone(zone).date()
        days[day] += amount
    return sorted(days.items())


def count_by_day(moments: Iterable[datetime], zone: ZoneInfo) -> Counter[date]:
    """How many moments are on each calendar day of a time zone; 0 for all other days."""
    days: Counter[date] = Counter()
    for moment in moments:
        day = moment.astimezone(zone).date()
        days[day] += 1
    return days
