"""Results that are calculated from cached values: once for each version of the values, and not once
for each request, language and form.

A history can have a hundred thousand trades, and what is calculated from them changes only when it
is fetched again.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from widget.single_flight import SingleFlight

T = TypeVar("T")

MAX_RESULTS = 64
"""Results that a process has in memory. The least recently used one is dropped first. Few, because
a visitor can choose any period, and the trades of a long one take a megabyte."""

MAX_WAIT_SECONDS = 10.0
"""How long a request waits for another one that calculates the same. It takes less than a second,
so this only ends what hangs."""


class DerivedResults:
    """Results by key. Of each, only the version that was calculated last is stored."""

    def __init__(self) -> None:
        self._results: OrderedDict[Hashable, tuple[Hashable, Any]] = OrderedDict()
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
            known_version, result = self._results.get(key, (None, None))
            if known_version == version:
                self._results.move_to_end(key)
                found: T = result
                return found
        flight, is_leader = self._flights.join((key, version))
        if not is_leader:
            shared: T = flight.result(MAX_WAIT_SECONDS)
            return shared
        calculated: T = flight.run(lambda: self._calculate(key, version, calculate))
        return calculated

    def _calculate(self, key: Hashable, version: Hashable, calculate: Callable[[], T]) -> T:
        result = calculate()
        with self._lock:
            self._results[key] = (version, result)
            self._results.move_to_end(key)
            if len(self._results) > MAX_RESULTS:
                self._results.popitem(last=False)
        return result
