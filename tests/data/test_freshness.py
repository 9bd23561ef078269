"""What is served, and who waits, compared with the sentences of docs/operations.md."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any

from conftest import Clock
from effort import examples
from flask_caching.backends.simplecache import SimpleCache
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from widget.data.cache import SPREAD, CachedValue, Environment, FreshCache, share_of_key
from widget.data.call_threads import CallThreads
from widget.errors import Refused, Unavailable

START = 1_800_000_000.0
TTL = 15.0
PATIENCE = 0.002
"""So short because a visitor of a call that hangs really waits for so long."""


class Manual(Executor):
    """Makes calls at once or, if they hang, when a test ends them."""

    def __init__(self) -> None:
        self.hangs = False
        self.pending: list[tuple[Future[Any], Callable[[], Any]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        call = partial(fn, *args, **kwargs)
        if self.hangs:
            self.pending.append((future, call))
        else:
            future.set_result(call())
        return future

    def end(self) -> None:
        """Let the call end that hangs."""
        future, call = self.pending.pop()
        future.set_result(call())


class Visits(RuleBasedStateMachine):
    """Visitors of one value. A simple model says what each of them gets."""

    @initialize()
    def begin(self) -> None:
        self.clock = Clock(START)
        self.executor = Manual()
        self.api_works = True
        self.cache = FreshCache(
            SimpleCache(),
            keep_seconds=10**9,
            patience_seconds=PATIENCE,
            threads=CallThreads(create_executor=lambda _: self.executor),
            environment=Environment(self.clock, self.clock, lambda: 0.0),
        )
        # The model.
        self.value: float | None = None
        self.failures = 0
        self.failed_at = 0.0
        self.call_began: float | None = None

    @rule(seconds=st.sampled_from([PATIENCE / 2, 2 * PATIENCE, 3, 14, 16, 35, 600, 86400]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @precondition(lambda self: self.call_began is not None)
    @rule(works=st.booleans())
    def the_call_that_hangs_ends(self, works: bool) -> None:
        self.api_works = works
        self.executor.end()
        self.call_ends(works)

    @rule(call=st.sampled_from(["works", "fails", "hangs"]))
    def somebody_visits(self, call: str) -> None:
        """A visitor comes; if there is a call because of that, it works, fails or hangs."""
        now = self.clock.now
        self.api_works = call == "works"
        self.executor.hangs = call == "hangs"
        age = now - (self.value or 0)
        value_before = self.value
        failures_before = self.failures
        if self.is_due(age) and self.call_began is None:
            self.call_began = now
            if call != "hangs":
                self.call_ends(call == "works")
        # Only who waits for the call gets its result.
        if value_before is None or age > 2 * TTL:
            value_before = self.value
            failures_before = self.failures
        result = self.visit()
        if value_before is None:
            assert result is None
            return
        is_old = now - value_before > TTL
        is_stale = is_old and (failures_before > 0 or self.is_overdue())
        assert result == CachedValue(value_before, value_before, is_stale)

    def visit(self) -> CachedValue[float] | None:
        try:
            return self.cache.get("k", TTL, self.fetch, PATIENCE)
        except (Refused, Unavailable):
            return None

    def fetch(self) -> float:
        if not self.api_works:
            raise Refused("no")
        return self.clock.now

    def call_ends(self, works: bool) -> None:
        self.call_began = None
        if works:
            self.value = self.clock.now
            self.failures = 0
        else:
            self.failed_at = self.clock.now
            self.failures += 1

    def is_due(self, age: float) -> bool:
        # The share of the key only delays a call a little.
        if age <= TTL * (1 + SPREAD * share_of_key("k")):
            return False
        if self.failures == 0:
            return True
        doublings = min(self.failures - 1, 10)
        pause = min(300.0, 5.0 * 2.0**doublings)
        return self.clock.now - self.failed_at >= pause

    def is_overdue(self) -> bool:
        """Whether the call has lasted for the patience, within the tenth that is tolerated."""
        if self.call_began is None:
            return False
        return self.clock.now - self.call_began >= 0.9 * PATIENCE


Visits.TestCase.settings = settings(max_examples=examples(150), stateful_step_count=40)
TestVisits = Visits.TestCase
