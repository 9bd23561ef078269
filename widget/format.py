"""Figures and times as a language and region write them: what Babel gives, at a fraction of its cost.

Babel looks a locale up anew for every figure. Here the signs, separators, affixes and date patterns of a locale are
learnt from Babel once, tried against it, and applied by Python's own formatting; what the learnt form cannot do (Indian
grouping of large numbers, day periods) goes the long way through Babel. Rounding is half-even, on decimals.
"""

import datetime as dt
import re
from collections.abc import Callable
from copy import copy
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

from widget.i18n import cldr_locale

Naming = tuple[Callable[[Any], str], Callable[[Any], str]]
"""What names the points of a chart, and what names those on its axis."""

MISSING: Final = "–"
"""What stands where there is no figure."""

_LONG: Final = 300
"""From how many days on a chart's days are named with their year: with more, the same day may come twice."""


@lru_cache(maxsize=512)
def formatter(
    locale: str, zone: ZoneInfo, currency: str | None, percent_amounts: bool = False
) -> "Formatter":
    """The formatter for these, made once and kept."""
    return Formatter(locale, zone, currency, percent_amounts)


class Formatter:
    """Writes figures and times. Every method answers ``NOTHING`` to None; a zero never has a sign."""

    def __init__(
        self, locale: str, zone: ZoneInfo, currency: str | None, percent_amounts: bool = False
    ) -> None:
        """Learn how a locale writes.

        Args:
            locale: a BCP 47 tag; its region counts (en-GB, fr-CA).
            zone: the zone that times are shown in.
            currency: ISO 4217 code of amounts; None where they have none.
            percent_amounts: amounts are fractions of the balance and shown as percentages.
        """
        self._locale = known = cldr_locale(locale)
        self.zone = zone
        self._plain = _numbers(known, "decimal", None)
        self._percent = _numbers(known, "percent", None)
        self._money = _numbers(known, "currency", currency) if currency else self._plain
        self._decimals = f"z,.{get_currency_precision(currency) if currency else 2}f"
        self._percent_amounts = percent_amounts
        self._datetime, self._time, self._date, self._day, self._month, self._brief = _moments(
            known
        )

    @staticmethod
    def text(x: object) -> str:
        """A name, whoever chose it, as HTML. What the other methods write is the same in HTML and in text."""
        return MISSING if x is None else str(escape(x))

    def money(self, x: Decimal | None, signed: bool = False) -> str:
        """An amount with its currency, or as a percentage of the balance; ``signed`` shows the sign of a gain too."""
        return self._amount(self._money, x, signed)

    def amount(self, x: Decimal | None, signed: bool = False) -> str:
        """An amount without its currency, for the columns of a table."""
        return self._amount(self._plain, x, signed)

    def result(self, x: Decimal | None) -> str:
        """An amount without its currency and with the sign of a gain too."""
        return self._amount(self._plain, x, True)

    def signed_money(self, x: Decimal | None) -> str:
        """An amount with its currency and with the sign of a gain too."""
        return self.money(x, signed=True)

    def _amount(self, numbers: "_Numbers", x: Decimal | None, signed: bool) -> str:
        if x is None:
            return MISSING
        if self._percent_amounts:
            return self._percent.format(x * 100, "z,.2f", signed=signed)
        return numbers.format(x, self._decimals, signed=signed)

    def lots(self, x: Decimal | None) -> str:
        """A volume in lots, with two to four decimals."""
        return MISSING if x is None else self._plain.format(x, "z,.4f", optional=2)

    def lots_if_any(self, x: Decimal | None) -> str:
        """A volume of which none is no figure."""
        return self.lots(x or None)

    def price(self, x: Decimal | None) -> str:
        """A price or rate, with as many decimals as it came with."""
        return MISSING if x is None else self._plain.format(x, "z,f")

    def integer(self, n: Decimal | int | None) -> str:
        """A count."""
        return MISSING if n is None else self._plain.format(Decimal(n), "z,.0f")

    def percent(self, x: Decimal | None, signed: bool = False) -> str:
        """A fraction as a percentage with one or two decimals: 0.123 is 12.3%."""
        return (
            MISSING
            if x is None
            else self._percent.format(x * 100, "z,.2f", optional=1, signed=signed)
        )

    def signed_percent(self, x: Decimal | None) -> str:
        """A fraction as a percentage with the sign of a gain too."""
        return self.percent(x, signed=True)

    def gain(self, x: Decimal | None) -> str:
        """A gain as a percentage with its sign and two decimals, for what stands one below another."""
        return MISSING if x is None else self._percent.format(x * 100, "z,.2f", signed=True)

    def percent_on_axis(self, x: Decimal, step: Decimal) -> str:
        """A fraction as a percentage, with as many decimals as its axis needs."""
        return self._percent.format(x * 100, f"z,.{_decimals(step * 100)}f")

    def lots_on_axis(self, x: Decimal, step: Decimal) -> str:
        """A volume in lots, with as many decimals as its axis needs."""
        return self._plain.format(x, f"z,.{_decimals(step, 2)}f")

    def amount_on_axis(self, x: Decimal, step: Decimal) -> str:
        """An amount without its currency, whole where its axis is."""
        if self._percent_amounts:
            return self.percent_on_axis(x, step)
        return self._plain.format(x, f"z,.{_decimals(step, 2)}f")

    def ratio(self, x: Decimal | None) -> str:
        """A bare ratio, such as a profit factor, with two decimals."""
        return MISSING if x is None else self._plain.format(x, "z,.2f")

    def leverage(self, n: Decimal | int | None) -> str:
        """A leverage: 500 is 1:500."""
        return MISSING if n is None else f"1:{n:.0f}"

    def datetime(self, t: dt.datetime | None) -> str:
        """An instant as a short date and time in the zone."""
        return MISSING if t is None else self._datetime.format(t.astimezone(self.zone))

    def time(self, t: dt.datetime | None) -> str:
        """An instant's hour and minute in the zone."""
        return MISSING if t is None else self._time.format(t.astimezone(self.zone))

    def offset(self, t: dt.datetime) -> str:
        """How far the zone is from UTC at an instant: UTC+5:30."""
        minutes = round(
            (t.astimezone(self.zone).utcoffset() or dt.timedelta()).total_seconds() / 60
        )
        hours, minutes, sign = *divmod(abs(minutes), 60), "+" if minutes > 0 else "\N{MINUS SIGN}"
        return (
            "UTC"
            + (f"{sign}{hours}" if hours or minutes else "")
            + (f":{minutes:02}" if minutes else "")
        )

    def date(self, d: dt.date | None) -> str:
        """A day with its year; an instant is taken by its day in the zone."""
        return MISSING if d is None else self._date.format(self._moment(d))

    def day(self, d: dt.date | None) -> str:
        """A day and month, for axes and narrow columns: 21 Nov."""
        return MISSING if d is None else self._day.format(self._moment(d))

    def month(self, d: dt.date | None) -> str:
        """A month with its year, for axes of years: Nov 2026."""
        return MISSING if d is None else self._month.format(self._moment(d))

    def span(self, first: dt.date, last: dt.date) -> str:
        """Two days and what lies between, with nothing said twice: Nov 1 – 20, 2026."""
        return _interval(self._locale, self._moment(first).date(), self._moment(last).date())

    def period(self, first: dt.date | None, last: dt.date | None) -> str:
        """A period by its first and last day, of which one may be open."""
        if first and last:
            return self.span(first, last)
        return f"{self.date(first) if first else '…'} – {self.date(last) if last else '…'}"

    def brief_period(self, first: dt.date | None, last: dt.date | None) -> str:
        """The same in digits, for where there is little room: 11/1/26 – 11/20/26."""
        days = (first,) if first == last else (first, last)
        return " – ".join(self._brief.format(self._moment(day)) if day else "…" for day in days)

    def days(self, first: dt.date, last: dt.date) -> "Naming":
        """How days between two others are named in a chart: with their year where the same day could come twice."""
        is_long = (self._moment(last) - self._moment(first)).days > _LONG
        return (self.date, self.month) if is_long else (self.day, self.day)

    def instants(self, first: dt.datetime, last: dt.datetime) -> "Naming":
        """How instants between two others are named in a chart: by their hour within a day, else by their day."""
        is_one_day = self._moment(first).date() == self._moment(last).date()
        return (self.time, self.time) if is_one_day else self.days(first, last)

    def _moment(self, d: dt.date) -> dt.datetime:
        if isinstance(d, dt.datetime):
            return d.astimezone(self.zone)
        return dt.datetime.combine(d, dt.time(), self.zone)

    @staticmethod
    def iso(t: dt.date | None) -> str:
        """A day or an instant (in UTC) as machines read it, for ``<time datetime>``."""
        if t is None:
            return ""
        if not isinstance(t, dt.datetime):
            return t.isoformat()
        return (t if t.tzinfo is dt.UTC else t.astimezone(dt.UTC)).isoformat()[:19] + "Z"


