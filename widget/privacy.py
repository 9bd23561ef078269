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
"""The account's ``profit``. It includes swaps and commissions, so it is not that of its trades."""

HIDDEN_TOGETHER: Final[tuple[frozenset[str], ...]] = (
    # A sum is hidden with its parts and the parts with their sum: the displayed rows may be all
    # rows. The lots that a bonus requires follow from its amount, and so they reveal the balance if
    # the bonus is a fraction of it.
    VOLUMES,
    COUNTS,
    OPEN_PRICES,
    # A growth curve has a point at the time when a trade was closed.
    TIMES,
    frozenset({"amount", "total"}),
    # The gain is the last point of the curve, and the drawdown is calculated from its points.
    frozenset({"gain", "points", "drawdown"}),
)
"""Groups of figures that are all hidden as soon as one of them is."""

HIDDEN_WITH: Final[Mapping[str, tuple[str, ...]]] = {
    "equity": ("available", "available_keeping_bonus"),
    "profit": (FLOATING_PROFIT, "profit_factor"),
    # It is the sum of profits, swaps and commissions. Even if two of the three are hidden it would
    # reveal one: many accounts pay no commission.
    "swap": (FLOATING_PROFIT,),
    "commission": (FLOATING_PROFIT,),
    # The rows of symbols have one column for each side.
    "symbol": ("symbols",),
    "side": ("symbols",),
    # The length of a list of trades is their number.
    "trades": ("count",),
}
"""For a hidden figure, the figures that are hidden with it, but not the reverse."""

SUMS: Final[tuple[tuple[str, ...], ...]] = (
    ("equity", "balance", FLOATING_PROFIT),
    (FLOATING_PROFIT, "profit", "swap", "commission"),
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
        also_hidden = HIDDEN_WITH.get(figure, ())
        result.update(also_hidden)
    for together in HIDDEN_TOGETHER:
        if hidden & together:
            result.update(together)
    for group in SUMS:
        public = [name for name in group if name not in result]
        hidden_count = len(group) - len(public)
        # With two hidden figures in a group there are two unknowns, and neither can be calculated.
        if hidden_count == 1:
            result.add(public[0])
    hidden_money = MONEY_OF_A_GAIN & result
    if len(hidden_money) == 1:
        result.add("gain")
    return frozenset(result)


def hide(data: Any, hidden: Collection[str]) -> Any:
    """The data with every hidden figure set to None, at any depth."""
    if isinstance(data, list | tuple):
        return [hide(value, hidden) for value in data]
    if not isinstance(data, dict):
        return data
    names = hidden_names(data, hidden)
    result: dict[str, Any] = {}
    for name, value in data.items():
        # The name stays, so that the data has the same fields whatever is hidden.
        if name in names:
            result[name] = None
        else:
            result[name] = hide(value, hidden)
    return result


def hidden_names(data: Mapping[str, Any], hidden: Collection[str]) -> frozenset[str]:
    """The names in this object whose figures are hidden.

    What ``profit`` and ``trades`` mean depends on the object.
    """
    names = {name for name in data if name in hidden}
    # Next to a balance, the profit is that of the account.
    has_floating_profit = "balance" in data and "profit" in data
    if has_floating_profit and FLOATING_PROFIT in hidden:
        names.add("profit")
    if "count" in hidden and "trades" in data:
        # Without a list of trades, it is their number.
        is_number = not isinstance(data["trades"], list)
        if is_number:
            names.add("trades")
    return frozenset(names)


def as_fractions(data: Any, balance: Decimal | None) -> Any:
    """The data with money as fractions of the balance, and with balance and equity set to None.

    Args:
        data: a widget's data.
        balance: the divisor; if it is None or not above 0, money becomes None.
    """
    if isinstance(data, list | tuple):
        return [as_fractions(value, balance) for value in data]
    if not isinstance(data, dict):
        return data
    result = {}
    for name, value in data.items():
        result[name] = figure_as_fraction(name, value, balance)
    return result


def figure_as_fraction(name: str, value: Any, balance: Decimal | None) -> Any:
    """A figure, or the data below a name, with money as fractions of the balance."""
    if name in NEVER_FRACTIONS:
        return None
    # Below the name of an amount there may be a list or an object instead.
    is_amount = name in MONEY and isinstance(value, Decimal)
    if not is_amount:
        return as_fractions(value, balance)
    # The fraction of an empty account is not defined.
    if balance is None or balance <= 0:
        return None
    return value / balance


def round_figures(data: Any, decimals: Mapping[str, int]) -> Any:
    """The data with the figures of these names rounded half to even.

    Args:
        data: a widget's data.
        decimals: how many decimals the figure of each name has.
    """
    if isinstance(data, list | tuple):
        return [round_figures(value, decimals) for value in data]
    if not isinstance(data, dict):
        return data
    result = {}
    for name, value in data.items():
        result[name] = round_figure(name, value, decimals)
    return result


def round_figure(name: str, value: Any, decimals: Mapping[str, int]) -> Any:
    """A figure, or the data below a name, with rounded figures."""
    if not isinstance(value, Decimal):
        return round_figures(value, decimals)
    if name not in decimals:
        return value
    # round() fails beyond 28 digits. The z removes the sign of a negative zero.
    return Decimal(f"{value:z.{decimals[name]}f}")
