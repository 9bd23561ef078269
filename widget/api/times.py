"""The ways in which APIs write times."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from widget.api.values import parse_number

# How older .NET services write times.
DOTNET_DATE = re.compile(r"/Date\((-?\d{1,15})([+-]\d{4})?\)/", re.ASCII)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_OF_CLOCKS = EPOCH.replace(tzinfo=None)
"""What a clock in any zone shows when Unix time begins there."""

NO_TIME = timedelta()
DAY = timedelta(days=1)
MAX_SECONDS_DIGITS = 11
MILLISECONDS_FROM = 10**MAX_SECONDS_DIGITS
"""From this number on a time is in milliseconds: in seconds it would be in the year 5138."""

# An instant outside of these cannot be meant.
FIRST = EPOCH + DAY
LAST = datetime(2199, 12, 31, tzinfo=UTC)

# What APIs write where they have no date. The first is MySQL's, the second .NET's.
NO_DATE = ("0000-00-00", "0001-01-01")
YEAR_1 = timedelta(days=-719_162)
"""From 1970 back to the year 1."""


@dataclass(frozen=True, slots=True)
class TimeRules:
    """How an API writes times that do not say what they mean.

    Attributes:
        zone: the zone of times that have none.
        unix_times_are_local: whether numbers count the seconds of a clock in this zone, and not
            those of UTC.
    """

    zone: tzinfo
    unix_times_are_local: bool = False

    def parse(self, text: str) -> datetime | None:
        """An instant in UTC; None if the text says that there is no date.

        Raises:
            ValueError: the text is not a time.
        """
        try:
            if text[4:5] == "-":
                return self._parse_iso(text)
            return self._parse_other(text)
        except (ValueError, OverflowError) as error:
            if text.startswith(NO_DATE):
                return None
            raise ValueError from error

    def parse_all(self, texts: Sequence[str]) -> list[datetime]:
        """The same as ``parse`` for many texts at once, if all are ISO 8601 times without a zone.

        Raises:
            ValueError, TypeError: one of them is not.
        """
        if {text[4:5] for text in texts} != {"-"}:
            raise ValueError
        moments = [datetime.fromisoformat(text) for text in texts]
        offset_at = self.zone.utcoffset
        # A time with a zone cannot be subtracted: a TypeError.
        instants = [
            EPOCH + (moment - EPOCH_OF_CLOCKS) - (offset_at(moment) or NO_TIME)
            for moment in moments
        ]
        if min(instants) < FIRST or max(instants) > LAST:
            raise ValueError
        return instants

    def _parse_iso(self, text: str) -> datetime | None:
        """A time that begins with a year and a hyphen."""
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return plausible(moment.astimezone(UTC))
        # This takes half of the time of replace() and astimezone().
        elapsed = moment - EPOCH_OF_CLOCKS
        offset = self.zone.utcoffset(moment) or NO_TIME
        return plausible(EPOCH + elapsed - offset)

    def _parse_other(self, text: str) -> datetime | None:
        """Any other time."""
        if not text:
            return None
        match = None
        if text.startswith("/"):
            match = DOTNET_DATE.fullmatch(text)
        if match:
            # These count in UTC. The zone behind them is only for display.
            milliseconds = int(match[1])
            return unix_time(timedelta(milliseconds=milliseconds), UTC)
        try:
            elapsed = parse_unix_time(text)
        except ValueError:
            return self._parse_iso(text)
        if self.unix_times_are_local:
            return unix_time(elapsed, self.zone)
        return unix_time(elapsed, UTC)


def parse_unix_time(text: str) -> timedelta:
    """A number of seconds or milliseconds.

    Raises:
        ValueError: the text is not a number.
    """
    # Nearly all are whole seconds.
    is_plain = text.isdecimal() and text.isascii()
    if is_plain and len(text) <= MAX_SECONDS_DIGITS:
        return timedelta(seconds=int(text))
    number = parse_number(text)
    microseconds = number * 10**6
    if abs(number) >= MILLISECONDS_FROM:
        microseconds = number * 1000
    # A timedelta, since datetime.fromtimestamp() would round to what a float can hold.
    return timedelta(microseconds=int(microseconds))


def unix_time(elapsed: timedelta, zone: tzinfo) -> datetime | None:
    """The instant at which a clock in the zone shows so much time since 1970; None if no date."""
    # Other zones begin the year 1 some hours earlier or later.
    if elapsed < YEAR_1 + DAY:
        return None
    offset = zone.utcoffset(EPOCH_OF_CLOCKS + elapsed) or NO_TIME
    return plausible(EPOCH + elapsed - offset)


def plausible(instant: datetime) -> datetime | None:
    """An instant; None if it is the beginning of Unix time, in any zone.

    Raises:
        ValueError: its year cannot be meant.
    """
    if FIRST <= instant <= LAST:
        return instant
    # Unix times of 0 and -1 are in here too.
    if abs(instant - EPOCH) < DAY:
        return None
    raise ValueError
