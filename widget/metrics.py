"""Figures about the service for Prometheus. No label holds what a visitor chose, and none names an account."""

import itertools
import os
import threading
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from widget.names import Function
from widget.response_cache import Outcome

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MULTIPROCESS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable: a folder in which several workers add up their figures; prometheus-client's own."""

_AGES = (5, 15, 30, 60, 120, 300, 600, 1800, 3600, 21600, 86400)  # seconds
_DURATIONS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16)  # seconds


class _BatchedCounter:
    """Counts up a Counter in lumps: its lock at every hit would cost the edge a quarter of its time.

    What other workers have counted is told up to a lump late.
    """

    _LUMP = 1024

    def __init__(self, counter: Counter) -> None:
        self._counter, self._lock = counter, threading.Lock()
        self._next = itertools.count(1).__next__  # counts without a lock, in one step
        self._on_call = self._looks = 0

    def add(self) -> None:
        """Count one."""
        if not self._next() % self._LUMP:
            self.settle()

    def settle(self) -> None:
        """Tell the counter what was counted."""
        with self._lock:
            counted = self._next() - 1 - self._looks
            self._looks += 1
            self._counter.inc(counted - self._on_call)
            self._on_call = counted


class Metrics:
    """What is counted, each application for itself."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._answers = Counter(
            "cabinet_answers",
            "Answers with a widget or in its place, made by the application.",
            ["widget", "status", "freshness"],
            registry=registry,
        )
        self._age = Histogram(
            "cabinet_age_seconds",
            "Age of the figures shown.",
            ["widget"],
            buckets=_AGES,
            registry=registry,
        )
        self._calls = Histogram(
            "cabinet_upstream_seconds",
            "Calls of the broker's API, by function.",
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
        edge = Counter(
            "cabinet_edge_requests",
            "Requests, by how the edge answered them.",
            ["outcome"],
            registry=registry,
        )
        self._edge = {
            outcome: _BatchedCounter(edge.labels(outcome)) for outcome in get_args(Outcome)
        }

    def count_response(
        self,
        widget: str,
        status: int,
        freshness: Literal["fresh", "stale", "none"],
        age: float | None = None,
    ) -> None:
        """Count an answer.

        Args:
            widget: its name, "none" where there is no such widget.
            status: HTTP's.
            freshness: of its figures; "none" where it shows none.
            age: of its figures, in seconds.
        """
        self._answers.labels(widget, str(status), freshness).inc()
        if age is not None:
            self._age.labels(widget).observe(max(0.0, age))

    def observe_call(self, function: Function, outcome: str, seconds: float) -> None:
        """Count a call of the API; the outcome is "ok" or an error's code."""
        self._calls.labels(function).observe(seconds)
        if outcome != "ok":
            self._failures.labels(function, outcome).inc()

    def count_request(self, outcome: Outcome) -> None:
        """Count a request at the edge."""
        self._edge[outcome].add()

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        for tally in self._edge.values():
            tally.settle()
        registry = self._registry
        if os.environ.get(MULTIPROCESS_VARIABLE):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
