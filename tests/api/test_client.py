"""The client with real servers on loopback: both dialects, tokens, deadlines, and all faults."""

import gzip
import json
import logging
import socket
import ssl
import struct
import subprocess
import threading
import time
import traceback
import tracemalloc
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import brotli
import pytest
from conftest import Clock
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import until
from programs import find_program

from widget.api import records, transport
from widget.api.client import Client
from widget.config import Account, Api
from widget.errors import NotOffered, Refused, Unavailable, Unreadable, UpstreamError
from widget.names import FUNCTIONS, Function
from widget.sandbox.api import create_sandbox, serve_sandbox
from widget.single_flight import Flight, SingleFlight

DIALECTS = ["client-api", "cabinet-basic"]
LOGIN = 7654321
PASSWORD = "correct-horse"
PARTNER_PASSWORD = "battery-staple"
NO_RESPONSE = "^balance: no complete response within the deadline of 0.3 s$"


@dataclass
class Seen:
    """A request as a server saw it."""

    method: str
    target: str
    headers: dict[str, str]
    body: Any

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)


Reply = tuple[int, dict[str, str], bytes]


def reply(value: object, status: int = 200, **headers: str) -> Reply:
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return status, {name.replace("_", "-"): text for name, text in headers.items()}, body


@dataclass
class Upstream:
    """A server whose responses a test writes."""

    respond: Callable[[Seen], Reply]
    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0

    def paths(self) -> Counter[str]:
        return Counter(
            request.path.rsplit("/", 2)[-1 if "ClientCabinetBasic" in request.path else -2]
            for request in self.seen
        )

    @contextmanager
    def serve(self) -> Iterator["Upstream"]:
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            timeout = 20

            def setup(self) -> None:
                upstream.connections += 1
                super().setup()

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = Seen(
                    self.command, self.path, dict(self.headers), json.loads(body) if body else None
                )
                upstream.seen.append(request)
                status, headers, content = upstream.respond(request)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(content)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *args: Any) -> None:
                """Ignore it: these tests are about clients that disconnect."""

        with Server(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_port}"
            thread = threading.Thread(target=server.serve_forever, args=(0.02,))
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()


GIVE_UP = 20.0
"""Seconds after which a server that never responds closes the connection. Calls with a deadline of
a fraction of a second end before that, with another error, however busy the machine is."""


@contextmanager
def raw_server(talk: Callable[[socket.socket, int], None]) -> Iterator[tuple[str, list[int]]]:
    """A server that calls ``talk`` for each connection; yields its URL and a list with a number
    for each connection so far.
    """
    connections: list[int] = []
    threads: list[threading.Thread] = []

    def converse(connection: socket.socket, number: int) -> None:
        with connection, suppress(OSError):
            connection.settimeout(GIVE_UP)
            talk(connection, number)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                connections.append(len(connections) + 1)
                threads.append(
                    threading.Thread(
                        target=converse, args=(connection, len(connections)), daemon=True
                    )
                )
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", connections
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()
    for thread in threads:
        thread.join(
            0.2
        )  # threads that wait for another request on a connection end with the process


def take_request(connection: socket.socket) -> bytes:
    """Receive a request up to the end of its headers."""
    data = b""
    while b"\r\n\r\n" not in data and (chunk := connection.recv(65536)):
        data += chunk
    return data


DRIP_SECONDS = 0.03


def drip(connection: socket.socket, data: bytes) -> None:
    """Send byte after byte, each in time, until the client or this server gives up."""
    for n in range(min(len(data), int(GIVE_UP / DRIP_SECONDS))):
        connection.sendall(data[n : n + 1])
        time.sleep(DRIP_SECONDS)  # noqa: TID251  # this is what a slow server does


def hang(connection: socket.socket, _: int) -> None:
    """Accept connections and never respond, until the client or this server gives up."""
    while connection.recv(65536):
        pass


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


GOOD = b'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"balance":1}'


def account(
    url: str, *, dialect: str = "client-api", slug: str = "main", **settings: Any
) -> Account:
    api = {name: settings.pop(name) for name in list(settings) if name in Api.model_fields}
    return Account.model_validate(
        {
            "slug": slug,
            "login": LOGIN,
            **settings,
            "api": {"dialect": dialect, "base_url": url, **api},
        }
    )


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Seen], Reply]], Upstream]]:
    with ExitStack() as stack:
        yield lambda respond: stack.enter_context(Upstream(respond).serve())


Serve = Callable[[Callable[[Seen], Reply]], Upstream]


class ClosedApi:
    """An API at the closed level: gives tokens, and accepts only the newest one."""

    def __init__(self, value: object, *, denial: Reply = (401, {}, b"")) -> None:
        self.value, self.denial = value, denial
        self.tokens = 0
        self.expire_before: set[int] = set()
        self.is_broken = False  # accepts no token at all
        self.calls = 0
        self._lock = threading.Lock()

    def __call__(self, request: Seen) -> Reply:
        with self._lock:
            if request.path.endswith("Token") or request.path.endswith(
                "IsAccountCredentialsCorrect"
            ):
                body = {name.lower(): value for name, value in request.body.items()}
                if body != {"login": LOGIN, "password": PASSWORD}:
                    return reply({"result": False}) if "Basic" in request.path else reply("", 401)
                self.tokens += 1
                return reply(
                    f"token{self.tokens}"
                    if "Basic" not in request.path
                    else {"result": True, "token": f"token{self.tokens}"}
                )
            self.calls += 1
            if self.calls in self.expire_before:
                self.tokens += 1  # the token that the client knows is no longer the newest
            passkeys = request.headers.get("passkey") or (request.body or {}).get("token")
            is_accepted = passkeys == f"token{self.tokens}" and not self.is_broken
            return reply(self.value) if is_accepted else self.denial


LOGINS = (records.Login(datetime(2025, 11, 20, 8, 31, 5, tzinfo=UTC)),)
TOLERATED: list[tuple[str, Function, object, object]] = [
    ("camelCase", "balance", {"freeMargin": 5}, {"free_margin": Decimal(5)}),
    ("PascalCase", "balance", {"FreeMargin": 5}, {"free_margin": Decimal(5)}),
    ("lower case", "balance", {"freemargin": 5}, {"free_margin": Decimal(5)}),
    ("unknown keys", "balance", {"freemargin": 5, "brandNew": [1]}, {"free_margin": Decimal(5)}),
    ("strings for numbers", "balance", {"balance": "314.79"}, {"balance": Decimal("314.79")}),
    ("a missing field", "balance", {"balance": 1}, {"equity": None}),
    ("a wrapper d", "balance", {"d": {"balance": 1}}, {"balance": Decimal(1)}),
    ("a wrapper data", "balance", {"data": {"balance": 1}}, {"balance": Decimal(1)}),
    ("a wrapper result", "balance", {"result": {"balance": 1}}, {"balance": Decimal(1)}),
    ("a list that is null", "open_trades", None, ()),
    ("a single object", "logins", {"time": 1763627465}, LOGINS),
    ("a time without a zone", "logins", [{"time": "2025-11-20T09:31:05"}], LOGINS),
    ("a time with a fraction", "logins", [{"time": "2025-11-20T09:31:05.0000000"}], LOGINS),
    ("a time with a zone", "logins", [{"time": "2025-11-20T08:31:05Z"}], LOGINS),
    ("Unix seconds", "logins", [{"time": 1763627465}], LOGINS),
    ("Unix milliseconds", "logins", [{"time": 1763627465000}], LOGINS),
    ("a time as /Date()/", "logins", [{"time": "/Date(1763627465000+0300)/"}], LOGINS),
]


@pytest.mark.parametrize(
    ("function", "value", "expected"), [row[1:] for row in TOLERATED], ids=[t[0] for t in TOLERATED]
)
@pytest.mark.parametrize("dialect", ["client-api", "cabinet-basic"])
def test_values_as_old_apis_write_them_are_read(
    serve: Serve, dialect: str, function: Function, value: object, expected: object
) -> None:
    upstream = serve(lambda _: reply(value))
    paris = account(
        upstream.url, dialect=dialect, timezone="Europe/Paris", methods={"logins": "GetLogins"}
    )
    result = Client().call(paris, function)
    if isinstance(expected, dict):
        assert {name: getattr(result, name) for name in expected} == expected
    else:
        assert result == expected


