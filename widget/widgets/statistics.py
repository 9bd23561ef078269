"""Performance figures of closed trades, each with an explanation."""

from widget.data import statistics
from widget.data.source import Source
from widget.errors import N_
from widget.names import Data
from widget.widgets.base import Figure, Group, Groups, Widget, values
from widget.widgets.options import Options

MIN_TRADES = 5
"""With fewer trades, a mean or a share says nothing."""

FIGURES = Groups(
    groups=(
        Group(
            N_("Result"),
            (
                Figure(
                    "profit_factor",
                    N_("Profit factor"),
                    "ratio",
                    explanation=N_("Gross profit divided by gross loss: above 1 is a profit."),
                    needs_sample=True,
                ),
                Figure(
                    "won_share",
                    N_("Trades won"),
                    "percent",
                    explanation=N_("The share of trades with a profit, before swap."),
                    needs_sample=True,
                ),
                Figure(
                    "expectancy",
                    N_("Expectancy"),
                    "result",
                    explanation=N_("The average result of a trade, with swap and commission."),
                    needs_sample=True,
                ),
                Figure(
                    "gross_profit",
                    N_("Gross profit"),
                    "result",
                    explanation=N_("The sum of all results above zero."),
                ),
                Figure(
                    "gross_loss",
                    N_("Gross loss"),
                    "result",
                    explanation=N_("The sum of all results below zero."),
                ),
                Figure(
                    "average_win",
                    N_("Average win"),
                    "result",
                    explanation=N_("The average of all results above zero."),
                    needs_sample=True,
                ),
                Figure(
                    "average_loss",
                    N_("Average loss"),
                    "result",
                    explanation=N_("The average of all results below zero."),
                    needs_sample=True,
                ),
            ),
        ),
        Group(
            N_("Trades"),
            (
                Figure(
                    "trades",
                    N_("Trades"),
                    "count",
                    explanation=N_("The number of trades closed in the period."),
                ),
                Figure(
                    "won",
                    N_("Won"),
                    "count",
                    explanation=N_("The number of trades with a profit, before swap."),
                ),
                Figure(
                    "lost",
                    N_("Lost"),
                    "count",
                    explanation=N_("The number of trades with a loss, before swap."),
                ),
                Figure(
                    "long_trades",
                    N_("Long trades"),
                    "count",
                    explanation=N_("The number of trades that bought."),
                ),
                Figure(
                    "long_won_share",
                    N_("Long trades won"),
                    "percent",
                    explanation=N_("The share of long trades with a profit."),
                    needs_sample=True,
                ),
                Figure(
                    "short_trades",
                    N_("Short trades"),
                    "count",
                    explanation=N_("The number of trades that sold."),
                ),
                Figure(
                    "short_won_share",
                    N_("Short trades won"),
                    "percent",
                    explanation=N_("The share of short trades with a profit."),
                    needs_sample=True,
                ),
            ),
        ),
        Group(
            N_("Risk"),
            (
                Figure(
                    "best_trade",
                    N_("Best trade"),
                    "result",
                    explanation=N_("The highest result of a trade."),
                    needs_sample=True,
                ),
                Figure(
                    "worst_trade",
                    N_("Worst trade"),
                    "result",
                    explanation=N_("The lowest result of a trade."),
                    needs_sample=True,
                ),
                Figure(
                    "best_day",
                    N_("Best day"),
                    "result",
                    explanation=N_("The highest result of a day with closed trades."),
                    needs_sample=True,
                ),
                Figure(
                    "worst_day",
                    N_("Worst day"),
                    "result",
                    explanation=N_("The lowest result of a day with closed trades."),
                    needs_sample=True,
                ),
                Figure(
                    "longest_winning_streak",
                    N_("Winning streak"),
                    "count",
                    explanation=N_("The most results above zero in a row."),
                    needs_sample=True,
                ),
                Figure(
                    "longest_losing_streak",
                    N_("Losing streak"),
                    "count",
                    explanation=N_("The most results below zero in a row."),
                    needs_sample=True,
                ),
            ),
        ),
        Group(
            N_("Activity"),
            (
                Figure(
                    "trades_per_week",
                    N_("Trades per week"),
                    "ratio",
                    explanation=N_("The average since the first closed trade of the period."),
                    needs_sample=True,
                ),
                Figure(
                    "active_days",
                    N_("Active days"),
                    "count",
                    explanation=N_("The number of days with closed trades."),
                ),
                Figure(
                    "average_duration",
                    N_("Average duration"),
                    "duration",
                    explanation=N_("The average time from opening to closing a trade."),
                    needs_sample=True,
                ),
                Figure(
                    "swap",
                    N_("Swap"),
                    "signed",
                    explanation=N_("Interest for positions that were open overnight."),
                ),
                Figure(
                    "volume",
                    N_("Volume"),
                    "lots",
                    explanation=N_("The volume of all closed trades, in lots."),
                ),
                Figure(
                    "average_volume",
                    N_("Average volume"),
                    "lots",
                    explanation=N_("The average volume of a trade, in lots."),
                    needs_sample=True,
                ),
            ),
        ),
    ),
    sample="trades",
    least=MIN_TRADES,
    hint=N_("Select a figure to see what it means."),
    too_few=N_("Fewer than five trades are too few for averages, shares and extremes."),
)
NAMES = (
    "trades",
    "won",
    "lost",
    "won_share",
    "gross_profit",
    "gross_loss",
    "profit_factor",
    "expectancy",
    "average_win",
    "average_loss",
    "best_trade",
    "worst_trade",
    "longest_winning_streak",
    "longest_losing_streak",
    "average_duration",
    "long_trades",
    "long_won_share",
    "short_trades",
    "short_won_share",
    "volume",
    "average_volume",
    "swap",
    "best_day",
    "worst_day",
    "active_days",
    "trades_per_week",
)
"""The figures in the order of JSON."""


def fetch(source: Source, options: Options) -> Data:
    """The statistics of the period, see ``widget.data.statistics``."""
    zone = source.account.timezone
    start, end = options.period.bounds(source.now, zone)
    trades = source.closed_trades(start, end)
    last_day = source.last_day(end)
    result = source.derived(
        "statistics",
        (start, end, last_day),
        lambda: statistics.calculate(trades, zone, last_day),
    )
    return {
        "from": start,
        "to": source.known_until(end),
        **values(result, NAMES),
        # A day with a single trade shows the result of that trade, see ``privacy.COUNTED_BY``.
        "_best_day_entries": result.best_day_entries,
        "_worst_day_entries": result.worst_day_entries,
    }


WIDGET = Widget(
    name="statistics",
    label=N_("Statistics"),
    functions=("closed_trades",),
    fetch=fetch,
    body=(FIGURES,),
    height=734,
    options=frozenset({"period"}),
    summary=Figure("profit_factor", N_("Profit factor"), "ratio"),
    shows_currency=True,
    place=20,
    is_wide=True,
)
