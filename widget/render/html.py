"""From a view to a page. No request, no clock, and no I/O except the templates."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from widget.data.days import next_month
from widget.errors import N_, BadOption, CabinetError, Delayed
from widget.privacy import DATED
from widget.render.chart import Bar, BarChart, CurveChart, Point
from widget.render.display import Display, Text, build_display
from widget.render.format import MISSING, formatter
from widget.render.grids import build_month_grid, build_year_table
from widget.render.i18n import Catalogues, is_rtl
from widget.render.tables import METHODS, TableHtml, build_table
from widget.render.view import View
from widget.widgets import base
from widget.widgets.options import (
    FIRST_MONTH,
    LAST_MONTH,
    MAX_PAGE,
    PERIODS,
    SWITCH_PERIODS,
    Options,
    Period,
)

UTC_ZONE: Final = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class PageContext:
    """What a page contains in addition to its figures.

    Attributes:
        assets: the URLs of the stylesheet (``css``) and the script (``js``).
        token: the token with which the page refreshes itself; None for an open account.
        expires: when the token expires, in Unix seconds.
        unlock_url: where a viewer password is sent; None if there is none.
        canonical: the absolute URL of the page, for discovery; None for private pages.
        refresh: the seconds between two refreshes.
        home: where the name of the account leads to; None if there is no such page.
        page_url: the URL of this page without the option ``page``; None if visitors cannot choose
            another one.
        period_url: the URL of this page without its period; None if visitors cannot choose one.
        month_url: the URL of this page without its month; None if visitors cannot choose one.
        is_account_page: whether the page is that of an account.
    """

    assets: Mapping[str, str]
    token: str | None = None
    expires: int | None = None
    unlock_url: str | None = None
    canonical: str | None = None
    refresh: int = 60
    home: str | None = None
    page_url: str | None = None
    period_url: str | None = None
    month_url: str | None = None
    is_account_page: bool = False


NO_WIDGET: Final = PageContext({})
"""The context of a page without figures."""


# Compiling them takes a tenth of a second, and nothing changes them while a process runs.
@cache
def template_environment(folder: Path) -> Environment:
    """The templates of a folder, each of which is compiled once in a process."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        # Lines that only contain a tag of the template leave nothing behind.
        trim_blocks=True,
        lstrip_blocks=True,
        # A name that is missing in the context is a mistake, not an empty text.
        undefined=StrictUndefined,
        # Checking the files for changes would take a part of each request.
        auto_reload=False,
    )


class Renderer:
    """Renders views and errors as pages, in every language that has a catalogue."""

    def __init__(self, templates: Path, catalogues: Catalogues) -> None:
        self._catalogues = catalogues
        self._environment = template_environment(templates)

    def display(self, view: View) -> Display:
        """The view in the language and format of its visitor."""
        return build_display(view, self._catalogues)

    def page(self, view: View, context: PageContext) -> str:
        """The page of a widget."""
        display = self.display(view)
        return self._render(
            "widget.html",
            display.language,
            context,
            options=view.options,
            height=view.widget.pixels(view.options),
            **widget_context(display, context, heading="h1"),
        )

    def section(self, view: View, context: PageContext, more: Sequence[View] = ()) -> Markup:
        """A widget as a part of a page, with the tables of further views of it below."""
        display = self.display(view)
        figures = widget_context(display, context, heading="h2")
        for each in more:
            blocks = build_blocks(self.display(each))
            # The first table says already that there are no trades.
            figures["blocks"] += [block for block in blocks if has_rows(block)]
        html = self._render(
            "section.html",
            display.language,
            context,
            options=view.options,
            **figures,
        )
        return Markup(html)  # noqa: S704  # the template has escaped it

    def error_page(
        self,
        code: str,
        message: str,
        language: str,
        options: Options,
        context: PageContext,
        widget: base.Widget | None = None,
    ) -> str:
        """A small card that says what is wrong.

        Args:
            code: the code of the error.
            message: the text of the error.
            language: the language of the text.
            options: the options of the request; the defaults if they are what is wrong.
            context: what every page contains.
            widget: the requested widget; None if there is none.
        """
        widget_label = ""
        height = None
        if widget:
            widget_label = widget.label
            height = widget.pixels(options)
        return self._render(
            "error.html",
            language,
            context,
            options=options,
            code=code,
            label=message,
            widget_label=widget_label,
            height=height,
        )

    def message(self, error: CabinetError, language: str, zone: ZoneInfo = UTC_ZONE) -> str:
        """The public text of an error; ``zone`` is that in which a time is written."""
        gettext = self._catalogues.translations(language).gettext
        # The reason stays English: it is for the person who wrote the URL, not for visitors.
        if isinstance(error, BadOption):
            text = gettext(N_("This widget's URL is not valid: %(option)s."))
            option = f"{error.option} {error.why}"
            return text % {"option": option}
        if isinstance(error, Delayed):
            fmt = formatter(language, zone, None)
            moment = end_of_minute(error.available_at)
            return gettext(error.message) % {"time": fmt.datetime_and_zone(moment)}
        return gettext(error.message)

    def template(
        self,
        name: str,
        language: str,
        page: PageContext = NO_WIDGET,
        **context: Any,
    ) -> str:
        """Any other page."""
        return self._render(name, language, page, **context)

    def _render(
        self,
        name: str,
        language: str,
        page: PageContext,
        **context: Any,
    ) -> str:
        """Fill a template; what ``page`` contains is available by name in all of them."""
        translations = self._catalogues.translations(language)
        direction = "ltr"
        if is_rtl(language):
            direction = "rtl"
        # asdict() would copy the values.
        shared = {field.name: getattr(page, field.name) for field in fields(page)}
        shared |= {
            "_": translations.gettext,
            "lang": language,
            "dir": direction,
        }
        # The context of a page comes last: the studio has other assets than the widgets.
        template = self._environment.get_template(name)
        return template.render(shared | context)


