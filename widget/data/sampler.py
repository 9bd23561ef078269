"""Takes the snapshots of delayed accounts: on its own, whether anybody is watching or not.

Each process has a sampler. They share a lock and the stored snapshots, so that only one of them
takes each snapshot.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from widget.api.guard import GuardedClient
from widget.api.records import Commission, History, Login, Operation
from widget.config import Account
from widget.data.cache import BestEffort
from widget.data.ledger import Ledger, Reading, read_consistently, read_once
from widget.data.locks import ProcessLock, no_other_process
from widget.data.snapshots import (
    AccountSnapshots,
    Sample,
    Snapshot,
    Snapshots,
    Times,
    recent_start,
)
from widget.data.source import cache_identity, newest_first, opening_time
from widget.errors import CabinetError
from widget.names import Function

MAX_SAMPLES_PER_API = 8
"""Snapshots that are taken at once, each of one account. An API that hangs must not delay those of
the others."""

TICK_SECONDS = 1.0
"""How often the sampler looks whether a snapshot is due."""

CURRENT: Final[tuple[Function, ...]] = ("open_trades", "summary", "bonus", "referrals")
"""Functions that are called for each snapshot, next to those of the ledger."""

INDEPENDENT: Final[tuple[Function, ...]] = ("logins", "commissions")
"""Functions whose records have nothing to do with the other figures. So they are called only when
their time to live has passed, as without a delay."""

# The API may filter by its own clock, and that may be in another time zone.
CLOCK_MARGIN = timedelta(days=1)

T = TypeVar("T", Login, Commission, Operation)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to sample.

    Attributes:
        account: a delayed account.
        functions: those that its widgets use.
    """

    account: Account
    functions: frozenset[Function]


class Check(NamedTuple):
    """When it was checked whether a snapshot is due, and in how many seconds it will be."""

    at: float
    seconds: float

    def is_valid(self, now: float) -> bool:
        """Whether nothing is due yet; no longer if the clock was set back."""
        return 0 <= now - self.at < self.seconds


class Sampler:
    """Takes snapshots whenever they are due, in the background.

    Args:
        plans: the delayed accounts.
        client: makes the calls.
        snapshots: where the snapshots are stored.
        clock: gives Unix seconds.
        lock: creates the lock between processes for a key, see ``locks``.
    """

    def __init__(
        self,
        plans: Iterable[Plan],
        client: GuardedClient,
        snapshots: Snapshots,
        *,
        clock: Callable[[], float],
        lock: Callable[[str], ProcessLock] = no_other_process,
    ) -> None:
        self._plans = list(plans)
        self._client = client
        self._snapshots = snapshots
        self._clock = clock
        self._lock = lock
        self._locking = BestEffort("locking snapshots", clock)
        # The API of each account of which a snapshot is being taken.
        self._in_progress: dict[str, str] = {}
        self._checks: dict[str, Check] = {}
        self._stopping = threading.Event()

    def start(self) -> None:
        """Begin to take snapshots. Does nothing if no account has a delay."""
        if not self._plans:
            return
        # A daemon, since a call that hangs must not keep the process from ending.
        start_daemon(self._run, "cabinet-sampler")

    def stop(self) -> None:
        """Take no further snapshots. Calls in progress end by themselves; nobody waits for them."""
        self._stopping.set()

    def due(self) -> list[Plan]:
        """The accounts of which a snapshot has to be taken now."""
        found = []
        for plan in self._plans:
            slug = plan.account.slug
            now = self._clock()
            check = self._checks.get(slug)
            # The store need not be read: no process takes the snapshot earlier.
            if check is not None and check.is_valid(now):
                continue
            seconds = self._stored(plan.account).seconds_until_due()
            self._checks[slug] = Check(now, seconds)
            if seconds <= 0:
                found.append(plan)
        return found

    def sample(self, plan: Plan) -> None:
        """Take a snapshot of an account, unless another process has just done it."""
        stored = self._stored(plan.account)
        with self._locking.hold(self._lock(stored.lock_key)) as is_held:
            # If locks fail, at worst there are two snapshots.
            if is_held is False:
                return
            # After waiting for another process, its snapshot or its failure is there.
            if stored.seconds_until_due() <= 0:
                self._sample(plan, stored)

    def _run(self) -> None:
        while not self._stopping.wait(TICK_SECONDS):
            try:
                for plan in self.due():
                    self._start_sample(plan)
            except Exception:
                # Even a bug must not end the sampling of all accounts.
                log.exception("the sampler failed")

    def _start_sample(self, plan: Plan) -> None:
        """Take a snapshot on a thread of its own, unless one is in progress."""
        slug = plan.account.slug
        api = plan.account.api.base_url
        # A copy, because other threads end meanwhile.
        busy = list(self._in_progress.values())
        if slug in self._in_progress or busy.count(api) >= MAX_SAMPLES_PER_API:
            return
        self._in_progress[slug] = api

        def run() -> None:
            try:
                self.sample(plan)
            finally:
                del self._in_progress[slug]

        start_daemon(run, f"cabinet-sample-{slug}")

    def _stored(self, account: Account) -> AccountSnapshots:
        return self._snapshots.of(account, cache_identity(account))

    def _sample(self, plan: Plan, stored: AccountSnapshots) -> None:
        """Take a snapshot and store it, or its failure."""
        slug = plan.account.slug
        taking = Taking(plan, self._client, self._clock, stored.latest())
        try:
            snapshot = taking.snapshot()
        except CabinetError as error:
            failure = stored.add_failure(error)
            log.warning(
                "%s: snapshot: %s: %s (failure %d, pause %.0f s)",
                slug,
                type(error).__name__,
                error,
                failure.count,
                failure.pause,
            )
        except Exception:
            stored.add_failure(CabinetError("unexpected"))
            log.exception("%s: snapshot: unexpected", slug)
        else:
            stored.add(snapshot)


