"""Numbers and times as a language and region write them: as Babel does, at a fraction of its cost.

Babel looks up the locale again for every number. Here, the signs, separators, affixes and date
patterns of a locale are taken from Babel once, compared with what Babel writes, and applied with
Python's own formatting. What that cannot do (Indian grouping of large numbers, some day periods) is
left to Babel. Rounding is half to even, in Decimal.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache
from typing import Any, Final, Literal
from unicodedata import category
from zoneinfo import ZoneInfo

from babel import Locale
from babel.core import get_global
from babel.dates import (
    format_interval,
    format_timedelta,
    get_date_format,
    get_datetime_format,
    get_day_names,
    get_month_names,
    get_period_names,
    get_time_format,
)
from babel.dates import parse_pattern as parse_date_pattern
from babel.numbers import (
    NumberPattern,
    get_decimal_symbol,
    get_group_symbol,
    get_minus_sign_symbol,
    get_plus_sign_symbol,
)
from babel.units import format_unit
from markupsafe import escape

from widget.render.currencies import decimals_of_currency, sign_of_currency
from widget.render.i18n import cldr_locale

Name = Callable[[Any], str]
"""Names an instant or a day."""
Naming = tuple[Name, Name]
"""How the points of a chart are named, and how those on its axis."""

MISSING: Final = "–"
"""What replaces a missing figure."""
LONG_CHART_DAYS: Final = 300
"""Longer charts name days with their year, since the same day could occur twice."""
PERCENT: Final = "z,.2f"
"""Python's format of a percentage; ``z`` removes the sign of a negative zero."""
UNKNOWN_CURRENCY: Final = (8, 6)
"""The decimals of an amount whose currency is unknown, which may be a cryptocurrency, and how many
of them are removed if they are zeros."""
PREFIXES: Final = {
    -3: "n",
    -2: "\N{MICRO SIGN}",
    -1: "m",
    1: "k",
    2: "M",
    3: "G",
    4: "T",
}
"""The international prefixes, the same in all languages, by their power of a thousand."""
SMALL_CELL: Final = Decimal("0.01")
"""In a narrow cell, smaller amounts of currencies with many decimals have a prefix."""
SMALL_LOTS: Final = Decimal("0.01")
"""Volumes below have more decimals than others, so that something is left of them."""
UNGROUPED: Final[Mapping[str, frozenset[str | None]]] = {
    "es": frozenset({None, "ES", "EA", "GQ", "IC", "PH"}),
    "it": frozenset({None, "IT", "CH", "SM", "VA"}),
    "pl": frozenset({None, "PL"}),
    "pt": frozenset({"PT", "CH", "CV", "GQ", "GW", "LU", "MO", "MZ", "ST", "TL"}),
}
"""Languages and territories that write 1234,50 but 12.345,50: CLDR's minimumGroupingDigits is 2
there, which Babel does not have."""
MAX_LEARNED_DIGITS: Final = 18
"""Longer numbers are always left to Babel."""
NO_BREAK_SPACE: Final = "\N{NO-BREAK SPACE}"


# The limit is for visitors who request one language and time zone after the other.
@lru_cache(maxsize=512)
def formatter(
    locale: str,
    zone: ZoneInfo,
    currency: str | None,
    percent_amounts: bool = False,
) -> "Formatter":
    """A formatter, created once for each combination; the arguments are those of the class."""
    return Formatter(locale, zone, currency, percent_amounts)


