"""Gains by month and year."""

from collections.abc import Iterable, Iterator

from widget.data import returns
from widget.data.source import Source
from widget.errors import N_
from widget.names import Data, Row
from widget.privacy import ENTRIES, MONTH_ENTRIES
from widget.widgets.base import Card, Csv, Figure, Widget, YearTable, values
from widget.widgets.options import Options

GAIN = Figure("gain", N_("Gain"), "gain")


def fetch(source: Source, options: Options) -> Data:
    """The time-weighted gains of the period, see ``widget.data.returns``."""
    zone = source.account.timezone
    start, end = options.period.bounds(source.now, zone)
    ledger = source.ledger(start, end)
    last_day = source.last_day(end)
    result = source.derived(
        "returns",
        (start, end, last_day),
        lambda: returns.calculate_years(ledger, zone, last_day),
    )
    # In the order of JSON; the table has the gain of a year after its months.
    years = [
        {
            **values(year, ("year", "gain", "months")),
            MONTH_ENTRIES: year.month_trades,
            ENTRIES: year.trades,
        }
        for year in result.years
    ]
    return {
        "from": start,
        "to": source.known_until(end),
        "gain": result.gain,
        "years": years,
        ENTRIES: len(ledger.trades),
    }


def month_lines(years: Iterable[Row]) -> Iterator[Data]:
    """The lines of a CSV file: the months of the history, by year."""
    for year in years:
        for number, gain in enumerate(year["months"] or (), 1):
            if gain is not None:
                yield {"year": year["year"], "month": number, "gain": gain}


WIDGET = Widget(
    name="returns",
    label=N_("Returns"),
    functions=("balance", "closed_trades"),
    fetch=fetch,
    body=(
        Card(figures=(GAIN,)),
        YearTable(
            rows="years",
            year="year",
            months="months",
            gain="gain",
            label=N_("Gain by month, in percent"),
            empty=N_("No trades in this period"),
        ),
    ),
    height=302,
    options=frozenset({"period"}),
    summary=GAIN,
    default_period="all",
    csv=(Csv("years", ("year", "month", "gain"), month_lines),),
    place=40,
    is_wide=True,
)
