"""Bonuses received, and how far the lots that free them are worked off."""

from decimal import Decimal
from typing import Any

from widget.errors import N_
from widget.format import Formatter
from widget.source import Source
from widget.spec import Options, PictureFigure, Widget


def fetch(source: Source, options: Options) -> dict[str, Any]:
    """The bonus figures; ``progress`` is lots closed of lots required, from 0 to 1."""
    bonus = source.bonus()
    return {
        "total": bonus.total,
        "welcome": bonus.welcome,
        "club": bonus.club,
        "available": bonus.available,
        "available_keeping_bonus": bonus.available_keeping_bonus,
        "lots_closed": bonus.lots_closed,
        "lots_required": bonus.lots_required,
        "lots_missing": bonus.lots_missing,
        "progress": bonus.progress,
    }


WIDGET = Widget(
    name="bonus",
    label=N_("Bonus"),
    functions=("bonus",),
    fetch=fetch,
    height=286,
    picture=(
        PictureFigure("total", N_("Bonus received"), Formatter.money),
        PictureFigure("progress", N_("Lots closed"), Formatter.percent),
        PictureFigure("available", N_("Available to withdraw"), Formatter.money),
        PictureFigure("available_keeping_bonus", N_("Keeping the bonus"), Formatter.money),
        PictureFigure("welcome", N_("Welcome bonus"), Formatter.money),
        PictureFigure("club", N_("Club bonus"), Formatter.money),
    ),
    example={
        "total": Decimal("300"),
        "welcome": Decimal("300"),
        "club": Decimal("0"),
        "available": Decimal("120.50"),
        "available_keeping_bonus": Decimal("80.00"),
        "lots_closed": Decimal("410.0"),
        "lots_required": Decimal("900.0"),
        "lots_missing": Decimal("490.0"),
        "progress": Decimal("0.4556"),
    },
)