class Taking:
    """The calls for one snapshot.

    Args:
        plan: what to sample.
        client: makes the calls.
        clock: gives Unix seconds.
        previous: the snapshot before, if there is one.
    """

    def __init__(
        self,
        plan: Plan,
        client: GuardedClient,
        clock: Callable[[], float],
        previous: Snapshot | None,
    ) -> None:
        self._account = plan.account
        self._functions = plan.functions
        self._client = client
        self._clock = clock
        self._began = clock()
        # Each sample stays until it is replaced by a newer one.
        self._samples: dict[Function, Sample] = {}
        if previous is None:
            return
        # What is no longer sampled must not become visible again when it is.
        for function, sample in previous.samples.items():
            if function in plan.functions:
                self._samples[function] = sample

    def snapshot(self) -> Snapshot:
        """Make the calls, right after this object was created.

        Raises:
            CabinetError: the balance is not available.
        """
        self._add_ledger()
        for function in CURRENT:
            if function in self._functions:
                self._add(function, partial(self._call, function))
        for function in INDEPENDENT:
            if function in self._functions and not self._is_fresh(function):
                self._add(function, partial(self._recent_records, function))
        return Snapshot(Times(self._began, self._clock()), self._samples)

    def _add_ledger(self) -> None:
        """Call for the balance, and for the trades and operations of the same moment."""
        if "closed_trades" in self._functions:
            self._add("closed_trades", self._read_ledger)
        ledger = self._samples.get("closed_trades")
        if ledger is not None and ledger.failure is None:
            information = ledger.value.information
        else:
            # If this fails as well, the API cannot be reached or refuses the account.
            information = self._call("balance")
        self._samples["balance"] = Sample(information, self._began)

    def _add(self, function: Function, fetch: Callable[[], object]) -> None:
        """Add what a function returns now; if it fails, what it returned before."""
        try:
            self._samples[function] = Sample(fetch(), self._began)
        except CabinetError as error:
            kind = type(error)
            log.warning("%s: snapshot: %s: %s", self._account.slug, kind.__name__, error)
            earlier = self._samples.get(function, Sample())
            self._samples[function] = replace(earlier, failure=kind)

    def _is_fresh(self, function: Function) -> bool:
        """Whether the previous snapshot has a value that does not have to be refreshed yet."""
        sample = self._samples.get(function)
        if sample is None or sample.failure is not None:
            return False
        return self._began - sample.began < self._account.ttl(function)

    def _read_ledger(self) -> Reading:
        """The balance, and the recent trades and operations of the same moment."""
        start = recent_start(self._began)
        previous: Ledger | None = None
        sample = self._samples.get("closed_trades")
        if sample is not None and sample.value is not None:
            previous = sample.value.ledger(None)
        return read_consistently(
            partial(self._read_recent, start),
            previous,
            start,
            now=datetime.fromtimestamp(self._began, UTC),
            seconds=self._account.api.deadline_seconds,
        )

    def _read_recent(self, start: datetime) -> Reading:
        """Read balance, trades and operations once, and leave out what happened before a time."""
        reading = read_once(
            self._call,
            start - CLOCK_MARGIN,
            has_operations=self._client.offers(self._account, "operations"),
        )
        operations = reading.operations
        if operations is not None:
            operations = records_since(operations, start)
        history = recent_history(reading.history, start)
        return replace(reading, history=history, operations=operations)

    def _recent_records(self, function: Function) -> tuple[Any, ...]:
        """The records of a function without a period, since the time that is left to snapshots."""
        records = self._call(function)
        assert isinstance(records, tuple)
        return records_since(records, recent_start(self._began))

    def _call(self, function: Function, start: datetime | None = None) -> object:
        return newest_first(self._client.call(self._account, function, start))


def start_daemon(run: Callable[[], None], name: str) -> None:
    """Run something on a thread of its own, which ends with the process."""
    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()


def records_since(records: Iterable[T], start: datetime) -> tuple[T, ...]:
    """The records of a list since a time."""
    return tuple(record for record in records if opening_time(record) >= start)


def recent_history(history: History, start: datetime) -> History:
    """The part of a history since a time."""
    trades = tuple(trade for trade in history.trades if trade.close_time >= start)
    return History(trades, records_since(history.operations, start))


def functions_to_sample(
    account: Account,
    used: Collection[Function],
    client: GuardedClient,
) -> frozenset[Function]:
    """The functions that the snapshots of an account need, in addition to the balance.

    Args:
        account: the account.
        used: the functions that its widgets use.
        client: knows which of them the API has.
    """
    found = set()
    for function in used:
        if client.offers(account, function):
            found.add(client.shared_function(account, function))
    # Operations are part of the same sample, whether the API sends them among the trades or not.
    if "operations" in used:
        found.add("closed_trades")
    return frozenset(found)