@pytest.mark.parametrize(
    "body", [b'{"balance": NaN}', b'{"balance": Infinity}', b'{"balance": "-Infinity"}']
)
def test_an_invalid_number_is_an_error_that_names_it(serve: Serve, body: bytes) -> None:
    with pytest.raises(Unreadable, match=r"^balance\.balance: .* is not a valid number$"):
        Client().call(account(serve(lambda _: reply(body)).url), "balance")


def test_an_error_names_function_and_field(serve: Serve) -> None:
    upstream = serve(
        lambda _: reply([{"type": 0, "ticket": 1, "symbol": "X", "volume": 1, "openPrice": "?"}])
    )
    with pytest.raises(
        Unreadable, match=r"^open trades\[0\]\.openPrice: '\?' is not a valid number$"
    ):
        Client().call(account(upstream.url), "open_trades")


PATHS = {
    "balance": f"/client/RequestBalanceInformation/{LOGIN}",
    "summary": f"/client/RequestAccountInformation/{LOGIN}",
    "open_trades": f"/client/RequestOpenTrades/{LOGIN}",
    "closed_trades": f"/client/RequestClosedTrades/{LOGIN}?from=86400&to=172800",
    "lots": f"/client/RequestClosedLots/{LOGIN}?from=86400&to=172800",
    "bonus": f"/client/RequestBonusStatistic/{LOGIN}",
    "logins": f"/client/RequestLoginHistory/{LOGIN}",
    "commissions": f"/partner/GetCommissionRecords/{LOGIN}",
    "referrals": f"/partner/GetClickStatistics/{LOGIN}",
}
VALUES: dict[Function, object] = {
    "balance": {"balance": 1},
    "summary": {"balance": 1},
    "lots": 2.5,
    "bonus": {"bonuses": {"totalBonus": 1}},
}
FROM, TO = datetime(1970, 1, 2, tzinfo=UTC), datetime(1970, 1, 3, tzinfo=UTC)


@pytest.mark.parametrize("function", PATHS)
def test_client_api_is_called_with_get_and_the_passkey(serve: Serve, function: Function) -> None:
    upstream = serve(
        lambda request: reply(b" abcDEF123 " if request.method == "POST" else VALUES.get(function))
    )
    closed = account(upstream.url, password=PASSWORD, partner_password=PARTNER_PASSWORD)
    Client().call(closed, function, FROM, TO)
    token, call = upstream.seen
    kind = ("Client", PASSWORD)
    if function in ("commissions", "referrals"):
        kind = ("Partner", PARTNER_PASSWORD)
    assert (token.method, token.target) == ("POST", f"/api/Authentication/Request{kind[0]}ApiToken")
    assert (token.body, token.headers["Content-Type"]) == (
        {"Login": LOGIN, "Password": kind[1]},
        "application/json",
    )
    assert "passkey" not in token.headers
    assert (call.method, call.target, call.body) == ("GET", PATHS[function], None)
    assert call.headers["passkey"] == "abcDEF123"
    assert call.headers["User-Agent"].startswith("cabinet-widgets/")


@pytest.mark.parametrize(
    ("function", "name", "more"),
    [
        ("balance", "GetAccountInformation", {}),
        ("open_trades", "GetOpenTrades", {}),
        (
            "closed_trades",
            "GetClosedTrades",
            {"from": 86400, "to": 172800, "count": 1000, "offset": 0},
        ),
        ("bonus", "GetBonusStatistic", {}),
        ("operations", "GetBalanceOperationsHistory", {}),
    ],
)
def test_cabinet_basic_is_called_with_post_and_the_token(
    serve: Serve, function: Function, name: str, more: dict[str, int]
) -> None:
    upstream = serve(
        lambda request: reply(
            {"Result": True, "Token": "t0k"} if "Correct" in request.path else VALUES.get(function)
        )
    )
    Client().call(
        account(upstream.url, dialect="cabinet-basic", password=PASSWORD), function, FROM, TO
    )
    token, call = upstream.seen
    assert (token.method, token.target) == (
        "POST",
        "/api/ClientCabinetBasic/IsAccountCredentialsCorrect",
    )
    assert token.body == {"login": LOGIN, "password": PASSWORD}
    assert (call.method, call.target) == ("POST", f"/api/ClientCabinetBasic/{name}")
    assert call.body == {"login": LOGIN, "token": "t0k", **more}
    assert call.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("dialect", ["client-api", "cabinet-basic"])
def test_the_open_level_is_called_without_credentials(serve: Serve, dialect: str) -> None:
    upstream = serve(lambda _: reply({"balance": 1}))
    Client().call(account(upstream.url, dialect=dialect), "balance")
    assert len(upstream.seen) == 1
    assert upstream.seen[0].body in (None, {"login": LOGIN})
    assert "passkey" not in upstream.seen[0].headers


def test_referrals_are_called_at_the_open_level_without_a_partner_password(serve: Serve) -> None:
    upstream = serve(lambda _: reply([{"ReferalAccounts": [1, 2]}, {"ReferalAccounts": [2]}]))
    # The account's own password is for other functions.
    ordinary = account(upstream.url, password=PASSWORD)
    assert Client().call(ordinary, "referrals") == records.Referrals(2)
    (request,) = upstream.seen
    assert (request.method, request.target) == ("GET", PATHS["referrals"])
    assert "passkey" not in request.headers


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_period_that_ends_now_has_no_upper_bound(serve: Serve, dialect: str) -> None:
    upstream = serve(lambda _: reply(None))
    Client(now=lambda: 1763631064.2).call(account(upstream.url, dialect=dialect), "closed_trades")
    request = upstream.seen[0]
    period = request.body or {name: int(text[0]) for name, text in request.query.items()}
    assert period["from"] == 0
    # No clock is more than 14 hours ahead of UTC.
    assert period["to"] >= 1763631064 + 14 * 3600


@pytest.mark.parametrize("dialect", DIALECTS)
def test_times_in_the_future_are_read_and_noted_once(
    serve: Serve, dialect: str, caplog: pytest.LogCaptureFixture
) -> None:
    # The clock of the server is three hours ahead; the last trade closed five minutes ago.
    closed = many(1)[0] | {"closeTime": 1763631064 + 10500}
    rows = reply([closed])
    empty = reply([])
    upstream = serve(lambda request: empty if (request.body or {}).get("offset") else rows)
    client = Client(now=lambda: 1763631064.0)
    for _ in range(2):
        history = client.call(account(upstream.url, dialect=dialect), "closed_trades")
        assert isinstance(history, records.History)
        assert len(history.trades) == 1
    (line,) = caplog.messages
    assert line.startswith("account main: its newest times are ")
    assert 'api.timezone = "+03:00"' in line


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_period_is_requested_in_the_seconds_that_the_api_counts(
    serve: Serve, dialect: str
) -> None:
    upstream = serve(lambda _: reply(None))
    for unix_times, ahead in (("utc", 0), ("local", 10800)):
        eastern = account(upstream.url, dialect=dialect, timezone="+03:00", unix_times=unix_times)
        Client().call(eastern, "closed_trades", FROM, TO)
        request = upstream.seen[-1]
        period = request.body or {name: int(text[0]) for name, text in request.query.items()}
        assert (period["from"], period["to"]) == (86400 + ahead, 172800 + ahead)


@pytest.mark.parametrize(
    "body",
    [b"abc123", b'"abc123"', b' "abc123"\r\n', b"\xef\xbb\xbfabc123\r\n", b'{"d": "abc123"}'],
)
def test_a_token_comes_bare_or_quoted(serve: Serve, body: bytes) -> None:
    upstream = serve(lambda request: reply(body if request.method == "POST" else {"balance": 1}))
    Client().call(account(upstream.url, password=PASSWORD), "balance")
    assert upstream.seen[-1].headers["passkey"] == "abc123"


