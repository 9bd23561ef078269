"""Snapshots of delayed accounts (``delay_minutes``): such an account is displayed as it was.

``sampler`` takes a snapshot every now and then, whether anybody is watching or not. Visitors get
the newest one that is old enough. So nothing that happens can be seen earlier, whatever it changes,
and nothing has to be calculated backwards.

Figures that the API only sends as they are now are in the snapshot. So is the end of each list of
records with a time (closed trades, operations, logins, commissions), as it was: what the records
say about their times is not trusted, since the API's clock may be hours behind the configured
``timezone``, and a record may be corrected or entered later. Older records come from the API when
somebody requests them, since there may be a hundred thousand.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, NamedTuple, Protocol, TypeVar

from widget.config import Account
from widget.data.cache import BestEffort, write
from widget.errors import CabinetError, Delayed
from widget.names import Function

T = TypeVar("T")

# Six snapshots for each delay, so that what visitors see is never much older than it has to be.
SAMPLES_PER_DELAY = 6
MIN_INTERVAL_SECONDS = 15.0
MAX_INTERVAL_SECONDS = 600.0

RECENT = timedelta(days=2)
"""How far back a snapshot has the records of a list. That is more than two time zones can differ
(26 hours), so that a wrong ``timezone`` does not make a new record look older than this."""

OVERDUE_SECONDS = 30.0
"""How late a snapshot may be before figures count as stale: the time for its calls."""

SPARE_SNAPSHOTS = 2
"""How many snapshots that are old enough are stored: the one that is displayed, and the one before,
in case that the clock is set back a little."""


def sampling_interval(account: Account) -> float:
    """The seconds between two snapshots of an account."""
    interval = account.delay_seconds / SAMPLES_PER_DELAY
    interval = max(interval, MIN_INTERVAL_SECONDS)
    return min(interval, MAX_INTERVAL_SECONDS)


def max_snapshots(account: Account) -> int:
    """How many snapshots of an account are stored at most."""
    too_young = ceil(account.delay_seconds / sampling_interval(account))
    # One more, which was taken early.
    return too_young + SPARE_SNAPSHOTS + 1


@dataclass(frozen=True, slots=True)
class Sample:
    """What one function returned for a snapshot.

    Attributes:
        value: the result of the last successful call; None if none has been successful.
        began: the Unix second before the first call of the snapshot for which it was made.
        failure: the class of the error, if a newer call failed.
    """

    value: Any = None
    began: float = 0.0
    failure: type[CabinetError] | None = None


class Times(NamedTuple):
    """When a snapshot was taken: the Unix seconds before its first call and after its last one."""

    began: float
    ended: float


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What an account looked like at one time.

    Attributes:
        times: when it was taken. What it contains may have happened until the last call ended.
        samples: the results by function.
    """

    times: Times
    samples: Mapping[Function, Sample]


@dataclass(frozen=True, slots=True)
class Failure:
    """The latest attempts to take a snapshot, if they failed.

    Attributes:
        kind: the class of the last error.
        at: the Unix second of the last attempt.
        count: how many attempts failed in a row.
        pause: the seconds until the next attempt.
    """

    kind: type[CabinetError]
    at: float
    count: int
    pause: float


@dataclass(frozen=True, slots=True)
class Log:
    """Which snapshots of an account exist.

    Attributes:
        times: when they were taken, oldest first.
        failure: the attempts since the last one.
    """

    times: tuple[Times, ...] = ()
    failure: Failure | None = None

    @property
    def last_attempt(self) -> float:
        """The Unix second of the last attempt, successful or not; 0 if there was none."""
        if self.failure is not None:
            return self.failure.at
        if self.times:
            return self.times[-1].began
        return 0.0


class Visible(NamedTuple):
    """The snapshot that visitors may see now.

    Attributes:
        snapshot: the snapshot.
        stale: whether there should be a newer one, or the last attempt to take one failed.
        seconds_left: how long it takes until a newer one is old enough.
    """

    snapshot: Snapshot
    stale: bool
    seconds_left: float


class Store(Protocol):
    """Where snapshots are stored: a backend of Flask-Caching. It may fail at any time."""

    def get(self, key: str, /) -> Any: ...
    def set(self, key: str, value: Any, timeout: int, /) -> Any: ...
    def delete(self, key: str, /) -> Any: ...


