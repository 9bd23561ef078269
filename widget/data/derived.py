"""Results that are calculated from cached values: once for each version of the values, and not once
for each request, language and form.

A history can have a hundred thousand trades, and what is calculated from them changes only when it
is fetched again.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, TypeVar

from widget.single_flight import SingleFlight

T = TypeVar("T")

MAX_RESULTS = 64
"""Results that a process has in memory. The least recently used one is dropped first. Few, because
a visitor can choose any period, and the trades of a long one take a megabyte."""

MAX_WAIT_SECONDS = 10.0
"""How long a request waits for another one that calculates the same. It takes less than a second,
so this only ends what hangs."""


class Result(NamedTuple):
    """A result, and what identifies the values that it was calculated from."""

    version: Hashable
    value: Any


class DerivedResults:
    """Results by key. Of each, only the version that was calculated last is stored."""

    def __init__(self) -> None:
        self._results: OrderedDict[Hashable, Result] = OrderedDict()
        self._flights = SingleFlight[Hashable, Any]()
        self._lock = threading.Lock()

    def get(self, key: Hashable, version: Hashable, calculate: Callable[[], T]) -> T:
        """The result for a key, calculated only if there is none of this version.

        Args:
            key: identifies the result: what is calculated, for which account and period.
            version: identifies the values that it is calculated from.
            calculate: returns the result, which nobody may change.
        """
        with self._lock:
            known = self._results.get(key)
            if known is not None and known.version == version:
                self._results.move_to_end(key)
                found: T = known.value
                return found
        flight, is_leader = self._flights.join((key, version))
        if not is_leader:
            shared: T = flight.result(MAX_WAIT_SECONDS)
            return shared
        calculated: T = flight.run(lambda: self._calculate(key, version, calculate))
        return calculated

    def _calculate(self, key: Hashable, version: Hashable, calculate: Callable[[], T]) -> T:
        # Without the lock: it may take a while, and others need other results.
        value = calculate()
        with self._lock:
            self._results[key] = Result(version, value)
            self._results.move_to_end(key)
            if len(self._results) > MAX_RESULTS:
                self._results.popitem(last=False)
        return value
