"""From a view to an Atom feed (RFC 4287): one entry for each of the newest rows of a table."""

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from markupsafe import Markup

from widget.names import Row
from widget.render.canvas import NOT_XML
from widget.render.display import Display, build_display
from widget.render.i18n import Catalogues
from widget.render.tables import SIDES
from widget.render.view import View
from widget.widgets.base import Column, Feed, Table

ATOM: Final = "http://www.w3.org/2005/Atom"
FEED_ENTRIES: Final = 50
SPARE_ENTRIES: Final = 50
"""Rows beyond those of the feed. Ids count rows of the same instant, and need all of them."""
ITEM: Final = Markup("<li>{}: {}</li>")
"""A figure in the content of an entry: its name and its text, which are escaped."""
LIST: Final = Markup("<ul>{}</ul>")


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
    feed = view.widget.feed
    assert feed is not None  # the URL of any other widget's feed is not found
    display = build_display(view, catalogues)
    rows: Sequence[Row] = view.data[feed.table.rows]
    times: list[datetime] = [row[feed.time] for row in rows]
    # A feed changes with its newest entry. An empty one is as new as its figures.
    updated = max(times, default=view.as_of)
    feed_id = uuid5(NAMESPACE_URL, feed_url)
    root = ET.Element("feed", {"xmlns": ATOM, "xml:lang": display.language})
    add_text(root, "id", feed_id.urn)
    add_text(root, "title", feed_title(display))
    add_text(root, "updated", display.fmt.iso(updated))
    author = ET.SubElement(root, "author")
    add_text(author, "name", view.account.name or view.account.slug)
    ET.SubElement(root, "link", {"rel": "self", "href": feed_url})
    ET.SubElement(root, "link", {"rel": "alternate", "type": "text/html", "href": page_url})
    ids = entry_ids(rows, feed.time, feed_id)
    writer = EntryWriter(feed, display)
    for row, entry_id in zip(rows[:FEED_ENTRIES], ids, strict=False):
        writer.add(root, row, entry_id)
    document = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{document}'


def feed_title(display: Display) -> str:
    """The name of the widget, and whose figures they are as far as that is published."""
    account = display.view.account
    parts = filter(None, (display.label, account.name, display.kind()))
    return " · ".join(parts)


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
        moment = row[time]
        # None if the account hides tickets. Parts of a position have the same one.
        ticket = row["ticket"]
        key = (moment, ticket)
        counts[key] += 1
        name = f"{moment.isoformat()} {ticket} {counts[key]}"
        entry_id = uuid5(feed_id, name)
        ids.append(entry_id.urn)
    ids.reverse()
    return ids


class EntryWriter:
    """Writes the entries of a feed.

    Args:
        feed: the declared feed.
        display: the view, and how to write it.
    """

    def __init__(self, feed: Feed, display: Display) -> None:
        self._feed = feed
        self._display = display
        self._columns = public_columns(feed.table, display)

    def add(self, root: ET.Element, row: Row, entry_id: str) -> None:
        """Add the entry of a row."""
        moment = row[self._feed.time]
        entry = ET.SubElement(root, "entry")
        add_text(entry, "id", entry_id)
        add_text(entry, "title", self.title(row))
        add_text(entry, "updated", self._display.fmt.iso(moment))
        content = add_text(entry, "content", self.content(row))
        content.set("type", "html")

    def title(self, row: Row) -> str:
        """The most important figures of a row; its time if all of them are hidden."""
        texts = []
        for name in self._feed.title:
            column = self._columns.get(name)
            if column is not None:
                texts.append(self.text(column, row))
        title = " ".join(texts)
        return title or self._display.fmt.datetime(row[self._feed.time])

    def content(self, row: Row) -> str:
        """All figures of a row with their names, as HTML."""
        items = Markup()
        for column in self._columns.values():
            # Figures that the API does not send are left out.
            if row[column.name] is None:
                continue
            label = self._display.gettext(column.label)
            text = self.text(column, row)
            items += ITEM.format(label, text)
        return LIST.format(items)

    def text(self, column: Column, row: Row) -> str:
        """A figure of a row as text."""
        value = row[column.name]
        if column.kind != "side":
            return self._display.write(column.kind, value)
        message = SIDES[value, row["kind"]]
        return self._display.gettext(message)


def public_columns(table: Table, display: Display) -> dict[str, Column]:
    """The columns of a table that are not hidden, by name."""
    found = {}
    for column in table.columns:
        if column.name not in display.view.hidden:
            found[column.name] = column
    return found


def add_text(parent: ET.Element, name: str, text: str) -> ET.Element:
    """Add an element with a text, without the characters that XML does not allow."""
    element = ET.SubElement(parent, name)
    element.text = NOT_XML.sub("", text)
    return element
