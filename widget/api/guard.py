"""Protects an API in trouble: few calls at once for one account, and none while the API is down."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from widget.api import records
from widget.api.client import Client
from widget.config import Account
from widget.errors import CabinetError, Unavailable
from widget.names import Function

MAX_CALLS_PER_ACCOUNT = 4
"""Calls in progress at once for one account. The cache's thread pool limits those of all accounts
together."""

FAILURE_THRESHOLD = 5
"""After so many failures in a row, of any account and function, an API counts as down."""

PAUSE_SECONDS = 10.0
"""How long an API that is down gets no calls, unless it asks for a longer pause."""

MAX_PERIODS_PER_ACCOUNT = 8
"""Periods that visitors may choose by dates within ``PERIODS_SECONDS``. Each costs a call and a
cached value."""

PERIODS_SECONDS = 3600.0


class GuardedClient:
    """A client with a circuit breaker for each API and a limit for each account.

    Args:
        client: makes the calls.
        clock: gives seconds from any starting point.
        now: gives Unix seconds.
        on_call: is called after each call with its function, the code of its error (or "ok") and
            its seconds.

    Attributes:
        has_worked: whether any call was successful.
    """

    def __init__(
        self,
        client: Client,
        *,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        on_call: Callable[[Function, str, float], object] = lambda *_: None,
    ) -> None:
        self.has_worked = False
        self._client = client
        self._clock = clock
        self._now = now
        self._on_call = on_call
        self._breakers: dict[str, CircuitBreaker] = {}
        self._slots: dict[str, threading.BoundedSemaphore] = {}
        self._periods: dict[str, dict[str, float]] = {}
        self._periods_lock = threading.Lock()

    def offers(self, account: Account, function: Function) -> bool:
        """See ``Client.offers``."""
        return self._client.offers(account, function)

    def shared_function(self, account: Account, function: Function) -> Function:
        """See ``Client.shared_function``."""
        return self._client.shared_function(account, function)

    def call(
        self,
        account: Account,
        function: Function,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> records.Result:
        """Call the API unless it is down; see ``Client.call``.

        Raises:
            Unavailable: also if the API is down, or has too many calls in progress for the account.
        """
        # One breaker per base URL: the accounts of one API share its fate.
        breaker = self._breakers.setdefault(account.api.base_url, CircuitBreaker(self._clock))
        with self._slot(account), breaker.guard():
            began = self._clock()
            outcome = "failed"
            try:
                result = self._client.call(account, function, start, end)
                outcome = "ok"
            except CabinetError as error:
                outcome = error.code
                raise
            finally:
                self._on_call(function, outcome, self._clock() - began)
            self.has_worked = True
            return result

    def may_request_period(self, account: Account, period: str) -> bool:
        """Whether the API may be called for a period that a visitor chose.

        Only a few are allowed per account.
        """
        with self._periods_lock:
            now = self._now()
            known = self._periods.get(account.slug, {})
            recent = {
                known_period: first_requested
                for known_period, first_requested in known.items()
                if now - first_requested < PERIODS_SECONDS
            }
            if len(recent) < MAX_PERIODS_PER_ACCOUNT:
                recent.setdefault(period, now)
            self._periods[account.slug] = recent
            return period in recent

    @contextmanager
    def _slot(self, account: Account) -> Iterator[None]:
        """Hold one of the account's slots for calls in progress."""
        slots = self._slots.setdefault(
            account.slug, threading.BoundedSemaphore(MAX_CALLS_PER_ACCOUNT)
        )
        # Half of the deadline, because the locks between processes last for two: they must outlast
        # the wait for a slot and the call itself.
        if not slots.acquire(timeout=account.api.deadline_seconds / 2):
            raise Unavailable(
                f"{MAX_CALLS_PER_ACCOUNT} other calls for this account are still in progress"
            )
        try:
            yield
        finally:
            slots.release()


class CircuitBreaker:
    """Lets calls through until several fail in a row. Then there is a pause, and after it a single
    call as a probe.

    Only ``Unavailable`` counts as a failure: any other error means that the API is up.

    Args:
        clock: gives seconds from any starting point.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._retry_at = clock()
        self._lock = threading.Lock()
        self._is_probing = threading.Lock()

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Surrounds a call.

        Raises:
            Unavailable: the call must not be made now.
        """
        is_probe = self._is_open()
        if is_probe and not self._may_probe():
            seconds_left = math.ceil(self._retry_at - self._clock())
            raise Unavailable(
                "the API gets no calls for a while after repeated failures",
                retry_after=max(1.0, seconds_left),
            )
        try:
            yield
        # NotOffered and Refused concern one function or one account, and prove that the API
        # responds.
        except Unavailable as error:
            self._count_failure(error.retry_after or 0.0)
            raise
        except Exception:
            self._reset()
            raise
        else:
            self._reset()
        finally:
            if is_probe:
                self._is_probing.release()

    def _is_open(self) -> bool:
        return self._failures >= FAILURE_THRESHOLD

    def _may_probe(self) -> bool:
        """Whether the pause is over and no other call is the probe. If so, this call is."""
        if self._clock() < self._retry_at:
            return False
        # Held until the probe ends. Whoever comes meanwhile must not wait for it.
        return self._is_probing.acquire(blocking=False)

    def _count_failure(self, wanted_pause: float) -> None:
        with self._lock:
            self._failures += 1
            pause = max(PAUSE_SECONDS, wanted_pause)
            # Calls that began before the breaker opened may end in any order; the longest pause
            # wins.
            self._retry_at = max(self._retry_at, self._clock() + pause)

    def _reset(self) -> None:
        with self._lock:
            self._failures = 0