class Formatter:
    """Writes numbers and times.

    Every method returns ``MISSING`` for None, and no zero has a sign. What the methods write needs
    no escaping in HTML.
    """

    def __init__(
        self,
        locale: str,
        zone: ZoneInfo,
        currency: str | None,
        percent_amounts: bool = False,
    ) -> None:
        """Learn how a locale writes numbers and times.

        Args:
            locale: a BCP 47 tag; its region matters (en-GB, fr-CA).
            zone: the time zone in which times are written.
            currency: the ISO 4217 code of amounts; None if it is unknown.
            percent_amounts: whether amounts are fractions of the balance, written as percentages.
        """
        self.zone = zone
        self._percent_amounts = percent_amounts
        self._locale = cldr_locale(locale)
        self._dates = date_locale(self._locale)
        self._times = time_formats(self._dates)
        self._plain = number_format(self._locale, "decimal", None)
        self._percent = number_format(self._locale, "percent", None)
        # An amount whose currency is unknown is written without one.
        self._money = self._plain
        self._decimals, self._optional_decimals = UNKNOWN_CURRENCY
        if currency:
            self._money = number_format(self._locale, "currency", currency)
            self._decimals = decimals_of_currency(currency)
            self._optional_decimals = 0
        self._amount_spec = f"z,.{self._decimals}f"

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
        return numbers.write(
            x,
            self._amount_spec,
            optional=self._optional_decimals,
            signed=signed,
        )

    def lots(self, x: Decimal | None) -> str:
        """A volume in lots, with two to four decimals; up to eight if it is very small."""
        if x is None:
            return MISSING
        if abs(x) < SMALL_LOTS:
            return self._plain.write(x, "z,.8f", optional=6)
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
        """A fraction as a percentage with two decimals: 0.123 is 12.30%."""
        if x is None:
            return MISSING
        return self._percent.write(x * 100, PERCENT, signed=signed)

    def signed_percent(self, x: Decimal | None) -> str:
        """A fraction as a percentage with a plus sign for a gain."""
        return self.percent(x, signed=True)

    def cell_percent(self, x: Decimal, signed: bool = False) -> str:
        """A fraction in percent for a narrow cell: without the percent sign, and with fewer
        decimals if it is large.
        """
        number = x * 100
        size = abs(number)
        spec = PERCENT
        # Large ones have fewer decimals, so that they need hardly more room.
        if size >= 1000:
            spec = "z,.0f"
        elif size >= 100:
            spec = "z,.1f"
        return self._plain.write(number, spec, signed=signed)

    def cell_amount(self, x: Decimal) -> str:
        """A gain or loss without its currency for a narrow cell: with few digits. From 10,000 on it
        has the prefix for thousands, millions or more, and below a hundredth that for thousandths
        or less, if its currency has so many decimals, as BTC has.
        """
        if self._percent_amounts:
            return self.cell_percent(x, signed=True)
        size = abs(x)
        is_tiny = self._decimals > 2 and 0 < size < SMALL_CELL
        if size >= 10_000 or is_tiny:
            return self._prefixed(x)
        decimals = 0
        if size < 1:
            decimals = 3
        elif size < 100:
            decimals = 2
        decimals = min(decimals, self._decimals)
        return self._plain.write(x, f"z,.{decimals}f", signed=True)

    def _prefixed(self, x: Decimal) -> str:
        """A gain or loss with the prefix for its power of a thousand."""
        exponent = abs(x).adjusted() // 3
        smallest = min(PREFIXES)
        largest = max(PREFIXES)
        exponent = min(max(exponent, smallest), largest)
        number = x.scaleb(-3 * exponent)
        spec = "z,.1f"
        if abs(number) >= 100:
            spec = "z,.0f"
        text = self._plain.write(number, spec, signed=True)
        return text + PREFIXES[exponent]

    def percent_on_axis(self, x: Decimal, step: Decimal) -> str:
        """A fraction as a percentage, with the decimals that its axis needs."""
        decimals = step_decimals(step * 100)
        spec = f"z,.{decimals}f"
        return self._percent.write(x * 100, spec)

    def lots_on_axis(self, x: Decimal, step: Decimal) -> str:
        """A volume in lots, with the decimals that its axis needs."""
        decimals = step_decimals(step, minimum=2)
        spec = f"z,.{decimals}f"
        return self._plain.write(x, spec)

    def amount_on_axis(self, x: Decimal, step: Decimal) -> str:
        """An amount without its currency, with the decimals that its axis needs."""
        if self._percent_amounts:
            return self.percent_on_axis(x, step)
        decimals = step_decimals(step, minimum=2)
        spec = f"z,.{decimals}f"
        return self._plain.write(x, spec)

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

    def duration(self, seconds: int | None) -> str:
        """A duration in its two largest units, such as 1d 4h or 12m."""
        if seconds is None:
            return MISSING
        # Some brokers' clocks are so wrong that trades end before they begin.
        minutes, rest = divmod(max(0, seconds), 60)
        hours, minutes = divmod(minutes, 60)
        days, hours = divmod(hours, 24)
        numbers = {
            "day": days,
            "hour": hours,
            "minute": minutes,
            "second": rest,
        }
        texts: list[str] = []
        for unit, number in numbers.items():
            if number:
                text = duration_text(self._locale, unit, number)
                texts.append(text)
            elif texts:
                # The next smaller unit only, if it is not 0: nobody counts the minutes of days.
                break
            if len(texts) == 2:
                break
        if not texts:
            return duration_text(self._locale, "second", 0)
        return NO_BREAK_SPACE.join(texts)

    def datetime(self, t: dt.datetime | None) -> str:
        """An instant as a short date and time."""
        if t is None:
            return MISSING
        local = t.astimezone(self.zone)
        return self._times.datetime.write(local)

    def datetime_and_zone(self, t: dt.datetime) -> str:
        """An instant as a short date and time, with its time zone."""
        return f"{self.datetime(t)} {self.offset(t)}"

    def time(self, t: dt.datetime | None) -> str:
        """The hour and minute of an instant."""
        if t is None:
            return MISSING
        local = t.astimezone(self.zone)
        return self._times.time.write(local)

    def age(self, elapsed: dt.timedelta) -> str:
        """How long ago something was that is at least a minute old, in words: 2 min ago."""
        minutes = elapsed // dt.timedelta(minutes=1)
        return age(self._dates, minutes)

    def offset(self, t: dt.datetime) -> str:
        """The difference between the time zone and UTC at an instant, such as UTC+5:30."""
        local = t.astimezone(self.zone)
        difference = local.utcoffset() or dt.timedelta()
        # Before time zones were introduced, local times differed from UTC by odd seconds.
        total_minutes = round(difference.total_seconds() / 60)
        sign = "\N{MINUS SIGN}"
        if total_minutes > 0:
            sign = "+"
        hours, minutes = divmod(abs(total_minutes), 60)
        if minutes:
            return f"UTC{sign}{hours}:{minutes:02}"
        if hours:
            return f"UTC{sign}{hours}"
        return "UTC"

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

    def month_and_year(self, d: dt.date) -> str:
        """A month with its year: November 2026."""
        return self._times.month_and_year.write(self._local(d))

    def first_week_day(self) -> int:
        """The day on which weeks begin: 0 is Monday. A language without a region has the one in
        which most of its speakers live.
        """
        return first_week_day(self._locale)

    def hour(self, number: int) -> str:
        """An hour of the day, by the time at which it begins."""
        beginning = dt.datetime(2000, 1, 1, number, tzinfo=self.zone)
        return self._times.time.write(beginning)

    def day_names(self, width: Literal["wide", "abbreviated", "narrow"]) -> list[str]:
        """The names of the days of the week, from Monday on."""
        names = get_day_names(width, "stand-alone", self._locale)
        return [names[number] for number in range(7)]

    def month_names(self, width: Literal["abbreviated", "narrow"]) -> list[str]:
        """The names of the twelve months."""
        names = get_month_names(width, "stand-alone", self._locale)
        return [names[number] for number in range(1, 13)]

    def span(self, first: dt.date, last: dt.date) -> str:
        """Two days, without repeating what they have in common: Nov 1 – 20, 2026."""
        first_day = self._local(first).date()
        last_day = self._local(last).date()
        return interval(self._dates, first_day, last_day)

    def period(self, first: dt.date | None, last: dt.date | None) -> str:
        """A period by its first and last day, of which one may be missing."""
        if first and last:
            return self.span(first, last)
        # An ellipsis and not a dash, which would look like a part of the range.
        begin = "…"
        end = "…"
        if first:
            begin = self.date(first)
        if last:
            end = self.date(last)
        return f"{begin} – {end}"

    def brief_period(self, first: dt.date | None, last: dt.date | None) -> str:
        """A period in short dates, for narrow cards: 1 Nov 26 – 20 Nov 26."""
        if first == last:
            return self._brief_day(first)
        begin = self._brief_day(first)
        end = self._brief_day(last)
        return f"{begin} – {end}"

    def _brief_day(self, d: dt.date | None) -> str:
        """A short date; an ellipsis for None."""
        if d is None:
            return "…"
        return self._times.brief.write(self._local(d))

    def days(self, first: dt.date, last: dt.date) -> Naming:
        """How the days of a chart between two others are named."""
        begin = self._local(first)
        end = self._local(last)
        length = end - begin
        if length.days > LONG_CHART_DAYS:
            return self.date, self.month
        return self.day, self.day

    def instants(self, first: dt.datetime, last: dt.datetime) -> Naming:
        """How the instants of a chart are named: by hour within a day, otherwise by day."""
        first_day = self._local(first).date()
        last_day = self._local(last).date()
        # All days would be the same one.
        if first_day == last_day:
            return self.time, self.time
        return self.days(first, last)

    def _local(self, d: dt.date) -> dt.datetime:
        """An instant in the time zone, or the beginning of a day in it."""
        # datetime is a subclass of date.
        if isinstance(d, dt.datetime):
            return d.astimezone(self.zone)
        midnight = dt.time()
        return dt.datetime.combine(d, midnight, self.zone)

    @staticmethod
    def iso(t: dt.date | None) -> str:
        """A day, or an instant in UTC, for programs; empty for None."""
        if t is None:
            return ""
        if not isinstance(t, dt.datetime):
            return t.isoformat()
        # Nearly all times are in UTC already, and the comparison is faster than the conversion.
        if t.tzinfo is not dt.UTC:
            t = t.astimezone(dt.UTC)
        # isoformat() is several times as fast as strftime().
        return f"{t.isoformat()[:19]}Z"


