"""Hidden figures, money as fractions, and rounding: what an account does not publish, and what
would reveal it.

These rules work on a widget's data before it is rendered, so that page, JSON and picture cannot
differ. They are tables; ``docs/security.md`` explains them to operators, and what they cannot hide.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import MAX_PREC, ROUND_HALF_EVEN, Context, Decimal
from typing import Any, Final

from widget.names import (
    CASH_FLOWS,
    COUNTS,
    MONEY,
    OPEN_PRICES,
    RESULTS,
    SHARES,
    STREAKS,
    TIMES,
    VOLUMES,
    Data,
)

# Names that have several meanings in the data. The rules need one name for each of them.
FLOATING_PROFIT: Final = "floating profit"
"""The account's ``profit``. It includes swaps and commissions, so it is not that of its trades."""
OPERATION: Final = "operation"
"""The ``amount`` of a deposit or withdrawal."""
EARNINGS: Final = "earnings"
"""The ``amount`` of a partner's commissions."""

NEVER_FRACTIONS: Final = CASH_FLOWS | {"balance", "equity", OPERATION}
"""Figures that are not published even as fractions of the balance: balance and equity would only
repeat the profit, and deposits are often round amounts, whose fractions reveal the balance."""

HIDDEN_TOGETHER: Final[tuple[frozenset[str], ...]] = (
    # A sum is hidden with its parts and the parts with their sum: the displayed rows may be all
    # rows. The lots that a bonus requires follow from its amount, and so they reveal the balance if
    # the bonus is a fraction of it.
    VOLUMES,
    COUNTS,
    OPEN_PRICES,
    # A growth curve has a point at the time when a trade was closed, and the days on which trades
    # were closed are their times, only less precise.
    TIMES | {"days"},
    RESULTS,
    CASH_FLOWS | {OPERATION},
    frozenset({EARNINGS, "total"}),
    # The factors of the months multiply to those of the years, and these to the gain.
    frozenset({"gain", "months", "years"}),
    # In the groups by side, the share of all trades is that of the long or the short ones.
    SHARES,
)
"""Groups of figures that are all hidden as soon as one of them is."""

MADE_OF_RESULTS: Final = ("gain", "profit_factor", *sorted(STREAKS))
"""Ratios and counts that are calculated from results."""

HIDDEN_WITH: Final[Mapping[str, tuple[str, ...]]] = {
    "amount": (EARNINGS, OPERATION),
    "equity": ("available", "available_keeping_bonus"),
    # A profit is a difference of prices times the volume, and the margin is a part of price times
    # volume.
    "profit": ("close_price", "current_price", FLOATING_PROFIT, "result", *MADE_OF_RESULTS),
    "volume": ("close_price", "current_price", "margin"),
    # The floating profit is the sum of profits, swaps and commissions. Even if two of the three are
    # hidden it would reveal one: many accounts pay no commission.
    "swap": (FLOATING_PROFIT, "result"),
    "commission": (FLOATING_PROFIT, "result"),
    # The mean of what passes between two times.
    "time": ("average_duration",),
    "date": ("days",),
    "month": ("days",),
    "active_days": ("days",),
    "days": ("active_days",),
    # A margin is the value of the positions divided by the leverage.
    "leverage": ("margin",),
    # The rows of symbols have one column for each side.
    "symbol": ("symbols",),
    "side": ("symbols", "long_trades", "short_trades"),
    # The length of a list of trades is their number, and each point of a curve is a trade. What
    # stands for a single trade is hidden too, see ``without_single_entries``.
    "trades": ("count", "points"),
    # The drawdown is calculated from the points.
    "drawdown": ("points",),
}
"""For a hidden figure, the figures that are hidden with it, but not the reverse."""

SUMS: Final[tuple[tuple[str, ...], ...]] = (
    ("equity", "balance", FLOATING_PROFIT),
    ("profit", "swap", "commission", "result"),
    # A balance is what was deposited and what was traded.
    ("net", "balance", "result"),
    ("free_margin", "margin", "equity"),
    # Any two of missing, required and closed lots, and progress, give the others.
    ("lots_missing", "lots_required", "lots_closed"),
    ("progress", "lots_required", "lots_closed"),
    ("progress", "lots_missing", "lots_required"),
    ("welcome", "club", "total"),
    ("won", "lost", "count"),
    ("won_share", "won", "count"),
    ("short_trades", "long_trades", "count"),
    # A profit is the difference of two prices times the volume; its sign depends on the side.
    ("close_price", "open_price", "profit", "volume", "side"),
    ("current_price", "open_price", "profit", "volume", "side"),
)
"""Groups in which a figure can be calculated from the others. If exactly one of them is hidden, the
first of the others is hidden too."""

