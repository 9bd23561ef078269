"""Pictures for forums and mail signatures: figures to SVG. Pure.

Nothing overflows on any machine: text is measured before it is drawn, by widths that are passed in. A figure that is
too wide becomes smaller, since half a figure is a wrong one; other text ends in an ellipsis. Where text nearly fills
its room, ``textLength`` holds a browser's own font to what was measured. Presentation attributes only: the service's
content security policy forbids styles.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any, Final

from widget import colour

SIZES: Final = {"small": (240, 60), "medium": (320, 160), "large": (640, 320)}
"""Width and height in CSS pixels."""
SCALES: Final = (1, 2)

Measure = Callable[[str, bool], float]
"""The width of a text at a size of 1, regular or bold."""

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
_PALETTES: Final = {
    "light": {
        **{
            "ground": f"#{colour.LIGHT_GROUND}",
            "ink": "#17202b",
            "soft": "#56616f",
            "line": "#dbdfe5",
        },
        **{"tint": "#eceff3", "up": "#07734a", "down": "#bd2637", "accent": "#1f5dbf"},
    },
    "dark": {
        **{
            "ground": f"#{colour.DARK_GROUND}",
            "ink": "#e7ebf1",
            "soft": "#a0abb9",
            "line": "#343a44",
        },
        **{"tint": "#262b33", "up": "#43c78d", "down": "#ff858d", "accent": "#7fb0f8"},
    },
}
# Scripts whose letters join: what is summed up for them is an upper bound, and nothing to stretch a text to.
_JOINED = re.compile("[\u0590-\u1dff]")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ISOLATE = "\N{FIRST STRONG ISOLATE}%s\N{POP DIRECTIONAL ISOLATE}"
_FILLED = 0.8
"""From which share of its room on a text is held to its length; below it, no common font is wide enough to overflow."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its name, as they are shown; ``sign`` is 1 for a profit, -1 for a loss."""

    label: str
    text: str
    sign: int = 0


@dataclass(frozen=True, slots=True)
class Picture:
    """What a picture shows.

    Attributes:
        title: the heading; empty for none.
        meta: what stands beside it, such as the period.
        figures: the great one first; as many are shown as there is room for.
        as_of: how old they are.
        note: that newer ones should have come; empty where they are fresh.
        chart: the geometry of a curve or of bars, see ``widget.chart``.
        progress: a figure with the share from 0 to 1 that its bar is filled to.
        empty: what stands where a chart would be.
    """

    title: str
    meta: str
    figures: Sequence[Figure]
    as_of: str
    note: str = ""
    chart: Mapping[str, Any] | None = None
    progress: tuple[Figure, float] | None = None
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Style:
    """How a picture looks: of ``SIZES`` and ``SCALES``, dark or light, with an accent (RRGGBB), in which direction."""

    measure: Measure
    size: str = "medium"
    scale: int = 1
    dark: bool = False
    accent: str | None = None
    rtl: bool = False
    lang: str = "en"


def draw_picture(badge: Picture, style: Style) -> str:
    """The picture of some figures."""
    canvas = _Canvas(style)
    {"small": _small, "medium": _medium, "large": _large}[style.size](canvas, badge)
    spoken = [f"{figure.label} {figure.text}" for figure in badge.figures[:1]]
    return canvas.document(", ".join(filter(None, [badge.title, *spoken, badge.as_of, badge.note])))


def draw_message(message: str, style: Style) -> str:
    """The picture of a message, such as an error's."""
    canvas = _Canvas(style)
    size = {"small": 11, "medium": 14, "large": 20}[style.size]
    side, height = size * 1.4, size * 1.4
    room = canvas.width - 2 * side
    lines = _wrapped(message, room / size, int((canvas.height - 10) / height), style.measure)
    top = (canvas.height - height * len(lines)) / 2 + size * 1.05
    for number, line in enumerate(lines):
        canvas.text(side, top + number * height, room, size, line)
    return canvas.document(message)


def _small(canvas: "_Canvas", badge: Picture) -> None:
    figures = [*badge.figures, *(badge.progress[:1] if badge.progress else ())]
    great = figures[0] if figures else Figure(badge.title, "")
    beside = figures[-1 if badge.progress else 1] if len(figures) > 1 else None
    room = 132 if badge.chart or beside else 218
    canvas.mark(10, 8, 11)
    canvas.text(19, 17.5, room - 9, 11, great.label, "soft")
    canvas.figure(10, 38, room, 20, great)
    if badge.chart:
        canvas.text(230, 17.5, 80, 10, badge.meta, "soft", end=True)
        canvas.plot(badge, 152, 24, 76, 18)
    elif beside:
        canvas.text(230, 17.5, 80, 10, beside.label, "soft", end=True)
        canvas.figure(230, 34 if badge.progress else 37, 80, 13, beside, end=True)
        if badge.progress:
            canvas.filled(badge.progress[1], 152, 40, 78, 4)
    canvas.foot(badge, 10, 53, 9.5)


