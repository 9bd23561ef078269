"""oEmbed 1.0 (https://oembed.com): from the URL of a widget to the code that embeds it."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import replace
from html import escape
from typing import Any

from widget.render import Renderer, widget_url
from widget.snippet import SANDBOX
from widget.spec import Options, Widget
from widget.svg import SIZES
from widget.view import View

WIDTH = 640
"""The default width in CSS pixels."""


def fit_rows(widget: Widget, options: Options, max_height: int | None) -> Options:
    """The options with as many rows as fit into a height in CSS pixels, but at least one row."""
    if max_height is None or not widget.row_height:
        return options
    room = (max_height - widget.pixels(replace(options, rows=0))) // widget.row_height
    return replace(options, rows=max(1, min(options.rows, room)))


def build_response(
    renderer: Renderer,
    view: View,
    base: str,
    params: Mapping[str, str],
    max_width: int | None,
    max_height: int | None,
) -> dict[str, Any]:
    """The oEmbed response for a view.

    On sites that do not trust this service, WordPress displays the blockquote until the frame reports its height.

    Args:
        renderer: writes the text of the blockquote.
        view: the figures, with options that fit the limits.
        base: the service's URL.
        params: the options of the widget's URL, which the frame's URL repeats.
        max_width: the consumer's limit in CSS pixels.
        max_height: likewise.
    """
    label, widget = renderer.label(view), view.widget
    width = min(filter(None, (WIDTH, max_width)))
    height = min(filter(None, (widget.pixels(view.options), max_height)))
    if "rows" in widget.options:
        params = {**params, "rows": str(view.options.rows)}
    address = widget_url(base, view.account.slug, widget.name, "", params)
    html = (
        f'<blockquote><a href="{escape(address)}">{escape(label)}</a>: {escape(renderer.summary(view))}</blockquote>'
        f'<iframe src="{escape(address)}" title="{escape(label)}" width="{width}" height="{height}" frameborder="0" '
        f'scrolling="no" sandbox="{SANDBOX}"></iframe>'
    )
    picture = {}
    # The largest picture that fits, since consumers do not scale it down.
    for size in ("medium", "small") if widget.picture else ():
        across, down = SIZES[size]
        if across <= (max_width or across) and down <= (max_height or down):
            thumbnail = widget_url(
                base, view.account.slug, widget.name, ".png", {**params, "size": size}
            )
            picture = {
                "thumbnail_url": thumbnail,
                "thumbnail_width": across,
                "thumbnail_height": down,
            }
            break
    return {
        "version": "1.0",
        "type": "rich",
        "provider_name": "Cabinet Widgets",
        "provider_url": base,
        "title": label,
        "width": width,
        "height": height,
        "html": html,
        "cache_age": 3600,
        **picture,
    }


def as_xml(data: Mapping[str, Any]) -> str:
    """The response in the XML format of the specification."""
    root = ET.Element("oembed")
    for name, value in data.items():
        ET.SubElement(root, name).text = str(value)
    return '<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n' + ET.tostring(
        root, encoding="unicode"
    )
