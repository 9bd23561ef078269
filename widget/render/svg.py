"""Pictures for forums and mail signatures: from figures to SVG, without any I/O.

Nothing overflows on any machine. Text is measured before it is drawn, with widths that are passed
in. A figure that is too wide becomes smaller, since half a figure would be a wrong one; other text
ends in an ellipsis. Where text nearly fills its room, ``textLength`` makes a browser's own font as
wide as the measured one. There are presentation attributes only: the service's content security
policy forbids styles.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Final

from widget.render import colour
from widget.render.chart import BarChart, Chart, CurveChart
from widget.render.display import Text
from widget.widgets.options import SIZES

Measure = Callable[[str, bool], float]
"""The width of a text at a font size of 1, regular or bold."""

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
MIN_SHRINK: Final = 0.85
"""How much smaller text may become before it is cut."""
FILLED: Final = 0.8
"""The share of its room from which on a text gets a ``textLength``; no common font is so wide that
a shorter text would overflow."""
THIN_HEIGHT: Final = 30
"""Charts that are lower have a thinner line."""
MESSAGE_SIZES: Final = {"small": 11, "medium": 14, "large": 20}

# The letters of these scripts join: their measured width is an upper bound, which text must not be
# stretched to.
JOINED: Final = re.compile("[\u0590-\u1dff]")
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
        chart: a curve or bars.
        progress: a progress bar.
        empty: the text that replaces a chart without data.
    """

    title: str
    meta: str
    figures: Sequence[Text]
    as_of: str
    note: str = ""
    chart: CurveChart | BarChart | None = None
    progress: Progress | None = None
    empty: str = ""

    @property
    def has_plot(self) -> bool:
        """Whether there is something beside the figures."""
        return bool(self.chart or self.progress or self.empty)


