"""From a view to a badge, in the schema of Shields (https://shields.io/badges/endpoint-badge)."""

import json
from typing import Final

from widget.errors import N_
from widget.render.canvas import LIGHT
from widget.render.display import Text, build_display
from widget.render.format import MISSING
from widget.render.i18n import Catalogues
from widget.render.picture import picture_figures
from widget.render.view import View

COLOURS: Final = {
    1: LIGHT["up"],
    0: LIGHT["accent"],
    -1: LIGHT["down"],
}
"""The colours of a profit, of any other figure and of a loss."""
STALE_COLOUR: Final = LIGHT["soft"]


def render_badge(view: View, catalogues: Catalogues) -> str:
    """The first figure of a widget's picture that is not hidden, as a badge."""
    display = build_display(view, catalogues)
    figures = list(picture_figures(display).values())
    # A badge needs a message: without one, Shields displays an error.
    figure = Text(display.label, MISSING)
    if figures:
        figure = figures[0]
    label = figure.label
    if "period" in view.widget.options:
        label = f"{label}, {display.period()}"
    message = figure.text
    colour = COLOURS[figure.sign]
    if view.options.accent and figure.sign == 0:
        colour = f"#{view.options.accent}"
    if view.stale:
        message = f"{message} ({display.gettext(N_('Not up to date'))})"
        colour = STALE_COLOUR
    content = {
        "schemaVersion": 1,
        "label": plain(label),
        "message": plain(message),
        "color": colour,
    }
    return json.dumps(content, ensure_ascii=False)


def plain(text: str) -> str:
    """A text with plain spaces: the fonts of a badge have no narrow ones."""
    return " ".join(text.split())
