"""Sums over trades."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from widget.api.records import OpenTrade
from widget.data import totals

MOMENT = datetime(2026, 11, 20, 9, tzinfo=UTC)


def order(
    command: int,
    volume: str = "1",
    price: str = "1.10000",
    profit: str | None = "5",
    symbol: str = "EURUSD",
) -> OpenTrade:
    """An open trade: 0 buy, 1 sell, 2 to 5 pending."""
    return OpenTrade(
        ticket=1,
        symbol=symbol,
        command=command,
        volume=Decimal(volume),
        open_price=Decimal(price),
        open_time=MOMENT,
        swap=Decimal("-0.5"),
        profit=None if profit is None else Decimal(profit),
    )


def test_pending_orders_do_not_count_in_totals() -> None:
    summed = totals.position_totals([order(0), order(1), order(2), order(5)])
    assert summed == {"count": 2, "volume": 2, "swap": -1, "commission": None, "profit": 10}


def test_an_unknown_profit_is_unknown_in_the_sum_only_where_none_is_known() -> None:
    assert totals.position_totals([order(0, profit=None)])["profit"] is None
    assert totals.position_totals([order(0, profit=None), order(0)])["profit"] == 5
    assert totals.position_totals([])["profit"] == 0


def test_a_group_averages_prices_by_volume_on_each_side() -> None:
    [group] = totals.group_by_symbol(
        [order(0, "1", "1.10000"), order(0, "3", "1.20000"), order(1, "2", "1.30000"), order(2)]
    )
    assert group == {
        "symbol": "EURUSD",
        "orders": 3,
        "buy_volume": 4,
        "sell_volume": 2,
        "buy_price": Decimal("1.17500"),
        "sell_price": Decimal("1.30000"),
        "swap": Decimal("-1.5"),
        "commission": None,
        "profit": 15,
    }


FIGURE = st.none() | st.decimals(-100, 100, places=2)


@given(st.lists(st.tuples(FIGURE, FIGURE, FIGURE), max_size=10))
def test_a_result_is_profit_swap_and_commission_whichever_of_them_the_api_sends(
    figures: list[tuple[Decimal | None, Decimal | None, Decimal | None]],
) -> None:
    trades = [
        order(0)._replace(profit=profit, swap=swap, commission=commission)
        for profit, swap, commission in figures
    ]
    known = [figure for trade in figures for figure in trade if figure is not None]
    assert totals.total_result(trades) == sum(known)
    commissions = [trade.commission for trade in trades if trade.commission is not None]
    total = totals.position_totals(trades)["commission"]
    if trades and not commissions:
        assert total is None
    else:
        assert total == sum(commissions)


def test_an_average_has_the_decimals_of_its_prices() -> None:
    assert (
        str(totals.average_price([order(0, "1", "149.871"), order(0, "2", "150.000")])) == "149.957"
    )


def test_prices_that_are_far_apart_have_an_average() -> None:
    assert totals.average_price([order(0, "1", "1e17"), order(0, "1", "1e-30")]) == Decimal("5e16")


@given(
    st.lists(
        st.tuples(st.decimals("0.01", 50, places=2), st.decimals("0.5", 2, places=5)),
        min_size=1,
        max_size=20,
    )
)
def test_an_average_lies_between_the_lowest_and_the_highest_price(
    orders: list[tuple[Decimal, Decimal]],
) -> None:
    mean = totals.average_price([order(0, str(volume), str(price)) for volume, price in orders])
    assert mean is not None
    assert min(price for _, price in orders) <= mean <= max(price for _, price in orders)


def test_days_are_days_of_the_zone() -> None:
    late = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert totals.sum_by_day([(late, Decimal(1))], ZoneInfo("Europe/Paris")) == [
        (date(2026, 11, 21), Decimal(1))
    ]
    assert totals.sum_by_day([(late, Decimal(1))], ZoneInfo("America/New_York")) == [
        (date(2026, 11, 20), Decimal(1))
    ]


@given(st.lists(st.tuples(st.integers(0, 10**7), st.decimals(0, 100, places=2)), max_size=30))
def test_the_days_add_up_to_the_total(parts: list[tuple[int, Decimal]]) -> None:
    days = totals.sum_by_day(
        [(MOMENT + timedelta(seconds=s), lots) for s, lots in parts], ZoneInfo("Asia/Kolkata")
    )
    assert sum(lots for _, lots in days) == sum(lots for _, lots in parts)
    assert days == sorted(days)
