"""The options of a widget: what the query string of its URL may contain.

Options are parsed once, at the edge: everything behind ``parse_options`` works with valid values.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, Final, Protocol
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from widget.config import zones
from widget.data.days import first_of_month, midnight, next_day
from widget.errors import N_, BadOption
from widget.privacy import DATED

COMMON_OPTIONS: Final = ("theme", "background", "accent", "lang", "tz", "title", "refresh")
PICTURE_OPTIONS: Final = ("size", "scale")
"""Options that only the URL of a picture may contain."""
THEMES: Final = ("auto", "light", "dark")
BACKGROUNDS: Final = ("card", "none")
"""A surface of its own, or that of the host page."""
GROUP_KEYS: Final = ("symbol", "side", "weekday", "hour")
"""What the trades of a breakdown can have in common."""
SIZES: Final = {
    "small": (240, 60),
    "medium": (320, 160),
    "large": (640, 320),
    "strip": (468, 60),
}
"""Width and height of a picture in CSS pixels."""
COMMON_SIZES: Final = ("small", "medium", "large")
"""The sizes of all pictures."""
SCALES: Final = (1, 2)
"""Pixels of a picture per CSS pixel."""
# Seconds between two refreshes of a page: a visitor must not cause a call every second.
MIN_REFRESH: Final = 10
MAX_REFRESH: Final = 86400
# So that the cost of a page has a limit, whatever its URL says.
MAX_ROWS: Final = 100
MAX_PAGE: Final = 1000
DEFAULT_ROWS: Final = 10
DEFAULT_PERIOD: Final = "30d"
MAX_CSV_ROWS: Final = 10_000
"""The rows of a CSV file whose URL does not limit them."""

PERIODS: Final[Mapping[str, str]] = {
    "today": N_("Today"),
    "7d": N_("7 days"),
    "30d": N_("30 days"),
    "90d": N_("90 days"),
    "month": N_("This month"),
    "year": N_("This year"),
    "all": N_("All time"),
}
SWITCH_PERIODS: Final[Mapping[str, str]] = {
    "7d": N_("7d"),
    "30d": N_("30d"),
    "90d": N_("90d"),
    "year": N_("Year"),
    "all": N_("All"),
}
"""The periods that visitors can switch between, with the names that fit into a narrow card."""

# Ten subtags are more than any language has. X and I begin private and very old tags.
# On their own, they are not languages.
LANGUAGE_TAG: Final = re.compile("([A-Za-z]{2,8}|[XxIi]-[A-Za-z0-9]{1,8})(-[A-Za-z0-9]{1,8}){0,9}")

# The days of all months that a calendar can display.
FIRST_DATE: Final = date(1970, 1, 1)
LAST_DATE: Final = date(2999, 12, 31)
FIRST_MONTH: Final = "1970-01"
LAST_MONTH: Final = "2999-12"


# Both bounds of a period depend on the request's time and the account's zone. So an option stores
# what the visitor chose, and each widget asks for the bounds.
@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of the account's time zone: one of ``PERIODS``, or two dates, both inclusive."""

    name: str = DEFAULT_PERIOD
    first: date | None = None
    last: date | None = None

    @property
    def has_dates(self) -> bool:
        """Whether the period is defined by dates."""
        return self.first is not None or self.last is not None

    def bounds(self, now: datetime, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
        """The beginning (None: since the first trade) and the end of the period in UTC.

        The end is None for a period that ends now: what the API sends belongs to it even if the
        broker's clock is ahead.

        Args:
            now: the time from which days are counted back.
            zone: the time zone whose midnights are the limits of the days.
        """
        today = now.astimezone(zone).date()
        first = self.first or self._first_day(today)
        start = None
        if first:
            start = midnight(first, zone)
        end = None
        if self.last:
            # The last day belongs to the period, so that it ends at the midnight after it.
            end = midnight(next_day(self.last), zone)
        return start, end

    def _first_day(self, today: date) -> date | None:
        """The first day of a named period; None for all time."""
        # "Nd" is the rest of today and N whole days before it; "all" is not in here.
        first_days = {
            "today": today,
            "7d": today - timedelta(days=7),
            "30d": today - timedelta(days=30),
            "90d": today - timedelta(days=90),
            "month": first_of_month(today),
            "year": today.replace(month=1, day=1),
        }
        return first_days.get(self.name)


# The validators take the text of the URL, and values that are valid already: code and tests create
# options from Python values. Their messages are part of the error that the visitor sees.


def check_choice(value: object, choices: Collection[str]) -> object:
    """Validate a choice."""
    if value not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}")
    return value


