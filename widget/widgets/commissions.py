"""A partner's commissions."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from widget import chart, totals
from widget.errors import N_
from widget.format import Formatter
from widget.source import Source
from widget.spec import Options, Widget


def fetch(source: Source, options: Options) -> dict[str, Any]:
    """The newest records of the period, with total and days over all of them."""
    start, end = options.period.bounds(source.now, source.account.timezone)
    records = source.commissions(start, end)
    paid = ((record.time, record.amount) for record in records)
    return {
        "from": start,
        "to": source.known_until(end),
        "total": totals.sum_known(record.amount for record in records),
        "days": [
            {"date": day, "amount": amount}
            for day, amount in totals.sum_by_day(paid, source.account.timezone)
        ],
        "records": [
            {
                "time": record.time,
                "symbol": record.symbol,
                "volume": record.volume,
                "amount": record.amount,
            }
            for record in records[: options.rows]
        ],
    }


def draw(data: Mapping[str, Any], fmt: Formatter, zone: ZoneInfo) -> dict[str, Any] | None:
    """Bars, one a day."""
    days = [(day["date"], day["amount"]) for day in data["days"] or () if None not in day.values()]
    return chart.bars(
        days, data["from"], data["to"], zone, (fmt.amount, fmt.amount_on_axis), fmt.days, fmt.span
    )


WIDGET = Widget(
    name="commissions",
    label=N_("Partner commissions"),
    functions=("commissions",),
    fetch=fetch,
    chart=draw,
    height=358,
    row_height=36,
    options=frozenset({"rows", "period"}),
    by_default=False,
    example={
        "from": datetime(2026, 10, 24, tzinfo=UTC),
        "to": datetime(2026, 11, 23, 12, tzinfo=UTC),
        "total": Decimal("41.70"),
        "days": [{"date": date(2026, 11, 20), "amount": Decimal("41.70")}],
        "records": [
            {
                "time": datetime(2026, 11, 20, 10, 5, 3, tzinfo=UTC),
                "symbol": "GBPUSD",
                "volume": Decimal("2.78"),
                "amount": Decimal("41.70"),
            },
        ],
    },
)
