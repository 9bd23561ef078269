"""From a view or a message to an SVG picture; ``painter`` draws it as PNG."""

import json
from dataclasses import replace
from functools import cache
from unicodedata import category

from widget import paths
from widget.errors import N_
from widget.render import svg
from widget.render.canvas import Style
from widget.render.display import Display, Text, build_display
from widget.render.i18n import Catalogues, is_rtl
from widget.render.plots import Progress
from widget.render.svg import Picture
from widget.render.view import View
from widget.widgets.options import Options


def widget_svg(view: View, catalogues: Catalogues) -> str:
    """The picture of a widget: the figures that its ``picture`` lists and nobody hides."""
    display = build_display(view, catalogues)
    picture = build_picture(display)
    picture_style = style(view.options, display.language)
    return svg.draw_picture(picture, picture_style)


def preview_svg(view: View, catalogues: Catalogues) -> str:
    """The picture that link previews show of an account page."""
    # At twice the resolution: previews have 1200 by 630 pixels.
    options = view.options.model_copy(update={"size": "preview", "scale": 2})
    display = build_display(replace(view, options=options), catalogues)
    picture = build_picture(display)
    if picture.identity:
        picture = replace(picture, title=picture.identity, is_preview=True)
    return svg.draw_picture(picture, style(options, display.language))


def build_picture(display: Display) -> Picture:
    """What the picture of a view displays."""
    view = display.view
    widget = view.widget
    title = ""
    if view.options.title:
        title = display.label
    meta = display.unit()
    if "period" in widget.options:
        meta = display.period()
    note = ""
    if view.stale:
        note = display.gettext(N_("Not up to date"))
    chart = None
    if widget.chart:
        chart = display.chart(widget.chart)
    figures = picture_figures(display)
    progress = take_progress(display, figures)
    return Picture(
        title=title,
        meta=meta,
        figures=tuple(figures.values()),
        as_of=as_of(display),
        note=note,
        name=view.account.name or "",
        kind=display.kind(),
        chart=chart,
        progress=progress,
        empty=empty_chart_text(display),
    )


def empty_chart_text(display: Display) -> str:
    """What replaces a chart without rows; empty if it has some, or if there is no chart."""
    chart = display.view.widget.chart
    # gettext returns the header of the catalogue for an empty text.
    if chart is None or not chart.empty or not display.is_empty(chart):
        return ""
    return display.gettext(chart.empty)


def picture_figures(display: Display) -> dict[str, Text]:
    """The figures of a picture by name, without those that are hidden."""
    view = display.view
    found: dict[str, Text] = {}
    for name in view.widget.figures_of_picture(view.options.size):
        # Also a figure that the page always displays, as a dash, is left out of a picture.
        if name in view.hidden:
            continue
        declared = view.widget.figures[name]
        text = display.figure(declared)
        if text:
            found[name] = text
    return found


def take_progress(display: Display, figures: dict[str, Text]) -> Progress | None:
    """The progress bar of a picture, if it has one; its figure is removed from the others."""
    declared = display.view.widget.progress
    if declared is None:
        return None
    name = declared.share.name
    share = display.view.data[name]
    if name not in figures or share is None:
        return None
    # The figure stands at the bar, and not among the others.
    figure = figures.pop(name)
    return Progress(figure, float(share))


def as_of(display: Display) -> str:
    """The time of the figures; a small picture has no room for the time zone."""
    text = display.exact_time()
    if display.view.options.size == "small":
        text = display.fmt.datetime(display.view.as_of)
    return display.gettext(N_("As of %(time)s")) % {"time": text}


def message_svg(message: str, language: str, options: Options) -> str:
    """The picture of a message, with the size and colours of the options."""
    return svg.draw_message(message, style(options, language))


def text_width(text: str, bold: bool) -> float:
    """The width of a text in the shipped font at a size of 1.

    It is an upper bound for scripts whose letters join.
    """
    weight = "Regular"
    if bold:
        weight = "Bold"
    widths = font_widths()[weight]
    thousandths = 0
    for character in text:
        width = widths.get(character)
        if width is None:
            width = unknown_width(character)
        thousandths += width
    return thousandths / 1000


def unknown_width(character: str) -> int:
    """The width of a character that the font does not contain, in thousandths."""
    # Combining marks and direction marks take no room; anything else may be as wide as it is high.
    if category(character) in ("Mn", "Cf"):
        return 0
    return 1000


@cache
def font_widths() -> dict[str, dict[str, int]]:
    """The width of each character in thousandths, by weight."""
    # A file, since reading the fonts themselves would need another dependency.
    path = paths.static() / "fonts" / "widths.json"
    text = path.read_text(encoding="utf-8")
    widths: dict[str, dict[str, int]] = json.loads(text)
    return widths


def style(options: Options, language: str) -> Style:
    """How a picture is drawn."""
    return Style(
        measure=text_width,
        size=options.size,
        scale=options.scale,
        dark=options.theme == "dark",
        accent=options.accent,
        rtl=is_rtl(language),
        lang=language,
    )