def step_decimals(step: Decimal, minimum: int = 1) -> int:
    """The decimals that all multiples of a step need: none, or at least ``minimum``."""
    # normalize() removes the zeros at the end: the exponent of 0.50 becomes that of 0.5.
    shortest = step.normalize()
    exponent = int(shortest.as_tuple().exponent)
    if exponent >= 0:
        return 0
    return max(-exponent, minimum)


class NumberFormat:
    """One kind of number of one locale: amounts of a currency, percentages or plain decimals."""

    def __init__(
        self,
        pattern: NumberPattern,
        locale: Locale,
        currency: str | None,
    ) -> None:
        self._locale = locale
        # Babel writes digits only: the affixes are added here.
        self._whole = bare_pattern(pattern)
        self._whole.prefix = ("", "")
        self._whole.suffix = ("", "")
        group = get_group_symbol(locale)
        point = get_decimal_symbol(locale)
        self._is_like_python = group == "," and point == "."
        self._separators = str.maketrans({",": group, ".": point})
        territories = UNGROUPED.get(locale.language, ())
        self._has_ungrouped_thousands = locale.territory in territories
        # CLDR's data often has a hyphen, which is narrower than a plus, and which screen readers
        # do not read.
        minus = get_minus_sign_symbol(locale).replace("-", "\N{MINUS SIGN}")
        plus = get_plus_sign_symbol(locale)
        self._affixes = affixes(pattern, locale, currency, 1, "")
        self._minus_affixes = affixes(pattern, locale, currency, -1, minus)
        # No pattern has a place for a plus: it takes that of the minus.
        self._plus_affixes = affixes(pattern, locale, currency, -1, plus)
        self._max_length = self._learned_length()

    def write(
        self,
        x: Decimal,
        spec: str,
        *,
        optional: int = 0,
        signed: bool = False,
    ) -> str:
        """Write a number.

        Args:
            x: the number; a percentage as it is written.
            spec: Python's format specification, with groups and without negative zeros.
            optional: how many of its last decimals are removed if they are zeros.
            signed: whether a positive number has a plus sign.
        """
        text = format(x, spec)
        if optional:
            required = text[:-optional]
            rest = text[-optional:]
            text = required + rest.rstrip("0")
        before, after = self._affixes
        if text[0] == "-":
            before, after = self._minus_affixes
            text = text[1:]
        elif signed and text.strip("0."):  # something is left, unless all digits are zeros
            before, after = self._plus_affixes
        # Most numbers are short, even with their decimals: the quick test comes first.
        if len(text) > self._max_length and not self._can_group(text):
            return before + self._by_babel(text) + after
        if self._has_ungrouped_thousands and text.find(",") == 1 and text.count(",") == 1:
            text = text.replace(",", "")
        if not self._is_like_python:
            text = text.translate(self._separators)
        return before + text + after

    def _can_group(self, text: str) -> bool:
        """Whether Python groups the digits of a number as Babel does."""
        whole, _, _ = text.partition(".")
        return len(whole) <= self._max_length

    def _by_babel(self, text: str) -> str:
        """A number that Python wrote, with the groups of Babel."""
        whole, point, fraction = text.partition(".")
        number = Decimal(whole.replace(",", ""))
        # With Python's default precision Babel fails beyond 28 digits.
        with localcontext(prec=len(text)):
            grouped: str = self._whole.apply(number, self._locale)
        decimals = point + fraction
        return grouped + decimals.translate(self._separators)

    def _learned_length(self) -> int:
        """Up to how many characters Python groups numbers as Babel does, commas included."""
        # India groups as in 12,34,567. Trying shows up to where that makes no difference, so that
        # no rule of CLDR has to be repeated here.
        all_digits = "123456789" * 2
        longest = 0
        for digits in range(1, MAX_LEARNED_DIGITS + 1):
            number = int(all_digits[:digits])
            text = f"{number:,}"
            by_python = text.translate(self._separators)
            if by_python != self._by_babel(text):
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
    pattern: NumberPattern,
    locale: Locale,
    currency: str | None,
    one: int,
    sign: str,
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
        Decimal(one),
        locale,
        currency=currency,
        currency_digits=False,  # otherwise the currency's decimals would be written
    )
    text = text.replace("-", sign)
    if currency:
        # Babel writes the code of a currency that it does not know.
        text = text.replace(currency, sign_of_currency(currency))
    before, _, after = text.partition("1")
    if not currency:
        return before, after
    # CLDR's currencySpacing, which Babel leaves out: CHF 1.50, but $1.50.
    if needs_space(before[-1:]):
        before += NO_BREAK_SPACE
    if needs_space(after[:1]):
        after = NO_BREAK_SPACE + after
    is_latin = after.strip(NO_BREAK_SPACE)[:1].isascii()
    if locale.text_direction == "rtl" and is_latin:
        # US$ between a number and text from right to left would be torn apart: $+65.26 US.
        after = f"\N{RIGHT-TO-LEFT MARK}{after}\N{LEFT-TO-RIGHT MARK}"
    return before, after


