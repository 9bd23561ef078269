"""What a widget is, and what it declares.

A widget says which figures it has, in which order and of which kind. It does not say how they are
drawn, and imports no renderer: pages, JSON, pictures, oEmbed and the studio all read the same
declarations.
"""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from widget.data.source import Source
from widget.names import Data, Function, Row
from widget.privacy import ROW_COUNT
from widget.widgets.options import (
    COMMON_OPTIONS,
    COMMON_SIZES,
    DEFAULT_PERIOD,
    DEFAULT_ROWS,
    Options,
)

HEADING_HEIGHT: Final = 40
"""Height of a widget's heading in CSS pixels. The option ``title=0`` removes it, but not together
with ``switch=1``, which puts links into it."""

Item = TypeVar("Item")

Kind = Literal[
    "text",  # a name or description
    "id",  # a number or address that identifies something
    "symbol",  # the name of an instrument
    "key",  # what the trades of a group have in common; see the option ``by``
    "side",  # a trade's side, together with its ``kind``: "Buy", "Sell limit"
    "flag",  # true or false
    "word",  # a code or a name; see ``Figure.words``
    "count",
    "duration",  # in seconds
    "money",
    "signed",  # money with a plus or minus sign
    "result",  # a profit or loss in money: sign, arrow and colour
    "gain",  # a profit or loss as a fraction of the balance: sign, arrow and colour
    "percent",  # a fraction: 0.12 is 12%
    "ratio",
    "leverage",
    "lots",
    "lots_if_any",  # lots, of which 0 is written as a missing figure
    "price",
    "time",
]
RESULTS: Final = frozenset({"result", "gain"})
"""The kinds that are profits or losses."""


def ngettext_noop(one: str, many: str) -> tuple[str, str]:
    """Mark a message with a plural form for translation, as ``N_`` does for one without."""
    return one, many


TRADE_COUNT: Final = ngettext_noop("%(count)s trade", "%(count)s trades")


def values(record: object, names: Iterable[str]) -> Data:
    """Attributes of a record by name.

    The names are always listed explicitly, so that a new field of a record does not become public
    by accident.
    """
    return {name: getattr(record, name) for name in names}


def trade_fields(*own: str) -> tuple[str, ...]:
    """The figures of a trade in the order of JSON, with its own ones in their place."""
    return (
        "ticket",
        "symbol",
        "side",
        "kind",
        "volume",
        "open_price",
        "open_time",
        *own,
        "stop_loss",
        "take_profit",
        "swap",
        "commission",
        "profit",
    )


def rows_of_page(rows: Sequence[Item], options: Options) -> Sequence[Item]:
    """The rows of the requested page; empty beyond the last page."""
    first = (options.page - 1) * options.rows
    return rows[first : first + options.rows]


