"""Gains as shaded cells: a table of years by months, and a month as weeks.

As in ``tables``, the cells are written in Python and not by a template, which would take longer
than formatting the numbers.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from markupsafe import Markup, escape

from widget.data.days import next_month
from widget.names import Data
from widget.render.display import Display
from widget.render.tables import as_html, attribute
from widget.widgets.base import MonthGrid, YearTable

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


def year_row(
    year: Data,
    table: YearTable,
    display: Display,
    largest: Decimal,
) -> str:
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


@dataclass(frozen=True, slots=True)
class MonthGridHtml:
    """A month as weeks.

    Attributes:
        label: the month and its year.
        days: the names of the days of the week, a narrow and a longer one.
        weeks: the rows.
    """

    label: str
    days: list[tuple[str, str]]
    weeks: Markup


def build_month_grid(grid: MonthGrid, display: Display) -> MonthGridHtml | None:
    """A month as weeks; None if its days are hidden."""
    rows = display.view.data[grid.rows]
    if rows is None:
        return None
    first_day = date.fromisoformat(f"{display.view.data[grid.month]}-01")
    first_week_day = display.fmt.first_week_day()
    narrow = display.fmt.day_names("narrow")
    longer = display.fmt.day_names("abbreviated")
    days = list(zip(narrow, longer, strict=True))
    writer = DayWriter(grid, display, rows)
    weeks = ""
    for week in weeks_of(first_day, first_week_day):
        cells = [writer.cell(day) for day in week]
        weeks += f"<tr>{''.join(cells)}</tr>"
    return MonthGridHtml(
        label=display.fmt.month_and_year(first_day),
        days=days[first_week_day:] + days[:first_week_day],
        weeks=as_html(weeks),
    )


def weeks_of(first_day: date, first_week_day: int) -> Iterator[list[date | None]]:
    """The weeks of a month, each with seven days; None for the days of other months.

    Args:
        first_day: the first day of the month.
        first_week_day: the day on which weeks begin, 0 is Monday.
    """
    days_before = (first_day.weekday() - first_week_day) % 7
    week: list[date | None] = [None] * days_before
    length = (next_month(first_day) - first_day).days
    for number in range(length):
        week.append(first_day + timedelta(days=number))
        if len(week) == 7:
            yield week
            week = []
    if week:
        yield week + [None] * (7 - len(week))


class DayWriter:
    """Writes the cells of a month.

    Args:
        grid: the declared month.
        display: the view, and how to write it.
        rows: the days on which trades were closed.
    """

    def __init__(self, grid: MonthGrid, display: Display, rows: list[Data]) -> None:
        self._grid = grid
        self._display = display
        self._rows = {row[grid.date]: row for row in rows}
        self._largest = largest_of(row[grid.result] for row in rows)
        # Most days have one of a few numbers of trades.
        self._counts: dict[int, str] = {}

    def cell(self, day: date | None) -> str:
        """The cell of a day: its number, and what happened on it. None is of another month."""
        if day is None:
            return "<td></td>"
        time = f'<time datetime="{day}">{day.day}</time>'
        row = self._rows.get(day)
        if row is None:
            return f"<td>{time}</td>"
        shade = ""
        amount = ""
        result = row[self._grid.result]
        if result is not None:
            fmt = self._display.fmt
            shade = attribute(shade_class(result, self._largest))
            amount = two_lengths("b", fmt.cell_amount(result), fmt.result(result))
        gain = row[self._grid.gain]
        title = ""
        if gain is not None:
            title = f' title="{self._display.fmt.signed_percent(gain)}"'
        return f"<td{shade}{title}>{time}{amount}{self.count(row[self._grid.count])}</td>"

    def count(self, number: int | None) -> str:
        """The number of trades, as HTML; empty if it is hidden."""
        if number is None:
            return ""
        if number not in self._counts:
            one, many = self._grid.counted
            written = self._display.fmt.integer(number)
            message = self._display.translations.ngettext(one, many, number)
            whole = escape(message % {"count": written})
            brief = f"\N{MULTIPLICATION SIGN}{written}"
            self._counts[number] = two_lengths("small", brief, whole)
        return self._counts[number]


def two_lengths(tag: str, brief: str, whole: str) -> str:
    """A text in two lengths, of which the stylesheet displays the one that fits."""
    return (
        f'<{tag} class="narrow"><bdi>{brief}</bdi></{tag}>'
        f'<{tag} class="longer"><bdi>{whole}</bdi></{tag}>'
    )


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
