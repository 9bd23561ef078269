"""Lots traded in a period, by day."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from widget import chart, totals
from widget.errors import N_
from widget.format import Formatter
from widget.source import Source
from widget.spec import Options, PictureFigure, Widget


def fetch(source: Source, options: Options) -> dict[str, Any]:
    """The total of the period, and of each of its days on which a trade was closed."""
    start, end = options.period.bounds(source.now, source.account.timezone)
    traded = [(trade.close_time, trade.volume) for trade in source.closed_trades(start, end)]
    lots = source.lots(start, end, has_dates=options.period.has_dates)
    return {
        "from": start,
        "to": source.known_until(end),
        "lots": lots,
        "days": [
            {"date": day, "lots": volume}
            for day, volume in totals.sum_by_day(traded, source.account.timezone)
        ],
    }


def draw(data: Mapping[str, Any], fmt: Formatter, zone: ZoneInfo) -> dict[str, Any] | None:
    """Bars, one a day."""
    days = [(day["date"], day["lots"]) for day in data["days"] or () if None not in day.values()]
    return chart.bars(
        days, data["from"], data["to"], zone, (fmt.lots, fmt.lots_on_axis), fmt.days, fmt.span
    )


WIDGET = Widget(
    name="lots",
    label=N_("Lots traded"),
    functions=("closed_trades",),
    fetch=fetch,
    chart=draw,
    height=326,
    options=frozenset({"period"}),
    picture=(PictureFigure("lots", N_("Lots"), Formatter.lots),),
    example={
        "from": datetime(2026, 11, 16, tzinfo=UTC),
        "to": datetime(2026, 11, 23, 12, tzinfo=UTC),
        "lots": Decimal("3.17"),
        "days": [
            {"date": date(2026, 11, 18), "lots": Decimal("1.95")},
            {"date": date(2026, 11, 20), "lots": Decimal("1.22")},
        ],
    },
)
