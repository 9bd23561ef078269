"""One account's figures behind the cache: all that a widget may call.

The account's ``delay_minutes`` is applied here, so that no widget can show or count what is too young.
"""

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2s
from typing import Any, TypeVar

from widget import __version__, delay
from widget.cache import FreshCache
from widget.config import Account
from widget.errors import NoSuchPath, NotOffered, Unavailable
from widget.guard import GuardedClient
from widget.models import (
    AccountInformation,
    Bonus,
    ClosedTrade,
    Commission,
    History,
    Login,
    OpenTrade,
    Operation,
)
from widget.names import Function

T = TypeVar("T")

# Closed trades are asked for in a few windows that end now, whatever the visitor's period: so there is one upstream
# call for a freshness period and not one for each pair of dates, and midnight does not empty the cache.
_WINDOWS: tuple[tuple[str, int | None], ...] = (
    ("35d", 35),
    ("95d", 95),
    ("370d", 370),
    ("all", None),
)
_WITH_TRADES = "trades"
# Of requests that share a call one may have begun a little earlier, and its delay with it.
_MARGIN = timedelta(minutes=1)


class Source:
    """The figures of one account for one request.

    Args:
        waited: for how many seconds the visitor has waited already: nobody waits longer than the deadline in all.

    Attributes:
        account: whose figures they are.
        now: the instant of the request.
        as_of: when the oldest of the answers given so far was true, in Unix seconds.
        stale: whether one of them is older than it should be.
        fresh_seconds: until the first of them stops counting as fresh; 0 where one already has.
    """

    def __init__(
        self,
        account: Account,
        client: GuardedClient,
        cache: FreshCache,
        now: datetime,
        waited: float = 0.0,
    ) -> None:
        self.account = account
        self.now = now
        self.as_of = now.timestamp()
        self.stale = False
        self.fresh_seconds = math.inf
        self._client = client
        self._cache = cache
        self._give_up = time.monotonic() + account.api.deadline_seconds - waited
        self._until = now - timedelta(minutes=account.delay_minutes)
        # What was kept of an account that pointed elsewhere, or by a version with other records, is not its answer.
        api = account.api
        identity = repr(
            (__version__, account.login, api.dialect, api.base_url, sorted(api.methods.items()))
        )
        self._identity = blake2s(identity.encode(), digest_size=8).hexdigest()

    @property
    def is_delayed(self) -> bool:
        """Whether what happened lately is kept back."""
        return self.account.delay_minutes > 0

    def balance(self) -> AccountInformation:
        """Balance, equity and the like."""
        return self._account_information("balance")

    def summary(self) -> AccountInformation:
        """Everything that the API tells of the account at a glance."""
        return self._account_information("summary")

    def open_trades(self) -> tuple[OpenTrade, ...]:
        """Positions and pending orders, newest first."""
        trades: tuple[OpenTrade, ...] = self._get("open_trades", tuple)
        return tuple(trade for trade in trades if trade.open_time <= self._until)

    def closed_trades(self, start: datetime | None, end: datetime) -> tuple[ClosedTrade, ...]:
        """Trades closed from ``start`` (None: since ever) until before ``end``, newest first."""
        trades = self._history(start).trades
        return tuple(
            t for t in trades if t.close_time <= self._until and _within(t.close_time, start, end)
        )

    def operations(self, start: datetime | None) -> tuple[Operation, ...]:
        """Deposits and withdrawals since ``start``, in no order."""
        if self._client.offers(self.account, "operations"):
            operations: tuple[Operation, ...] = self._get("operations", tuple)
        else:
            operations = self._history(start).operations
        return tuple(
            operation for operation in operations if start is None or operation.time >= start
        )

    def lots(self, start: datetime | None, end: datetime, *, has_dates: bool = False) -> Decimal:
        """Lots traded in a period: the upstream's own figure where it has the function, else the sum of the trades.

        Args:
            start: None is since ever.
            end: before when.
            is_chosen: whether a visitor chose the dates; of such periods only so many are asked for.
        """
        if self._client.offers(self.account, "lots"):
            last = min(end, self._until)
            if start and last <= start:
                return Decimal(0)
            span = (f"{start:%Y%m%d%H}-" if start else "-") + (
                "now" if end == self.now else f"{last:%Y%m%d%H}"
            )
            if not has_dates or self._client.may_request_period(self.account, span):
                try:
                    return self._get("lots", Decimal, start, last, span)
                except (Unavailable, NoSuchPath):
                    pass  # the trades may still be at hand
        return sum((trade.volume for trade in self.closed_trades(start, end)), Decimal(0))

    def bonus(self) -> Bonus:
        """Bonuses received and what is still to be traded for them."""
        if not self.is_delayed:
            return self._get("bonus", Bonus)
        bonus, _, history = self._with_trades("bonus")
        return delay.bonus(bonus, self._late(history))

    def logins(self, start: datetime | None, end: datetime) -> tuple[Login, ...]:
        """Authorisations of a period, newest first."""
        logins: tuple[Login, ...] = self._get("logins", tuple)
        return tuple(login for login in logins if _within(login.time, start, end))

    def commissions(self, start: datetime | None, end: datetime) -> tuple[Commission, ...]:
        """The partner's commissions of a period, newest first."""
        records: tuple[Commission, ...] = self._get("commissions", tuple)
        return tuple(record for record in records if _within(record.time, start, end))

    def currency(self) -> str | None:
        """The account's currency: the configured one, else what the upstream said; it is not called for that alone."""
        if self.account.currency:
            return self.account.currency
        known = self._cache.peek(self._key("balance", _WITH_TRADES if self.is_delayed else ""))
        if isinstance(known, tuple):
            known = known[0]
        return known.currency if isinstance(known, AccountInformation) else None

    def known_until(self, end: datetime) -> datetime:
        """Where a period that ends now really ends: figures cannot tell of what came after them."""
        return datetime.fromtimestamp(int(self.as_of), UTC) if end == self.now else end

    def _history(self, start: datetime | None) -> History:
        days_back = (self.now - start) / timedelta(days=1) if start else None
        for name, days in _WINDOWS:
            if days is None or (days_back is not None and days_back <= days - 1):
                begin = self.now - timedelta(days=days) if days else None
                return self._get("closed_trades", History, begin, None, name)
        raise AssertionError("the last window has no end")

    def _account_information(self, function: Function) -> AccountInformation:
        if not self.is_delayed:
            return self._get(function, AccountInformation)
        information, opened, history = self._with_trades(function)
        young = [trade for trade in opened if trade.open_time > self._until]
        return delay.account_information(information, young, self._late(history))

    def _late(self, history: History) -> list[ClosedTrade]:
        return [trade for trade in history.trades if trade.close_time > self._until]

    def _with_trades(self, function: Function) -> tuple[Any, tuple[OpenTrade, ...], History]:
        """An answer with the trades that may be in it.

        They are kept as one and fetched in this order: lists that are older than the answer would lack the very trades
        that it must not count.
        """

        def fetch() -> object:
            answer = self._call(function)
            return (
                answer,
                self._call("open_trades"),
                self._call("closed_trades", self._until - _MARGIN),
            )

        kept: tuple[Any, tuple[OpenTrade, ...], History] = self._get(
            function, tuple, span=_WITH_TRADES, fetch=fetch
        )
        return kept

    def _get(
        self,
        function: Function,
        kind: type[T],
        start: datetime | None = None,
        end: datetime | None = None,
        span: str = "",
        fetch: Callable[[], object] | None = None,
    ) -> T:
        """An answer of the cache; ``kind`` is its type. It is fetched from the client unless otherwise."""
        if not self._client.offers(self.account, function):
            raise NotOffered(
                f"{function}: not offered by this API, or its password is not configured"
            )

        fresh = self.account.ttl(function)
        answer = self._cache.get(
            self._key(function, span),
            fresh,
            fetch or (lambda: self._call(function, start, end)),
            max(0.0, self._give_up - time.monotonic()),
        )
        self.as_of = min(self.as_of, answer.as_of)
        self.stale = self.stale or answer.stale
        self.fresh_seconds = max(
            0.0, min(self.fresh_seconds, answer.as_of + fresh - self.now.timestamp())
        )
        assert isinstance(answer.value, kind), function
        return answer.value

    def _call(
        self, function: Function, start: datetime | None = None, end: datetime | None = None
    ) -> object:
        shared = self._client.shared_function(self.account, function)
        return _newest_first(self._client.call(self.account, shared, start, end))

    def _key(self, function: Function, span: str) -> str:
        # From the digest a login is found within minutes, by trying all. The cache logs what stands before it.
        return f"{self.account.slug}:{self._client.shared_function(self.account, function)}:{span}#{self._identity}"


def _within(moment: datetime, start: datetime | None, end: datetime) -> bool:
    return (start is None or moment >= start) and moment < end


def _newest_first(answer: object) -> object:
    """The same answer with its lists in the order that they are shown in: sorted once, when fetched."""
    if isinstance(answer, History):
        return replace(answer, trades=_sorted(answer.trades, lambda trade: trade.close_time))
    if isinstance(answer, tuple):
        return _sorted(
            answer,
            lambda record: record.open_time if isinstance(record, OpenTrade) else record.time,
        )
    return answer


def _sorted(records: Iterable[T], key: Callable[[T], datetime]) -> tuple[T, ...]:
    return tuple(sorted(records, key=key, reverse=True))
