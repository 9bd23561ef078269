"""Closed trades by symbol, side, weekday or hour."""

from widget.data import breakdown
from widget.data.source import Source
from widget.errors import N_
from widget.names import Data
from widget.widgets.base import Column, Csv, Table, Widget
from widget.widgets.options import Options

GROUPS = Table(
    rows="groups",
    fields=("key", "trades", "won", "won_share", "volume", "result"),
    columns=(
        Column("key", "", "key"),  # its heading depends on the option
        Column("trades", N_("Trades"), "count"),
        Column("won_share", N_("Won"), "percent", priority=3),
        Column("volume", N_("Lots"), "lots", priority=4),
        Column("result", N_("Result"), "result", has_bar=True),
    ),
    empty=N_("No trades in this period"),
)


def fetch(source: Source, options: Options) -> Data:
    """The groups of the trades of the period, see ``widget.data.breakdown``."""
    zone = source.account.timezone
    start, end = options.period.bounds(source.now, zone)
    trades = source.closed_trades(start, end)
    groups = source.derived(
        "breakdown",
        (start, end, options.by),
        lambda: breakdown.calculate(trades, options.by, zone),
    )
    if options.by == "symbol":
        groups = breakdown.limit_groups(groups, options.rows)
    return {
        "from": start,
        "to": source.known_until(end),
        "by": options.by,
        "groups": GROUPS.rows_of(groups),
    }


WIDGET = Widget(
    name="breakdown",
    label=N_("Breakdown"),
    functions=("closed_trades",),
    fetch=fetch,
    body=(GROUPS,),
    height=138,
    row_height=36,
    options=frozenset({"by", "rows", "period"}),
    shows_currency=True,
    csv=(Csv(GROUPS.rows, GROUPS.row_names),),
    place=42,
    more_on_page=("side", "weekday"),
)
