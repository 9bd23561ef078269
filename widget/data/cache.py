"""The cache of API results. What is served depends on the age of the cached value:

- younger than its TTL: the value;
- up to twice its TTL: the value, while one call refreshes it in the background;
- older: the result of that call if it arrives within ``patience_seconds``, otherwise the value.

Nobody waits during the pause after a failed call, nor for a call that has lasted longer than
``patience_seconds``. While calls fail, the last good value is served.

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
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar
from zlib import crc32

from widget.data.call_threads import CallThreads
from widget.data.derived import DerivedResults
from widget.data.locks import ProcessLock, no_other_process
from widget.errors import CabinetError, NotCalled, Unavailable
from widget.single_flight import Flight, SingleFlight

T = TypeVar("T")
log = logging.getLogger(__name__)

FIRST_PAUSE = 5.0
"""Seconds without another call after a failure. The pause doubles with each further failure."""

LONGEST_PAUSE = 300.0
"""Seconds; the pause does not grow beyond this."""

SECONDS_BETWEEN_READS = 2.0
"""How often the store is read during a pause, for a value that another process has fetched. Reading
a long history takes time, so not for each request."""

SPREAD = 0.1
"""Periods and pauses are lengthened by up to this share, so that a thousand keys are not due in the
same second."""

OUTAGE_PAUSE = 5.0
"""Seconds for which a store or a lock is not used after it failed."""

PATIENCE_SECONDS = 0.5
"""How long a request waits for newer values, unless the configuration says something else."""

OVERDUE_SHARE = 0.9
"""From this share of the patience on, a call takes too long. It is less than 1 because the patience
of a request begins a moment before its call."""

MAX_LOCAL_ENTRIES = 1024
"""Values that a process has in its own memory as well as in the store."""


@dataclass(frozen=True, slots=True)
class CachedValue(Generic[T]):
    """A value with its age.

    Attributes:
        value: what ``fetch`` returned.
        as_of: the Unix second in which the call began.
        stale: whether it is older than its TTL, and the last call failed or the present one takes
            too long. A value that nobody requested for a while is not stale.
    """

    value: T
    as_of: float
    stale: bool


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose behalf a value is requested.

    Attributes:
        api: the name of the API; calls for different APIs do not wait for each other.
        account: the name of the account.
        patience_seconds: how long the caller still waits for a value that is too old.
    """

    api: str = ""
    account: str = ""
    patience_seconds: float = math.inf


ANYBODY = Caller()


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

    @property
    def was_not_called(self) -> bool:
        """Whether the latest failure is that no call was made."""
        return self.failure is not None and self.failure.kind is NotCalled

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

    def is_too_old(self, ttl: float, now: float) -> bool:
        """Whether a caller should rather wait for a newer value than get this one."""
        return self.age(now) > 2 * ttl

    def is_due(self, due_seconds: float, now: float) -> bool:
        """Whether it is time for a call."""
        return self.age(now) > due_seconds and self.pause_left(now) <= 0

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
            # A failure before the newest value no longer matters: a call has worked since.
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
    """The entries that this process used last. They save reading the store, and replace it while it
    fails.

    Args:
        max_entries: the least recently used entry goes first.
        keep_seconds: the age at which a value is dropped.
    """

    def __init__(self, max_entries: int, keep_seconds: float) -> None:
        self._max_entries = max_entries
        self._keep_seconds = keep_seconds
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        # When the store was last read during a pause.
        self._read_at: dict[str, float] = {}
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
                dropped, _ = self._entries.popitem(last=False)
                self._read_at.pop(dropped, None)
            return merged

    def begin_read(self, key: str, now: float) -> bool:
        """Whether the store is to be read during a pause; if so, not again for a while."""
        with self._lock:
            last_read = self._read_at.get(key, -math.inf)
            # Absolute, because a clock that was set back must not make the pause longer.
            elapsed = abs(now - last_read)
            if elapsed < SECONDS_BETWEEN_READS:
                return False
            self._read_at[key] = now
            return True


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

    @contextmanager
    def hold(self, lock: ProcessLock) -> Iterator[bool | None]:
        """Hold a lock: False if another process holds it all the time, None if locks fail."""
        is_held = self.attempt(lock.acquire)
        try:
            yield is_held
        finally:
            if is_held:
                with suppress(Exception):  # it has expired, or its server is gone
                    lock.release()

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


