"""Pictures for forums and mail signatures: how figures and charts are laid out, without any I/O."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from widget.render.canvas import (
    ARROW_ROOM,
    BOLD_SHARE,
    MIN_SHRINK,
    REGULAR_SHARE,
    Box,
    Canvas,
    Font,
    Place,
    Style,
    share_of_room,
    wrapped,
)
from widget.render.chart import BarChart, CurveChart
from widget.render.display import Text
from widget.render.plots import (
    Progress,
    draw_axes,
    draw_bars,
    draw_curve,
    draw_empty,
    draw_progress,
)

PREVIEW_SIZE: Final = (1200, 630)
"""Width and height of the picture of link previews in pixels."""
MESSAGE_SIZES: Final = {"small": 11, "medium": 14, "large": 20, "strip": 13}


@dataclass(frozen=True, slots=True)
class Picture:
    """What a picture displays.

    Attributes:
        title: the heading; empty for none.
        meta: the text beside the heading, such as the period.
        figures: the large one first; as many are drawn as there is room for.
        as_of: the time of the figures.
        note: a warning that they are stale; empty if they are fresh.
        name: the name of the account; empty if it is not published.
        kind: the kind of the account; empty if it is not published.
        chart: a curve or bars.
        progress: a progress bar.
        empty: the text that replaces a chart without data.
        is_preview: whether the name and kind of the account are the heading.
    """

    title: str
    meta: str
    figures: Sequence[Text]
    as_of: str
    note: str = ""
    name: str = ""
    kind: str = ""
    chart: CurveChart | BarChart | None = None
    progress: Progress | None = None
    empty: str = ""
    is_preview: bool = False

    @property
    def has_plot(self) -> bool:
        """Whether there is something beside the figures."""
        if self.chart or self.progress:
            return True
        return self.empty != ""

    @property
    def identity(self) -> str:
        """Whose figures they are; empty if that is not published."""
        return " · ".join(part for part in (self.name, self.kind) if part)


def draw_picture(picture: Picture, style: Style) -> str:
    """The picture of some figures."""
    canvas = Canvas(style)
    draw = LAYOUTS[style.size]
    draw(canvas, picture)
    return canvas.document(accessible_title(picture))


def accessible_title(picture: Picture) -> str:
    """What a screen reader reads instead of the drawing."""
    texts = [picture.title]
    if not picture.is_preview:
        texts.append(picture.identity)
    # Only the large figure: a title is read in one go, and up to nine figures would be too much.
    if picture.figures:
        main = picture.figures[0]
        texts.append(f"{main.label} {main.text}")
    texts.append(picture.as_of)
    texts.append(picture.note)
    return ", ".join(text for text in texts if text)


def draw_message(message: str, style: Style) -> str:
    """The picture of a message, such as that of an error."""
    canvas = Canvas(style)
    size = MESSAGE_SIZES[style.size]
    line_height = size * 1.4
    side = size * 1.4
    room = canvas.width - 2 * side
    max_lines = int((canvas.height - 10) / line_height)
    lines = wrapped(
        message,
        room / size,
        max_lines,
        style.measure,
    )
    # The lines stand in the middle; a baseline is about one font size below the top of its line.
    height = line_height * len(lines)
    top = (canvas.height - height) / 2
    baseline = top + size * 1.05
    for number, line in enumerate(lines):
        y = baseline + number * line_height
        canvas.text(
            line,
            Place(x=side, y=y, room=room),
            Font(size),
        )
    return canvas.document(message)


# The numbers in the layouts are CSS pixels, chosen by eye; tests check that nothing overlaps.


def draw_small(canvas: Canvas, picture: Picture) -> None:
    """One figure, and beside it a second one or a chart."""
    main, second = small_figures(picture)
    room = 218
    if picture.chart or second:
        room = 132
    canvas.mark(x=10, y=8, height=11)
    canvas.text(
        main.label,
        Place(x=19, y=17.5, room=room - 9),
        Font(11, "soft"),
    )
    canvas.figure(
        main,
        Place(x=10, y=38, room=room),
        20,
    )
    if picture.chart:
        draw_small_chart(canvas, picture)
    elif second:
        draw_small_second(canvas, second, picture.progress)
    draw_foot(
        canvas,
        picture,
        Place(x=10, y=53, room=canvas.width - 20),
        9.5,
    )


def small_figures(picture: Picture) -> tuple[Text, Text | None]:
    """The figure of a small picture, and the one beside it, if there is one."""
    figures = list(picture.figures)
    # The bar is drawn below its own figure, so that this one stands beside the main figure.
    if picture.progress:
        figures.append(picture.progress.figure)
    if not figures:
        # The account may hide all figures: the title is better than an empty picture.
        return Text(picture.title, ""), None
    main = figures[0]
    if len(figures) == 1:
        return main, None
    if picture.progress:
        return main, figures[-1]
    return main, figures[1]


def draw_small_chart(canvas: Canvas, picture: Picture) -> None:
    """The chart of a small picture, with the period above it."""
    canvas.text(
        picture.meta,
        Place(x=230, y=17.5, room=80, at_end=True),
        Font(10, "soft"),
    )
    plot = Box(x=152, y=24, width=76, height=18)
    draw_plot(canvas, picture, plot)


def draw_small_second(
    canvas: Canvas,
    figure: Text,
    progress: Progress | None,
) -> None:
    """The second figure of a small picture, with the progress bar that belongs to it."""
    canvas.text(
        figure.label,
        Place(x=152, y=17.5, room=78),
        Font(10, "soft"),
    )
    y = 37.0
    if progress:
        y = 32.5  # a bar needs a little room below its figure
    canvas.figure(
        figure,
        Place(x=152, y=y, room=78),
        13,
    )
    if progress:
        box = Box(x=152, y=38, width=78, height=4)
        canvas.bar(progress.share, box)


def draw_strip(canvas: Canvas, picture: Picture) -> None:
    """A name and a figure, a small chart, and three more figures: a banner for forums."""
    canvas.mark(x=10, y=8, height=11)
    heading_place = Place(x=19, y=17.5, room=113)
    heading_font = Font(11, bold=True)
    if picture.identity:
        draw_identity(canvas, picture, heading_place, heading_font)
    else:
        canvas.text(picture.title, heading_place, heading_font)
    if picture.figures:
        main = picture.figures[0]
        canvas.figure(
            main,
            Place(x=10, y=45, room=122),
            24,
        )
        draw_strip_chart(canvas, picture, f"{main.label}, {picture.meta}")
    draw_strip_columns(canvas, picture.figures[1:4])
    draw_strip_foot(canvas, picture)


def draw_strip_foot(canvas: Canvas, picture: Picture) -> None:
    """Write whether a strip is stale, and its time: below the figures, since the chart reaches down
    to this line.
    """
    line = Place(x=236, y=53, room=222)
    rest = canvas.text_at_end(picture.as_of, line, 1, Font(9.5, "soft"))
    canvas.text_at_end(picture.note, rest, 1, Font(9.5, bold=True))


def draw_strip_columns(canvas: Canvas, figures: Sequence[Text]) -> None:
    """The smaller figures of a strip."""
    # The first of them has the longest name, and the last one the shortest figure.
    places = (
        Place(x=236, y=17.5, room=90),
        Place(x=334, y=17.5, room=68),
        Place(x=408, y=17.5, room=54),
    )
    name_font = Font(10, "soft")
    for figure, place in zip(figures, places, strict=False):
        canvas.text(figure.label, place, name_font)
        canvas.figure(figure, place.lowered(19.5), 15)


def draw_strip_chart(canvas: Canvas, picture: Picture, caption: str) -> None:
    """The chart of a strip, below what it displays."""
    canvas.text(caption, Place(x=138, y=17.5, room=92), Font(10, "soft"))
    if picture.chart:
        plot = Box(x=138, y=24, width=88, height=26)
        draw_plot(canvas, picture, plot)


def draw_medium(canvas: Canvas, picture: Picture) -> None:
    """A large figure with a chart beside it, and a row of three smaller figures."""
    top = draw_head(
        canvas,
        picture,
        side=14,
        height=36,
        size=13,
    )
    # The foot begins at 134: everything else is centred above it.
    middle = (top + 134) / 2
    draw_main_figure(
        canvas,
        picture,
        medium_main_place(picture, middle),
        small=11,
        large=26,
    )
    plot = medium_plot(picture, middle)
    draw_plot(canvas, picture, plot)
    draw_medium_columns(canvas, picture.figures[1:4], middle + 23)
    canvas.rule(134)
    draw_foot(
        canvas,
        picture,
        Place(x=14, y=151, room=canvas.width - 28),
        10.5,
    )


def draw_medium_columns(canvas: Canvas, figures: Sequence[Text], y: float) -> None:
    """The row of smaller figures of a medium picture; ``y`` is the baseline of their names."""
    draw_row(
        canvas,
        figures,
        Place(x=14, y=y, room=92),
        gap=7,
        small=10.5,
        large=14,
    )


def draw_row(
    canvas: Canvas,
    figures: Sequence[Text],
    place: Place,
    gap: float,
    small: float,
    large: float,
) -> None:
    """Up to three figures side by side.

    Args:
        canvas: where they are drawn.
        figures: the figures.
        place: the place of the first one, if all columns are equally wide.
        gap: the space between two of them.
        small: the font size of their names.
        large: the font size of the figures.
    """
    rooms = [place.room] * len(figures)
    needed = [column_width(canvas, figure, small, large) for figure in figures]
    # Long names get more of the row than short ones; without them, all columns are equally wide.
    if len(figures) == 3 and max(needed) > place.room:
        share = sum(rooms) / sum(needed)
        rooms = [width * share for width in needed]
    x = place.x
    for figure, room in zip(figures, rooms, strict=True):
        column = Place(x=x, y=place.y, room=room)
        draw_column(canvas, figure, column, small, large)
        x += room + gap


def medium_main_place(picture: Picture, middle: float) -> Place:
    """Where the large figure of a medium picture stands.

    Args:
        picture: the picture.
        middle: the y of the middle between heading and foot.
    """
    # It moves up to make room for the row of the others below it.
    y = middle - 10
    if len(picture.figures) > 1:
        y = middle - 33
    room = 292
    if picture.has_plot:
        room = 146
    return Place(x=14, y=y, room=room)


def medium_plot(picture: Picture, middle: float) -> Box:
    """Where the chart of a medium picture stands.

    Args:
        picture: the picture.
        middle: the y of the middle between heading and foot.
    """
    if len(picture.figures) > 1:
        # Beside the large figure, and above the row of the others.
        return Box(x=170, y=middle - 41, width=134, height=38)
    if picture.figures:
        return Box(x=150, y=middle - 36, width=154, height=72)
    # All figures are hidden: the chart has the whole width.
    return Box(x=14, y=middle - 24, width=292, height=48)


def draw_large(canvas: Canvas, picture: Picture) -> None:
    """A large figure with three smaller ones above a chart, or with eight and no chart."""
    top = draw_head(
        canvas,
        picture,
        side=24,
        height=56,
        size=20,
    )
    if picture.chart or picture.empty:
        draw_large_chart(canvas, picture, top)
    else:
        draw_large_figures(canvas, picture, top)
    canvas.rule(canvas.height - 34)
    draw_foot(
        canvas,
        picture,
        Place(x=24, y=canvas.height - 12, room=canvas.width - 48),
        13,
    )


def draw_large_chart(canvas: Canvas, picture: Picture, top: float) -> None:
    """A row of figures above a chart with axes."""
    y = top + 26
    draw_main_figure(
        canvas,
        picture,
        Place(x=24, y=y, room=170),
        small=14,
        large=38,
    )
    # Three columns share the width to the right of the large figure.
    step = (canvas.width - 221) / 3
    draw_row(
        canvas,
        picture.figures[1:4],
        Place(x=206, y=y, room=step - 12),
        gap=12,
        small=13,
        large=19,
    )
    # To the right of the chart there is room for the labels of its y axis. Its lower edge stays
    # where it is, so that without a heading the chart is higher.
    plot = Box(
        x=24,
        y=top + 86,
        width=canvas.width - 100,
        height=canvas.height - 150 - top,
    )
    if picture.chart:
        draw_axes(canvas, picture.chart, plot)
    draw_plot(canvas, picture, plot)


def draw_large_figures(canvas: Canvas, picture: Picture, top: float) -> None:
    """Figures in rows of four, and a progress bar below them."""
    rest = picture.figures[1:9]
    rows = math.ceil(len(rest) / 4)
    if picture.progress:
        rows += 1
    # The large figure takes as much room as two rows; all rows share the height evenly.
    gap = (canvas.height - 34 - top) / (rows + 2)
    draw_main_figure(
        canvas,
        picture,
        Place(x=24, y=top + gap * 0.55, room=canvas.width - 48),
        small=14,
        large=44,
    )
    draw_large_rows(canvas, rest, top, gap)
    # Nothing is drawn here unless there is a progress bar: the last row is its place.
    plot = Box(
        x=24,
        y=top + gap * (rows + 0.9),
        width=canvas.width - 48,
        height=gap,
    )
    draw_plot(canvas, picture, plot)


def draw_large_rows(
    canvas: Canvas,
    figures: Sequence[Text],
    top: float,
    row_height: float,
) -> None:
    """Figures in rows of four, below the large one, which takes as much room as two rows.

    Args:
        canvas: where they are drawn.
        figures: the figures.
        top: the height of the heading.
        row_height: the height of a row.
    """
    width = (canvas.width - 40) / 4
    for number, figure in enumerate(figures):
        row, column = divmod(number, 4)
        draw_column(
            canvas,
            figure,
            Place(
                x=24 + column * width,
                y=top + row_height * (2.1 + row),
                room=width - 12,
            ),
            small=13,
            large=20,
        )


def draw_main_figure(
    canvas: Canvas,
    picture: Picture,
    place: Place,
    small: float,
    large: float,
) -> None:
    """Write the first figure below its name, if there is one.

    Args:
        picture: whose figure it is.
        place: the place of the name.
        small: the font size of the name.
        large: the font size of the figure.
    """
    if not picture.figures:
        return
    figure = picture.figures[0]
    name_font = Font(small, "soft")
    canvas.text(figure.label, place, name_font)
    canvas.figure(figure, place.lowered(large * 1.06), large)


def draw_column(
    canvas: Canvas,
    figure: Text,
    place: Place,
    small: float,
    large: float,
) -> None:
    """Write a figure below its name; the arguments are those of ``main_figure``."""
    name_font = Font(small, "soft")
    canvas.text(figure.label, place, name_font)
    # Small type needs more space between its lines than large type.
    canvas.figure(figure, place.lowered(large * 1.3), large)


def column_width(canvas: Canvas, figure: Text, small: float, large: float) -> float:
    """The width that a column needs in any font."""
    name_width = canvas.style.measure(figure.label, False) * small / REGULAR_SHARE
    figure_width = canvas.style.measure(figure.text, True) / BOLD_SHARE
    if figure.sign != 0:
        figure_width += ARROW_ROOM
    return max(name_width, figure_width * large)


def draw_head(
    canvas: Canvas,
    picture: Picture,
    side: float,
    height: float,
    size: float,
) -> float:
    """Write the heading; returns its height, which is 0 without a title.

    Args:
        picture: whose heading it is.
        side: the space on either side.
        height: the height.
        size: the font size of the title.
    """
    if not picture.title:
        return 0
    # Letters are about 0.72 of the font size high: half of that centres them.
    baseline = height / 2 + size * 0.36
    room = canvas.width - 2 * side
    # The mark reaches from above the capitals to below the baseline.
    mark_y = baseline - size * 0.86
    canvas.mark(x=side, y=mark_y, height=size)
    # The meta text is written first, since the title gets the room that it leaves.
    meta_width = canvas.text(
        picture.meta,
        Place(
            x=canvas.width - side,
            y=baseline,
            room=room * 0.45,
            at_end=True,
        ),
        Font(size * 0.8, "soft"),
    )
    title_place = Place(
        x=side + 10,
        y=baseline,
        room=room - 20 - meta_width,
    )
    title_font = Font(size, bold=True)
    if picture.is_preview:
        draw_identity(canvas, picture, title_place, title_font)
    else:
        canvas.text(picture.title, title_place, title_font)
    canvas.rule(height)
    return height


def draw_foot(canvas: Canvas, picture: Picture, place: Place, size: float) -> None:
    """Write whose figures these are, whether they are stale, and their time."""
    soft = Font(size, "soft")
    rest = place
    has_name = picture.identity != "" and not picture.is_preview
    # A name gets the room that the time leaves, which is most of it in a small picture.
    if has_name:
        rest = canvas.text_at_end(picture.as_of, rest, 0.62, soft)
    rest = canvas.text_at_end(picture.note, rest, 0.45, Font(size, bold=True))
    if has_name:
        draw_identity(canvas, picture, rest, soft)
    else:
        canvas.text(picture.as_of, rest, soft)


def draw_identity(canvas: Canvas, picture: Picture, place: Place, font: Font) -> None:
    """Write whose figures these are; the kind of the account is never cut off with the name."""
    room = place.room * share_of_room(font)
    tail = picture.identity.removeprefix(picture.name)
    # As small as the whole line may become.
    smallest = font.size * MIN_SHRINK
    tail_width = canvas.style.measure(tail, font.bold) * smallest
    name, _ = canvas.fit(picture.name, room - tail_width, font)
    canvas.text(name + tail, place, font)


def draw_plot(canvas: Canvas, picture: Picture, box: Box) -> None:
    """Draw the chart, the progress bar, or the text that there is no data."""
    # Text in small plots would be too small, and in wide ones too large.
    size = min(box.width / 12, 14)
    size = max(10.5, size)
    if isinstance(picture.chart, BarChart):
        draw_bars(canvas, picture.chart, canvas.placed(box))
    elif isinstance(picture.chart, CurveChart):
        draw_curve(canvas, picture.chart, canvas.placed(box))
    elif picture.progress:
        draw_progress(canvas, picture.progress, box, size)
    elif picture.empty:
        draw_empty(canvas, picture.empty, box, size)


LAYOUTS: Final = {
    "small": draw_small,
    "medium": draw_medium,
    "large": draw_large,
    "strip": draw_strip,
    "preview": draw_large,
}
