"""What one request may see of a widget: fetched, and with everything withheld that the account withholds.

Every renderer starts from this, so that page, JSON, picture and oEmbed cannot differ in what they give away.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from widget import names, privacy
from widget.config import Account
from widget.format import Formatter, formatter
from widget.i18n import Catalogues
from widget.source import Source
from widget.spec import Options, Widget


@dataclass(frozen=True, slots=True)
class View:
    """A widget's figures, ready to be rendered.

    Attributes:
        account: whose they are.
        widget: which widget it is.
        options: with which options.
        data: the figures by their JSON names; a hidden one is None.
        hidden: the names of the figures that are withheld.
        currency: of the money; None where it is unknown or money is shown as fractions.
        as_of: when they were true.
        stale: whether newer ones should have come.
        fresh_for_seconds: how long they are still fresh.
    """

    account: Account
    widget: Widget
    options: Options
    data: dict[str, Any]
    hidden: frozenset[str]
    currency: str | None
    as_of: datetime
    stale: bool
    fresh_for_seconds: float

    def language(self, catalogues: Catalogues) -> str:
        """The language that it is shown in."""
        return catalogues.negotiate(self.options.lang, self.account.lang)

    def formatter(self, catalogues: Catalogues) -> Formatter:
        """What writes its figures and times."""
        options, account = self.options, self.account
        locale = catalogues.locale_for(options.lang, account.lang)
        return formatter(
            locale, options.tz or account.timezone, self.currency, account.amounts == "percent"
        )

    def chart(self, fmt: Formatter) -> dict[str, Any] | None:
        """The geometry of its chart, where there is one; days are the account's, whatever zone times are shown in."""
        return (
            self.widget.chart(self.data, fmt, self.account.timezone) if self.widget.chart else None
        )


def build_view(source: Source, widget: Widget, options: Options) -> View:
    """Fetch a widget's figures and withhold what the account hides."""
    account = source.account
    data = widget.fetch(source, options)
    currency, no_fractions = None, frozenset[str]()
    if account.amounts == "percent":
        data, no_fractions = (
            privacy.as_fractions(data, source.balance().balance),
            privacy.NEVER_FRACTIONS,
        )
    else:
        currency = source.currency()
    hidden = privacy.expand_hidden(account.hide)
    if {"balance", "volume"} <= hidden | no_fractions:
        # Money comes in cents, so that exact fractions of it tell the balance to the cent. (Where volumes are shown,
        # they and the prices tell it anyway.)
        data = privacy.round_fractions(
            data, names.GAINS | (names.MONEY if no_fractions else frozenset())
        )
    return View(
        account=account,
        widget=widget,
        options=options,
        data=privacy.hide(data, hidden),
        hidden=hidden | privacy.hidden_names(data, hidden) | no_fractions,
        currency=currency,
        as_of=datetime.fromtimestamp(source.as_of, UTC),
        stale=source.stale,
        fresh_for_seconds=source.fresh_for_seconds,
    )
