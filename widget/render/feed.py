"""From a view to an Atom feed (RFC 4287): one entry for each of the newest rows of a table."""

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from markupsafe import Markup

from widget.render.display import Display, build_display
from widget.render.i18n import Catalogues
from widget.render.svg import NOT_XML
from widget.render.tables import SIDES
from widget.render.view import View
from widget.widgets.base import Column, Feed

ATOM: Final = "http://www.w3.org/2005/Atom"
FEED_ENTRIES: Final = 50
SPARE_ENTRIES: Final = 50
"""Rows beyond those of the feed. Ids count rows of the same instant, and need all of them."""

Row = Mapping[str, Any]


def declared_feed(view: View) -> Feed:
    """The feed of a widget that has one."""
    feed = view.widget.feed
    assert feed is not None
    return feed


def render_feed(
    view: View,
    catalogues: Catalogues,
    feed_url: str,
    page_url: str,
) -> str:
    """The feed of a view, whose rows and their times are not hidden.

    Args:
        view: the rows.
        catalogues: the languages.
        feed_url: the absolute URL of the feed, without options.
        page_url: that of the page that readers lead to.
    """
    display = build_display(view, catalogues)
    rows: Sequence[Row] = view.data[declared_feed(view).table.rows]
    feed_id = uuid5(NAMESPACE_URL, feed_url)
    root = ET.Element("feed", {"xmlns": ATOM, "xml:lang": display.language})
    add(root, "id", feed_id.urn)
    parts = (display.label, view.account.name, display.kind())
    add(root, "title", " · ".join(part for part in parts if part))
    add(root, "updated", display.fmt.iso(last_change(view, rows)))
    author = ET.SubElement(root, "author")
    add(author, "name", view.account.name or view.account.slug)
    ET.SubElement(root, "link", {"rel": "self", "href": feed_url})
    ET.SubElement(root, "link", {"rel": "alternate", "type": "text/html", "href": page_url})
    ids = entry_ids(rows, declared_feed(view).time, feed_id)
    for row, entry_id in list(zip(rows, ids, strict=True))[:FEED_ENTRIES]:
        add_entry(root, display, row, entry_id)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode")


def last_change(view: View, rows: Sequence[Row]) -> datetime:
    """When the feed changed: with its newest entry. An empty one is as new as its figures."""
    times: list[datetime] = [row[declared_feed(view).time] for row in rows]
    return max(times, default=view.as_of)


def entry_ids(rows: Sequence[Row], time: str, feed_id: UUID) -> list[str]:
    """An id for each row, newest first, that stays the same when newer rows come.

    It is made from what is published only: anybody could try all tickets until an id fits.

    Args:
        rows: the rows, newest first.
        time: the name of the time in each row.
        feed_id: the id of the feed.
    """
    counts: Counter[tuple[object, object]] = Counter()
    ids = []
    # From the oldest on: of several rows of an instant, the number of each one never changes.
    for row in reversed(rows):
        # None if the account hides tickets. Parts of a position have the same one.
        key = (row[time], row["ticket"])
        counts[key] += 1
        moment = row[time].isoformat()
        entry_id = uuid5(feed_id, f"{moment} {row['ticket']} {counts[key]}")
        ids.append(entry_id.urn)
    ids.reverse()
    return ids


def add_entry(
    root: ET.Element,
    display: Display,
    row: Row,
    entry_id: str,
) -> None:
    """Add the entry of a row."""
    feed = declared_feed(display.view)
    entry = ET.SubElement(root, "entry")
    add(entry, "id", entry_id)
    add(entry, "title", title(display, row))
    add(entry, "updated", display.fmt.iso(row[feed.time]))
    add(entry, "content", content(display, row), {"type": "html"})


def title(display: Display, row: Row) -> str:
    """The most important figures of a row; its time if all of them are hidden."""
    feed = declared_feed(display.view)
    columns = {column.name: column for column in public_columns(display)}
    texts = [text_of(display, columns[name], row) for name in feed.title if name in columns]
    return " ".join(texts) or display.fmt.datetime(row[feed.time])


def content(display: Display, row: Row) -> str:
    """All figures of a row with their names, as HTML."""
    item = Markup("<li>{}: {}</li>")
    items = []
    for column in public_columns(display):
        if row[column.name] is not None:
            label = display.gettext(column.label)
            items.append(item.format(label, text_of(display, column, row)))
    return Markup("<ul>{}</ul>").format(Markup("").join(items))


def public_columns(display: Display) -> list[Column]:
    """The columns of the table that are not hidden."""
    table = declared_feed(display.view).table
    return [column for column in table.columns if column.name not in display.view.hidden]


def text_of(display: Display, column: Column, row: Row) -> str:
    """A figure of a row as text."""
    value = row[column.name]
    if column.kind == "side":
        return display.gettext(SIDES[value, row["kind"]])
    return display.write(column.kind, value)


def add(
    parent: ET.Element,
    name: str,
    text: str,
    attributes: Mapping[str, str] = {},
) -> None:
    """Add an element with a text, without the characters that XML does not allow."""
    element = ET.SubElement(parent, name, dict(attributes))
    element.text = NOT_XML.sub("", text)
