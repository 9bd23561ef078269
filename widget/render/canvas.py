"""What pictures are drawn with: a canvas for SVG, on which no text overflows.

Text is measured before it is drawn, with widths that are passed in. A figure that is too wide
becomes smaller, since half a figure would be a wrong one; other text ends in an ellipsis. Programs
use fonts of their own, so that some room is left for a wider one: ``textLength`` would help in
browsers only. There are presentation attributes only: the service's content security policy forbids
styles.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from html import escape
from itertools import pairwise
from typing import Final

from widget.render import colour
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
CANVASES: Final = {
    **SIZES,
    "preview": (600, 315),
}
"""Width and height of all pictures. That of link previews is no option, and drawn at twice its
size."""

NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Chinese can be broken after every character, other languages between words.
BREAKS: Final = re.compile(r"\s+|[\u2e80-\u9fff\uff00-\uffef]")


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
