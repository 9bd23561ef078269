"""Thumbnails of widgets: schematic drawings that follow from what a widget declares.

They contain no figures and no text, so that they need no account and no translation. A new widget
has one without being drawn by anybody.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from widget.widgets import base
from widget.widgets.base import RESULTS, Kind, Widget

WIDTH: Final = 96
HEIGHT: Final = 60
MARGIN: Final = 8
GAP: Final = 5
"""The space between two parts of a widget."""
INNER_WIDTH: Final = WIDTH - 2 * MARGIN
INNER_HEIGHT: Final = HEIGHT - 2 * MARGIN

Tone = Literal["ink", "soft", "done", "bar", "line", "area", "up", "down"]
"""The class of a shape, to which the stylesheet gives a colour. Bars, lines and areas belong to
charts, which run from left to right in every language."""

LARGE_FIGURE_HEIGHT: Final = 13  # with its label
PROGRESS_HEIGHT: Final = 6
SHARE_DONE: Final = 0.6  # of a progress bar
BARS: Final = (0.45, 0.7, 0.35, 0.55, 0.9, 0.5, 0.75, 1.0, 0.6, 0.8)
"""Heights of the bars of a bar chart, as a share of the greatest."""
CURVE: Final = (0.1, 0.25, 0.2, 0.45, 0.4, 0.65, 0.55, 0.85, 1.0)
"""Heights of the points of a curve, from left to right."""
MONTHS_OF_YEAR: Final = 12
DAYS_OF_WEEK: Final = 7
MAX_COLUMNS: Final = 5
ROW_PITCH: Final = 8


@dataclass(frozen=True, slots=True)
class Shape:
    """A rectangle with round corners, or a path.

    Attributes:
        tone: its colour.
        x, y, width, height: the rectangle, in units of the drawing.
        path: the data of the path; empty for a rectangle.
    """

    tone: Tone
    x: float = 0
    y: float = 0
    width: float = 0
    height: float = 0
    path: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """The part of the drawing that belongs to a part of the widget, over its whole width."""

    top: float
    height: float

    @property
    def bottom(self) -> float:
        """Where it ends."""
        return self.top + self.height


def draw(widget: Widget) -> list[Shape]:
    """The thumbnail of a widget, ``WIDTH`` wide and ``HEIGHT`` high."""
    blocks = blocks_with_room(widget.body)
    needed = sum(drawing_of(block).height + GAP for block in blocks) - GAP
    # Without a chart or a table, the first part grows.
    growing = [block for block in blocks if drawing_of(block).grows] or blocks[:1]
    extra_height = (INNER_HEIGHT - needed) / len(growing)
    top = float(MARGIN)
    shapes: list[Shape] = []
    for block in blocks:
        drawing = drawing_of(block)
        height = float(drawing.height)
        if block in growing:
            height += extra_height
        box = Box(top, height)
        shapes += drawing.draw(block, box)
        top = box.bottom + GAP
    return shapes


def blocks_with_room(body: Iterable[base.Block]) -> list[base.Block]:
    """The parts of a widget that have room in its thumbnail, from the top."""
    found: list[base.Block] = []
    bottom = 0
    for block in body:
        # Of several tables, a widget displays one.
        if isinstance(block, base.Table) and any(isinstance(each, base.Table) for each in found):
            continue
        bottom += drawing_of(block).height
        if bottom > INNER_HEIGHT:
            break
        found.append(block)
        bottom += GAP
    return found


def draw_card(card: base.Card, box: Box) -> Iterator[Shape]:
    """A large figure with smaller ones below it, or a list of small ones."""
    if card.style == "facts":
        yield from draw_facts(box)
        return
    smaller = card.figures[1:]
    top = box.top
    if not smaller:
        # In the middle, since there is nothing below it.
        top += (box.height - LARGE_FIGURE_HEIGHT) / 2
    yield Shape("soft", MARGIN, top, 18, 3)
    yield Shape("ink", MARGIN, top + 5, 44, 8)
    column_width = INNER_WIDTH / 2
    top += LARGE_FIGURE_HEIGHT + GAP
    for index in range(0, len(smaller), 2):
        if top + 8 > box.bottom:
            return
        for column, _ in enumerate(smaller[index : index + 2]):
            x = MARGIN + column * column_width
            yield Shape("soft", x, top, 14, 2)
            yield Shape("ink", x, top + 4, 26, 4)
        top += 13


def draw_facts(box: Box) -> Iterator[Shape]:
    """Two columns of names, each with its value at the end of the line."""
    column_width = (INNER_WIDTH - ROW_PITCH) / 2
    top = box.top
    while top + 3 <= box.bottom:
        for x in (MARGIN, MARGIN + column_width + ROW_PITCH):
            yield Shape("soft", x, top, 16, 3)
            yield Shape("ink", x + column_width - 10, top, 10, 3)
        top += ROW_PITCH


def draw_groups(_: base.Groups, box: Box) -> Iterator[Shape]:
    """Groups of figures are a list of small ones, too."""
    return draw_facts(box)


def draw_years(_: base.YearTable, box: Box) -> Iterator[Shape]:
    """A row for each year, with a cell for each month."""
    return draw_grid(MONTHS_OF_YEAR, box)


def draw_month(_: base.MonthGrid, box: Box) -> Iterator[Shape]:
    """A row for each week, with a cell for each day."""
    return draw_grid(DAYS_OF_WEEK, box)


def draw_grid(columns: int, box: Box) -> Iterator[Shape]:
    """Cells in the colours of their results."""
    pitch = INNER_WIDTH / columns
    top = box.top
    cells = 0
    while top + 6 <= box.bottom:
        for column in range(columns):
            tone: Tone = "up"
            if cells % 5 == 2:
                tone = "down"
            yield Shape(tone, MARGIN + column * pitch, top, pitch - 1, 6)
            cells += 1
        top += ROW_PITCH


def draw_progress(_: base.Progress, box: Box) -> Iterator[Shape]:
    """A bar that is partly done."""
    yield Shape("soft", MARGIN, box.top, INNER_WIDTH, PROGRESS_HEIGHT)
    yield Shape("done", MARGIN, box.top, INNER_WIDTH * SHARE_DONE, PROGRESS_HEIGHT)


def draw_bars(_: base.Bars, box: Box) -> Iterator[Shape]:
    """A bar chart."""
    pitch = INNER_WIDTH / len(BARS)
    for index, share in enumerate(BARS):
        height = share * box.height
        yield Shape("bar", MARGIN + index * pitch, box.bottom - height, pitch - 2, height)


def draw_curve(_: base.Curve, box: Box) -> Iterator[Shape]:
    """A growth curve and the area below it."""
    pitch = INNER_WIDTH / (len(CURVE) - 1)
    points = []
    for index, share in enumerate(CURVE):
        x = MARGIN + index * pitch
        y = box.bottom - share * box.height
        points.append(f"{x:g} {y:.1f}")
    line = "M" + "L".join(points)
    yield Shape("area", path=f"{line}V{box.bottom:g}H{MARGIN}Z")
    yield Shape("line", path=line)


def draw_table(table: base.Table, box: Box) -> Iterator[Shape]:
    """A table with as many columns as have room, and the results in their colours."""
    # The last column is the one that visitors look for, such as the profit.
    columns = [*table.columns[:-1][: MAX_COLUMNS - 1], table.columns[-1]]
    kinds = [column.kind for column in columns]
    return draw_cells(kinds, box)


def draw_other(_: base.Block, box: Box) -> Iterator[Shape]:
    """What has no drawing of its own looks like a table."""
    return draw_cells(["text"] * MAX_COLUMNS, box)


def draw_cells(kinds: Sequence[Kind], box: Box) -> Iterator[Shape]:
    """The rows of a table whose columns have these kinds."""
    pitch = INNER_WIDTH / len(kinds)
    top = box.top
    row = 0
    while top + 3 <= box.bottom:
        for index, kind in enumerate(kinds):
            tone = tone_of_cell(row, index, kind)
            yield Shape(tone, MARGIN + index * pitch, top, pitch - 4, 3)
        row += 1
        top += ROW_PITCH


def tone_of_cell(row: int, index: int, kind: Kind) -> Tone:
    """The colour of a cell: headings are soft, and every third result is a loss."""
    if row == 0:
        return "soft"
    if kind in RESULTS and row % 3 == 0:
        return "down"
    if kind in RESULTS:
        return "up"
    if index == 0:
        return "ink"
    return "soft"


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a kind of part is drawn.

    Attributes:
        height: the least height that it needs.
        draw: draws a part in a box.
        grows: whether it takes the height that is left.
    """

    height: int
    draw: Callable[[Any, Box], Iterator[Shape]]
    grows: bool = False


DRAWINGS: Mapping[type[base.Block], Drawing] = {
    base.Card: Drawing(LARGE_FIGURE_HEIGHT, draw_card),
    base.Groups: Drawing(ROW_PITCH + 3, draw_groups, grows=True),
    base.Progress: Drawing(PROGRESS_HEIGHT, draw_progress),
    base.Bars: Drawing(10, draw_bars, grows=True),
    base.Curve: Drawing(10, draw_curve, grows=True),
    base.YearTable: Drawing(ROW_PITCH, draw_years, grows=True),
    base.MonthGrid: Drawing(ROW_PITCH, draw_month, grows=True),
    base.Table: Drawing(ROW_PITCH + 3, draw_table, grows=True),
}
OTHER: Final = Drawing(ROW_PITCH + 3, draw_other, grows=True)


def drawing_of(block: base.Block) -> Drawing:
    """How a part of a widget is drawn."""
    return DRAWINGS.get(type(block), OTHER)
