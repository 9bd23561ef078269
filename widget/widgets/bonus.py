"""Bonuses received, and how many of the lots that they require are traded."""

from widget.data.source import Source
from widget.errors import N_
from widget.names import Data
from widget.widgets.base import Card, Figure, Progress, Widget, values
from widget.widgets.options import Options

# In the order of JSON, which also has what the progress bar displays.
FIELDS = (
    "total",
    "welcome",
    "club",
    "available",
    "available_keeping_bonus",
    "lots_closed",
    "lots_required",
    "lots_missing",
    "progress",
)
SHARE = Figure("progress", N_("Lots closed"), "percent")


def fetch(source: Source, options: Options) -> Data:
    """The bonus figures; ``progress`` is the share of the required lots, from 0 to 1."""
    return values(source.bonus(), FIELDS)


WIDGET = Widget(
    name="bonus",
    label=N_("Bonus"),
    functions=("bonus",),
    fetch=fetch,
    body=(
        Card(
            figures=(
                Figure("total", N_("Bonus received"), "money"),
                Figure("available", N_("Available to withdraw"), "money"),
                Figure("available_keeping_bonus", N_("Keeping the bonus"), "money"),
                Figure("welcome", N_("Welcome bonus"), "money"),
                Figure("club", N_("Club bonus"), "money"),
            )
        ),
        Progress(
            share=SHARE,
            done="lots_closed",
            goal="lots_required",
            missing="lots_missing",
            missing_text=N_("%(lots)s lots to go"),
        ),
    ),
    height=286,
    summary=SHARE,
    picture=("total", "progress", "available", "available_keeping_bonus", "welcome", "club"),
    has_badge=True,
    shows_currency=True,
    place=31,
)