@dataclass(frozen=True, slots=True)
class Style:
    """How a picture is drawn.

    Attributes:
        measure: the widths of the font.
        size: one of ``SIZES``.
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


@dataclass(frozen=True, slots=True)
class Font:
    """How a line of text is written.

    Attributes:
        size: the font size.
        fill: a colour of the palette.
        bold: its weight.
        whole: whether all of it must be readable, however small.
        exact: whether its width must be as measured, in any font.
    """

    size: float
    fill: str = "ink"
    bold: bool = False
    whole: bool = False
    exact: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float


def draw_picture(picture: Picture, style: Style) -> str:
    """The picture of some figures."""
    canvas = Canvas(style)
    LAYOUTS[style.size](canvas, picture)
    title = [picture.title]
    title += [f"{figure.label} {figure.text}" for figure in picture.figures[:1]]
    title += [picture.as_of, picture.note]
    return canvas.document(", ".join(filter(None, title)))


def draw_message(message: str, style: Style) -> str:
    """The picture of a message, such as that of an error."""
    canvas = Canvas(style)
    size = MESSAGE_SIZES[style.size]
    line_height = size * 1.4
    side = size * 1.4
    room = canvas.width - 2 * side
    max_lines = int((canvas.height - 10) / line_height)
    lines = wrapped(message, room / size, max_lines, style.measure)
    # The lines stand in the middle; a baseline is about one font size below the top of its line.
    y = (canvas.height - line_height * len(lines)) / 2 + size * 1.05
    for number, line in enumerate(lines):
        canvas.text(line, Place(side, y + number * line_height, room), Font(size))
    return canvas.document(message)


# The numbers in the layouts are CSS pixels, chosen by eye; tests check that nothing overlaps.


def draw_small(canvas: "Canvas", picture: Picture) -> None:
    """One figure, and beside it a second one or a chart."""
    figures = list(picture.figures)
    if picture.progress:
        figures.append(picture.progress.figure)
    main = figures[0] if figures else Text(picture.title, "")
    beside = None
    if len(figures) > 1:
        beside = figures[-1] if picture.progress else figures[1]
    room = 218
    if picture.chart or beside:
        room = 132
    canvas.mark(10, 8, 11)
    canvas.text(main.label, Place(19, 17.5, room - 9), Font(11, "soft"))
    canvas.figure(main, Place(10, 38, room), 20)
    label_place = Place(230, 17.5, 80, at_end=True)
    if picture.chart:
        canvas.text(picture.meta, label_place, Font(10, "soft"))
        canvas.plot(picture, Box(152, 24, 76, 18))
    elif beside:
        # A progress bar needs a little room below its figure.
        y = 34 if picture.progress else 37
        canvas.text(beside.label, label_place, Font(10, "soft"))
        canvas.figure(beside, Place(230, y, 80, at_end=True), 13)
        if picture.progress:
            canvas.bar(picture.progress.share, Box(152, 40, 78, 4))
    canvas.foot(picture, Place(10, 53, canvas.width - 20), 9.5)


def draw_medium(canvas: "Canvas", picture: Picture) -> None:
    """A large figure with a chart beside it, and a row of three smaller figures."""
    top = canvas.head(picture, 14, 36, 13)
    middle = (top + 134) / 2
    rest = picture.figures[1:4]
    # The large figure moves up to make room for the row below it.
    main_y = middle - 10
    if rest:
        main_y = middle - 33
    main_room = 292
    if picture.has_plot:
        main_room = 146
    canvas.main_figure(picture, Place(14, main_y, main_room), 11, 26)
    if rest:
        plot = Box(170, main_y - 8, 134, 38)
    elif picture.figures:
        plot = Box(150, middle - 36, 154, 72)
    else:
        plot = Box(14, middle - 24, 292, 48)
    canvas.plot(picture, plot)
    for number, figure in enumerate(rest):
        canvas.column(figure, Place(14 + number * 99, middle + 23, 92), 10.5, 14)
    canvas.rule(134)
    canvas.foot(picture, Place(14, 151, canvas.width - 28), 10.5)


def draw_large(canvas: "Canvas", picture: Picture) -> None:
    """A large figure with three smaller ones above a chart, or with eight and no chart."""
    top = canvas.head(picture, 24, 56, 20)
    if picture.chart or picture.empty:
        draw_large_chart(canvas, picture, top)
    else:
        draw_large_figures(canvas, picture, top)
    canvas.rule(286)
    canvas.foot(picture, Place(24, 308, canvas.width - 48), 13)


def draw_large_chart(canvas: "Canvas", picture: Picture, top: float) -> None:
    """A row of figures above a chart with axes."""
    canvas.main_figure(picture, Place(24, top + 26, 190), 14, 38)
    for number, figure in enumerate(picture.figures[1:4]):
        canvas.column(figure, Place(238 + number * 129, top + 26, 117), 13, 19)
    plot = Box(24, top + 86, 540, 170 - top)
    if picture.chart:
        canvas.axes(picture.chart, plot)
    canvas.plot(picture, plot)


def draw_large_figures(canvas: "Canvas", picture: Picture, top: float) -> None:
    """Figures in rows of four, and a progress bar below them."""
    rest = picture.figures[1:9]
    rows = math.ceil(len(rest) / 4)
    if picture.progress:
        rows += 1
    gap = (286 - top) / (rows + 2)
    canvas.main_figure(picture, Place(24, top + gap * 0.55, 592), 14, 44)
    for number, figure in enumerate(rest):
        row, column = divmod(number, 4)
        canvas.column(figure, Place(24 + column * 150, top + gap * (2.1 + row), 138), 13, 20)
    canvas.plot(picture, Box(24, top + gap * (rows + 0.9), 592, gap))


LAYOUTS: Final = {"small": draw_small, "medium": draw_medium, "large": draw_large}


class Canvas:
    """Draws the parts of a picture."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self.parts: list[str] = []
        self.width, self.height = SIZES[style.size]
        self.palette = dict(DARK if style.dark else LIGHT)
        if style.accent:
            accent = colour.readable(style.accent, self.palette["ground"].removeprefix("#"))
            self.palette["accent"] = f"#{accent}"

    def document(self, title: str) -> str:
        """Everything that was drawn, as a file; screen readers read the title."""
        scale = self.style.scale
        background = element(
            "rect",
            {
                "x": ".5",
                "y": ".5",
                "width": self.width - 1,
                "height": self.height - 1,
                "rx": 8,
                "fill": self.palette["ground"],
                "stroke": self.palette["line"],
            },
        )
        name = f"<title>{escaped(title)}</title>"
        drawing = element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "width": self.width * scale,
                "height": self.height * scale,
                "viewBox": f"0 0 {self.width} {self.height}",
                "role": "img",
                "lang": escape(self.style.lang),
                "font-family": FONT,
            },
            name + background + "".join(self.parts),
        )
        return f"{drawing}\n"

    def text(self, text: str, place: Place, font: Font) -> float:
        """Write a line of text; returns its width."""
        if not text:
            return 0
        min_size = 0 if font.whole else font.size * MIN_SHRINK
        measure = self.style.measure
        text, size = fitted(
            text, place.room, font.size, min_size, lambda part: measure(part, font.bold)
        )
        width = measure(text, font.bold) * size
        attributes: dict[str, object] = {
            "x": coordinate(self.mirrored(place.x)),
            "y": coordinate(place.y),
            "font-size": rounded_down(size),
        }
        if font.bold:
            attributes["font-weight"] = 700
        attributes["fill"] = self.palette[font.fill]
        # In a language from right to left, SVG's own "end" is where its lines begin.
        if place.at_end != self.style.rtl:
            attributes["text-anchor"] = "end"
        is_wide = width > FILLED * place.room
        if font.exact or (is_wide and not JOINED.search(text)):
            attributes["textLength"] = coordinate(width)
            attributes["lengthAdjust"] = "spacingAndGlyphs"
        if self.style.rtl:
            text = f"\N{FIRST STRONG ISOLATE}{text}\N{POP DIRECTIONAL ISOLATE}"
        self.parts.append(element("text", attributes, escaped(text)))
        return width

    def figure(self, figure: Text, place: Place, size: float) -> None:
        """Write a figure without cutting it; a profit or loss has an arrow and a colour."""
        if figure.sign == 0:
            self.text(figure.text, place, Font(size, bold=True, whole=True))
            return
        width = self.style.measure(figure.text, True)
        size = min(size, place.room / (width + ARROW_ROOM))
        fill = "up" if figure.sign > 0 else "down"
        arrow_room = size * ARROW_ROOM
        room = place.room - arrow_room
        if place.at_end:
            # Where the arrow stands follows from the width of the text, which must be exact.
            font = Font(size, fill, bold=True, whole=True, exact=True)
            width = self.text(figure.text, Place(place.x, place.y, room, at_end=True), font)
            arrow_x = place.x - width - arrow_room
        else:
            font = Font(size, fill, bold=True, whole=True)
            self.text(figure.text, Place(place.x + arrow_room, place.y, room), font)
            arrow_x = place.x
        self.arrow(figure.sign, Place(arrow_x, place.y, arrow_room), size)

    def arrow(self, sign: int, place: Place, size: float) -> None:
        """Draw the arrow of a profit or loss."""
        width = size * ARROW_WIDTH
        left = place.x
        if self.style.rtl:
            left = self.mirrored(place.x + width)
        base = place.y - size * 0.12
        tip = place.y - size * 0.6
        fill = "up"
        if sign < 0:
            base = place.y - size * 0.6
            tip = place.y - size * 0.12
            fill = "down"
        begin = f"M{coordinate(left)} {coordinate(base)}"
        side = f"h{coordinate(width)}"
        peak = f"L{coordinate(left + width / 2)} {coordinate(tip)}z"
        path = {"d": begin + side + peak, "fill": self.palette[fill]}
        self.parts.append(element("path", path))

    def main_figure(self, picture: Picture, place: Place, small: float, large: float) -> None:
        """Write the first figure below its name, if there is one."""
        for figure in picture.figures[:1]:
            self.text(figure.label, place, Font(small, "soft"))
            self.figure(figure, Place(place.x, place.y + large * 1.06, place.room), large)

    def column(self, figure: Text, place: Place, small: float, large: float) -> None:
        """Write a figure below its name."""
        self.text(figure.label, place, Font(small, "soft"))
        self.figure(figure, Place(place.x, place.y + large * 1.3, place.room), large)

    def head(self, picture: Picture, side: float, height: float, size: float) -> float:
        """Write the heading; returns its height, which is 0 without a title."""
        if not picture.title:
            return 0
        baseline = height / 2 + size * 0.36
        room = self.width - 2 * side
        self.mark(side, baseline - size * 0.86, size)
        meta_place = Place(self.width - side, baseline, room * 0.45, at_end=True)
        meta = self.text(picture.meta, meta_place, Font(size * 0.8, "soft"))
        self.text(
            picture.title, Place(side + 10, baseline, room - 20 - meta), Font(size, bold=True)
        )
        self.rule(height)
        return height

    def foot(self, picture: Picture, place: Place, size: float) -> None:
        """Write the time of the figures, and whether they are stale."""
        note_place = Place(place.x + place.room, place.y, place.room * 0.45, at_end=True)
        note = self.text(picture.note, note_place, Font(size, bold=True))
        gap = 8 if note else 0
        room = place.room - note - gap
        self.text(picture.as_of, Place(place.x, place.y, room), Font(size, "soft"))

    def mark(self, x: float, y: float, height: float) -> None:
        """Draw a short vertical line in the accent colour."""
        left = x
        if self.style.rtl:
            left = self.mirrored(x + 3)
        self.rect(Box(left, y, 3, height), "accent", 1.5)

    def rule(self, y: float) -> None:
        """Draw a line from edge to edge."""
        self.rect(Box(0.5, y - 0.5, self.width - 1, 1), "line")

    def rect(self, box: Box, fill: str, radius: float = 0) -> None:
        """Draw a rectangle; its x counts from the left in every language."""
        attributes = {
            "x": coordinate(box.x),
            "y": coordinate(box.y),
            "width": coordinate(box.width),
            "height": coordinate(box.height),
        }
        if radius:
            attributes["rx"] = coordinate(radius)
        attributes["fill"] = self.palette[fill]
        self.parts.append(element("rect", attributes))

    def plot(self, picture: Picture, box: Box) -> None:
        """Draw the chart, the progress bar, or the text that there is no data."""
        # Text in small plots would be too small, and in wide ones too large.
        size = max(10.5, min(box.width / 12, 14))
        if isinstance(picture.chart, BarChart):
            self.bars(picture.chart, self.placed(box))
        elif isinstance(picture.chart, CurveChart):
            self.curve(picture.chart, self.placed(box))
        elif picture.progress:
            self.progress(picture.progress, box, size)
        elif picture.empty:
            lines = wrapped(picture.empty, box.width / size, 2, self.style.measure)
            for number, line in enumerate(lines):
                y = box.y + box.height / 2 + number * size * 1.3
                self.text(line, Place(box.x, y, box.width), Font(size, "soft"))

    def progress(self, progress: Progress, box: Box, size: float) -> None:
        """Draw a progress bar below its figure."""
        y = box.y + size
        figure = progress.figure
        value_place = Place(box.x + box.width, y, box.width / 2, at_end=True)
        value = self.text(figure.text, value_place, Font(size, bold=True, whole=True))
        label_place = Place(box.x, y, box.width - value - 12)
        self.text(figure.label, label_place, Font(size, "soft"))
        self.bar(progress.share, Box(box.x, box.y + size * 1.6, box.width, size / 2))

    def axes(self, chart: Chart, box: Box) -> None:
        """Draw the lines and labels of a large chart, whose time runs from left to right."""
        left = self.placed(box).x
        for tick in chart.y_ticks:
            y = box.y + tick.at / chart.height * box.height
            self.rect(Box(left, y - 0.5, box.width, 1), "tint")
            # The labels stand at the end of the lines, on either side.
            x = box.x + box.width
            place = Place(x + 8, y + 4, self.width - x - 16)
            self.text(tick.label, place, Font(11, "soft"))
        # Labels below the chart share its width, with a gap between them.
        room = box.width / len(chart.x_ticks) - 6
        for tick in chart.x_ticks:
            width = min(self.style.measure(tick.label, False) * 11, room)
            middle = tick.at / chart.width * box.width
            begin = left + min(max(middle - width / 2, 0), box.width - width)
            x = begin
            if self.style.rtl:
                x = self.mirrored(begin + width)
            place = Place(x, box.y + box.height + 17, room)
            self.text(tick.label, place, Font(11, "soft"))

    def curve(self, chart: CurveChart, box: Box) -> None:
        """Draw a curve with its areas."""
        x_scale = box.width / chart.width
        y_scale = box.height / chart.height
        self.zero_line(chart, box)
        translate = f"translate({coordinate(box.x)} {coordinate(box.y)})"
        scale = f"scale({x_scale:.4f} {y_scale:.4f})"
        accent = self.palette["accent"]
        area = {"d": chart.area, "fill": accent, "fill-opacity": ".12"}
        drawdown = {"d": chart.drawdown, "fill": self.palette["down"], "fill-opacity": ".22"}
        areas = element("path", area) + element("path", drawdown)
        self.parts.append(element("g", {"transform": f"{translate} {scale}"}, areas))
        # The line is drawn without a transformation, which would distort its thickness.
        spots = [
            (coordinate(box.x + point.x * x_scale), coordinate(box.y + point.y * y_scale))
            for point in chart.points
        ]
        line = "L".join(f"{x} {y}" for x, y in spots)
        thickness = 1.5 if box.height < THIN_HEIGHT else 2
        self.parts.append(
            element(
                "path",
                {
                    "d": f"M{line}",
                    "fill": "none",
                    "stroke": accent,
                    "stroke-width": thickness,
                    "stroke-linejoin": "round",
                },
            )
        )
        end_x, end_y = spots[-1]
        end = {"cx": end_x, "cy": end_y, "r": f"{thickness * 1.5:g}", "fill": accent}
        self.parts.append(element("circle", end))

    def bars(self, chart: BarChart, box: Box) -> None:
        """Draw bars."""
        x_scale = box.width / chart.width
        y_scale = box.height / chart.height
        for bar in chart.bars:
            # A day without a sum has a place on the axis, but nothing to draw.
            if bar.height == 0:
                continue
            drawn = Box(
                box.x + bar.x * x_scale,
                box.y + bar.y * y_scale,
                bar.width * x_scale,
                bar.height * y_scale,
            )
            self.rect(drawn, "accent")
        self.zero_line(chart, box)

    def zero_line(self, chart: Chart, box: Box) -> None:
        """Draw the line at zero."""
        y = box.y + chart.zero * (box.height / chart.height)
        self.rect(Box(box.x, y - 0.5, box.width, 1), "line")

    def bar(self, share: float, box: Box) -> None:
        """Draw a bar that is filled to a share from 0 to 1, from where the lines begin."""
        placed = self.placed(box)
        self.rect(placed, "tint", box.height / 2)
        width = box.width * min(max(share, 0), 1)
        if width == 0:
            return
        left = placed.x
        if self.style.rtl:
            left += box.width - width
        self.rect(Box(left, box.y, width, box.height), "accent", min(box.height, width) / 2)

    def placed(self, box: Box) -> Box:
        """A box whose x counts from where the lines begin, with an x that counts from the left."""
        if not self.style.rtl:
            return box
        return Box(self.width - box.x - box.width, box.y, box.width, box.height)

    def mirrored(self, x: float) -> float:
        """An x that counts from where the lines begin, as one that counts from the left."""
        if self.style.rtl:
            return self.width - x
        return x


