"""Protects an API in trouble: it gets no calls while it is down.

Accounts of one API do not share more than that. A response about an account (401, 403, 404, 429,
one that cannot be read) concerns that account, whose own pause is in ``data.cache``.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from widget.api import records
from widget.api.client import Client
from widget.config import Account
from widget.errors import CabinetError, NotCalled, RateLimited, Unavailable, Unreachable
from widget.names import Function

FAILURE_THRESHOLD = 5
"""After this number of failures in a row, of any function, an API counts as down."""

MAX_FAILURES_PER_ACCOUNT = 3
"""How many failures of one account count, so that no account alone makes an API count as down. It
may be the only one whose calls take too long or whose data the API cannot handle."""

PAUSE_SECONDS = 10.0
"""How long an API that is down gets no calls, unless it asks for a longer pause."""

MAX_PERIODS_PER_ACCOUNT = 8
"""Periods that visitors may choose by dates within ``PERIODS_SECONDS``. Each costs a call and a
cached value."""

PERIODS_SECONDS = 3600.0


class GuardedClient:
    """A client with a circuit breaker for each API.

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
            NotCalled: the API is down.
        """
        # One breaker per base URL: the accounts of one API share its fate.
        breaker = self._breakers.setdefault(account.api.base_url, CircuitBreaker(self._clock))
        with breaker.guard(account.slug):
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


class CircuitBreaker:
    """Lets calls through until there is evidence that the API is down. Then there is a pause, and
    after it a single call as a probe.

    A connection that cannot be established (``Unreachable``) is evidence for all accounts. Other
    failures (timeouts, 5xx) are evidence if several accounts have them: those of one account alone
    do not open the breaker. Any response but 5xx means that the API is up.

    Args:
        clock: gives seconds from any starting point.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._unreachable = 0
        self._failures: Counter[str] = Counter()
        self._retry_at = clock()
        self._lock = threading.Lock()
        self._is_probing = threading.Lock()

    @contextmanager
    def guard(self, account: str) -> Iterator[None]:
        """Surrounds a call for an account.

        Raises:
            NotCalled: the call must not be made now.
        """
        is_probe = self._is_open()
        if is_probe and not self._may_probe():
            seconds_left = math.ceil(self._retry_at - self._clock())
            raise NotCalled(
                "the API gets no calls for a while after repeated failures",
                retry_after=max(1.0, seconds_left),
            )
        try:
            yield
        # These concern one function or one account, and prove that the API responds.
        except RateLimited:
            self._reset()
            raise
        except Unavailable as error:
            self._count_failure(account, error)
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
        # A copy, because other threads count meanwhile.
        failures = list(self._failures.values())
        counted = [min(count, MAX_FAILURES_PER_ACCOUNT) for count in failures]
        return self._unreachable + sum(counted) >= FAILURE_THRESHOLD

    def _may_probe(self) -> bool:
        """Whether the pause is over and no other call is the probe. If so, this call is."""
        if self._clock() < self._retry_at:
            return False
        # Held until the probe ends. Other calls must not wait for it.
        return self._is_probing.acquire(blocking=False)

    def _count_failure(self, account: str, error: Unavailable) -> None:
        with self._lock:
            if isinstance(error, Unreachable):
                self._unreachable += 1
            else:
                self._failures[account] += 1
            # As long as the breaker is closed, the failure pauses this account's function only.
            if not self._is_open():
                return
            pause = max(PAUSE_SECONDS, error.retry_after or 0.0)
            # Calls that began before the breaker opened may end in any order; the longest pause
            # wins.
            self._retry_at = max(self._retry_at, self._clock() + pause)

    def _reset(self) -> None:
        with self._lock:
            self._unreachable = 0
            self._failures.clear()
