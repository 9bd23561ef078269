"""A hidden figure is hidden everywhere, with everything that would reveal it."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from widget import names, privacy

NAMES = sorted(names.FIGURES)
AMOUNTS = st.dictionaries(
    st.sampled_from(sorted(names.MONEY)), st.none() | st.decimals(-1000, 1000, places=2)
)
DATA = st.recursive(
    AMOUNTS,
    lambda inner: st.builds(
        lambda rest, amounts: {**rest, **amounts},
        st.dictionaries(
            st.sampled_from(sorted(names.FIGURES - names.MONEY)),
            st.one_of(
                st.lists(inner, max_size=3), inner, st.integers(), st.decimals(0, 10, places=2)
            ),
            max_size=3,
        ),
        AMOUNTS,
    ),
    max_leaves=8,
)


def named_values(data: Any) -> list[tuple[str, Any]]:
    """Every name with its value, at any depth."""
    if isinstance(data, dict):
        return [*data.items(), *(pair for value in data.values() for pair in named_values(value))]
    if isinstance(data, list):
        return [pair for value in data for pair in named_values(value)]
    return []


@given(DATA, st.sets(st.sampled_from(NAMES)))
def test_a_hidden_figure_is_nowhere_in_the_data_and_nothing_else_is_touched(
    data: Any, hidden: set[str]
) -> None:
    result = privacy.hide(data, hidden)
    assert all(value is None for name, value in named_values(result) if name in hidden)
    assert privacy.hide(data, set()) == data


@given(st.sets(st.sampled_from(NAMES)))
def test_no_sum_leaves_exactly_one_of_its_figures_to_be_calculated(hidden: set[str]) -> None:
    result = privacy.expand_hidden(hidden)
    assert result >= hidden
    for total in privacy.SUMS:
        assert sum(name in result for name in total) != 1


def test_a_floating_profit_does_not_reveal_a_commission_or_a_swap() -> None:
    """It is their sum with the profits. Most accounts pay no commission, so that hiding both swap
    and commission must hide it too.
    """
    for hidden in ({"commission"}, {"swap"}, {"swap", "commission"}):
        assert {privacy.FLOATING_PROFIT, "equity"} <= privacy.expand_hidden(hidden)
    data = {"balance": Decimal(1), "profit": Decimal(2), "commission": None}
    assert privacy.hide(data, privacy.expand_hidden({"commission"}))["profit"] is None


def test_the_total_of_the_lots_goes_with_the_volumes() -> None:
    assert {
        "lots",
        "total_lots",
        "open_lots",
        "buy_volume",
        "sell_volume",
        "lots_closed",
        "lots_required",
    } <= (privacy.expand_hidden({"volume"}))


def test_profit_cannot_be_calculated_from_equity_and_balance() -> None:
    assert "equity" in privacy.expand_hidden({"profit"})


def test_without_hidden_figures_nothing_is_hidden() -> None:
    assert privacy.expand_hidden(()) == frozenset()


def test_hiding_a_ticket_hides_nothing_else() -> None:
    assert privacy.expand_hidden({"ticket"}) == {"ticket"}


@given(DATA, st.decimals("0.01", 1_000_000, places=2))
def test_as_fractions_no_amount_is_left_as_money(data: Any, balance: Decimal) -> None:
    before, after = named_values(data), named_values(privacy.as_fractions(data, balance))
    assert [name for name, _ in before] == [name for name, _ in after]
    for (name, old), (_, new) in zip(before, after, strict=True):
        if name in ("balance", "equity"):
            assert new is None
        elif name in names.MONEY and isinstance(old, Decimal):
            assert new == old / balance


def test_without_a_balance_there_are_no_fractions() -> None:
    for balance in (None, Decimal(0), Decimal(-5)):
        assert privacy.as_fractions({"profit": Decimal(10), "volume": Decimal(1)}, balance) == {
            "profit": None,
            "volume": Decimal(1),
        }
