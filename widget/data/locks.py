"""Locks between processes: one machine shares files, several machines share a Redis server."""

import fcntl
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from zlib import crc32

if TYPE_CHECKING:
    from redis import Redis

POLL_SECONDS = 0.05
"""How often a process that waits for a lock tries to take it."""

FILE_LOCKS = 1024
"""Lock files in a directory. Keys share them, so that their number does not grow with the number of
keys."""


class ProcessLock(Protocol):
    """A lock between processes. ``acquire`` gives up after some time and returns False."""

    def acquire(self) -> bool: ...
    def release(self) -> object: ...


def no_other_process(_: str) -> ProcessLock:
    """The lock for a key if no other process shares the store: everybody gets it."""
    return threading.Lock()


class FileLock:
    """A lock on a file. The system releases it if the process dies.

    Args:
        path: the file; it is created if needed.
        wait_seconds: how long ``acquire`` waits at most.
    """

    def __init__(self, path: Path, wait_seconds: float) -> None:
        self._path = path
        self._wait_seconds = wait_seconds
        self._open_file = ExitStack()

    def acquire(self) -> bool:
        """Take the lock; False if another process holds it all the time."""
        give_up_at = time.monotonic() + self._wait_seconds
        with ExitStack() as opened:
            file = opened.enter_context(self._path.open("a"))
            while time.monotonic() < give_up_at:
                # flock() cannot wait for a limited time, so a non-blocking attempt is repeated.
                with suppress(BlockingIOError):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    self._open_file = opened.pop_all()
                    return True
                time.sleep(POLL_SECONDS)
        return False

    def release(self) -> None:
        """Release the lock by closing its file."""
        self._open_file.close()


def file_locks(directory: Path, lock_seconds: float) -> Callable[[str], ProcessLock]:
    """Locks between the processes of one machine, by key.

    Args:
        directory: a directory for lock files only; it is created if needed.
        lock_seconds: how long to wait for another process: longer than any call takes.
    """
    directory.mkdir(parents=True, exist_ok=True)

    def lock(key: str) -> ProcessLock:
        # Not hash(), which differs between processes.
        number = crc32(key.encode()) % FILE_LOCKS
        return FileLock(directory / f"{number:03x}.lock", lock_seconds)

    return lock


def redis_options() -> dict[str, Any]:
    """Options for a Redis client with many threads that must not be held up if Redis hangs or is
    gone.
    """
    from redis import exceptions
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    # One more attempt at once, for a pooled connection that was closed. By default redis-py makes
    # ten, which takes seconds.
    retry = Retry(NoBackoff(), 1, supported_errors=(exceptions.ConnectionError,))
    return {
        "socket_timeout": 1.0,
        "socket_connect_timeout": 1.0,
        "retry": retry,
        # The default of 100 is less than the number of threads, and the 101st would get an error.
        "max_connections": 1024,
    }


def redis_locks(client: "Redis", lock_seconds: float) -> Callable[[str], ProcessLock]:
    """Locks between processes and machines, by key. They expire if the process that holds them
    dies.

    Args:
        client: a client of the shared server, created with ``redis_options``.
        lock_seconds: how long a lock lives, and how long to wait for another process: longer than
            any call takes.
    """
    return lambda key: client.lock(
        f"cabinet-lock:{key}",
        timeout=lock_seconds,
        blocking_timeout=lock_seconds,
        sleep=POLL_SECONDS,
    )
