"""What a widget is, and which options the URL of one may carry."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from widget.config import zones
from widget.errors import N_, BadOption
from widget.format import Formatter
from widget.names import Function
from widget.source import Source
from widget.svg import SCALES, SIZES

COMMON_OPTIONS: Final = ("theme", "accent", "lang", "tz", "title", "refresh")
PICTURE_OPTIONS: Final = ("size", "scale")
"""What the address of a picture may carry besides."""
MIN_REFRESH: Final = 10
MAX_REFRESH: Final = 86400
MAX_ROWS: Final = 100
DEFAULT_ROWS: Final = 10
HEADING_HEIGHT: Final = 40
"""Height of a widget's heading in CSS pixels; ``title=0`` saves it."""

PERIODS: Final[Mapping[str, str]] = {
    "today": N_("Today"),
    "7d": N_("7 days"),
    "30d": N_("30 days"),
    "90d": N_("90 days"),
    "month": N_("This month"),
    "year": N_("This year"),
    "all": N_("All time"),
}


# Midnights of these exist in every zone, and as Unix seconds everywhere.
_FIRST_DATE, _LAST_DATE = date(1970, 1, 2), date(2999, 12, 31)


@dataclass(frozen=True, slots=True)
class Period:
    """A span of whole days of the account's zone: one of ``PERIODS``, or two dates, both inclusive."""

    name: str = "30d"
    first: date | None = None
    last: date | None = None

    @property
    def has_dates(self) -> bool:
        """Whether it is given by dates."""
        return bool(self.first or self.last)

    def bounds(self, now: datetime, zone: ZoneInfo) -> tuple[datetime | None, datetime]:
        """Begin (None: since ever) and end of the period as instants in UTC.

        Args:
            now: where a named period ends.
            zone: whose midnights begin the days.
        """
        today = now.astimezone(zone).date()
        begins = {
            "today": today,
            "7d": today - timedelta(days=7),
            "30d": today - timedelta(days=30),
            "90d": today - timedelta(days=90),
            "month": today.replace(day=1),
            "year": today.replace(month=1, day=1),
        }
        first = self.first or begins.get(self.name)
        start = _midnight(first, zone) if first else None
        return start, _midnight(self.last + timedelta(days=1), zone) if self.last else now

    def text(
        self, gettext: Callable[[str], str], write: Callable[[date | None, date | None], str]
    ) -> str:
        """What it is called: its name in the reader's language, or its dates."""
        return write(self.first, self.last) if self.has_dates else gettext(PERIODS[self.name])


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Options:
    """A widget's options, all valid."""

    theme: str = "auto"
    accent: str | None = None
    lang: str | None = None
    tz: ZoneInfo | None = None
    title: bool = True
    refresh: int | None = None
    rows: int = DEFAULT_ROWS
    period: Period = Period()
    group: str | None = None
    size: str = "medium"
    scale: int = 1


@dataclass(frozen=True, slots=True)
class PictureFigure:
    """A figure of a widget's picture.

    Attributes:
        name: its name in the data.
        label: what it is called, a msgid.
        write: writes it.
        is_result: whether it is a profit or a loss.
    """

    name: str
    label: str
    write: Callable[[Formatter, Any], str]
    is_result: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Widget:
    """One view of an account.

    Attributes:
        name: its name in URLs.
        label: its heading and accessible name, a msgid.
        functions: the upstream functions that it cannot do without; where the API does not offer one, neither is this.
        fetch: what it shows, from the source: data by the contract's JSON names, times as aware datetimes.
        example: data as ``fetch`` returns it, for tests and for whoever wants to see the shape.
        options: its options besides the common ones: of ``rows``, ``period``, ``group``.
        height: exact height in CSS pixels with its heading and without rows.
        row_height: what each row adds.
        chart: the geometry of its chart from its data, where it has one, see ``widget.chart``.
        picture: the figures of its SVG and PNG, the great one first; none where there is no picture of it. Of
            ``progress``, 0 to 1, there is a bar.
        by_default: whether it is shown where the account does not list its widgets.
    """

    name: str
    label: str
    functions: tuple[Function, ...]
    fetch: Callable[[Source, Options], dict[str, Any]]
    height: int
    example: Mapping[str, Any]
    row_height: int = 0
    options: frozenset[str] = frozenset()
    chart: Callable[[Mapping[str, Any], Formatter, ZoneInfo], dict[str, Any] | None] | None = None
    picture: tuple[PictureFigure, ...] = ()
    by_default: bool = True

    @property
    def all_options(self) -> tuple[str, ...]:
        """The names of all parameters that its URL may carry, tokens apart."""
        dates = ("from", "to") if "period" in self.options else ()
        return (*COMMON_OPTIONS, *sorted(self.options), *dates)

    @property
    def default_rows(self) -> int:
        """The rows shown where the option is not given; 0 where there is none."""
        return DEFAULT_ROWS if "rows" in self.options else 0

    def pixels(self, options: Options) -> int:
        """The exact height of its frame in CSS pixels."""
        rows = options.rows if "rows" in self.options else 0
        return self.height + rows * self.row_height - (0 if options.title else HEADING_HEIGHT)


