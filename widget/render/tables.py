"""Tables as HTML.

A table can have hundreds of cells, and a template that writes cell by cell takes longer than
formatting all the numbers. So the columns become one pattern per table, and each row fills it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from operator import itemgetter
from typing import Any, Final

from markupsafe import Markup, escape

from widget.errors import N_
from widget.render.display import METHODS as TEXT_METHODS
from widget.render.display import Display, Text, sign_of
from widget.render.format import MISSING
from widget.widgets.base import RESULTS, Column, Kind, Table

METHODS: Final[dict[Kind, str]] = {
    **TEXT_METHODS,
    # The heading of the widget contains the currency: the columns do not repeat it.
    "money": "amount",
    "signed": "result",
    "result": "result",
    "text": "text",
    "id": "text",
    "symbol": "text",
}
"""The method of ``Formatter`` that writes a cell of each kind."""

START_ALIGNED: Final = frozenset({"text", "symbol", "side", "time"})
PRIORITY_CLASSES: Final = ("", "z", "a", "b", "c", "d", "e", "f")
"""The stylesheet displays a column of each class from a certain width on."""
BELOW_CLASSES: Final = {1: "n", 2: "", 3: "when"}
"""The stylesheet hides small type of each class as soon as a column of this priority has room."""
DIRECTIONS: Final = {1: "up", -1: "down"}
"""The CSS class of a profit and of a loss."""
SIDES: Final = {
    ("buy", "market"): N_("Buy"),
    ("buy", "limit"): N_("Buy limit"),
    ("buy", "stop"): N_("Buy stop"),
    ("buy", None): N_("Buy"),  # the account hides the kind
    ("sell", "market"): N_("Sell"),
    ("sell", "limit"): N_("Sell limit"),
    ("sell", "stop"): N_("Sell stop"),
    ("sell", None): N_("Sell"),
}


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
    """

    headings: list[Heading]
    rows: Markup
    empty: str
    totals: Markup | None = None
    counts: list[Text] | None = None


@dataclass(slots=True)
class Pattern:
    """Collects what has to be written for each row, so that nothing is written twice.

    Attributes:
        cells: how to take each value out of a row, and how to write it as HTML.
        slots: the places of the values, by their names and their writing.
    """

    cells: list[tuple[Callable[[Mapping[str, Any]], Any], Callable[[Any], str]]] = field(
        default_factory=list
    )
    slots: dict[tuple[str, str], str] = field(default_factory=dict)

    def slot(self, names: str, writing: str, writer: Callable[[Any], str]) -> str:
        """The place of a value in a format string, such as ``{3}``.

        Args:
            names: the name of the value; several names, separated by spaces, for a tuple.
            writing: tells apart several ways to write the same value.
            writer: writes it.
        """
        key = (names, writing)
        if key not in self.slots:
            self.slots[key] = f"{{{len(self.cells)}}}"
            self.cells.append((itemgetter(*names.split()), writer))
        return self.slots[key]

    def write(self, row: Mapping[str, Any]) -> list[str]:
        """All values of a row, by their places."""
        return [writer(getter(row)) for getter, writer in self.cells]


