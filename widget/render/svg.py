"""Pictures for forums and mail signatures: from figures to SVG, without any I/O.

Nothing overflows on any machine. Text is measured before it is drawn, with widths that are passed
in. A figure that is too wide becomes smaller, since half a figure would be a wrong one; other text
ends in an ellipsis. Programs use fonts of their own, so that some room is left for a wider one:
``textLength`` would help in browsers only. There are presentation attributes only: the service's
content security policy forbids styles.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import pairwise
from typing import Final

from widget.render import colour
from widget.render.chart import BarChart, Chart, CurveChart
from widget.render.display import Text
from widget.widgets.options import SIZES

Measure = Callable[[str, bool], float]
"""The width of a text at a font size of 1, regular or bold."""
Attributes = dict[str, str | float]
"""The attributes of an XML element; numbers are coordinates."""

FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
LIGHT: Final = {
    "ground": f"#{colour.LIGHT_GROUND}",
    "ink": "#17202b",
    "soft": "#56616f",
    "line": "#dbdfe5",
    "tint": "#eceff3",
    "up": "#07734a",
    "down": "#bd2637",
    "accent": "#1f5dbf",
}
DARK: Final = {
    "ground": f"#{colour.DARK_GROUND}",
    "ink": "#e7ebf1",
    "soft": "#a0abb9",
    "line": "#343a44",
    "tint": "#262b33",
    "up": "#43c78d",
    "down": "#ff858d",
    "accent": "#7fb0f8",
}
ARROW_WIDTH: Final = 0.5
"""The width of the arrow before a profit or loss, as a share of the font size."""
ARROW_ROOM: Final = 0.75
"""The same with the space between arrow and figure."""
MIN_SHRINK: Final = 0.8
"""How much smaller text may become before it is cut."""
REGULAR_SHARE: Final = 0.89
BOLD_SHARE: Final = 0.82
"""The share of its room that a text fills at most, by the measured font. DejaVu Sans, which many
programs fall back to, fills all of it."""
THIN_HEIGHT: Final = 30
"""Charts that are lower have a thinner line."""
CANVASES: Final = {
    **SIZES,
    "preview": (600, 315),
}
"""Width and height of all pictures. That of link previews is no option, and drawn at twice its
size."""
PREVIEW_SIZE: Final = (1200, 630)
"""Width and height of the picture of link previews in pixels."""
MESSAGE_SIZES: Final = {"small": 11, "medium": 14, "large": 20, "strip": 13}

NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Chinese can be broken after every character, other languages between words.
BREAKS: Final = re.compile(r"\s+|[\u2e80-\u9fff\uff00-\uffef]")


@dataclass(frozen=True, slots=True)
class Progress:
    """A figure, with the share from 0 to 1 that its bar is filled to."""

    figure: Text
    share: float


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


@dataclass(frozen=True, slots=True)
class Style:
    """How a picture is drawn.

    Attributes:
        measure: the widths of the font.
        size: one of ``CANVASES``.
        scale: one of ``SCALES``.
        dark: whether its background is dark.
        accent: the accent colour as RRGGBB; None for the default.
        rtl: whether its language is written from right to left.
        lang: its language.
    """

    measure: Measure
    size: str = "medium"
    scale: int = 1
    dark: bool = False
    accent: str | None = None
    rtl: bool = False
    lang: str = "en"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line of text stands.

    Attributes:
        x: where it begins, counted from where the lines of the language begin.
        y: its baseline.
        room: its maximum width.
        at_end: whether it ends at ``x`` instead.
    """

    x: float
    y: float
    room: float
    at_end: bool = False

    def lowered(self, distance: float) -> "Place":
        """The same place further down."""
        return replace(self, y=self.y + distance)


@dataclass(frozen=True, slots=True)
class Font:
    """How a line of text is written.

    Attributes:
        size: the font size.
        fill: a colour of the palette.
        bold: its weight.
        whole: whether all of it must be readable, however small.
    """

    size: float
    fill: str = "ink"
    bold: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of its other end."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y of its lower edge."""
        return self.y + self.height


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


