"""The threads that call APIs, and the requests that wait for them, divided among the APIs.

An API that hangs occupies its own share, so that the widgets of the others do not wait for it. In
the same way, an account has only a few of its API's threads.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

MAX_CALLS = 32
"""Calls in progress at once, for all APIs together."""

MIN_CALLS_PER_API = 4
"""What an API may have in progress even if there are many of them. Threads that wait for a response
cost next to nothing."""

MAX_CALLS_PER_ACCOUNT = 4
"""Calls in progress at once for one account."""

MAX_WAITING = 128
"""Requests that wait at once, for all APIs together. Each occupies a thread of the server, which
needs some for requests that do not wait."""


class QueuedCall(NamedTuple):
    """A call that waits for its turn, and the future that will have its result."""

    run: Callable[[], Any]
    future: Future[Any]


class LimitedExecutor(Executor):
    """Runs calls on another executor, a limited number at once.

    The others wait in a queue. With a semaphore, they would occupy threads while they wait.

    Args:
        executor: runs the calls.
        limit: how many it gets at once.
    """

    def __init__(self, executor: Executor, limit: int) -> None:
        self._executor = executor
        self._free = limit
        self._queue: deque[QueuedCall] = deque()
        self._lock = threading.Lock()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See ``Executor.submit``. A call that is never made is cancelled."""
        call = QueuedCall(partial(fn, *args, **kwargs), Future())
        with self._lock:
            self._queue.append(call)
        self._start_next()
        return call.future

    def _start_next(self) -> None:
        """Start the call that has waited longest, unless as many as allowed are in progress."""
        with self._lock:
            if self._free == 0 or not self._queue:
                return
            self._free -= 1
            call = self._queue.popleft()
        try:
            submitted = self._executor.submit(call.run)
        except RuntimeError:  # it is shut down, or the system has no thread left
            self._cancel(call.future)
            return
        submitted.add_done_callback(partial(self._finish, call.future))

    def _finish(self, future: Future[Any], submitted: Future[Any]) -> None:
        """Pass on the result of a call, and start the next one."""
        if submitted.cancelled():
            # The executor is being shut down, and would wait forever for a call that it gets now.
            self._cancel(future)
            return
        error = submitted.exception()
        if error is None:
            future.set_result(submitted.result())
        else:
            future.set_exception(error)
        with self._lock:
            self._free += 1
        self._start_next()

    def _cancel(self, future: Future[Any]) -> None:
        """Cancel a call that the executor did not accept, and those in the queue."""
        with self._lock:
            self._free += 1
            futures = [future, *(call.future for call in self._queue)]
            self._queue.clear()
        for each in futures:
            each.cancel()


class ApiShare:
    """What the accounts of one API may occupy together.

    Args:
        executor: runs the calls.
        max_waiting: how many requests may wait at once.
    """

    def __init__(self, executor: Executor, max_waiting: int) -> None:
        self._executor = executor
        self._places = threading.Semaphore(max_waiting)
        self._accounts: dict[str, LimitedExecutor] = {}

    def executor_for(self, account: str) -> Executor:
        """What runs the calls of an account."""
        executor = self._accounts.get(account)
        if executor is not None:
            return executor
        executor = LimitedExecutor(self._executor, MAX_CALLS_PER_ACCOUNT)
        # Another thread may have been faster.
        return self._accounts.setdefault(account, executor)

    @contextmanager
    def place(self) -> Iterator[bool]:
        """A place for a request that waits; False if there is none left."""
        has_place = self._places.acquire(blocking=False)
        try:
            yield has_place
        finally:
            if has_place:
                self._places.release()

    def close(self) -> None:
        """Start no further calls. Those in progress end by themselves; nobody waits for them."""
        self._executor.shutdown(wait=False, cancel_futures=True)


class CallThreads:
    """The shares of all APIs.

    Args:
        apis: how many different APIs there are.
        max_waiting: how many requests may wait at once, for all APIs together.
        create_executor: creates what runs the calls of an API, from their maximum number; by
            default a thread pool.
    """

    def __init__(
        self,
        apis: int = 1,
        max_waiting: int = MAX_WAITING,
        create_executor: Callable[[int], Executor] = ThreadPoolExecutor,
    ) -> None:
        self._max_calls = max(MIN_CALLS_PER_API, MAX_CALLS // apis)
        # Without a place, requests of an API would never wait for figures that are not cached.
        self._max_waiting = max(1, max_waiting // apis)
        self._create_executor = create_executor
        self._shares: dict[str, ApiShare] = {}
        self._lock = threading.Lock()

    def share_of(self, api: str) -> ApiShare:
        """The share of an API, by any name that is always the same."""
        with self._lock:
            share = self._shares.get(api)
            if share is None:
                executor = self._create_executor(self._max_calls)
                share = ApiShare(executor, self._max_waiting)
                self._shares[api] = share
            return share

    def close(self) -> None:
        """Start no further calls."""
        with self._lock:
            shares = list(self._shares.values())
        for share in shares:
            share.close()
