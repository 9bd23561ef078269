"""Growth, drawdown and the figures that describe how an account is traded."""

from widget.data import growth
from widget.data.source import Source
from widget.errors import N_
from widget.names import Data
from widget.widgets.base import Card, Curve, Figure, Widget, values
from widget.widgets.options import Options

GAIN = Figure("gain", N_("Gain"), "gain")
CARD = Card(
    figures=(
        GAIN,
        Figure("drawdown", N_("Maximum drawdown"), "percent"),
        Figure("profit_factor", N_("Profit factor"), "ratio"),
        Figure("won_share", N_("Trades won"), "percent"),
        Figure("trades", N_("Trades"), "count"),
    )
)
CURVE = Curve(
    rows="points",
    y="gain",
    kind="gain",
    label=N_("Growth curve"),
    figure=N_("Gain"),
    empty=N_("No trades in this period"),
)


def fetch(source: Source, options: Options) -> Data:
    """The time-weighted growth of the period, see ``widget.data.growth``."""
    zone = source.account.timezone
    start, end = options.period.bounds(source.now, zone)
    ledger = source.ledger(start, end)

    def calculate() -> Data:
        result = growth.calculate(ledger.opening, ledger.trades, ledger.operations, start)
        return {
            **values(result, CARD.figure_names),
            "points": [values(point, CURVE.row_names) for point in result.points],
        }

    figures = source.derived("growth", (start, end), calculate)
    return {
        "from": start,
        "to": source.known_until(end),
        **figures,
    }


WIDGET = Widget(
    name="growth",
    label=N_("Growth"),
    functions=("balance", "closed_trades"),
    fetch=fetch,
    body=(CARD, CURVE),
    height=422,
    options=frozenset({"period"}),
    summary=GAIN,
    picture=CARD.figure_names,
    strip=("gain", "drawdown", "profit_factor", "trades"),
    has_badge=True,
    place=10,
    is_wide=True,
)