def parse_options(
    widget: Widget,
    given: Iterable[tuple[str, str]],
    locked: Mapping[str, object] = MappingProxyType({}),
    extra: Collection[str] = (),
) -> Options:
    """The options of a request.

    Args:
        widget: whose options they are.
        given: the pairs of the URL, in order.
        locked: the ``params`` of a token: they count as given, and the URL may not name them again.
        besides: options that are accepted besides the widget's own.

    Raises:
        BadOption: one is unknown, doubled, malformed, out of range, or changes what is locked.
    """
    values: dict[str, str] = {}
    for name, value in locked.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise BadOption(name, "must be text or a number")
        values[name] = str(value)
    for name, value in given:
        if name in locked and value != values[name]:
            raise BadOption(name, "is locked by the token")
        if name in values and name not in locked:
            raise BadOption(_printable(name), "is given twice")
        values[name] = value
    parsed: dict[str, Any] = {}
    for name, value in values.items():
        if name not in widget.all_options and name not in extra:
            raise BadOption(_printable(name), "is not an option of this widget")
        parsed[name] = PARSERS[name](name, value)
    return Options(**_with_period(parsed))


def _with_period(parsed: dict[str, Any]) -> dict[str, Any]:
    first, last = parsed.pop("from", None), parsed.pop("to", None)
    if first is None and last is None:
        return parsed
    if "period" in parsed:
        raise BadOption("period", "cannot be combined with from and to")
    if first and last and first > last:
        raise BadOption("from", "is later than to")
    return parsed | {"period": Period("all", first, last)}


def _printable(name: str) -> str:
    """What may be said back of a name that somebody else chose."""
    return re.sub(r"[^A-Za-z0-9_.-]", "?", name[:40]) or "?"


def _one_of(*choices: str) -> Callable[[str, str], str]:
    def parse(name: str, value: str) -> str:
        if value not in choices:
            raise BadOption(name, f"must be one of {', '.join(choices)}")
        return value

    return parse


def integer_between(low: int, high: int) -> Callable[[str, str], int]:
    """A parser of whole numbers; it takes their name and their text."""

    def parse(name: str, value: str) -> int:
        if not re.fullmatch(r"[0-9]{1,6}", value) or not low <= int(value) <= high:
            raise BadOption(name, f"must be a whole number from {low} to {high}")
        return int(value)

    return parse


def _accent(name: str, value: str) -> str:
    if not re.fullmatch(r"[0-9A-Fa-f]{6}", value):
        raise BadOption(name, "must be a colour as six hexadecimal digits, such as 2a6fdb")
    return value.lower()


def _lang(name: str, value: str) -> str:
    if not re.fullmatch(r"([A-Za-z]{2,8}|[XxIi])(-[A-Za-z0-9]{1,8}){0,9}", value):
        raise BadOption(name, "must be a language tag, such as en or pt-BR")
    return value


def _tz(name: str, value: str) -> ZoneInfo:
    if value not in zones():
        raise BadOption(name, "must be a time zone, such as Europe/Paris")
    return ZoneInfo(value)


def _date(name: str, value: str) -> date:
    try:
        day = (
            date.fromisoformat(value)
            if re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII)
            else date.min
        )
    except ValueError:
        day = date.min
    if not _FIRST_DATE <= day <= _LAST_DATE:
        raise BadOption(name, "must be a date, such as 2026-11-21")
    return day


def _period(name: str, value: str) -> Period:
    return Period(_one_of(*PERIODS)(name, value))


PARSERS: Mapping[str, Callable[[str, str], Any]] = {
    "theme": _one_of("auto", "light", "dark"),
    "accent": _accent,
    "lang": _lang,
    "tz": _tz,
    "title": lambda name, value: _one_of("0", "1")(name, value) == "1",
    "refresh": integer_between(MIN_REFRESH, MAX_REFRESH),
    "rows": integer_between(1, MAX_ROWS),
    "period": _period,
    "from": _date,
    "to": _date,
    "group": _one_of("symbol"),
    "size": _one_of(*SIZES),
    "scale": lambda name, value: int(_one_of(*map(str, SCALES))(name, value)),
}
