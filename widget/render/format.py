"""Numbers and times as a language and region write them: as Babel does, at a fraction of its cost.

Babel looks up the locale again for every number. Here, the signs, separators, affixes and date
patterns of a locale are taken from Babel once, compared with what Babel writes, and applied with
Python's own formatting. What that cannot do (Indian grouping of large numbers, some day periods) is
left to Babel. Rounding is half to even, in Decimal.
"""

import datetime as dt
import re
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Any, Final
from unicodedata import category
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import (
    format_interval,
    get_date_format,
    get_datetime_format,
    get_month_names,
    get_period_names,
    get_time_format,
)
from babel.dates import parse_pattern as parse_date_pattern
from babel.numbers import (
    NumberPattern,
    get_currency_precision,
    get_decimal_symbol,
    get_group_symbol,
    get_minus_sign_symbol,
    get_plus_sign_symbol,
)
from markupsafe import escape

from widget.render.i18n import cldr_locale

Naming = tuple[Callable[[Any], str], Callable[[Any], str]]
"""How the points of a chart are named, and how those on its axis."""

MISSING: Final = "–"
"""What replaces a missing figure."""
LONG_CHART_DAYS: Final = 300
"""Longer charts name days with their year, since the same day could occur twice."""
PERCENT: Final = "z,.2f"
"""Python's format of a percentage; ``z`` removes the sign of a negative zero."""
DEFAULT_PRECISION: Final = 2
"""The decimals of an amount whose currency is unknown."""
MAX_LEARNED_DIGITS: Final = 18
"""Longer numbers are always left to Babel."""
NO_BREAK_SPACE: Final = "\N{NO-BREAK SPACE}"


@lru_cache(maxsize=512)
def formatter(
    locale: str, zone: ZoneInfo, currency: str | None, percent_amounts: bool = False
) -> "Formatter":
    """A formatter; created once for each combination."""
    return Formatter(locale, zone, currency, percent_amounts)


