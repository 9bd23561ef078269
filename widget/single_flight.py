"""Single flight: of all callers that need the same result at the same time, one makes the call.

The first caller for a key is the leader of a flight and has to make the call, in its own thread
with ``Flight.run`` or on a thread pool with ``Flight.start``. Everybody else who joins before the
call ends is a follower and gets the same result from ``Flight.result``, or the same error::

    flight, is_leader = flights.join(key)
    if is_leader:
        return flight.run(call)
    return flight.result(wait_seconds)
"""

import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
T = TypeVar("T")


class Flight(Generic[T]):
    """One call in progress, whose result several callers share.

    Attributes:
        began: when its leader joined, by the clock of the ``SingleFlight``.
    """

    def __init__(self, began: float, on_end: Callable[[], object]) -> None:
        self.began = began
        self._on_end = on_end
        self._future: Future[T] = Future()

    def run(self, call: Callable[[], T]) -> T:
        """Make the call in this thread and share its result. For the leader.

        Raises:
            BaseException: whatever the call raises; followers get the same exception.
        """
        try:
            result = call()
        except BaseException as error:
            # Followers must not wait forever, so this includes SystemExit and the like.
            self._on_end()
            self._future.set_exception(error)
            raise
        # The flight ends before its result is published. A caller that finds the result out of date
        # (a token that was just refused) must not be able to join the flight that brought it.
        self._on_end()
        self._future.set_result(result)
        return result

    def start(self, executor: Executor, call: Callable[[], T]) -> None:
        """Make the call on a thread of the executor and return at once. For the leader."""
        try:
            submitted = executor.submit(self.run, call)
        except RuntimeError:  # the executor is shut down, or the system has no thread left
            self._cancel()
            return
        submitted.add_done_callback(self._cancel_with)

    def result(self, wait_seconds: float) -> T:
        """Wait for the result. For followers, and for a leader that used ``start``.

        All callers get the same exception object: copy it before changing it.

        Raises:
            TimeoutError: there is no result yet after ``wait_seconds``.
            concurrent.futures.CancelledError: the executor was shut down before it made the call.
            BaseException: whatever the call raised.
        """
        # Less than 0 is a caller without time left, who still gets a result that is there already.
        timeout = max(0.0, wait_seconds)
        return self._future.result(timeout)

    def _cancel_with(self, submitted: Future[Any]) -> None:
        # A call that still waited for a thread when the executor was shut down is never made.
        if submitted.cancelled():
            self._cancel()

    def _cancel(self) -> None:
        """End the flight without a result, so that nobody waits for it."""
        self._on_end()
        self._future.cancel()


class SingleFlight(Generic[Key, T]):
    """The calls in progress, at most one for each key.

    Args:
        clock: gives the seconds in ``Flight.began``.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._flights: dict[Key, Flight[T]] = {}
        self._lock = threading.Lock()

    def join(self, key: Key) -> tuple[Flight[T], bool]:
        """The flight for a key, and whether the caller is its leader.

        A leader must call ``Flight.run`` or ``Flight.start``: otherwise, followers get no result.
        """
        with self._lock:
            flight = self._flights.get(key)
            if flight is not None:
                return flight, False

            def remove() -> None:
                self._flights.pop(key, None)

            began = self._clock()
            flight = Flight[T](began, on_end=remove)
            self._flights[key] = flight
            return flight, True

    def get(self, key: Key) -> Flight[T] | None:
        """The flight for a key, or None if there is none. It may end at any moment."""
        return self._flights.get(key)
