"""The parts of the service, as ``app`` wires them, for all endpoints."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import request

from widget.api.guard import GuardedClient
from widget.config import Account, Settings
from widget.data.cache import FreshCache
from widget.data.sampler import Sampler
from widget.data.snapshots import Snapshots
from widget.data.source import Source
from widget.errors import NoSuchPage
from widget.render.account_view import AccountView, build_account_view
from widget.render.html import Renderer
from widget.render.i18n import Catalogues
from widget.render.painter import Painter
from widget.render.view import View, build_view
from widget.web import access
from widget.web.assets import Assets
from widget.web.metrics import Metrics
from widget.web.passwords import PasswordAttempts
from widget.web.response_cache import ELAPSED
from widget.widgets.base import Widget, Widgets
from widget.widgets.options import Options


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that is needed to handle requests.

    Attributes:
        sampler: takes the snapshots of delayed accounts once it is started.
        clock: Unix seconds.
    """

    settings: Settings
    widgets: Widgets
    client: GuardedClient
    cache: FreshCache
    snapshots: Snapshots
    sampler: Sampler
    catalogues: Catalogues
    renderer: Renderer
    painter: Painter
    assets: Assets
    attempts: PasswordAttempts
    metrics: Metrics
    clock: Callable[[], float]

    def find_widget(self, slug: str, name: str) -> tuple[Account, Widget]:
        """An account and one of its widgets.

        Raises:
            NotFound: one of them is unknown, or the widget is not enabled.
        """
        accounts = self.settings.accounts
        return access.find_widget(accounts, self.widgets, slug, name)

    def find_page(self, slug: str) -> Account:
        """An account that has a page.

        Raises:
            NoSuchPage: the account is unknown, or has none.
        """
        account = self.settings.accounts.get(slug)
        if account is None or not account.page:
            raise NoSuchPage("unknown account, or without a page")
        return account

    def view(self, account: Account, widget: Widget, options: Options) -> View:
        """The figures of a widget, from the cache or the API.

        Raises:
            CabinetError: they are not available.
        """
        return build_view(self._source(account), widget, options)

    def account_view(
        self,
        account: Account,
        widgets: Sequence[tuple[Widget, Options]],
        options: Options,
    ) -> AccountView:
        """The figures of several widgets, each with its options, for a page with options.

        Raises:
            CabinetError: no widget has figures.
        """
        return build_account_view(self._source(account), widgets, options)

    def _source(self, account: Account) -> Source:
        now = datetime.fromtimestamp(self.clock(), UTC)
        # The time that the request waited in the response cache counts towards the deadline.
        elapsed = request.environ.get(ELAPSED, 0.0)
        return Source(
            account,
            self.client,
            self.cache,
            now,
            elapsed,
            snapshots=self.snapshots,
        )

    def asset_urls(self, options: Options, widgets: Collection[Widget] = ()) -> dict[str, str]:
        """The URLs of the stylesheets and the scripts of a page.

        ``css`` and ``js`` are for all pages, ``account`` for those of accounts, and ``unlock`` for
        those with a password form.

        Args:
            options: those of the page.
            widgets: the ones on the page.
        """
        return {
            "css": self.assets.stylesheet_url(widgets, options.accent),
            "account": self.assets.url("account.css"),
            "js": self.assets.script_url(widgets),
            "unlock": self.assets.url("unlock.js"),
        }
