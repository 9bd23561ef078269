"""Static files: loader, scripts and stylesheets, minified at start-up and served from memory."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rcssmin import cssmin
from rjsmin import jsmin

from widget.render import colour
from widget.widgets.base import HEADING_HEIGHT, Widget

JAVASCRIPT = "text/javascript; charset=utf-8"
CSS = "text/css; charset=utf-8"
HEIGHTS = '"the heights"'
"""What the heights of all widgets replace in the loader."""


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served."""

    body: bytes
    content_type: str


class Assets:
    """All static files by name.

    Their URLs contain a version, so that browsers can cache them forever.
    """

    def __init__(self, folder: Path, widgets: Mapping[str, Widget], base: str) -> None:
        """Read and minify all files.

        Args:
            folder: where they are.
            widgets: all widgets, whose heights the loader contains.
            base: the path under which the service is served.
        """
        self._base = base
        heights = json.dumps({name: reserved_height(each) for name, each in widgets.items()})
        self._files: dict[str, Asset] = {}
        for path in folder.iterdir():
            text = path.read_text(encoding="utf-8") if path.suffix in (".js", ".css") else ""
            if path.suffix == ".js":
                script = jsmin(text.replace(HEIGHTS, heights))
                self._files[path.name] = Asset(script.encode(), JAVASCRIPT)
            elif path.suffix == ".css":
                self._files[path.name] = Asset(cssmin(text).encode(), CSS)
        # One version for all files: it changes as soon as one of them does.
        digest = hashlib.sha256()
        for name in sorted(self._files):
            digest.update(self._files[name].body)
        self.version = digest.hexdigest()[:12]

    def get(self, name: str) -> Asset | None:
        """A file by name; ``widget-RRGGBB.css`` is the stylesheet with an accent colour."""
        match = re.fullmatch(r"widget-([0-9a-f]{6})\.css", name)
        if match is None:
            return self._files.get(name)
        # Both themes, since the visitor's system may choose between them.
        light = colour.readable(match[1], colour.LIGHT_GROUND)
        dark = colour.readable(match[1], colour.DARK_GROUND)
        rule = f":root{{--accent-light:#{light};--accent-dark:#{dark}}}"
        return Asset(self._files["widget.css"].body + rule.encode(), CSS)

    def url(self, name: str) -> str:
        """The versioned path of a file."""
        return f"{self._base}/static/{self.version}/{name}"


def reserved_height(widget: Widget) -> list[int]:
    """What the loader needs to reserve the height of a widget."""
    return [widget.height, widget.row_height, HEADING_HEIGHT, widget.default_rows]
