"""Tables as HTML.

A table can have hundreds of cells, and a template that writes cell by cell takes longer than
formatting all the numbers. So the columns become one pattern per table, and each row fills it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from operator import itemgetter
from typing import Any, Final

from markupsafe import Markup, escape

from widget.api.records import ZERO
from widget.errors import N_
from widget.names import Data, Row
from widget.render.display import METHODS as TEXT_METHODS
from widget.render.display import WITHOUT_CURRENCY, Display, Text, sign_of
from widget.render.format import MISSING
from widget.widgets.base import RESULTS, Column, Kind, Table

METHODS: Final[dict[Kind, str]] = {
    **TEXT_METHODS,
    **WITHOUT_CURRENCY,
    "text": "text",
    "id": "text",
    "symbol": "text",
}
"""The method of ``Formatter`` that writes a cell of each kind."""

START_ALIGNED: Final = frozenset({"text", "symbol", "side", "key", "time"})
PRIORITY_CLASSES: Final = ("", "z", "a", "b", "c", "d", "e", "f")
"""The stylesheet displays a column of each class from a certain width on."""
BELOW_CLASSES: Final = {1: "n", 2: "", 3: "when"}
"""The stylesheet hides small type of each class as soon as a column of this priority has room."""
KEY_LABELS: Final[Mapping[str, str]] = {
    "symbol": N_("Symbol"),
    "side": N_("Side"),
    "weekday": N_("Weekday"),
    "hour": N_("Hour"),
}
"""The headings of the keys of groups, by the option ``by``."""
BAR_HEIGHT: Final = 5
"""The height of a bar below a result, in CSS pixels."""
LONGEST_BESIDE_BAR: Final = 10
"""The length of an amount with a bar that fits in the narrowest card."""
DIRECTIONS: Final = {1: "up", -1: "down"}
"""The CSS class of a profit and of a loss."""
Side = tuple[str, str | None]
"""The side and the kind of a trade."""
SIDES: Final[Mapping[Side, str]] = {
    ("buy", "market"): N_("Buy"),
    ("buy", "limit"): N_("Buy limit"),
    ("buy", "stop"): N_("Buy stop"),
    ("buy", None): N_("Buy"),  # the account hides the kind
    ("sell", "market"): N_("Sell"),
    ("sell", "limit"): N_("Sell limit"),
    ("sell", "stop"): N_("Sell stop"),
    ("sell", None): N_("Sell"),
}


Getter = Callable[[Row], Any]
"""Takes a value out of a row."""
Writer = Callable[[Any], str]
"""Writes a value as HTML."""


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a column, and its CSS classes."""

    label: str
    classes: str


@dataclass(slots=True)
class TableHtml:
    """A table, ready for the template.

    Attributes:
        headings: the headings of the visible columns.
        rows: the rows; empty if there are none.
        empty: the text that replaces a table without rows.
        totals: the last row; None if there are no totals.
        counts: the counts above the table; None if it has none.
        is_dense: whether its rows are lower, because there are more of them than were requested.
    """

    headings: list[Heading]
    rows: Markup
    empty: str
    totals: Markup | None = None
    counts: list[Text] | None = None
    is_dense: bool = False


@dataclass(slots=True)
class Pattern:
    """Collects what has to be written for each row, so that nothing is written twice.

    Attributes:
        cells: how to take each value out of a row, and how to write it as HTML.
        slots: the places of the values, by their names and their writing.
    """

    cells: list[tuple[Getter, Writer]] = field(default_factory=list)
    slots: dict[tuple[str, str], str] = field(default_factory=dict)

    def slot(self, names: str, writing: str, writer: Writer) -> str:
        """The place of a value in a format string, such as ``{3}``.

        Args:
            names: the name of the value; several names, separated by spaces, for a tuple.
            writing: tells apart several ways to write the same value.
            writer: writes it.
        """
        key = (names, writing)
        # A value can occur in a column of its own and in small type below another one.
        if key not in self.slots:
            number = len(self.cells)
            self.slots[key] = f"{{{number}}}"
            getter = itemgetter(*names.split())
            self.cells.append((getter, writer))
        return self.slots[key]

    def write(self, row: Row) -> list[str]:
        """All values of a row, by their places."""
        return [writer(getter(row)) for getter, writer in self.cells]


