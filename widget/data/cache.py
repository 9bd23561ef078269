"""The cache of API results: serves fresh values and refreshes old ones in the background.

While calls fail, the last good value is served.

Calls run on the cache's own threads, never on a visitor's. So a visitor's wait has an end even if
the call has none (the lookup of a host name has no timeout).
"""

import logging
import math
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar
from zlib import crc32

from widget.data.locks import ProcessLock
from widget.errors import CabinetError, Unavailable
from widget.single_flight import Flight, SingleFlight

T = TypeVar("T")
log = logging.getLogger(__name__)

FIRST_PAUSE = 5.0
"""Seconds without another call after a failure. The pause doubles with each further failure."""

LONGEST_PAUSE = 300.0
"""Seconds; the pause does not grow beyond this."""

SPREAD = 0.1
"""Periods and pauses are lengthened by up to this share, so that a thousand keys are not due in the
same second."""

OUTAGE_PAUSE = 5.0
"""Seconds for which a store or a lock is not used after it failed."""

MAX_CALLS = 32
"""Calls in progress at once, for all accounts together."""

MAX_LOCAL_ENTRIES = 1024
"""Values that a process has in its own memory as well as in the store."""


@dataclass(frozen=True, slots=True)
class CachedValue(Generic[T]):
    """A value with its age.

    Attributes:
        value: what ``fetch`` returned.
        as_of: the Unix second in which the call began.
        stale: whether it is older than it should be, because calls fail or because nobody requested
            it for a while.
    """

    value: T
    as_of: float
    stale: bool


class Store(Protocol):
    """Where values are stored: a backend of Flask-Caching.

    ``get`` returns None if there is nothing.
    """

    def get(self, key: str, /) -> Any: ...
    def set(self, key: str, value: Any, timeout: int, /) -> Any: ...


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed call.

    It goes into the store, so it has the class of the error and not its text.
    """

    kind: type[CabinetError]
    at: float
    pause: float
    count: int

    def distance(self, now: float) -> float:
        """Seconds between the failure and now."""
        return abs(now - self.at)


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known about a key: the last good value, and the latest failure since.

    A time in the future means that a clock jumped, here or on another machine. Only the distance to
    now counts, in both directions. So small differences do no harm, and nothing stays fresh or
    paused until a distant future.

    Attributes:
        value: the last good value; only valid if ``as_of`` is not None.
        as_of: when the call for the value began; None if there is no value.
        failure: the latest failure after that, if any.
    """

    value: Any = None
    as_of: float | None = None
    failure: Failure | None = None

    def age(self, now: float) -> float:
        """The age of the value in seconds; infinite if there is none."""
        if self.as_of is None:
            return math.inf
        return abs(now - self.as_of)

    def pause_left(self, now: float) -> float:
        """Seconds until the next call may be made after a failure; 0 or less for now."""
        if self.failure is None:
            return 0.0
        return self.failure.pause - self.failure.distance(now)

    def is_due(self, due_seconds: float, now: float) -> bool:
        """Whether it is time for a call."""
        return self.age(now) > due_seconds and self.pause_left(now) <= 0

    def is_stale(self, ttl: float, now: float) -> bool:
        """Whether the value is older than it should be."""
        age = self.age(now)
        if age <= ttl:
            return False
        if self.failure is not None:
            return True
        # A value that is only a little too old is being refreshed right now, in the background.
        return age > 2 * ttl

    def merged(self, other: "Entry", now: float) -> "Entry":
        """The newer value of two entries, with the latest failure after it."""
        newest = self
        if other.age(now) < self.age(now):
            newest = other
        age = newest.age(now)
        latest: Failure | None = None
        smallest_distance = math.inf
        for failure in (self.failure, other.failure):
            if failure is None:
                continue
            distance = failure.distance(now)
            # A failure before the newest value is over: a call has worked since.
            if distance <= age and distance < smallest_distance:
                latest = failure
                smallest_distance = distance
        return replace(newest, failure=latest)

    def without_old_value(self, max_age: float, now: float) -> "Entry":
        """The entry without its value if that is too old to be served."""
        if self.age(now) > max_age:
            return replace(self, value=None, as_of=None)
        return self


