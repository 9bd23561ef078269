"""Growth, drawdown and the figures that tell how an account is traded."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from widget import chart, growth
from widget.errors import N_
from widget.format import Formatter
from widget.source import Source
from widget.spec import Options, PictureFigure, Widget


def fetch(source: Source, options: Options) -> dict[str, Any]:
    """The time-weighted growth of the period, see ``widget.growth``."""
    start, end = options.period.bounds(source.now, source.account.timezone)
    grown = growth.calculate(
        source.balance().balance,
        source.closed_trades(start, source.now),
        source.operations(start),
        start,
        end,
    )
    return {
        "from": start,
        "to": source.known_until(end),
        "gain": grown.gain,
        "drawdown": grown.drawdown,
        "profit_factor": grown.profit_factor,
        "won_share": grown.won_share,
        "trades": grown.trades,
        "points": [{"time": point.time, "gain": point.gain} for point in grown.points],
    }


def draw(data: Mapping[str, Any], fmt: Formatter, zone: ZoneInfo) -> dict[str, Any] | None:
    """The growth curve."""
    points = [
        (point["time"], point["gain"])
        for point in data["points"] or ()
        if None not in point.values()
    ]
    return chart.curve(points, (fmt.gain, fmt.percent_on_axis), fmt.instants)


WIDGET = Widget(
    name="growth",
    label=N_("Growth"),
    functions=("balance", "closed_trades"),
    fetch=fetch,
    chart=draw,
    height=422,
    options=frozenset({"period"}),
    picture=(
        PictureFigure(
            "gain", N_("Gain"), lambda fmt, x: fmt.percent(x, signed=True), is_result=True
        ),
        PictureFigure("drawdown", N_("Maximum drawdown"), Formatter.percent),
        PictureFigure("profit_factor", N_("Profit factor"), Formatter.ratio),
        PictureFigure("won_share", N_("Trades won"), Formatter.percent),
        PictureFigure("trades", N_("Trades"), Formatter.integer),
    ),
    example={
        "from": datetime(2026, 10, 24, tzinfo=UTC),
        "to": datetime(2026, 11, 23, 12, tzinfo=UTC),
        "gain": Decimal("0.0412"),
        "drawdown": Decimal("0.0187"),
        "profit_factor": Decimal("1.62"),
        "won_share": Decimal("0.58"),
        "trades": 31,
        "points": [
            {"time": datetime(2026, 10, 24, tzinfo=UTC), "gain": Decimal("0")},
            {"time": datetime(2026, 11, 2, 11, 4, tzinfo=UTC), "gain": Decimal("0.0311")},
            {"time": datetime(2026, 11, 12, 16, 30, tzinfo=UTC), "gain": Decimal("0.0118")},
            {"time": datetime(2026, 11, 20, 9, 15, tzinfo=UTC), "gain": Decimal("0.0412")},
        ],
    },
)
