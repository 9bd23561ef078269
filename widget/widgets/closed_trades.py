"""Trades closed in a period."""

from widget.data import totals
from widget.data.source import Source
from widget.errors import N_
from widget.names import Data
from widget.widgets.base import (
    TRADE_COUNT,
    Column,
    Count,
    Csv,
    Feed,
    Figure,
    Table,
    Widget,
    ngettext_noop,
    page_numbers,
    rows_of_page,
    trade_fields,
)
from widget.widgets.options import Options

TRADES = Table(
    rows="trades",
    fields=trade_fields("close_price", "close_time"),
    columns=(
        Column("symbol", N_("Symbol"), "symbol", below=("side", "volume")),
        Column("side", N_("Side"), "side", priority=2),
        Column("volume", N_("Lots"), "lots", priority=2, total="volume"),
        Column("open_time", N_("Opened"), "time", priority=6),
        Column("open_price", N_("Open"), "price", priority=4),
        Column("close_price", N_("Close"), "price", priority=4),
        # Until there is room for it, it stands below the profit.
        Column("close_time", N_("Closed"), "time", priority=3, replaces="profit"),
        Column("ticket", N_("Ticket"), "id", priority=7),
        Column("swap", N_("Swap"), "signed", priority=5, total="swap"),
        Column(
            "commission",
            N_("Commission"),
            "signed",
            priority=6,
            total="commission",
            if_known=True,
        ),
        Column("profit", N_("Profit"), "result", total="profit", below=("close_time",)),
    ),
    empty=N_("No trades in this period"),
    key="ticket",
    totals="totals",
    counts=(
        Count("count", TRADE_COUNT),
        Count("won", ngettext_noop("%(count)s won", "%(count)s won"), sign=1),
        Count("lost", ngettext_noop("%(count)s lost", "%(count)s lost"), sign=-1),
    ),
)


def fetch(source: Source, options: Options) -> Data:
    """The newest closed trades of the period, with totals of all of them."""
    zone = source.account.timezone
    start, end = options.period.bounds(source.now, zone)
    trades = source.closed_trades(start, end)
    return {
        "from": start,
        "to": source.known_until(end),
        "trades": TRADES.rows_of(rows_of_page(trades, options)),
        "totals": source.derived(
            "closed_totals",
            (start, end),
            lambda: totals.closed_totals(trades),
        ),
        **page_numbers(len(trades), options),
    }


WIDGET = Widget(
    name="closed-trades",
    label=N_("Closed trades"),
    functions=("closed_trades",),
    fetch=fetch,
    body=(TRADES,),
    height=210,
    row_height=36,
    options=frozenset({"rows", "page", "period"}),
    summary=Figure("profit", N_("Profit"), "result", within="totals"),
    csv=(Csv(TRADES.rows, TRADES.row_names),),
    feed=Feed(TRADES, time="close_time", title=("symbol", "side", "volume", "profit")),
    shows_currency=True,
    place=61,
    is_wide=True,
)