@pytest.mark.parametrize(
    "token", ["12345678901234567890123456789012", "12345678e12345678901234567890123", "0" * 32]
)
def test_a_token_that_looks_like_a_number_stays_as_it_is(serve: Serve, token: str) -> None:
    upstream = serve(
        lambda request: reply(token.encode() if request.method == "POST" else {"balance": 1})
    )
    Client().call(account(upstream.url, password=PASSWORD), "balance")
    assert upstream.seen[-1].headers["passkey"] == token


@pytest.mark.parametrize(
    "body",
    [b"<html>Error</html>", b"Wrong password.\r\nX: y", b"[1]" * 3000, b'"a b"', b"{" * 100_000],
)
def test_a_page_is_not_a_token(serve: Serve, body: bytes) -> None:
    upstream = serve(lambda _: reply(body))
    with pytest.raises(Unreadable, match=r"^balance: .*token"):
        Client().call(account(upstream.url, password=PASSWORD), "balance")
    assert len(upstream.seen) == 1


@pytest.mark.parametrize(
    "denial",
    [reply({}, 401), reply({}, 403), reply({}, 400), reply(b""), reply(None), reply(b"false")],
)
def test_a_refused_password_is_refused_with_a_clear_text(serve: Serve, denial: Reply) -> None:
    upstream = serve(lambda _: denial)
    with pytest.raises(Refused, match=r"^balance: .*password is wrong, or .* outside the IP mask"):
        Client().call(account(upstream.url, password=PASSWORD), "balance")
    assert len(upstream.seen) == 1


@pytest.mark.parametrize(
    "denial", [reply({"result": False}), reply({"result": False, "token": None}), reply({}, 401)]
)
def test_cabinet_basic_refuses_a_password_in_its_own_way(serve: Serve, denial: Reply) -> None:
    upstream = serve(lambda _: denial)
    with pytest.raises(Refused, match=r"password is wrong"):
        Client().call(account(upstream.url, dialect="cabinet-basic", password=PASSWORD), "balance")


DENIALS = [
    reply({}, 401),
    reply({}, 403),
    reply({"Message": "Invalid Token."}, 400),
    reply(b"Access denied", 500),
    reply("Access denied", 500),
    reply(b"<html>Runtime Error</html>", 500),
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("denial", DENIALS)
def test_an_expired_token_is_renewed_once_during_a_call(
    serve: Serve, dialect: str, denial: Reply
) -> None:
    door = ClosedApi({"balance": 7}, denial=denial)
    upstream = serve(door)
    client, closed = Client(), account(upstream.url, dialect=dialect, password=PASSWORD)
    door.expire_before = {2}
    for _ in range(3):
        result = client.call(closed, "balance")
        assert isinstance(result, records.AccountInformation)
        assert result.balance == 7
    assert (door.calls, len(upstream.seen)) == (4, 6)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("denial", DENIALS)
def test_tokens_that_expire_after_every_call_are_all_renewed(
    serve: Serve, dialect: str, denial: Reply
) -> None:
    door = ClosedApi({"balance": 7}, denial=denial)
    client = Client(clock=lambda: 0.0)
    closed = account(serve(door).url, dialect=dialect, password=PASSWORD)
    for _ in range(5):
        client.call(closed, "balance")
        door.expire_before = {door.calls + 1}
    assert door.calls == 9


REPORTS = [
    (401, Refused, r"^balance: a new token was refused too: .*password is wrong, or .*IP mask"),
    (403, Refused, r"^balance: a new token was refused too: .*password is wrong, or .*IP mask"),
    (400, Unreadable, r"^balance: HTTP 400; .*api\.methods$"),
    (500, Unavailable, r"^balance: HTTP 500$"),
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("status", "error", "text"), REPORTS)
def test_a_request_that_fails_with_a_new_token_too_is_reported_and_not_repeated_again(
    serve: Serve, dialect: str, status: int, error: type[UpstreamError], text: str
) -> None:
    door = ClosedApi({"balance": 7}, denial=reply(b"Access denied", status))
    door.expire_before = {1, 2}
    upstream = serve(door)
    with pytest.raises(error, match=text):
        Client().call(account(upstream.url, dialect=dialect, password=PASSWORD), "balance")
    assert (door.calls, len(upstream.seen)) == (2, 4)


@pytest.mark.parametrize("status", [404, 405, 429, 502, 503, 504])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_other_codes_say_nothing_about_the_token(serve: Serve, dialect: str, status: int) -> None:
    door = ClosedApi({"balance": 7}, denial=reply(b"The token has expired", status))
    door.expire_before = {1}
    upstream = serve(door)
    with pytest.raises((Unavailable, Unreadable), match=rf"^balance: HTTP {status}"):
        Client().call(account(upstream.url, dialect=dialect, password=PASSWORD), "balance")
    assert (door.calls, len(upstream.seen)) == (1, 2)


def token_requests(upstream: Upstream) -> int:
    """How many tokens were requested from a server."""
    names = ("RequestClientApiToken", "IsAccountCredentialsCorrect")
    return sum(request.path.endswith(names) for request in upstream.seen)


FUNCTIONS_OF_BOTH: tuple[Function, ...] = ("balance", "open_trades", "closed_trades", "bonus")


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_broken_server_is_not_asked_for_token_after_token(
    serve: Serve, dialect: str, status: int
) -> None:
    seconds = [0.0]
    door = ClosedApi({"balance": 7}, denial=reply(b"Out of memory", status))
    door.is_broken = True
    upstream = serve(door)
    client = Client(clock=lambda: seconds[0])
    closed = account(upstream.url, dialect=dialect, password=PASSWORD)

    def call_all() -> None:
        for function in FUNCTIONS_OF_BOTH:
            with pytest.raises((Unavailable, Unreadable), match=rf": HTTP {status}"):
                client.call(closed, function)

    for _ in range(5):
        call_all()
        seconds[0] += 20
    assert token_requests(upstream) == 2
    seconds[0] += 120
    call_all()
    assert token_requests(upstream) == 3


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_server_that_fails_with_everything_is_not_asked_for_a_token_each_time(
    serve: Serve, dialect: str
) -> None:
    door = ClosedApi({"balance": 7})
    is_down = threading.Event()
    upstream = serve(lambda request: reply(b"", 500) if is_down.is_set() else door(request))
    client = Client(clock=lambda: 0.0)
    closed = account(upstream.url, dialect=dialect, password=PASSWORD)
    client.call(closed, "balance")
    is_down.set()
    for _ in range(5):
        with pytest.raises(Unavailable, match=r"^balance: HTTP 500$"):
            client.call(closed, "balance")
    assert token_requests(upstream) == 2
    is_down.clear()
    client.call(closed, "balance")
    assert token_requests(upstream) == 2


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_function_that_is_broken_does_not_freeze_the_others(serve: Serve, dialect: str) -> None:
    door = ClosedApi({"balance": 7}, denial=reply(b"Access denied", 500))
    broken = "Bonus"
    upstream = serve(lambda request: reply(b"", 500) if broken in request.path else door(request))
    client = Client(clock=lambda: 0.0)
    closed = account(upstream.url, dialect=dialect, password=PASSWORD)
    for _ in range(5):
        client.call(closed, "balance")
        with pytest.raises(Unavailable, match=r"^bonus: HTTP 500$"):
            client.call(closed, "bonus")
    # The first one, and one for the function that it did not help.
    assert token_requests(upstream) == 2
    door.expire_before = {door.calls + 1}
    client.call(closed, "balance")
    assert token_requests(upstream) == 3


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_server_that_has_recovered_gets_a_new_token_as_soon_as_one_expires(
    serve: Serve, dialect: str
) -> None:
    door = ClosedApi({"balance": 7}, denial=reply(b"Access denied", 500))
    door.is_broken = True
    client = Client(clock=lambda: 0.0)
    closed = account(serve(door).url, dialect=dialect, password=PASSWORD)
    with pytest.raises(Unavailable):
        client.call(closed, "balance")
    door.is_broken = False
    client.call(closed, "balance")
    door.expire_before = {door.calls + 1}
    client.call(closed, "balance")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_error_that_mentions_a_token_is_no_refusal_if_none_was_sent(
    serve: Serve, dialect: str
) -> None:
    upstream = serve(lambda _: reply(b"Unexpected token", 500))
    for password in (None, PASSWORD):
        with pytest.raises(Unavailable, match=r"^balance: HTTP 500"):
            Client().call(account(upstream.url, dialect=dialect, password=password), "balance")
    # At the open level there is no token to renew, and without a token no call to repeat.
    assert len(upstream.seen) == 2


def test_an_account_that_is_not_at_the_open_level_needs_a_password(serve: Serve) -> None:
    upstream = serve(lambda _: reply({}, 401))
    with pytest.raises(Refused, match=r"^balance: .*open level.* in \S*password_env"):
        Client().call(account(upstream.url), "balance")
    with pytest.raises(Refused, match=r"^referrals: .*open level.* in \S*partner_password_env"):
        Client().call(account(upstream.url, password=PASSWORD), "referrals")
    assert len(upstream.seen) == 2


def in_threads(count: int, work: Callable[[], object]) -> list[object]:
    """The result of each thread, all of which start at the same moment."""
    gate = threading.Barrier(count)
    results: list[object] = []

    def run() -> None:
        gate.wait()
        try:
            results.append(work())
        except UpstreamError as error:
            results.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_32_threads_share_one_token_and_renew_it_once(serve: Serve) -> None:
    door = ClosedApi({"balance": 7})
    upstream = serve(door)
    client, closed = Client(), account(upstream.url, password=PASSWORD)
    for expected in (1, 2):
        results = in_threads(32, lambda: client.call(closed, "balance"))
        assert results == [records.AccountInformation(balance=Decimal(7))] * 32
        assert upstream.paths()["Authentication"] == expected
        door.tokens = 100  # from now on all threads hold the same old token
    assert upstream.connections <= 64


def test_accounts_and_partners_have_separate_tokens(serve: Serve) -> None:
    upstream = serve(
        lambda request: reply(
            f"for-{request.body['Password']}" if request.method == "POST" else None
        )
    )
    client = Client()
    first = account(upstream.url, password="a" * 8, partner_password="b" * 8)
    client.call(first, "open_trades")
    client.call(first, "commissions")
    client.call(account(upstream.url, slug="second", password="c" * 8), "open_trades")
    passkeys = [request.headers["passkey"] for request in upstream.seen if request.method == "GET"]
    assert passkeys == ["for-aaaaaaaa", "for-bbbbbbbb", "for-cccccccc"]


class CountingFlights(SingleFlight[Any, str]):
    """Counts the callers that have joined a flight."""

    def __init__(self) -> None:
        super().__init__()
        self.joined = 0
        self._counting = threading.Lock()

    def join(self, key: Any) -> tuple[Flight[str], bool]:
        joined = super().join(key)
        with self._counting:
            self.joined += 1
        return joined


def test_threads_that_wait_for_a_token_share_the_refusal(serve: Serve) -> None:
    known: list[int] = []
    flights = CountingFlights()

    def refuse(_: Seen) -> Reply:
        known.append(1)
        until(lambda: flights.joined >= 16)  # all threads share the call
        return reply({}, 401)

    upstream = serve(refuse)
    client, closed = Client(), account(upstream.url, password=PASSWORD, deadline_seconds=30)
    client._tokens._flights = flights
    results = in_threads(16, lambda: client.call(closed, "balance"))
    assert [type(result) for result in results] == [Refused] * 16
    assert len(known) == 1
    with pytest.raises(Refused):  # a later call tries again: the password may have been corrected
        client.call(closed, "balance")
    assert len(known) == 2


def test_nobody_waits_for_a_token_longer_than_the_deadline() -> None:
    with raw_server(hang) as (url, connections):
        client = Client()
        patient, hasty = (
            account(url, password=PASSWORD, deadline_seconds=seconds) for seconds in (1.2, 0.3)
        )

        def hold() -> None:
            with pytest.raises(Unavailable, match=NO_RESPONSE.replace("0.3", "1.2")):
                client.call(patient, "balance")

        holder = threading.Thread(target=hold)
        holder.start()
        until(lambda: connections)
        with pytest.raises(Unavailable, match=r"^balance: another call still waits for the token$"):
            client.call(hasty, "balance")
        assert holder.is_alive()
        holder.join()
        assert len(connections) == 1


def many(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "ticket": n,
            "symbol": "EURUSD",
            "type": 0,
            "volume": 0.1,
            "openPrice": 1,
            "closePrice": 2,
            "profit": n / 4,
        }
        | {"openTime": 1763627465, "closeTime": 1763627465 + n}
        for n in range(first, first + count)
    ]


