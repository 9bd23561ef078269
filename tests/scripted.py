"""An upstream in the same process, whose responses a test writes."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from accounts import WIDGETS
from flask import Flask
from flask.testing import FlaskClient

from widget import app, config
from widget.api import parsing, records
from widget.config import Account
from widget.data.sampler import Sampler
from widget.errors import Unavailable
from widget.names import Function

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()


class Script:
    """The responses of the upstream by function. A callable is called for each request.

    Attributes:
        responses: JSON values as they are sent.
        is_down: whether it cannot be reached.
        calls: how often each function was called.
    """

    def __init__(self, responses: dict[Function, Any]) -> None:
        self.responses, self.is_down = responses, False
        self.calls: Counter[str] = Counter()

    def call(
        self,
        account: Account,
        function: Function,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> records.Result:
        """Replaces ``GuardedClient.call``."""
        self.calls[function] += 1
        if self.is_down:
            raise Unavailable(f"{function}: down in this test")
        response = self.responses[function]
        if callable(response):
            response = response(start, end)
        return parsing.parse(function, json.dumps(response), parsing.TimeRules(UTC)).result


class InProcess:
    """The service with a scripted upstream, called within the process."""

    def __init__(
        self, script: Script, clock: Callable[[], float] = lambda: NOW, **tables: Any
    ) -> None:
        tables.setdefault("accounts", {"main": {"login": 7654321}})
        tables["api"] = {"base_url": "http://127.0.0.1:9", **tables.get("api", {})}
        settings = config.parse(tables, {}, WIDGETS, folder=Path(), demo=True)
        self._minutes_back = 0.0
        self.app: Flask = app.create_app(settings, clock=lambda: clock() - 60 * self._minutes_back)
        self.service = self.app.extensions["cabinet-widgets"]
        self.script = script
        self.service.client.call = script.call
        self.client: FlaskClient = self.app.test_client()
        self._accounts = 0

    def add(self, **account: Any) -> str:
        """Add an account; returns its name."""
        self._accounts += 1
        slug = f"a{self._accounts}"
        raw = {"accounts": {slug: {"login": 7654321, "partner_password": "partner", **account}}}
        accounts = config.parse(raw, {}, WIDGETS, folder=Path(), demo=True).accounts
        self.service.settings.accounts.update(accounts)
        # As if it had been there all the time.
        self.take_snapshots(minutes_ago=accounts[slug].delay_minutes)
        return slug

    def take_snapshots(self, minutes_ago: float = 0.0) -> None:
        """Take the snapshots of delayed accounts that are due, as the sampler's thread does.

        Args:
            minutes_ago: when to take them.
        """
        service = self.service
        plans = app.sampling_plans(service.settings, WIDGETS, service.client)
        self._minutes_back = minutes_ago
        sampler = Sampler(plans, service.client, service.snapshots, clock=service.clock)
        for plan in sampler.due():
            sampler.sample(plan)
        self._minutes_back = 0.0

    def close(self) -> None:
        """Stop the threads of its cache, and the process that draws its pictures."""
        self.service.cache.close()
        self.service.painter.close()


def running(stack: ExitStack, script: Script, **more: Any) -> InProcess:
    """A service that ends with the stack."""
    service = InProcess(script, **more)
    stack.callback(service.close)
    return service


def at(seconds: float) -> str:
    """A moment so many seconds before ``NOW``, as the upstream writes it."""
    return datetime.fromtimestamp(NOW - seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
