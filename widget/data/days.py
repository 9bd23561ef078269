"""Days and months of a time zone, and what happened in each of them."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAYS_OF_WEEK = 7
MONTHS_OF_YEAR = 12


class Part(NamedTuple):
    """A day or a month, and the places of its times in a list.

    Attributes:
        first_day: the day, or the first day of the month.
        begin: the place of its first time.
        end: the place after its last time.
    """

    first_day: date
    begin: int
    end: int

    @property
    def length(self) -> int:
        """The number of its times."""
        return self.end - self.begin


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The beginning of a day in a time zone, as an instant in UTC."""
    local = datetime.combine(day, time(), zone)
    return local.astimezone(UTC)


def first_of_month(day: date) -> date:
    """The first day of the month of a day."""
    return day.replace(day=1)


def next_day(day: date) -> date:
    """The day after a day."""
    return day + timedelta(days=1)


def next_month(day: date) -> date:
    """The first day of the month after that of a day."""
    # From the first day of any month, 31 days later is the next month.
    in_next_month = first_of_month(day) + timedelta(days=31)
    return first_of_month(in_next_month)


def split_by_day(times: Sequence[datetime], zone: ZoneInfo) -> list[Part]:
    """The days of a time zone on which there are times.

    Args:
        times: instants, oldest first.
        zone: the time zone whose midnights are the limits of the days.
    """

    def same_day(day: date) -> date:
        return day

    return split(times, zone, first_day_of=same_day, following=next_day)


def split_by_month(times: Sequence[datetime], zone: ZoneInfo) -> list[Part]:
    """The months of a time zone in which there are times, see ``split_by_day``."""
    return split(times, zone, first_day_of=first_of_month, following=next_month)


def split(
    times: Sequence[datetime],
    zone: ZoneInfo,
    *,
    first_day_of: Callable[[date], date],
    following: Callable[[date], date],
) -> list[Part]:
    """The parts of the calendar in which there are times.

    Args:
        times: instants, oldest first.
        zone: the time zone of the calendar.
        first_day_of: the first day of the part that a day belongs to.
        following: the first day of the part after it.
    """
    found = []
    begin = 0
    while begin < len(times):
        # One conversion for each part, since converting every time would take ten times as long.
        local = times[begin].astimezone(zone)
        first_day = first_day_of(local.date())
        limit = midnight(following(first_day), zone)
        end = bisect_left(times, limit, lo=begin)
        # At least one, also in the minute that occurs twice where clocks go back past midnight.
        end = max(end, begin + 1)
        part = Part(first_day, begin, end)
        found.append(part)
        begin = end
    return found