class TableWriter:
    """Writes one table."""

    def __init__(self, table: Table, display: Display) -> None:
        self.table = table
        self.display = display
        self.hidden = display.view.hidden
        self.pattern = Pattern()
        self.columns = [
            column for column in table.columns if column.always or column.name not in self.hidden
        ]
        self.by_name = {column.name: column for column in table.columns}
        self.sides = {key: str(escape(display.gettext(text))) for key, text in SIDES.items()}
        self.arrows = {sign: str(display.arrow(sign)) for sign in DIRECTIONS}

    def build(self) -> TableHtml:
        """The whole table."""
        data = self.display.view.data
        html = TableHtml(
            headings=[self.heading(column) for column in self.columns],
            rows=self.rows(data[self.table.rows] or []),
            empty=self.display.gettext(self.table.empty),
        )
        totals = data.get(self.table.totals)
        if totals:
            html.totals = self.total_row(totals)
            if self.table.counts:
                html.counts = self.counts(totals)
        return html

    def heading(self, column: Column) -> Heading:
        """The heading of a column."""
        return Heading(self.display.gettext(column.label), self.classes(column))

    def classes(self, column: Column) -> str:
        """The CSS classes of a column: where it is visible and how it is aligned."""
        classes = [PRIORITY_CLASSES[self.priority(column)]]
        if column.kind in START_ALIGNED and not column.at_end:
            classes.append("l")
        if column.fills:
            classes.append("wide")
        return " ".join(filter(None, classes))

    def priority(self, column: Column) -> int:
        """The priority of a column, which depends on what is hidden."""
        if column.replaces in self.hidden:
            return 1
        return column.priority

    def rows(self, rows: list[dict[str, Any]]) -> Markup:
        """All rows."""
        active = self.row_pattern(is_active=True)
        inactive = self.row_pattern(is_active=False)
        is_inactive = self.table.inactive
        written = []
        for row in rows:
            pattern = active
            if is_inactive and is_inactive(row):
                pattern = inactive
            written.append(pattern.format(*self.pattern.write(row)))
        return as_html(*written)

    def row_pattern(self, *, is_active: bool) -> str:
        """The format string of a row."""
        attributes = ""
        if not is_active:
            attributes += attribute("order")
        if self.table.key and self.table.key not in self.hidden:
            attributes += f' data-key="{self.slot(self.by_name[self.table.key])}"'
        cells = [self.cell_pattern(column, is_active=is_active) for column in self.columns]
        return f"<tr{attributes}>{''.join(cells)}</tr>"

    def cell_pattern(self, column: Column, *, is_active: bool) -> str:
        """The format string of a cell."""
        classes = self.classes(column)
        below = self.below_pattern(column)
        if column is self.table.columns[0]:
            if column.kind == "symbol":
                classes += " sym"
            return f'<th scope="row"{attribute(classes)}>{self.content(column)}{below}</th>'
        if column.active_only and not is_active:
            return f"<td{attribute(classes)}><bdi>{MISSING}</bdi></td>"
        if column.kind in RESULTS:
            # Its class depends on the value, so that the slot contains the end of the tag as well.
            starts = {0: f"{attribute(classes)}>"}
            for sign, direction in DIRECTIONS.items():
                starts[sign] = f"{attribute(f'{direction} {classes}')}>{self.arrows[sign]}"
            writer = ResultWriter(self.writer(column), starts)
            slot = self.pattern.slot(column.name, "result cell", writer)
            return f"<td{slot}{below}</td>"
        return f"<td{attribute(classes)}>{self.content(column)}{below}</td>"

    def content(self, column: Column) -> str:
        """The format string of what a cell contains."""
        slot = self.slot(column)
        if column.kind == "side":
            return slot  # translated text needs no isolation
        if column.kind == "time":
            iso = self.pattern.slot(column.name, "iso", self.display.fmt.iso)
            return f'<time datetime="{iso}"><bdi>{slot}</bdi></time>'
        return f"<bdi>{slot}</bdi>"

    def below_pattern(self, column: Column) -> str:
        """The format string of what stands below a cell in small type."""
        below = [self.by_name[name] for name in column.below if name not in self.hidden]
        if not below:
            return ""
        css = BELOW_CLASSES[self.by_name[column.below[0]].priority]
        texts = " ".join(self.slot(each) for each in below)
        # The stylesheet cuts off long texts of a symbol's <bdi>: there is none in its small type.
        if column.kind != "symbol":
            texts = f"<bdi>{texts}</bdi>"
        return f"<small{attribute(css)}>{texts}</small>"

    def slot(self, column: Column) -> str:
        """The place of a column's value, written without any markup around it."""
        if column.kind == "side":
            return self.pattern.slot(f"{column.name} kind", "side", self.sides.__getitem__)
        return self.pattern.slot(column.name, column.kind, self.writer(column))

    def writer(self, column: Column) -> Callable[[Any], str]:
        """Writes the values of a column as HTML."""
        if column.kind == "flag":
            return partial(self.display.write, "flag")
        writer: Callable[[Any], str] = getattr(self.display.fmt, METHODS[column.kind])
        return writer

    def total_row(self, totals: Mapping[str, Any]) -> Markup:
        """The row with the totals."""
        cells = [self.total_cell(column, totals) for column in self.columns]
        return as_html("<tr>", *cells, "</tr>")

    def total_cell(self, column: Column, totals: Mapping[str, Any]) -> str:
        """The total of a column; the first column says that these are totals."""
        classes = PRIORITY_CLASSES[self.priority(column)]
        content = ""
        if column.total:
            content = self.total(column, totals[column.total])
        elif column is self.columns[0]:
            content = str(escape(self.display.gettext(N_("Total"))))
            classes += " l"
        if column is self.table.columns[0]:
            return f'<th scope="row"{attribute(classes)}>{content}</th>'
        return f"<td{attribute(classes)}>{content}</td>"

    def total(self, column: Column, value: Any) -> str:
        """A total."""
        text = f"<bdi>{self.writer(column)(value)}</bdi>"
        sign = sign_of(column.kind, value)
        if sign == 0:
            return text
        return f"<span{attribute(DIRECTIONS[sign])}>{self.arrows[sign]}{text}</span>"

    def counts(self, totals: Mapping[str, Any]) -> list[Text]:
        """The counts above the table."""
        found = []
        for count in self.table.counts:
            if count.name in self.hidden:
                continue
            number = totals[count.name]
            text = self.display.translations.ngettext(*count.messages, number)
            number_text = self.display.fmt.integer(number)
            found.append(Text("", text % {"count": number_text}, count.sign))
        return found


@dataclass(frozen=True, slots=True)
class ResultWriter:
    """Writes the cell of a profit or loss, from its attributes on.

    Attributes:
        write: writes the amount.
        starts: the end of the tag and the arrow, by the sign of the amount.
    """

    write: Callable[[Any], str]
    starts: Mapping[int, str]

    def __call__(self, value: Any) -> str:
        """The cell of a value."""
        return f"{self.starts[sign_of('result', value)]}<bdi>{self.write(value)}</bdi>"


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
