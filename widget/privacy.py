"""The figures by their JSON names: what each one is, and what must go with it when an account hides it.

This is the one place that says which figure is money, and which other figures would give a hidden one away. It works on
a widget's data before any renderer sees it, so that page, JSON and picture cannot differ.
"""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

MONEY: Final = frozenset(
    "balance equity free_margin margin profit swap total welcome club available available_keeping_bonus amount".split()
)
"""Amounts of the account's currency."""

NEVER_FRACTIONS: Final = frozenset({"balance", "equity"})
"""What is not shown even as a fraction of the balance: it would be the profit over again."""

FIGURES: Final = MONEY | frozenset(
    "volume lots open_lots total_lots buy_volume sell_volume lots_closed lots_required lots_missing "
    "open_price close_price current_price stop_loss take_profit buy_price sell_price "
    "gain drawdown won_share progress profit_factor leverage account_type swap_free verification_level "
    "open_trades total_trades trades count won lost orders ticket symbol side kind open_time close_time "
    "time address application date from to points days records logins symbols totals".split()
)
"""All names that stand in a widget's data."""

GAINS: Final = frozenset({"gain", "drawdown"})
"""What is a fraction of the balance however money is shown."""

FLOATING_PROFIT: Final = "floating profit"
"""The account's ``profit``, swaps included: another figure than that of its trades."""

# What a bonus requires follows from its amount, and with that its share of the balance tells the balance.
_VOLUMES = frozenset(
    "volume lots open_lots total_lots buy_volume sell_volume lots_closed lots_required lots_missing".split()
)

_COUNTS = frozenset({"count", "orders", "open_trades", "total_trades"})
_PRICES = frozenset({"open_price", "buy_price", "sell_price"})
_TIMES = frozenset(
    {"open_time", "close_time", "time"}
)  # a growth curve has a point where a trade is closed

_HIDDEN_WITH: dict[str, frozenset[str]] = {
    # A sum goes with its parts and the parts with their sum: the rows shown may be all there are.
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

# In each sum each figure follows from the others. Where exactly one of them is hidden, it could be worked out: the
# first of the others goes too.
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

# A gain is a profit over a balance: beside one of these two it gives away the other.
_MONEY_OF_A_GAIN = frozenset({"profit", "balance"})


def expand_hidden(hidden: Iterable[str]) -> frozenset[str]:
    """The hidden figures and those from which one of them could be worked out."""
    result = set(hidden)
    while True:
        more = {name for figure in result for name in _HIDDEN_WITH.get(figure, ())}
        for total in SUMS:
            shown = [name for name in total if name not in result | more]
            if len(shown) == len(total) - 1:
                more.add(shown[0])
        if len(_MONEY_OF_A_GAIN & (result | more)) == 1:
            more.add("gain")
        if more <= result:
            return frozenset(result)
        result |= more


def hide(data: Any, hidden: Collection[str]) -> Any:
    """The data with every hidden figure set to None, however deep it stands."""
    if isinstance(data, dict):
        gone = hidden_names(data, hidden)
        return {name: None if name in gone else hide(value, hidden) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [hide(value, hidden) for value in data]
    return data


def hidden_names(data: Mapping[str, Any], hidden: Collection[str]) -> frozenset[str]:
    """The names in here whose figures are hidden: two of them stand for another figure beside other neighbours."""
    also = {"profit"} if FLOATING_PROFIT in hidden and "balance" in data else set()
    if "count" in hidden and not isinstance(data.get("trades"), list):
        also |= {"trades"}  # how many were closed
    return frozenset(name for name in data if name in hidden or name in also)


def as_fractions(data: Any, balance: Decimal | None) -> Any:
    """The data with money as fractions of the balance; without balance and equity themselves.

    Args:
        data: a widget's data.
        balance: what is divided by; where it is unknown or not above 0, money becomes None.
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
    """The data with the fractions of these names in no more decimals than a page shows: 0.01%."""
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
