"""The account at a glance."""

from widget.api.records import ACCOUNT_TYPES
from widget.data.source import Source
from widget.errors import N_
from widget.names import Data
from widget.widgets import balance
from widget.widgets.base import Card, Figure, Widget, values
from widget.widgets.options import Options

FIELDS = (
    *balance.FIELDS,
    "leverage",
    "account_type",
    "swap_free",
    "verification_level",
    "open_trades",
    "open_lots",
    "total_trades",
    "total_lots",
)
FACTS = Card(
    figures=(
        Figure("leverage", N_("Leverage"), "leverage"),
        Figure("account_type", N_("Account type"), "word", words=ACCOUNT_TYPES),
        Figure("swap_free", N_("Swap-free"), "flag"),
        # Nobody has published what its codes mean.
        Figure("verification_level", N_("Verification"), "word"),
        Figure("open_trades", N_("Open trades"), "count"),
        Figure("open_lots", N_("Open lots"), "lots"),
        Figure("total_trades", N_("Total trades"), "count"),
        Figure("total_lots", N_("Total lots"), "lots"),
    ),
    style="facts",
)


def fetch(source: Source, options: Options) -> Data:
    """The balance figures, the type of the account and how much was traded on it."""
    return values(source.summary(), FIELDS)


WIDGET = Widget(
    name="summary",
    label=N_("Account summary"),
    functions=("summary",),
    fetch=fetch,
    body=(balance.CARD, FACTS),
    height=382,
    summary=balance.PROFIT,
    picture=(
        "balance",
        "profit",
        "equity",
        "total_trades",
        "open_trades",
        "leverage",
        "total_lots",
        "open_lots",
        "free_margin",
    ),
    shows_currency=True,
    place=71,
)
