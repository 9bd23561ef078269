"""Histories of closed trades for property tests, and slow calculations to compare with."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from widget.api.records import ClosedTrade

START = datetime(2025, 12, 1, tzinfo=UTC)
ZONES = st.sampled_from(
    ["UTC", "Europe/Paris", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "America/Havana"]
).map(ZoneInfo)
"""Zones with and without daylight saving time, on both sides of the date line."""
CENTS = st.none() | st.integers(-9_999, 9_999).map(lambda cents: Decimal(cents) / 100)


@st.composite
def trades(draw: st.DrawFn) -> ClosedTrade:
    """A trade closed in a year and a half, in a few hours of a few days."""
    day = draw(st.integers(0, 500))
    minute = draw(st.sampled_from([0, 59, 61, 300, 301, 720, 1379, 1439]))
    closed = START + timedelta(days=day, minutes=minute)
    duration = draw(st.none() | st.integers(0, 10**6))
    return ClosedTrade(
        ticket=draw(st.integers(1, 999)),
        symbol=draw(st.sampled_from(["EURUSD", "GBPUSD", "USDJPY", "XAUUSD"])),
        command=draw(st.integers(0, 1)),
        volume=Decimal(draw(st.integers(1, 500))) / 100,
        open_price=Decimal("1.1"),
        open_time=None if duration is None else closed - timedelta(seconds=duration),
        close_price=Decimal("1.2"),
        close_time=closed,
        swap=draw(CENTS),
        commission=draw(CENTS),
        profit=draw(CENTS),
    )


def newest_first(found: Sequence[ClosedTrade]) -> tuple[ClosedTrade, ...]:
    """The trades in the order in which they are cached."""
    in_order = sorted(found, key=lambda trade: (trade.close_time, trade.ticket, result_of(trade)))
    return tuple(reversed(in_order))


HISTORIES = st.lists(trades(), max_size=25).map(newest_first)


def result_of(trade: ClosedTrade) -> Fraction:
    """Profit, swap and commission of a trade; missing parts count as 0."""
    parts = (trade.profit, trade.swap, trade.commission)
    return sum((Fraction(part) for part in parts if part is not None), Fraction(0))


def is_close(found: Decimal | None, expected: Fraction | None) -> bool:
    """Whether a figure is the expected one within the precision of Decimal."""
    if found is None or expected is None:
        return found is None and expected is None
    size = max(Fraction(1), abs(expected))
    return abs(Fraction(found) - expected) <= size / 10**18