class Formatter:
    """Writes numbers and times.

    Every method returns ``MISSING`` for None, and no zero has a sign. What the methods write needs
    no escaping in HTML.
    """

    def __init__(
        self, locale: str, zone: ZoneInfo, currency: str | None, percent_amounts: bool = False
    ) -> None:
        """Learn how a locale writes numbers and times.

        Args:
            locale: a BCP 47 tag; its region matters (en-GB, fr-CA).
            zone: the time zone in which times are written.
            currency: the ISO 4217 code of amounts; None if it is unknown.
            percent_amounts: whether amounts are fractions of the balance, written as percentages.
        """
        known = cldr_locale(locale)
        precision = DEFAULT_PRECISION
        self._plain = number_format(known, "decimal", None)
        self._percent = number_format(known, "percent", None)
        self._money = self._plain
        if currency:
            precision = get_currency_precision(currency)
            self._money = number_format(known, "currency", currency)
        self._amount_spec = f"z,.{precision}f"
        self._percent_amounts = percent_amounts
        self._locale = known
        self._times = time_formats(known)
        self.zone = zone

    @staticmethod
    def text(x: object) -> str:
        """A name from outside, escaped for HTML."""
        if x is None:
            return MISSING
        return str(escape(x))

    def money(self, x: Decimal | None, signed: bool = False) -> str:
        """An amount with its currency, or as a percentage of the balance.

        Args:
            x: the amount.
            signed: whether a gain has a plus sign.
        """
        return self._amount(self._money, x, signed)

    def signed_money(self, x: Decimal | None) -> str:
        """An amount with its currency and a plus sign for a gain."""
        return self.money(x, signed=True)

    def amount(self, x: Decimal | None, signed: bool = False) -> str:
        """An amount without its currency, for the columns of a table."""
        return self._amount(self._plain, x, signed)

    def result(self, x: Decimal | None) -> str:
        """An amount without its currency and with a plus sign for a gain."""
        return self._amount(self._plain, x, True)

    def _amount(self, numbers: "NumberFormat", x: Decimal | None, signed: bool) -> str:
        if x is None:
            return MISSING
        if self._percent_amounts:
            return self._percent.write(x * 100, PERCENT, signed=signed)
        return numbers.write(x, self._amount_spec, signed=signed)

    def lots(self, x: Decimal | None) -> str:
        """A volume in lots, with two to four decimals."""
        if x is None:
            return MISSING
        return self._plain.write(x, "z,.4f", optional=2)

    def lots_if_any(self, x: Decimal | None) -> str:
        """A volume in lots; zero is written as a missing figure."""
        return self.lots(x or None)

    def price(self, x: Decimal | None) -> str:
        """A price or rate, with all its decimals."""
        if x is None:
            return MISSING
        return self._plain.write(x, "z,f")

    def integer(self, n: Decimal | int | None) -> str:
        """A count."""
        if n is None:
            return MISSING
        return self._plain.write(Decimal(n), "z,.0f")

    def percent(self, x: Decimal | None, signed: bool = False) -> str:
        """A fraction as a percentage with one or two decimals: 0.123 is 12.3%."""
        if x is None:
            return MISSING
        return self._percent.write(x * 100, PERCENT, optional=1, signed=signed)

    def signed_percent(self, x: Decimal | None) -> str:
        """A fraction as a percentage with a plus sign for a gain."""
        return self.percent(x, signed=True)

    def gain(self, x: Decimal | None) -> str:
        """A gain as a percentage with its sign and always two decimals, for columns of them."""
        if x is None:
            return MISSING
        return self._percent.write(x * 100, PERCENT, signed=True)

    def percent_on_axis(self, x: Decimal, step: Decimal) -> str:
        """A fraction as a percentage, with the decimals that its axis needs."""
        decimals = step_decimals(step * 100)
        return self._percent.write(x * 100, f"z,.{decimals}f")

    def lots_on_axis(self, x: Decimal, step: Decimal) -> str:
        """A volume in lots, with the decimals that its axis needs."""
        decimals = step_decimals(step, minimum=2)
        return self._plain.write(x, f"z,.{decimals}f")

    def amount_on_axis(self, x: Decimal, step: Decimal) -> str:
        """An amount without its currency, with the decimals that its axis needs."""
        if self._percent_amounts:
            return self.percent_on_axis(x, step)
        decimals = step_decimals(step, minimum=2)
        return self._plain.write(x, f"z,.{decimals}f")

    def ratio(self, x: Decimal | None) -> str:
        """A ratio, such as a profit factor, with two decimals."""
        if x is None:
            return MISSING
        return self._plain.write(x, "z,.2f")

    def leverage(self, n: Decimal | int | None) -> str:
        """A leverage: 500 is 1:500."""
        if n is None:
            return MISSING
        return f"1:{n:.0f}"

    def datetime(self, t: dt.datetime | None) -> str:
        """An instant as a short date and time."""
        if t is None:
            return MISSING
        return self._times.datetime.write(t.astimezone(self.zone))

    def time(self, t: dt.datetime | None) -> str:
        """The hour and minute of an instant."""
        if t is None:
            return MISSING
        return self._times.time.write(t.astimezone(self.zone))

    def offset(self, t: dt.datetime) -> str:
        """The difference between the time zone and UTC at an instant, such as UTC+5:30."""
        difference = t.astimezone(self.zone).utcoffset() or dt.timedelta()
        total = round(difference.total_seconds() / 60)
        sign = "+" if total > 0 else "\N{MINUS SIGN}"
        hours, minutes = divmod(abs(total), 60)
        text = "UTC"
        if hours or minutes:
            text += f"{sign}{hours}"
        if minutes:
            text += f":{minutes:02}"
        return text

    def date(self, d: dt.date | None) -> str:
        """A day with its year; the day of an instant is that of the time zone."""
        if d is None:
            return MISSING
        return self._times.date.write(self._local(d))

    def day(self, d: dt.date | None) -> str:
        """A day and month, for axes and narrow columns: 21 Nov."""
        if d is None:
            return MISSING
        return self._times.day.write(self._local(d))

    def month(self, d: dt.date | None) -> str:
        """A month with its year, for axes of years: Nov 2026."""
        if d is None:
            return MISSING
        return self._times.month.write(self._local(d))

    def span(self, first: dt.date, last: dt.date) -> str:
        """Two days, without repeating what they have in common: Nov 1 – 20, 2026."""
        return interval(self._locale, self._local(first).date(), self._local(last).date())

    def period(self, first: dt.date | None, last: dt.date | None) -> str:
        """A period by its first and last day, of which one may be missing."""
        if first and last:
            return self.span(first, last)
        begin = self.date(first) if first else "…"
        end = self.date(last) if last else "…"
        return f"{begin} – {end}"

    def brief_period(self, first: dt.date | None, last: dt.date | None) -> str:
        """A period in digits, for narrow cards: 11/1/26 – 11/20/26."""
        if first == last:
            return self._brief_day(first)
        return f"{self._brief_day(first)} – {self._brief_day(last)}"

    def _brief_day(self, d: dt.date | None) -> str:
        if d is None:
            return "…"
        return self._times.brief.write(self._local(d))

    def days(self, first: dt.date, last: dt.date) -> Naming:
        """How the days of a chart between two others are named."""
        length = self._local(last) - self._local(first)
        if length.days > LONG_CHART_DAYS:
            return self.date, self.month
        return self.day, self.day

    def instants(self, first: dt.datetime, last: dt.datetime) -> Naming:
        """How the instants of a chart are named: by hour within a day, otherwise by day."""
        if self._local(first).date() == self._local(last).date():
            return self.time, self.time
        return self.days(first, last)

    def _local(self, d: dt.date) -> dt.datetime:
        if isinstance(d, dt.datetime):
            return d.astimezone(self.zone)
        return dt.datetime.combine(d, dt.time(), self.zone)

    @staticmethod
    def iso(t: dt.date | None) -> str:
        """A day, or an instant in UTC, for programs; empty for None."""
        if t is None:
            return ""
        if not isinstance(t, dt.datetime):
            return t.isoformat()
        if t.tzinfo is not dt.UTC:
            t = t.astimezone(dt.UTC)
        return f"{t.isoformat()[:19]}Z"


