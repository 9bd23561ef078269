"""Deposits and withdrawals."""

from widget.data import totals
from widget.data.source import Source
from widget.errors import N_
from widget.names import Data
from widget.widgets.base import (
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

# Not a result: a withdrawal is no loss, so that it has neither arrow nor colour.
NET = Figure("net", N_("Net deposits"), "signed", within="totals")
OPERATIONS = Table(
    rows="operations",
    columns=(
        Column("time", N_("Time"), "time", always=True),
        Column("amount", N_("Amount"), "signed"),
    ),
    empty=N_("No deposits or withdrawals in this period"),
)


def fetch(source: Source, options: Options) -> Data:
    """The newest operations of the period, with totals of all of them."""
    zone = source.account.timezone
    start, end = options.period.bounds(source.now, zone)
    operations = source.operations(start, end)
    return {
        "from": start,
        "to": source.known_until(end),
        "operations": OPERATIONS.rows_of(rows_of_page(operations, options)),
        "totals": totals.operation_totals(operations),
        **page_numbers(len(operations), options),
    }


WIDGET = Widget(
    name="operations",
    label=N_("Deposits and withdrawals"),
    # Where the API has a function for operations, they come from that: see ``Source``.
    functions=("closed_trades",),
    fetch=fetch,
    body=(
        Card(
            figures=(
                NET,
                Figure("deposits", N_("Deposits"), "money", within="totals"),
                Figure("withdrawals", N_("Withdrawals"), "money", within="totals"),
                Figure("count", N_("Operations"), "count", within="totals"),
            )
        ),
        OPERATIONS,
    ),
    height=290,
    row_height=36,
    options=frozenset({"rows", "page", "period"}),
    summary=NET,
    shows_currency=True,
    by_default=False,  # what somebody pays in and out is nobody else's business
    csv=(Csv(OPERATIONS.rows, OPERATIONS.row_names),),
    place=72,
)
