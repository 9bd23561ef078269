"""Balance, equity, free margin and floating profit."""

from decimal import Decimal
from typing import Any

from widget.errors import N_
from widget.format import Formatter
from widget.records import AccountInformation
from widget.source import Source
from widget.spec import Options, PictureFigure, Widget


def figures(account: AccountInformation) -> dict[str, Any]:
    """The balance figures of an account; ``profit`` is the floating one."""
    return {
        "balance": account.balance,
        "equity": account.equity,
        "free_margin": account.free_margin,
        "margin": account.margin,
        "profit": account.profit,
    }


def fetch(source: Source, options: Options) -> dict[str, Any]:
    """The balance figures."""
    return figures(source.balance())


EXAMPLE = {
    "balance": Decimal("10482.17"),
    "equity": Decimal("10547.43"),
    "free_margin": Decimal("9874.09"),
    "margin": Decimal("673.34"),
    "profit": Decimal("65.26"),
}

WIDGET = Widget(
    name="balance",
    label=N_("Balance"),
    functions=("balance",),
    fetch=fetch,
    height=222,
    picture=(
        PictureFigure("balance", N_("Balance"), Formatter.money),
        PictureFigure(
            "profit",
            N_("Floating profit"),
            lambda fmt, x: fmt.money(x, signed=True),
            is_result=True,
        ),
        PictureFigure("equity", N_("Equity"), Formatter.money),
        PictureFigure("free_margin", N_("Free margin"), Formatter.money),
        PictureFigure("margin", N_("Margin"), Formatter.money),
    ),
    example=EXAMPLE,
)