class TableWriter:
    """Writes one table.

    Attributes:
        table: the declared table.
        display: the view, and how to write it.
        hidden: the names of the figures that the account hides.
        pattern: what is written for each row.
        columns: the columns that are displayed.
        by_name: all columns by name: a hidden one can still be named by another one.
        sides: the words for the sides of a trade.
        arrows: the arrows of a profit and a loss.
    """

    def __init__(self, table: Table, display: Display) -> None:
        self.table = table
        self.display = display
        self.hidden = display.view.hidden
        self.pattern = Pattern()
        self.columns = [column for column in table.columns if self.is_displayed(column)]
        self.by_name = {column.name: column for column in table.columns}
        # Words and arrows are the same in every row: they are translated once.
        self.sides = {side: display.word(message) for side, message in SIDES.items()}
        # Text and not Markup, whose format() would be slower.
        self.arrows = {sign: str(display.arrow(sign)) for sign in DIRECTIONS}

    def is_displayed(self, column: Column) -> bool:
        """Whether the table has this column."""
        if not column.if_known:
            return column.always or column.name not in self.hidden
        # A hidden figure is None in every row as well.
        figures = [row[column.name] for row in self.data_rows()]
        return any(figure is not None for figure in figures)

    @property
    def usual_rows(self) -> int:
        """How many rows have room: one more than requested, which is for all others."""
        return self.display.view.options.rows + 1

    def data_rows(self) -> list[Data]:
        """The rows of the data; empty if they are hidden."""
        return self.display.view.data[self.table.rows] or []

    def build(self) -> TableHtml:
        """The whole table."""
        view = self.display.view
        rows = self.data_rows()
        html = TableHtml(
            headings=[self.heading(column) for column in self.columns],
            rows=self.rows(rows),
            empty=self.display.gettext(self.table.empty),
            is_dense=len(rows) > self.usual_rows,
        )
        totals = view.data.get(self.table.totals)
        # None if the account hides them.
        if not totals:
            return html
        html.totals = self.total_row(totals)
        if self.table.counts:
            html.counts = self.counts(totals)
        return html

    def heading(self, column: Column) -> Heading:
        """The heading of a column."""
        message = column.label
        if column.kind == "key":
            message = KEY_LABELS[self.display.view.options.by]
        label = self.display.gettext(message)
        return Heading(label, self.classes(column))

    def classes(self, column: Column) -> str:
        """The CSS classes of a column: where it is visible and how it is aligned."""
        classes = PRIORITY_CLASSES[self.priority(column)]
        # Everything else is aligned to the end of the line, so that the digits of numbers line up.
        if column.kind in START_ALIGNED and not column.at_end:
            classes += " l"
        if column.fills:
            classes += " wide"
        if column.has_bar:
            classes += " barred"
        return classes.strip()

    def priority(self, column: Column) -> int:
        """The priority of a column, which depends on what is hidden."""
        if column.replaces in self.hidden:
            return 1
        return column.priority

    def rows(self, rows: list[Data]) -> Markup:
        """All rows."""
        # Both patterns have to be complete before the first row: they decide what is written.
        active = self.row_pattern(is_active=True)
        inactive = self.row_pattern(is_active=False)
        is_inactive = self.table.inactive
        written = []
        for row in rows:
            pattern = active
            if is_inactive and is_inactive(row):
                pattern = inactive
            values = self.pattern.write(row)
            written.append(pattern.format(*values))
        return as_html(*written)

    def row_pattern(self, *, is_active: bool) -> str:
        """The format string of a row."""
        attributes = self.height_attribute()
        if not is_active:
            attributes += attribute("order")
        key = self.table.key
        # By this key, the script that refreshes a page finds the rows that have changed.
        if key and key not in self.hidden:
            slot = self.slot(self.by_name[key])
            attributes += f' data-key="{slot}"'
        cells = ""
        for column in self.columns:
            cells += self.cell_pattern(column, is_active=is_active)
        return f"<tr{attributes}>{cells}</tr>"

    def height_attribute(self) -> str:
        """The height of a row with a bar; empty if it is the usual one.

        Bars are a chart: if there are few, they share the room of all rows that were requested.
        """
        count = len(self.data_rows())
        has_room = 0 < count < self.usual_rows
        has_bars = any(column.has_bar for column in self.columns)
        if not has_room or not has_bars:
            return ""
        pixels = self.usual_rows * self.display.view.widget.row_height
        # A style attribute would need another content security policy.
        return f' height="{pixels // count}"'

    def cell_pattern(self, column: Column, *, is_active: bool) -> str:
        """The format string of a cell."""
        # The heading of a row is its first declared column: if that is hidden, it has none.
        if column is self.table.columns[0]:
            return self.heading_pattern(column)
        attributes = attribute(self.classes(column))
        if column.active_only and not is_active:
            return f"<td{attributes}><bdi>{MISSING}</bdi></td>"
        below = self.below_pattern(column)
        if column.kind in RESULTS:
            slot = self.result_slot(column)
            return f"<td{slot}{below}</td>"
        content = self.content(column)
        return f"<td{attributes}>{content}{below}</td>"

    def heading_pattern(self, column: Column) -> str:
        """The format string of the cell that is the heading of its row."""
        classes = self.classes(column)
        if column.kind in ("symbol", "key"):
            classes += " sym"
        attributes = attribute(classes)
        content = self.content(column)
        below = self.below_pattern(column)
        return f'<th scope="row"{attributes}>{content}{below}</th>'

    def result_slot(self, column: Column) -> str:
        """The place of the attributes and content of the cell of a profit or loss.

        The class depends on the value, so that the slot contains the end of the tag as well.
        """
        classes = self.classes(column)
        starts = {0: f"{attribute(classes)}>"}
        for sign, direction in DIRECTIONS.items():
            attributes = attribute(f"{direction} {classes}")
            arrow = self.arrows[sign]
            starts[sign] = f"{attributes}>{arrow}"
        bar = None
        if column.has_bar:
            bar = self.bar(column)
        writer = ResultWriter(
            self.writer(column),
            starts,
            bar,
            self.display.fmt.cell_amount,
        )
        return self.pattern.slot(
            column.name,
            "result cell",
            writer,
        )

    def bar(self, column: Column) -> "Bar":
        """The bars of a column, all on the same scale."""
        amounts = [row[column.name] for row in self.data_rows()]
        known = [amount for amount in amounts if amount is not None]
        return Bar(lowest=min(known, default=ZERO), highest=max(known, default=ZERO))

    def content(self, column: Column) -> str:
        """The format string of what a cell contains."""
        slot = self.slot(column)
        if column.kind == "side":
            return slot  # translated text needs no isolation
        if column.kind == "time":
            # Programs need the exact time, and visitors the one of their language.
            iso = self.pattern.slot(
                column.name,
                "iso",
                self.display.fmt.iso,
            )
            return f'<time datetime="{iso}"><bdi>{slot}</bdi></time>'
        return f"<bdi>{slot}</bdi>"

    def below_pattern(self, column: Column) -> str:
        """The format string of what stands below a cell in small type."""
        names = [name for name in column.below if name not in self.hidden]
        if not names:
            return ""
        slots = [self.slot(self.by_name[name]) for name in names]
        texts = " ".join(slots)
        # All of them are displayed or hidden together, by the priority of the first one, even if
        # that one itself is hidden.
        first = self.by_name[column.below[0]]
        css = BELOW_CLASSES[first.priority]
        # The stylesheet cuts off long texts of a symbol's <bdi>: there is none in its small type.
        if column.kind != "symbol":
            texts = f"<bdi>{texts}</bdi>"
        return f"<small{attribute(css)}>{texts}</small>"

    def slot(self, column: Column) -> str:
        """The place of a column's value, written without any markup around it."""
        if column.kind == "side":
            # "Buy limit" is one phrase for translators, of which the data has two values.
            names = f"{column.name} kind"
            return self.pattern.slot(names, "side", self.sides.__getitem__)
        return self.pattern.slot(
            column.name,
            column.kind,
            self.writer(column),
        )

    def writer(self, column: Column) -> Writer:
        """Writes the values of a column as HTML."""
        # A formatter knows numbers and times, but no words such as "Yes".
        if column.kind == "flag":
            return partial(self.display.write, "flag")
        if column.kind == "key":
            return self.display.key
        method = METHODS[column.kind]
        writer: Writer = getattr(self.display.fmt, method)
        return writer

    def total_row(self, totals: Data) -> Markup:
        """The row with the totals."""
        cells = ""
        for column in self.columns:
            cells += self.total_cell(column, totals)
        return as_html(f"<tr>{cells}</tr>")

    def total_cell(self, column: Column, totals: Data) -> str:
        """The total of a column; the first column says that these are totals."""
        classes = PRIORITY_CLASSES[self.priority(column)]
        content = ""
        # If the symbols are hidden, the first column may have a total: no room for the word.
        if column.total:
            value = totals[column.total]
            content = self.total(column, value)
            if column is self.columns[-1]:
                content += self.hidden_totals(totals)
        elif column is self.columns[0]:
            label = self.total_label(totals)
            content = f"<span>{escape(label)}</span>"
            classes += " l"
        attributes = attribute(classes)
        if column is self.table.columns[0]:
            return f'<th scope="row"{attributes}>{content}</th>'
        return f"<td{attributes}>{content}</td>"

    def total_label(self, totals: Data) -> str:
        """What the totals are of, since a page has not all of the rows."""
        count = totals["count"]
        # Also the count of a single hidden trade.
        if count is None:
            return self.display.gettext(N_("Total"))
        message = self.display.gettext(N_("Total of %(trades)s"))
        trades = self.display.counted(self.table.summed, count)
        return message % {"trades": trades}

    def hidden_totals(self, totals: Data) -> str:
        """The totals of columns for which there may be no room, in small type.

        The floating profit of an account includes swaps and commissions: without them, the total
        profit would contradict it.
        """
        parts = ""
        for column in self.columns:
            if column.kind != "signed":
                continue
            # Displayed where the stylesheet has no room for the column itself.
            css = PRIORITY_CLASSES[self.priority(column)]
            label = self.display.word(column.label)
            text = self.total(column, totals[column.total])
            parts += f'<span class="no-{css}">{label} {text} </span>'
        if not parts:
            return ""
        return f"<small>{parts}</small>"

    def total(self, column: Column, value: Any) -> str:
        """A total."""
        write = self.writer(column)
        written = write(value)
        text = f"<bdi>{written}</bdi>"
        sign = sign_of(column.kind, value, written)
        if sign == 0:
            return text
        classes = attribute(DIRECTIONS[sign])
        arrow = self.arrows[sign]
        return f"<span{classes}>{arrow}{text}</span>"

    def counts(self, totals: Data) -> list[Text]:
        """The counts above the table."""
        found = []
        for count in self.table.counts:
            if count.name in self.hidden:
                continue
            number = totals[count.name]
            # The count of a single hidden trade.
            if number is None:
                continue
            sign = count.sign
            # "0 won" is no reason for a green arrow.
            if number == 0:
                sign = 0
            text = self.display.counted(count.messages, number)
            found.append(Text("", text, sign))
        return found


