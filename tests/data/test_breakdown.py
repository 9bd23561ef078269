"""Groups of trades add up to all of them."""

from decimal import Decimal
from fractions import Fraction
from random import Random
from zoneinfo import ZoneInfo

import pytest
from histories import HISTORIES, ZONES, is_close, newest_first, result_of, trades
from hypothesis import given
from hypothesis import strategies as st

from widget.api.records import ClosedTrade
from widget.data.breakdown import KEYS, Group, calculate, limit_groups

UTC_ZONE = ZoneInfo("UTC")
BY = st.sampled_from(sorted(KEYS))


def key_of(trade: ClosedTrade, by: str, zone: ZoneInfo) -> str | int:
    """The key of a trade by its definition."""
    local = trade.close_time.astimezone(zone)
    if by == "symbol":
        return trade.symbol
    if by == "side":
        return "sell" if trade.command == 1 else "buy"
    return int(local.strftime("%u")) if by == "weekday" else int(local.strftime("%H"))


@given(HISTORIES, BY, ZONES)
def test_groups_have_the_figures_of_their_trades(
    history: tuple[ClosedTrade, ...], by: str, zone: ZoneInfo
) -> None:
    found = calculate(history, by, zone)
    assert {group.key for group in found} == {key_of(trade, by, zone) for trade in history}
    for group in found:
        members = [trade for trade in history if key_of(trade, by, zone) == group.key]
        won = sum(1 for trade in members if trade.profit is not None and trade.profit > 0)
        assert (group.trades, group.won) == (len(members), won)
        assert is_close(group.won_share, Fraction(won, len(members)))
        assert is_close(group.volume, sum((Fraction(each.volume) for each in members), Fraction(0)))
        assert is_close(group.result, sum(map(result_of, members), Fraction(0)))


@given(HISTORIES, st.integers(1, 5))
def test_limited_groups_add_up_to_the_total(history: tuple[ClosedTrade, ...], rows: int) -> None:
    groups = calculate(history, "symbol", UTC_ZONE)
    found = limit_groups(groups, rows)
    assert len(found) == min(len(groups), rows + 1)
    assert [group.key for group in found[:rows]] == [group.key for group in groups[:rows]]
    assert all(group.key is None for group in found[rows:])
    assert sum(group.trades for group in found) == len(history)
    total = sum(map(result_of, history), Fraction(0))
    assert sum((Fraction(group.result) for group in found), Fraction(0)) == total


@given(HISTORIES, BY)
def test_groups_are_in_their_order(history: tuple[ClosedTrade, ...], by: str) -> None:
    found = calculate(history, by, UTC_ZONE)
    order = [(-group.trades * (by == "symbol"), group.key) for group in found]
    assert order == sorted(order)


@given(st.lists(trades(), max_size=12), BY, st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(
    found: list[ClosedTrade], by: str, random: Random
) -> None:
    before = calculate(newest_first(found), by, UTC_ZONE)
    random.shuffle(found)
    assert calculate(found, by, UTC_ZONE) == before


@given(HISTORIES, ZONES, st.sampled_from(["symbol", "side"]))
def test_a_time_zone_changes_neither_symbols_nor_sides(
    history: tuple[ClosedTrade, ...], zone: ZoneInfo, by: str
) -> None:
    assert calculate(history, by, zone) == calculate(history, by, UTC_ZONE)


@pytest.mark.parametrize("count", [0, 2])
def test_few_groups_stay_as_they_are(count: int) -> None:
    groups = [Group("EURUSD", 1, 0, Decimal(0), Decimal(1), Decimal(1))] * count
    assert limit_groups(groups, 2) == groups
