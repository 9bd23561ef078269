"""The cost of rendering a page that is not cached, in this process, without a server."""

import datetime as dt
import itertools
import json
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from statistics import median
from unittest.mock import patch
from zoneinfo import ZoneInfo

from accounts import WIDGETS
from babel import Locale, dates, numbers
from flask import Flask
from flask_caching import Cache
from scripted import InProcess, Script

from widget import config, paths
from widget.api import parsing, records
from widget.api.client import Client
from widget.api.guard import GuardedClient
from widget.config import Account, Settings
from widget.data.cache import FreshCache
from widget.data.derived import DerivedResults
from widget.data.snapshots import Snapshots
from widget.data.source import Source
from widget.names import Function
from widget.render import i18n
from widget.render.format import Formatter
from widget.render.html import PageContext, Renderer
from widget.render.view import View, build_view
from widget.widgets.base import Widget
from widget.widgets.options import Options, Period

FRAME = PageContext(assets={"css": "/static/0/widget.css", "js": "/static/0/widget.js"})


class History(Client):
    """An API whose account has closed so many trades, one per hour."""

    def __init__(self, trades: int, now: dt.datetime) -> None:
        super().__init__()
        first = int(now.timestamp()) - 3600 * trades
        self.body = json.dumps(
            [
                {
                    **{
                        "ticket": 10**6 + n,
                        "type": n % 2,
                        "symbol": "EURUSD",
                        "volume": 0.05 + n % 7 / 100,
                    },
                    **{
                        "openPrice": 1.08412,
                        "openTime": first + 3600 * n - 900,
                        "digits": 5,
                        "login": 1,
                        "sl": 1.07,
                    },
                    **{
                        "closePrice": 1.08531,
                        "closeTime": first + 3600 * n,
                        "swaps": -0.42,
                        "tp": 1.09,
                    },
                    "profit": n * 7919 % 2001 / 100 - 9.7,
                }
                for n in range(trades)
            ]
        ).encode()

    def call(
        self,
        account: Account,
        function: Function,
        start: dt.datetime | None = None,
        end: dt.datetime | None = None,
    ) -> records.Result:
        """Parse the history or a balance."""
        body = (
            self.body
            if function == "closed_trades"
            else b'{"balance": 10482.17, "equity": 10547.43, "currency": 0}'
        )
        return parsing.parse(function, body, parsing.TimeRules(account.api.timezone)).result


@dataclass
class Rendering:
    """An account and its pages."""

    account: Account
    client: GuardedClient
    cache: FreshCache
    snapshots: Snapshots
    renderer: Renderer
    now: dt.datetime

    def view(self, widget: Widget, options: Options) -> View:
        """The view of a widget."""
        source = Source(self.account, self.client, self.cache, self.now, snapshots=self.snapshots)
        return build_view(source, widget, options)

    def page(self, widget: Widget, options: Options) -> str:
        """The page of a widget."""
        return self.renderer.page(self.view(widget, options), FRAME)


@contextmanager
def history(trades: int) -> Iterator[Rendering]:
    """An account with so many closed trades."""
    raw = {
        "accounts": {"main": {"login": 1, "ttl_seconds": {"balance": 9999, "closed_trades": 9999}}}
    }
    settings = config.parse(raw, {}, WIDGETS, folder=Path(), demo=True)
    store = Cache(Flask("bench", root_path="."), config={"CACHE_TYPE": "SimpleCache"}).cache
    now = dt.datetime.now(dt.UTC)
    fresh_cache = FreshCache(store, keep_seconds=86400)
    snapshots = Snapshots(store, keep_seconds=86400, clock=time.time)
    renderer = Renderer(paths.templates(), i18n.load_catalogues(paths.locales()))
    try:
        account = settings.accounts["main"].model_copy(
            update={"api": config.Api(deadline_seconds=120, max_response_bytes=2**31)}
        )
        client = GuardedClient(History(trades, now))
        snapshots = Snapshots(store, keep_seconds=86400, clock=time.time)
        yield Rendering(account, client, fresh_cache, snapshots, renderer, now)
    finally:
        fresh_cache.close()


def milliseconds(action: Callable[[], object], times: int = 40) -> float:
    """The median time of an action, after a first run."""
    action()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        action()
        taken.append(1000 * (time.perf_counter() - began))
    return median(taken)


class ByBabel(Formatter):
    """The same figures formatted with Babel's module functions, the usual way."""

    def __init__(
        self, locale: str, zone: ZoneInfo, currency: str | None, percent_amounts: bool = False
    ) -> None:
        super().__init__(locale, zone, currency, percent_amounts)
        self.locale, self.currency = Locale.parse(locale, sep="-"), currency or "USD"

    def _number(self, x: Decimal | int | None, pattern: str | None = None) -> str:
        return "–" if x is None else numbers.format_decimal(x, format=pattern, locale=self.locale)

    def money(self, x: Decimal | None, signed: bool = False) -> str:
        """An amount with its currency."""
        return "–" if x is None else numbers.format_currency(x, self.currency, locale=self.locale)

    def amount(self, x: Decimal | None, signed: bool = False) -> str:
        """An amount."""
        return self._number(x, "#,##0.00")

    result = amount

    def lots(self, x: Decimal | None) -> str:
        """A volume."""
        return self._number(x, "#,##0.00##")

    def price(self, x: Decimal | None) -> str:
        """A price."""
        return self._number(x, "#,##0.00000")

    def integer(self, n: Decimal | int | None) -> str:
        """A count."""
        return self._number(n)

    def datetime(self, t: dt.datetime | None) -> str:
        """An instant."""
        return "–" if t is None else dates.format_datetime(t, "short", self.zone, self.locale)


