"""Hidden figures and money as fractions: what an account does not publish, and what would reveal it.

These rules work on a widget's data before it is rendered, so that page, JSON and picture cannot differ.
"""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

MONEY: Final = frozenset(
    "balance equity free_margin margin profit swap total welcome club available available_keeping_bonus amount".split()
)
"""Amounts of the account's currency."""

NEVER_FRACTIONS: Final = frozenset({"balance", "equity"})
"""Figures that are not published even as fractions of the balance: they would only repeat the profit."""

FIGURES: Final = MONEY | frozenset(
    "volume lots open_lots total_lots buy_volume sell_volume lots_closed lots_required lots_missing "
    "open_price close_price current_price stop_loss take_profit buy_price sell_price "
    "gain drawdown won_share progress profit_factor leverage account_type swap_free verification_level "
    "open_trades total_trades trades count won lost orders ticket symbol side kind open_time close_time "
    "time address application date from to points days records logins symbols totals".split()
)
"""All names in the data of widgets."""

GAINS: Final = frozenset({"gain", "drawdown"})
"""Figures that are fractions of the balance even when money is not."""

FLOATING_PROFIT: Final = "floating profit"
"""The account's ``profit``, which includes swaps and so is not the ``profit`` of its trades."""

# The lots that a bonus requires follow from its amount. With the bonus as a fraction they reveal the balance.
_VOLUMES = frozenset(
    "volume lots open_lots total_lots buy_volume sell_volume lots_closed lots_required lots_missing".split()
)

_COUNTS = frozenset({"count", "orders", "open_trades", "total_trades"})
_PRICES = frozenset({"open_price", "buy_price", "sell_price"})
_TIMES = frozenset(
    {"open_time", "close_time", "time"}
)  # a growth curve has a point where a trade is closed

_HIDDEN_WITH: dict[str, frozenset[str]] = {
    # A sum is hidden with its parts and the parts with their sum: the displayed rows may be all rows.
    **dict.fromkeys(_VOLUMES, _VOLUMES),
    **dict.fromkeys(_COUNTS, _COUNTS),
    **dict.fromkeys(_PRICES, _PRICES),
    **dict.fromkeys(_TIMES, _TIMES),
    "amount": frozenset({"total"}),
    "total": frozenset({"amount"}),
    "equity": frozenset({"available", "available_keeping_bonus"}),
    "profit": frozenset({FLOATING_PROFIT, "profit_factor"}),
    "gain": frozenset({"points", "drawdown"}),
    "points": frozenset({"gain"}),
    "drawdown": frozenset({"points"}),
    "symbol": frozenset({"symbols"}),
    "side": frozenset({"symbols"}),
    "trades": frozenset({"count"}),
}

# In each of these groups a figure can be calculated from the others. If exactly one of them is hidden, the first of the
# others is hidden too.
SUMS: tuple[tuple[str, ...], ...] = (
    ("equity", "balance", FLOATING_PROFIT),
    (FLOATING_PROFIT, "profit", "swap"),
    ("free_margin", "margin", "equity"),
    ("lots_missing", "lots_required", "lots_closed"),
    ("progress", "lots_required", "lots_closed"),
    ("progress", "lots_missing", "lots_required"),
    ("welcome", "club", "total"),
    ("won", "lost", "count"),
    ("won_share", "won", "trades"),
)

# A gain is a profit divided by a balance: together with one of these two it reveals the other.
_MONEY_OF_A_GAIN = frozenset({"profit", "balance"})


def expand_hidden(hidden: Iterable[str]) -> frozenset[str]:
    """The hidden figures and those from which a hidden one could be calculated."""
    result = set(hidden)
    while True:
        more = {name for figure in result for name in _HIDDEN_WITH.get(figure, ())}
        for total in SUMS:
            public = [name for name in total if name not in result | more]
            if len(public) == len(total) - 1:
                more.add(public[0])
        if len(_MONEY_OF_A_GAIN & (result | more)) == 1:
            more.add("gain")
        if more <= result:
            return frozenset(result)
        result |= more


def hide(data: Any, hidden: Collection[str]) -> Any:
    """The data with every hidden figure set to None, at any depth."""
    if isinstance(data, dict):
        gone = hidden_names(data, hidden)
        return {name: None if name in gone else hide(value, hidden) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [hide(value, hidden) for value in data]
    return data


def hidden_names(data: Mapping[str, Any], hidden: Collection[str]) -> frozenset[str]:
    """The names in this object whose figures are hidden. What ``profit`` and ``trades`` mean depends on the object."""
    also = {"profit"} if FLOATING_PROFIT in hidden and "balance" in data else set()
    if "count" in hidden and not isinstance(data.get("trades"), list):
        also |= {"trades"}  # here it is the number of trades
    return frozenset(name for name in data if name in hidden or name in also)


def as_fractions(data: Any, balance: Decimal | None) -> Any:
    """The data with money as fractions of the balance, and with balance and equity set to None.

    Args:
        data: a widget's data.
        balance: the divisor; if it is None or not above 0, money becomes None.
    """
    if isinstance(data, dict):
        return {name: _as_fraction(name, value, balance) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [as_fractions(value, balance) for value in data]
    return data


def _as_fraction(name: str, value: Any, balance: Decimal | None) -> Any:
    if name in NEVER_FRACTIONS:
        return None
    if name in MONEY and isinstance(value, Decimal):
        return value / balance if balance is not None and balance > 0 else None
    return as_fractions(value, balance)


def round_fractions(data: Any, names: Collection[str]) -> Any:
    """The data with the fractions of these names rounded to what a page displays: 0.01%."""
    if isinstance(data, dict):
        return {
            name: Decimal(f"{value:.4f}")
            if name in names and value is not None
            else round_fractions(value, names)
            for name, value in data.items()
        }
    return (
        [round_fractions(value, names) for value in data]
        if isinstance(data, list | tuple)
        else data
    )