class Snapshots:
    """The stored snapshots of all delayed accounts.

    Args:
        store: the store of the cache, which all processes share. While it fails, a process has its
            own snapshots.
        keep_seconds: for how long after the delay a snapshot is displayed if there is no newer one.
        clock: gives Unix seconds.
    """

    def __init__(
        self,
        store: Store,
        *,
        keep_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._store = SafeStore(store, clock)
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._accounts: dict[str, AccountSnapshots] = {}

    def of(self, account: Account, identity: str) -> "AccountSnapshots":
        """The snapshots of an account.

        Args:
            account: the account.
            identity: a digest of the settings that shape a snapshot, part of each key.
        """
        name = f"{account.slug}#{identity}"
        known = self._accounts.get(name)
        if known is not None:
            return known
        created = AccountSnapshots(
            account,
            identity,
            self._store,
            keep_seconds=self._keep_seconds,
            clock=self._clock,
        )
        # Another thread may have been faster.
        return self._accounts.setdefault(name, created)


class SafeStore:
    """A store whose failures are logged, and not raised."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._reading = BestEffort("reading snapshots", clock)
        self._writing = BestEffort("writing snapshots", clock)

    def get(self, key: str) -> Any:
        """The value of a key; None if there is none, or the store fails."""
        return self._reading.attempt(lambda: self._store.get(key))

    def set(self, key: str, value: object, seconds: float) -> None:
        """Store a value for some time."""
        self._writing.attempt(lambda: write(self._store, key, value, seconds))

    def delete(self, key: str) -> None:
        """Drop a value. One that cannot be dropped now expires later."""
        self._writing.attempt(lambda: self._store.delete(key))


class AccountSnapshots:
    """The stored snapshots of one account. See ``Snapshots`` for the arguments."""

    def __init__(
        self,
        account: Account,
        identity: str,
        store: SafeStore,
        *,
        keep_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._account = account
        self._identity = identity
        self._store = store
        self._delay_seconds = account.delay_seconds
        self._keep_seconds = keep_seconds
        self._clock = clock
        self._log = Log()
        self._local: dict[Times, Snapshot] = {}
        self._lock = threading.Lock()

    @property
    def lock_key(self) -> str:
        """The key of the lock for taking a snapshot."""
        return f"{self._account.slug}:sampling#{self._identity}"

    def log(self) -> Log:
        """Which snapshots exist, by all that the store and this process know."""
        stored = self._store.get(self._log_key) or Log()
        if stored.last_attempt >= self._log.last_attempt:
            return stored
        # The store has failed meanwhile, or has lost its contents.
        return self._log

    def latest(self) -> Snapshot | None:
        """The snapshot that was taken last; None if there is none."""
        times = self.log().times
        if not times:
            return None
        return self._read(times[-1])

    def add(self, snapshot: Snapshot) -> None:
        """Store a snapshot, and drop those that nobody needs any more."""
        stored = self.log().times
        remaining = needed(self._account, stored, self._clock())
        self._remember(snapshot)
        self._write(self._key(snapshot.times), snapshot)
        # Not before the snapshot is there: another process may read it at once.
        self._write_log(Log(times=(*remaining, snapshot.times)))
        for times in stored:
            if times not in remaining:
                self._store.delete(self._key(times))

    def add_failure(self, error: CabinetError) -> Failure:
        """Record that an attempt to take a snapshot failed."""
        log = self.log()
        count = 1
        if log.failure is not None:
            count += log.failure.count
        # The exponent has a limit: after days of failures the power would be a huge number.
        doublings = min(count - 1, 10)
        pause = MIN_INTERVAL_SECONDS * 2.0**doublings
        pause = min(pause, sampling_interval(self._account))
        pause = max(pause, error.retry_after or 0.0)
        failure = Failure(
            kind=type(error),
            at=self._clock(),
            count=count,
            pause=pause,
        )
        self._write_log(replace(log, failure=failure))
        return failure

    def seconds_until_due(self) -> float:
        """How long it takes until the next snapshot has to be taken; 0 or less for now."""
        log = self.log()
        interval = sampling_interval(self._account)
        if log.failure is not None:
            interval = log.failure.pause
        since_last = self._clock() - log.last_attempt
        # A last attempt in the future is from before the clock was set back.
        if since_last < 0:
            return 0.0
        return interval - since_last

    def visible(self) -> Visible:
        """The newest snapshot that is old enough.

        Raises:
            Delayed: there is none yet.
            CabinetError: there is none at all, because calls fail; the class is that of the
                failure.
        """
        now = self._clock()
        # Compared with the end of the last call, so that it contains nothing newer.
        newest = now - self._delay_seconds
        oldest = newest - self._keep_seconds
        log = self.log()
        for times in reversed(log.times):
            if not oldest <= times.ended <= newest:
                continue
            snapshot = self._read(times)
            if snapshot is None:
                continue
            seconds_left = next_visible(self._account, log, times) - now
            return Visible(
                snapshot=snapshot,
                stale=is_stale(self._account, log, times, now),
                seconds_left=max(0.0, seconds_left),
            )
        raise nothing_visible(self._account, log, now)

    def sample(self, snapshot: Snapshot, function: Function) -> Sample:
        """What a function returned for a snapshot, or before if it failed then.

        Raises:
            Delayed: the function was not called: its widget was enabled later.
            CabinetError: no call has been successful, or not for too long; the class is that of
                the failure.
        """
        now = self._clock()
        sample = snapshot.samples.get(function)
        if sample is None:
            raise delayed_until(now + self._delay_seconds, now)
        kind = sample.failure or CabinetError
        if sample.value is None:
            raise kind(f"{function}: no call for a snapshot has been successful")
        age = now - self._delay_seconds - sample.began
        if sample.failure is not None and age > self._keep_seconds:
            raise kind(f"{function}: no call for a recent snapshot has been successful")
        return sample

    @property
    def _log_key(self) -> str:
        return f"{self._account.slug}:snapshots#{self._identity}"

    def _key(self, times: Times) -> str:
        return f"{self._account.slug}:snapshot:{times.began:.3f}#{self._identity}"

    def _read(self, times: Times) -> Snapshot | None:
        """A snapshot; None if the store has lost it."""
        snapshot = self._local.get(times)
        if snapshot is not None:
            return snapshot
        stored: Snapshot | None = self._store.get(self._key(times))
        if stored is not None:
            # The next request for it need not unpickle it.
            self._remember(stored)
        return stored

    def _remember(self, snapshot: Snapshot) -> None:
        """Keep a snapshot in memory, and forget those that nobody needs any more."""
        with self._lock:
            known = {**self._local, snapshot.times: snapshot}
            oldest_first = sorted(known)
            times = needed(self._account, oldest_first, self._clock())
            # A new dictionary: other threads read the present one without the lock.
            self._local = {each: known[each] for each in times}

    def _write_log(self, log: Log) -> None:
        self._log = log
        self._write(self._log_key, log)

    def _write(self, key: str, value: object) -> None:
        self._store.set(key, value, self._delay_seconds + self._keep_seconds)


def needed(account: Account, times: Iterable[Times], now: float) -> list[Times]:
    """Those snapshots that are displayed now or later, oldest first.

    Args:
        account: whose snapshots.
        times: when they were taken, oldest first.
        now: Unix seconds.
    """
    newest_visible = now - account.delay_seconds
    old_enough = []
    too_young = []
    for each in times:
        # A time in the future is from before the clock was set back. It would only get in the way.
        if each.began > now:
            continue
        if each.ended > newest_visible:
            too_young.append(each)
        else:
            old_enough.append(each)
    remaining = old_enough[-SPARE_SNAPSHOTS:] + too_young
    limit = max_snapshots(account)
    return remaining[-limit:]


def next_visible(account: Account, log: Log, times: Times) -> float:
    """The Unix second in which the snapshot after this one is old enough."""
    # If there is none yet, it is due when the interval has passed.
    taken_at = times.began + sampling_interval(account)
    for each in log.times:
        if each > times:
            taken_at = each.ended
            break
    return taken_at + account.delay_seconds


def is_stale(
    account: Account,
    log: Log,
    times: Times,
    now: float,
) -> bool:
    """Whether sampling failed or is overdue.

    Args:
        account: whose snapshots.
        log: which of them exist, at least one.
        times: of the one that visitors see.
        now: Unix seconds.
    """
    if log.failure is not None:
        return True
    longest = sampling_interval(account) + OVERDUE_SECONDS
    last = log.times[-1]
    since_last = now - last.began
    # A newer snapshot should have become visible by now.
    since_visible = now - times.ended - account.delay_seconds
    return max(since_last, since_visible) > longest


def nothing_visible(account: Account, log: Log, now: float) -> CabinetError:
    """The error for visitors while no snapshot is old enough."""
    delay_seconds = account.delay_seconds
    # Of the snapshots that are not old enough yet, the oldest one is displayed first.
    for times in log.times:
        available_at = times.ended + delay_seconds
        if available_at > now:
            return delayed_until(available_at, now)
    if log.failure is not None:
        # Nobody knows when there will be figures.
        return log.failure.kind(f"{account.slug}: no snapshot can be taken")
    return delayed_until(now + delay_seconds, now)


def delayed_until(available_at: float, now: float) -> Delayed:
    """The error for visitors who can see figures at a Unix second."""
    # At least a second, so that no client tries again at once.
    seconds = max(1.0, available_at - now)
    return Delayed(datetime.fromtimestamp(now + seconds, UTC), retry_after=seconds)


def join_records(
    old: Iterable[T],
    recent: Iterable[T],
    since: datetime,
    time_of: Callable[[T], datetime],
) -> tuple[T, ...]:
    """A list of records as it was, in the order of both lists.

    Args:
        old: the records that the API has now; only those before ``since`` are used.
        recent: those of a snapshot, from ``since`` on.
        since: where the two meet.
        time_of: the time of a record.
    """
    before = [record for record in old if time_of(record) < since]
    return (*recent, *before)


def recent_start(began: float) -> datetime:
    """Since when the snapshot of a time has the records of lists."""
    return datetime.fromtimestamp(began, UTC) - RECENT
