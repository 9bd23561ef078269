"""A view in the language and format of its visitor: how figures, periods and charts are written.

Pages, pictures and oEmbed share it, so that a figure is written the same everywhere.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from gettext import NullTranslations
from typing import Any, Final
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from widget.errors import N_
from widget.render import chart
from widget.render.chart import BarChart, CurveChart, Labels
from widget.render.format import MISSING, Formatter, formatter
from widget.render.i18n import Catalogues
from widget.render.view import View
from widget.widgets import base
from widget.widgets.base import Kind
from widget.widgets.options import PERIODS

# Methods by name, so that a formatter can override them.
METHODS: Final[dict[Kind, str]] = {
    "count": "integer",
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

CHART_METHODS: Final = {
    "lots": ("lots", "lots_on_axis"),
    "money": ("amount", "amount_on_axis"),
    "gain": ("gain", "percent_on_axis"),
}
"""The methods that write the figures of a chart, and those on its axis."""

ARROWS: Final = {
    1: ("\N{BLACK UP-POINTING TRIANGLE}", N_("profit")),
    -1: ("\N{BLACK DOWN-POINTING TRIANGLE}", N_("loss")),
}


@dataclass(frozen=True, slots=True)
class Text:
    """A figure as it is displayed; ``sign`` is 1 for a profit and -1 for a loss."""

    label: str
    text: str
    sign: int = 0


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

    def write(self, kind: Kind, value: Any) -> str:
        """A value that stands by itself, as text."""
        if value is None:
            return MISSING
        if kind == "flag":
            return self.gettext(N_("Yes")) if value else self.gettext(N_("No"))
        if kind not in METHODS:
            return str(value)
        text: str = getattr(self.fmt, METHODS[kind])(value)
        return text

    def figure(self, figure: base.Figure) -> Text | None:
        """A figure with its name; None if it is hidden."""
        if figure.name in self.view.hidden and not figure.always:
            return None
        data = self.view.data
        if figure.within:
            # All totals are hidden at once if the account hides their object.
            data = data[figure.within]
            if data is None:
                return None
        value = data[figure.name]
        return Text(
            label=self.gettext(figure.label),
            text=self.write(figure.kind, value),
            sign=sign_of(figure.kind, value),
        )

    def summary(self) -> str:
        """The most important figure, as one line of text; empty if there is none."""
        widget = self.view.widget
        # A figure that is displayed as a dash says nothing in a summary.
        if widget.summary is None or widget.summary.name in self.view.hidden:
            return ""
        figure = self.figure(widget.summary)
        return f"{figure.label} {figure.text}" if figure else ""

    def period(self) -> str:
        """The period in words: its name, or its dates."""
        period = self.view.options.period
        if period.has_dates:
            return self.fmt.period(period.first, period.last)
        return self.gettext(PERIODS[period.name])

    def brief_period(self) -> str:
        """The period, with dates in digits, for narrow cards."""
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
        rows = self.view.data[declared.rows] or ()
        # Hiding a figure sets it to None in every row.
        points = [
            (row[declared.x], row[declared.y])
            for row in rows
            if row[declared.x] is not None and row[declared.y] is not None
        ]
        fmt = self.fmt
        value, tick = CHART_METHODS[declared.kind]
        if isinstance(declared, base.Bars):
            # The axis is the whole period: days without trades are part of the picture.
            first, last = self.days()
            labels = Labels(getattr(fmt, value), getattr(fmt, tick), fmt.days, fmt.span)
            return chart.bars(points, first, last, labels)
        labels = Labels(getattr(fmt, value), getattr(fmt, tick), fmt.instants, fmt.span)
        return chart.curve(points, labels)

    def is_empty(self, declared: base.Chart) -> bool:
        """Whether a chart has no rows, although nothing of it is hidden."""
        is_hidden = declared.y in self.view.hidden
        return self.view.data[declared.rows] == [] and not is_hidden

    def days(self) -> tuple[date | None, date | None]:
        """The first and last day of the data, in the account's time zone."""
        zone = self.view.account.timezone
        start: datetime | None = self.view.data["from"]
        end: datetime | None = self.view.data["to"]
        first = start.astimezone(zone).date() if start else None
        # The end of a period does not belong to it: midnight is still the day before.
        last = (end - timedelta(microseconds=1)).astimezone(zone).date() if end else None
        return first, last


def sign_of(kind: Kind, value: Any) -> int:
    """1 for a profit, -1 for a loss, 0 for everything else."""
    if kind not in base.RESULTS or not value:
        return 0
    if value > 0:
        return 1
    return -1


def build_display(view: View, catalogues: Catalogues) -> Display:
    """Choose language and format for a view: those of its options or of its account."""
    wanted = (view.options.lang, view.account.lang)
    zone: ZoneInfo = view.options.tz or view.account.timezone
    is_percent = view.account.amounts == "percent"
    return Display(
        view=view,
        language=catalogues.negotiate(*wanted),
        translations=catalogues.translations(*wanted),
        fmt=formatter(catalogues.locale_for(*wanted), zone, view.currency, is_percent),
    )