MONEY_OF_A_GAIN: Final = frozenset({"profit", "balance"})
"""A gain is a profit divided by a balance: together with one of the two it reveals the other."""

HIDDEN_BESIDE: Final[Mapping[str, tuple[str, ...]]] = {
    # The gain is the last point of the curve; if there is one loss, the drawdown is the gain.
    "gain": ("drawdown", "points"),
    "profit_factor": ("gross_profit", "average_win", "expectancy"),
    # Averages are weighted by volume.
    "buy_volume": ("buy_price",),
    "sell_volume": ("sell_price",),
    # The stop loss of a buyer is below the opening price, that of a seller above it.
    "side": ("stop_loss", "take_profit"),
    # Of which side a trade is.
    "long_trades": ("long_won_share", "short_won_share"),
    # Which trades are on the same day.
    "days": ("won_days", "lost_days"),
    "active_days": ("best_day", "worst_day", "trades_per_week"),
    # Many trades are closed at one of these prices.
    "close_price": ("stop_loss", "take_profit"),
    # Everybody knows how many lots the broker requires for each unit of a bonus.
    "total": ("lots_required", "lots_missing", "progress"),
}
"""For a hidden figure, the figures that are hidden with it in the same object only."""

GROUPS_BY: Final[Mapping[str, str]] = {
    "symbol": "symbol",
    "side": "side",
    "weekday": "close_time",
    "hour": "close_time",
}
"""The figure whose values are the keys of groups: without it, there are no groups."""

PAGED: Final = frozenset({"trades", "symbols", "logins", "records", "operations"})
"""Lists of which a visitor can request one page after the other."""

DATED: Final = TIMES | {"days", "points", "records", "operations"}
"""While one of these is hidden, visitors cannot choose dates: a period that is moved day by day
would reveal which day each figure belongs to. ``trades`` hides ``points``."""

ENTRY_LISTS: Final = ("records", "operations", "trades")
"""Lists of entries that other figures are sums of."""
ENTRIES: Final = "_entries"
"""In the data of a widget: how many trades, or records, an object stands for, if none of the names
below says so. It is never published."""
ENTRY_COUNTS: Final = (ENTRIES, "count", "orders", "trades")
"""The names of the number of entries that an object stands for, the first one that it has."""
ROW_COUNT: Final = "_rows"
"""In the data of a widget with pages: the number of rows on all of them. It is never published by
this name, and not at all if ``pages`` is hidden."""
MONTH_ENTRIES: Final = "_month_entries"
"""In a year: the number of trades of each of its ``months``. It is never published either."""
COUNTED_BY: Final[Mapping[str, str]] = {
    "open_lots": "open_trades",
    "total_lots": "total_trades",
    "best_day": "_best_day_entries",
    "worst_day": "_worst_day_entries",
}
"""Figures that stand for another number of entries than the object that they are in."""
SINGLE_TRADES: Final = frozenset({"best_trade", "worst_trade"})
"""Figures that always stand for a single trade."""
LABELS: Final = frozenset({"from", "to", "date", "key", "by", "symbol", "month", "year", "page"})
"""What an object is about, which is no figure of its entries."""

CONTAINERS: Final = (dict, list, tuple)
"""The types of data in which there may be figures."""
ALL_DIGITS: Final = Context(prec=MAX_PREC, rounding=ROUND_HALF_EVEN)
"""The default context fails on amounts of more than 28 digits."""


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


