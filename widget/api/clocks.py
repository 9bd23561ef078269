"""The clock of an API, which is often not UTC: periods to request, and a zone to suggest.

An API that sends times without a zone sends those of the broker's clock, which may be hours ahead
of UTC. Until ``api.timezone`` names the right zone, its newest times lie in the future.
"""

from datetime import UTC, datetime, timedelta
from math import ceil

from widget.api.records import History, OpenTrade, Result
from widget.config import Api

PERIOD_MARGIN = timedelta(hours=15)
"""How far ahead a period that ends now is requested. Clocks are up to 14 hours ahead of UTC."""

FUTURE_TOLERANCE = timedelta(minutes=5)
"""A time that is so little ahead comes from a clock that is not quite right."""

CLOCK_ERROR = timedelta(minutes=2)
"""By how much clocks of servers differ that are in the same zone."""

HOUR = timedelta(hours=1)
HALF_HOUR = timedelta(minutes=30)
LARGEST_OFFSET = 14 * HOUR
LARGEST_LEAD = 26 * HOUR
"""Between the zones that are furthest apart, from UTC-12 to UTC+14."""

OFFSETS_WITH_HALF_HOURS = (3.5, 4.5, 5.5, 6.5, 9.5, 10.5)
"""The offsets of zones ahead of UTC, in hours, that are no whole hours."""


def requested_period(
    api: Api,
    start: datetime | None,
    end: datetime | None,
    now: float,
) -> dict[str, int]:
    """``from`` and ``to`` of a request, in seconds of the API's clock.

    Args:
        api: whose clock.
        start: the beginning of the period; None for the whole history.
        end: its end; None for a period that ends now, which has no upper bound.
        now: Unix seconds.
    """
    first_second = 0
    if start is not None:
        first_second = max(0, int(seconds_of_clock(api, start)))
    if end is None:
        end = datetime.fromtimestamp(now, UTC) + PERIOD_MARGIN
    # Rounded up, so that a trade of the last second is included.
    return {"from": first_second, "to": ceil(seconds_of_clock(api, end))}


def seconds_of_clock(api: Api, moment: datetime) -> float:
    """A moment as a number, as the API counts them."""
    if api.unix_times == "utc":
        return moment.timestamp()
    local = moment.astimezone(api.timezone)
    # The API treats the local time as if it were UTC.
    return local.replace(tzinfo=UTC).timestamp()


def latest_time(result: Result) -> datetime | None:
    """The most recent time in the result of a function; None if it has no times."""
    times: list[datetime] = []
    if isinstance(result, History):
        times += [trade.close_time for trade in result.trades]
        times += [operation.time for operation in result.operations]
    elif isinstance(result, tuple):
        for record in result:
            if not isinstance(record, OpenTrade):
                times.append(record.time)
            elif record.open_time is not None:
                times.append(record.open_time)
    return max(times, default=None)


def lead_of(result: Result, now: float) -> timedelta:
    """How far the most recent time lies in the future; 0 if it does not."""
    latest = latest_time(result)
    if latest is None:
        return timedelta(0)
    lead = latest - datetime.fromtimestamp(now, UTC)
    if lead <= FUTURE_TOLERANCE:
        return timedelta(0)
    return lead


def describe_lead(api: Api, lead: timedelta, now: float) -> str:
    """That times lie in the future, and which key to set.

    Args:
        api: which API.
        lead: how far its most recent time lies in the future.
        now: Unix seconds.
    """
    hours, minutes = hours_and_minutes(lead)
    text = f"its newest times are {hours} h {minutes} min in the future"
    offset = matching_offset(api, lead, now)
    if offset is None:
        return f"{text}, more than time zones differ; check this machine's clock and api.timezone"
    text += f': api.timezone does not match its clock; set api.timezone = "{offset}"'
    if api.unix_times == "utc":
        text += ' (and api.unix_times = "local" if it sends times as numbers)'
    return text


def matching_offset(api: Api, lead: timedelta, now: float) -> str | None:
    """The offset of the API's clock, such as ``+03:00``; None if no clock has it.

    It is a guess: the most recent time is a little older than the moment at which it was sent.
    """
    if lead > LARGEST_LEAD:
        return None
    present = datetime.fromtimestamp(now, api.timezone).utcoffset()
    assert present is not None
    least = present + lead - CLOCK_ERROR
    # The smallest offset that explains the lead.
    offset = ceil(least / HALF_HOUR) * HALF_HOUR
    is_whole_hour = offset % HOUR == timedelta(0)
    if not is_whole_hour and offset / HOUR not in OFFSETS_WITH_HALF_HOURS:
        offset += HALF_HOUR
    if offset > LARGEST_OFFSET:
        return None
    sign = "+"
    if offset < timedelta(0):
        sign = "-"
    hours, minutes = hours_and_minutes(abs(offset))
    return f"{sign}{hours:02}:{minutes:02}"


def hours_and_minutes(length: timedelta) -> tuple[int, int]:
    """A length of time in whole hours and the whole minutes beyond them."""
    minutes = length // timedelta(minutes=1)
    return divmod(minutes, 60)