def needs_space(character: str) -> bool:
    """Whether a character of a currency needs a space between itself and the number."""
    if not character:
        return False
    # L are letters and P is punctuation. Signs such as $ belong to S.
    return category(character)[0] in "LP"


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
        text = str(self._pattern.format)
        # Babel's format strings have %(y)s and %%, Python's have {3} and {{.
        text = text.replace("{", "{{")
        text = text.replace("}", "}}")
        text = text.replace("%%", "%")
        names = FIELD.findall(text)
        if not FIELDS.keys() >= set(names):
            return None
        template = FIELD.sub(python_field, text)
        # A template is only used if it writes exactly what Babel writes.
        for sample in SAMPLES:
            by_python = self._by_template(template, sample)
            if by_python != self._by_babel(sample):
                return None
        return template

    def _by_template(self, template: str, t: dt.datetime) -> str:
        """Write a time with Python's format string; the arguments are those of ``FIELDS``."""
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
        """Write a time as Babel does."""
        return self._pattern.apply(t, self._locale)


def python_field(match: re.Match[str]) -> str:
    """A field of Babel's format string as one of Python's."""
    name = match[1]
    return FIELDS[name]


@dataclass(frozen=True, slots=True)
class TimeFormats:
    """All date patterns of one locale."""

    datetime: TimeFormat
    time: TimeFormat
    date: TimeFormat
    day: TimeFormat
    month: TimeFormat
    month_and_year: TimeFormat
    brief: TimeFormat


