"""A view in the language and format of its visitor: how figures, periods and charts are written.

Pages, pictures and oEmbed share it, so that a figure is written the same everywhere.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from gettext import NullTranslations
from typing import Any, Final
from unicodedata import category
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from widget.errors import N_
from widget.render import chart
from widget.render.chart import BarChart, CurveChart, Labels, Point
from widget.render.currencies import sign_of_currency
from widget.render.format import MISSING, Formatter, Naming, formatter
from widget.render.i18n import Catalogues
from widget.render.view import View
from widget.widgets import base
from widget.widgets.base import Kind
from widget.widgets.options import PERIODS

# Methods by name, so that a formatter can override them.
METHODS: Final[dict[Kind, str]] = {
    "count": "integer",
    "duration": "duration",
    "money": "money",
    "signed": "signed_money",
    "result": "signed_money",
    "gain": "signed_percent",
    "percent": "percent",
    "ratio": "ratio",
    "leverage": "leverage",
    "lots": "lots",
    "lots_if_any": "lots_if_any",
    "price": "price",
    "time": "datetime",
}
"""The method of ``Formatter`` that writes a figure of each kind; all other kinds are text."""

WITHOUT_CURRENCY: Final[dict[Kind, str]] = {
    "money": "amount",
    "signed": "result",
    "result": "result",
}
"""The methods for amounts below a heading that contains their currency."""

CHART_METHODS: Final = {
    "lots": ("lots", "lots_on_axis"),
    "money": ("amount", "amount_on_axis"),
    "gain": ("signed_percent", "percent_on_axis"),
}
"""The methods that write the figures of a chart, and those on its axis."""

ARROWS: Final = {
    1: ("\N{BLACK UP-POINTING TRIANGLE}", N_("profit")),
    -1: ("\N{BLACK DOWN-POINTING TRIANGLE}", N_("loss")),
}


SIDE_NAMES: Final = {"buy": N_("Buy"), "sell": N_("Sell")}
"""The sides of trades whose kind does not matter."""
NONZERO: Final = re.compile("[1-9]")
"""A digit that makes a displayed number more or less than 0."""
KINDS: Final = {
    "real": N_("real"),
    "demo": N_("demo"),
}
"""The kinds of accounts."""


@dataclass(frozen=True, slots=True)
class Text:
    """A figure as it is displayed.

    Attributes:
        label: its name.
        text: its value.
        sign: 1 for a profit and -1 for a loss.
        explanation: what it means; empty without an explanation.
    """

    label: str
    text: str
    sign: int = 0
    explanation: str = ""

    @property
    def length(self) -> int:
        """The number of visible characters: those that set the direction take no room."""
        return sum(category(character) != "Cf" for character in self.text)


@dataclass(frozen=True, slots=True)
class Display:
    """A view, and how to write it.

    Attributes:
        view: the data.
        language: the language of the texts.
        translations: the texts in that language.
        fmt: writes numbers and times.
    """

    view: View
    language: str
    translations: NullTranslations
    fmt: Formatter

    @property
    def label(self) -> str:
        """The name of the widget."""
        return self.gettext(self.view.widget.label)

    def gettext(self, message: str) -> str:
        """A text in the visitor's language."""
        return self.translations.gettext(message)

    def counted(self, messages: tuple[str, str], number: int) -> str:
        """A number with its noun: 1 trade, 2 trades.

        Args:
            messages: msgids for one and for several, with ``%(count)s``.
            number: how many there are.
        """
        one, many = messages
        message = self.translations.ngettext(one, many, number)
        return message % {"count": self.fmt.integer(number)}

    def write(self, kind: Kind, value: Any, methods: Mapping[Kind, str] = METHODS) -> str:
        """A value that stands by itself, as text; ``methods`` are those of the formatter."""
        if value is None:
            return MISSING
        if kind == "flag":
            return self.flag(value)
        if kind not in methods:
            return str(value)
        write: Callable[[Any], str] = getattr(self.fmt, methods[kind])
        return write(value)

    def key(self, value: str | int | None) -> str:
        """What the trades of a group have in common, as HTML."""
        if value is None:
            return self.word(N_("Others"))
        by = self.view.options.by
        if by == "weekday":
            names = self.fmt.day_names("wide")
            # Python's days begin at 0, and those of ISO 8601 at 1.
            return names[int(value) - 1]
        if by == "hour":
            return self.fmt.hour(int(value))
        if by == "side":
            return self.word(SIDE_NAMES[str(value)])
        return str(escape(value))

    def word(self, message: str) -> str:
        """A text in the visitor's language, as HTML."""
        return str(escape(self.gettext(message)))

    def flag(self, value: bool) -> str:
        """Yes or no."""
        if value:
            return self.gettext(N_("Yes"))
        return self.gettext(N_("No"))

    def figure(
        self,
        figure: base.Figure,
        methods: Mapping[Kind, str] = METHODS,
    ) -> Text | None:
        """A figure with its name; None if it is hidden, or a code that nobody knows.

        Args:
            figure: which one.
            methods: the methods of the formatter that write it.
        """
        if figure.name in self.view.hidden and not figure.always:
            return None
        data = self.view.data
        # A figure of the totals is one level below the others.
        if figure.within:
            # All totals are hidden at once if the account hides their object.
            data = data[figure.within]
            if data is None:
                return None
        value = data[figure.name]
        if isinstance(value, int) and figure.kind == "word":
            # A code without a meaning says nothing to a visitor.
            if not 0 <= value < len(figure.words):
                return None
            value = figure.words[value]
        text = self.write(figure.kind, value, methods)
        explanation = ""
        if figure.explanation:  # gettext returns the header of the catalogue for an empty text
            explanation = self.gettext(figure.explanation)
        return Text(
            label=self.gettext(figure.label),
            text=text,
            sign=sign_of(figure.kind, value, text),
            explanation=explanation,
        )

    def summary(self) -> str:
        """The most important figure, as one line of text; empty if there is none."""
        widget = self.view.widget
        if widget.summary is None:
            return ""
        # A figure that is displayed as a dash says nothing in a summary.
        if widget.summary.name in self.view.hidden:
            return ""
        figure = self.figure(widget.summary)
        if figure is None:
            return ""
        return f"{figure.label} {figure.text}"

    def kind(self) -> str:
        """Whether it is a real account or a demo account; empty if that is not published."""
        kind = self.view.account.kind
        if kind is None:
            return ""
        return self.gettext(KINDS[kind])

    def age(self) -> str:
        """How old the figures are, in words."""
        # Seconds would be out of date at once, and each of them would make another page of it.
        if self.age_minutes() < 1:
            return self.just_now()
        return self.fmt.age(self.view.now - self.view.as_of)

    def age_minutes(self) -> int:
        """How old the figures are, rounded down."""
        age = self.view.now - self.view.as_of
        return age // timedelta(minutes=1)

    def just_now(self) -> str:
        """The age of figures that are less than a minute old."""
        return self.gettext(N_("just now"))

    def exact_time(self) -> str:
        """The time of the figures, with its time zone."""
        return self.fmt.datetime_and_zone(self.view.as_of)

    def unit(self) -> str:
        """What the amounts are measured in; empty if there are none, or if nobody knows."""
        view = self.view
        if not view.widget.shows_currency:
            return ""
        if view.account.amounts == "percent":
            return self.gettext(N_("% of the balance"))
        if view.currency:
            return sign_of_currency(view.currency)
        return ""

    def nothing(self) -> str:
        """Why a widget has no figures at all."""
        if self.view.hidden:
            return self.gettext(N_("These figures are not published"))
        return self.gettext(N_("No figures yet"))

    def period(self) -> str:
        """The period in words: its name, or its dates."""
        period = self.view.options.period
        if period.has_dates:
            return self.fmt.period(period.first, period.last)
        return self.gettext(PERIODS[period.name])

    def brief_period(self) -> str:
        """The period, with short dates, for narrow cards."""
        period = self.view.options.period
        if period.has_dates:
            return self.fmt.brief_period(period.first, period.last)
        return self.period()

    def arrow(self, sign: int) -> Markup:
        """The arrow before a profit or a loss, with a word for screen readers; empty for zero."""
        if sign == 0:
            return Markup()
        symbol, message = ARROWS[sign]
        word = escape(self.gettext(message))
        arrow = f'<i aria-hidden="true">{symbol}</i><span class="vh">{word} </span>'
        return Markup(arrow)  # noqa: S704  # its only text is escaped

    def chart(self, declared: base.Chart) -> BarChart | CurveChart | None:
        """The geometry of a chart; None without data."""
        points = self.chart_points(declared)
        if isinstance(declared, base.Bars):
            # The axis is the whole period: days without trades are part of the picture.
            first, last = self.days()
            labels = self.chart_labels(declared, self.fmt.days)
            return chart.bars(points, first, last, labels)
        labels = self.chart_labels(declared, self.fmt.instants)
        return chart.curve(points, labels)

    def curve_points(self, declared: base.Chart, geometry: CurveChart) -> list[Point]:
        """The points of a curve with their texts."""
        labels = self.chart_labels(declared, self.fmt.instants)
        return chart.named_points(geometry, labels)

    def chart_points(self, declared: base.Chart) -> list[tuple[Any, Any]]:
        """The values of a chart, oldest first, without those that are hidden."""
        points = []
        # None if the rows themselves are hidden.
        rows = self.view.data[declared.rows] or ()
        for row in rows:
            x = row[declared.x]
            y = row[declared.y]
            # Hiding a figure sets it to None in every row.
            if x is not None and y is not None:
                points.append((x, y))
        return points

    def chart_labels(
        self,
        declared: base.Chart,
        names: Callable[[Any, Any], Naming],
    ) -> Labels:
        """How a chart writes its texts; ``names`` names what stands on its x axis."""
        value, tick = CHART_METHODS[declared.kind]
        return Labels(
            value=getattr(self.fmt, value),
            tick=getattr(self.fmt, tick),
            names=names,
            span=self.fmt.span,
            exact=self.fmt.datetime,
            drawdown=self.fmt.percent,
        )

    def is_empty(self, declared: base.Chart) -> bool:
        """Whether a chart has no rows, although nothing of it is hidden."""
        if declared.y in self.view.hidden:
            return False
        rows = self.view.data[declared.rows]
        return bool(rows == [])  # None if the rows themselves are hidden

    def days(self) -> tuple[date | None, date | None]:
        """The first and last day of the data, in the account's time zone."""
        zone = self.view.account.timezone
        # None if the account hides them. The beginning of the whole history is None as well.
        start: datetime | None = self.view.data["from"]
        end: datetime | None = self.view.data["to"]
        first = None
        last = None
        if start:
            first = start.astimezone(zone).date()
        if end:
            # The end of a period does not belong to it: midnight is still the day before.
            last_instant = end - timedelta(microseconds=1)
            last = last_instant.astimezone(zone).date()
        return first, last


def sign_of(kind: Kind, value: Any, text: str) -> int:
    """1 for a profit, -1 for a loss, 0 for everything else.

    Args:
        kind: what the value is.
        value: a number, or None.
        text: the value as it is displayed: an amount that is rounded to 0 is no profit.
    """
    if kind not in base.RESULTS or not value or not NONZERO.search(text):
        return 0
    if value > 0:
        return 1
    return -1


def build_display(view: View, catalogues: Catalogues) -> Display:
    """Choose language and format for a view: those of its options or of its account."""
    options = view.options
    account = view.account
    wanted = (options.lang, account.lang)
    zone: ZoneInfo = options.tz or account.timezone
    # The locale has a region, which the language of the texts may not have: fr-CA, but fr.
    fmt = formatter(
        catalogues.locale_for(*wanted),
        zone,
        view.currency,
        account.amounts == "percent",
    )
    return Display(
        view=view,
        language=catalogues.negotiate(*wanted),
        translations=catalogues.translations(*wanted),
        fmt=fmt,
    )
