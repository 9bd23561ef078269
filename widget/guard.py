"""The client, kept from harming an API in trouble: few calls at once for one account, none while it is down."""

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
"""Calls under way at once for one account; how many there are in all, the cache's pool of threads says."""
FAILURE_THRESHOLD = 5
"""So many in a row, of whichever account and function, and an API counts as down."""
PAUSE_SECONDS = 10.0
"""For how long it is left alone then, if it does not ask for longer."""
MAX_PERIODS_PER_ACCOUNT = 8
"""That visitors may choose by dates and have asked for within ``PERIODS_SECONDS``: each is a call and a kept answer."""
PERIODS_SECONDS = 3600.0


class Upstream(Client):
    """A client with a breaker for each API and a bound for each account.

    Args:
        clock: seconds from anywhere.
        now: Unix seconds.
        told: is told of each call that was made: its function, the code of its error ("ok" for none), its seconds.
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
        self._places: dict[str, threading.BoundedSemaphore] = {}
        self._periods: dict[str, dict[str, float]] = {}
        self._choosing = threading.Lock()
        self.has_worked = False
        """Whether a call ever gave an answer."""

    def call(
        self,
        account: Account,
        function: Function,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> models.Result:
        """Ask the API, unless it is known to be down; see ``Client.call``."""
        breaker = self._breakers.setdefault(account.api.base_url, _Breaker(self._clock))
        with self._place(account), breaker.passage():
            began, outcome = self._clock(), "failed"
            try:
                answer = super().call(account, function, start, end)
                outcome, self.has_worked = "ok", True
                return answer
            except CabinetError as error:
                outcome = error.code
                raise
            finally:
                self._on_call(function, outcome, self._clock() - began)

    def may_request_period(self, account: Account, period: str) -> bool:
        """Whether a period that a visitor chose is one of the few of its account that the API is asked for."""
        with self._choosing:
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
    def _place(self, account: Account) -> Iterator[None]:
        places = self._places.setdefault(
            account.slug, threading.BoundedSemaphore(MAX_CALLS_PER_ACCOUNT)
        )
        # Half of the deadline: locks between processes are made for calls that take no more than two.
        if not places.acquire(timeout=account.api.deadline_seconds / 2):
            raise Unavailable(
                f"{MAX_CALLS_PER_ACCOUNT} other calls for this account still wait for the API"
            )
        try:
            yield
        finally:
            places.release()


class _Breaker(CircuitBreaker):  # type: ignore[misc]  # untyped
    """Opens after repeated failures, for as long as the API asks, then lets one call through to see."""

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
        """A call; raises Unavailable where it should not be made."""
        state = self.state
        is_probe = state != STATE_CLOSED
        if state == STATE_OPEN or (is_probe and not self._probing.acquire(blocking=False)):
            raise Unavailable(
                "the API is left alone after repeated failures",
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