def widget_context(display: Display, page: PageContext, heading: str) -> dict[str, Any]:
    """What the templates of a widget's figures need.

    Args:
        display: the figures.
        page: where they are displayed.
        heading: the HTML element of the heading.
    """
    period = ""
    brief_period = ""
    links = build_switch(display, page.period_url)
    # The link to the displayed period is marked already.
    is_marked = any(link.is_current for link in links)
    if "period" in display.view.widget.options and not is_marked:
        period = display.period()
        brief_period = display.brief_period()
    return {
        "view": display.view,
        "widget": display.view.widget,
        "display": display,
        "fmt": display.fmt,
        "heading": heading,
        "label": display.label,
        "period": period,
        "brief_period": brief_period,
        "currency": display.unit(),
        "periods": links,
        "blocks": build_blocks(display),
        "pager": build_pager(display, page.page_url),
        "month_links": build_month_links(display, page.month_url),
    }


@dataclass(frozen=True, slots=True)
class HtmlBlock:
    """A part of a widget, and the macro that draws it."""

    macro: str
    content: Any


def end_of_minute(moment: datetime) -> datetime:
    """The end of the minute of a moment. A time without seconds would otherwise be displayed too
    early.
    """
    minute = moment.replace(second=0, microsecond=0)
    if minute == moment:
        return moment
    return minute + timedelta(minutes=1)


def build_blocks(display: Display) -> list[HtmlBlock]:
    """The parts of a widget, from top to bottom, without those that have nothing to display."""
    found = []
    for block in display.view.widget.body:
        macro, build = BLOCKS[type(block)]
        content = build(block, display)
        # All of its figures may be hidden.
        if content is not None:
            found.append(HtmlBlock(macro, content))
    if any(map(has_figures, found)):
        return found
    # A card of dashes would look as if something were broken.
    return [HtmlBlock("nothing", display.nothing())]


def has_figures(block: HtmlBlock) -> bool:
    """Whether a part of a widget displays more than dashes."""
    if isinstance(block.content, CardHtml):
        return any(figure.text != MISSING for figure in block.content.figures)
    if isinstance(block.content, ChartHtml):
        return block.content.geometry is not None
    return True


def has_rows(block: HtmlBlock) -> bool:
    """Whether a part of a widget is a table that is not empty."""
    return isinstance(block.content, TableHtml) and block.content.rows != ""


@dataclass(frozen=True, slots=True)
class Pager:
    """The links to other pages of a table.

    Attributes:
        text: which rows are displayed, of how many; empty on a page beyond the last one.
        left_out: how many of all rows are not part of the totals; empty if all of them are.
        previous: the URL of the page before; None if there is none.
        next: the URL of the page after; None if there is none.
    """

    text: str = ""
    left_out: str = ""
    previous: str | None = None
    next: str | None = None


