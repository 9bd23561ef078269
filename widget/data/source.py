"""The figures of one account for one request, from the cache: everything that a widget may request.

Those of a delayed account come from a snapshot, see ``snapshots``, so that no widget can display or
count anything that is too recent.
"""

import math
import time
from collections.abc import Callable, Hashable, Iterable
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from hashlib import blake2s
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

from widget import __version__
from widget.api.guard import GuardedClient
from widget.api.records import (
    ZERO,
    AccountInformation,
    Bonus,
    ClosedTrade,
    Commission,
    History,
    Login,
    OpenTrade,
    Operation,
    Referrals,
)
from widget.config import Account
from widget.data.cache import CachedValue, Caller, FreshCache
from widget.data.ledger import Ledger, Reading, read_consistently, read_once
from widget.data.snapshots import Sample, Snapshots, Visible, join_records, recent_start
from widget.data.totals import total_volume, trade_result
from widget.errors import CabinetError, NoSuchPath, NotOffered, Unavailable
from widget.names import Function

T = TypeVar("T")

NO_TIME = datetime.min.replace(tzinfo=UTC)
"""Stands for the time of opening of a trade if the API does not send it."""


class Window(NamedTuple):
    """A period that ends now. Its name is part of cache keys."""

    name: str
    days: int


# Whatever period a visitor chooses, closed trades are requested in one of a few windows that end
# now. So the number of calls does not grow with the number of periods, and the cache is still valid
# after midnight. They are a month, a quarter and a year, each a few days longer.
WINDOWS = (
    Window("35d", 35),
    Window("95d", 95),
    Window("370d", 370),
)

WHOLE_HISTORY = Window("all", 0)
"""Closed trades without a limit, for periods that are longer than all windows."""

LEDGER = "ledger-"
"""In a cache key, before a window: balance, trades and operations of the same moment."""

CURRENCY_TTL_SECONDS = 3600.0
"""The age up to which a cached balance is used for the currency. A currency hardly ever changes, so
widgets without a balance do not cause a call every few seconds."""

OLD_TTL_SECONDS = 3600.0
"""How long records are used that are older than a snapshot. They hardly ever change, so that the
API is called for them less often than for an account without a delay."""

CONNECTION_SETTINGS = {"deadline_seconds", "max_response_bytes", "ca_file", "proxy"}
"""Settings of an API that decide whether a call succeeds, and not what it returns."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What the widgets of one page need together, so that no function is called twice for them.

    Attributes:
        start: the earliest beginning of their periods; None for the whole history.
        ledger: whether one of them combines balance, trades and operations.
    """

    start: datetime | None
    ledger: bool


class LoadedValue(NamedTuple):
    """A value from the cache, and the time to live for which it was loaded."""

    ttl: float
    cached: CachedValue[Any]


@dataclass(slots=True)
class Loaded:
    """What the sources of one request have loaded, so that all of them have the same values.

    Attributes:
        values: by cache key.
        visible: the snapshot of a delayed account.
    """

    values: dict[str, LoadedValue] = field(default_factory=dict)
    visible: Visible | None = None

    def get(self, key: str, ttl: float) -> CachedValue[Any] | None:
        """A value that was loaded for this time to live or a shorter one; None if there is none."""
        loaded = self.values.get(key)
        if loaded is None or loaded.ttl > ttl:
            return None
        return loaded.cached


