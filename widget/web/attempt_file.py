"""A file in which all processes of one machine count password attempts.

The library ``limits`` shares its counters through servers such as Redis only. SQLite takes care of
the locks, and of processes that die while they write.
"""

import fcntl
import os
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from limits.storage import MovingWindowSupport, Storage

_WAIT_SECONDS = 1.0  # for other processes, each of which writes for a few milliseconds
# For other threads of this process. Each takes as long as a process, and there are hundreds.
_THREAD_WAIT_SECONDS = 5.0
_FOLDER_PREFIX = "cabinet-widgets-serve-"
# Created by every connection, because the file may be removed while the service runs.
_SCHEMA = """
    PRAGMA synchronous = OFF;
    CREATE TABLE IF NOT EXISTS entries (key TEXT, at REAL, expires REAL);
    CREATE INDEX IF NOT EXISTS by_key ON entries (key);
    CREATE INDEX IF NOT EXISTS by_expiry ON entries (expires);
"""


class AttemptFile(Storage, MovingWindowSupport):
    """Counts in a file, for ``MovingWindowRateLimiter``.

    Its errors are ``limits.errors.StorageError``, for example if the file cannot be written.

    Args:
        path: the file; it is created if needed.
        clock: Unix seconds, the same for all processes.
    """

    STORAGE_SCHEME = None  # it is not created from a URI

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__(wrap_exceptions=True)
        self._path = path
        self._clock = clock
        # SQLite does not queue: of many threads, some would time out and count in memory instead.
        # Then a burst of attempts could exceed the limit.
        self._lock = threading.Lock()

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the methods raise before it is wrapped."""
        return sqlite3.Error

    def acquire_entry(
        self,
        key: str,
        limit: int,
        expiry: int,
        amount: int = 1,
    ) -> bool:
        """Count if that does not exceed the limit; return whether it was counted."""
        with self._transaction() as database:
            if self._count(database, key) + amount > limit:
                return False
            self._insert(database, key, expiry, amount)
            return True

    def get_moving_window(
        self,
        key: str,
        limit: int,  # noqa: ARG002  # of the interface
        expiry: int,  # noqa: ARG002  # stored with each entry
    ) -> tuple[float, int]:
        """The time of the oldest entry that still counts, and the number of entries."""
        with self._transaction() as database:
            query = "SELECT MIN(at), COUNT(*) FROM entries WHERE key = ?"
            oldest, count = database.execute(query, [key]).fetchone()
            return oldest or self._clock(), count

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count without a limit; return the new number of entries."""
        with self._transaction() as database:
            self._insert(database, key, expiry, amount)
            return self._count(database, key)

    def get(self, key: str) -> int:
        """The number of entries."""
        with self._transaction() as database:
            return self._count(database, key)

    def get_expiry(self, key: str) -> float:
        """When the last entry expires, in Unix seconds."""
        with self._transaction() as database:
            query = "SELECT MAX(expires) FROM entries WHERE key = ?"
            [latest] = database.execute(query, [key]).fetchone()
            return latest or self._clock()

    def check(self) -> bool:
        """Whether the file can be written."""
        try:
            with self._transaction():
                return True
        except sqlite3.Error:
            return False

    def reset(self) -> int:
        """Remove all entries; return their number."""
        with self._transaction() as database:
            return database.execute("DELETE FROM entries").rowcount

    def clear(self, key: str) -> None:
        """Remove the entries of a key."""
        with self._transaction() as database:
            database.execute("DELETE FROM entries WHERE key = ?", [key])

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection that nobody else can write at the same time, without expired entries."""
        if not self._lock.acquire(timeout=_THREAD_WAIT_SECONDS):
            raise sqlite3.OperationalError("too many threads wait for the file")
        try:
            with self._transaction_between_processes() as database:
                yield database
        finally:
            self._lock.release()

    @contextmanager
    def _transaction_between_processes(self) -> Iterator[sqlite3.Connection]:
        # One for each transaction: a connection belongs to a thread, and there are hundreds.
        opened = sqlite3.connect(self._path, timeout=_WAIT_SECONDS, isolation_level=None)
        with closing(opened) as database:
            database.executescript(_SCHEMA)
            # Locked from the beginning. Otherwise two processes could read the same count.
            database.execute("BEGIN IMMEDIATE")
            # Closing the connection rolls back what is not committed.
            database.execute("DELETE FROM entries WHERE expires <= ?", [self._clock()])
            yield database
            database.execute("COMMIT")

    def _count(self, database: sqlite3.Connection, key: str) -> int:
        query = "SELECT COUNT(*) FROM entries WHERE key = ?"
        [count] = database.execute(query, [key]).fetchone()
        return int(count)

    def _insert(
        self,
        database: sqlite3.Connection,
        key: str,
        expiry: int,
        amount: int,
    ) -> None:
        now = self._clock()
        row = (key, now, now + expiry)
        database.executemany("INSERT INTO entries VALUES (?, ?, ?)", [row] * amount)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder for the file of one service. It is removed at the end.

    If the service is killed, the next one of the same user removes its folder.

    Raises:
        OSError: there is no folder for temporary files.
    """
    _remove_abandoned_folders()
    # Under another name until it is locked, so that it never looks abandoned.
    created = Path(tempfile.mkdtemp(prefix=f".{_FOLDER_PREFIX}"))
    with _locked(created):
        folder = created.rename(created.with_name(created.name.removeprefix(".")))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned_folders() -> None:
    """Remove the folders of this user that no process has locked."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER_PREFIX}*"):
        # It is still in use, or another process removes it at the same time.
        with suppress(OSError):
            if folder.lstat().st_uid == os.geteuid():
                with _locked(folder):
                    shutil.rmtree(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock a folder until the end, or until the process dies; OSError if another one has."""
    # In a folder that everybody can write, the name could be a link to anything.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