def check_integer(value: object, low: int, high: int) -> int:
    """Validate a whole number; both limits are inclusive."""
    text = str(value)
    # int() alone would also accept signs, spaces, underscores and the digits of other scripts.
    if re.fullmatch("[0-9]{1,6}", text):
        number = int(text)
        if low <= number <= high:
            return number
    raise ValueError(f"must be a whole number from {low} to {high}")


def check_switch(value: object) -> bool:
    """Validate ``0`` or ``1``."""
    if isinstance(value, bool):
        return value
    return check_choice(value, ("0", "1")) == "1"


def check_scale(value: object) -> int:
    """Validate one of ``SCALES``."""
    choices = [str(choice) for choice in SCALES]
    text = str(value)
    check_choice(text, choices)
    return int(text)


def check_colour(value: object) -> str:
    """Validate a colour."""
    text = str(value)
    if not re.fullmatch("[0-9A-Fa-f]{6}", text):
        raise ValueError("must be a colour as six hexadecimal digits, such as 2a6fdb")
    # One spelling, since it becomes part of the stylesheet's URL.
    return text.lower()


def check_language(value: object) -> object:
    """Validate a BCP 47 language tag."""
    # Programs that are older than these tags, and many pages, write pt_BR.
    tag = str(value).replace("_", "-")
    if not LANGUAGE_TAG.fullmatch(tag):
        raise ValueError("must be a language tag, such as en or pt-BR")
    return tag


def check_zone(value: object) -> ZoneInfo:
    """Validate an IANA time zone."""
    if isinstance(value, ZoneInfo):
        return value
    # The list is checked first: ZoneInfo would open files by names that visitors choose.
    if value not in zones():
        raise ValueError("must be a time zone, such as Europe/Paris")
    return ZoneInfo(str(value))


def check_month(value: object) -> date:
    """Validate a month; returns its first day."""
    if isinstance(value, date):
        return value
    text = str(value)
    is_month = re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", text, re.ASCII)
    # Comparing texts is enough, since all of them have the same length.
    if is_month and FIRST_MONTH <= text <= LAST_MONTH:
        return date.fromisoformat(f"{text}-01")
    raise ValueError(f"must be a month from {FIRST_MONTH} to {LAST_MONTH}")


def check_period(value: object) -> Period:
    """Validate one of ``PERIODS``."""
    if isinstance(value, Period):
        return value
    name = check_choice(value, PERIODS)
    return Period(str(name))


def one_of(choices: Collection[str]) -> BeforeValidator:
    """The validator of a choice."""
    return BeforeValidator(partial(check_choice, choices=choices))


def integer_between(low: int, high: int) -> BeforeValidator:
    """The validator of a whole number; both limits are inclusive."""
    return BeforeValidator(partial(check_integer, low=low, high=high))


# pydantic's own rules are too lenient for URLs: it takes "yes" for true and " 7 " for a number.
Theme = Annotated[str, one_of(THEMES)]
Background = Annotated[str, one_of(BACKGROUNDS)]
Accent = Annotated[str, BeforeValidator(check_colour)]
Language = Annotated[str, BeforeValidator(check_language)]
Zone = Annotated[ZoneInfo, BeforeValidator(check_zone)]
Switch = Annotated[bool, BeforeValidator(check_switch)]
Refresh = Annotated[int, integer_between(MIN_REFRESH, MAX_REFRESH)]
Rows = Annotated[int, integer_between(1, MAX_ROWS)]
Page = Annotated[int, integer_between(1, MAX_PAGE)]
NamedPeriod = Annotated[Period, BeforeValidator(check_period)]
GroupKey = Annotated[str, one_of(GROUP_KEYS)]
Month = Annotated[date, BeforeValidator(check_month)]
Group = Annotated[str, one_of(("symbol",))]
Size = Annotated[str, one_of(SIZES)]
Scale = Annotated[int, BeforeValidator(check_scale)]


