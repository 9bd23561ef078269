"""Positions and pending orders."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from widget import totals
from widget.errors import N_
from widget.records import OpenTrade
from widget.source import Source
from widget.spec import Options, Widget


def fetch(source: Source, options: Options) -> dict[str, Any]:
    """Open trades with totals over the positions, or one row a symbol."""
    trades = source.open_trades()
    summed = {"totals": totals.position_totals(trades)}
    if options.group == "symbol":
        return {"symbols": totals.group_by_symbol(trades)[: options.rows], **summed}
    return {"trades": [_row(trade) for trade in trades[: options.rows]], **summed}


def _row(trade: OpenTrade) -> dict[str, Any]:
    return {
        "ticket": trade.ticket,
        "symbol": trade.symbol,
        "side": trade.side,
        "kind": trade.kind,
        "volume": trade.volume,
        "open_price": trade.open_price,
        "open_time": trade.open_time,
        "current_price": trade.current_price,
        "stop_loss": trade.stop_loss,
        "take_profit": trade.take_profit,
        "swap": trade.swap,
        "profit": trade.profit,
    }


WIDGET = Widget(
    name="open-trades",
    label=N_("Open trades"),
    functions=("open_trades",),
    fetch=fetch,
    height=138,
    row_height=36,
    options=frozenset({"rows", "group"}),
    example={
        "trades": [
            {
                "ticket": 48213377,
                "symbol": "EURUSD",
                "side": "buy",
                "kind": "market",
                "volume": Decimal("0.10"),
                "open_price": Decimal("1.08412"),
                "open_time": datetime(2026, 11, 20, 9, 31, 5, tzinfo=UTC),
                "current_price": Decimal("1.08531"),
                "stop_loss": None,
                "take_profit": Decimal("1.09500"),
                "swap": Decimal("-0.42"),
                "profit": Decimal("11.90"),
            },
            {
                "ticket": 48213401,
                "symbol": "USDJPY",
                "side": "sell",
                "kind": "limit",
                "volume": Decimal("0.20"),
                "open_price": Decimal("151.200"),
                "open_time": datetime(2026, 11, 19, 15, 2, 44, tzinfo=UTC),
                "current_price": Decimal("149.871"),
                "stop_loss": Decimal("152.000"),
                "take_profit": None,
                "swap": Decimal("0.00"),
                "profit": Decimal("0.00"),
            },
        ],
        "totals": {
            "count": 1,
            "volume": Decimal("0.10"),
            "swap": Decimal("-0.42"),
            "profit": Decimal("11.90"),
        },
    },
)
