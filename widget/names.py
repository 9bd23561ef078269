"""Names that the configuration and the JSON use: functions of the API, and figures."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

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

TTL_SECONDS: dict[Function, float] = {
    "balance": 15,
    "open_trades": 15,
    "closed_trades": 60,
    "lots": 60,
}
"""How long a result is fresh, by function, unless the configuration says otherwise."""

DEFAULT_TTL_SECONDS = 300.0
"""The same for the functions that are not in the table."""

# Figures, by their names in the JSON. The registry refuses a widget that uses any other name.
MONEY: Final = frozenset(
    "balance equity free_margin margin profit swap commission total welcome club "
    "available available_keeping_bonus amount".split()
)
"""Figures that are amounts of the account's currency."""

VOLUMES: Final = frozenset(
    "volume lots open_lots total_lots buy_volume sell_volume "
    "lots_closed lots_required lots_missing".split()
)
"""Figures that are lots."""

GAINS: Final = frozenset({"gain", "drawdown"})
"""Figures that are fractions of the balance even when money is not."""

DECIMALS: Final[Mapping[str, int]] = {
    "gain": 4,
    "drawdown": 4,
    "won_share": 4,
    "progress": 4,
    "profit_factor": 2,
}
"""How many decimals figures have in every form that are neither money nor lots nor prices."""

FRACTION_DECIMALS: Final = 4
"""The decimals of money that is a fraction of the balance."""

COUNTS: Final = frozenset({"count", "orders", "open_trades", "total_trades"})
"""Figures that are numbers of trades."""

OPEN_PRICES: Final = frozenset({"open_price", "buy_price", "sell_price"})
"""Prices of opening, and their averages."""

TIMES: Final = frozenset({"open_time", "close_time", "time"})
"""Times of trades and of other records."""

OTHERS: Final = frozenset(
    "close_price current_price stop_loss take_profit won_share progress profit_factor "
    "leverage account_type swap_free verification_level trades won lost ticket symbol side "
    "kind address application accounts date from to points days records logins symbols "
    "totals".split()
)
"""All figures without a group of their own: no rule treats several of them alike."""

FIGURES: Final = MONEY | VOLUMES | GAINS | COUNTS | OPEN_PRICES | TIMES | OTHERS
"""All names in the data of widgets, which are the names that an account can hide."""