class Options(BaseModel):
    """The options of one widget, all valid."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    theme: Theme = "auto"
    background: Background = "card"
    accent: Accent | None = None
    lang: Language | None = None
    tz: Zone | None = None
    title: Switch = True
    refresh: Refresh | None = None
    rows: Rows = DEFAULT_ROWS
    page: Page = 1
    period: NamedPeriod = Period()
    switch: Switch = False
    group: Group | None = None
    month: Month | None = None
    by: GroupKey = "symbol"
    size: Size = "medium"
    scale: Scale = 1

    @property
    def dates(self) -> Iterator[str]:
        """The names of the options that were given and that choose dates."""
        if self.period.first:
            yield "from"
        if self.period.last:
            yield "to"
        if "month" in self.model_fields_set:
            yield "month"


PERIOD_OPTIONS: Final = ("period", "from", "to")
"""The options that choose a period."""

Params = Iterable[tuple[str, str]]
"""The names and texts of a query string, in order."""
OPTION_NAMES: Final = frozenset(Options.model_fields) | {"from", "to"}


def with_names(params: Params, names: Collection[str]) -> list[tuple[str, str]]:
    """Those parameters that have one of these names."""
    return [(name, text) for name, text in params if name in names]


def without_names(params: Params, names: Collection[str]) -> list[tuple[str, str]]:
    """Those parameters that have none of these names."""
    return [(name, text) for name, text in params if name not in names]


class HasOptions(Protocol):
    """A widget, as far as its options are concerned."""

    @property
    def all_options(self) -> tuple[str, ...]:
        """The names of the options that its URL may contain."""

    @property
    def picture_sizes(self) -> tuple[str, ...]:
        """The sizes of its picture; empty if it has none."""

    @property
    def default_period(self) -> str:
        """The name of the period of a URL that chooses none."""


def parse_options(
    widget: HasOptions,
    params: Params,
    locked: Mapping[str, object] = MappingProxyType({}),
    extra: Collection[str] = (),
) -> Options:
    """Parse the options of a request.

    Args:
        widget: the requested widget.
        params: the pairs of the query string, in order, without tokens.
        locked: the ``params`` of a token: they count as options, and the URL cannot change them.
        extra: names of options that are accepted in addition to those of the widget.

    Raises:
        BadOption: an option is unknown, repeated, malformed, out of range or locked.
    """
    texts = collect_texts(params, locked)
    # An unknown option is an error and is not ignored: a typo would otherwise never be noticed.
    allowed = {*widget.all_options, *extra}
    for name in texts:
        if name not in allowed:
            raise BadOption(printable(name), "is not an option of this widget")
    options = validate_options(texts)
    # Not every picture has the size of a strip.
    if "size" in texts and widget.picture_sizes:
        check_size(options.size, widget.picture_sizes)
    has_period = not texts.keys().isdisjoint(PERIOD_OPTIONS)
    if has_period:
        return options
    default = Period(widget.default_period)
    return options.model_copy(update={"period": default})


def check_size(size: str, sizes: Collection[str]) -> None:
    """Check that a widget has a picture of this size; BadOption if it does not."""
    try:
        check_choice(size, sizes)
    except ValueError as error:
        raise BadOption("size", str(error)) from None


def refuse_dates(options: Options, hidden: Collection[str]) -> None:
    """Refuse dates that a visitor chose, if the account hides when something happened.

    Raises:
        BadOption: it does, and an option chooses a date.
    """
    if DATED.isdisjoint(hidden):
        return
    for name in options.dates:
        raise BadOption(name, "is not available for this account: it would reveal hidden figures")


def valid_options(params: Params, names: Collection[str]) -> Options:
    """The options of these names that are valid; invalid ones keep their defaults.

    An error card uses them: it is displayed in the requested language and theme even if another
    option is what is wrong.
    """
    options = Options()
    for name, text in params:
        if name not in names:
            continue
        try:
            parsed = validate_options({name: text})
        except BadOption:
            continue
        value = getattr(parsed, name)
        options = options.model_copy(update={name: value})
    return options


def parse_integer(
    name: str,
    text: str,
    low: int,
    high: int,
) -> int:
    """Parse a whole number that is a parameter of a request.

    Args:
        name: the name of the parameter, for the error.
        text: its value.
        low: the lowest number that is allowed.
        high: the highest one.

    Raises:
        BadOption: it is malformed or out of range.
    """
    try:
        return check_integer(text, low, high)
    except ValueError as error:
        raise BadOption(name, str(error)) from None


def collect_texts(
    params: Params,
    locked: Mapping[str, object],
) -> dict[str, str]:
    """The text of each option, locked ones first.

    Raises:
        BadOption: an option is repeated, or changes a locked one.
    """
    texts: dict[str, str] = {}
    for name, value in locked.items():
        is_text_or_number = isinstance(value, str | int | float)
        # bool is a subclass of int, but true is not a number in JSON.
        if isinstance(value, bool) or not is_text_or_number:
            raise BadOption(name, "must be text or a number")
        texts[name] = str(value)
    for name, text in params:
        if name in locked:
            # Repeating the locked value is harmless, and some forms of embedding do it.
            if text != texts[name]:
                raise BadOption(name, "is locked by the token")
        elif name in texts:
            raise BadOption(printable(name), "is given twice")
        texts[name] = text
    return texts


def validate_options(texts: Mapping[str, str]) -> Options:
    """Convert the texts of options whose names are known.

    Raises:
        BadOption: one is malformed or out of range.
    """
    values: dict[str, Any] = dict(texts)
    # Two options of the URL, but together they are one option in code.
    first = values.pop("from", None)
    last = values.pop("to", None)
    dates = period_of_dates(first, last)
    try:
        options = Options(**values)
    except ValidationError as error:
        raise first_mistake(error, texts) from None
    if dates is None:
        return options
    if "period" in texts:
        raise BadOption("period", "cannot be combined with from and to")
    # Already valid: Options(...) would only check it once more.
    return options.model_copy(update={"period": dates})


def first_mistake(error: ValidationError, texts: Mapping[str, str]) -> BadOption:
    """The error about the first invalid option of a URL."""
    reasons: dict[str, str] = {}
    for details in error.errors():
        name = str(details["loc"][0])
        cause = details["ctx"]["error"]  # what a validator raised
        reasons[name] = str(cause)
    # pydantic reports errors in the order of the fields; visitors expect that of their URL.
    invalid = [name for name in texts if name in reasons]
    first = invalid[0]
    return BadOption(first, reasons[first])


def period_of_dates(first: str | None, last: str | None) -> Period | None:
    """The period between two dates, of which one may be missing; None without any date.

    Raises:
        BadOption: a date is invalid, or they are in the wrong order.
    """
    if first is None and last is None:
        return None
    first_day = None
    last_day = None
    # Not "if first": an empty text is an invalid date.
    if first is not None:
        first_day = parse_date("from", first)
    if last is not None:
        last_day = parse_date("to", last)
    if first_day and last_day and first_day > last_day:
        raise BadOption("from", "is later than to")
    return Period("all", first_day, last_day)


def parse_date(name: str, text: str) -> date:
    """Parse a date.

    Raises:
        BadOption: it is malformed or out of range.
    """
    problem = BadOption(name, "must be a date, such as 2026-11-21")
    # fromisoformat() alone would also accept other formats, such as 20261121 and 2026-W47-6.
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        raise problem
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise problem from None
    if not FIRST_DATE <= day <= LAST_DATE:
        raise BadOption(name, f"must be a date from {FIRST_DATE} to {LAST_DATE}")
    return day


def printable(name: str) -> str:
    """The name of an unknown option in a form that is safe to repeat in an error."""
    # Anybody can write anything into a URL, and the error is displayed on the page.
    safe = re.sub("[^A-Za-z0-9_.-]", "?", name[:40])
    return safe or "?"