def date_locale(locale: Locale) -> Locale:
    """The locale by which dates are written."""
    # English without a region is read everywhere: day and month must not be mistaken.
    if locale.language == "en" and locale.territory is None:
        return Locale("en", "GB")
    return locale


@lru_cache(maxsize=256)
def time_formats(locale: Locale) -> TimeFormats:
    """The date patterns of a locale; learned once."""
    whole = get_date_format("medium", locale).pattern
    day = get_date_format("short", locale).pattern
    brief = day
    # 11/12/26 is in November or in December, so that English writes the month as a word.
    if locale.language == "en":
        day = whole
        brief = whole.replace("y", "yy")
    hour = get_time_format("short", locale).pattern
    # CLDR's narrow space before AM is hardly visible at the size of a table.
    hour = hour.replace("\u202f", NO_BREAK_SPACE)
    # How CLDR joins a time ({0}) and a date ({1}), which differs in order and punctuation.
    both = str(get_datetime_format("short", locale=locale))
    both = both.replace("{0}", hour)
    both = both.replace("{1}", day)
    skeletons = locale.datetime_skeletons
    return TimeFormats(
        datetime=TimeFormat(both, locale),
        time=TimeFormat(hour, locale),
        date=TimeFormat(whole, locale),
        day=TimeFormat(str(skeletons["MMMd"]), locale),
        month=TimeFormat(str(skeletons["yMMM"]), locale),
        month_and_year=TimeFormat(str(skeletons["yMMMM"]), locale),
        brief=TimeFormat(brief, locale),
    )


