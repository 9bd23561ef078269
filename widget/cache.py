"""Answers kept: fresh ones served, old ones served while one call renews them, the last good one while calls fail.

A call runs on one of the cache's own threads, never on a visitor's. So a visitor's wait has an end even where the call
has none (name resolution has no timeout), and a lock is taken and given back by the same thread, whatever kind it is.
"""

import fcntl
import logging
import math
import random
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from zlib import crc32

from dogpile.lock import Lock, NeedRegenerationException

from widget.errors import CabinetError, Unavailable

if TYPE_CHECKING:
    from redis import Redis

T = TypeVar("T")
log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = (
    5.0,
    300.0,
)  # seconds without a second attempt after a failure, doubled after each
SPREAD = 0.1  # by how much periods and pauses are lengthened: so a thousand keys do not fall due in the same second
OUTAGE_PAUSE = 5.0  # seconds for which a store or a lock that failed is left alone
LOCK_STRIPES, POLL_SECONDS = 1024, 0.05


@dataclass(frozen=True, slots=True)
class CachedValue(Generic[T]):
    """A value with its age.

    Attributes:
        value: what ``fetch`` returned.
        as_of: when it was true: the Unix second in which the call began.
        stale: whether it is older than it should be, because calls fail or because nobody asked for a while.
    """

    value: T
    as_of: float
    stale: bool


class Store(Protocol):
    """Where answers are kept: a backend of Flask-Caching. ``get`` gives None for what is absent."""

    def get(self, key: str, /) -> Any: ...
    def set(self, key: str, value: Any, timeout: int, /) -> Any: ...


class Mutex(Protocol):
    """A lock between processes; ``acquire`` gives up at some time and returns False."""

    def acquire(self) -> bool: ...
    def release(self) -> object: ...