class Source:
    """The figures of one account for one widget of one request.

    Args:
        account: whose figures.
        client: makes the calls.
        cache: where their results are cached.
        requested_at: the time of the request.
        elapsed: how many seconds the visitor has waited already. The deadline is for the whole
            request.
        snapshots: those of delayed accounts.

    Attributes:
        account: whose figures.
        needs: what all widgets of a page need; None for a single widget.
        as_of: the Unix second in which the oldest value used so far was true.
        stale: whether one of the values is older than it should be.
        fresh_for_seconds: how long all values used so far are still fresh; 0 if one is not.
        usable_for_seconds: how long they can be used without waiting for newer ones.
    """

    def __init__(
        self,
        account: Account,
        client: GuardedClient,
        cache: FreshCache,
        requested_at: datetime,
        elapsed: float = 0.0,
        *,
        snapshots: Snapshots,
    ) -> None:
        self.account = account
        self.needs: Needs | None = None
        self.as_of = requested_at.timestamp()
        self.stale = False
        self.fresh_for_seconds = math.inf
        self.usable_for_seconds = math.inf
        self._client = client
        self._cache = cache
        self._requested_at = requested_at
        began = time.monotonic() - elapsed
        # However many values a widget needs, each of them is for the whole request.
        self._give_up_at = began + account.api.deadline_seconds
        self._patient_until = began + cache.patience_seconds
        self._identity = cache_identity(account)
        self._snapshots = snapshots.of(account, self._identity)
        self._loaded = Loaded()
        # The values used so far, each with its time.
        self._versions: list[tuple[str, float]] = []

    def for_next_widget(self) -> "Source":
        """The source of another widget of the same page, with the same values and the time that is
        left. Only the age of its figures is its own.
        """
        other = copy(self)
        other.as_of = self._requested_at.timestamp()
        other.stale = False
        other.fresh_for_seconds = math.inf
        other.usable_for_seconds = math.inf
        other._versions = []
        return other

    @property
    def is_delayed(self) -> bool:
        """Whether the account is displayed as it was some time ago."""
        return self.account.delay_minutes > 0

    @property
    def now(self) -> datetime:
        """When periods end that have no end: the time of the request, or that of the snapshot.

        Raises:
            Delayed: the account is delayed, and no snapshot is old enough.
        """
        if not self.is_delayed:
            return self._requested_at
        began = self._visible.snapshot.times.began
        return datetime.fromtimestamp(began, UTC)

    def balance(self) -> AccountInformation:
        """Balance, equity and related figures."""
        return self._information("balance")

    def summary(self) -> AccountInformation:
        """All figures of the account."""
        return self._information("summary")

    def open_trades(self) -> tuple[OpenTrade, ...]:
        """Positions and pending orders, newest first."""
        trades: tuple[OpenTrade, ...] = self._current("open_trades", tuple)
        return trades

    def closed_trades(
        self,
        start: datetime | None,
        end: datetime | None,
    ) -> tuple[ClosedTrade, ...]:
        """The trades closed in a period, newest first.

        Args:
            start: the beginning of the period; None for the whole history.
            end: the end of the period, which is not part of it; None for a period that ends now.
        """
        trades = self._history_since(start).trades
        # The window that was requested may begin before the period.
        return self.derived(
            "closed_trades",
            (start, end),
            lambda: trades_within(trades, start, end),
        )

    def ledger(self, start: datetime | None, end: datetime | None) -> Ledger:
        """The balance at ``start``, and what changed it until ``end``, as of the same moment.

        Everything that combines balance, trades and operations is calculated from this, and never
        from the other methods: their values are of different ages.
        """
        ledger = self._ledger(start)

        def part() -> Ledger:
            since_start = ledger.since(start)
            trades = trades_within(since_start.trades, start, end)
            return replace(since_start, trades=trades)

        return self.derived("ledger", (start, end), part)

    def derived(self, name: str, period: Hashable, calculate: Callable[[], T]) -> T:
        """The result of a calculation, which is made once for the values that this request used so
        far.

        Args:
            name: what is calculated.
            period: for which period, and what else the result depends on.
            calculate: returns the result, which nobody may change.
        """
        key = (self.account.slug, self._identity, name, period)
        version = tuple(self._versions)
        return self._cache.derived.get(key, version, calculate)

    def lots(
        self,
        start: datetime | None,
        end: datetime | None,
        *,
        has_dates: bool = False,
    ) -> Decimal:
        """Lots traded in a period: the API's own figure if it has the function, otherwise the sum
        of the trades.

        Every period costs a call. Visitors can choose any dates, so only a few periods with dates
        are requested from the API, and those beyond the limit are treated as if its function were
        unavailable.

        Args:
            start: the beginning of the period; None for the whole history.
            end: the end of the period, which is not part of it.
            has_dates: whether a visitor chose the dates.
        """
        if self._client.offers(self.account, "lots"):
            lots = self._lots_of_api(start, end, has_dates=has_dates)
            if lots is not None:
                return lots
        trades = self.closed_trades(start, end)
        return total_volume(trades)

    def bonus(self) -> Bonus:
        """Bonuses received, and the lots that are still required for them."""
        return self._current("bonus", Bonus)

    def logins(self, start: datetime | None, end: datetime | None) -> tuple[Login, ...]:
        """Logins of a period, newest first."""
        logins: tuple[Login, ...] = self._records("logins")
        # The API has no period for this function and sends what it has.
        in_period = [login for login in logins if is_within(login.time, start, end)]
        return tuple(in_period)

    def commissions(
        self,
        start: datetime | None,
        end: datetime | None,
    ) -> tuple[Commission, ...]:
        """The partner's commissions of a period, newest first."""
        records: tuple[Commission, ...] = self._records("commissions")
        in_period = [record for record in records if is_within(record.time, start, end)]
        return tuple(in_period)

    def operations(
        self,
        start: datetime | None,
        end: datetime | None,
    ) -> tuple[Operation, ...]:
        """Deposits and withdrawals of a period, newest first."""
        if self.is_delayed:
            reading = self._past_reading(start)
            operations = reading.operations
            if operations is None:
                operations = reading.history.operations
        else:
            operations = self._operations_since(start)
        in_period = [each for each in operations if is_within(each.time, start, end)]
        return sort_newest_first(in_period, opening_time)

    def referrals(self) -> Referrals:
        """How many accounts the partner has referred."""
        return self._current("referrals", Referrals)

    def currency(self) -> str | None:
        """The account's currency: the configured one, otherwise that of the balance call.

        None if the balance is unavailable. The currency is not a figure of the widget: it makes no
        widget fail, and it does not count for ``as_of``, ``stale`` and ``fresh_for_seconds``.
        """
        if self.account.currency:
            return self.account.currency
        try:
            information = self._balance_for_currency()
        except CabinetError:
            return None
        return information.currency

    def known_until(self, end: datetime | None) -> datetime:
        """The end of a period. For a period that ends now it is the time of the figures."""
        if end is not None:
            return end
        # Whole seconds, as in everything that is displayed.
        second = int(self.as_of)
        return datetime.fromtimestamp(second, UTC)

    def last_day(self, end: datetime | None) -> date:
        """The last day of a period in the account's time zone.

        Args:
            end: the end of the period, which is not part of it; None for a period that ends now.
        """
        last_moment = self.known_until(end)
        # The midnight at which a period ends belongs to the next day.
        if end is not None:
            last_moment -= timedelta(microseconds=1)
        local = last_moment.astimezone(self.account.timezone)
        return local.date()

    def _current(self, function: Function, kind: type[T]) -> T:
        """The value of a function that has no history, as it is or as it was."""
        if not self.is_delayed:
            return self._get(function, kind)
        value = self._sample(function).value
        assert isinstance(value, kind), function
        return value

    def _records(self, function: Function) -> tuple[Any, ...]:
        """The records of a function without a period, newest first."""
        if not self.is_delayed:
            return self._get(function, tuple)
        sample = self._sample(function)
        since = recent_start(sample.began)
        old = self._old(function, tuple)
        return join_records(old, sample.value, since, opening_time)

    @property
    def _has_shared_ledger(self) -> bool:
        """Whether balance and history come from the ledger that another widget of the page needs.

        The values of a delayed account belong to one snapshot anyway.
        """
        return self.needs is not None and self.needs.ledger and not self.is_delayed

    def _information(self, function: Function) -> AccountInformation:
        """The result of a function that describes the account."""
        shared = self._client.shared_function(self.account, function)
        if shared == "balance" and self._has_shared_ledger:
            # The closed trades may be what fails.
            with suppress(CabinetError):
                return self._information_of_ledger()
        return self._current(function, AccountInformation)

    def _information_of_ledger(self) -> AccountInformation:
        """The balance for a page with a ledger, so that one call is enough for both."""
        ttl = self.account.ttl("closed_trades")
        cached = self._load_ledger(self._requested_at, ttl)
        if self._age(cached) <= ttl:
            # The ledger is not being read: the balance may be newer, and has a call of its own.
            return self._get("balance", AccountInformation)
        # It is being read, together with the balance, which has another time to live.
        ttl = min(ttl, self.account.ttl("balance"))
        cached = self._load_ledger(self._requested_at, ttl)
        return self._counted(cached, ttl, Ledger).information

    def _history_since(self, start: datetime | None) -> History | Ledger:
        """Something that has the closed trades since ``start`` or earlier."""
        if self._has_shared_ledger:
            # The balance may be what fails.
            with suppress(CabinetError):
                return self._ledger(start)
        return self._history(start)

    def _operations_since(self, start: datetime | None) -> tuple[Operation, ...]:
        """Deposits and withdrawals since ``start`` or earlier."""
        if self._has_shared_ledger:
            # The balance may be what fails.
            with suppress(CabinetError):
                return self._ledger(start).operations
        if self._client.offers(self.account, "operations"):
            return self._get("operations", tuple)
        return self._history(start).operations

    def _history(self, start: datetime | None) -> History:
        """Closed trades and operations since ``start`` or earlier."""
        if self.is_delayed:
            return self._past_reading(start).history
        window = self._window_since(start)
        return self._get(
            "closed_trades",
            History,
            window.name,
            lambda: self._fetch_history(window),
        )

    def _ledger(self, start: datetime | None) -> Ledger:
        """The ledger since ``start`` or earlier."""
        if self.is_delayed:
            return self._past_reading(start).ledger(start)
        ttl = self.account.ttl("closed_trades")
        cached = self._load_ledger(start, ttl)
        return self._counted(cached, ttl, Ledger)

    def _load_ledger(self, start: datetime | None, ttl: float) -> CachedValue[Any]:
        """The cached ledger since ``start`` or earlier."""
        # The API may lack it, while ``_load`` checks the closed trades only.
        self._require("balance")
        window = self._window_since(start)
        return self._load(
            "closed_trades",
            LEDGER + window.name,
            ttl,
            lambda: self._fetch_ledger(window),
        )

    @property
    def _visible(self) -> Visible:
        """The snapshot of a delayed account that visitors may see now."""
        visible = self._loaded.visible
        if visible is None:
            visible = self._snapshots.visible()
            self._loaded.visible = visible
        self.stale = self.stale or visible.stale
        # Then there is a newer snapshot, which takes no time to get.
        self._limit_freshness(visible.seconds_left, visible.seconds_left)
        return visible

    def _sample(self, function: Function) -> Sample:
        """What a function returned for the snapshot, which counts for the age of the figures.

        Raises:
            Delayed: no snapshot is old enough, or the visible one is without this function.
            CabinetError: no call of this function has been successful.
        """
        self._require(function)
        shared = self._client.shared_function(self.account, function)
        sample = self._snapshots.sample(self._visible.snapshot, shared)
        self.as_of = min(self.as_of, sample.began)
        self._versions.append((function, sample.began))
        self.stale = self.stale or sample.failure is not None
        return sample

    def _past_reading(self, start: datetime | None) -> Reading:
        """Balance, trades and operations as they were, since ``start`` or earlier."""
        sample = self._sample("closed_trades")
        reading = sample.value
        assert isinstance(reading, Reading)
        since = recent_start(sample.began)
        if start is not None and start >= since:
            return reading
        history = self._past_history(reading.history, start, since)
        operations = reading.operations
        if operations is not None:
            old_operations = self._old("operations", tuple)
            operations = join_records(old_operations, operations, since, opening_time)
        return replace(reading, history=history, operations=operations)

    def _past_history(
        self,
        recent: History,
        start: datetime | None,
        since: datetime,
    ) -> History:
        """The history of a snapshot, and what is older.

        Args:
            recent: what the snapshot has.
            start: the beginning of the whole; None for the whole history.
            since: when the history of the snapshot begins.
        """
        window = self._window_since(start)
        old = self._old(
            "closed_trades",
            History,
            window.name,
            lambda: self._fetch_history(window),
        )
        closing_time = attrgetter("close_time")
        return History(
            trades=join_records(old.trades, recent.trades, since, closing_time),
            operations=join_records(old.operations, recent.operations, since, opening_time),
        )

    def _old(
        self,
        function: Function,
        kind: type[T],
        span: str = "",
        fetch: Callable[[], object] | None = None,
    ) -> T:
        """What the API has now, for the records that are older than those of a snapshot.

        They do not count for the age of the figures. See ``_get`` for the arguments.
        """
        ttl = max(OLD_TTL_SECONDS, self.account.ttl(function))
        cached = self._load(function, span, ttl, fetch)
        self.stale = self.stale or cached.stale
        assert isinstance(cached.value, kind), function
        return cached.value

    def _fetch_history(self, window: Window) -> object:
        """Call the API for the closed trades of a window."""
        return self._call("closed_trades", self._beginning(window))

    def _fetch_ledger(self, window: Window) -> Ledger:
        """Read balance, trades and operations.

        Raises:
            Unavailable: also if what was read does not fit together.
        """
        begin = self._beginning(window)
        has_operations = self._client.offers(self.account, "operations")
        key = self.cache_key("closed_trades", LEDGER + window.name)
        reading = read_consistently(
            lambda: read_once(self._call, begin, has_operations=has_operations),
            self._cache.last_value(key),
            begin,
            self.now,
            self.account.api.deadline_seconds,
        )
        self._store_parts(window, reading)
        return reading.ledger(begin)

    def _store_parts(self, window: Window, reading: Reading) -> None:
        """Cache the parts of a ledger for the widgets that need one of them alone."""
        self._store("balance", "", reading.information)
        self._store("closed_trades", window.name, reading.history)
        if reading.operations is not None:
            self._store("operations", "", reading.operations)

    def _store(self, function: Function, span: str, value: object) -> None:
        """Cache a value as if its function had been called now."""
        key = self.cache_key(function, span)
        self._cache.store(key, value, self.now.timestamp())

    def _window_since(self, start: datetime | None) -> Window:
        """The shortest window that includes everything since ``start``, and what others need."""
        if self.needs is not None:
            start = earliest(start, self.needs.start)
        if start is None:
            return WHOLE_HISTORY
        length = self.now - start
        for window in WINDOWS:
            # A cached window may have begun up to a day earlier, relative to now.
            longest = timedelta(days=window.days - 1)
            if length <= longest:
                return window
        return WHOLE_HISTORY

    def _beginning(self, window: Window) -> datetime | None:
        """When a window begins; None for the whole history."""
        if window == WHOLE_HISTORY:
            return None
        return self.now - timedelta(days=window.days)

    def _lots_of_api(
        self,
        start: datetime | None,
        end: datetime | None,
        *,
        has_dates: bool,
    ) -> Decimal | None:
        """The API's own figure; None if there is none, or if it must not be requested."""
        last = end
        if self.is_delayed:
            # Rounded down, since a request has whole seconds.
            last = self.now.replace(microsecond=0)
            if end is not None:
                last = min(end, last)
            # The whole period is within the delay.
            if start is not None and last <= start:
                return ZERO
        span = self._lots_span(start, last, end)
        if has_dates and not self._client.may_request_period(self.account, span):
            return None
        try:
            return self._lots_of_period(span, start, last)
        except (Unavailable, NoSuchPath):
            # The trades may still be available.
            return None

    def _lots_span(
        self,
        start: datetime | None,
        last: datetime | None,
        end: datetime | None,
    ) -> str:
        """The part of the cache key for a period, to the hour."""
        first = ""
        if start is not None:
            first = f"{start:%Y%m%d%H}"
        # The hour of now is left out, since the value is still valid in the next hour.
        if end is None:
            return f"{first}-now"
        return f"{first}-{last:%Y%m%d%H}"

    def _lots_of_period(
        self,
        span: str,
        start: datetime | None,
        last: datetime | None,
    ) -> Decimal | None:
        as_of = self.as_of
        lots = self._get("lots", object, span, lambda: self._call("lots", start, last))
        assert lots is None or isinstance(lots, Decimal)
        if self.is_delayed:
            # The period ended with a snapshot, whenever the API was called.
            self.as_of = as_of
        return lots

    def _balance_for_currency(self) -> AccountInformation:
        """The same cached value that the balance widget uses, but possibly older."""
        if self.is_delayed:
            sample = self._snapshots.sample(self._visible.snapshot, "balance")
            information = sample.value
        else:
            information = self._recent_information()
        assert isinstance(information, AccountInformation)
        return information

    def _recent_information(self) -> object:
        """What the balance function returned in the last hour."""
        if self._has_shared_ledger:
            # The closed trades may be what fails.
            with suppress(CabinetError):
                cached = self._load_ledger(self._requested_at, CURRENCY_TTL_SECONDS)
                ledger: Ledger = cached.value
                return ledger.information
        cached = self._load("balance", "", CURRENCY_TTL_SECONDS)
        return cached.value

    def _get(
        self,
        function: Function,
        kind: type[T],
        span: str = "",
        fetch: Callable[[], object] | None = None,
    ) -> T:
        """A value from the cache, which counts for the age of the figures.

        Args:
            function: the function that returns it.
            kind: the type of the value.
            span: what else distinguishes the value, such as its period.
            fetch: makes the call; by default a call of the function without a period.
        """
        ttl = self.account.ttl(function)
        cached = self._load(function, span, ttl, fetch)
        return self._counted(cached, ttl, kind)

    def _counted(self, cached: CachedValue[Any], ttl: float, kind: type[T]) -> T:
        """A cached value of a type, which counts for the age of the figures."""
        # A widget is as old as the oldest of its values, and fresh as long as all of them are.
        self.as_of = min(self.as_of, cached.as_of)
        self.stale = self.stale or cached.stale
        age = self._age(cached)
        # Up to twice its time to live, a value is served without waiting for a newer one.
        self._limit_freshness(ttl - age, 2 * ttl - age)
        assert isinstance(cached.value, kind), kind
        return cached.value

    def _limit_freshness(self, fresh_for: float, usable_for: float) -> None:
        """Note for how many seconds a value is still fresh, and usable without waiting."""
        self.fresh_for_seconds = min(self.fresh_for_seconds, max(0.0, fresh_for))
        self.usable_for_seconds = min(self.usable_for_seconds, max(0.0, usable_for))

    def _age(self, cached: CachedValue[Any]) -> float:
        """The age of a cached value in seconds."""
        return self._requested_at.timestamp() - cached.as_of

    def _load(
        self,
        function: Function,
        span: str,
        ttl: float,
        fetch: Callable[[], object] | None = None,
    ) -> CachedValue[Any]:
        """A value from the cache, or from a call within what is left of the deadline."""
        self._require(function)
        if fetch is None:
            fetch = partial(self._call, function)
        key = self.cache_key(function, span)
        cached = self._loaded.get(key, ttl)
        if cached is None:
            cached = self._load_from_cache(key, ttl, fetch)
            self._loaded.values[key] = LoadedValue(ttl, cached)
        self._versions.append((key, cached.as_of))
        return cached

    def _load_from_cache(
        self,
        key: str,
        ttl: float,
        fetch: Callable[[], object],
    ) -> CachedValue[Any]:
        now = time.monotonic()
        caller = Caller(
            api=self.account.api.base_url,
            account=self.account.slug,
            patience_seconds=max(0.0, self._patient_until - now),
        )
        return self._cache.get(
            key,
            ttl,
            fetch,
            wait_seconds=max(0.0, self._give_up_at - now),
            caller=caller,
        )

    def _require(self, function: Function) -> None:
        """Check that the API has a function; ``NotOffered`` if it does not."""
        if not self._client.offers(self.account, function):
            raise NotOffered(
                f"{function}: not offered by this API, or its password is not configured"
            )

    def _call(
        self,
        function: Function,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> object:
        """The result of a call, in the form in which it is cached."""
        shared = self._client.shared_function(self.account, function)
        result = self._client.call(self.account, shared, start, end)
        # Sorted before it is cached, so once a call and not once a request.
        return newest_first(result)

    def cache_key(self, function: Function, span: str) -> str:
        """The key of a value in the cache."""
        slug = self.account.slug
        shared = self._client.shared_function(self.account, function)
        # The cache logs only what stands before the "#": logins are short, so one can be found from
        # its digest by trying them all.
        return f"{slug}:{shared}:{span}#{self._identity}"


def cache_identity(account: Account) -> str:
    """A digest of all that makes cached values unusable when it changes: the settings that shape
    them, and the version of the records.
    """
    # All settings of the API but those of the connection, so that a new one cannot be forgotten.
    api = account.api.model_dump(exclude=CONNECTION_SETTINGS)
    # In one order, so that all processes and machines have the same digest.
    api["methods"] = sorted(account.api.methods.items())
    parts = (
        __version__,
        account.login,
        account.currency,
        account.delay_minutes,
        sorted(api.items()),
    )
    identity = repr(parts)
    # Eight bytes are enough, because nobody else can choose what is hashed.
    digest = blake2s(identity.encode(), digest_size=8)
    return digest.hexdigest()


def earliest(start: datetime | None, other: datetime | None) -> datetime | None:
    """The earlier of two beginnings, of which None is that of the whole history."""
    if start is None or other is None:
        return None
    return min(start, other)


def is_within(moment: datetime, start: datetime | None, end: datetime | None) -> bool:
    """Whether a moment is in a period, of which the end is not a part.

    None is no limit: the broker's clock may be ahead, so that a period that ends now contains
    everything that the API sends.
    """
    if start is not None and moment < start:
        return False
    return end is None or moment < end


def trades_within(
    trades: Iterable[ClosedTrade],
    start: datetime | None,
    end: datetime | None,
) -> tuple[ClosedTrade, ...]:
    """The trades that were closed in a period."""
    in_period = [trade for trade in trades if is_within(trade.close_time, start, end)]
    return tuple(in_period)


def newest_first(result: object) -> object:
    """The result of a call with its lists in the order in which they are displayed."""
    if isinstance(result, History):
        trades = sort_newest_first(result.trades, closing_order)
        return replace(result, trades=trades)
    if isinstance(result, tuple):
        return sort_newest_first(result, opening_time)
    return result


def closing_order(trade: ClosedTrade) -> tuple[datetime, int, Decimal]:
    """What closed trades are sorted by.

    Not by time alone: APIs send trades of the same second in any order, and a list or a growth
    curve must not differ because of it. Parts of a position have the same ticket.
    """
    return trade.close_time, trade.ticket, trade_result(trade)


def opening_time(record: OpenTrade | Login | Commission | Operation) -> datetime:
    """What all other records are sorted by. Trades without a time come after all others."""
    if isinstance(record, OpenTrade):
        return record.open_time or NO_TIME
    return record.time


def sort_newest_first(records: Iterable[T], order_of: Callable[[T], Any]) -> tuple[T, ...]:
    """Records in descending order of time."""
    newest_to_oldest = sorted(records, key=order_of, reverse=True)
    return tuple(newest_to_oldest)