AGE_UNITS: Final = (10080, 1440, 60, 1)
"""A week, a day, an hour and a minute, in minutes."""


@lru_cache(maxsize=1024)
def age(locale: Locale, minutes: int) -> str:
    """So many minutes ago, in words."""
    unit = next(unit for unit in AGE_UNITS if minutes >= unit)
    # Babel rounds half up: 119 minutes would be 2 hours.
    whole = minutes - minutes % unit
    return format_timedelta(
        dt.timedelta(minutes=-whole),
        threshold=1,
        add_direction=True,
        format="short",
        locale=locale,
    )


@lru_cache(maxsize=256)
def first_week_day(locale: Locale) -> int:
    """The day on which weeks begin, see ``Formatter.first_week_day``."""
    likely = get_global("likely_subtags").get(str(locale))
    if likely is not None:
        locale = Locale.parse(likely)
    day: int = locale.first_week_day
    return day


@lru_cache(maxsize=1024)
def duration_text(locale: Locale, unit: str, number: int) -> str:
    """A number of days, hours, minutes or seconds, as short as possible."""
    text: str = format_unit(number, f"duration-{unit}", length="narrow", locale=locale)
    # A line must not end between number and unit.
    return text.replace(" ", NO_BREAK_SPACE)


@lru_cache(maxsize=1024)
def interval(locale: Locale, first: dt.date, last: dt.date) -> str:
    """Two days, without repeating what they have in common."""
    text = str(format_interval(first, last, "yMMMd", locale=locale))
    # CLDR's thin space, in the form that does not break the line and that the font of pictures has.
    return text.replace("\u2009", "\u202f")