def build_pager(display: Display, url: str | None) -> Pager | None:
    """The links to other pages; None if the widget has no pages, or if it has no rows."""
    view = display.view
    options = view.options
    if not view.row_count:
        return None
    fmt = display.fmt
    first = (options.page - 1) * options.rows + 1
    last = min(options.page * options.rows, view.row_count)
    text = ""
    if first <= last:
        text = display.gettext(N_("%(first)s–%(last)s of %(count)s")) % {
            "first": fmt.integer(first),
            "last": fmt.integer(last),
            "count": fmt.integer(view.row_count),
        }
    pages = view.data["pages"]
    # From beyond the last page, the link leads back to it.
    previous_page = min(options.page - 1, pages)
    next_page = options.page + 1
    return Pager(
        text=text,
        left_out=rows_left_out(display, view.row_count),
        previous=url_of_page(url, previous_page, pages),
        next=url_of_page(url, next_page, pages),
    )


def rows_left_out(display: Display, row_count: int) -> str:
    """How many of the rows are not part of the totals: without it, the two numbers would seem to
    contradict each other.
    """
    view = display.view
    for table in view.widget.body:
        if not isinstance(table, base.Table) or not table.left_out:
            continue
        totals = view.data[table.totals]
        # The widget fetched the rows of another table, or hides their number.
        if table.rows not in view.data or not totals or totals["count"] is None:
            continue
        count = row_count - totals["count"]
        if count:
            return display.counted(table.left_out, count)
    return ""


def url_of_page(url: str | None, page: int, pages: int) -> str | None:
    """The URL of a page; None if there is none with that number."""
    if url is None or not 1 <= page <= min(pages, MAX_PAGE):
        return None
    return with_option(url, "page", str(page))


def with_option(url: str, name: str, value: str) -> str:
    """A URL with one more option."""
    separator = "?"
    if "?" in url:
        separator = "&"
    return f"{url}{separator}{name}={value}"


@dataclass(frozen=True, slots=True)
class PeriodLink:
    """A link to another period.

    Attributes:
        url: the URL of the page with this period.
        label: the name of the period.
        brief: its short name, for narrow cards.
        is_current: whether the page displays this period.
    """

    url: str
    label: str
    brief: str
    is_current: bool


def build_switch(display: Display, url: str | None) -> list[PeriodLink]:
    """The links to other periods in a widget; none unless its options ask for them."""
    options = display.view.options
    if url is None or not options.switch:
        return []
    return period_links(display, url, options.period)


def period_links(display: Display, url: str, period: Period | None) -> list[PeriodLink]:
    """The links to other periods.

    Args:
        display: writes their names.
        url: the URL of the page without its period.
        period: the displayed period; None if there are several.
    """
    return [
        PeriodLink(
            url=with_option(url, "period", name),
            label=display.gettext(PERIODS[name]),
            brief=display.gettext(brief),
            is_current=period == Period(name),
        )
        for name, brief in SWITCH_PERIODS.items()
    ]


@dataclass(frozen=True, slots=True)
class MonthLinks:
    """The URLs of the month before and of the month after; None if there is none."""

    previous: str | None = None
    next: str | None = None


def build_month_links(display: Display, url: str | None) -> MonthLinks | None:
    """The links to other months; None if the widget has no months."""
    view = display.view
    if "month" not in view.widget.options:
        return None
    # While dates are hidden, no month can be chosen.
    if url is None or not DATED.isdisjoint(view.hidden):
        return MonthLinks()
    first_day = date.fromisoformat(f"{view.data['month']}-01")
    months = (first_day - timedelta(days=1), next_month(first_day))
    urls: list[str | None] = []
    for month in months:
        text = f"{month:%Y-%m}"
        if FIRST_MONTH <= text <= LAST_MONTH:
            urls.append(with_option(url, "month", text))
        else:
            urls.append(None)
    return MonthLinks(*urls)


@dataclass(frozen=True, slots=True)
class CardHtml:
    """The figures of a card and its CSS classes."""

    classes: str
    figures: list[Text]


def build_card(card: base.Card, display: Display) -> CardHtml | None:
    """A card without the figures that are hidden."""
    texts = [display.figure(figure) for figure in card.figures]
    figures = [text for text in texts if text is not None]
    if not figures:
        return None
    classes: str = card.style
    # A single figure has no row of smaller ones below it, and less space around it.
    if len(card.figures) == 1:
        classes += " one"
    return CardHtml(classes, figures)


@dataclass(frozen=True, slots=True)
class GroupHtml:
    """Figures about the same thing."""

    label: str
    figures: list[Text]


@dataclass(frozen=True, slots=True)
class GroupsHtml:
    """Groups of figures, and the text below them."""

    groups: list[GroupHtml]
    note: str