def history_of(upstream: Upstream, **settings: Any) -> records.History:
    """The closed trades that the client reads from a server of the newer dialect."""
    basic = account(upstream.url, dialect="cabinet-basic", **settings)
    history = Client().call(basic, "closed_trades")
    assert isinstance(history, records.History)
    return history


def offsets(upstream: Upstream) -> list[int]:
    """Where the requested pages begin."""
    return [request.body["offset"] for request in upstream.seen if "offset" in request.body]


@pytest.mark.parametrize(
    ("count", "page_rows", "expected"),
    [
        (0, 1000, [0]),
        (999, 1000, [0, 999]),
        (1000, 1000, [0, 1000]),
        (2500, 1000, [0, 1000, 2000, 2500]),
        (250, 100, [0, 100, 200, 250]),
        (50, 20, [0, 20, 40, 50]),
    ],
)
def test_cabinet_basic_is_paged_until_a_page_is_empty(
    serve: Serve, count: int, page_rows: int, expected: list[int]
) -> None:
    rows = many(count)
    upstream = serve(lambda request: reply(rows[request.body["offset"] :][:page_rows]))
    history = history_of(upstream)
    assert [trade.ticket for trade in history.trades] == list(range(count))
    assert offsets(upstream) == expected
    assert sum(trade.volume for trade in history.trades) == Decimal(count) / 10


@pytest.mark.parametrize("order", [1, -1])
def test_trades_that_close_between_two_pages_are_neither_lost_nor_counted_twice(
    serve: Serve, order: int
) -> None:
    rows = many(150)[::order]

    def respond(request: Seen) -> Reply:
        result = reply(rows[request.body["offset"] :][:40])
        if len(rows) < 160:
            added = many(1, first=9000 + len(rows))[0]
            # The newest first, or last.
            rows.insert(0 if order == -1 else len(rows), added)
        return result

    tickets = [trade.ticket for trade in history_of(serve(respond)).trades]
    assert len(set(tickets)) == len(tickets)
    assert set(range(150)) <= set(tickets)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("page_rows", [1, 2, 3, 100])
def test_identical_partial_closes_are_as_many_trades_as_the_api_sends(
    serve: Serve, dialect: str, page_rows: int
) -> None:
    part = many(1)[0]
    rows = [*many(2, first=5), part, part, *many(2, first=8)]

    def respond(request: Seen) -> Reply:
        if request.body is None:
            return reply(rows)
        return reply(rows[request.body["offset"] :][:page_rows])

    history = Client().call(account(serve(respond).url, dialect=dialect), "closed_trades")
    assert isinstance(history, records.History)
    assert [trade.ticket for trade in history.trades] == [5, 6, 0, 0, 8, 9]


def test_deposits_among_the_trades_are_skipped_in_cabinet_basic(serve: Serve) -> None:
    deposit = {"type": 6, "profit": 500, "closeTime": 1763627465}
    for dialect, count in (("client-api", 1), ("cabinet-basic", 0)):
        history = Client().call(
            account(serve(lambda _: reply([deposit])).url, dialect=dialect), "closed_trades"
        )
        assert isinstance(history, records.History)
        assert len(history.operations) == count


