"""oEmbed 1.0 (https://oembed.com): from the URL of a widget to the code that embeds it."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from html import escape
from typing import Any

from widget.render.html import Renderer
from widget.render.snippet import SANDBOX, widget_url
from widget.render.view import View
from widget.widgets.base import Widget
from widget.widgets.options import SIZES, Options

WIDTH = 640
"""The default width in CSS pixels."""
THUMBNAIL_SIZES = ("medium", "small")
"""The sizes of pictures that are offered, the preferred one first; the large one is too large for
a preview."""


def fit_rows(widget: Widget, options: Options, max_height: int | None) -> Options:
    """The options with as many rows as fit into a height in CSS pixels, but at least one row."""
    if max_height is None or not widget.row_height:
        return options
    without_rows = options.model_copy(update={"rows": 0})
    room = max_height - widget.pixels(without_rows)
    rows = min(options.rows, room // widget.row_height)
    return options.model_copy(update={"rows": max(1, rows)})


def build_response(
    renderer: Renderer,
    view: View,
    base: str,
    params: Mapping[str, str],
    max_width: int | None,
    max_height: int | None,
) -> dict[str, Any]:
    """The oEmbed response for a view.

    On sites that do not trust this service, WordPress displays the blockquote until the frame
    reports its height.

    Args:
        renderer: writes the texts.
        view: the figures, with options that fit the limits.
        base: the service's URL.
        params: the options of the widget's URL, which the URL of the frame repeats.
        max_width: the consumer's limit in CSS pixels.
        max_height: likewise.
    """
    display = renderer.display(view)
    width = limited(WIDTH, max_width)
    height = limited(view.widget.pixels(view.options), max_height)
    # The frame must have as many rows as the height was calculated for.
    if "rows" in view.widget.options:
        params = {**params, "rows": str(view.options.rows)}
    label = escape(display.label)
    # Plain spaces: not every site displays the narrow ones of number formats.
    summary = escape(" ".join(display.summary().split()))
    url = escape(widget_url(base, view.account.slug, view.widget.name, "", params))
    html = (
        f'<blockquote><a href="{url}">{label}</a>: {summary}</blockquote>'
        f'<iframe src="{url}" title="{label}" width="{width}" height="{height}" frameborder="0" '
        f'scrolling="no" sandbox="{SANDBOX}"></iframe>'
    )
    return {
        "version": "1.0",
        "type": "rich",
        "provider_name": "Cabinet Widgets",
        "provider_url": base,
        "title": display.label,
        "width": width,
        "height": height,
        "html": html,
        "cache_age": 3600,
        **thumbnail(view, base, params, max_width, max_height),
    }


def thumbnail(
    view: View,
    base: str,
    params: Mapping[str, str],
    max_width: int | None,
    max_height: int | None,
) -> dict[str, Any]:
    """The largest picture within the limits, since consumers do not scale it down; else nothing."""
    if not view.widget.picture:
        return {}
    for size in THUMBNAIL_SIZES:
        width, height = SIZES[size]
        if limited(width, max_width) == width and limited(height, max_height) == height:
            params = {**params, "size": size}
            return {
                "thumbnail_url": widget_url(
                    base, view.account.slug, view.widget.name, ".png", params
                ),
                "thumbnail_width": width,
                "thumbnail_height": height,
            }
    return {}


def limited(pixels: int, limit: int | None) -> int:
    """A width or height within the consumer's limit."""
    if limit is None:
        return pixels
    return min(pixels, limit)


def as_xml(data: Mapping[str, Any]) -> str:
    """The response in the XML format of the specification."""
    root = ET.Element("oembed")
    for name, value in data.items():
        ET.SubElement(root, name).text = str(value)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n{body}'
