"""Names that the configuration and the JSON use: functions of the API, and figures."""

from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

Data = dict[str, Any]
"""The data of a widget, or an object in it: figures by their JSON names."""
Row = Mapping[str, Any]
"""A row of a list in the data, for what only reads it."""

Function = Literal[
    "balance",
    "summary",
    "open_trades",
    "closed_trades",
    "lots",
    "bonus",
    "logins",
    "commissions",
    "operations",
    "referrals",
]
FUNCTIONS: tuple[Function, ...] = get_args(Function)

# Figures, by their names in the JSON. The registry refuses a widget that uses any other name.
RESULTS: Final = frozenset(
    {
        "result",
        "gross_profit",
        "gross_loss",
        "expectancy",
        "average_win",
        "average_loss",
        "best_trade",
        "worst_trade",
        "best_day",
        "worst_day",
    }
)
"""Results (profit, swap and commission together), and their sums, means and extremes."""

CASH_FLOWS: Final = frozenset({"deposits", "withdrawals", "net"})
"""Sums of deposits and withdrawals."""

MONEY: Final = (
    RESULTS
    | CASH_FLOWS
    | {
        "balance",
        "equity",
        "free_margin",
        "margin",
        "profit",
        "swap",
        "commission",
        "total",
        "welcome",
        "club",
        "available",
        "available_keeping_bonus",
        "amount",
    }
)
"""Figures that are amounts of the account's currency."""

VOLUMES: Final = frozenset(
    {
        "volume",
        "lots",
        "open_lots",
        "total_lots",
        "buy_volume",
        "sell_volume",
        "average_volume",
        "lots_closed",
        "lots_required",
        "lots_missing",
    }
)
"""Figures that are lots."""

GAINS: Final = frozenset({"gain", "drawdown", "months"})
"""Figures that are fractions of the balance even when money is not; ``months`` is a list."""

SHARES: Final = frozenset({"won_share", "long_won_share", "short_won_share"})
"""Shares of the trades that are won."""

COUNTS: Final = frozenset({"count", "orders", "open_trades", "total_trades", "trades_per_week"})
"""Figures that are numbers of trades."""

STREAKS: Final = frozenset(
    {
        "won_days",
        "lost_days",
        "longest_winning_streak",
        "longest_losing_streak",
    }
)
"""Numbers of days or trades with results above or below 0."""

OPEN_PRICES: Final = frozenset({"open_price", "buy_price", "sell_price"})
"""Prices of opening, and their averages."""

TIMES: Final = frozenset({"open_time", "close_time", "time"})
"""Times of trades and of other records."""

LISTS: Final = frozenset(
    {
        "trades",
        "symbols",
        "days",
        "points",
        "records",
        "logins",
        "operations",
        "groups",
        "years",
    }
)
"""Names of lists. ``trades`` is a number where there is no list of trades."""

OTHERS: Final = frozenset(
    {
        "close_price",
        "current_price",
        "stop_loss",
        "take_profit",
        "progress",
        "profit_factor",
        "leverage",
        "account_type",
        "swap_free",
        "verification_level",
        "won",
        "lost",
        "ticket",
        "symbol",
        "side",
        "kind",
        "address",
        "application",
        "date",
        "from",
        "to",
        "totals",
        "page",
        "pages",
        "year",
        "month",
        "by",
        "key",
        "average_duration",
        "active_days",
        "long_trades",
        "short_trades",
        "accounts",
    }
)
"""All figures without a group of their own: no rule treats several of them alike."""

FIGURES: Final = (
    MONEY | VOLUMES | GAINS | SHARES | COUNTS | STREAKS | OPEN_PRICES | TIMES | LISTS | OTHERS
)
"""All names in the data of widgets, which are the names that an account can hide."""

FRACTION_DECIMALS: Final = 4
"""The published decimals of fractions: 0.0123 is 1.23%."""

DECIMALS: Final[Mapping[str, int]] = {
    **dict.fromkeys(GAINS | SHARES | {"progress"}, FRACTION_DECIMALS),
    "profit_factor": 2,
    "average_volume": 4,
    "trades_per_week": 2,
}
"""The published decimals of figures that are calculated; those of money depend on the currency."""