def test_a_page_of_deposits_does_not_end_the_history(serve: Serve) -> None:
    deposits = [{"type": 6, "profit": n, "closeTime": 1763627465} for n in range(45)]
    rows = [*many(5), *deposits, *many(5, first=5)]
    upstream = serve(lambda request: reply(rows[request.body["offset"] :][:20]))
    assert [trade.ticket for trade in history_of(upstream).trades] == list(range(10))


@pytest.mark.parametrize(
    ("count", "requests"),
    [(0, 1), (1, 7), (2, 3), (999, 3), (1000, 2), (1001, 2)],
)
def test_an_api_that_ignores_the_offset_is_read_to_its_end(
    serve: Serve, count: int, requests: int
) -> None:
    upstream = serve(lambda _: reply(many(count)))
    assert len(history_of(upstream).trades) == count
    assert len(upstream.seen) == requests


@pytest.mark.parametrize("last_row", [0, 249])
def test_an_api_that_has_no_empty_page_is_read_to_its_end(serve: Serve, last_row: int) -> None:
    """Beyond the last row, some begin again, and others send the last row or the last page."""
    rows = many(250)

    def respond(request: Seen) -> Reply:
        begin = request.body["offset"]
        if begin >= len(rows):
            begin = last_row
        return reply(rows[begin:][:100])

    assert len(history_of(serve(respond)).trades) == 250


def test_a_page_may_have_more_rows_than_requested(serve: Serve) -> None:
    rows = many(3000)
    upstream = serve(lambda request: reply(rows[request.body["offset"] :][:1300]))
    assert len(history_of(upstream).trades) == 3000
    assert offsets(upstream) == [0, 1300, 2600, 3000]


@dataclass
class Growing:
    """A server of the newer dialect whose list of trades grows while it is read.

    Attributes:
        tickets: the tickets of its rows. Rows with the same ticket are the same in every field.
        page_rows: the size of its pages.
        added: before which pages it adds rows: their number, and where they go, from 0 (in front)
            to 1 (behind).
    """

    tickets: list[int]
    page_rows: int
    added: dict[int, tuple[int, float]]
    pages: int = 0
    last_begin: int = -1

    def __call__(self, request: Seen) -> Reply:
        begin = request.body["offset"]
        # A page that is requested again is no progress.
        if begin > self.last_begin:
            self.last_begin = begin
            rows, place = self.added.get(self.pages, (0, 0))
            self.pages += 1
            position = round(place * len(self.tickets))
            new = range(9000 + len(self.tickets), 9000 + len(self.tickets) + rows)
            self.tickets[position:position] = new
        page = self.tickets[begin : begin + self.page_rows]
        return reply([many(1, first=ticket)[0] for ticket in page])


@st.composite
def growing_servers(draw: st.DrawFn) -> Growing:
    """Lists in any order and in pages of any size: rows occur twice, or rows are added."""
    order = draw(st.sampled_from(["newest first", "oldest first", "unordered"]))
    tickets = list(range(draw(st.integers(0, 25))))
    has_pairs = bool(tickets) and draw(st.booleans())
    if has_pairs:
        tickets += draw(st.sets(st.sampled_from(tickets), max_size=3))
    tickets.sort(reverse=order == "newest first")
    least = 1
    if order == "unordered":
        tickets = list(draw(st.permutations(tickets)))
        # Otherwise whole pages may consist of repeated rows, as if the server repeated itself.
        least = 4
    page_rows = draw(st.integers(least, 9))
    if has_pairs:
        return Growing(tickets, page_rows, {})
    place = {"newest first": st.just(0.0), "oldest first": st.just(1.0)}.get(order, st.floats(0, 1))
    addition = st.tuples(st.integers(1, page_rows), place)
    added = draw(st.dictionaries(st.integers(1, 5), addition, max_size=1))
    return Growing(tickets, page_rows, added)


@settings(deadline=None)
@given(server=growing_servers())
def test_every_row_counts_as_often_as_the_list_has_it(server: Growing) -> None:
    at_first = Counter(server.tickets)
    with Upstream(server).serve() as upstream:
        trades = history_of(upstream).trades
    read = Counter(trade.ticket for trade in trades)
    # The reference: all that was there at the beginning, and of what was added nothing twice.
    assert at_first <= read
    assert read <= Counter(server.tickets)


def test_all_pages_together_have_a_maximum_size(serve: Serve) -> None:
    upstream = serve(lambda request: reply(many(20, first=request.body["offset"])))
    with pytest.raises(Unreadable, match=r"^closed trades: .*30000 bytes .*max_response_bytes"):
        history_of(upstream, max_response_bytes=30_000)
    assert len(upstream.seen) < 15


def test_a_bad_row_of_a_later_page_is_named_by_its_number(serve: Serve) -> None:
    rows = many(1002)
    rows[1001]["closePrice"] = None
    upstream = serve(lambda request: reply(rows[request.body["offset"] :][:1000]))
    with pytest.raises(Unreadable, match=r"^closed trades\[1001\]\.closePrice: missing"):
        Client().call(account(upstream.url, dialect="cabinet-basic"), "closed_trades")


def test_a_token_that_expires_between_pages_costs_no_page(serve: Serve) -> None:
    door = ClosedApi(None)
    door.expire_before = {2}
    rows = many(2500)

    def respond(request: Seen) -> Reply:
        if "offset" in request.body:
            door.value = rows[request.body["offset"] :][:1000]
        return door(request)

    upstream = serve(respond)
    closed = account(upstream.url, dialect="cabinet-basic", password=PASSWORD)
    history = Client().call(closed, "closed_trades")
    assert isinstance(history, records.History)
    assert [trade.ticket for trade in history.trades] == list(range(2500))
    assert [request.body["offset"] for request in upstream.seen if "offset" in request.body] == [
        0,
        1000,
        1000,
        2000,
        2500,
    ]


def test_pages_share_one_deadline(serve: Serve) -> None:
    seconds = [0.0]

    def respond(request: Seen) -> Reply:
        seconds[0] += 3
        return reply(many(1000, first=request.body["offset"]))

    upstream = serve(respond)
    with pytest.raises(
        Unavailable, match=r"^closed trades: no complete response within the deadline of 8 s"
    ):
        Client(clock=lambda: seconds[0]).call(
            account(upstream.url, dialect="cabinet-basic"), "closed_trades"
        )
    assert len(upstream.seen) == 3


def test_the_configured_currency_wins(serve: Serve) -> None:
    upstream = serve(lambda _: reply({"balance": 1, "currency": 0}))
    for configured, expected in (("EUR", "EUR"), (None, "USD")):
        result = Client().call(account(upstream.url, currency=configured), "summary")
        assert isinstance(result, records.AccountInformation)
        assert result.currency == expected


def test_what_each_dialect_offers() -> None:
    client = Client()
    offered = {
        dialect: [
            f
            for f in FUNCTIONS
            if client.offers(account("https://api.invalid", dialect=dialect), f)
        ]
        for dialect in ("client-api", "cabinet-basic")
    }
    assert offered == {
        "client-api": [
            "balance",
            "summary",
            "open_trades",
            "closed_trades",
            "lots",
            "bonus",
            "logins",
            "referrals",
        ],
        "cabinet-basic": [
            "balance",
            "summary",
            "open_trades",
            "closed_trades",
            "bonus",
            "operations",
        ],
    }
    assert client.offers(
        account("https://api.invalid", partner_password=PARTNER_PASSWORD), "commissions"
    )
    assert not client.offers(
        account("https://api.invalid", dialect="cabinet-basic", partner_password="x"), "commissions"
    )