@dataclass(frozen=True, slots=True)
class _Failure:
    """A call that failed. It goes into the store, so it holds the error's class and none of its words."""

    kind: type[CabinetError]
    at: float
    pause: float
    count: int


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is known of a key: the last good value, if ``as_of`` says when it was true, and the latest failure since.

    A time ahead of the clock is a clock that jumped, here or elsewhere. Its distance counts, whichever way: clocks that
    are a little apart do no harm, and nothing stays fresh, or paused, until a far future has come.
    """

    value: Any = None
    as_of: float | None = None
    failure: _Failure | None = None

    def age(self, now: float) -> float:
        return math.inf if self.as_of is None else abs(now - self.as_of)

    def pause_left(self, now: float) -> float:
        return self.failure.pause - abs(now - self.failure.at) if self.failure else 0.0

    def merged(self, other: "_Entry", now: float) -> "_Entry":
        newest = min(self, other, key=lambda record: record.age(now))
        failures = [(abs(now - r.failure.at), r.failure) for r in (self, other) if r.failure]
        since = [pair for pair in failures if pair[0] <= newest.age(now)]
        return replace(newest, failure=min(since, key=lambda pair: pair[0])[1] if since else None)


class _Memory:
    """What this process saw, so that it need not ask the store for it and can do without; the longest unused goes."""

    def __init__(self, entries: int, keep_seconds: float) -> None:
        self._entries, self._keep_seconds = entries, keep_seconds
        self._records: OrderedDict[str, _Entry] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str, now: float) -> _Entry:
        with self._lock:
            if key in self._records:
                self._records.move_to_end(key)
            return self._unless_too_old(self._records.get(key, _Entry()), now)

    def merge(self, key: str, record: _Entry, now: float) -> _Entry:
        with self._lock:
            merged = record.merged(self._records.get(key, record), now)
            merged = self._records[key] = self._unless_too_old(merged, now)
            self._records.move_to_end(key)
            if len(self._records) > self._entries:
                self._records.popitem(last=False)
            return merged

    def _unless_too_old(self, record: _Entry, now: float) -> _Entry:
        return (
            replace(record, value=None, as_of=None)
            if record.age(now) > self._keep_seconds
            else record
        )


class _Unreliable:
    """Something that may fail and can be done without: left alone for a while then, and logged once."""

    def __init__(self, what: str, clock: Callable[[], float]) -> None:
        self._what, self._clock = what, clock
        self._failed_at: float | None = None

    def attempt(self, action: Callable[[], T]) -> T | None:
        """What the action returns, or None where it fails or failed a moment ago."""
        failed_at = self._failed_at
        if failed_at is not None:
            if abs(self._clock() - failed_at) < OUTAGE_PAUSE:
                return None
            self._failed_at = self._clock()  # one tries, the others go on without
        try:
            result = action()
        except Exception as error:  # noqa: BLE001  # whatever it is, visitors get their answer
            if self._failed_at is None:
                log.warning(
                    "cache: %s fails, continuing without it: %s: %s",
                    self._what,
                    type(error).__name__,
                    error,
                )
            self._failed_at = self._clock()
            return None
        if failed_at is not None:
            log.warning("cache: %s works again", self._what)
            self._failed_at = None
        return result


class _BestEffort:
    """A mutex for dogpile that lets its caller through in the end: at worst there is one call too many."""

    def __init__(self, mutex: Mutex, locking: _Unreliable) -> None:
        self._mutex, self._locking = mutex, locking
        self._is_held = False

    def acquire(self) -> bool:
        self._is_held = bool(self._locking.attempt(self._mutex.acquire))
        return True

    def release(self) -> None:
        if self._is_held:
            with suppress(Exception):  # it ran out meanwhile, or went down with its server
                self._mutex.release()


@dataclass(frozen=True, slots=True)
class _Flight:
    """A call under way, or waiting for a thread."""

    began: float
    future: Future[_Entry]

    def patience(self, wait_seconds: float, asked: float, now: float) -> float:
        """How long it is still worth waiting for it: nobody queues behind a call that is stuck."""
        return min(wait_seconds, max(0.0, wait_seconds - (now - min(asked, self.began))))


class FreshCache:
    """Answers behind keys, each renewed by one caller at a time.

    Within a process all who ask for a key share one call. Between processes that share a store ``mutex`` sees to that.

    Args:
        store: where answers are kept; it may fail at any time.
        keep_seconds: the age, in seconds, from which on an answer is not served any more, whatever happens.
        clock: gives Unix seconds.
        mutex: makes the lock for one call for a key: ``redis_mutexes``, ``file_mutexes``, or one that holds nobody up.
        runner: runs the calls; a pool of ``max_workers`` threads unless given. Closed with the cache.
        max_workers: the greatest number of calls in parallel.
        local_entries: how many answers this process keeps for itself besides.
        chance: gives random numbers from 0 to 1.
    """

    def __init__(
        self,
        store: Store,
        *,
        keep_seconds: float,
        clock: Callable[[], float] = time.time,
        mutex: Callable[[str], Mutex] = lambda _: threading.Lock(),
        runner: Executor | None = None,
        max_workers: int = 32,
        local_entries: int = 1024,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store, self._keep_seconds, self._clock = store, keep_seconds, clock
        self._mutex, self._chance = mutex, chance
        self._runner = runner or ThreadPoolExecutor(max_workers, thread_name_prefix="cabinet-call")
        self._memory = _Memory(local_entries, keep_seconds)
        self._reading, self._writing, self._locking = (
            _Unreliable(w, clock) for w in ("reading", "writing", "locking")
        )
        self._flights: dict[str, _Flight] = {}
        self._starting = threading.Lock()

    def get(
        self, key: str, fresh_seconds: float, fetch: Callable[[], T], wait_seconds: float
    ) -> CachedValue[T]:
        """The answer for a key, from a call only if it must be.

        Args:
            key: what is asked for; it is logged, up to a ``#`` in it.
            fresh_seconds: the age up to which an answer is as good as new.
            fetch: makes the call; whatever it raises is a call that failed.
            wait_seconds: how long the caller waits at most, where nothing is kept.

        Raises:
            CabinetError: nothing is kept, and the call failed, now or a moment ago; the class is that of the failure,
                ``retry_after`` what is left of the pause.
            Unavailable: nothing is kept, and there was no answer in time.
        """
        due_seconds = fresh_seconds * (1 + SPREAD * crc32(key.encode()) / 2**32)
        now = self._clock()
        record = self._look(key, fresh_seconds, wait_seconds, now)
        if record.age(now) > due_seconds and record.pause_left(now) <= 0:
            flight = self._flight(key, due_seconds, fetch)
            if record.as_of is None:
                record = self._land(key, flight, wait_seconds, now)
                now = self._clock()
        if record.as_of is None:
            raise _error(key, record, now)
        age = record.age(now)
        stale = age > fresh_seconds and (record.failure is not None or age > 2 * fresh_seconds)
        return CachedValue(record.value, min(record.as_of, now), stale)

    def peek(self, key: str) -> object | None:
        """The value that is kept for a key, of whatever age within the limit, or None; no call is made for it."""
        record = self._memory.get(key, self._clock())
        found: object | None = (self._read(key) if record.as_of is None else record).value
        return found

    def close(self) -> None:
        """Begin no further call. Those under way end by themselves, and nobody waits for them."""
        self._runner.shutdown(wait=False, cancel_futures=True)

    def _look(self, key: str, fresh_seconds: float, wait_seconds: float, now: float) -> _Entry:
        """What is known of a key; the store is asked only where that may help, since it may be slow or hang."""
        record = self._memory.get(key, now)
        flight = self._flights.get(key)
        is_current = record.age(now) <= 2 * fresh_seconds or record.pause_left(now) > 0
        is_coming = flight is not None and flight.patience(wait_seconds, now, now) > 0
        return record if is_current or is_coming else self._read(key)

    def _flight(self, key: str, due_seconds: float, fetch: Callable[[], object]) -> _Flight:
        with self._starting:
            flight = self._flights.get(key)
            if flight is None:
                try:
                    future = self._runner.submit(self._renew, key, due_seconds, fetch)
                except RuntimeError:  # closed, or no thread to be had
                    future = Future()
                    future.cancel()
                flight = self._flights[key] = _Flight(self._clock(), future)
                future.add_done_callback(lambda _: self._flights.pop(key, None))
            return flight

    def _land(self, key: str, flight: _Flight, wait_seconds: float, asked: float) -> _Entry:
        try:
            return flight.future.result(flight.patience(wait_seconds, asked, self._clock()))
        except (TimeoutError, CancelledError):
            raise Unavailable(
                f"{_key_for_log(key)}: no result within {wait_seconds:.1f} s"
            ) from None

    def _renew(self, key: str, due_seconds: float, fetch: Callable[[], object]) -> _Entry:
        # dogpile looks before it takes the mutex and again when it has it: so who waited for another process sees its
        # answer or its failure and does not call in turn. It knows no clock but the system's, so it is told that
        # there is a value, which never expires, or that there is none.
        def settled() -> tuple[_Entry, float]:
            record, now = self._read(key), self._clock()
            if record.age(now) > due_seconds and record.pause_left(now) <= 0:
                raise NeedRegenerationException
            return record, 1.0

        mutex = _BestEffort(self._mutex(key), self._locking)
        with Lock(mutex, lambda: (self._call(key, fetch), 1.0), settled, None) as record:  # type: ignore[no-untyped-call]
            assert isinstance(record, _Entry)
            return record

    def _call(self, key: str, fetch: Callable[[], object]) -> _Entry:
        began = self._clock()
        try:
            record = _Entry(fetch(), began)
        except Exception as error:  # noqa: BLE001  # what fails in a call must not fail for its visitors
            record = self._failed(key, error)
        record = self._memory.merge(key, record, self._clock())
        self._writing.attempt(lambda: self._write(key, record))
        return record

    def _failed(self, key: str, error: Exception) -> _Entry:
        known = self._read(key)
        count = known.failure.count + 1 if known.failure else 1
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(count - 1, 10))
        if isinstance(error, CabinetError):
            pause = max(pause, error.retry_after or 0.0)
            log.warning(
                "%s: %s: %s (failure %d, pause %.0f s)",
                _key_for_log(key),
                type(error).__name__,
                error,
                count,
                pause,
            )
        else:
            log.error(
                "%s: unexpected (failure %d, pause %.0f s)",
                _key_for_log(key),
                count,
                pause,
                exc_info=error,
            )
        kind = type(error) if isinstance(error, CabinetError) else CabinetError
        pause *= 1 + SPREAD * self._chance()
        return replace(known, failure=_Failure(kind, self._clock(), pause, count))

    def _read(self, key: str) -> _Entry:
        read = self._reading.attempt(
            lambda: self._memory.merge(key, self._store.get(key) or _Entry(), self._clock())
        )
        return read or self._memory.get(key, self._clock())

    def _write(self, key: str, record: _Entry) -> None:
        if self._store.set(key, record, math.ceil(self._keep_seconds)) is False:
            raise OSError("the store did not accept the value")


def _key_for_log(key: str) -> str:
    return key.partition("#")[0]


def _error(key: str, record: _Entry, now: float) -> CabinetError:
    left = max(1.0, record.pause_left(now))
    kind = record.failure.kind if record.failure else Unavailable
    error = kind(f"{_key_for_log(key)}: the last call failed; the next one is due in {left:.0f} s")
    error.retry_after = left
    return error


class _FileMutex:
    def __init__(self, path: Path, lock_seconds: float) -> None:
        self._path, self._lock_seconds = path, lock_seconds

    def acquire(self) -> bool:
        give_up = time.monotonic() + self._lock_seconds
        with ExitStack() as opened:
            file = opened.enter_context(self._path.open("a"))
            while time.monotonic() < give_up:
                with suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    self._held = opened.pop_all()
                    return True
                time.sleep(POLL_SECONDS)
        return False

    def release(self) -> None:
        self._held.close()


def file_mutexes(directory: Path, lock_seconds: float) -> Callable[[str], Mutex]:
    """Locks between the processes of one machine; the system takes back those of a process that dies.

    Args:
        directory: a directory for nothing else; it is made.
        lock_seconds: how long another process is waited for: longer than any call takes.
    """
    directory.mkdir(parents=True, exist_ok=True)
    return lambda key: _FileMutex(
        directory / f"{crc32(key.encode()) % LOCK_STRIPES:03x}.lock", lock_seconds
    )


def redis_options() -> dict[str, Any]:
    """How a Redis client is set up that may hang or be gone without holding up anybody, and serves many threads."""
    from redis import exceptions
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # One more try at once, for a connection that died in the pool; redis-py's own ten tries take seconds.
    retry = Retry(NoBackoff(), 1, supported_errors=(exceptions.ConnectionError,))
    return {
        "socket_timeout": 1.0,
        "socket_connect_timeout": 1.0,
        "retry": retry,
        "max_connections": 1024,
    }


def redis_mutexes(client: "Redis", lock_seconds: float) -> Callable[[str], Mutex]:
    """Locks between processes and machines; those of a process that dies expire.

    Args:
        client: of the server that all share, set up with ``redis_options``.
        lock_seconds: how long a lock lives, and how long another process is waited for: longer than any call takes.
    """
    return lambda key: client.lock(
        f"cabinet-lock:{key}",
        timeout=lock_seconds,
        blocking_timeout=lock_seconds,
        sleep=POLL_SECONDS,
    )