def _medium(canvas: "_Canvas", badge: Picture) -> None:
    top = canvas.head(badge, 14, 36, 13)
    middle = (top + 134) / 2
    rest = badge.figures[1:4]
    shows = bool(badge.chart or badge.progress or badge.empty)
    great = middle - (33 if rest else 10)
    _great(canvas, badge, 14, great, 146 if shows else 292, 11, 26)
    if badge.figures:
        canvas.plot(badge, *((170, great - 8, 134, 38) if rest else (150, middle - 36, 154, 72)))
    else:
        canvas.plot(badge, 14, middle - 24, 292, 48)
    for number, figure in enumerate(rest):
        canvas.column(14 + number * 99, middle + 23, 92, 10.5, 14, figure)
    canvas.rule(134)
    canvas.foot(badge, 14, 151, 10.5)


def _large(canvas: "_Canvas", badge: Picture) -> None:
    top = canvas.head(badge, 24, 56, 20)
    if badge.chart or badge.empty:
        _great(canvas, badge, 24, top + 26, 190, 14, 38)
        for number, figure in enumerate(badge.figures[1:4]):
            canvas.column(238 + number * 129, top + 26, 117, 13, 19, figure)
        height = 170 - top
        if badge.chart:
            canvas.axes(badge.chart, 24, top + 86, 540, height)
        canvas.plot(badge, 24, top + 86, 540, height)
    else:
        rest = badge.figures[1:9]
        rows = math.ceil(len(rest) / 4) + bool(badge.progress)
        gap = (286 - top) / (rows + 2)
        _great(canvas, badge, 24, top + gap * 0.55, 592, 14, 44)
        for number, figure in enumerate(rest):
            canvas.column(
                24 + number % 4 * 150, top + gap * (2.1 + number // 4), 138, 13, 20, figure
            )
        canvas.plot(badge, 24, top + gap * (rows + 0.9), 592, gap)
    canvas.rule(286)
    canvas.foot(badge, 24, 308, 13)


def _great(
    canvas: "_Canvas", badge: Picture, x: float, y: float, room: float, small: float, big: float
) -> None:
    for figure in badge.figures[:1]:
        canvas.text(x, y, room, small, figure.label, "soft")
        canvas.figure(x, y + big * 1.06, room, big, figure)


class _Canvas:
    """Draws the parts of a picture; x counts from where the language's lines begin."""

    def __init__(self, style: Style) -> None:
        self.style, self.parts = style, list[str]()
        self.width, self.height = SIZES[style.size]
        self.palette = _PALETTES["dark" if style.dark else "light"]
        if style.accent:
            accent = colour.readable(style.accent, self.palette["ground"][1:])
            self.palette = {**self.palette, "accent": f"#{accent}"}

    def document(self, spoken: str) -> str:
        """All that was drawn, as a file; ``spoken`` is its name for who does not see it."""
        width, height, scale = self.width, self.height, self.style.scale
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * scale}" height="{height * scale}" '
            f'viewBox="0 0 {width} {height}" role="img" lang="{escape(self.style.lang)}" '
            f'font-family="{_FONT}"><title>{_escaped(spoken)}</title>'
            f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8" fill="{self.palette["ground"]}" '
            f'stroke="{self.palette["line"]}"/>{"".join(self.parts)}</svg>\n'
        )

    def text(
        self, x: float, y: float, room: float, size: float, text: str,
        fill: str = "ink", *, bold: bool = False, end: bool = False, whole: bool = False, exact: bool = False,
    ) -> float:  # fmt: skip
        """Write a line that begins (or ends) at ``x`` and is at most ``room`` wide; answers how wide it is.

        Args:
            x: where it begins.
            y: its baseline.
            room: its greatest width.
            size: of the font.
            text: what is written.
            fill: of the palette.
            bold: its weight.
            end: whether it ends at ``x`` instead.
            whole: whether all of it must be seen, however small.
            exact: whether its width must be as measured, in any font.
        """
        if not text:
            return 0
        text, size = _fitted(
            text,
            room,
            size,
            0 if whole else size * 0.85,
            lambda part: self.style.measure(part, bold),
        )
        width = self.style.measure(text, bold) * size
        held = ""
        if exact or (width > _FILLED * room and not _JOINED.search(text)):
            held = f' textLength="{_n(width)}" lengthAdjust="spacingAndGlyphs"'
        anchor = ' text-anchor="end"' if end != self.style.rtl else ""
        weight = ' font-weight="700"' if bold else ""
        shown = _escaped(_ISOLATE % text if self.style.rtl else text)
        floor = int(size * 100) / 100
        self.parts.append(
            f'<text x="{_n(self._x(x))}" y="{_n(y)}" font-size="{floor:g}"{weight} fill="{self.palette[fill]}"{anchor}'
            f"{held}>{shown}</text>"
        )
        return width

    def figure(
        self, x: float, y: float, room: float, size: float, figure: Figure, *, end: bool = False
    ) -> None:
        """Write a figure, whole; a profit or a loss with an arrow before it, and coloured."""
        fill = {1: "up", -1: "down"}.get(figure.sign, "ink")
        # The arrow takes half an em, and a quarter of one lies between.
        width = self.style.measure(figure.text, True)
        size = min(size, room / (width + 0.75)) if figure.sign else size
        arrow = size * 0.75 if figure.sign else 0
        if end:
            more = {"bold": True, "end": True, "whole": True, "exact": bool(figure.sign)}
            x -= self.text(x, y, room - arrow, size, figure.text, fill, **more) + arrow
        else:
            self.text(x + arrow, y, room - arrow, size, figure.text, fill, bold=True, whole=True)
        if figure.sign:
            left = self._x(x + size * 0.5 if self.style.rtl else x)
            low, high = y - size * 0.12, y - size * 0.6
            base, tip = (low, high) if figure.sign > 0 else (high, low)
            self.parts.append(
                f'<path d="M{_n(left)} {_n(base)}h{_n(size * 0.5)}L{_n(left + size * 0.25)} {_n(tip)}z" '
                f'fill="{self.palette[fill]}"/>'
            )

    def column(
        self, x: float, y: float, room: float, small: float, big: float, figure: Figure
    ) -> None:
        """Write a figure below its name."""
        self.text(x, y, room, small, figure.label, "soft")
        self.figure(x, y + big * 1.3, room, big, figure)

    def head(self, badge: Picture, side: float, height: float, size: float) -> float:
        """Write the heading, where there is one; answers how much of the height it takes."""
        if not badge.title:
            return 0
        base, room = height / 2 + size * 0.36, self.width - 2 * side
        self.mark(side, base - size * 0.86, size)
        meta = self.text(
            self.width - side, base, room * 0.45, size * 0.8, badge.meta, "soft", end=True
        )
        self.text(side + 10, base, room - 20 - meta, size, badge.title, bold=True)
        self.rule(height)
        return height

    def foot(self, badge: Picture, side: float, y: float, size: float) -> None:
        """Write how old the figures are."""
        room = self.width - 2 * side
        note = self.text(self.width - side, y, room * 0.45, size, badge.note, bold=True, end=True)
        self.text(side, y, room - note - (8 if note else 0), size, badge.as_of, "soft")

    def mark(self, x: float, y: float, height: float) -> None:
        """A short upright line of the accent's colour."""
        self.rect(self._x(x + 3 if self.style.rtl else x), y, 3, height, "accent", 1.5)

    def rule(self, y: float) -> None:
        """A line from edge to edge."""
        self.rect(0.5, y - 0.5, self.width - 1, 1, "line")

    def rect(
        self, x: float, y: float, width: float, height: float, fill: str, radius: float = 0
    ) -> None:
        """A rectangle, by its place in the picture."""
        rounded = f' rx="{_n(radius)}"' if radius else ""
        self.parts.append(
            f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}"{rounded} '
            f'fill="{self.palette[fill]}"/>'
        )

    def plot(self, badge: Picture, x: float, y: float, width: float, height: float) -> None:
        """The chart, the progress, or that there is none."""
        size = max(10.5, min(width / 12, 14))
        if badge.chart:
            left = self.width - x - width if self.style.rtl else x
            (self._bars if "bars" in badge.chart else self._curve)(
                badge.chart, left, y, width, height
            )
        elif badge.progress:
            figure, share = badge.progress
            text = self.text(
                x + width, y + size, width / 2, size, figure.text, bold=True, end=True, whole=True
            )
            self.text(x, y + size, width - text - 12, size, figure.label, "soft")
            self.filled(share, x, y + size * 1.6, width, size / 2)
        elif badge.empty:
            for number, line in enumerate(
                _wrapped(badge.empty, width / size, 2, self.style.measure)
            ):
                self.text(x, y + height / 2 + number * size * 1.3, width, size, line, "soft")

    def axes(
        self, chart: Mapping[str, Any], x: float, y: float, width: float, height: float
    ) -> None:
        """The lines and labels of a great chart; it does not turn around with the language."""
        left = self.width - x - width if self.style.rtl else x
        for tick in chart["y_ticks"]:
            level = y + tick["y"] / chart["height"] * height
            self.rect(left, level - 0.5, width, 1, "tint")
            # Labels stand on the far side of the lines' end, whichever side that is.
            self.text(
                x + width + 8, level + 4, self.width - x - width - 16, 11, tick["label"], "soft"
            )
        room = width / len(chart["x_ticks"]) - 6
        for tick in chart["x_ticks"]:
            wide = min(self.style.measure(tick["label"], False) * 11, room)
            begin = left + min(max(tick["x"] / chart["width"] * width - wide / 2, 0), width - wide)
            self.text(
                self._x(begin + wide) if self.style.rtl else begin,
                y + height + 17,
                room,
                11,
                tick["label"],
                "soft",
            )

    def _curve(
        self, chart: Mapping[str, Any], x: float, y: float, width: float, height: float
    ) -> None:
        along, down = width / chart["width"], height / chart["height"]
        self.rect(x, y + chart["zero"] * down - 0.5, width, 1, "line")
        placed = f'transform="translate({_n(x)} {_n(y)}) scale({along:.4f} {down:.4f})"'
        accent, loss = self.palette["accent"], self.palette["down"]
        points = [(x + point["x"] * along, y + point["y"] * down) for point in chart["points"]]
        line = "L".join(f"{_n(a)} {_n(b)}" for a, b in points)
        end_x, end_y = points[-1]
        thick = 1.5 if height < 30 else 2
        self.parts.append(
            f'<g {placed}><path d="{chart["area"]}" fill="{accent}" fill-opacity=".12"/>'
            f'<path d="{chart["drawdown"]}" fill="{loss}" fill-opacity=".22"/></g>'
            f'<path d="M{line}" fill="none" stroke="{accent}" stroke-width="{thick}" stroke-linejoin="round"/>'
            f'<circle cx="{_n(end_x)}" cy="{_n(end_y)}" r="{thick * 1.5:g}" fill="{accent}"/>'
        )

    def _bars(
        self, chart: Mapping[str, Any], x: float, y: float, width: float, height: float
    ) -> None:
        along, down = width / chart["width"], height / chart["height"]
        for bar in chart["bars"]:
            if bar["height"]:
                self.rect(
                    x + bar["x"] * along,
                    y + bar["y"] * down,
                    bar["width"] * along,
                    bar["height"] * down,
                    "accent",
                )
        self.rect(x, y + chart["zero"] * down - 0.5, width, 1, "line")

    def filled(self, share: float, x: float, y: float, width: float, height: float) -> None:
        """A bar that is filled to a share from 0 to 1."""
        left, done = self.width - x - width if self.style.rtl else x, width * min(max(share, 0), 1)
        self.rect(left, y, width, height, "tint", height / 2)
        if done:
            self.rect(
                left + (width - done if self.style.rtl else 0),
                y,
                done,
                height,
                "accent",
                min(height, done) / 2,
            )

    def _x(self, x: float) -> float:
        return self.width - x if self.style.rtl else x