def test_balance_and_summary_share_a_call_if_their_path_is_the_same() -> None:
    client = Client()
    basic = account("https://api.invalid", dialect="cabinet-basic")
    assert [client.shared_function(basic, function) for function in FUNCTIONS] == [
        "balance",
        "balance",
        *FUNCTIONS[2:],
    ]
    assert [
        client.shared_function(account("https://api.invalid"), function) for function in FUNCTIONS
    ] == list(FUNCTIONS)
    other = account(
        "https://api.invalid", dialect="cabinet-basic", methods={"summary": "GetSummary"}
    )
    assert client.shared_function(other, "summary") == "summary"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_path_can_be_configured(serve: Serve, function: Function) -> None:
    upstream = serve(
        lambda request: reply(b"tok" if request.path.endswith("Token") else VALUES.get(function))
    )
    path = "/v2/mine/{login}/x?since={from}&until={to}&odd={}"
    own = account(upstream.url, methods={function: path}, partner_password=PARTNER_PASSWORD)
    assert Client().offers(own, function)
    Client().call(own, function, FROM, TO)
    assert upstream.seen[-1].target.startswith(f"/v2/mine/{LOGIN}/x?since=86400&until=172800&odd=")


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("GetClosedLots", "/api/ClientCabinetBasic/GetClosedLots"),
        ("api/Other/Lots/{login}", f"/api/Other/Lots/{LOGIN}"),
    ],
)
def test_a_function_of_cabinet_basic_can_be_configured_by_name_or_path(
    serve: Serve, path: str, target: str
) -> None:
    upstream = serve(lambda _: reply({"lots": 4}))
    own = account(upstream.url, dialect="cabinet-basic", methods={"lots": path})
    assert Client().call(own, "lots", FROM, TO) == 4
    assert upstream.seen[0].target == target
    assert upstream.seen[0].body == {"login": LOGIN, "from": 86400, "to": 172800}


def test_an_empty_path_means_that_the_api_does_not_offer_the_function(serve: Serve) -> None:
    upstream = serve(lambda _: reply(1))
    without = account(upstream.url, methods={"lots": ""})
    assert not Client().offers(without, "lots")
    for function in ("lots", "operations", "commissions"):
        with pytest.raises(NotOffered):
            Client().call(without, function)
    assert upstream.seen == []


def test_connections_are_reused(serve: Serve) -> None:
    upstream = serve(lambda _: reply({"balance": 1}))
    client = Client()
    for _ in range(5):
        client.call(account(upstream.url), "balance")
    assert (upstream.connections, len(upstream.seen)) == (1, 5)


def test_no_cookie_is_stored(serve: Serve) -> None:
    upstream = serve(lambda _: reply({"balance": 1}, Set_Cookie="ASP.NET_SessionId=x; Path=/"))
    client = Client()
    for _ in range(2):
        client.call(account(upstream.url), "balance")
    assert "Cookie" not in upstream.seen[1].headers


