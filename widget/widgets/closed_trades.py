"""Trades closed in a period."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from widget import totals
from widget.errors import N_
from widget.records import ClosedTrade
from widget.source import Source
from widget.spec import Options, Widget


def fetch(source: Source, options: Options) -> dict[str, Any]:
    """The newest of the period's closed trades, with totals over all of them."""
    start, end = options.period.bounds(source.now, source.account.timezone)
    trades = source.closed_trades(start, end)
    return {
        "from": start,
        "to": source.known_until(end),
        "trades": [_row(trade) for trade in trades[: options.rows]],
        "totals": totals.closed_totals(trades),
    }


def _row(trade: ClosedTrade) -> dict[str, Any]:
    return {
        "ticket": trade.ticket,
        "symbol": trade.symbol,
        "side": trade.side,
        "kind": "market",
        "volume": trade.volume,
        "open_price": trade.open_price,
        "open_time": trade.open_time,
        "close_price": trade.close_price,
        "close_time": trade.close_time,
        "stop_loss": trade.stop_loss,
        "take_profit": trade.take_profit,
        "swap": trade.swap,
        "profit": trade.profit,
    }


WIDGET = Widget(
    name="closed-trades",
    label=N_("Closed trades"),
    functions=("closed_trades",),
    fetch=fetch,
    height=174,
    row_height=36,
    options=frozenset({"rows", "period"}),
    example={
        "from": datetime(2026, 10, 24, tzinfo=UTC),
        "to": datetime(2026, 11, 23, 12, tzinfo=UTC),
        "trades": [
            {
                "ticket": 48210021,
                "symbol": "XAUUSD",
                "side": "sell",
                "kind": "market",
                "volume": Decimal("0.05"),
                "open_price": Decimal("2391.40"),
                "open_time": datetime(2026, 11, 18, 8, 2, 11, tzinfo=UTC),
                "close_price": Decimal("2388.15"),
                "close_time": datetime(2026, 11, 19, 13, 40, 9, tzinfo=UTC),
                "stop_loss": None,
                "take_profit": None,
                "swap": Decimal("-0.31"),
                "profit": Decimal("16.25"),
            },
        ],
        "totals": {
            "count": 1,
            "won": 1,
            "lost": 0,
            "volume": Decimal("0.05"),
            "swap": Decimal("-0.31"),
            "profit": Decimal("16.25"),
        },
    },
)
