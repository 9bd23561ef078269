"""Gains by month, year and day are parts of the gain of the period."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random
from zoneinfo import ZoneInfo

from histories import HISTORIES, START, ZONES, is_close, newest_first, result_of, trades
from hypothesis import given
from hypothesis import strategies as st

from widget.api.records import ClosedTrade, Operation
from widget.data import growth, returns
from widget.data.days import split_by_day, split_by_month
from widget.data.ledger import Ledger, opening_balance

UTC_ZONE = ZoneInfo("UTC")
LAST_DAY = date(2027, 6, 15)
OPENING = Decimal(1000)
OPERATIONS = st.lists(
    st.builds(
        lambda hours, cents: Operation(START + timedelta(hours=hours), Decimal(cents) / 100),
        st.integers(0, 12_000),
        st.integers(-200_000, 500_000),
    ),
    max_size=4,
)


def ledger(
    history: tuple[ClosedTrade, ...], operations: list[Operation], opening: Decimal = OPENING
) -> Ledger:
    """A ledger with a known opening balance."""
    return Ledger(opening, history, tuple(operations))


def reference(
    history: tuple[ClosedTrade, ...],
    operations: list[Operation],
    zone: ZoneInfo,
    length: int,
) -> dict[str, Fraction]:
    """The growth of each year (4 letters), month (7) or day (10), trade by trade in fractions."""
    events = [(each.time, 0, Fraction(each.amount)) for each in operations]
    events += [(trade.close_time, 1, result_of(trade)) for trade in reversed(history)]
    events.sort(key=lambda event: event[:2])
    balance = highest = Fraction(OPENING)
    factors: dict[str, Fraction] = {}
    for time, is_trade, amount in events:
        if is_trade:
            key = time.astimezone(zone).date().isoformat()[:length]
            factors.setdefault(key, Fraction(1))
            if balance > 0 and balance >= highest / 100:
                factors[key] *= max(Fraction(0), (balance + amount) / balance)
        balance += amount
        highest = max(highest, balance)
    return factors


@given(HISTORIES, OPERATIONS, ZONES)
def test_months_and_years_have_the_gains_of_their_trades(
    history: tuple[ClosedTrade, ...], operations: list[Operation], zone: ZoneInfo
) -> None:
    found = returns.calculate_years(ledger(history, operations), zone, LAST_DAY)
    months = reference(history, operations, zone, 7)
    years = reference(history, operations, zone, 4)
    first = min(months, default="9999")
    for year in found.years:
        assert is_close(year.gain, years.get(str(year.year), Fraction(1)) - 1)
        for number, gain in enumerate(year.months, 1):
            month = f"{year.year}-{number:02}"
            if first <= month <= LAST_DAY.isoformat()[:7]:
                assert is_close(gain, months.get(month, Fraction(1)) - 1), month
            else:
                assert gain is None, month
    numbers = [year.year for year in found.years]
    expected = range(LAST_DAY.year, int(first[:4]) - 1, -1) if history else []
    assert numbers == list(expected)


@given(HISTORIES, OPERATIONS, ZONES)
def test_months_chain_to_years_and_years_to_the_gain_of_growth(
    history: tuple[ClosedTrade, ...], operations: list[Operation], zone: ZoneInfo
) -> None:
    whole = ledger(history, operations)
    found = returns.calculate_years(whole, zone, LAST_DAY)
    total = Fraction(1)
    for year in found.years:
        product = Fraction(1)
        for gain in year.months:
            if gain is not None:
                product *= 1 + Fraction(gain)
        assert is_close(year.gain, product - 1)
        total *= product
    assert is_close(found.gain, total - 1)
    curve = growth.calculate(whole.opening, whole.trades, whole.operations, None)
    assert curve.gain is not None
    assert is_close(found.gain, Fraction(curve.gain))


@given(HISTORIES, OPERATIONS, ZONES)
def test_days_have_the_results_and_gains_of_their_trades(
    history: tuple[ClosedTrade, ...], operations: list[Operation], zone: ZoneInfo
) -> None:
    found = returns.calculate_month(ledger(history, operations), zone)
    factors = reference(history, operations, zone, 10)
    sums: dict[date, Fraction] = {}
    for trade in history:
        closing_day = trade.close_time.astimezone(zone).date()
        sums[closing_day] = sums.get(closing_day, Fraction(0)) + result_of(trade)
    assert [day.date for day in found.days] == sorted(sums)
    for each in found.days:
        assert is_close(each.result, sums[each.date])
        assert is_close(each.gain, factors[each.date.isoformat()] - 1)
    assert sum(day.trades for day in found.days) == found.trades == len(history)
    assert is_close(found.result, sum(sums.values(), Fraction(0)))
    assert found.won_days == sum(result > 0 for result in sums.values())
    assert found.lost_days == sum(result < 0 for result in sums.values())


@given(st.lists(trades(), max_size=12), OPERATIONS, st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(
    found: list[ClosedTrade], operations: list[Operation], random: Random
) -> None:
    before = returns.calculate_years(ledger(newest_first(found), operations), UTC_ZONE, LAST_DAY)
    random.shuffle(found)
    random.shuffle(operations)
    after = returns.calculate_years(ledger(newest_first(found), operations), UTC_ZONE, LAST_DAY)
    assert after == before


@given(HISTORIES)
def test_a_time_zone_moves_trades_between_months_and_changes_no_total(
    history: tuple[ClosedTrade, ...],
) -> None:
    here = returns.calculate_years(ledger(history, []), UTC_ZONE, LAST_DAY)
    there = returns.calculate_years(ledger(history, []), ZoneInfo("Pacific/Apia"), LAST_DAY)
    assert here.gain is not None
    assert is_close(there.gain, Fraction(here.gain))


def closed(moment: datetime, profit: str) -> ClosedTrade:
    """A trade with this profit."""
    return ClosedTrade(
        ticket=1, symbol="EURUSD", command=0, volume=Decimal(1), open_price=Decimal(1),
        open_time=moment, close_price=Decimal(1), close_time=moment, profit=Decimal(profit),
    )  # fmt: skip


def test_a_deposit_of_any_size_changes_no_gain() -> None:
    """Each trade wins or loses the same share of the balance before it."""
    days = [datetime(2026, month, 10, tzinfo=UTC) for month in (1, 2, 4)]
    paid = Operation(datetime(2026, 3, 1, tzinfo=UTC), Decimal(8790))
    alone = (closed(days[2], "121"), closed(days[1], "110"), closed(days[0], "100"))
    with_deposit = (closed(days[2], "1000"), *alone[1:])
    before = returns.calculate_years(ledger(alone, []), UTC_ZONE, LAST_DAY)
    after = returns.calculate_years(ledger(with_deposit, [paid]), UTC_ZONE, LAST_DAY)
    assert before == after
    assert before.years[-1].months[:5] == (
        Decimal("0.1"), Decimal("0.1"), Decimal(0), Decimal("0.1"), Decimal(0),
    )  # fmt: skip


def test_a_trade_that_seems_to_be_closed_after_the_period_is_part_of_the_chain() -> None:
    late = (closed(datetime(2026, 12, 1, 1, tzinfo=UTC), "100"),)
    found = returns.calculate_years(ledger(late, []), UTC_ZONE, date(2026, 11, 30))
    assert found.gain == Decimal("0.1")
    assert found.years[0].months[10:] == (None, Decimal("0.1"))


def test_without_trades_there_are_no_years_and_without_a_balance_no_gain() -> None:
    assert returns.calculate_years(ledger((), []), UTC_ZONE, LAST_DAY) == returns.Returns(
        Decimal(0), ()
    )
    history = (closed(START, "1"),)
    unknown = Ledger(None, history, ())
    assert returns.calculate_years(unknown, UTC_ZONE, LAST_DAY) == returns.Returns(None, ())
    month = returns.calculate_month(unknown, UTC_ZONE)
    assert (month.gain, month.days[0].gain, month.result) == (None, None, Decimal(1))


TIMES = st.lists(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(  # noqa: DTZ001
        lambda moment: moment.replace(tzinfo=UTC)
    ),
    max_size=40,
).map(sorted)


@given(TIMES, ZONES)
def test_days_and_months_are_those_of_the_clocks_of_the_zone(
    times: list[datetime], zone: ZoneInfo
) -> None:
    for split, length in ((split_by_day, 10), (split_by_month, 7)):
        found = {
            part.first_day.isoformat()[:length]: times[part.begin : part.end]
            for part in split(times, zone)
        }
        expected: dict[str, list[datetime]] = {}
        for moment in times:
            local = moment.astimezone(zone).isoformat()[:length]
            expected.setdefault(local, []).append(moment)
        assert found == expected


def test_a_balance_that_was_calculated_backwards_gives_the_same_gains() -> None:
    history = (closed(START + timedelta(days=40), "110"), closed(START, "100"))
    opening = opening_balance(Decimal(1210), history, ())
    found = returns.calculate_years(ledger(history, [], opening), UTC_ZONE, LAST_DAY)
    assert found.gain == Decimal("0.21")