class Memory:
    """The entries that this process used last. They save a look into the store, and replace it
    while it fails.

    Args:
        max_entries: the least recently used entry goes first.
        keep_seconds: the age at which a value is dropped.
    """

    def __init__(self, max_entries: int, keep_seconds: float) -> None:
        self._max_entries = max_entries
        self._keep_seconds = keep_seconds
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, now: float) -> Entry:
        """The entry for a key; an empty one if there is none."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return Entry()
            self._entries.move_to_end(key)
            return entry.without_old_value(self._keep_seconds, now)

    def merge(self, key: str, entry: Entry, now: float) -> Entry:
        """Add what an entry knows, and return all that is known now."""
        with self._lock:
            # What came from the store may be older than what this process knows, and the reverse.
            known = self._entries.get(key, entry)
            merged = entry.merged(known, now)
            merged = merged.without_old_value(self._keep_seconds, now)
            self._entries[key] = merged
            self._entries.move_to_end(key)
            if len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)
            return merged


class BestEffort:
    """Something that helps if it works and is skipped for a while if it fails. Each outage is
    logged once.

    Args:
        name: for the log.
        clock: gives Unix seconds.
    """

    def __init__(self, name: str, clock: Callable[[], float]) -> None:
        self._name = name
        self._clock = clock
        self._failed_at: float | None = None

    def attempt(self, action: Callable[[], T]) -> T | None:
        """The result of the action; None if it fails, or failed less than ``OUTAGE_PAUSE`` ago."""
        failed_at = self._failed_at
        if failed_at is not None:
            # Absolute, because a clock that was set back must not make the pause longer.
            elapsed = abs(self._clock() - failed_at)
            if elapsed < OUTAGE_PAUSE:
                return None
            # The pause begins again, so that only this thread tries and the others continue without
            # it.
            self._failed_at = self._clock()
        try:
            result = action()
        except Exception as error:  # noqa: BLE001
            # Whatever fails here, visitors get their response.
            self._log_outage(error)
            self._failed_at = self._clock()
            return None
        if failed_at is not None:
            log.warning("cache: %s works again", self._name)
            self._failed_at = None
        return result

    def _log_outage(self, error: Exception) -> None:
        # Once for each outage, and not with each attempt.
        if self._failed_at is not None:
            return
        log.warning(
            "cache: %s fails, continuing without it: %s: %s",
            self._name,
            type(error).__name__,
            error,
        )


class FreshCache:
    """Values by key, each refreshed by one call at a time.

    Within a process all callers for a key share one call. Between processes that share a store, a
    lock ensures it.

    Args:
        store: where values are stored; it may fail at any time.
        keep_seconds: the age in seconds from which a value is never served.
        clock: gives Unix seconds.
        lock: creates the lock for a call for a key, see ``locks``. By default there is no other
            process.
        executor: runs the calls; by default a pool of ``MAX_CALLS`` threads. It is shut down with
            the cache.
        random_fraction: returns random numbers from 0 to 1.
    """

    def __init__(
        self,
        store: Store,
        *,
        keep_seconds: float,
        clock: Callable[[], float] = time.time,
        lock: Callable[[str], ProcessLock] = lambda _: threading.Lock(),
        executor: Executor | None = None,
        random_fraction: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._lock = lock
        self._executor = executor or ThreadPoolExecutor(
            MAX_CALLS,
            thread_name_prefix="cabinet-call",
        )
        self._random_fraction = random_fraction
        self._memory = Memory(MAX_LOCAL_ENTRIES, keep_seconds)
        # Each of these can fail while the others work: a full disk can be read, for example.
        self._reading = BestEffort("reading", clock)
        self._writing = BestEffort("writing", clock)
        self._locking = BestEffort("locking", clock)
        self._flights = SingleFlight[str, Entry](clock)

    def get(
        self,
        key: str,
        ttl: float,
        fetch: Callable[[], T],
        wait_seconds: float,
    ) -> CachedValue[T]:
        """The value for a key, from a call only if needed.

        Args:
            key: identifies the value. The part before a ``#`` is logged.
            ttl: the age in seconds up to which a value is fresh.
            fetch: makes the call. Any exception counts as a failed call.
            wait_seconds: how long to wait at most if nothing is cached.

        Raises:
            CabinetError: nothing is cached, and the last call failed. The class is that of the
                failure, and ``retry_after`` is the rest of the pause.
            Unavailable: nothing is cached, and there was no result in time.
        """
        now = self._clock()
        # A little longer than the TTL, so that not all keys are due at once.
        due_seconds = ttl * (1 + SPREAD * share_of_key(key))
        entry = self._find(key, ttl, wait_seconds, now)
        if entry.is_due(due_seconds, now):
            flight = self._start_call(key, due_seconds, fetch)
            # With an old value nobody waits for the call.
            if entry.as_of is None:
                entry = self._wait_for(key, flight, wait_seconds, now)
                now = self._clock()
        if entry.as_of is None:
            raise last_failure(key, entry, now)
        # If the clock was set back, the value must not come from the future.
        as_of = min(entry.as_of, now)
        return CachedValue(entry.value, as_of, entry.is_stale(ttl, now))

    def close(self) -> None:
        """Start no further calls. Those in progress end by themselves; nobody waits for them."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _find(self, key: str, ttl: float, wait_seconds: float, now: float) -> Entry:
        """What is known about a key.

        The store may be slow or hang, so it is read only if that can help.
        """
        entry = self._memory.get(key, now)
        # Such a value is served as it is, whatever another process has in the store.
        is_recent = entry.age(now) <= 2 * ttl
        if is_recent:
            return entry
        # During the pause after a failure nobody calls, so the store has hardly anything newer.
        is_paused = entry.pause_left(now) > 0
        if is_paused:
            return entry
        flight = self._flights.get(key)
        # The call in progress will have the value, if there is still time to wait for it.
        if flight is not None and patience(flight, wait_seconds, now, now) > 0:
            return entry
        return self._read(key)

    def _start_call(
        self,
        key: str,
        due_seconds: float,
        fetch: Callable[[], object],
    ) -> Flight[Entry]:
        """The flight for a key; its call is started if there is none yet."""

        def refresh() -> Entry:
            return self._refresh(key, due_seconds, fetch)

        flight, is_leader = self._flights.join(key)
        if is_leader:
            flight.start(self._executor, refresh)
        return flight

    def _wait_for(
        self,
        key: str,
        flight: Flight[Entry],
        wait_seconds: float,
        since: float,
    ) -> Entry:
        """The result of a call; Unavailable if it takes too long."""
        seconds = patience(flight, wait_seconds, since, self._clock())
        try:
            return flight.result(seconds)
        except (TimeoutError, CancelledError):
            message = f"{name_for_log(key)}: no result within {wait_seconds:.1f} s"
            raise Unavailable(message) from None

    def _refresh(self, key: str, due_seconds: float, fetch: Callable[[], object]) -> Entry:
        """Make a call, unless another process has just made it.

        Runs on a thread of the executor.
        """
        entry = self._read(key)
        now = self._clock()
        if not entry.is_due(due_seconds, now):
            return entry
        with self._locked(key):
            # The store is read again with the lock: whoever waited for another process sees its
            # result or its failure and does not call in turn.
            entry = self._read(key)
            now = self._clock()
            if not entry.is_due(due_seconds, now):
                return entry
            return self._call(key, fetch)

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        """Hold the lock for a key, or continue without it: at worst there is one call too many."""
        lock = self._lock(key)
        is_held = self._locking.attempt(lock.acquire)
        try:
            yield
        finally:
            if is_held:
                with suppress(Exception):  # it has expired, or its server is gone
                    lock.release()

    def _call(self, key: str, fetch: Callable[[], object]) -> Entry:
        """Make a call, and store its result or its failure."""
        # The age counts from the beginning: the API may have read its figures right then.
        began = self._clock()
        try:
            value = fetch()
            result = Entry(value, began)
        except Exception as error:  # noqa: BLE001
            # Even a bug in a call must not keep visitors from the last good value.
            result = self._failed(key, error)
        entry = self._memory.merge(key, result, self._clock())
        self._writing.attempt(lambda: self._write(key, entry))
        return entry

    def _failed(self, key: str, error: Exception) -> Entry:
        """The entry for a key after a failed call: the last good value, and a pause."""
        # Another process may have counted failures that this one did not see.
        known = self._read(key)
        count = 1
        if known.failure is not None:
            count = known.failure.count + 1
        pause = pause_after(count)
        kind = CabinetError
        if isinstance(error, CabinetError):
            kind = type(error)
            wanted_pause = error.retry_after or 0.0
            pause = max(pause, wanted_pause)
        log_failure(key, error, count, pause)
        # Random, because all processes that lost the same API would try again together.
        pause *= 1 + SPREAD * self._random_fraction()
        failure = Failure(kind, self._clock(), pause, count)
        return replace(known, failure=failure)

    def _read(self, key: str) -> Entry:
        """What the store and this process know about a key."""

        def read() -> Entry:
            stored = self._store.get(key) or Entry()
            return self._memory.merge(key, stored, self._clock())

        entry = self._reading.attempt(read)
        if entry is None:
            # The store fails.
            return self._memory.get(key, self._clock())
        return entry

    def _write(self, key: str, entry: Entry) -> None:
        timeout = math.ceil(self._keep_seconds)
        was_stored = self._store.set(key, entry, timeout)
        # Backends of Flask-Caching report some failures like this and not with an exception.
        if was_stored is False:
            raise OSError("the store did not accept the value")