def page_numbers(row_count: int, options: Options) -> dict[str, int]:
    """Which page is displayed, and how many there are.

    Args:
        row_count: the number of rows on all pages.
        options: the options ``page`` and ``rows``.
    """
    # Without rows there is one page, which is empty.
    pages = max(1, math.ceil(row_count / options.rows))
    return {
        "page": options.page,
        "pages": pages,
        ROW_COUNT: row_count,
    }


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its name.

    Attributes:
        name: its name in the data.
        label: its name for visitors, a msgid.
        kind: how it is written.
        within: the name of the object in the data that contains it; empty for the data itself.
        always: whether it is displayed as missing if the account hides it, instead of left out.
        words: of the kind ``word``, what the codes mean, from 0. Any other code means nothing to a
            visitor, so that the figure is left out.
        explanation: what it means, a msgid; empty without one.
        needs_sample: whether it says nothing about a few trades, see ``Groups``.
    """

    name: str
    label: str
    kind: Kind
    within: str = ""
    always: bool = False
    words: tuple[str, ...] = ()
    explanation: str = ""
    needs_sample: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """Figures side by side.

    Attributes:
        figures: the figures, in the order of display.
        style: ``stats`` displays the first figure large, ``facts`` all of them small.
    """

    figures: tuple[Figure, ...]
    style: Literal["stats", "facts"] = "stats"

    @property
    def figure_names(self) -> tuple[str, ...]:
        """The names of its figures, for widgets whose JSON has the same ones in the same order."""
        return tuple(figure.name for figure in self.figures)

    @property
    def names(self) -> Iterator[str]:
        """The names in the data that it displays."""
        for figure in self.figures:
            yield figure.name
            if figure.within:
                yield figure.within


@dataclass(frozen=True, slots=True)
class Group:
    """Figures about the same thing; ``label`` is a msgid."""

    label: str
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Groups:
    """Many figures in groups, each with an explanation that visitors can open.

    Attributes:
        groups: the groups, in the order of display.
        sample: the name of the number of trades that the figures describe.
        least: if there are fewer, figures that need a sample are dashes.
        hint: the text below the figures, a msgid.
        too_few: the text instead of it if there are too few trades, a msgid.
    """

    groups: tuple[Group, ...]
    sample: str
    least: int
    hint: str
    too_few: str

    @property
    def figures(self) -> Iterator[Figure]:
        """The figures of all groups."""
        for group in self.groups:
            yield from group.figures

    @property
    def names(self) -> Iterator[str]:
        """The names in the data that it displays."""
        for figure in self.figures:
            yield figure.name


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a goal is reached, as a bar.

    Attributes:
        share: the figure from 0 to 1 that the bar displays.
        done: the name of the lots traded so far.
        goal: the name of the lots required.
        missing: the name of the lots that are still missing.
        missing_text: the text for them, a msgid with ``%(lots)s``.
    """

    share: Figure
    done: str
    goal: str
    missing: str
    missing_text: str

    @property
    def names(self) -> Iterator[str]:
        """The names in the data that it displays."""
        yield from (self.share.name, self.done, self.goal, self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What all charts declare.

    Attributes:
        rows: the name of the list in the data, oldest first.
        x: the name of the day or instant in each row.
        y: the name of the figure in each row.
        kind: how the figure is written.
        label: what the chart displays, a msgid.
        figure: the name of the figure for visitors, a msgid.
        empty: the text that replaces a chart without rows, a msgid; empty for nothing.
    """

    rows: str
    x: str
    y: str
    kind: Literal["lots", "money", "gain"]
    label: str
    figure: str
    empty: str = ""

    @property
    def row_names(self) -> tuple[str, ...]:
        """The names of the figures of a point or bar."""
        return (self.x, self.y)

    @property
    def names(self) -> Iterator[str]:
        """The names in the data that it displays."""
        yield from (self.rows, *self.row_names)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars(Chart):
    """A sum per day, as bars over the whole period."""

    x: str = "date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve(Chart):
    """A growth curve, with an area for its drawdown."""

    x: str = "time"


@dataclass(frozen=True, slots=True)
class YearTable:
    """Gains as a table of years by months, shaded by size.

    Attributes:
        rows: the name of the list of years in the data, newest first.
        year: the name of the year's number.
        months: the name of the list of the gains of its months.
        gain: the name of its own gain.
        label: what the table displays, a msgid.
        empty: the text that replaces a table without years, a msgid.
    """

    rows: str
    year: str
    months: str
    gain: str
    label: str
    empty: str

    @property
    def row_names(self) -> tuple[str, ...]:
        """The names of the figures of a year."""
        return (self.year, self.months, self.gain)

    @property
    def names(self) -> Iterator[str]:
        """The names in the data that it displays."""
        yield from (self.rows, *self.row_names)


@dataclass(frozen=True, slots=True)
class MonthGrid:
    """A month as weeks, whose days are shaded by their results.

    Attributes:
        month: the name of the month in the data, such as 2026-11.
        rows: the name of the list of days in the data.
        date: the name of the date of a day.
        result: the name of its result.
        gain: the name of its gain.
        count: the name of the number of its trades.
        counted: the text for that number, msgids for one and for several with ``%(count)s``.
    """

    month: str
    rows: str
    date: str
    result: str
    gain: str
    count: str
    counted: tuple[str, str]

    @property
    def row_names(self) -> tuple[str, ...]:
        """The names of the figures of a day."""
        return (self.date, self.result, self.gain, self.count)

    @property
    def names(self) -> Iterator[str]:
        """The names in the data that it displays."""
        yield from (self.month, self.rows, *self.row_names)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        name: the name of its figure in each row.
        label: its heading, a msgid.
        kind: how the figure is written.
        priority: how wide the card must be for it: 0 is displayed at every width, 1 from 300 CSS
            pixels, 2 from 400, 3 from 460, 4 from 620, 5 from 780, 6 from 940 and 7 from 1060.
        total: the name of its sum in the table's totals; empty for none.
        below: columns that stand below this one in small type until there is room for them.
        replaces: a column that is more important: if that is hidden, this one has priority 1.
        always: whether it is displayed as missing if the account hides it, instead of left out.
        active_only: whether it is a dash in inactive rows.
        at_end: whether text is aligned to the end of the line, as numbers are.
        fills: whether it takes the room that the others leave; longer text is cut off.
        if_known: whether it is left out if the API sends its figure for no row.
        has_bar: whether a bar below a profit or loss displays its size.
    """

    name: str
    label: str
    kind: Kind
    priority: int = 0
    total: str = ""
    below: tuple[str, ...] = ()
    replaces: str = ""
    always: bool = False
    active_only: bool = False
    at_end: bool = False
    fills: bool = False
    if_known: bool = False
    has_bar: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """One count above a table.

    Attributes:
        name: its name in the table's totals.
        messages: the text for one and for several, msgids with ``%(count)s``.
        sign: 1 for gains and -1 for losses, which have an arrow and a colour.
    """

    name: str
    messages: tuple[str, str]
    sign: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A list of records.

    Attributes:
        rows: the name of the list in the data. A widget can declare several tables and fetch the
            rows of one of them: the others are left out.
        columns: in the order of display; the first one is the heading of each row.
        empty: the text that replaces a table without rows, a msgid.
        fields: the names of all figures of a row, in the order of JSON; by default those of the
            columns.
        key: the name of the figure that identifies a row when a page is refreshed.
        totals: the name of the object in the data with the totals.
        counts: counts above the table, from the totals.
        summed: what the totals are of, msgids for one and for several with ``%(count)s``.
        inactive: whether a row is not part of the totals.
        left_out: the rows that are not part of the totals, msgids as of ``summed``.
    """

    rows: str
    columns: tuple[Column, ...]
    empty: str
    fields: tuple[str, ...] = ()
    key: str = ""
    totals: str = ""
    counts: tuple[Count, ...] = ()
    summed: tuple[str, str] = TRADE_COUNT
    inactive: Callable[[Row], bool] | None = None
    left_out: tuple[str, str] | None = None

    @property
    def row_names(self) -> tuple[str, ...]:
        """The names of all figures of a row."""
        if self.fields:
            return self.fields
        return tuple(column.name for column in self.columns)

    @property
    def names(self) -> Iterator[str]:
        """The names in the data that it displays."""
        yield self.rows
        yield from self.row_names
        if self.totals:
            yield self.totals
        for column in self.columns:
            if column.total:
                yield column.total
            if column.kind == "key":
                yield "by"
        for count in self.counts:
            yield count.name

    def rows_of(self, records: Iterable[object]) -> list[Data]:
        """The rows for some records, as they stand in the data."""
        return [values(record, self.row_names) for record in records]


Block = Card | Groups | Progress | Bars | Curve | YearTable | MonthGrid | Table


@dataclass(frozen=True, slots=True)
class Csv:
    """The lines of a CSV file.

    Attributes:
        rows: the name of the list in the data. A widget can declare several and fetch one of them.
        columns: the JSON names of the figures in a line, which are the header.
        lines: makes the lines from the list, if they are not its rows; called with what is public.
    """

    rows: str
    columns: tuple[str, ...]
    lines: Callable[[Iterable[Row]], Iterable[Row]] | None = None

    @property
    def names(self) -> Iterator[str]:
        """The names in the data that it contains."""
        yield self.rows
        yield from self.columns


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed of the newest rows of a table.

    Attributes:
        table: the table.
        time: the name of the time of a row.
        title: the names of the figures in the title of an entry.
    """

    table: Table
    time: str
    title: tuple[str, ...]

    def is_public(self, hidden: Collection[str]) -> bool:
        """Whether an account that hides these figures has the feed: every entry has a time."""
        return self.table.rows not in hidden and self.time not in hidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Widget:
    """One view of an account.

    Attributes:
        name: its name in URLs.
        label: its heading and accessible name, a msgid.
        functions: the API functions that it needs; an API without one of them does not offer it.
        fetch: its data by their JSON names; times are aware datetimes.
        body: what it displays, from top to bottom.
        height: its exact height in CSS pixels, with its heading and without rows.
        row_height: the height of a row.
        options: the names of its own options: ``rows``, ``page``, ``period``, ``group``.
        summary: the figure that matters most, for screen readers and link previews.
        picture: the names of the figures in its SVG and PNG, the large one first; empty if it has
            no picture.
        strip: the same for the picture of size ``strip``; empty if it has none of that size.
        has_badge: whether the first figure of its picture is also available as a badge.
        csv: its CSV files, of which a request gets the first one whose list was fetched; empty if
            it has none.
        feed: its Atom feed, if it has one.
        shows_currency: whether its heading contains the currency.
        by_default: whether accounts that do not list their widgets have it.
        default_period: the name of the period of a URL that chooses none.
        place: where it stands on the account page, the lowest number first.
        is_wide: whether it has the whole width of that page.
        more_on_page: the values of the option ``by`` whose tables stand below the first one on that
            page.
    """

    name: str
    label: str
    functions: tuple[Function, ...]
    fetch: Callable[[Source, Options], Data]
    body: tuple[Block, ...]
    height: int
    row_height: int = 0
    options: frozenset[str] = frozenset()
    summary: Figure | None = None
    picture: tuple[str, ...] = ()
    strip: tuple[str, ...] = ()
    has_badge: bool = False
    csv: tuple[Csv, ...] = ()
    feed: Feed | None = None
    shows_currency: bool = False
    by_default: bool = True
    default_period: str = DEFAULT_PERIOD
    place: int = 50
    is_wide: bool = False
    more_on_page: tuple[str, ...] = ()

    @property
    def all_options(self) -> tuple[str, ...]:
        """The names of all options that its URL may contain."""
        names = [*COMMON_OPTIONS, *sorted(self.options)]
        # The first two are another way to choose a period, and the third lets visitors choose it.
        if "period" in self.options:
            names += ["from", "to", "switch"]
        return tuple(names)

    @property
    def picture_sizes(self) -> tuple[str, ...]:
        """The sizes of its picture; empty if it has none."""
        if not self.picture:
            return ()
        if not self.strip:
            return COMMON_SIZES
        return (*COMMON_SIZES, "strip")

    def figures_of_picture(self, size: str) -> tuple[str, ...]:
        """The names of the figures in a picture of this size, the large one first."""
        if size == "strip":
            return self.strip
        return self.picture

    @property
    def default_rows(self) -> int:
        """The default of the option ``rows``; 0 without that option."""
        if "rows" in self.options:
            return DEFAULT_ROWS
        return 0

    @property
    def figures(self) -> dict[str, Figure]:
        """The figures that stand by themselves, by name."""
        found: dict[str, Figure] = {}
        for block in self.body:
            if isinstance(block, Card | Groups):
                for figure in block.figures:
                    found[figure.name] = figure
            elif isinstance(block, Progress):
                found[block.share.name] = block.share
        return found

    @property
    def chart(self) -> Chart | None:
        """Its chart, if it has one."""
        for block in self.body:
            if isinstance(block, Chart):
                return block
        return None

    @property
    def progress(self) -> Progress | None:
        """Its progress bar, if it has one."""
        for block in self.body:
            if isinstance(block, Progress):
                return block
        return None

    def pixels(self, options: Options) -> int:
        """The exact height of its frame in CSS pixels."""
        # Exact, since host pages reserve it before the widget is loaded.
        pixels = self.height
        if "rows" in self.options:
            pixels += options.rows * self.row_height
        # The links to other periods stand in the heading.
        if not options.title and not options.switch:
            pixels -= HEADING_HEIGHT
        return pixels


Widgets = Mapping[str, Widget]
"""All widgets, by their names."""
