"""A view or a message to a picture: SVG, and PNG drawn with the font that is shipped, the same on every machine."""

import json
from functools import cache, lru_cache
from unicodedata import category

import resvg_py

from widget import paths, svg
from widget.i18n import Catalogues, is_rtl
from widget.spec import Options
from widget.svg import Figure, Picture, Style
from widget.view import View

FONT_FAMILY = "Cabinet Widgets Sans"
FONT_WEIGHTS = ("Regular", "Bold")


def widget_svg(view: View, catalogues: Catalogues) -> str:
    """The picture of a widget: of the figures that its ``picture`` lists, those that the account does not hide."""
    widget, options = view.widget, view.options
    language, fmt = view.language(catalogues), view.formatter(catalogues)
    _ = catalogues.translations(language).gettext
    figures = {
        shown.name: Figure(
            _(shown.label), shown.write(fmt, x), (x > 0) - (x < 0) if shown.is_result and x else 0
        )
        for shown in widget.picture
        if shown.name not in view.hidden
        for x in (view.data[shown.name],)
    }
    share = view.data.get("progress")
    progress = (
        (figures.pop("progress"), float(share))
        if "progress" in figures and share is not None
        else None
    )
    chart = view.chart(fmt)
    is_empty = chart is None and [] in (view.data.get("points"), view.data.get("days"))
    has_period = "period" in widget.options
    times = [fmt.datetime(view.as_of)] + (
        [] if options.size == "small" else [fmt.offset(view.as_of)]
    )
    return svg.draw_picture(
        Picture(
            title=_(widget.label) if options.title else "",
            meta=options.period.text(_, fmt.period) if has_period else view.currency or "",
            figures=tuple(figures.values()),
            as_of=_("As of %(time)s") % {"time": " ".join(times)},
            note=_("Not up to date") if view.stale else "",
            chart=chart,
            progress=progress,
            empty=_("No trades in this period") if is_empty else "",
        ),
        _style(options, language),
    )


def message_svg(message: str, language: str, options: Options) -> str:
    """The picture of a message, in the same size and colours."""
    return svg.draw_message(message, _style(options, language))


@lru_cache(maxsize=64)  # it takes up to 30 ms, and holds all other threads up
def svg_to_png(drawn: str) -> bytes:
    """A picture as PNG, with the shipped font alone.

    Args:
        drawn: an SVG of ``badge``.
    """
    return resvg_py.svg_to_bytes(
        svg_string=drawn,
        skip_system_fonts=True,
        font_files=[str(paths.static() / "fonts" / f"{weight}.ttf") for weight in FONT_WEIGHTS],
        font_family=FONT_FAMILY,
        sans_serif_family=FONT_FAMILY,
    )


def text_width(text: str, bold: bool) -> float:
    """The width of a text in the shipped font at a size of 1; an upper bound where letters join."""
    advances = _advances()[bold]
    return sum(advances.get(character) or _unknown(character) for character in text) / 1000


def _unknown(character: str) -> int:
    return 0 if category(character) in ("Mn", "Cf") else 1000


@cache
def _advances() -> tuple[dict[str, int], dict[str, int]]:
    regular, bold = json.loads(
        (paths.static() / "fonts" / "widths.json").read_text(encoding="utf-8")
    ).values()
    return regular, bold


def _style(options: Options, language: str) -> Style:
    return Style(
        text_width,
        options.size,
        options.scale,
        options.theme == "dark",
        options.accent,
        is_rtl(language),
        language,
    )
