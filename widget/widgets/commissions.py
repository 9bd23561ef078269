"""A partner's commissions."""

from widget.data import totals
from widget.data.source import Source
from widget.errors import N_
from widget.names import Data
from widget.privacy import ENTRIES
from widget.widgets.base import (
    Bars,
    Card,
    Column,
    Csv,
    Figure,
    Table,
    Widget,
    page_numbers,
    rows_of_page,
)
from widget.widgets.options import Options

TOTAL = Figure("total", N_("Total"), "money")
RECORDS = Table(
    rows="records",
    columns=(
        Column("time", N_("Time"), "time", always=True),
        Column("symbol", N_("Symbol"), "symbol", priority=1),
        Column("volume", N_("Lots"), "lots", priority=2),
        Column("amount", N_("Amount"), "money"),
    ),
    empty=N_("No commissions in this period"),
)


def fetch(source: Source, options: Options) -> Data:
    """The newest records of the period, with the total and the days of all of them."""
    zone = source.account.timezone
    start, end = options.period.bounds(source.now, zone)
    records = source.commissions(start, end)
    amounts = [(record.time, record.amount) for record in records]
    days = totals.sum_by_day(amounts, zone)
    counts = totals.count_by_day((record.time for record in records), zone)
    return {
        "from": start,
        "to": source.known_until(end),
        "total": totals.sum_known(record.amount for record in records),
        "days": [
            {
                "date": day,
                "amount": amount,
                ENTRIES: counts[day],
            }
            for day, amount in days
        ],
        "records": RECORDS.rows_of(rows_of_page(records, options)),
        **page_numbers(len(records), options),
        ENTRIES: len(records),
    }


WIDGET = Widget(
    name="commissions",
    label=N_("Partner commissions"),
    functions=("commissions",),
    fetch=fetch,
    body=(
        Card(figures=(TOTAL,)),
        Bars(
            rows="days",
            y="amount",
            kind="money",
            label=N_("Commissions by day"),
            figure=N_("Amount"),
        ),
        RECORDS,
    ),
    height=394,
    row_height=36,
    options=frozenset({"rows", "page", "period"}),
    summary=TOTAL,
    csv=(Csv(RECORDS.rows, RECORDS.row_names),),
    shows_currency=True,
    by_default=False,  # it is about the earnings of a partner, and not about the account
    place=80,
    is_wide=True,
)