def expand_for_request(
    hidden: frozenset[str],
    amounts: str,
    *,
    between_dates: bool,
) -> frozenset[str]:
    """The figures that are hidden in the response to one request.

    A gain is a result divided by the balance before it, and this divisor differs from period to
    period. So if the same results are in many periods, all their rounded gains together reveal them
    far more precisely than each of them. That must not happen while the results are hidden; and as
    fractions of the balance, results of whole cents reveal the balance. Sums do not have this
    weakness: they are all rounded with the same divisor.

    Args:
        hidden: what is hidden in all of them, from ``expand_hidden``.
        amounts: how the account displays money.
        between_dates: whether the visitor has chosen the dates of the period.
    """
    result = hidden
    # With volumes and prices, everybody can calculate the amounts anyway.
    must_hide_balance = amounts == "percent" and "volume" in hidden
    if between_dates and (must_hide_balance or "result" in hidden):
        result = expand_hidden({*hidden, "gain"})
    if amounts == "percent":
        return result | NEVER_FRACTIONS
    # How many lots a bonus requires follows from its amount, and then the progress says how many of
    # them are closed. A fraction of the balance does not say so.
    if "lots_closed" in hidden:
        return result | {"progress"}
    return result


def hide(data: Any, hidden: Collection[str]) -> Any:
    """The data with every hidden figure set to None, at any depth, and without private names."""
    if isinstance(data, dict):
        return hide_in_object(data, hidden)
    if isinstance(data, list | tuple):
        return [hide(value, hidden) for value in data]
    return data


def hide_in_object(data: Data, hidden: Collection[str]) -> Data:
    """An object with every hidden figure set to None, see ``hide``."""
    names = hidden_names(data, hidden)
    result: Data = {}
    for name, value in data.items():
        if name.startswith("_"):
            continue
        # The name stays, so that the data has the same fields whatever is hidden.
        if name in names:
            result[name] = None
        elif isinstance(value, CONTAINERS):
            result[name] = hide(value, hidden)
        else:
            result[name] = value
    return result


def hidden_names(data: Data, hidden: Collection[str]) -> set[str]:
    """The names in this object whose figures are hidden."""
    # Most accounts hide nothing, and a curve has hundreds of objects.
    if not hidden:
        return set()
    names = set()
    for name in data:
        if name in hidden or meaning(name, data) in hidden:
            names.add(name)
            also_hidden = HIDDEN_BESIDE.get(name, ())
            names.update(also_hidden)
    by = str(data.get("by"))
    # None if there are no groups.
    figure_of_keys = GROUPS_BY.get(by)
    if figure_of_keys in hidden:
        names.add("groups")
    # With one row on each page, the number of pages is that of the rows.
    has_hidden_count = "totals" in data and "count" in hidden
    if has_hidden_count or names & PAGED:
        names.add("pages")
    return names & data.keys()


def names_hidden_in(data: Any, hidden: Collection[str]) -> set[str]:
    """The names that are hidden in some object of the data, at any depth."""
    # All rows of a list have the same names: the first one is enough.
    if is_list_of_objects(data):
        return names_hidden_in(data[0], hidden)
    if not isinstance(data, dict):
        return set()
    names = hidden_names(data, hidden)
    for value in data.values():
        names |= names_hidden_in(value, hidden)
    return names


def meaning(name: str, data: Data) -> str:
    """What a name stands for in this object, by the name that the rules have for it."""
    # Next to a balance, the profit is that of the account.
    if name == "profit" and "balance" in data:
        return FLOATING_PROFIT
    # Without a list of trades, it is their number.
    if name == "trades" and not isinstance(data[name], list | tuple):
        return "count"
    if name != "amount":
        return name
    # Earnings also have a date, or a symbol and a volume.
    if data.keys() == {"time", "amount"}:
        return OPERATION
    return EARNINGS


def without_single_entries(data: Data, hidden: Collection[str]) -> Data:
    """The data without figures that stand for a single entry of a hidden list.

    The total of one trade is that trade. In lists of days and groups, the whole row is left out.
    """
    hidden_lists = [name for name in ENTRY_LISTS if name in hidden]
    if not hidden_lists:
        return data
    # A widget has the entries of one list; the figures without a list are those of trades.
    found = [name for name in ENTRY_LISTS if name in data]
    if not found:
        found = ["trades"]
    if found[0] not in hidden_lists:
        return data
    return without_singles(data)