def _decimals(step: Decimal, least: int = 1) -> int:
    """With how many decimals all the multiples of a step can be written: none, or at least so many."""
    needed = -int(step.normalize().as_tuple().exponent)
    return max(needed, least) if needed > 0 else 0


class _Numbers:
    """One kind of number of one locale: amounts of a currency, percentages or plain decimals."""

    def __init__(self, pattern: NumberPattern, locale: Locale, currency: str | None) -> None:
        self._locale = locale
        self._whole = copy(pattern)
        self._whole.prefix = self._whole.suffix = ("", "")
        self._whole.frac_prec, self._whole.scale = (0, 0), 0
        separators = {",": get_group_symbol(locale), ".": get_decimal_symbol(locale)}
        self._is_like_python = all(python == here for python, here in separators.items())
        self._separators = str.maketrans(separators)
        # The hyphen that stands for a minus in CLDR's data is narrower than a plus, and screen readers pass over it.
        minus = get_minus_sign_symbol(locale).replace("-", "\N{MINUS SIGN}")
        self._none = _affixes(pattern, locale, currency, 1, "")
        self._minus = _affixes(pattern, locale, currency, -1, minus)
        self._plus = _affixes(pattern, locale, currency, -1, get_plus_sign_symbol(locale))
        self._longest = self._learnt_length()

    def format(self, x: Decimal, spec: str, *, optional: int = 0, signed: bool = False) -> str:
        """Write a number.

        Args:
            x: the number; a percentage as it is to be read.
            spec: Python's format specification; it must group by commas and make no negative zero.
            optional: how many of its decimals go when they are zeros at the end.
            signed: whether what is above zero gets a plus sign.
        """
        text = format(x, spec)
        if optional:
            text = text[:-optional] + text[-optional:].rstrip("0")
        if text[0] == "-":
            (before, after), text = self._minus, text[1:]
        else:
            before, after = self._plus if signed and text.strip("0.") else self._none
        if len(text) > self._longest and len(text.partition(".")[0]) > self._longest:
            return before + self._by_babel(text) + after
        if not self._is_like_python:
            text = text.translate(self._separators)
        return before + text + after

    def _by_babel(self, text: str) -> str:
        whole, point, fraction = text.partition(".")
        with localcontext(prec=len(text)):  # else Babel gives up beyond 28 digits
            grouped: str = self._whole.apply(Decimal(whole.replace(",", "")), self._locale)
        return grouped + (point + fraction).translate(self._separators)

    def _learnt_length(self) -> int:
        """Up to how many characters (commas counted) what Python groups is what Babel groups."""
        longest = 0
        for digits in range(1, 19):
            text = f"{int('123456789' * 2) // 10 ** (18 - digits):,}"
            if text.translate(self._separators) != self._by_babel(text):
                break
            longest = len(text)
        return longest


