"""Thumbnails of widgets: schematic drawings that follow from what a widget declares.

They contain no figures and no text, so that they need no account and no translation. A new widget
has one without being drawn by anybody.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from widget.data.days import DAYS_OF_WEEK, MONTHS_OF_YEAR
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
SMALL_FIGURE_HEIGHT: Final = 8  # with its label
SMALL_FIGURE_PITCH: Final = 13
TEXT_HEIGHT: Final = 3
CELL_HEIGHT: Final = 6
PROGRESS_HEIGHT: Final = 6
SHARE_DONE: Final = 0.6  # of a progress bar
BARS: Final = (0.45, 0.7, 0.35, 0.55, 0.9, 0.5, 0.75, 1.0, 0.6, 0.8)
"""Heights of the bars of a bar chart, as a share of the greatest."""
CURVE: Final = (0.1, 0.25, 0.2, 0.45, 0.4, 0.65, 0.55, 0.85, 1.0)
"""Heights of the points of a curve, from left to right."""
RESULT_BARS: Final = (0.6, 1.0, -0.3, 0.75, 0.25)
"""Lengths of the bars of a table, as a share of the greatest; losses are negative."""
LONGEST_RESULT_BAR: Final = 40
ROW_NAME_WIDTH: Final = 20
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
    growing = [block for block in blocks if drawing_of(block).grows]
    # Without a chart or a table, the first part grows.
    if not growing:
        growing = blocks[:1]
    extra_height = (INNER_HEIGHT - needed_height(blocks)) / len(growing)
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
    has_table = False
    for block in body:
        if isinstance(block, base.Table):
            # Of several tables, a widget displays one.
            if has_table:
                continue
            has_table = True
        if needed_height([*found, block]) > INNER_HEIGHT:
            break
        found.append(block)
    return found


def needed_height(blocks: Sequence[base.Block]) -> int:
    """The least height of some parts, with the gaps between them."""
    heights = [drawing_of(block).height for block in blocks]
    gaps = GAP * (len(blocks) - 1)
    return sum(heights) + gaps


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
    yield Shape("soft", x=MARGIN, y=top, width=18, height=3)
    yield Shape("ink", x=MARGIN, y=top + 5, width=44, height=8)
    top += LARGE_FIGURE_HEIGHT + GAP
    # Two of the smaller figures stand side by side.
    column_width = INNER_WIDTH / 2
    for number, _ in enumerate(smaller):
        row, column = divmod(number, 2)
        x = MARGIN + column * column_width
        y = top + row * SMALL_FIGURE_PITCH
        if y + SMALL_FIGURE_HEIGHT > box.bottom:
            return
        yield Shape("soft", x=x, y=y, width=14, height=2)
        yield Shape("ink", x=x, y=y + 4, width=26, height=4)


def draw_facts(box: Box) -> Iterator[Shape]:
    """Two columns of names, each with its value at the end of the line."""
    column_width = (INNER_WIDTH - ROW_PITCH) / 2
    second_column = MARGIN + column_width + ROW_PITCH
    for top in row_tops(box, TEXT_HEIGHT):
        for x in (MARGIN, second_column):
            end = x + column_width
            yield Shape("soft", x=x, y=top, width=16, height=TEXT_HEIGHT)
            yield Shape("ink", x=end - 10, y=top, width=10, height=TEXT_HEIGHT)


def row_tops(box: Box, height: float) -> Iterator[float]:
    """Where the rows of a box begin, as many as have room; ``height`` is that of a row."""
    top = box.top
    while top + height <= box.bottom:
        yield top
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
    cells = 0
    for top in row_tops(box, CELL_HEIGHT):
        for column in range(columns):
            tone: Tone = "up"
            # Every fifth one is a loss, so that they are not in line.
            if cells % 5 == 2:
                tone = "down"
            x = MARGIN + column * pitch
            yield Shape(tone, x=x, y=top, width=pitch - 1, height=CELL_HEIGHT)
            cells += 1


def draw_progress(_: base.Progress, box: Box) -> Iterator[Shape]:
    """A bar that is partly done."""
    whole = Shape("soft", x=MARGIN, y=box.top, width=INNER_WIDTH, height=PROGRESS_HEIGHT)
    yield whole
    yield replace(whole, tone="done", width=INNER_WIDTH * SHARE_DONE)


def draw_bars(_: base.Bars, box: Box) -> Iterator[Shape]:
    """A bar chart."""
    pitch = INNER_WIDTH / len(BARS)
    for index, share in enumerate(BARS):
        x = MARGIN + index * pitch
        height = share * box.height
        top = box.bottom - height
        yield Shape("bar", x=x, y=top, width=pitch - 2, height=height)


def draw_curve(_: base.Curve, box: Box) -> Iterator[Shape]:
    """A growth curve and the area below it."""
    pitch = INNER_WIDTH / (len(CURVE) - 1)
    points = []
    for index, share in enumerate(CURVE):
        x = MARGIN + index * pitch
        y = box.bottom - share * box.height
        points.append(f"{x:g} {y:.1f}")
    line = "M" + "L".join(points)
    # Down to the bottom, and back to the left.
    area = f"{line}V{box.bottom:g}H{MARGIN}Z"
    yield Shape("area", path=area)
    yield Shape("line", path=line)


def draw_table(table: base.Table, box: Box) -> Iterator[Shape]:
    """A table with as many columns as have room, and the results in their colours."""
    if any(column.has_bar for column in table.columns):
        return draw_result_bars(box)
    kinds = [column.kind for column in table.columns]
    # The last column is the one that visitors look for, such as the profit.
    if len(kinds) > MAX_COLUMNS:
        kinds = [*kinds[: MAX_COLUMNS - 1], kinds[-1]]
    return draw_cells(kinds, box)


def draw_result_bars(box: Box) -> Iterator[Shape]:
    """Rows with a name and a bar. Gains and losses begin at a common line."""
    zero = WIDTH - MARGIN - LONGEST_RESULT_BAR
    for top, share in zip(row_tops(box, CELL_HEIGHT), RESULT_BARS, strict=False):
        space = CELL_HEIGHT - TEXT_HEIGHT
        yield Shape(
            "ink",
            x=MARGIN,
            y=top + space / 2,
            width=ROW_NAME_WIDTH,
            height=TEXT_HEIGHT,
        )
        tone: Tone = "up"
        left = float(zero)
        length = abs(share) * LONGEST_RESULT_BAR
        # The bar of a loss ends where those of gains begin.
        if share < 0:
            tone = "down"
            left = zero - length
        yield Shape(
            tone,
            x=left,
            y=top,
            width=length,
            height=CELL_HEIGHT,
        )


def draw_other(_: base.Block, box: Box) -> Iterator[Shape]:
    """What has no drawing of its own looks like a table."""
    return draw_cells(["text"] * MAX_COLUMNS, box)


def draw_cells(kinds: Sequence[Kind], box: Box) -> Iterator[Shape]:
    """The rows of a table whose columns have these kinds."""
    pitch = INNER_WIDTH / len(kinds)
    for row, top in enumerate(row_tops(box, TEXT_HEIGHT)):
        for index, kind in enumerate(kinds):
            tone = tone_of_cell(row, index, kind)
            x = MARGIN + index * pitch
            yield Shape(tone, x=x, y=top, width=pitch - 4, height=TEXT_HEIGHT)


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
