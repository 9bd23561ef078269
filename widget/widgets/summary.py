"""The account at a glance."""

from decimal import Decimal
from typing import Any

from widget.errors import N_
from widget.format import Formatter
from widget.source import Source
from widget.spec import Options, PictureFigure, Widget
from widget.widgets import balance


def fetch(source: Source, options: Options) -> dict[str, Any]:
    """The balance figures, and what kind of account it is and how much was traded on it."""
    account = source.summary()
    return {
        **balance.figures(account),
        "leverage": account.leverage,
        "account_type": account.account_type,
        "swap_free": account.swap_free,
        "verification_level": account.verification_level,
        "open_trades": account.open_trades,
        "open_lots": account.open_lots,
        "total_trades": account.total_trades,
        "total_lots": account.total_lots,
    }


WIDGET = Widget(
    name="summary",
    label=N_("Account summary"),
    functions=("summary",),
    fetch=fetch,
    height=382,
    picture=(
        PictureFigure("balance", N_("Balance"), Formatter.money),
        PictureFigure(
            "profit",
            N_("Floating profit"),
            lambda fmt, x: fmt.money(x, signed=True),
            is_result=True,
        ),
        PictureFigure("equity", N_("Equity"), Formatter.money),
        PictureFigure("total_trades", N_("Total trades"), Formatter.integer),
        PictureFigure("open_trades", N_("Open trades"), Formatter.integer),
        PictureFigure("leverage", N_("Leverage"), Formatter.leverage),
        PictureFigure("total_lots", N_("Total lots"), Formatter.lots),
        PictureFigure("open_lots", N_("Open lots"), Formatter.lots),
        PictureFigure("free_margin", N_("Free margin"), Formatter.money),
    ),
    example={
        **balance.EXAMPLE,
        "leverage": 500,
        "account_type": 1,
        "swap_free": False,
        "verification_level": 2,
        "open_trades": 4,
        "open_lots": Decimal("0.64"),
        "total_trades": 1636,
        "total_lots": Decimal("76.15"),
    },
)