def _affixes(
    pattern: NumberPattern, locale: Locale, currency: str | None, one: int, sign: str
) -> tuple[str, str]:
    """What stands before and after a number, from how Babel writes 1 or -1."""
    bare = copy(pattern)
    bare.frac_prec, bare.scale = (0, 0), 0
    before, _, after = bare.apply(
        Decimal(one), locale, currency=currency, currency_digits=False
    ).partition("1")
    before, after = before.replace("-", sign), after.replace("-", sign)
    if currency:  # CLDR's currencySpacing, which Babel leaves out: CHF 1.50, but $1.50
        before += "\N{NO-BREAK SPACE}" if category(before[-1:] or " ")[0] in "LP" else ""
        after = ("\N{NO-BREAK SPACE}" if category(after[:1] or " ")[0] in "LP" else "") + after
        if locale.text_direction == "rtl" and after.strip("\N{NO-BREAK SPACE}").isascii():
            # US$ between figures and text from right to left would be torn apart: $+65.26 US.
            after = f"\N{RIGHT-TO-LEFT MARK}{after}\N{LEFT-TO-RIGHT MARK}"
    return before, after


@lru_cache(maxsize=512)
def _numbers(locale: Locale, kind: str, currency: str | None) -> _Numbers:
    patterns: dict[str, NumberPattern] = {
        "decimal": locale.decimal_formats[None],
        "percent": locale.percent_formats[None],
        "currency": locale.currency_formats["standard"],
    }
    return _Numbers(patterns[kind], locale, currency)