def _fitted(
    text: str, room: float, size: float, least: float, measure: Callable[[str], float]
) -> tuple[str, float]:
    """A text and a size at which it is no wider than its room; at the least size, the text is cut."""
    width = measure(text)
    if width * size <= room:
        return text, size
    if width * least <= room:
        return text, room / width
    while text and measure(text + "…") * least > room:
        text = text[:-1].rstrip()
    return text + "…", least


def _wrapped(text: str, room: float, most: int, measure: Measure) -> list[str]:
    """A text as at most so many lines of a width; the last one holds what is left, however long."""
    lines: list[str] = []
    rest = text
    while rest and len(lines) < most - 1:
        line, rest = _line(rest, room, measure)
        lines.append(line)
    return [*lines, rest] if rest else lines


def _line(text: str, room: float, measure: Measure) -> tuple[str, str]:
    """The first line of a text, and what remains; Chinese breaks anywhere, other languages between words."""
    breaks = [
        *(match.end() for match in re.finditer(r"\s+|[\u2e80-\u9fff\uff00-\uffef]", text)),
        len(text),
    ]
    end = next(
        (
            before
            for before, after in pairwise(breaks)
            if measure(text[:after].rstrip(), False) > room
        ),
        len(text),
    )
    return text[:end].rstrip(), text[end:].lstrip()


def _escaped(text: str) -> str:
    return escape(_NOT_XML.sub("", text))


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
