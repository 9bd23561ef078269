"""Static files: loader, scripts and stylesheets, minified at start-up and served from memory."""

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from rcssmin import cssmin
from rjsmin import jsmin

from widget.render import colour
from widget.widgets.base import HEADING_HEIGHT, Groups, MonthGrid, Table, Widget, Widgets, YearTable
from widget.widgets.options import DEFAULT_ROWS, Options

JAVASCRIPT = "text/javascript; charset=utf-8"
CSS = "text/css; charset=utf-8"
EXTENSIONS = {"performance.css": "widget.css", "chart.js": "widget.js"}
"""Files for some widgets, and those for all widgets that they contain as well when served."""
_LETTERS = 10
"""How many letters of a widget's name the loader reads as a number; more would not fit in one."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served."""

    body: bytes
    content_type: str


class Assets:
    """All static files by name.

    Their URLs contain a version, so that browsers can cache them forever.
    """

    def __init__(
        self,
        folder: Path,
        widgets: Widgets,
        base: str,
    ) -> None:
        """Read and minify all files.

        Args:
            folder: where they are.
            widgets: all widgets, whose heights the loader contains.
            base: the path under which the service is served.
        """
        self._base = base
        self._files: dict[str, Asset] = {}
        facts = loader_facts(widgets)
        for path in folder.iterdir():
            if path.suffix == ".js":
                script = self._read(path)
                # Only the loader contains placeholders.
                for placeholder, fact in facts.items():
                    script = script.replace(placeholder, fact)
                self._add(path.name, jsmin(script), JAVASCRIPT)
            elif path.suffix == ".css":
                self._add(path.name, cssmin(self._read(path)), CSS)
        self.version = self._digest()

    def _read(self, path: Path) -> str:
        """A file, after the one that it extends if there is one.

        One file instead of two, so that the first view of a widget needs few requests.
        """
        text = path.read_text(encoding="utf-8")
        extended = EXTENSIONS.get(path.name)
        if extended is None:
            return text
        beginning = path.with_name(extended).read_text(encoding="utf-8")
        return beginning + text

    def _add(self, name: str, text: str, content_type: str) -> None:
        self._files[name] = Asset(text.encode(), content_type)

    def _digest(self) -> str:
        """A version that is the same as long as no file changes, in every process."""
        digest = hashlib.sha256()
        # Sorted, because the order of a folder differs between machines.
        for name in sorted(self._files):
            asset = self._files[name]
            digest.update(asset.body)
        return digest.hexdigest()[:12]

    def get(self, name: str) -> Asset | None:
        """A file by name; ``widget-RRGGBB.css`` is a stylesheet with an accent colour."""
        match = re.fullmatch(r"(widget|performance)-([0-9a-f]{6})\.css", name)
        if match is None:
            return self._files.get(name)
        stem, accent = match.groups()
        # Readable on the grounds of both themes, whatever the colour is.
        light = colour.readable(accent, colour.LIGHT_GROUND)
        dark = colour.readable(accent, colour.DARK_GROUND)
        rule = f":root{{--accent-light:#{light};--accent-dark:#{dark}}}"
        stylesheet = self._files[f"{stem}.css"]
        return Asset(stylesheet.body + rule.encode(), CSS)

    def url(self, name: str) -> str:
        """The versioned path of a file."""
        return f"{self._base}/static/{self.version}/{name}"

    def stylesheet_url(self, widgets: Iterable[Widget], accent: str | None) -> str:
        """The versioned path of the smallest stylesheet for some widgets, with an accent colour."""
        stem = "widget"
        if any(map(needs_performance_stylesheet, widgets)):
            stem = "performance"
        if accent:
            # Not in the page: its policy forbids style attributes.
            return self.url(f"{stem}-{accent}.css")
        return self.url(f"{stem}.css")

    def script_url(self, widgets: Iterable[Widget]) -> str:
        """The versioned path of the smallest script for some widgets."""
        if any(widget.chart for widget in widgets):
            return self.url("chart.js")
        return self.url("widget.js")


def needs_performance_stylesheet(widget: Widget) -> bool:
    """Whether the page of a widget has parts that only a few widgets have."""
    for block in widget.body:
        if isinstance(block, Groups | MonthGrid | YearTable):
            return True
        if isinstance(block, Table) and has_bars(block):
            return True
    return False


def has_bars(table: Table) -> bool:
    """Whether a column of a table has bars below its figures."""
    return any(column.has_bar for column in table.columns)


def loader_facts(widgets: Widgets) -> dict[str, str]:
    """What replaces the placeholders in the loader, so that it can reserve the height of a widget.

    Raises:
        ValueError: the widgets differ in what the loader takes to be the same, to remain small.
    """
    row_heights = {widget.row_height for widget in widgets.values() if widget.row_height}
    if len(row_heights) > 1:
        raise ValueError("the tables of widgets must have rows of one height")
    # A dictionary, since it has an order, unlike a set.
    options: dict[str, None] = {}
    for widget in widgets.values():
        options |= dict.fromkeys(widget.all_options)
    heights = height_list(widgets)
    listed_heights = ",".join(heights)
    return {
        '"the heights"': f"[{listed_heights}]",
        '"the length"': str(len(heights)),
        '"the letters"': str(_LETTERS),
        '"the row"': str(max(row_heights, default=0)),
        '"the rows"': str(DEFAULT_ROWS),
        '"the heading"': str(HEADING_HEIGHT),
        "the options": " ".join(options),
    }


def height_list(widgets: Widgets) -> list[str]:
    """The heights of the widgets as texts, and empty texts in between.

    The position of a widget is its name, read as a number of base 36, modulo the length of the
    list: so the loader need not contain the names. The list is as short as it can be while no two
    widgets have the same position.

    Raises:
        ValueError: two names are the same number.
    """
    heights = {}
    for name, widget in widgets.items():
        # As parseInt() does it in the loader: only up to a dash.
        letters, _dash, _rest = name[:_LETTERS].partition("-")
        number = int(letters, 36)
        heights[number] = widget.pixels(Options())
    if len(heights) < len(widgets):
        raise ValueError(f"two widgets begin with the same word, or the same {_LETTERS} letters")
    length = len(heights)
    while has_collision(heights, length):
        length += 1
    texts = [""] * length
    for number, height in heights.items():
        texts[number % length] = str(height)
    return texts


def has_collision(numbers: Collection[int], length: int) -> bool:
    """Whether two numbers are the same modulo a length."""
    positions = {number % length for number in numbers}
    return len(positions) < len(numbers)
