"""Growth is time-weighted: only trading causes it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget.api.records import ClosedTrade, Operation
from widget.data.growth import MAX_POINTS, Growth, calculate
from widget.data.ledger import opening_balance

START = datetime(2026, 11, 1, tzinfo=UTC)
ZERO = Decimal(0)


def trade(hours: float, profit: str | Decimal, swap: str = "0") -> ClosedTrade:
    """A trade closed so many hours after the start."""
    closed = START + timedelta(hours=hours)
    return ClosedTrade(
        ticket=1,
        symbol="EURUSD",
        command=0,
        volume=Decimal("0.1"),
        open_price=Decimal("1.1"),
        open_time=closed - timedelta(hours=1),
        close_price=Decimal("1.2"),
        close_time=closed,
        swap=Decimal(swap),
        profit=Decimal(profit),
    )


def paid(hours: float, amount: str) -> Operation:
    """A deposit, or a withdrawal where the amount is negative."""
    return Operation(START + timedelta(hours=hours), Decimal(amount))


def grown(balance: str, trades: list[ClosedTrade], operations: list[Operation]) -> Growth:
    """The growth since the start, from a present balance, of trades that are oldest first."""
    opening = opening_balance(Decimal(balance), trades, operations)
    return calculate(opening, trades[::-1], operations, START)


def test_a_hundred_won_on_a_thousand_is_ten_percent() -> None:
    assert grown("1100", [trade(1, "100")], []).gain == Decimal("0.1")


def test_swap_is_part_of_the_result_of_a_trade() -> None:
    assert grown("1090", [trade(1, "100", "-10")], []).gain == Decimal("0.09")


def test_a_deposit_is_no_gain_and_a_withdrawal_no_loss() -> None:
    alone = grown("1210", [trade(1, "100"), trade(20, "110")], [])
    between = grown("6050", [trade(1, "100"), trade(20, "550")], [paid(10, "4400")])
    taken = grown("605", [trade(1, "100"), trade(20, "55")], [paid(10, "-550")])
    assert alone.gain == between.gain == taken.gain == Decimal("0.21")
    assert grown("5000", [], [paid(10, "4000")]).gain == 0


def test_what_is_paid_in_at_the_instant_of_a_trade_was_there_before_it() -> None:
    assert grown("2200", [trade(1, "200")], [paid(1, "1000")]).gain == Decimal("0.1")


@pytest.mark.parametrize("amounts", [("-118.28", "119.43"), ("119.43", "-118.28")])
def test_operations_of_one_instant_count_together_in_whatever_order_they_are(
    amounts: tuple[str, str],
) -> None:
    # The account never had 119.43, of which 1.15 would be less than one percent.
    result = grown("1.16", [trade(1, "0.01")], [paid(1, amount) for amount in amounts])
    assert result.gain == pytest.approx(Decimal("0.01") / Decimal("1.15"))


def test_drawdown_is_the_greatest_fall_from_a_peak() -> None:
    # 1000 -> 1500 -> 1200 -> 1800 -> 1620: falls of 20% and of 10%.
    result = grown(
        "1620", [trade(1, "500"), trade(2, "-300"), trade(3, "600"), trade(4, "-180")], []
    )
    assert result.drawdown == Decimal("0.2")


def test_profit_factor_is_gross_profit_over_gross_loss() -> None:
    assert grown("1100", [trade(1, "150"), trade(2, "-50")], []).profit_factor == 3
    assert grown("1100", [trade(1, "150")], []).profit_factor is None


def test_won_trades_have_a_profit_above_zero() -> None:
    result = grown("1000", [trade(1, "10"), trade(2, "-10"), trade(3, "0"), trade(4, "5")], [])
    assert result.won_share == Decimal("0.5")


def test_an_account_that_never_traded_has_no_growth() -> None:
    result = grown("1000", [], [])
    assert (result.gain, result.drawdown, result.won_share, result.points) == (ZERO, ZERO, None, ())


def test_without_a_balance_there_is_no_gain() -> None:
    result = calculate(None, [trade(1, "100"), trade(2, "-50")], [], START)
    assert (result.gain, result.drawdown, result.points) == (None, None, ())
    assert result.profit_factor == 2


def test_a_lost_account_stays_at_minus_one() -> None:
    result = grown("500", [trade(1, "-1000"), trade(9, "0")], [paid(5, "500")])
    assert (result.gain, result.drawdown) == (Decimal(-1), Decimal(1))


def test_the_curve_begins_at_zero_when_the_period_begins() -> None:
    first = grown("1100", [trade(5, "100")], []).points[0]
    assert (first.time, first.gain) == (START, ZERO)


def test_a_return_on_almost_nothing_does_not_count() -> None:
    """It said +60,507.23%: five won on one cent that was left in the account."""
    result = grown(
        "2205.01",
        [trade(2, "100"), trade(4, "5"), trade(6, "200")],
        [paid(1, "1000"), paid(3, "-1099.99"), paid(5, "2000")],
    )
    # The second trade is no link of the chain: 1.1 x (2205.01 / 2005.01) - 1.
    assert result.gain == pytest.approx(Decimal("0.209725"), abs=Decimal("1e-6"))
    assert result.trades == 3


@pytest.mark.parametrize(("left", "counts"), [("10.00", True), ("9.99", False)])
def test_a_balance_counts_from_one_percent_of_the_highest_one_on(left: str, counts: bool) -> None:
    withdrawn = Decimal(left) - 1000
    result = grown("20", [trade(2, str(20 - Decimal(left)))], [paid(1, str(withdrawn))])
    assert (result.gain != 0) == counts


def test_the_highest_balance_may_be_that_at_the_beginning_of_the_period() -> None:
    fall = [trade(1, "-999"), trade(2, "1")]
    assert grown("2", fall, []).gain == Decimal("-0.999")


Movement = tuple[bool, int, int]
"""Whether it is a trade, its cents, and its hour."""


def order(movement: Movement) -> tuple[int, bool]:
    """By hour; at the same instant, deposits and withdrawals come before trades."""
    is_trade, _, hour = movement
    return hour, is_trade


def reference_gain(opening: int, movements: Sequence[Movement]) -> Fraction:
    """The gain of a period by the definition in the documentation, in exact fractions."""
    balance = highest = Fraction(opening, 100)
    growth = Fraction(1)
    for (_, is_trade), same_instant in groupby(movements, key=order):
        amounts = [Fraction(cents, 100) for _, cents, _ in same_instant]
        if not is_trade:
            amounts = [sum(amounts, Fraction(0))]
        for amount in amounts:
            is_link = balance > 0 and balance >= highest / 100
            if is_trade and is_link:
                growth *= max(Fraction(0), (balance + amount) / balance)
            balance += amount
            highest = max(highest, balance)
    return growth - 1


@given(
    st.integers(-1000, 200_000),
    st.lists(
        st.tuples(st.booleans(), st.integers(-150_000, 150_000), st.integers(0, 6)), max_size=12
    ),
    st.randoms(use_true_random=False),
)
def test_the_gain_is_that_of_the_definition(
    opening: int, movements: list[Movement], random: Random
) -> None:
    movements.sort(key=order)
    trades = [trade(hour, Decimal(cents) / 100) for is_trade, cents, hour in movements if is_trade]
    operations = [
        paid(hour, str(Decimal(cents) / 100)) for is_trade, cents, hour in movements if not is_trade
    ]
    random.shuffle(operations)
    result = calculate(Decimal(opening) / 100, trades[::-1], operations, START)
    expected = reference_gain(opening, movements)
    assert result.gain is not None
    assert float(result.gain) == pytest.approx(float(expected), rel=1e-12, abs=1e-12)


PROFITS = st.lists(st.decimals(-50, 60, places=2), min_size=1, max_size=30)


@given(PROFITS, st.lists(st.tuples(st.integers(0, 60), st.integers(1, 5000)), max_size=4))
def test_the_gain_is_the_product_of_the_trades_returns_whatever_is_deposited(
    profits: list[Decimal], deposits: list[tuple[int, int]]
) -> None:
    trades = [trade(k * 2, profit) for k, profit in enumerate(profits)]
    operations = [paid(2 * hour + 1, str(amount)) for hour, amount in deposits]
    expected, base = Decimal(1), Decimal(5000)
    for k, profit in enumerate(profits):
        base_now = base + sum(Decimal(amount) for hour, amount in deposits if 2 * hour + 1 < 2 * k)
        expected *= (base_now + profit) / base_now
        base += profit
    result = calculate(Decimal(5000), trades[::-1], operations, START)
    assert result.gain == pytest.approx(expected - 1, abs=Decimal("1e-18"))
    assert result.drawdown is not None
    assert 0 <= result.drawdown < 1


@given(st.randoms(use_true_random=False), st.integers(MAX_POINTS, MAX_POINTS * 3))
def test_a_thinned_curve_keeps_its_ends_its_highest_and_its_lowest(
    random: Random, count: int
) -> None:
    profits = [Decimal(random.randint(-2000, 2000)) / 100 for _ in range(count)]
    trades = [trade(k / 10, profit) for k, profit in enumerate(profits)]
    full, base = [Decimal(0)], Decimal(100_000)
    factor = Decimal(1)
    for profit in profits:
        factor *= (base + profit) / base
        base += profit
        full.append(factor - 1)
    points = calculate(Decimal(100_000), trades[::-1], [], START).points
    gains = [point.gain for point in points]
    assert len(points) <= MAX_POINTS
    assert (gains[0], gains[-1]) == (full[0], full[-1])
    assert (min(gains), max(gains)) == (min(full), max(full))
    assert [point.time for point in points] == sorted(point.time for point in points)