def step_decimals(step: Decimal, minimum: int = 1) -> int:
    """The decimals that all multiples of a step need: none, or at least ``minimum``."""
    exponent = int(step.normalize().as_tuple().exponent)
    if exponent >= 0:
        return 0
    return max(-exponent, minimum)


class NumberFormat:
    """One kind of number of one locale: amounts of a currency, percentages or plain decimals."""

    def __init__(self, pattern: NumberPattern, locale: Locale, currency: str | None) -> None:
        self._locale = locale
        self._whole = bare_pattern(pattern)
        self._whole.prefix = ("", "")
        self._whole.suffix = ("", "")
        group = get_group_symbol(locale)
        point = get_decimal_symbol(locale)
        self._is_like_python = (group, point) == (",", ".")
        self._separators = str.maketrans({",": group, ".": point})
        # CLDR's data often has a hyphen, which is narrower than a plus, and which screen readers
        # do not read.
        minus = get_minus_sign_symbol(locale).replace("-", "\N{MINUS SIGN}")
        plus = get_plus_sign_symbol(locale)
        self._affixes = affixes(pattern, locale, currency, 1, "")
        self._minus_affixes = affixes(pattern, locale, currency, -1, minus)
        self._plus_affixes = affixes(pattern, locale, currency, -1, plus)
        self._max_length = self._learned_length()

    def write(self, x: Decimal, spec: str, *, optional: int = 0, signed: bool = False) -> str:
        """Write a number.

        Args:
            x: the number; a percentage as it is written.
            spec: Python's format specification, with groups and without negative zeros.
            optional: how many of its last decimals are removed if they are zeros.
            signed: whether a positive number has a plus sign.
        """
        text = format(x, spec)
        if optional:
            text = text[:-optional] + text[-optional:].rstrip("0")
        before, after = self._affixes
        if text[0] == "-":
            before, after = self._minus_affixes
            text = text[1:]
        elif signed and text.strip("0."):
            before, after = self._plus_affixes
        # The first condition is the fast one: most numbers are short, decimals included.
        if len(text) > self._max_length and len(text.partition(".")[0]) > self._max_length:
            return before + self._by_babel(text) + after
        if not self._is_like_python:
            text = text.translate(self._separators)
        return before + text + after

    def _by_babel(self, text: str) -> str:
        whole, point, fraction = text.partition(".")
        # With Python's default precision Babel fails beyond 28 digits.
        with localcontext(prec=len(text)):
            grouped: str = self._whole.apply(Decimal(whole.replace(",", "")), self._locale)
        return grouped + (point + fraction).translate(self._separators)

    def _learned_length(self) -> int:
        """Up to how many characters Python groups numbers as Babel does, commas included."""
        all_digits = "123456789" * 2
        longest = 0
        for digits in range(1, MAX_LEARNED_DIGITS + 1):
            text = f"{int(all_digits[:digits]):,}"
            if text.translate(self._separators) != self._by_babel(text):
                break
            longest = len(text)
        return longest


def bare_pattern(pattern: NumberPattern) -> NumberPattern:
    """A pattern that writes whole numbers without scaling percentages."""
    bare = copy(pattern)
    bare.frac_prec = (0, 0)
    bare.scale = 0
    return bare


def affixes(
    pattern: NumberPattern, locale: Locale, currency: str | None, one: int, sign: str
) -> tuple[str, str]:
    """What stands before and after a number, from how Babel writes 1 or -1.

    Args:
        pattern: the pattern of the kind of number.
        locale: whose pattern it is.
        currency: the currency of amounts.
        one: 1 or -1, for the sign's place.
        sign: what replaces the hyphen.
    """
    text = bare_pattern(pattern).apply(
        Decimal(one), locale, currency=currency, currency_digits=False
    )
    before, _, after = text.partition("1")
    before = before.replace("-", sign)
    after = after.replace("-", sign)
    if not currency:
        return before, after
    # CLDR's currencySpacing, which Babel leaves out: CHF 1.50, but $1.50.
    if needs_space(before[-1:]):
        before += NO_BREAK_SPACE
    if needs_space(after[:1]):
        after = NO_BREAK_SPACE + after
    if locale.text_direction == "rtl" and after.strip(NO_BREAK_SPACE).isascii():
        # US$ between a number and text from right to left would be torn apart: $+65.26 US.
        after = f"\N{RIGHT-TO-LEFT MARK}{after}\N{LEFT-TO-RIGHT MARK}"
    return before, after


