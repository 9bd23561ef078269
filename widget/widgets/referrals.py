"""How many accounts a partner has referred."""

from widget.data.source import Source
from widget.errors import N_
from widget.names import Data
from widget.widgets.base import Card, Figure, Widget, values
from widget.widgets.options import Options

ACCOUNTS = Figure("accounts", N_("Referred accounts"), "count", always=True)


def fetch(source: Source, options: Options) -> Data:
    """The number of different accounts; which ones never leaves the parser."""
    return values(source.referrals(), ("accounts",))


WIDGET = Widget(
    name="referrals",
    label=N_("Referrals"),
    functions=("referrals",),
    fetch=fetch,
    body=(Card(figures=(ACCOUNTS,)),),
    height=126,
    summary=ACCOUNTS,
    by_default=False,  # it is about the clients of a partner, and not about the account
    place=73,
)