@dataclass(frozen=True, slots=True)
class Environment:
    """The clocks and the randomness that a cache uses.

    Attributes:
        clock: gives Unix seconds, for the age of values.
        timer: gives seconds from any starting point, for the duration of calls.
        random_fraction: returns random numbers from 0 to 1.
    """

    clock: Callable[[], float] = time.time
    timer: Callable[[], float] = time.monotonic
    random_fraction: Callable[[], float] = random.random


REAL = Environment()


class Wait:
    """How long one caller waits for a value, from now on.

    Args:
        if_nothing_cached: seconds.
        if_too_old: seconds, if the cached value is older than twice its TTL.
        timer: gives seconds from any starting point.

    Attributes:
        since: when the wait began.
    """

    def __init__(
        self,
        if_nothing_cached: float,
        if_too_old: float,
        timer: Callable[[], float],
    ) -> None:
        self.if_nothing_cached = if_nothing_cached
        self.if_too_old = if_too_old
        self.since = timer()


class FreshCache:
    """Values by key, each refreshed by one call at a time.

    Within a process all callers for a key share one call. Between processes that share a store, a
    lock ensures it.

    Args:
        store: where values are stored; it may fail at any time.
        keep_seconds: the age in seconds from which a value is never served.
        patience_seconds: how long a caller waits at most for a value that is too old, and how long
            a call may last before values count as stale.
        lock: creates the lock for a call for a key, see ``locks``. By default there is no other
            process.
        threads: run the calls. They are closed with the cache.
        environment: clocks and chance.

    Attributes:
        patience_seconds: as given.
        derived: what was calculated from the values.
    """

    def __init__(
        self,
        store: Store,
        *,
        keep_seconds: float,
        patience_seconds: float = PATIENCE_SECONDS,
        lock: Callable[[str], ProcessLock] = no_other_process,
        threads: CallThreads | None = None,
        environment: Environment = REAL,
    ) -> None:
        self._store = store
        self._keep_seconds = keep_seconds
        self.patience_seconds = patience_seconds
        self._lock = lock
        self._threads = threads or CallThreads()
        self._clock = environment.clock
        self._timer = environment.timer
        self._random_fraction = environment.random_fraction
        self.derived = DerivedResults()
        self._memory = Memory(MAX_LOCAL_ENTRIES, keep_seconds)
        # Each of these can fail while the others work: a full disk can be read, for example.
        self._reading = BestEffort("reading", self._clock)
        self._writing = BestEffort("writing", self._clock)
        self._locking = BestEffort("locking", self._clock)
        self._flights = SingleFlight[str, Entry](self._timer)

    def get(
        self,
        key: str,
        ttl: float,
        fetch: Callable[[], T],
        wait_seconds: float,
        caller: Caller = ANYBODY,
    ) -> CachedValue[T]:
        """The value for a key, from a call only if needed.

        Args:
            key: identifies the value. The part before a ``#`` is logged.
            ttl: the age in seconds up to which a value is fresh.
            fetch: makes the call. Any exception counts as a failed call.
            wait_seconds: how long to wait at most if nothing is cached.
            caller: on whose behalf, and how long to wait at most if what is cached is too old.

        Raises:
            CabinetError: nothing is cached, and the last call failed. The class is that of the
                failure, and ``retry_after`` is the rest of the pause.
            Unavailable: nothing is cached, and there was no result in time, or as many requests as
                allowed wait for this API already.
        """
        patience_seconds = min(caller.patience_seconds, self.patience_seconds)
        wait = Wait(wait_seconds, patience_seconds, self._timer)
        # A little longer than the TTL, so that not all keys are due at once.
        due_seconds = ttl * (1 + SPREAD * share_of_key(key))
        now = self._clock()
        entry = self._find(key, ttl, wait, now)
        if entry.is_due(due_seconds, now):
            flight = self._start_call(key, due_seconds, fetch, caller)
            if entry.is_too_old(ttl, now):
                entry = self._wait_for(key, entry, flight, wait, caller)
                now = self._clock()
        if entry.as_of is None:
            raise last_failure(key, entry, now)
        is_old = entry.age(now) > ttl
        return CachedValue(
            entry.value,
            # If the clock was set back, the value must not come from the future.
            as_of=min(entry.as_of, now),
            stale=is_old and self._is_refresh_failing(key, entry),
        )

    def last_value(self, key: str) -> Any:
        """The last good value for a key, however old it is; None if there is none."""
        return self._read(key).value

    def store(self, key: str, value: object, as_of: float) -> None:
        """Store a value that was fetched together with another one.

        Args:
            key: identifies the value.
            value: what a call for the key would have returned.
            as_of: the Unix second in which the call began.
        """
        # Another process may have stored a newer value, which stays.
        self._read(key)
        entry = self._memory.merge(key, Entry(value, as_of), self._clock())
        self._writing.attempt(lambda: self._write(key, entry))

    def close(self) -> None:
        """Start no further calls. Those in progress end by themselves; nobody waits for them."""
        self._threads.close()

    def _find(
        self,
        key: str,
        ttl: float,
        wait: Wait,
        now: float,
    ) -> Entry:
        """What is known about a key.

        The store may be slow or hang, so it is read only if that can help.
        """
        entry = self._memory.get(key, now)
        # Such a value is served as it is, whatever another process has in the store.
        if not entry.is_too_old(ttl, now):
            return entry
        # During the pause after a failure there is no call here, but one of another process may
        # have worked.
        is_paused = entry.pause_left(now) > 0
        if is_paused and not self._memory.begin_read(key, now):
            return entry
        flight = self._flights.get(key)
        # The call in progress will have the value, if there is still time to wait for it.
        if flight is not None and self._seconds_to_wait(entry, flight, wait) > 0:
            return entry
        return self._read(key)

    def _is_refresh_failing(self, key: str, entry: Entry) -> bool:
        """Whether the last call failed, or the present one takes too long."""
        if entry.failure is not None:
            return True
        flight = self._flights.get(key)
        if flight is None:
            return False
        return self._timer() - flight.began >= OVERDUE_SHARE * self.patience_seconds

    def _start_call(
        self,
        key: str,
        due_seconds: float,
        fetch: Callable[[], object],
        caller: Caller,
    ) -> Flight[Entry]:
        """The flight for a key; its call is started if there is none yet."""

        def refresh() -> Entry:
            return self._refresh(key, due_seconds, fetch)

        flight, is_leader = self._flights.join(key)
        if is_leader:
            share = self._threads.share_of(caller.api)
            executor = share.executor_for(caller.account)
            flight.start(executor, refresh)
        return flight

    def _wait_for(
        self,
        key: str,
        entry: Entry,
        flight: Flight[Entry],
        wait: Wait,
        caller: Caller,
    ) -> Entry:
        """The result of a call, or what is cached if it takes too long.

        Raises:
            Unavailable: it takes too long, and nothing is cached.
        """
        share = self._threads.share_of(caller.api)
        with share.place() as has_place:
            seconds = 0.0
            if has_place:
                seconds = self._seconds_to_wait(entry, flight, wait)
            # Without a place too: the result may be there already.
            with suppress(TimeoutError, CancelledError):
                return flight.result(seconds)
        if entry.as_of is not None:
            return entry
        name = name_for_log(key)
        if not has_place:
            raise Unavailable(f"{name}: too many requests wait for this API already")
        seconds = wait.if_nothing_cached
        raise Unavailable(f"{name}: no result within {seconds:.1f} s")

    def _seconds_to_wait(self, entry: Entry, flight: Flight[Entry], wait: Wait) -> float:
        """How many seconds a caller should still wait for a call.

        The time from the beginning of the call counts too, so that callers do not queue behind a
        call that is stuck.
        """
        now = self._timer()
        caller_elapsed = now - wait.since
        call_elapsed = now - flight.began
        if entry.as_of is None:
            return wait.if_nothing_cached - max(caller_elapsed, call_elapsed)
        left_of_wait = wait.if_too_old - caller_elapsed
        left_of_call = self.patience_seconds - call_elapsed
        return min(left_of_wait, left_of_call)

    def _refresh(self, key: str, due_seconds: float, fetch: Callable[[], object]) -> Entry:
        """Make a call, unless another process has just made it.

        Runs on a thread of the executor.
        """
        entry = self._read(key)
        now = self._clock()
        if not entry.is_due(due_seconds, now):
            return entry
        # If there is no lock, at worst there is one call too many.
        with self._locking.hold(self._lock(key)):
            # The store is read again with the lock: after waiting for another process, its
            # result or its failure is there, and no further call is needed.
            entry = self._read(key)
            now = self._clock()
            if not entry.is_due(due_seconds, now):
                return entry
            return self._call(key, fetch)

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
        # A call that was not made says nothing about this key, so that other processes need not
        # know.
        if not entry.was_not_called:
            self._writing.attempt(lambda: self._write(key, entry))
        return entry

    def _failed(self, key: str, error: Exception) -> Entry:
        """The entry for a key after a failed call: the last good value, and a pause."""
        # Another process may have counted failures that this one did not see.
        known = self._read(key)
        count = 0
        if known.failure is not None:
            count = known.failure.count
        kind = CabinetError
        wanted_pause = 0.0
        if isinstance(error, CabinetError):
            kind = type(error)
            wanted_pause = error.retry_after or 0.0
        if isinstance(error, NotCalled):
            # No failure of this key: its own pause does not grow.
            pause = min(FIRST_PAUSE, wanted_pause)
        else:
            count += 1
            pause = max(pause_after(count), wanted_pause)
        log_failure(key, error, count, pause)
        # Random, because all processes that lost the same API would try again together.
        pause *= 1 + SPREAD * self._random_fraction()
        failure = Failure(
            kind=kind,
            at=self._clock(),
            pause=pause,
            count=count,
        )
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
        write(self._store, key, entry, self._keep_seconds)