# The fields of CLDR's date patterns that short forms are made of, in Python's format language: what stands for them is
# given by position, which is twice as fast as by name.
_FIELDS: Final = {
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


class _Moment:
    """One date pattern of one locale."""

    def __init__(self, pattern: str, locale: Locale) -> None:
        self._locale = locale
        self._pattern = parse_date_pattern(pattern)
        self._months = get_month_names("abbreviated", "format", locale)
        periods = get_period_names("abbreviated", "format", locale)
        self._periods = periods["am"], periods["pm"]
        self._template: str | None = None
        template = (
            str(self._pattern.format).replace("{", "{{").replace("}", "}}").replace("%%", "%")
        )
        if all(name in _FIELDS for name in re.findall(r"%\((\w+)\)s", template)):
            template = re.sub(r"%\((\w+)\)s", lambda match: _FIELDS[match[1]], template)
            samples = (
                dt.datetime(2007, 3, 4, 5, 6, tzinfo=dt.UTC),
                dt.datetime(2026, 12, 31, 23, 59, tzinfo=dt.UTC),
            )
            if all(
                self._by_template(template, sample) == self._by_babel(sample) for sample in samples
            ):
                self._template = template

    def format(self, t: dt.datetime) -> str:
        """Write an instant as the clocks of its own zone show it."""
        return self._by_template(self._template, t) if self._template else self._by_babel(t)

    def _by_template(self, template: str, t: dt.datetime) -> str:
        year, month, hour = t.year, t.month, t.hour
        half_day, period = hour % 12 or 12, self._periods[hour >= 12]
        return template.format(
            t.day, month, self._months[month], year, year % 100, hour, half_day, t.minute, period
        )

    def _by_babel(self, t: dt.datetime) -> str:
        return self._pattern.apply(t, self._locale)


@lru_cache(maxsize=256)
def _moments(locale: Locale) -> tuple[_Moment, ...]:
    day, hour = get_date_format("short", locale).pattern, get_time_format("short", locale).pattern
    both = str(get_datetime_format("short", locale=locale)).replace("{0}", hour).replace("{1}", day)
    day_and_month = str(locale.datetime_skeletons["MMMd"])
    month_and_year = str(locale.datetime_skeletons["yMMM"])
    long = get_date_format("medium", locale).pattern
    patterns = (both, hour, long, day_and_month, month_and_year, day)
    return tuple(_Moment(pattern, locale) for pattern in patterns)


@lru_cache(maxsize=1024)
def _interval(locale: Locale, first: dt.date, last: dt.date) -> str:
    # As narrow a space as CLDR's, but no line is broken at it.
    return str(format_interval(first, last, "yMMMd", locale=locale)).replace("\u2009", "\u202f")
