"""oEmbed 1.0 (https://oembed.com): the code that embeds a widget or the page of an account."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from widget.render.account_page import page_height, title
from widget.render.account_view import AccountView
from widget.render.display import Display
from widget.render.snippet import SANDBOX, account_url, widget_url
from widget.render.svg import PREVIEW_SIZE
from widget.render.view import View
from widget.widgets.base import Widget
from widget.widgets.options import SIZES, Options

# Unlike the height, it does not depend on the widget: all of them adapt to the width they get.
WIDTH = 640
"""The default width in CSS pixels."""
THUMBNAIL_SIZES = ("medium", "small")
"""The sizes of pictures that are offered, the preferred one first; the large one is too large for
a preview."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest size that a consumer accepts, in CSS pixels; None is without limit."""

    width: int | None
    height: int | None

    def allow(self, width: int, height: int) -> bool:
        """Whether something of this size is within the limits."""
        if limited(width, self.width) < width:
            return False
        return limited(height, self.height) == height


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture with its size in CSS pixels."""

    url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Embedded:
    """What is embedded.

    Attributes:
        url: of the frame.
        title: its name.
        summary: its most important figure, and the period; empty if it has neither.
        height: the height of the frame in CSS pixels.
        thumbnail: a picture of it; None if there is none.
    """

    url: str
    title: str
    summary: str
    height: int
    thumbnail: Thumbnail | None


def limited(pixels: int, limit: int | None) -> int:
    """A width or height within a limit of the consumer."""
    if limit is None:
        return pixels
    return min(pixels, limit)


def fit_rows(widget: Widget, options: Options, max_height: int | None) -> Options:
    """The options with as many rows as fit into a height in CSS pixels, but at least one row."""
    if max_height is None or not widget.row_height:
        return options
    without_rows = options.model_copy(update={"rows": 0})
    room = max_height - widget.pixels(without_rows)
    fitting = room // widget.row_height
    rows = min(options.rows, fitting)
    return options.model_copy(update={"rows": max(1, rows)})


def embed_widget(
    display: Display,
    base: str,
    params: Mapping[str, str],
    limits: Limits,
) -> Embedded:
    """How a widget is embedded.

    Args:
        display: the figures, with options that fit the limits.
        base: the service's URL.
        params: the options of the widget's URL, which the URL of the frame repeats.
        limits: of the consumer.
    """
    view = display.view
    widget = view.widget
    if "rows" in widget.options:
        # The number of rows that fit, which may be less than the URL of the widget has.
        params = {**params, "rows": str(view.options.rows)}
    return Embedded(
        url=widget_url(base, view.account.slug, widget.name, params=params),
        title=display.label,
        summary=summary_and_period(display),
        height=widget.pixels(view.options),
        thumbnail=thumbnail(view, base, params, limits),
    )


def summary_and_period(display: Display) -> str:
    """The most important figure of a widget with its period; empty if it has neither."""
    parts = [display.summary()]
    if "period" in display.view.widget.options:
        parts.append(display.period())
    return " · ".join(filter(None, parts))


def embed_page(
    account_view: AccountView,
    display: Display,
    base: str,
    params: Mapping[str, str],
) -> Embedded:
    """How the page of an account is embedded.

    Args:
        account_view: the figures of the page.
        display: of its first widget.
        base: the service's URL.
        params: the options of the page's URL.
    """
    slug = account_view.account.slug
    picture = None
    if account_view.has_picture:
        picture_url = account_url(base, slug, suffix=".png", params=params)
        width, height = PREVIEW_SIZE
        picture = Thumbnail(picture_url, width, height)
    return Embedded(
        url=account_url(base, slug, params=params),
        title=title(display),
        summary=display.summary(),
        height=page_height(account_view),
        thumbnail=picture,
    )


def build_response(embedded: Embedded, base: str, limits: Limits) -> dict[str, Any]:
    """The oEmbed response for what is embedded.

    Args:
        embedded: a widget or a page.
        base: the service's URL.
        limits: of the consumer.
    """
    width = limited(WIDTH, limits.width)
    height = limited(embedded.height, limits.height)
    response = {
        "version": "1.0",
        "type": "rich",
        "provider_name": "Cabinet Widgets",
        "provider_url": base,
        "title": embedded.title,
        "width": width,
        "height": height,
        "html": embed_html(embedded, frame_width(limits), height),
        # Seconds. The frame is always up to date; only its height and its title may change.
        "cache_age": 3600,
    }
    picture = embedded.thumbnail
    if picture and limits.allow(picture.width, picture.height):
        response["thumbnail_url"] = picture.url
        response["thumbnail_width"] = picture.width
        response["thumbnail_height"] = picture.height
    return response


def frame_width(limits: Limits) -> str:
    """The width of the frame: all there is, unless the consumer has a limit.

    Iframely takes two numbers for an aspect ratio, which cuts off a widget on narrow pages; next to
    a width of 100% the height is fixed.
    """
    if limits.width is None:
        return "100%"
    return str(limited(WIDTH, limits.width))


def embed_html(embedded: Embedded, width: str, height: int) -> str:
    """The code that embeds a widget or a page.

    On sites that do not trust this service, WordPress displays the blockquote until the frame
    reports its height.
    """
    label = escape(embedded.title)
    # Plain spaces: not every site displays the narrow ones of number formats.
    words = embedded.summary.split()
    summary = escape(" ".join(words))
    if summary:
        summary = f": {summary}"
    url = escape(embedded.url)
    return (
        f'<blockquote><a href="{url}">{label}</a>{summary}</blockquote>'
        f'<iframe src="{url}" title="{label}" width="{width}" height="{height}" frameborder="0" '
        f'scrolling="no" sandbox="{SANDBOX}"></iframe>'
    )


def thumbnail(
    view: View,
    base: str,
    params: Mapping[str, str],
    limits: Limits,
) -> Thumbnail | None:
    """The largest picture within the limits, since consumers do not scale it down; else nothing.

    Args:
        view: the figures.
        base: the service's URL.
        params: the options of the widget's URL.
        limits: of the consumer.
    """
    widget = view.widget
    if not widget.picture:
        return None
    for size in THUMBNAIL_SIZES:
        width, height = SIZES[size]
        if not limits.allow(width, height):
            continue
        url = widget_url(
            base,
            view.account.slug,
            widget.name,
            suffix=".png",
            params={**params, "size": size},
        )
        return Thumbnail(url, width, height)
    return None


def as_xml(data: Mapping[str, Any]) -> str:
    """The response in the XML format of the specification."""
    root = ET.Element("oembed")
    for name, value in data.items():
        element = ET.SubElement(root, name)
        element.text = str(value)
    # With the declaration of the specification: the library cannot write "standalone".
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n{body}'