def draw_small(canvas: "Canvas", picture: Picture) -> None:
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
    canvas.foot(
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


def draw_small_chart(canvas: "Canvas", picture: Picture) -> None:
    """The chart of a small picture, with the period above it."""
    canvas.text(
        picture.meta,
        Place(x=230, y=17.5, room=80, at_end=True),
        Font(10, "soft"),
    )
    plot = Box(x=152, y=24, width=76, height=18)
    canvas.plot(picture, plot)


def draw_small_second(
    canvas: "Canvas",
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


def draw_strip(canvas: "Canvas", picture: Picture) -> None:
    """A name and a figure, a small chart, and three more figures: a banner for forums."""
    canvas.mark(x=10, y=8, height=11)
    heading_place = Place(x=19, y=17.5, room=113)
    heading_font = Font(11, bold=True)
    if picture.identity:
        canvas.identity(picture, heading_place, heading_font)
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


def draw_strip_foot(canvas: "Canvas", picture: Picture) -> None:
    """Write whether a strip is stale, and its time: below the figures, since the chart reaches down
    to this line.
    """
    line = Place(x=236, y=53, room=222)
    rest = canvas.text_at_end(picture.as_of, line, 1, Font(9.5, "soft"))
    canvas.text_at_end(picture.note, rest, 1, Font(9.5, bold=True))


def draw_strip_columns(canvas: "Canvas", figures: Sequence[Text]) -> None:
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


def draw_strip_chart(canvas: "Canvas", picture: Picture, caption: str) -> None:
    """The chart of a strip, below what it displays."""
    canvas.text(caption, Place(x=138, y=17.5, room=92), Font(10, "soft"))
    if picture.chart:
        plot = Box(x=138, y=24, width=88, height=26)
        canvas.plot(picture, plot)


def draw_medium(canvas: "Canvas", picture: Picture) -> None:
    """A large figure with a chart beside it, and a row of three smaller figures."""
    top = canvas.head(
        picture,
        side=14,
        height=36,
        size=13,
    )
    # The foot begins at 134: everything else is centred above it.
    middle = (top + 134) / 2
    canvas.main_figure(
        picture,
        medium_main_place(picture, middle),
        small=11,
        large=26,
    )
    plot = medium_plot(picture, middle)
    canvas.plot(picture, plot)
    draw_medium_columns(canvas, picture.figures[1:4], middle + 23)
    canvas.rule(134)
    canvas.foot(
        picture,
        Place(x=14, y=151, room=canvas.width - 28),
        10.5,
    )


def draw_medium_columns(canvas: "Canvas", figures: Sequence[Text], y: float) -> None:
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
    canvas: "Canvas",
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
    needed = [canvas.column_width(figure, small, large) for figure in figures]
    # Long names get more of the row than short ones; without them, all columns are equally wide.
    if len(figures) == 3 and max(needed) > place.room:
        share = sum(rooms) / sum(needed)
        rooms = [width * share for width in needed]
    x = place.x
    for figure, room in zip(figures, rooms, strict=True):
        column = Place(x=x, y=place.y, room=room)
        canvas.column(figure, column, small, large)
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


def draw_large(canvas: "Canvas", picture: Picture) -> None:
    """A large figure with three smaller ones above a chart, or with eight and no chart."""
    top = canvas.head(
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
    canvas.foot(
        picture,
        Place(x=24, y=canvas.height - 12, room=canvas.width - 48),
        13,
    )


def draw_large_chart(canvas: "Canvas", picture: Picture, top: float) -> None:
    """A row of figures above a chart with axes."""
    y = top + 26
    canvas.main_figure(
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
        canvas.axes(picture.chart, plot)
    canvas.plot(picture, plot)


def draw_large_figures(canvas: "Canvas", picture: Picture, top: float) -> None:
    """Figures in rows of four, and a progress bar below them."""
    rest = picture.figures[1:9]
    rows = math.ceil(len(rest) / 4)
    if picture.progress:
        rows += 1
    # The large figure takes as much room as two rows; all rows share the height evenly.
    gap = (canvas.height - 34 - top) / (rows + 2)
    canvas.main_figure(
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
    canvas.plot(picture, plot)


def draw_large_rows(
    canvas: "Canvas",
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
        canvas.column(
            figure,
            Place(
                x=24 + column * width,
                y=top + row_height * (2.1 + row),
                room=width - 12,
            ),
            small=13,
            large=20,
        )


LAYOUTS: Final = {
    "small": draw_small,
    "medium": draw_medium,
    "large": draw_large,
    "strip": draw_strip,
    "preview": draw_large,
}


class Canvas:
    """Draws the parts of a picture.

    Unless a docstring says otherwise, every x counts from where the lines of the language begin:
    from the left, or from the right in Arabic. So a layout is written once for both directions.
    """

    def __init__(self, style: Style) -> None:
        self.style = style
        self.parts: list[str] = []
        width, height = CANVASES[style.size]
        self.width = width
        self.height = height
        # A copy, since the accent of one picture must not become that of all.
        self.palette = dict(LIGHT)
        if style.dark:
            self.palette = dict(DARK)
        if style.accent:
            ground = self.palette["ground"].removeprefix("#")
            accent = colour.readable(style.accent, ground)
            self.palette["accent"] = f"#{accent}"

    def document(self, title: str) -> str:
        """Everything that was drawn, as a file; screen readers read the title."""
        name = f"<title>{escaped(title)}</title>"
        drawn = "".join(self.parts)
        attributes: Attributes = {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": self.width * self.style.scale,
            "height": self.height * self.style.scale,
            # All coordinates count CSS pixels, whatever the scale.
            "viewBox": f"0 0 {self.width} {self.height}",
            # Otherwise some screen readers read the texts one by one instead of the title.
            "role": "img",
            "lang": escape(self.style.lang),
            "font-family": FONT,
        }
        drawing = element("svg", attributes, name + self.background() + drawn)
        return f"{drawing}\n"

    def background(self) -> str:
        """A rounded rectangle with a border."""
        attributes: Attributes = {
            # Half a pixel from the edge, so that the border of one pixel is sharp.
            "x": ".5",
            "y": ".5",
            "width": self.width - 1,
            "height": self.height - 1,
            "rx": 8,
            "fill": self.palette["ground"],
            "stroke": self.palette["line"],
        }
        return element("rect", attributes)

    def add(self, name: str, attributes: Attributes, content: str = "") -> None:
        """Draw an XML element above what was drawn before."""
        self.parts.append(element(name, attributes, content))

    def text(self, text: str, place: Place, font: Font) -> float:
        """Write a line of text; returns the width that it may have in any font."""
        if not text:
            return 0
        share = share_of_room(font)
        line, size = self.fit(text, place.room * share, font)
        width = self.style.measure(line, font.bold) * size / share
        attributes: Attributes = {
            "x": self.mirrored(place.x),
            "y": place.y,
            "font-size": rounded_down(size),
        }
        if font.bold:
            attributes["font-weight"] = 700
        attributes["fill"] = self.palette[font.fill]
        # In a language from right to left, SVG's own "end" is where its lines begin.
        if place.at_end != self.style.rtl:
            attributes["text-anchor"] = "end"
        if self.style.rtl:
            # The text decides its own direction: without isolation, the sign or currency of a
            # number would jump to its other end.
            line = f"\N{FIRST STRONG ISOLATE}{line}\N{POP DIRECTIONAL ISOLATE}"
        self.add("text", attributes, escaped(line))
        return width

    def fit(self, text: str, room: float, font: Font) -> tuple[str, float]:
        """A text, cut if necessary, and the font size at which it fits."""
        min_size = font.size * MIN_SHRINK
        if font.whole:
            min_size = 0

        def measure(part: str) -> float:
            return self.style.measure(part, font.bold)

        return fitted(text, room, font.size, min_size, measure)

    def figure(self, figure: Text, place: Place, size: float) -> None:
        """Write a figure without cutting it; a profit or loss has an arrow and a colour."""
        if figure.sign != 0:
            self.result(figure, place, size)
            return
        font = Font(size, bold=True, whole=True)
        self.text(figure.text, place, font)

    def result(self, figure: Text, place: Place, size: float) -> None:
        """Write a profit or loss with its arrow and colour."""
        # Arrow and text shrink together.
        width = self.style.measure(figure.text, True)
        largest = place.room / (width / BOLD_SHARE + ARROW_ROOM)
        size = min(size, largest)
        fill = "up"
        if figure.sign < 0:
            fill = "down"
        arrow_room = size * ARROW_ROOM
        self.arrow(figure.sign, place, size)
        self.text(
            figure.text,
            Place(x=place.x + arrow_room, y=place.y, room=place.room - arrow_room),
            Font(size, fill, bold=True, whole=True),
        )

    def arrow(self, sign: int, place: Place, size: float) -> None:
        """Draw the arrow of a profit or loss.

        It is drawn as a path, since not every font contains a triangle.
        """
        width = size * ARROW_WIDTH
        # A shape begins at its left side, which is its end in a language from right to left.
        left = place.x
        if self.style.rtl:
            left = self.mirrored(place.x + width)
        # About as high as a digit, a little above the baseline.
        lower = place.y - size * 0.12
        upper = place.y - size * 0.6
        if sign > 0:
            base = lower
            tip = upper
            fill = "up"
        else:
            base = upper
            tip = lower
            fill = "down"
        middle = left + width / 2
        # The two ends of the base, and the tip.
        path = f"M{coordinate(left)} {coordinate(base)}"
        path += f"h{coordinate(width)}"
        path += f"L{coordinate(middle)} {coordinate(tip)}z"
        attributes: Attributes = {
            "d": path,
            "fill": self.palette[fill],
        }
        self.add("path", attributes)

    def main_figure(
        self,
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
        self.text(figure.label, place, name_font)
        self.figure(figure, place.lowered(large * 1.06), large)

    def column(
        self,
        figure: Text,
        place: Place,
        small: float,
        large: float,
    ) -> None:
        """Write a figure below its name; the arguments are those of ``main_figure``."""
        name_font = Font(small, "soft")
        self.text(figure.label, place, name_font)
        # Small type needs more space between its lines than large type.
        self.figure(figure, place.lowered(large * 1.3), large)

    def column_width(self, figure: Text, small: float, large: float) -> float:
        """The width that a column needs in any font."""
        name_width = self.style.measure(figure.label, False) * small / REGULAR_SHARE
        figure_width = self.style.measure(figure.text, True) / BOLD_SHARE
        if figure.sign != 0:
            figure_width += ARROW_ROOM
        return max(name_width, figure_width * large)

    def head(
        self,
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
        room = self.width - 2 * side
        # The mark reaches from above the capitals to below the baseline.
        mark_y = baseline - size * 0.86
        self.mark(x=side, y=mark_y, height=size)
        # The meta text is written first, since the title gets the room that it leaves.
        meta_width = self.text(
            picture.meta,
            Place(
                x=self.width - side,
                y=baseline,
                room=room * 0.45,
                at_end=True,
            ),
            Font(size * 0.8, "soft"),
        )
        title_place = Place(x=side + 10, y=baseline, room=room - 20 - meta_width)
        title_font = Font(size, bold=True)
        if picture.is_preview:
            self.identity(picture, title_place, title_font)
        else:
            self.text(picture.title, title_place, title_font)
        self.rule(height)
        return height

    def foot(self, picture: Picture, place: Place, size: float) -> None:
        """Write whose figures these are, whether they are stale, and their time."""
        soft = Font(size, "soft")
        rest = place
        has_name = picture.identity != "" and not picture.is_preview
        # A name gets the room that the time leaves, which is most of it in a small picture.
        if has_name:
            rest = self.text_at_end(picture.as_of, rest, 0.62, soft)
        rest = self.text_at_end(picture.note, rest, 0.45, Font(size, bold=True))
        if has_name:
            self.identity(picture, rest, soft)
        else:
            self.text(picture.as_of, rest, soft)

    def text_at_end(
        self,
        text: str,
        place: Place,
        share: float,
        font: Font,
    ) -> Place:
        """Write a text at the end of a line; returns what is left of the line.

        Args:
            text: the text; nothing is written if it is empty.
            place: the line.
            share: the share of the line that the text may take.
            font: how it is written.
        """
        end = place.x + place.room
        width = self.text(
            text,
            Place(
                x=end,
                y=place.y,
                room=place.room * share,
                at_end=True,
            ),
            font,
        )
        if width == 0:
            return place
        # A gap to what stands before it.
        end -= width + 8
        return replace(place, room=end - place.x)

    def identity(self, picture: Picture, place: Place, font: Font) -> None:
        """Write whose figures these are; the kind of the account is never cut off with the name."""
        room = place.room * share_of_room(font)
        tail = picture.identity.removeprefix(picture.name)
        # As small as the whole line may become.
        smallest = font.size * MIN_SHRINK
        tail_width = self.style.measure(tail, font.bold) * smallest
        name, _ = self.fit(picture.name, room - tail_width, font)
        self.text(name + tail, place, font)

    def mark(self, x: float, y: float, height: float) -> None:
        """Draw a short vertical line in the accent colour."""
        left = x
        if self.style.rtl:
            left = self.mirrored(x + 3)
        box = Box(left, y, 3, height)
        self.rect(box, "accent", radius=1.5)

    def rule(self, y: float) -> None:
        """Draw a line from edge to edge."""
        # From the middle of the border on the one side to that on the other.
        box = Box(
            x=0.5,
            y=y - 0.5,
            width=self.width - 1,
            height=1,
        )
        self.rect(box, "line")

    def rect(self, box: Box, fill: str, radius: float = 0) -> None:
        """Draw a rectangle; its x counts from the left in every language."""
        attributes: Attributes = {
            "x": box.x,
            "y": box.y,
            "width": box.width,
            "height": box.height,
        }
        if radius:
            attributes["rx"] = radius
        attributes["fill"] = self.palette[fill]
        self.add("rect", attributes)

    def plot(self, picture: Picture, box: Box) -> None:
        """Draw the chart, the progress bar, or the text that there is no data."""
        # Text in small plots would be too small, and in wide ones too large.
        size = min(box.width / 12, 14)
        size = max(10.5, size)
        if isinstance(picture.chart, BarChart):
            self.bars(picture.chart, self.placed(box))
        elif isinstance(picture.chart, CurveChart):
            self.curve(picture.chart, self.placed(box))
        elif picture.progress:
            self.progress(picture.progress, box, size)
        elif picture.empty:
            self.empty(picture.empty, box, size)

    def empty(self, text: str, box: Box, size: float) -> None:
        """Write the text that replaces a chart, in at most two lines."""
        lines = wrapped(
            text,
            room=box.width / size,
            max_lines=2,
            measure=self.style.measure,
        )
        middle = box.y + box.height / 2
        for number, line in enumerate(lines):
            y = middle + number * size * 1.3
            self.text(
                line,
                Place(x=box.x, y=y, room=box.width),
                Font(size, "soft"),
            )

    def progress(self, progress: Progress, box: Box, size: float) -> None:
        """Draw a progress bar below its figure."""
        y = box.y + size
        figure = progress.figure
        # The figure is written first, since its name gets the room that it leaves.
        figure_width = self.text(
            figure.text,
            Place(
                x=box.right,
                y=y,
                room=box.width / 2,
                at_end=True,
            ),
            Font(size, bold=True, whole=True),
        )
        self.text(
            figure.label,
            Place(
                x=box.x,
                y=y,
                room=box.width - figure_width - 12,
            ),
            Font(size, "soft"),
        )
        bar = Box(
            x=box.x,
            y=box.y + size * 1.6,
            width=box.width,
            height=size / 2,
        )
        self.bar(progress.share, bar)

    def axes(self, chart: Chart, box: Box) -> None:
        """Draw the lines and labels of a large chart.

        Its time runs from left to right in every language, as in the charts that traders know.
        """
        self.y_axis(chart, box)
        self.x_axis(chart, box)

    def y_axis(self, chart: Chart, box: Box) -> None:
        """Draw the lines of a chart, with their labels at the end of each."""
        left = self.placed(box).x
        label_x = box.right + 8
        for tick in chart.y_ticks:
            share = tick.at / chart.height
            y = box.y + share * box.height
            line = Box(
                x=left,
                y=y - 0.5,
                width=box.width,
                height=1,
            )
            self.rect(line, "tint")
            self.text(
                tick.label,
                # A little below the line: the digits, and not their baseline, are level with it.
                Place(
                    x=label_x,
                    y=y + 4,
                    room=self.width - label_x - 8,
                ),
                Font(11, "soft"),
            )

    def x_axis(self, chart: Chart, box: Box) -> None:
        """Write the labels below a chart, each centred below its point."""
        left = self.placed(box).x
        # They share the width, with a gap between them.
        share = box.width / len(chart.x_ticks)
        room = share - 6
        for tick in chart.x_ticks:
            width = self.style.measure(tick.label, False) * 11
            width = min(width, room)
            middle = tick.at / chart.width * box.width
            # The first and the last label would otherwise protrude beyond the chart.
            offset = max(middle - width / 2, 0)
            offset = min(offset, box.width - width)
            x = left + offset
            if self.style.rtl:
                # The chart is not mirrored, but text() counts from the right.
                x = self.mirrored(x + width)
            self.text(
                tick.label,
                Place(
                    x=x,
                    y=box.bottom + 17,
                    room=room,
                ),
                Font(11, "soft"),
            )

    def curve(self, chart: CurveChart, box: Box) -> None:
        """Draw a curve with its areas; the box counts from the left."""
        self.zero_line(chart, box)
        self.curve_areas(chart, box)
        self.curve_line(chart, box)

    def curve_areas(self, chart: CurveChart, box: Box) -> None:
        """Draw the area of the gain and that of the drawdown."""
        area = element(
            "path",
            {
                "d": chart.area,
                "fill": self.palette["accent"],
                "fill-opacity": ".12",
            },
        )
        drawdown = element(
            "path",
            {
                "d": chart.drawdown,
                "fill": self.palette["down"],
                "fill-opacity": ".22",
            },
        )
        # Their paths are scaled by the browser, so that the geometry of the page can be reused.
        x_scale = box.width / chart.width
        y_scale = box.height / chart.height
        x = coordinate(box.x)
        y = coordinate(box.y)
        transform = f"translate({x} {y}) scale({x_scale:.4f} {y_scale:.4f})"
        self.add("g", {"transform": transform}, area + drawdown)

    def curve_line(self, chart: CurveChart, box: Box) -> None:
        """Draw the line of a curve, with a dot at its end."""
        # It is drawn without a transformation, which would distort its thickness.
        x_scale = box.width / chart.width
        y_scale = box.height / chart.height
        spots = [
            (
                coordinate(box.x + x * x_scale),
                coordinate(box.y + y * y_scale),
            )
            for x, y in chart.spots
        ]
        line = "L".join(f"{x} {y}" for x, y in spots)
        thickness = 2.0
        if box.height < THIN_HEIGHT:
            thickness = 1.5
        path: Attributes = {
            "d": f"M{line}",
            "fill": "none",
            "stroke": self.palette["accent"],
            "stroke-width": thickness,
            "stroke-linejoin": "round",
        }
        self.add("path", path)
        end_x, end_y = spots[-1]
        dot: Attributes = {
            "cx": end_x,
            "cy": end_y,
            "r": f"{thickness * 1.5:g}",
            "fill": self.palette["accent"],
        }
        self.add("circle", dot)

    def bars(self, chart: BarChart, box: Box) -> None:
        """Draw bars; the box counts from the left."""
        x_scale = box.width / chart.width
        y_scale = box.height / chart.height
        for bar in chart.bars:
            # A day without a sum has a place on the axis, but nothing to draw.
            if bar.height == 0:
                continue
            drawn = Box(
                x=box.x + bar.x * x_scale,
                y=box.y + bar.y * y_scale,
                width=bar.width * x_scale,
                height=bar.height * y_scale,
            )
            self.rect(drawn, "accent")
        # After the bars, which would otherwise cover half of it.
        self.zero_line(chart, box)

    def zero_line(self, chart: Chart, box: Box) -> None:
        """Draw the line at zero; the box counts from the left."""
        y_scale = box.height / chart.height
        y = box.y + chart.zero * y_scale
        line = Box(
            x=box.x,
            y=y - 0.5,
            width=box.width,
            height=1,
        )
        self.rect(line, "line")

    def bar(self, share: float, box: Box) -> None:
        """Draw a bar that is filled to a share from 0 to 1, from where the lines begin."""
        placed = self.placed(box)
        self.rect(placed, "tint", radius=box.height / 2)
        # More than the required lots may be traded: the bar is full then.
        filled = min(max(share, 0), 1)
        if filled == 0:
            return
        width = box.width * filled
        left = placed.x
        if self.style.rtl:
            left += box.width - width
        done = Box(
            x=left,
            y=box.y,
            width=width,
            height=box.height,
        )
        # A part that is shorter than it is high cannot have the same round ends.
        thickness = min(box.height, width)
        self.rect(done, "accent", radius=thickness / 2)

    def placed(self, box: Box) -> Box:
        """A box whose x counts from where the lines begin, with an x that counts from the left."""
        if not self.style.rtl:
            return box
        return Box(
            x=self.width - box.x - box.width,
            y=box.y,
            width=box.width,
            height=box.height,
        )

    def mirrored(self, x: float) -> float:
        """An x that counts from where the lines begin, as one that counts from the left.

        The other direction is the same calculation.
        """
        if self.style.rtl:
            return self.width - x
        return x


def share_of_room(font: Font) -> float:
    """The share of its room that a text fills at most."""
    if font.bold:
        return BOLD_SHARE
    return REGULAR_SHARE


def fitted(
    text: str,
    room: float,
    size: float,
    min_size: float,
    measure: Callable[[str], float],
) -> tuple[str, float]:
    """A text and the font size at which it fits; it is cut where even the smallest does not.

    Args:
        text: the text.
        room: its maximum width.
        size: the font size if there is enough room.
        min_size: the smallest one; 0 for a text that must not be cut.
        measure: the width of a text at a font size of 1.
    """
    width = measure(text)
    if width * size <= room:
        return text, size
    if width * min_size <= room:
        return text, room / width
    # Character by character: texts are short, and the width of each one is different.
    while text and measure(text + "…") * min_size > room:
        text = text[:-1].rstrip()
    return text + "…", min_size


def wrapped(
    text: str,
    room: float,
    max_lines: int,
    measure: Measure,
) -> list[str]:
    """A text in lines of a width; the last line contains the rest, however long.

    Args:
        text: the text.
        room: the width of a line at a font size of 1.
        max_lines: how many lines there may be.
        measure: the widths of the font.
    """
    lines: list[str] = []
    rest = text
    while rest and len(lines) < max_lines - 1:
        end = line_end(rest, room, measure)
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    # The last line is made smaller or cut when it is drawn, like any other text.
    if rest:
        lines.append(rest)
    return lines


def line_end(text: str, room: float, measure: Measure) -> int:
    """How many characters of a text fit in one line."""
    breaks = [match.end() for match in BREAKS.finditer(text)]
    breaks.append(len(text))
    # The first piece always stays in the line, even if it is too wide for it.
    for before, after in pairwise(breaks):
        line = text[:after].rstrip()
        if measure(line, False) > room:
            return before
    return len(text)


def element(name: str, attributes: Attributes, content: str = "") -> str:
    """An XML element. Attributes and content must be escaped already; numbers are coordinates."""
    start = f"<{name}"
    for key, value in attributes.items():
        text = value
        if not isinstance(value, str):
            text = coordinate(value)
        start += f' {key}="{text}"'
    if not content:
        return f"{start}/>"
    return f"{start}>{content}</{name}>"


def rounded_down(size: float) -> str:
    """A font size with two decimals; rounded up, its text could overflow."""
    hundredths = int(size * 100)
    return f"{hundredths / 100:g}"


def escaped(text: str) -> str:
    """A text as XML, without the characters that XML does not allow."""
    allowed = NOT_XML.sub("", text)
    return escape(allowed)


def coordinate(value: float) -> str:
    """A coordinate with one decimal, or none.

    Nobody sees a tenth of a pixel, and each decimal makes the file of a curve larger.
    """
    return f"{value:.1f}".removesuffix(".0")
