"""From a view to CSV (RFC 4180): numbers and times as in JSON, and no text is a formula."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import islice
from typing import Any, Final

from widget.names import Row
from widget.render.format import Formatter
from widget.render.json import as_json_value
from widget.render.view import View
from widget.widgets.options import MAX_CSV_ROWS

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets take text that begins with one of these for a formula, and calculate it."""


def render_csv(view: View) -> str:
    """The list of a view that the widget fetched; a hidden list has no lines."""
    fetched = [each for each in view.widget.csv if each.rows in view.data]
    declared = fetched[0]
    lines: Iterable[Row] = view.data[declared.rows] or ()
    if declared.lines:
        lines = declared.lines(lines)
    return write_csv(declared.columns, lines)


def write_csv(columns: Sequence[str], lines: Iterable[Row]) -> str:
    """A header, and at most ``MAX_CSV_ROWS`` lines; a figure that is None is an empty cell."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(columns)
    for line in islice(lines, MAX_CSV_ROWS):
        writer.writerow([cell(line[name]) for name in columns])
    return file.getvalue()


def cell(value: Any) -> str:
    """A figure as the text of a cell."""
    if isinstance(value, str):
        return harmless(value)
    if isinstance(value, date):
        return Formatter.iso(value)
    text = json.dumps(value, default=as_json_value)
    if text == "null":
        return ""
    return text


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    if text.startswith(FORMULA_STARTS):
        return f"'{text}"
    return text