def test_the_environment_is_ignored(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    upstream = serve(lambda _: reply({"balance": 1}))
    Client().call(account(upstream.url), "balance")
    assert "Authorization" not in upstream.seen[0].headers


def test_a_configured_proxy_is_used(serve: Serve) -> None:
    proxy = serve(lambda _: reply({"balance": 1}))
    Client().call(account("http://127.0.0.1:9", proxy=proxy.url), "balance")
    assert proxy.seen[0].target == f"http://127.0.0.1:9{PATHS['balance']}"


HEADERS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def drip_headers(connection: socket.socket, _: int) -> None:
    take_request(connection)
    drip(connection, HEADERS + b"X-Filler: x\r\n" * 1000)


def drip_body(connection: socket.socket, _: int) -> None:
    take_request(connection)
    connection.sendall(HEADERS + b"Content-Length: 90000\r\n\r\n")
    drip(connection, b" " * 90000)


def drip_chunks(connection: socket.socket, _: int) -> None:
    take_request(connection)
    connection.sendall(HEADERS + b"Transfer-Encoding: chunked\r\n\r\n")
    drip(connection, b"1\r\n \r\n" * 20000)


def drip_trailers(connection: socket.socket, _: int) -> None:
    take_request(connection)
    connection.sendall(HEADERS + b"Transfer-Encoding: chunked\r\n\r\n1\r\n \r\n0\r\n")
    drip(connection, b"X-Filler: x\r\n" * 20000)


def drip_gzip(connection: socket.socket, _: int) -> None:
    take_request(connection)
    connection.sendall(HEADERS + b"Content-Encoding: gzip\r\nContent-Length: 9000\r\n\r\n")
    drip(connection, gzip.compress(bytes(range(256)) * 40, 1))


def go_on_and_on(connection: socket.socket, _: int) -> None:
    take_request(connection)
    for _ in range(int(GIVE_UP / DRIP_SECONDS)):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(DRIP_SECONDS)  # noqa: TID251  # this is what a slow server does


SLOW = [hang, drip_headers, drip_body, drip_chunks, drip_trailers, drip_gzip, go_on_and_on]


@pytest.mark.parametrize("talk", SLOW)
def test_a_slow_server_delays_no_call_beyond_its_deadline(
    talk: Callable[[socket.socket, int], None],
) -> None:
    with raw_server(talk) as (url, connections):
        with pytest.raises(Unavailable, match=NO_RESPONSE):
            Client().call(account(url, deadline_seconds=0.3), "balance")
        assert len(connections) == 1  # a server that does not respond gets no second request


def test_a_slow_token_delays_no_call_beyond_its_deadline() -> None:
    with raw_server(drip_body) as (url, _):
        dripping = account(url, deadline_seconds=0.3, password=PASSWORD)
        with pytest.raises(Unavailable, match=NO_RESPONSE):
            Client().call(dripping, "balance")


def test_token_and_call_share_one_deadline(serve: Serve) -> None:
    seconds = [0.0]

    def respond(request: Seen) -> Reply:
        seconds[0] += 5
        return reply(b"tok")

    upstream = serve(respond)
    late = account(upstream.url, password=PASSWORD, deadline_seconds=4)
    with pytest.raises(
        Unavailable, match=r"^balance: no complete response within the deadline of 4 s"
    ):
        Client(clock=lambda: seconds[0]).call(late, "balance")
    assert [request.method for request in upstream.seen] == ["POST"]


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_refused_connection_is_unavailable() -> None:
    with pytest.raises(Unavailable, match=r"^balance: ConnectionRefusedError"):
        Client().call(account(f"http://127.0.0.1:{unused_port()}"), "balance")


def test_a_request_is_repeated_once_after_a_reset_before_the_response() -> None:
    def talk(connection: socket.socket, number: int) -> None:
        take_request(connection)
        if number == 1:
            reset(connection)
        else:
            connection.sendall(GOOD)

    with raw_server(talk) as (url, connections):
        assert Client().call(account(url), "balance") == records.AccountInformation(
            balance=Decimal(1)
        )
        assert len(connections) == 2


def test_a_reused_connection_that_was_closed_meanwhile_is_replaced() -> None:
    def talk(connection: socket.socket, number: int) -> None:
        for _ in range(number):
            take_request(connection)
            connection.sendall(GOOD)
        take_request(connection)  # and close without a response

    with raw_server(talk) as (url, connections):
        client = Client()
        for _ in range(3):
            assert client.call(account(url), "balance") == records.AccountInformation(
                balance=Decimal(1)
            )
        assert len(connections) == 2


@pytest.mark.parametrize("end", [reset, socket.socket.close])
def test_a_server_that_always_hangs_up_gets_two_requests_and_no_more(
    end: Callable[[socket.socket], None],
) -> None:
    def talk(connection: socket.socket, _: int) -> None:
        take_request(connection)
        end(connection)

    with raw_server(talk) as (url, connections):
        with pytest.raises(
            Unavailable, match=r"^balance: (ConnectionResetError|RemoteDisconnected)"
        ):
            Client().call(account(url), "balance")
        assert len(connections) == 2


CUT_SHORT = {
    "by length": HEADERS + b'Content-Length: 900\r\n\r\n{"balance": 1',
    "by chunks": HEADERS + b'Transfer-Encoding: chunked\r\n\r\nd\r\n{"balance": 1\r\n',
    "in a chunk": HEADERS + b'Transfer-Encoding: chunked\r\n\r\nff\r\n{"balance": 1',
    "by a bad chunk": HEADERS + b'Transfer-Encoding: chunked\r\n\r\nzz\r\n{"balance": 1',
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
}


@pytest.mark.parametrize("data", CUT_SHORT.values(), ids=CUT_SHORT)
def test_a_response_that_is_cut_short_is_unavailable_and_not_requested_again(data: bytes) -> None:
    def talk(connection: socket.socket, _: int) -> None:
        take_request(connection)
        connection.sendall(data)

    with raw_server(talk) as (url, connections):
        with pytest.raises(Unavailable, match=r"^balance: "):
            Client().call(account(url), "balance")
        assert len(connections) == 1


def test_a_reset_in_the_middle_of_the_body_is_unavailable() -> None:
    def talk(connection: socket.socket, _: int) -> None:
        take_request(connection)
        connection.sendall(HEADERS + b'Content-Length: 900\r\n\r\n{"balance": 1')
        reset(connection)

    with raw_server(talk) as (url, connections):
        with pytest.raises(Unavailable, match=r"^balance: (ConnectionResetError|IncompleteRead)"):
            Client().call(account(url), "balance")
        assert len(connections) == 1


def test_a_body_of_many_megabytes_is_not_read_to_its_end() -> None:
    sent = [0]

    def talk(connection: socket.socket, _: int) -> None:
        take_request(connection)
        connection.sendall(HEADERS + b"Content-Length: 67108864\r\n\r\n")
        for _ in range(1024):
            connection.sendall(b" " * 65536)
            sent[0] += 65536

    with (
        raw_server(talk) as (url, _),
        pytest.raises(Unreadable, match=r"^balance: more than 100000 bytes"),
    ):
        Client().call(account(url, max_response_bytes=100_000), "balance")
    assert sent[0] < 67108864


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_the_cap_counts_what_was_decompressed(serve: Serve, encoding: str) -> None:
    content = b" " * 50_000_000
    packed = gzip.compress(content) if encoding == "gzip" else zlib.compress(content)
    upstream = serve(lambda _: reply(packed, Content_Encoding=encoding))
    with pytest.raises(Unreadable, match=r"^balance: more than 33554432 bytes"):
        Client().call(account(upstream.url), "balance")


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br"])
def test_what_is_decompressed_is_never_much_more_than_the_cap(serve: Serve, encoding: str) -> None:
    """Before 2.6 urllib3 unpacked all that a chunk brought at once; with brotli before 1.2 it
    cannot do otherwise.
    """
    content = b" " * 50_000_000
    packed = (
        brotli.compress(content, quality=1)
        if encoding == "br"
        else gzip.compress(gzip.compress(content))
    )
    upstream = serve(lambda _: reply(packed, Content_Encoding=encoding))
    tracemalloc.start()
    try:
        del content
        with pytest.raises(Unreadable, match=r"^balance: more than 1000000 bytes"):
            Client().call(account(upstream.url, max_response_bytes=1_000_000), "balance")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_body_of_exactly_the_cap_is_read(serve: Serve) -> None:
    body = b'{"balance": 1}'.ljust(2000)
    upstream = serve(lambda _: reply(gzip.compress(body), Content_Encoding="gzip"))
    Client().call(account(upstream.url, max_response_bytes=2000), "balance")
    with pytest.raises(Unreadable, match=r"more than 1999 bytes"):
        Client().call(account(upstream.url, max_response_bytes=1999), "balance")


def test_what_cannot_be_decompressed_is_unreadable(serve: Serve) -> None:
    upstream = serve(lambda _: reply(b"this was never packed", Content_Encoding="gzip"))
    with pytest.raises(Unreadable, match=r"^balance: the response cannot be decompressed"):
        Client().call(account(upstream.url), "balance")


@pytest.mark.parametrize(
    "body", [b"<html>Runtime Error</html>", b"\xef\xbb\xbf<!DOCTYPE html>", b"OK"]
)
def test_an_error_page_with_status_200_is_unreadable(serve: Serve, body: bytes) -> None:
    upstream = serve(lambda _: reply(body, Content_Type="text/html"))
    with pytest.raises(Unreadable, match=r"^balance: not JSON"):
        Client().call(account(upstream.url), "balance")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_error_is_unavailable(serve: Serve, status: int) -> None:
    upstream = serve(lambda _: reply(b"<html>Runtime Error</html>", status))
    with pytest.raises(Unavailable, match=f"^balance: HTTP {status}$") as caught:
        Client().call(account(upstream.url), "balance")
    assert caught.value.retry_after == 15
    assert len(upstream.seen) == 1


@pytest.mark.parametrize("status", [400, 404, 405, 410])
def test_a_path_that_does_not_exist_is_unreadable_and_says_what_to_fix(
    serve: Serve, status: int
) -> None:
    upstream = serve(lambda _: reply({}, status))
    with pytest.raises(Unreadable, match=rf"^balance: HTTP {status}; .*api\.methods"):
        Client().call(account(upstream.url), "balance")


NOW = 1763631065.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("0", 1),
        ("86400", 300),
        ("9" * 400, 300),
        ("-5", 15),
        ("1e400", 15),
        ("soon", 15),
        (None, 15),
        ("²", 15),
        (format_datetime(datetime.fromtimestamp(NOW + 42, UTC), usegmt=True), 42),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 1),
        ("Fri, 31 Dec 9999 23:59:59 -2300", 300),
    ],
)
def test_retry_after_is_respected_within_limits(
    serve: Serve, header: str | None, seconds: float
) -> None:
    headers = {} if header is None else {"Retry-After": header}
    upstream = serve(
        lambda _: (
            429,
            {name: text.encode().decode("latin-1") for name, text in headers.items()},
            b"",
        )
    )
    with pytest.raises(Unavailable, match=r"^balance: HTTP 429") as caught:
        Client(now=lambda: NOW).call(account(upstream.url), "balance")
    assert caught.value.retry_after == seconds
    assert len(upstream.seen) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(serve: Serve, status: int) -> None:
    elsewhere = serve(lambda _: reply({"balance": 666}))
    upstream = serve(lambda _: reply({}, status, Location=f"{elsewhere.url}/client/x"))
    for dialect in ("client-api", "cabinet-basic"):
        with pytest.raises(Unreadable, match=rf"^balance: HTTP {status}: a redirect, .*base_url"):
            Client().call(account(upstream.url, dialect=dialect), "balance")
    assert elsewhere.seen == []


def test_no_call_waits_for_the_body_of_a_redirect() -> None:
    def talk(connection: socket.socket, _: int) -> None:
        take_request(connection)
        connection.sendall(
            b"HTTP/1.1 302 Found\r\nLocation: http://[bad\r\nContent-Length: 9000\r\n\r\n"
        )
        drip(connection, b" " * 9000)

    with raw_server(talk) as (url, _), pytest.raises(Unreadable, match=r"redirect"):
        Client().call(account(url, deadline_seconds=20), "balance")


@pytest.mark.parametrize("host", ["nowhere.invalid", f"{'a' * 64}.invalid"])
def test_a_host_without_an_address_is_unavailable(host: str) -> None:
    with pytest.raises(Unavailable, match=r"^balance: "):
        Client().call(account(f"https://{host}"), "balance")