def write(
    store: Store,
    key: str,
    value: object,
    keep_seconds: float,
) -> None:
    """Write a value into a store.

    Args:
        store: the store.
        key: identifies the value.
        value: the value.
        keep_seconds: the age at which the store may drop it.

    Raises:
        OSError: the store did not accept it. The backends of Flask-Caching raise many others.
    """
    # Their times are whole seconds.
    was_stored = store.set(key, value, math.ceil(keep_seconds))
    # Some failures are reported like this and not with an exception.
    if was_stored is False:
        raise OSError("the store did not accept the value")


def share_of_key(key: str) -> float:
    """A number from 0 to 1 that is always the same for a key, and different for most other keys."""
    return crc32(key.encode()) / 2**32


def pause_after(count: int) -> float:
    """The seconds without a call after this number of failures in a row."""
    # The exponent has a limit too: after days of failures the power would be a huge number.
    doublings = min(count - 1, 10)
    pause = FIRST_PAUSE * 2.0**doublings
    return min(LONGEST_PAUSE, pause)


def name_for_log(key: str) -> str:
    """The part of a key that may be logged."""
    return key.partition("#")[0]


def log_failure(
    key: str,
    error: Exception,
    count: int,
    pause: float,
) -> None:
    """Log a failed call: an expected error in one line, any other with its traceback.

    Args:
        key: of the value that was called for.
        error: how the call failed.
        count: how many calls failed in a row.
        pause: the seconds until the next one.
    """
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
    # At least a second, so that no client tries again at once.
    seconds = max(1.0, entry.pause_left(now))
    name = name_for_log(key)
    error = kind(f"{name}: the last call failed; the next one is due in {seconds:.0f} s")
    error.retry_after = seconds
    return error
