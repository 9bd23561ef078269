"""Lots traded in a period, by day."""

from widget.data import totals
from widget.data.source import Source
from widget.errors import N_
from widget.names import Data
from widget.privacy import ENTRIES
from widget.widgets.base import Bars, Card, Csv, Figure, Widget
from widget.widgets.options import Options

# The bars of days need their total, so the card always contains it.
LOTS = Figure("lots", N_("Lots"), "lots", always=True)


def fetch(source: Source, options: Options) -> Data:
    """The lots of the period, and of each of its days on which a trade was closed."""
    zone = source.account.timezone
    start, end = options.period.bounds(source.now, zone)
    trades = source.closed_trades(start, end)
    traded = ((trade.close_time, trade.volume) for trade in trades)
    days = source.derived(
        "volume_by_day",
        (start, end),
        lambda: totals.sum_by_day(traded, zone),
    )
    counts = source.derived(
        "trades_by_day",
        (start, end),
        lambda: totals.count_by_day((trade.close_time for trade in trades), zone),
    )
    lots = source.lots(start, end, has_dates=options.period.has_dates)
    return {
        "from": start,
        "to": source.known_until(end),
        "lots": lots,
        "days": [
            {
                "date": day,
                "lots": volume,
                ENTRIES: counts[day],
            }
            for day, volume in days
        ],
        ENTRIES: len(trades),
    }


WIDGET = Widget(
    name="lots",
    label=N_("Lots traded"),
    functions=("closed_trades",),
    fetch=fetch,
    body=(
        Card(figures=(LOTS,)),
        Bars(
            rows="days",
            y="lots",
            kind="lots",
            label=N_("Lots traded by day"),
            figure=N_("Lots"),
            empty=N_("No trades in this period"),
        ),
    ),
    height=326,
    options=frozenset({"period"}),
    summary=LOTS,
    picture=("lots",),
    csv=(Csv("days", ("date", "lots")),),
    place=70,
)