def without_singles(data: Data) -> Data:
    """An object without its figures of a single entry, at any depth."""
    result: Data = {}
    for name, value in data.items():
        if is_single(name, data):
            result[name] = None
        elif name == "months" and MONTH_ENTRIES in data:
            result[name] = without_single_months(value, data[MONTH_ENTRIES])
        elif isinstance(value, dict):
            result[name] = without_singles(value)
        elif is_list_of_objects(value):
            remaining = without_single_rows(value)
            rows = [without_singles(row) for row in remaining]
            # Not an empty list, which would say that there is nothing in the period.
            result[name] = rows or None
        else:
            result[name] = value
    return result


def without_single_months(
    gains: Sequence[Decimal | None],
    counts: Sequence[int],
) -> list[Decimal | None]:
    """The gains of the months of a year, and None for those of a single trade.

    If there is one such month, another one is left out too: otherwise it would be what is missing
    to the gain of the year.
    """
    left_out = [place for place, count in enumerate(counts) if count == 1]
    others = [place for place, count in enumerate(counts) if count > 1]
    if len(left_out) == 1 and others:
        smallest = min(others, key=counts.__getitem__)
        left_out.append(smallest)
    public = list(gains)
    for place in left_out:
        public[place] = None
    return public


def is_list_of_objects(value: Any) -> bool:
    """Whether a value is a list with rows."""
    if not isinstance(value, list | tuple) or not value:
        return False
    return isinstance(value[0], dict)


def is_single(name: str, data: Data) -> bool:
    """Whether a figure of an object stands for a single entry."""
    if name in SINGLE_TRADES:
        return True
    if name in LABELS or name in ENTRY_COUNTS or name.startswith("_"):
        return False
    if name in COUNTED_BY:
        return data.get(COUNTED_BY[name]) == 1
    # What is in an object or a list is looked at on its own.
    if isinstance(data[name], dict | list | tuple):
        return False
    return entry_count(data) == 1


def entry_count(data: Data) -> int | None:
    """The number of entries that an object stands for; None if it does not say."""
    for name in ENTRY_COUNTS:
        count = data.get(name)
        if isinstance(count, int):
            return count
    return None


def without_single_rows(rows: Sequence[Data]) -> list[Data]:
    """The rows that stand for more than one entry.

    If they lack a single entry, one more row is left out: otherwise the entry would be the
    difference between their sum and the total.
    """
    remaining = [row for row in rows if entry_count(row) != 1]
    left_out = len(rows) - len(remaining)
    if left_out == 1 and remaining:
        smallest = min(remaining, key=lambda row: entry_count(row) or 0)
        remaining.remove(smallest)
    return remaining


def as_fractions(data: Any, balance: Decimal | None) -> Any:
    """The data with money as fractions of the balance, and None for what has no fraction.

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
        # Below the name of an amount there may be a list or an object instead.
        is_amount = name in MONEY and isinstance(value, Decimal)
        if not is_amount:
            result[name] = as_fractions(value, balance)
        elif meaning(name, data) in NEVER_FRACTIONS:
            result[name] = None
        else:
            result[name] = fraction(value, balance)
    return result


def fraction(amount: Decimal, balance: Decimal | None) -> Decimal | None:
    """An amount as a fraction of the balance; that of an empty account is not defined."""
    if balance is None or balance <= 0:
        return None
    return amount / balance


def round_figures(data: Any, decimals: Mapping[str, int]) -> Any:
    """The data with the figures of these names rounded half to even.

    More decimals would reveal more than is displayed: a ratio of two amounts with eight decimals is
    the ratio of two whole numbers of cents, which can be found.

    Args:
        data: a widget's data.
        decimals: how many decimals the figure of each name has.
    """
    if isinstance(data, list | tuple):
        return [round_figures(value, decimals) for value in data]
    if not isinstance(data, dict):
        return data
    result: Data = {}
    for name, value in data.items():
        if name in decimals:
            result[name] = rounded(value, decimals[name])
        elif isinstance(value, CONTAINERS):
            result[name] = round_figures(value, decimals)
        else:
            result[name] = value
    return result


def rounded(value: Any, decimals: int) -> Any:
    """A figure or a list of figures with this number of decimals; anything else is unchanged."""
    if isinstance(value, Decimal):
        unit = Decimal(1).scaleb(-decimals)
        result = value.quantize(unit, context=ALL_DIGITS)
        # Without the sign of a negative zero.
        return result or abs(result)
    if isinstance(value, list | tuple):
        return [rounded(each, decimals) for each in value]
    return value
