"""Hidden figures and money as fractions: what an account does not publish, and what would reveal
it.

These rules work on a widget's data before it is rendered, so that page, JSON and picture cannot
differ.
"""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from widget.names import COUNTS, MONEY, OPEN_PRICES, TIMES, VOLUMES

NEVER_FRACTIONS: Final = frozenset({"balance", "equity"})
"""Figures that are not published even as fractions of the balance: they would only repeat the
profit."""

FLOATING_PROFIT: Final = "floating profit"
"""The account's ``profit``, which includes swaps and so is not the ``profit`` of its trades."""

HIDDEN_WITH: Final[dict[str, frozenset[str]]] = {
    # A sum is hidden with its parts and the parts with their sum: the displayed rows may be all
    # rows. The lots that a bonus requires follow from its amount, and so they reveal the balance if
    # the bonus is a fraction of it.
    **dict.fromkeys(VOLUMES, VOLUMES),
    **dict.fromkeys(COUNTS, COUNTS),
    **dict.fromkeys(OPEN_PRICES, OPEN_PRICES),
    # A growth curve has a point at the time when a trade was closed.
    **dict.fromkeys(TIMES, TIMES),
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
"""For a hidden figure, the figures that are hidden with it."""

SUMS: Final[tuple[tuple[str, ...], ...]] = (
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
"""Groups in which a figure can be calculated from the others. If exactly one of them is hidden, the
first of the others is hidden too."""

MONEY_OF_A_GAIN: Final = frozenset({"profit", "balance"})
"""A gain is a profit divided by a balance: together with one of the two it reveals the other."""


def expand_hidden(hidden: Iterable[str]) -> frozenset[str]:
    """The hidden figures and those from which a hidden one could be calculated."""
    result = frozenset(hidden)
    while True:
        expanded = expand_once(result)
        if expanded == result:
            return result
        result = expanded


def expand_once(hidden: frozenset[str]) -> frozenset[str]:
    """The hidden figures and those that reveal one of them directly."""
    result = set(hidden)
    for figure in hidden:
        result |= HIDDEN_WITH.get(figure, frozenset())
    for group in SUMS:
        public = [name for name in group if name not in result]
        if len(public) == len(group) - 1:
            result.add(public[0])
    if len(MONEY_OF_A_GAIN & result) == 1:
        result.add("gain")
    return frozenset(result)


def hide(data: Any, hidden: Collection[str]) -> Any:
    """The data with every hidden figure set to None, at any depth."""
    if isinstance(data, dict):
        names = hidden_names(data, hidden)
        return {
            name: None if name in names else hide(value, hidden) for name, value in data.items()
        }
    if isinstance(data, list | tuple):
        return [hide(value, hidden) for value in data]
    return data


def hidden_names(data: Mapping[str, Any], hidden: Collection[str]) -> frozenset[str]:
    """The names in this object whose figures are hidden.

    What ``profit`` and ``trades`` mean depends on the object.
    """
    names = {name for name in data if name in hidden}
    # Next to a balance, the profit is that of the account.
    if FLOATING_PROFIT in hidden and "balance" in data and "profit" in data:
        names.add("profit")
    # Without a list of trades, it is their number.
    if "count" in hidden and "trades" in data and not isinstance(data["trades"], list):
        names.add("trades")
    return frozenset(names)


def as_fractions(data: Any, balance: Decimal | None) -> Any:
    """The data with money as fractions of the balance, and with balance and equity set to None.

    Args:
        data: a widget's data.
        balance: the divisor; if it is None or not above 0, money becomes None.
    """
    if isinstance(data, dict):
        return {name: figure_as_fraction(name, value, balance) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [as_fractions(value, balance) for value in data]
    return data


def figure_as_fraction(name: str, value: Any, balance: Decimal | None) -> Any:
    """A figure, or the data below a name, with money as fractions of the balance."""
    if name in NEVER_FRACTIONS:
        return None
    if name not in MONEY or not isinstance(value, Decimal):
        return as_fractions(value, balance)
    if balance is None or balance <= 0:
        return None
    return value / balance


def round_fractions(data: Any, names: Collection[str]) -> Any:
    """The data with the fractions of these names rounded to what a page displays: 0.01%."""
    if isinstance(data, dict):
        return {name: round_figure(name, value, names) for name, value in data.items()}
    if isinstance(data, list | tuple):
        return [round_fractions(value, names) for value in data]
    return data


def round_figure(name: str, value: Any, names: Collection[str]) -> Any:
    """A figure, or the data below a name, with rounded fractions."""
    if name in names and value is not None:
        return Decimal(f"{value:.4f}")
    return round_fractions(value, names)
