"""Example data of every widget, as ``fetch`` returns it."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

BALANCE = {
    "balance": Decimal("10482.17"),
    "equity": Decimal("10547.43"),
    "free_margin": Decimal("9874.09"),
    "margin": Decimal("673.34"),
    "profit": Decimal("65.26"),
}

EXAMPLES: dict[str, dict[str, Any]] = {
    "balance": BALANCE,
    "bonus": {
        "total": Decimal("300"),
        "welcome": Decimal("300"),
        "club": Decimal("0"),
        "available": Decimal("120.50"),
        "available_keeping_bonus": Decimal("80.00"),
        "lots_closed": Decimal("410.0"),
        "lots_required": Decimal("900.0"),
        "lots_missing": Decimal("490.0"),
        "progress": Decimal("0.4556"),
    },
    "closed-trades": {
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
                "commission": None,
                "profit": Decimal("16.25"),
            },
        ],
        "totals": {
            "count": 1,
            "won": 1,
            "lost": 0,
            "volume": Decimal("0.05"),
            "swap": Decimal("-0.31"),
            "commission": None,
            "profit": Decimal("16.25"),
        },
    },
    "commissions": {
        "from": datetime(2026, 10, 24, tzinfo=UTC),
        "to": datetime(2026, 11, 23, 12, tzinfo=UTC),
        "total": Decimal("41.70"),
        "days": [{"date": date(2026, 11, 20), "amount": Decimal("41.70")}],
        "records": [
            {
                "time": datetime(2026, 11, 20, 10, 5, 3, tzinfo=UTC),
                "symbol": "GBPUSD",
                "volume": Decimal("2.78"),
                "amount": Decimal("41.70"),
            },
        ],
    },
    "growth": {
        "from": datetime(2026, 10, 24, tzinfo=UTC),
        "to": datetime(2026, 11, 23, 12, tzinfo=UTC),
        "gain": Decimal("0.0412"),
        "drawdown": Decimal("0.0187"),
        "profit_factor": Decimal("1.62"),
        "won_share": Decimal("0.58"),
        "trades": 31,
        "points": [
            {"time": datetime(2026, 10, 24, tzinfo=UTC), "gain": Decimal("0")},
            {"time": datetime(2026, 11, 2, 11, 4, tzinfo=UTC), "gain": Decimal("0.0311")},
            {"time": datetime(2026, 11, 12, 16, 30, tzinfo=UTC), "gain": Decimal("0.0118")},
            {"time": datetime(2026, 11, 20, 9, 15, tzinfo=UTC), "gain": Decimal("0.0412")},
        ],
    },
    "logins": {
        "from": datetime(2026, 10, 24, tzinfo=UTC),
        "to": datetime(2026, 11, 23, 12, tzinfo=UTC),
        "logins": [
            {
                "time": datetime(2026, 11, 22, 18, 12, 40, tzinfo=UTC),
                "address": "203.0.113.0/24",
                "application": "MetaTrader 4 Android",
            },
        ],
    },
    "lots": {
        "from": datetime(2026, 11, 16, tzinfo=UTC),
        "to": datetime(2026, 11, 23, 12, tzinfo=UTC),
        "lots": Decimal("3.17"),
        "days": [
            {"date": date(2026, 11, 18), "lots": Decimal("1.95")},
            {"date": date(2026, 11, 20), "lots": Decimal("1.22")},
        ],
    },
    "open-trades": {
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
                "commission": None,
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
                "commission": None,
                "profit": Decimal("0.00"),
            },
        ],
        "totals": {
            "count": 1,
            "volume": Decimal("0.10"),
            "swap": Decimal("-0.42"),
            "commission": None,
            "profit": Decimal("11.90"),
        },
    },
    "referrals": {"accounts": 17},
    "summary": {
        **BALANCE,
        "leverage": 500,
        "account_type": 1,
        "swap_free": False,
        "verification_level": 2,
        "open_trades": 4,
        "open_lots": Decimal("0.64"),
        "total_trades": 1636,
        "total_lots": Decimal("76.15"),
    },
}