def build_groups(block: base.Groups, display: Display) -> GroupsHtml | None:
    """Groups without the figures that are hidden."""
    count = display.view.data[block.sample]
    # None if the account hides it, or if it reveals that there is only one trade.
    has_sample = count is None or count >= block.least
    groups = []
    for group in block.groups:
        texts = [group_figure(figure, display, has_sample) for figure in group.figures]
        figures = [text for text in texts if text is not None]
        if figures:
            groups.append(GroupHtml(display.gettext(group.label), figures))
    if not groups:
        return None
    note = block.hint
    if not has_sample:
        note = block.too_few
    return GroupsHtml(groups, display.gettext(note))


def group_figure(figure: base.Figure, display: Display, has_sample: bool) -> Text | None:
    """A figure; a dash if it says nothing about so few trades."""
    text = display.figure(figure, METHODS)
    if text is None or has_sample or not figure.needs_sample:
        return text
    return replace(text, text=MISSING, sign=0)


@dataclass(frozen=True, slots=True)
class ProgressHtml:
    """A progress bar.

    Attributes:
        label: what it is about.
        done: the lots traded; None if they or the goal are hidden.
        goal: the lots required.
        share: the share from 0 to 1; None if it is hidden or unknown.
        percent: the share as text; None if it is hidden.
        missing: the text about the missing lots; empty if there are none.
    """

    label: str
    done: str | None
    goal: str
    share: Any
    percent: str | None
    missing: str


def build_progress(progress: base.Progress, display: Display) -> ProgressHtml | None:
    """A progress bar without the figures that are hidden."""
    data = display.view.data
    hidden = display.view.hidden
    # "12 of 30 lots" needs both numbers.
    has_lots = progress.done not in hidden and progress.goal not in hidden
    share = display.figure(progress.share)
    if share is None and not has_lots:
        return None
    percent = None
    if share is not None:
        percent = share.text
    done = None
    if has_lots:
        done = display.fmt.lots(data[progress.done])
    missing = ""
    # Nothing is said of lots that are missing once there are none.
    if progress.missing not in hidden and data[progress.missing]:
        lots = display.fmt.lots(data[progress.missing])
        missing = display.gettext(progress.missing_text) % {"lots": lots}
    return ProgressHtml(
        label=display.gettext(progress.share.label),
        done=done,
        goal=display.fmt.lots(data[progress.goal]),
        share=data[progress.share.name],
        percent=percent,
        missing=missing,
    )


@dataclass(frozen=True, slots=True)
class ChartHtml:
    """A chart with its texts.

    Attributes:
        geometry: its coordinates; None if it is empty.
        points: the points of a curve or the bars, with the texts of the table and the tooltip.
        label: what it displays.
        figure: the name of its figures.
        empty: the text that replaces it.
    """

    geometry: BarChart | CurveChart | None
    points: Sequence[Bar] | Sequence[Point]
    label: str
    figure: str
    empty: str


def build_chart(chart: base.Bars | base.Curve, display: Display) -> ChartHtml | None:
    """A chart, or the text that there is nothing to draw."""
    geometry = display.chart(chart)
    # Whether a chart is empty whose figures are hidden is not known.
    empty = display.nothing()
    if display.is_empty(chart):
        # gettext returns the header of the catalogue for an empty text.
        if not chart.empty:
            return None
        empty = display.gettext(chart.empty)
    return ChartHtml(
        geometry=geometry,
        points=points_with_texts(chart, geometry, display),
        label=display.gettext(chart.label),
        figure=display.gettext(chart.figure),
        empty=empty,
    )


def points_with_texts(
    chart: base.Bars | base.Curve,
    geometry: BarChart | CurveChart | None,
    display: Display,
) -> Sequence[Bar] | Sequence[Point]:
    """What the table and the tooltip of a chart display, oldest first."""
    if geometry is None:
        return []
    if isinstance(geometry, BarChart):
        return geometry.bars
    return display.curve_points(chart, geometry)


def build_html_table(table: base.Table, display: Display) -> TableHtml | None:
    """A table; None if its rows are hidden, or if the widget fetched those of another one."""
    if display.view.data.get(table.rows) is None:
        return None
    return build_table(table, display)


Build = Callable[[Any, Display], Any]
"""Prepares what a macro draws; returns None if there is nothing to draw."""

BLOCKS: Mapping[type[base.Block], tuple[str, Build]] = {
    base.Card: ("card", build_card),
    base.Groups: ("groups", build_groups),
    base.Progress: ("progress", build_progress),
    base.Bars: ("bars", build_chart),
    base.Curve: ("curve", build_chart),
    base.YearTable: ("years", build_year_table),
    base.MonthGrid: ("month", build_month_grid),
    base.Table: ("table", build_html_table),
}
"""The macro that draws each kind of block, and the function that prepares what it draws."""
