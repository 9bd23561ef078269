"""Balance, equity, margin and floating profit."""

from widget.data.source import Source
from widget.errors import N_
from widget.names import Data
from widget.widgets.base import Card, Figure, Widget, values
from widget.widgets.options import Options

# In the order of JSON. The card begins with what visitors look for.
FIELDS = ("balance", "equity", "free_margin", "margin", "profit")
PROFIT = Figure("profit", N_("Floating profit"), "result")
CARD = Card(
    figures=(
        Figure("balance", N_("Balance"), "money"),
        Figure("equity", N_("Equity"), "money"),
        PROFIT,
        Figure("free_margin", N_("Free margin"), "money"),
        Figure("margin", N_("Margin"), "money"),
    )
)


def fetch(source: Source, options: Options) -> Data:
    """The balance figures of the account; ``profit`` is the floating profit."""
    return values(source.balance(), FIELDS)


WIDGET = Widget(
    name="balance",
    label=N_("Balance"),
    functions=("balance",),
    fetch=fetch,
    body=(CARD,),
    height=222,
    summary=PROFIT,
    picture=("balance", "profit", "equity", "free_margin", "margin"),
    has_badge=True,
    shows_currency=True,
    place=30,
)
