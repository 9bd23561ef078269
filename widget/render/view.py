"""What one request may see of a widget: its data, without what the account hides.

Every renderer starts from a view, so that page, JSON, picture and oEmbed cannot differ in what they
reveal.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from widget import names, privacy
from widget.config import Account
from widget.data.source import Source
from widget.names import Data
from widget.render.currencies import decimals_of_currency
from widget.widgets.base import Widget
from widget.widgets.options import Options, refuse_dates


@dataclass(frozen=True, slots=True)
class View:
    """The data of a widget, ready to be rendered.

    Attributes:
        account: whose data it is.
        widget: the widget.
        options: its options.
        data: figures by their JSON names; a hidden one is None.
        hidden: the names of the figures that are hidden.
        currency: of amounts; None if it is unknown or amounts are fractions of the balance.
        as_of: the time that the figures describe.
        now: the time of the request.
        stale: whether the figures are old because the API fails.
        fresh_for_seconds: how long the figures stay fresh.
        usable_for_seconds: how long they may be displayed without waiting for newer ones.
        row_count: how many rows there are on all pages; None without pages, or if it is hidden.
    """

    account: Account
    widget: Widget
    options: Options
    data: Data
    hidden: frozenset[str]
    currency: str | None
    as_of: datetime
    now: datetime
    stale: bool
    fresh_for_seconds: float
    usable_for_seconds: float
    row_count: int | None = None


def build_view(source: Source, widget: Widget, options: Options) -> View:
    """Fetch the data of a widget and remove what the account hides.

    Raises:
        BadOption: an option would reveal what the account hides.
        CabinetError: the data are not available.
    """
    account = source.account
    hidden = privacy.expand_hidden(account.hide)
    # Here, where every form begins, so that none of them can forget it.
    refuse_dates(options, hidden)
    data = widget.fetch(source, options)
    withheld = privacy.expand_for_request(
        hidden,
        account.amounts,
        between_dates=options.period.has_dates,
    )
    if account.amounts == "percent":
        balance = source.balance().balance
        data = privacy.as_fractions(data, balance)
        # Money is a fraction now, so that there is no currency.
        currency = None
    else:
        currency = source.currency()
    row_count = data.get(privacy.ROW_COUNT)
    # Before they are removed, since a hidden list no longer says what is in it.
    hidden_in_data = withheld | privacy.names_hidden_in(data, withheld)
    data = privacy.without_single_entries(data, hidden)
    data = privacy.hide(data, withheld)
    # With one row on each page, their number is that of the pages.
    if data.get("pages") is None:
        row_count = None
    return View(
        account=account,
        widget=widget,
        options=options,
        # Rounded last, after all sums, and for all forms alike. More decimals would be noise, and
        # exact fractions of amounts in cents would reveal the balance.
        data=privacy.round_figures(data, published_decimals(account, currency)),
        hidden=hidden_in_data,
        currency=currency,
        as_of=datetime.fromtimestamp(source.as_of, UTC),
        now=source.now,
        stale=source.stale,
        fresh_for_seconds=source.fresh_for_seconds,
        usable_for_seconds=source.usable_for_seconds,
        row_count=row_count,
    )


def published_decimals(account: Account, currency: str | None) -> dict[str, int]:
    """How many decimals the figures of an account have, by their names.

    Money in an unknown currency is not in here: it stays as the API sends it.
    """
    decimals = dict(names.DECIMALS)
    if account.amounts == "percent":
        decimals |= dict.fromkeys(names.MONEY, names.FRACTION_DECIMALS)
    elif currency:
        decimals |= dict.fromkeys(names.MONEY, decimals_of_currency(currency))
    return decimals
