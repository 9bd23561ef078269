"""Clocks of APIs: times in the future, and the zone to suggest."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget.api import clocks
from widget.api.records import History, Login, Operation
from widget.config import Api

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOURS_AHEAD = (1, 2, 3, 3.5, 4, 5.5, 8, 9.5, 13, 14)


def logins(lead: timedelta) -> tuple[Login, ...]:
    """Logins of which the newest is so far in the future."""
    return (Login(NOW - timedelta(days=1)), Login(NOW + lead))


@given(
    hours=st.sampled_from(HOURS_AHEAD),
    age=st.integers(0, 25),
    error=st.integers(-110, 110),
)
def test_the_offset_of_a_clock_is_found_from_a_time_that_is_hardly_older(
    hours: float, age: int, error: int
) -> None:
    sent = timedelta(hours=hours) - timedelta(minutes=age) + timedelta(seconds=error)
    lead = clocks.lead_of(logins(sent), NOW.timestamp())
    whole, half = divmod(int(hours * 2), 2)
    expected = f"+{whole:02}:{30 * half:02}"
    assert clocks.matching_offset(Api(), lead, NOW.timestamp()) == expected


@pytest.mark.parametrize(
    ("zone", "lead", "offset"),
    [
        ("UTC", timedelta(hours=1, minutes=30), "+02:00"),
        ("UTC", timedelta(hours=2, minutes=30), "+03:00"),
        ("Europe/Paris", timedelta(hours=2), "+03:00"),
        ("America/New_York", timedelta(hours=3), "-02:00"),
        ("-05:00", timedelta(hours=8), "+03:00"),
        ("UTC", timedelta(hours=15), None),
        ("UTC", timedelta(days=400), None),
    ],
)
def test_the_suggestion_begins_with_the_configured_zone(
    zone: str, lead: timedelta, offset: str | None
) -> None:
    api = Api.model_validate({"timezone": zone})
    assert clocks.matching_offset(api, lead, NOW.timestamp()) == offset
    text = clocks.describe_lead(api, lead, NOW.timestamp())
    assert "api.timezone" in text
    assert (offset is None) == ("this machine's clock" in text)


@pytest.mark.parametrize("minutes", [-600, 0, 4])
def test_a_clock_may_be_a_little_wrong(minutes: int) -> None:
    lead = clocks.lead_of(logins(timedelta(minutes=minutes)), NOW.timestamp())
    assert lead == timedelta(0)


def test_the_most_recent_of_all_times_counts() -> None:
    operation = Operation(NOW + timedelta(hours=1), Decimal(1))
    assert clocks.latest_time(History((), (operation,))) == operation.time
    assert clocks.latest_time(History()) is None
    assert clocks.latest_time(Decimal(1)) is None
