"""The functions of a Client Cabinet API, by the names that the configuration uses."""

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
"""How long an answer counts as fresh, where neither this table nor the configuration says so: 300 seconds."""

DEFAULT_TTL_SECONDS = 300.0
