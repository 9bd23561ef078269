"""A sandbox that counts its calls and fails on demand, for tests, benchmarks and the soak test.

``FaultySandbox`` adds hooks to the application of a simulated API: what goes wrong replaces or
changes the responses that the sandbox gives.
"""

import gzip
import json
import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Response, g, request

from widget.sandbox.api import CHECK_CREDENTIALS, CLIENT_TOKEN, PARTNER_TOKEN, create_sandbox

# A token that has expired can still be renewed.
TOKEN_FUNCTIONS = (CLIENT_TOKEN, PARTNER_TOKEN, CHECK_CREDENTIALS)
UNLIMITED = 10**12
ERROR_PAGE = (
    "<!DOCTYPE html><html><head><title>Runtime Error</title></head>"
    "<h1>Server Error in '/' Application.</h1>"
)


@dataclass(eq=False)
class Fault:
    """One thing that goes wrong on demand.

    Args:
        fault: one of ``FAULTS``.
        function: the API's name of the function that it affects; None affects all.
        times: the number of calls that it affects, by default all until it is removed
            (``expire_tokens``: one).
        seconds: the delay of ``slow``, the pause after each byte of ``drip``, the Retry-After of
            ``too_many``.
        status: the status of ``refuse``, and that of ``cabinet-basic`` for a bad token after
            ``expire_tokens``.
        megabytes: the size of ``huge``, and of ``gzip_bomb`` when unpacked.
        location: the target of ``redirect``.

    Raises:
        ValueError: there is no such fault.
    """

    fault: str
    function: str | None = None
    times: int = UNLIMITED
    seconds: float = 1.0
    status: int = 401
    megabytes: int = 40
    location: str = "http://elsewhere.invalid/"

    def __post_init__(self) -> None:
        if self.fault not in FAULTS:
            raise ValueError(f"no such fault: {self.fault}")
        if self.fault == "expire_tokens":
            self.times = min(self.times, 1)
        if self.fault == "gzip_bomb":
            gzip_bomb(self.megabytes)  # packed in advance: a call would exceed its deadline

    def affects(self, function: str) -> bool:
        """Whether this fault affects calls of a function."""
        if self.fault == "expire_tokens" and function in TOKEN_FUNCTIONS:
            return False
        return self.function in (None, function)


def huge_body(megabytes: int) -> Iterator[bytes]:
    """A body of so many megabytes, never in memory as a whole."""
    for _ in range(megabytes):
        yield b"[" * 2**20


@cache
def gzip_bomb(megabytes: int) -> bytes:
    """A small body that is huge when unpacked; cached because packing it takes a while."""
    return gzip.compress(b" " * megabytes * 2**20)


def packed(body: bytes) -> Response:
    """A response with a body that is compressed already."""
    return Response(body, 200, {"Content-Encoding": "gzip"}, "application/json")


def json_text(text: str, status: int = 200) -> Response:
    """A response that calls itself JSON."""
    return Response(text, status, content_type="application/json")


# Faults that replace the response.
REPLACEMENTS: dict[str, Callable[[Fault], Response]] = {
    "error500": lambda _: Response(ERROR_PAGE, 500),
    "error503": lambda _: Response(ERROR_PAGE, 503),
    "html200": lambda _: Response(ERROR_PAGE),
    "too_many": lambda fault: Response("", 429, {"Retry-After": str(math.ceil(fault.seconds))}),
    "redirect": lambda fault: Response("", 302, {"Location": fault.location}),
    "refuse": lambda fault: json_text('{"Message": "Access denied."}', fault.status),
    "garbage": lambda _: json_text('{"Balance": 12.5, "Equity": ,'),
    "huge": lambda fault: Response(huge_body(fault.megabytes), content_type="application/json"),
    "gzip_bomb": lambda fault: packed(gzip_bomb(fault.megabytes)),
}
FAULTS = (*REPLACEMENTS, "slow", "truncated", "drip", "renamed", "expire_tokens")


class FaultySandbox:
    """A sandbox that counts its calls and fails on demand.

    Args:
        clock: Unix seconds, the sandbox's time.
        sleep: waits for a number of seconds; ``slow`` and ``drip`` call it.

    Attributes:
        app: the application to serve.
        clock: the sandbox's time.
        faults: what is to go wrong; the first fault that affects a call is used.
        calls: the number of calls of each function by the API's name of it, including requests for
            tokens.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], object] = time.sleep,  # noqa: TID251  # for the benchmarks
    ) -> None:
        self.clock = clock
        self.faults: list[Fault] = []
        self.calls: Counter[str] = Counter()
        self.app = create_sandbox(clock=clock)
        self._sleep = sleep
        self._lock = threading.Lock()
        self._bad_token_status = 401
        self.app.before_request(self._before_request)
        self.app.after_request(self._after_request)

    def _before_request(self) -> Response | None:
        function = (request.view_args or {}).get("function")
        g.fault = fault = self._count_call(function) if function else None
        if fault is None:
            return None
        if fault.fault == "slow":
            self._sleep(fault.seconds)
        replace = REPLACEMENTS.get(fault.fault)
        return replace(fault) if replace else None

    def _count_call(self, function: str) -> Fault | None:
        """Count a call, and return the fault that affects it."""
        with self._lock:
            self.calls[function] += 1
            fault = next((fault for fault in self.faults if fault.affects(function)), None)
            if fault is None:
                return None
            fault.times -= 1
            if fault.times <= 0:
                self.faults.remove(fault)
            if fault.fault == "expire_tokens":
                self.app.extensions["sandbox"].tokens.clear()
                self._bad_token_status = fault.status
            return fault

    def _after_request(self, response: Response) -> Response:
        fault: Fault | None = g.get("fault")
        if fault and fault.fault == "truncated":
            self._truncate(response)
        elif fault and fault.fault == "drip":
            self._drip(response, fault.seconds)
        elif fault and fault.fault == "renamed" and response.is_json:
            response.set_data(json.dumps(rename_keys(response.get_json())))
        # Deployments of the newer dialect differ in the status with which they refuse a token.
        is_newer = request.path.startswith("/api/ClientCabinetBasic/")
        if is_newer and response.status_code == 401 and "token" in response.get_data(as_text=True):
            response.status_code = self._bad_token_status
        return response

    def _truncate(self, response: Response) -> None:
        """Send half of the body, but announce all of it."""
        body = response.get_data()
        response.set_data(body[: len(body) // 2])
        response.headers["Content-Length"] = str(len(body))

    def _drip(self, response: Response, seconds: float) -> None:
        """Send the body byte by byte, with a pause after each."""
        body = response.get_data()

        def drops() -> Iterator[bytes]:
            for n in range(len(body)):
                yield body[n : n + 1]
                self._sleep(seconds)

        response.response = drops()
        response.headers["Content-Length"] = str(len(body))


def rename_keys(value: Any) -> Any:
    """JSON with all names changed, as if the API had a new version."""
    if isinstance(value, dict):
        return {f"v2_{name}": rename_keys(item) for name, item in value.items()}
    if isinstance(value, list):
        return [rename_keys(item) for item in value]
    return value