def fitted(
    text: str, room: float, size: float, min_size: float, measure: Callable[[str], float]
) -> tuple[str, float]:
    """A text and the font size at which it fits; it is cut where even the smallest does not."""
    width = measure(text)
    if width * size <= room:
        return text, size
    if width * min_size <= room:
        return text, room / width
    while text and measure(text + "…") * min_size > room:
        text = text[:-1].rstrip()
    return text + "…", min_size


def wrapped(text: str, room: float, max_lines: int, measure: Measure) -> list[str]:
    """A text in lines of a width; the last line contains the rest, however long."""
    lines: list[str] = []
    rest = text
    while rest and len(lines) < max_lines - 1:
        end = line_end(rest, room, measure)
        lines.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    if rest:
        lines.append(rest)
    return lines


def line_end(text: str, room: float, measure: Measure) -> int:
    """How many characters of a text fit in one line."""
    breaks = [match.end() for match in BREAKS.finditer(text)]
    breaks.append(len(text))
    for before, after in pairwise(breaks):
        if measure(text[:after].rstrip(), False) > room:
            return before
    return len(text)


def element(name: str, attributes: Mapping[str, object], content: str = "") -> str:
    """An XML element. Attributes and content must be escaped already."""
    pairs = "".join(f' {key}="{value}"' for key, value in attributes.items())
    if not content:
        return f"<{name}{pairs}/>"
    return f"<{name}{pairs}>{content}</{name}>"


def rounded_down(size: float) -> str:
    """A font size with two decimals; rounded up, its text could overflow."""
    return f"{int(size * 100) / 100:g}"


def escaped(text: str) -> str:
    """A text as XML, without the characters that XML does not allow."""
    return escape(NOT_XML.sub("", text))


def coordinate(value: float) -> str:
    """A coordinate with one decimal, or none."""
    return f"{value:.1f}".removesuffix(".0")
