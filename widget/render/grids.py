"""Gains as shaded cells: a table of years by months, and a month as weeks.

As in ``tables``, the cells are written in Python and not by a template, which would take longer
than formatting the numbers.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from markupsafe import Markup, escape

from widget.data.days import DAYS_OF_WEEK, next_day, next_month
from widget.names import Data, Row
from widget.render.display import Display
from widget.render.format import Formatter
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
    # All years have the same shades, so that they can be compared.
    gains = [gain for year in years for gain in year[table.months]]
    writer = YearWriter(table, display.fmt, largest_of(gains))
    rows = [writer.row(year) for year in years]
    narrow = display.fmt.month_names("narrow")
    longer = display.fmt.month_names("abbreviated")
    months = zip(narrow, longer, strict=True)
    return YearTableHtml(
        label=display.gettext(table.label),
        months=list(months),
        rows=as_html(*rows),
        empty=display.gettext(table.empty),
    )


@dataclass(frozen=True, slots=True)
class YearWriter:
    """Writes the rows of a table of years.

    Attributes:
        table: the declared table.
        fmt: writes gains.
        largest: the size of the largest gain or loss of a month, which has the darkest shade.
    """

    table: YearTable
    fmt: Formatter
    largest: Decimal

    def row(self, year: Row) -> str:
        """The row of a year: its number, its months and its gain."""
        months = [self.month_cell(gain) for gain in year[self.table.months]]
        gain = year[self.table.gain]
        total = ""
        if gain is not None:
            text = self.fmt.cell_percent(gain, signed=True)
            total = f"<bdi>{text}</bdi>"
        heading = f'<th scope="row">{year[self.table.year]}</th>'
        return f'<tr>{heading}{"".join(months)}<td class="sum">{total}</td></tr>'

    def month_cell(self, gain: Decimal | None) -> str:
        """The cell of a month; empty if it is not part of the history, or hidden."""
        if gain is None:
            return "<td></td>"
        shade = attribute(shade_class(gain, self.largest))
        text = self.fmt.cell_percent(gain)
        return f"<td{shade}><bdi>{text}</bdi></td>"


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
    month = display.view.data[grid.month]
    first_day = date.fromisoformat(f"{month}-01")
    first_week_day = display.fmt.first_week_day()
    narrow = display.fmt.day_names("narrow")
    longer = display.fmt.day_names("abbreviated")
    from_monday = list(zip(narrow, longer, strict=True))
    writer = DayWriter(grid, display, rows)
    weeks = ""
    for week in weeks_of(first_day, first_week_day):
        cells = map(writer.cell, week)
        weeks += f"<tr>{''.join(cells)}</tr>"
    return MonthGridHtml(
        label=display.fmt.month_and_year(first_day),
        days=from_monday[first_week_day:] + from_monday[:first_week_day],
        weeks=as_html(weeks),
    )


def weeks_of(first_day: date, first_week_day: int) -> Iterator[list[date | None]]:
    """The weeks of a month, each with seven days; None for the days of other months.

    Args:
        first_day: the first day of the month.
        first_week_day: the day on which weeks begin, 0 is Monday.
    """
    days_before = (first_day.weekday() - first_week_day) % DAYS_OF_WEEK
    week: list[date | None] = [None] * days_before
    day = first_day
    end = next_month(first_day)
    while day < end:
        week.append(day)
        day = next_day(day)
        if len(week) == DAYS_OF_WEEK:
            yield week
            week = []
    if week:
        days_after = DAYS_OF_WEEK - len(week)
        yield week + [None] * days_after


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
        # Nothing was closed on it.
        if row is None:
            return f"<td>{time}</td>"
        fmt = self._display.fmt
        attributes = ""
        amount = ""
        result = row[self._grid.result]
        if result is not None:
            attributes = attribute(shade_class(result, self._largest))
            amount = two_lengths("b", fmt.cell_amount(result), fmt.result(result))
        gain = row[self._grid.gain]
        if gain is not None:
            attributes += f' title="{fmt.signed_percent(gain)}"'
        count = self.count(row[self._grid.count])
        return f"<td{attributes}>{time}{amount}{count}</td>"

    def count(self, number: int | None) -> str:
        """The number of trades, as HTML; empty if it is hidden."""
        if number is None:
            return ""
        if number not in self._counts:
            whole = self._display.counted(self._grid.counted, number)
            brief = f"\N{MULTIPLICATION SIGN}{self._display.fmt.integer(number)}"
            self._counts[number] = two_lengths("small", brief, escape(whole))
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
    share = abs(amount) / largest
    shade = math.ceil(SHADES * math.sqrt(share))
    if amount > 0:
        return f"u{shade}"
    return f"d{shade}"
