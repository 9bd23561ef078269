"""Closed trades in groups: by symbol, by side, or by the weekday or hour of closing."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Final
from zoneinfo import ZoneInfo

from widget.api.records import ZERO, ClosedTrade
from widget.data.totals import count_results, share, total_result, total_volume

Key = str | int
"""What the trades of a group have in common."""
KeyOf = Callable[[ClosedTrade, ZoneInfo], Key]
"""The key of a trade; weekdays and hours are those of a time zone."""


@dataclass(frozen=True, slots=True)
class Group:
    """The trades with the same key.

    Attributes:
        key: the symbol; ``buy`` or ``sell``; 1 (Monday) to 7; 0 to 23. None for all symbols that
            are not listed.
        trades: the number of trades.
        won: the number of those with a profit above 0.
        won_share: won / trades.
        volume: the lots of all of them.
        result: the sum of their results.
    """

    key: Key | None
    trades: int
    won: int
    won_share: Decimal | None
    volume: Decimal
    result: Decimal


def symbol_of(trade: ClosedTrade, _: ZoneInfo) -> Key:
    """The symbol of a trade."""
    return trade.symbol


def side_of(trade: ClosedTrade, _: ZoneInfo) -> Key:
    """The side of a trade."""
    return trade.side


def weekday_of(trade: ClosedTrade, zone: ZoneInfo) -> Key:
    """The day of the week on which a trade was closed, from 1 for Monday, as in ISO 8601."""
    local = trade.close_time.astimezone(zone)
    return local.isoweekday()


def hour_of(trade: ClosedTrade, zone: ZoneInfo) -> Key:
    """The hour in which a trade was closed."""
    local = trade.close_time.astimezone(zone)
    return local.hour


KEYS: Final[Mapping[str, KeyOf]] = {
    "symbol": symbol_of,
    "side": side_of,
    "weekday": weekday_of,
    "hour": hour_of,
}
"""How to group trades, by the values of the option ``by``."""


def calculate(trades: Iterable[ClosedTrade], by: str, zone: ZoneInfo) -> list[Group]:
    """All groups that have trades. Symbols are in the order of their number of trades, the highest
    first, then by name; all other keys are in their natural order.

    Args:
        trades: the trades, in any order.
        by: one of ``KEYS``.
        zone: the time zone of weekdays and hours.
    """
    key_of = KEYS[by]
    members: defaultdict[Key, list[ClosedTrade]] = defaultdict(list)
    for trade in trades:
        key = key_of(trade, zone)
        members[key].append(trade)
    groups = [group_of(key, members[key]) for key in sorted(members)]
    if by == "symbol":
        # Sorting is stable, so that equal numbers stay in the order of the names.
        groups.sort(key=attrgetter("trades"), reverse=True)
    return groups


def group_of(key: Key, trades: Sequence[ClosedTrade]) -> Group:
    """The group of some trades."""
    won, _ = count_results(trades)
    return Group(
        key=key,
        trades=len(trades),
        won=won,
        won_share=share(won, len(trades)),
        volume=total_volume(trades),
        result=total_result(trades),
    )


def limit_groups(groups: Sequence[Group], rows: int) -> list[Group]:
    """The first groups, and all others added up in one last group without a key."""
    listed = list(groups[:rows])
    others = groups[rows:]
    if not others:
        return listed
    trades = sum(group.trades for group in others)
    won = sum(group.won for group in others)
    rest = Group(
        key=None,
        trades=trades,
        won=won,
        won_share=share(won, trades),
        volume=sum((group.volume for group in others), ZERO),
        result=sum((group.result for group in others), ZERO),
    )
    return [*listed, rest]
