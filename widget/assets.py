"""Static files: loader, scripts and stylesheets, minified when the app starts and served from memory."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rcssmin import cssmin
from rjsmin import jsmin

from widget import colour
from widget.base import HEADING_HEIGHT, Widget

_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served."""

    body: bytes
    content_type: str


class Assets:
    """All static files by name. Their URLs contain a version, so that browsers can cache them forever."""

    def __init__(self, folder: Path, widgets: Mapping[str, Widget], base: str) -> None:
        self._base = base
        heights = {
            w.name: [w.height, w.row_height, HEADING_HEIGHT, w.default_rows]
            for w in widgets.values()
        }
        self._files = {
            path.name: _minified(path, json.dumps(heights))
            for path in folder.iterdir()
            if path.suffix in _TYPES
        }
        digest = hashlib.sha256(b"".join(self._files[name].body for name in sorted(self._files)))
        self.version = digest.hexdigest()[:12]

    def get(self, name: str) -> Asset | None:
        """A file by name; ``widget-RRGGBB.css`` is the stylesheet with an accent colour."""
        tinted = re.fullmatch(r"widget-([0-9a-f]{6})\.css", name)
        if not tinted:
            return self._files.get(name)
        light = colour.readable(tinted[1], colour.LIGHT_GROUND)
        dark = colour.readable(tinted[1], colour.DARK_GROUND)
        rule = f":root{{--accent-light:#{light};--accent-dark:#{dark}}}".encode()
        return Asset(self._files["widget.css"].body + rule, _TYPES[".css"])

    def url(self, name: str) -> str:
        """The versioned path of a file, which browsers can cache forever."""
        return f"{self._base}/static/{self.version}/{name}"


def _minified(path: Path, heights: str) -> Asset:
    text = path.read_text(encoding="utf-8").replace('"the heights"', heights)
    return Asset((jsmin if path.suffix == ".js" else cssmin)(text).encode(), _TYPES[path.suffix])