def needs_space(character: str) -> bool:
    """Whether a character of a currency needs a space between itself and the number."""
    return character != "" and category(character)[0] in "LP"


@lru_cache(maxsize=512)
def number_format(locale: Locale, kind: str, currency: str | None) -> NumberFormat:
    """The format of a kind of number; learned once."""
    patterns: dict[str, NumberPattern] = {
        "decimal": locale.decimal_formats[None],
        "percent": locale.percent_formats[None],
        "currency": locale.currency_formats["standard"],
    }
    return NumberFormat(patterns[kind], locale, currency)


# The fields of CLDR's date patterns that short forms consist of, in Python's format language.
# They are arguments by position, which is twice as fast as by name.
FIELDS: Final = {
    "d": "{0}",
    "dd": "{0:02}",
    "M": "{1}",
    "MM": "{1:02}",
    "MMM": "{2}",
    "y": "{3}",
    "yy": "{4:02}",
    "H": "{5}",
    "HH": "{5:02}",
    "h": "{6}",
    "hh": "{6:02}",
    "mm": "{7:02}",
    "a": "{8}",
}
FIELD: Final = re.compile(r"%\((\w+)\)s")
"""A field in the format string that Babel makes of a pattern."""
SAMPLES: Final = (
    dt.datetime(2007, 3, 4, 5, 6, tzinfo=dt.UTC),
    dt.datetime(2026, 12, 31, 23, 59, tzinfo=dt.UTC),
)
"""Times that differ in everything that a pattern can write, for comparison with Babel."""


class TimeFormat:
    """One date pattern of one locale."""

    def __init__(self, pattern: str, locale: Locale) -> None:
        self._locale = locale
        self._pattern = parse_date_pattern(pattern)
        self._months = get_month_names("abbreviated", "format", locale)
        periods = get_period_names("abbreviated", "format", locale)
        self._periods = (periods["am"], periods["pm"])
        self._template = self._learned_template()

    def write(self, t: dt.datetime) -> str:
        """Write a time as the clocks of its own zone show it."""
        if self._template is None:
            return self._by_babel(t)
        return self._by_template(self._template, t)

    def _learned_template(self) -> str | None:
        """Python's format string for the pattern; None if Babel has to write it."""
        text = str(self._pattern.format).replace("{", "{{").replace("}", "}}").replace("%%", "%")
        if not all(name in FIELDS for name in FIELD.findall(text)):
            return None
        template = FIELD.sub(lambda match: FIELDS[match[1]], text)
        for sample in SAMPLES:
            if self._by_template(template, sample) != self._by_babel(sample):
                return None
        return template

    def _by_template(self, template: str, t: dt.datetime) -> str:
        return template.format(
            t.day,
            t.month,
            self._months[t.month],
            t.year,
            t.year % 100,
            t.hour,
            t.hour % 12 or 12,
            t.minute,
            self._periods[t.hour >= 12],
        )

    def _by_babel(self, t: dt.datetime) -> str:
        return self._pattern.apply(t, self._locale)


@dataclass(frozen=True, slots=True)
class TimeFormats:
    """All date patterns of one locale."""

    datetime: TimeFormat
    time: TimeFormat
    date: TimeFormat
    day: TimeFormat
    month: TimeFormat
    brief: TimeFormat


@lru_cache(maxsize=256)
def time_formats(locale: Locale) -> TimeFormats:
    """The date patterns of a locale; learned once."""
    day = get_date_format("short", locale).pattern
    hour = get_time_format("short", locale).pattern
    both = str(get_datetime_format("short", locale=locale))
    skeletons = locale.datetime_skeletons
    return TimeFormats(
        datetime=TimeFormat(both.replace("{0}", hour).replace("{1}", day), locale),
        time=TimeFormat(hour, locale),
        date=TimeFormat(get_date_format("medium", locale).pattern, locale),
        day=TimeFormat(str(skeletons["MMMd"]), locale),
        month=TimeFormat(str(skeletons["yMMM"]), locale),
        brief=TimeFormat(day, locale),
    )


@lru_cache(maxsize=1024)
def interval(locale: Locale, first: dt.date, last: dt.date) -> str:
    """Two days, without repeating what they have in common."""
    text = str(format_interval(first, last, "yMMMd", locale=locale))
    # CLDR's thin space, in the form that does not break the line and that the font of pictures has.
    return text.replace("\u2009", "\u202f")
