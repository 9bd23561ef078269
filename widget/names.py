"""Names that the configuration and the JSON use: functions of the API."""

from typing import Literal, get_args

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