@dataclass(frozen=True, slots=True)
class ResultWriter:
    """Writes the cell of a profit or loss, from its attributes on.

    Attributes:
        write: writes the amount.
        starts: the end of the tag and the arrow, by the sign of the amount.
        bar: draws the amount as a bar below; None for no bar.
        write_brief: writes an amount that is too long for the narrowest card beside a bar.
    """

    write: Writer
    starts: Mapping[int, str]
    bar: "Bar | None"
    write_brief: Writer

    def __call__(self, value: Any) -> str:
        """The cell of a value."""
        text = self.write(value)
        start = self.starts[sign_of("result", value, text)]
        if self.bar is None or value is None:
            return f"{start}<bdi>{text}</bdi>"
        bar = self.bar.draw(value)
        if len(text) <= LONGEST_BESIDE_BAR:
            return f"{start}<bdi>{text}</bdi>{bar}"
        brief = self.write_brief(value)
        return f'{start}<bdi class="narrow">{brief}</bdi><bdi class="longer">{text}</bdi>{bar}'


@dataclass(frozen=True, slots=True)
class Bar:
    """Draws amounts as bars from a common zero line.

    Attributes:
        lowest: the lowest amount, which is at the left end if it is below 0.
        highest: the highest amount, which is at the right end if it is above 0.
    """

    lowest: Decimal
    highest: Decimal

    def draw(self, amount: Decimal) -> str:
        """The bar of an amount. It has the colour of the text."""
        begin = min(self.lowest, ZERO)
        end = max(self.highest, ZERO)
        span = end - begin
        if not span:
            return ""
        # Shares of the width of the cell. A loss ends at zero, and a profit begins there.
        left = min(amount, ZERO) - begin
        x = 100 * left / span
        width = 100 * abs(amount) / span
        return (
            f'<svg class="bar" width="100%" height="{BAR_HEIGHT}" aria-hidden="true">'
            f'<rect x="{x:.1f}%" width="{width:.1f}%" height="{BAR_HEIGHT}" rx="1"/></svg>'
        )


def as_html(*parts: str) -> Markup:
    """HTML that needs no escaping: texts are escaped, and formatted numbers need none."""
    return Markup("".join(parts))  # noqa: S704


def attribute(classes: str) -> str:
    """The class attribute of a tag; nothing without classes."""
    classes = classes.strip()
    if not classes:
        return ""
    return f' class="{classes}"'


def build_table(table: Table, display: Display) -> TableHtml:
    """A table of a view as HTML."""
    return TableWriter(table, display).build()
