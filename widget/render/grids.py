"""Gains as shaded cells: a table of years by months.

As in ``tables``, the cells are written in Python and not by a template, which would take longer
than formatting the numbers.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from markupsafe import Markup

from widget.render.display import Display
from widget.render.tables import as_html, attribute
from widget.widgets.base import YearTable

SHADES: Final = 5
"""The stylesheet has so many shades for gains and for losses: u1 to u5 and d1 to d5."""


@dataclass(frozen=True, slots=True)
class YearTableHtml:
    """A table of years by months.

    Attributes:
        label: what it displays.
        months: the names of the months, a narrow and a longer one.
        rows: its rows; empty without years.
        empty: the text that replaces a table without years.
    """

    label: str
    months: list[tuple[str, str]]
    rows: Markup
    empty: str


def build_year_table(table: YearTable, display: Display) -> YearTableHtml | None:
    """A table of years; None if they are hidden."""
    years = display.view.data[table.rows]
    if years is None:
        return None
    gains = [gain for year in years for gain in year[table.months] or ()]
    largest = largest_of(gains)
    rows = [year_row(year, table, display, largest) for year in years]
    narrow = display.fmt.month_names("narrow")
    longer = display.fmt.month_names("abbreviated")
    return YearTableHtml(
        label=display.gettext(table.label),
        months=list(zip(narrow, longer, strict=True)),
        rows=as_html(*rows),
        empty=display.gettext(table.empty),
    )


def year_row(year: dict[str, Any], table: YearTable, display: Display, largest: Decimal) -> str:
    """The row of a year: its number, its months and its gain."""
    cells = [f'<th scope="row">{year[table.year]}</th>']
    cells += [month_cell(gain, display, largest) for gain in year[table.months]]
    gain = year[table.gain]
    content = ""
    if gain is not None:
        content = f"<bdi>{display.fmt.cell_percent(gain, signed=True)}</bdi>"
    cells.append(f'<td class="sum">{content}</td>')
    return f"<tr>{''.join(cells)}</tr>"


def month_cell(gain: Decimal | None, display: Display, largest: Decimal) -> str:
    """The cell of a month; empty if it is not part of the history, or hidden."""
    if gain is None:
        return "<td></td>"
    shade = attribute(shade_class(gain, largest))
    return f"<td{shade}><bdi>{display.fmt.cell_percent(gain)}</bdi></td>"


def largest_of(amounts: Iterable[Decimal | None]) -> Decimal:
    """The largest size of some amounts, whatever their signs; 0 without any."""
    sizes = (abs(amount) for amount in amounts if amount is not None)
    return max(sizes, default=Decimal(0))


def shade_class(amount: Decimal, largest: Decimal) -> str:
    """The CSS class for a gain or loss; empty for 0.

    The darkest shade is that of the largest one. By the square root, because a single month that
    is much larger than the others would otherwise leave them without colour.
    """
    if not amount:
        return ""
    shade = math.ceil(SHADES * math.sqrt(abs(amount) / largest))
    if amount > 0:
        return f"u{shade}"
    return f"d{shade}"
