"""Protects an API in trouble: few calls at once for one account, and none while the API is down."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from circuitbreaker import STATE_CLOSED, STATE_OPEN, CircuitBreaker

from widget import models
from widget.client import Client
from widget.config import Account
from widget.errors import CabinetError, Unavailable
from widget.names import Function

MAX_CALLS_PER_ACCOUNT = 4
"""Calls in progress at once for one account. The size of the cache's thread pool limits them for all accounts together."""
FAILURE_THRESHOLD = 5
"""After so many failures in a row, of any account and function, an API counts as down."""
PAUSE_SECONDS = 10.0
"""For how long it gets no calls then, unless it asks for a longer pause."""
MAX_PERIODS_PER_ACCOUNT = 8
"""Periods that visitors may choose by dates within ``PERIODS_SECONDS``: each costs a call and a cached value."""
PERIODS_SECONDS = 3600.0


class Upstream(Client):
    """A client with a circuit breaker for each API and a limit for each account.

    Args:
        clock: seconds from anywhere.
        now: Unix seconds.
        on_call: is called after each call with its function, the code of its error (or "ok") and its seconds.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        on_call: Callable[[Function, str, float], object] = lambda *_: None,
    ) -> None:
        super().__init__(clock=clock, now=now)
        self._on_call = on_call
        self._breakers: dict[str, _Breaker] = {}
        self._slots: dict[str, threading.BoundedSemaphore] = {}
        self._periods: dict[str, dict[str, float]] = {}
        self._periods_lock = threading.Lock()
        self.has_worked = False
        """Whether any call was successful."""

    def call(
        self,
        account: Account,
        function: Function,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> models.Result:
        """Call the API unless it is known to be down; see ``Client.call``."""
        breaker = self._breakers.setdefault(account.api.base_url, _Breaker(self._clock))
        with self._slot(account), breaker.passage():
            began, outcome = self._clock(), "failed"
            try:
                result = super().call(account, function, start, end)
                outcome, self.has_worked = "ok", True
                return result
            except CabinetError as error:
                outcome = error.code
                raise
            finally:
                self._on_call(function, outcome, self._clock() - began)

    def may_request_period(self, account: Account, period: str) -> bool:
        """Whether the API may be called for a period that a visitor chose. Only a few are allowed per account."""
        with self._periods_lock:
            now = self._now()
            chosen = {
                p: at
                for p, at in self._periods.get(account.slug, {}).items()
                if now - at < PERIODS_SECONDS
            }
            if len(chosen) < MAX_PERIODS_PER_ACCOUNT:
                chosen.setdefault(period, now)
            self._periods[account.slug] = chosen
            return period in chosen

    @contextmanager
    def _slot(self, account: Account) -> Iterator[None]:
        slots = self._slots.setdefault(
            account.slug, threading.BoundedSemaphore(MAX_CALLS_PER_ACCOUNT)
        )
        # Half of the deadline: a lock between processes must outlast the wait and the call, and lasts two deadlines.
        if not slots.acquire(timeout=account.api.deadline_seconds / 2):
            raise Unavailable(
                f"{MAX_CALLS_PER_ACCOUNT} other calls for this account are still in progress"
            )
        try:
            yield
        finally:
            slots.release()


class _Breaker(CircuitBreaker):  # type: ignore[misc]  # untyped
    """Opens after repeated failures, for as long as the API asks, and then lets one call through as a probe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(failure_threshold=FAILURE_THRESHOLD, expected_exception=Unavailable)
        self._clock, self._opens_at = clock, clock()
        self._probing = threading.Lock()

    @property
    def open_remaining(self) -> float:
        """Seconds until the next attempt."""
        return self._opens_at - self._clock()

    @contextmanager
    def passage(self) -> Iterator[None]:
        """Surround a call with this. Raises Unavailable if the call must not be made."""
        state = self.state
        is_probe = state != STATE_CLOSED
        if state == STATE_OPEN or (is_probe and not self._probing.acquire(blocking=False)):
            raise Unavailable(
                "the API gets no calls for a while after repeated failures",
                max(1.0, math.ceil(self.open_remaining)),
            )
        try:
            with self:
                yield
        except Unavailable as error:
            self._opens_at = max(
                self._opens_at, self._clock() + max(PAUSE_SECONDS, error.retry_after or 0.0)
            )
            raise
        finally:
            if is_probe:
                self._probing.release()
