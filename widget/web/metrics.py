"""Prometheus metrics. No label contains text from a visitor or the name of an account."""

import itertools
import logging
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from widget.errors import OperatorError
from widget.names import Function
from widget.web.response_cache import CacheStatus

Freshness = Literal["fresh", "stale", "none"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable of prometheus-client: a folder in which workers share their metrics."""

log = logging.getLogger("widget.web")

# Limits of the buckets, in seconds. The ages end with a day, the default of cache.keep_seconds, and
# the durations with twice the default deadline of a call.
_AGES = (5, 15, 30, 60, 120, 300, 600, 1800, 3600, 21600, 86400)
_DURATIONS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16)


def check_folder(env: Mapping[str, str]) -> None:
    """Check that workers can share their metrics, if the environment names a folder for that.

    Raises:
        OperatorError: the folder does not exist or cannot be written.
    """
    name = env.get(MULTIPROCESS_VARIABLE)
    if not name:
        return
    folder = Path(name)
    try:
        # Whether files can be created is only certain after one was created.
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OperatorError(
            f"{MULTIPROCESS_VARIABLE}: {folder} cannot be written: {error.strerror};"
            " create this folder for the service's user, or unset the variable"
        ) from None


def _shared_folder() -> Path | None:
    """The folder in which workers share their metrics, if there is one."""
    name = os.environ.get(MULTIPROCESS_VARIABLE)
    if not name or not Path(name).is_dir():
        return None
    return Path(name)


class _BatchedCounter:
    """Increments a Counter in batches.

    Taking the lock of the Counter would take a quarter of the time of a hit in the response cache.
    With several workers, up to one batch of each of the others is not visible yet.
    """

    _BATCH = 1024

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._lock = threading.Lock()
        self._next = itertools.count(1).__next__  # atomic in CPython, needs no lock
        self._reported = 0
        self._reads = 0

    def add(self) -> None:
        """Count one."""
        if not self._next() % self._BATCH:
            self.flush()

    def flush(self) -> None:
        """Add everything that was counted to the counter."""
        with self._lock:
            # Reading the iterator advances it, so the number of earlier reads is subtracted.
            counted = self._next() - 1 - self._reads
            self._reads += 1
            self._counter.inc(counted - self._reported)
            self._reported = counted


def _cache_counters(registry: CollectorRegistry) -> dict[CacheStatus, _BatchedCounter]:
    # The label has a handful of values, so that all counters are created in advance.
    requests = Counter(
        "cabinet_edge_requests",
        "Requests by cache status: HIT, MISS, STALE or BYPASS.",
        ["outcome"],
        registry=registry,
    )
    statuses: tuple[CacheStatus, ...] = get_args(CacheStatus)
    return {status: _BatchedCounter(requests.labels(status)) for status in statuses}


@contextmanager
def _best_effort() -> Iterator[None]:
    """Surrounds what counts: if the folder of the workers is gone or full, nothing else fails."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  # a broken file may cause any
        log.warning("metrics: something was not counted: %r", error)


def _prepare_shared_folder() -> None:
    """Make sure that this process can write its metrics, if workers share them.

    The folder may have been removed while the service runs. And process ids are used again, in
    containers always the same ones, so that there may be files that this process would continue. If
    one is broken, because its process was killed or the disk was full, it is removed.
    """
    name = os.environ.get(MULTIPROCESS_VARIABLE)
    if not name:
        return
    folder = Path(name)
    folder.mkdir(exist_ok=True)
    collector = _FolderCollector(CollectorRegistry())
    for path in folder.glob(f"*_{os.getpid()}.db"):
        if not collector.is_readable(str(path)):
            path.unlink()


class _FolderCollector(MultiProcessCollector):
    """Adds up the files of all workers. A file that cannot be read is left out."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)  # type: ignore[no-untyped-call]

    def collect(self) -> Iterable[Metric]:
        """The metrics of all readable files."""
        paths = [str(path) for path in Path(self._path).glob("*.db")]
        readable = [path for path in paths if self.is_readable(path)]
        return self._merge(readable)

    def is_readable(self, path: str) -> bool:
        """Whether a file is not broken; otherwise a warning is logged."""
        try:
            self._merge([path])
        except Exception as error:  # noqa: BLE001  # a broken file may cause any
            log.warning("metrics: %s is skipped, because it cannot be read: %r", path, error)
            return False
        return True

    def _merge(self, paths: list[str]) -> Iterable[Metric]:
        merged: Iterable[Metric] = self.merge(paths)  # type: ignore[no-untyped-call]
        return merged


class Metrics:
    """The metrics of one application.

    Each has its own registry, since several applications may run in one process (in tests).
    """

    def __init__(self) -> None:
        # The dashboards and alerts of operators use the names of these metrics. So they stay as
        # they are, even where the code has other words by now.
        _prepare_shared_folder()
        registry = CollectorRegistry()
        self._registry = registry
        self._responses = Counter(
            "cabinet_answers",
            "Responses to requests for a widget that the response cache did not have.",
            ["widget", "status", "freshness"],
            registry=registry,
        )
        self._age = Histogram(
            "cabinet_age_seconds",
            "Age of the displayed figures.",
            ["widget"],
            buckets=_AGES,
            registry=registry,
        )
        self._calls = Histogram(
            "cabinet_upstream_seconds",
            "Duration of calls of the broker's API, by function.",
            ["function"],
            buckets=_DURATIONS,
            registry=registry,
        )
        self._failures = Counter(
            "cabinet_upstream_failures",
            "Calls of the broker's API that failed, by function and error code.",
            ["function", "code"],
            registry=registry,
        )
        self._cache_requests = _cache_counters(registry)

    def count_response(
        self,
        widget: str,
        status: int,
        freshness: Freshness,
        age: float | None = None,
    ) -> None:
        """Count a response to a request for a widget.

        Args:
            widget: the name of the widget, "none" if there is no such widget.
            status: the HTTP status.
            freshness: of the figures; "none" if the response contains none.
            age: of the figures, in seconds; None if the response contains none.
        """
        with _best_effort():
            self._responses.labels(widget, str(status), freshness).inc()
            if age is not None:
                # The clocks of two machines that share a cache may differ.
                self._age.labels(widget).observe(max(0.0, age))

    def observe_call(self, function: Function, outcome: str, seconds: float) -> None:
        """Count a call of the API; the outcome is "ok" or an error's code."""
        with _best_effort():
            self._calls.labels(function).observe(seconds)
            if outcome != "ok":
                self._failures.labels(function, outcome).inc()

    def count_request(self, status: CacheStatus) -> None:
        """Count a request by how the response cache handled it."""
        self._cache_requests[status].add()

    def text(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        for counter in self._cache_requests.values():
            counter.flush()
        registry = self._registry
        if _shared_folder() is not None:
            # The own registry only has the metrics of this worker; the folder has those of all.
            registry = CollectorRegistry()
            _FolderCollector(registry)
        return generate_latest(registry)