def share_of_key(key: str) -> float:
    """A number from 0 to 1 that is always the same for a key, and different for most other keys."""
    return crc32(key.encode()) / 2**32


def pause_after(count: int) -> float:
    """The seconds without a call after so many failures in a row."""
    # The exponent has a limit too: after days of failures the power would be a huge number.
    doublings = min(count - 1, 10)
    pause = FIRST_PAUSE * 2.0**doublings
    return min(LONGEST_PAUSE, pause)


def patience(flight: Flight[Entry], wait_seconds: float, since: float, now: float) -> float:
    """How many seconds a caller that waits since some time should still wait for a call.

    The time from the beginning of the call counts too, so that callers do not queue behind a call
    that is stuck.
    """
    began = min(since, flight.began)
    elapsed = now - began
    left = max(0.0, wait_seconds - elapsed)
    # If the clock was set back, the wait so far is negative and must not prolong the rest.
    return min(wait_seconds, left)


def name_for_log(key: str) -> str:
    """The part of a key that may be logged."""
    return key.partition("#")[0]


def log_failure(key: str, error: Exception, count: int, pause: float) -> None:
    """Log a failed call: an expected error in one line, any other with its traceback."""
    name = name_for_log(key)
    if isinstance(error, CabinetError):
        log.warning(
            "%s: %s: %s (failure %d, pause %.0f s)",
            name,
            type(error).__name__,
            error,
            count,
            pause,
        )
    else:
        log.error(
            "%s: unexpected (failure %d, pause %.0f s)",
            name,
            count,
            pause,
            exc_info=error,
        )


def last_failure(key: str, entry: Entry, now: float) -> CabinetError:
    """The error for a caller if the last call failed and nothing is cached."""
    kind: type[CabinetError] = Unavailable
    if entry.failure is not None:
        kind = entry.failure.kind
    # At least a second, so that nobody is told to try again at once.
    seconds = max(1.0, entry.pause_left(now))
    name = name_for_log(key)
    error = kind(f"{name}: the last call failed; the next one is due in {seconds:.0f} s")
    error.retry_after = seconds
    return error