class Unformatted(Formatter):
    """No formatting."""

    def money(self, x: object, signed: bool = False) -> str:
        """The value as text."""
        return str(x)

    amount = money
    result = lots = price = integer = percent = ratio = datetime = time = date = day = money  # type: ignore[assignment]


def period_options(rows: int) -> Options:
    """All trades of an account, in more rows than a URL may request."""
    return Options(period=Period("all")).model_copy(update={"rows": rows})


def formats(rows: int, times: int = 40) -> dict[str, float]:
    """Milliseconds for a table of closed trades: with this formatter, with Babel's, unformatted."""
    options = period_options(rows)
    with history(rows) as at:
        view = at.view(WIDGETS["closed-trades"], options)
        kinds = {
            "here": lru_cache(Formatter),
            "babel": lru_cache(ByBabel),
            "none": lru_cache(Unformatted),
        }
        taken: dict[str, list[float]] = {name: [] for name in kinds}
        for name in list(kinds) * times:
            with patch("widget.render.display.formatter", kinds[name]):
                taken[name].append(milliseconds(lambda: at.renderer.page(view, FRAME), 1))
    return {name: median(each) for name, each in taken.items()}


def cold(times: int = 40) -> dict[str, float]:
    """Milliseconds for a page of which only the figures are cached."""
    taken = {}
    for name, widget, rows in (
        ("balance", "balance", 10),
        ("50 rows", "closed-trades", 50),
        ("500 rows", "closed-trades", 500),
    ):
        with history(rows) as at:
            options = period_options(rows)
            taken[name] = milliseconds(lambda: at.page(WIDGETS[widget], options), times)  # noqa: B023  # called at once
    return taken


PERFORMANCE = ("returns", "calendar", "statistics", "breakdown", "operations")
"""The widgets that are calculated from all closed trades of a period."""


@dataclass(frozen=True)
class Performance:
    """The cost of the widgets about performance, in milliseconds of processor time.

    Attributes:
        parse: to parse the trades.
        calculate: to calculate each widget, which is done once for a response and period.
        warm: a request of each widget, with cached figures and a page that is not cached.
    """

    parse: float
    calculate: dict[str, float]
    warm: dict[str, float]


class Visits:
    """Requests to the service in this process, each with an address of its own."""

    def __init__(self, service: InProcess) -> None:
        self.service = service
        self.numbers = itertools.count(10)

    def page(self, widget: str) -> None:
        """Request the page of a widget for all time."""
        query = f"refresh={next(self.numbers)}"
        if "period" in WIDGETS[widget].options:
            query += "&period=all"
        response = self.service.client.get(f"/w/main/{widget}?{query}")
        assert response.status_code == 200, response.text

    def calculation(self, widget: str) -> None:
        """The same, if nothing was calculated before."""
        self.service.service.cache.derived = DerivedResults()
        self.page(widget)


def rounds(action: Callable[[str], object], names: Sequence[str], times: int) -> dict[str, float]:
    """The median milliseconds of processor time of an action, by name, in interleaved rounds."""
    taken: dict[str, list[float]] = {name: [] for name in names}
    for number in range(times + 1):
        for name in names:
            began = time.process_time()
            action(name)
            # The first round only fills what is filled once.
            if number:
                taken[name].append(1000 * (time.process_time() - began))
    return {name: median(each) for name, each in taken.items()}


def performance(count: int, times: int) -> Performance:
    """The cost of the widgets about performance for so many closed trades."""
    ttl = {"balance": 9999, "closed_trades": 9999}
    account = {"login": 1, "widgets": list(WIDGETS), "ttl_seconds": ttl}
    upstream = History(count, dt.datetime.now(dt.UTC))
    service = InProcess(
        Script({}), clock=time.time, accounts={"main": account}, api={"deadline_seconds": 120}
    )
    service.service.client.call = upstream.call
    visits = Visits(service)
    try:
        names = ("balance", *PERFORMANCE)
        cold = rounds(visits.calculation, names, max(1, times // 10))
        warm = rounds(visits.page, names, times)
        calculate = {name: max(0.0, cold[name] - warm[name]) for name in PERFORMANCE}
        settings: Settings = service.service.settings
        main = settings.accounts["main"]
        parse = rounds(lambda _: upstream.call(main, "closed_trades"), ["trades"], 3)
        return Performance(parse["trades"], calculate, warm)
    finally:
        service.close()


@dataclass(frozen=True)
class Growth:
    """The cost of a history: milliseconds to parse it and render two pages, and MiB in memory."""

    read: float
    table: float
    growth: float
    mebibytes: float


def trades(count: int, times: int = 5) -> Growth:
    """The cost of so many closed trades."""
    with history(count) as at:
        tracemalloc.start()
        records = at.client.call(at.account, "closed_trades")
        mebibytes = tracemalloc.get_traced_memory()[0] / 2**20
        tracemalloc.stop()
        del records
        options = Options(period=Period("all"))
        return Growth(
            milliseconds(
                lambda: at.client.call(at.account, "closed_trades"), 1 if count > 10_000 else times
            ),
            milliseconds(lambda: at.page(WIDGETS["closed-trades"], options), times),
            milliseconds(lambda: at.page(WIDGETS["growth"], options), times),
            mebibytes,
        )
