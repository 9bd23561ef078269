"""One month by day: results, gains and numbers of trades."""

from widget.data import returns
from widget.data.days import first_of_month, midnight, next_month
from widget.data.source import Source
from widget.errors import N_
from widget.names import Data
from widget.widgets.base import TRADE_COUNT, Card, Csv, Figure, MonthGrid, Widget, values
from widget.widgets.options import Options

RESULT = Figure("result", N_("Result"), "result")
CARD = Card(
    figures=(
        RESULT,
        Figure("gain", N_("Gain"), "gain"),
        Figure("trades", N_("Trades"), "count"),
        Figure("won_days", N_("Winning days"), "count"),
        Figure("lost_days", N_("Losing days"), "count"),
    )
)
DAYS = MonthGrid(
    month="month",
    rows="days",
    date="date",
    result="result",
    gain="gain",
    count="trades",
    counted=TRADE_COUNT,
)


def fetch(source: Source, options: Options) -> Data:
    """The days of the month on which trades were closed, see ``widget.data.returns``."""
    zone = source.account.timezone
    today = source.now.astimezone(zone).date()
    month = options.month or first_of_month(today)
    start = midnight(month, zone)
    end = midnight(next_month(month), zone)
    ledger = source.ledger(start, end)
    result = source.derived(
        "calendar",
        (start, end),
        lambda: returns.calculate_month(ledger, zone),
    )
    return {
        "month": f"{month:%Y-%m}",
        "days": [values(day, DAYS.row_names) for day in result.days],
        **values(result, CARD.figure_names),
    }


WIDGET = Widget(
    name="calendar",
    label=N_("Calendar"),
    functions=("balance", "closed_trades"),
    fetch=fetch,
    body=(CARD, DAYS),
    height=574,
    options=frozenset({"month"}),
    summary=RESULT,
    csv=(Csv(DAYS.rows, DAYS.row_names),),
    shows_currency=True,
    place=41,
)