def test_an_address_that_does_not_respond_leaves_the_next_ones_their_share_of_the_time(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream = serve(lambda _: reply({"balance": 1}))
    with ExitStack() as stack:
        full = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):  # nobody accepts these, so later connections get no response at all
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        ports = (full.getsockname()[1], unused_port(), int(upstream.url.rpartition(":")[2]))
        addresses = [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        Client().call(account("http://localhost:9", deadline_seconds=1.5), "balance")
    assert len(upstream.seen) == 1


@dataclass(frozen=True)
class Certificates:
    """A private CA, and the files of a server that it has signed."""

    authority: str
    chain: str
    key: str

    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        return context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*words: str) -> None:
        subprocess.run(
            [find_program("openssl"), *words], cwd=folder, check=True, capture_output=True
        )

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    authority = ("-subj", "/CN=Private CA", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", *authority)
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=loopback")
    (folder / "extensions").write_text(
        "subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n"
    )
    signer = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    result = ("-out", "server.pem", "-days", "2", "-extfile", "extensions")
    openssl("x509", "-req", "-in", "server.csr", *signer, *result)
    return Certificates(*(str(folder / name) for name in ("ca.pem", "server.pem", "server.key")))


@contextmanager
def tls_server(
    certificates: Certificates, talk: Callable[[socket.socket, int], None]
) -> Iterator[tuple[str, list[int]]]:
    context = certificates.server_context()

    def wrapped(connection: socket.socket, number: int) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            talk(secure, number)

    with raw_server(wrapped) as (url, connections):
        yield url.replace("http:", "https:"), connections


def respond_well(connection: socket.socket, _: int) -> None:
    while take_request(connection):
        connection.sendall(GOOD)


def test_a_private_ca_is_trusted_only_where_it_is_configured(
    certificates: Certificates,
) -> None:
    with tls_server(certificates, respond_well) as (url, _):
        client = Client()
        for _ in range(2):
            assert client.call(account(url, ca_file=certificates.authority), "balance") is not None
            with pytest.raises(
                Unavailable, match=r"^balance: TLS failed: .*CERTIFICATE_VERIFY_FAILED.*ca_file"
            ):
                client.call(account(url, slug="other"), "balance")


def test_a_certificate_must_be_for_the_host(certificates: Certificates) -> None:
    with tls_server(certificates, respond_well) as (url, _):
        other_name = url.replace("127.0.0.1", "localhost")
        with pytest.raises(Unavailable, match=r"^balance: TLS failed: .*match"):
            Client().call(account(other_name, ca_file=certificates.authority), "balance")


def test_a_missing_ca_file_is_named(certificates: Certificates) -> None:
    with pytest.raises(Unavailable, match=r"^balance: OSError: .*/nowhere/ca.pem"):
        Client().call(account("https://127.0.0.1:9", ca_file="/nowhere/ca.pem"), "balance")


@pytest.mark.parametrize("talk", SLOW)
def test_the_deadline_holds_over_tls(
    certificates: Certificates, talk: Callable[[socket.socket, int], None]
) -> None:
    with tls_server(certificates, talk) as (url, connections):
        secure = account(url, deadline_seconds=0.3, ca_file=certificates.authority)
        with pytest.raises(Unavailable, match=NO_RESPONSE):
            Client().call(secure, "balance")
        assert len(connections) == 1


def test_the_deadline_holds_during_the_handshake(certificates: Certificates) -> None:
    def drip_records(connection: socket.socket, _: int) -> None:
        drip(connection, b"\x16\x03\x03\x40\x00" + b"\x02" * 9000)

    for talk in (hang, drip_records):
        with raw_server(talk) as (url, _):
            secure = account(
                url.replace("http:", "https:"), deadline_seconds=0.3, ca_file=certificates.authority
            )
            with pytest.raises(Unavailable, match=NO_RESPONSE):
                Client().call(secure, "balance")


def test_a_handshake_has_all_of_the_time_that_is_left(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    with raw_server(hang) as (url, _):
        address = (
            socket.AF_INET,
            socket.SOCK_STREAM,
            6,
            "",
            ("127.0.0.1", int(url.rpartition(":")[2])),
        )
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [address, address])
        secure = account(
            "https://localhost:9", deadline_seconds=0.6, ca_file=certificates.authority
        )
        shake_hands = transport._TLSSocket.do_handshake
        allowed = []

        def note_the_timeout(sock: ssl.SSLSocket, *arguments: Any) -> None:
            allowed.append(sock.gettimeout())
            shake_hands(sock, *arguments)

        monkeypatch.setattr(transport._TLSSocket, "do_handshake", note_the_timeout)
        with pytest.raises(Unavailable, match=NO_RESPONSE.replace("0.3", "0.6")):
            Client(clock=lambda: 0.0).call(secure, "balance")
        assert allowed == [0.6]


def test_a_connection_through_a_proxy_keeps_the_deadline(certificates: Certificates) -> None:
    def talk(connection: socket.socket, _: int) -> None:
        assert take_request(connection).startswith(b"CONNECT api.invalid:443 ")
        drip(connection, b"HTTP/1.1 200 Connection established\r\n" + b"X-Filler: x\r\n" * 1000)

    with raw_server(talk) as (proxy, _):
        behind = account("https://api.invalid", proxy=proxy, deadline_seconds=0.3)
        with pytest.raises(Unavailable, match=NO_RESPONSE):
            Client().call(behind, "balance")


def test_tls_through_a_proxy_reaches_the_host(certificates: Certificates) -> None:
    context = certificates.server_context()

    def talk(connection: socket.socket, _: int) -> None:
        assert take_request(connection).startswith(b"CONNECT 127.0.0.1:9 ")
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with context.wrap_socket(connection, server_side=True) as secure:
            respond_well(secure, 1)

    with raw_server(talk) as (proxy, connections):
        client, behind = (
            Client(),
            account("https://127.0.0.1:9", proxy=proxy, ca_file=certificates.authority),
        )
        for _ in range(2):
            assert client.call(behind, "balance") == records.AccountInformation(balance=Decimal(1))
        assert len(connections) == 1


@pytest.mark.parametrize("dialect", ["client-api", "cabinet-basic"])
def test_no_secret_is_in_any_log_or_error(
    serve: Serve, caplog: pytest.LogCaptureFixture, dialect: str
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "t0k3n-" + "x" * 20
    secrets = f"no {LOGIN} {PASSWORD} {secret}"
    values = iter(
        (
            *(
                reply({"balance": 1}),
                reply(secrets.encode()),
                reply({"balance": secrets}),
                reply({}, 404),
                reply({}, 503),
            ),
            reply({}, 302, Location=f"http://x.invalid/{LOGIN}"),
        )
    )

    def respond(request: Seen) -> Reply:
        if request.path.endswith(("Token", "Correct")):
            return reply(
                secret.encode() if dialect == "client-api" else {"result": True, "token": secret}
            )
        return next(values, (200, {"X-Bad Header": "x"}, b"{}"))

    url = serve(respond).url
    client, closed = (
        Client(),
        account(url, dialect=dialect, password=PASSWORD, partner_password=PARTNER_PASSWORD),
    )
    errors = []
    for _ in range(7):
        try:
            client.call(closed, "balance")
        except UpstreamError as error:
            errors.append("".join(traceback.format_exception(error)))
    with raw_server(hang) as (hanging, _):
        for dead in (f"http://127.0.0.1:{unused_port()}", hanging, "https://nowhere.invalid"):
            try:
                client.call(
                    account(dead, dialect=dialect, slug="dead", deadline_seconds=0.3), "balance"
                )
            except UpstreamError as error:
                errors.append("".join(traceback.format_exception(error)))
    assert len(errors) == 9
    everything = "\n".join([*errors, caplog.text, repr(client), repr(vars(client)), repr(closed)])
    for word in (str(LOGIN), PASSWORD, PARTNER_PASSWORD, secret):
        assert word not in everything


@pytest.mark.parametrize(
    ("login", "password"), [(1000001, None), (1000002, "sandbox-password"), (1000004, None)]
)
@pytest.mark.parametrize("dialect", ["client-api", "cabinet-basic"])
def test_every_function_of_the_sandbox_is_read(
    dialect: str, login: int, password: str | None, instant: float
) -> None:
    clock = Clock(instant)
    with serve_sandbox(create_sandbox(clock=clock)) as url:
        client = Client(now=clock)
        open_account = account(url, dialect=dialect, login=login, password=password)
        offered = {f for f in FUNCTIONS if client.offers(open_account, f)}
        if password is not None:
            # A closed account has no open level, and this one has no partner password.
            offered.discard("referrals")
        results = {f: client.call(open_account, f) for f in offered}
    assert isinstance(results["balance"], records.AccountInformation)
    assert results["balance"].margin is not None
    assert isinstance(results["closed_trades"], records.History)
    assert (
        bool(results["closed_trades"].trades) == bool(results["open_trades"]) == (login != 1000004)
    )
