"""A simulated Client Cabinet API over HTTP: both dialects, both access levels, and partners.

Apart from the accounts it imports nothing of the package, so that it cannot share a mistake with
the client that reads it.
"""

import ipaddress
import random
import string
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

from widget.sandbox.book import ACCOUNTS, DAY, Book, total_lots

TOKEN_ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits

# The functions that give out tokens: two of the older dialect, one of the newer.
CLIENT_TOKEN = "RequestClientApiToken"  # noqa: S105  # the name of a function
PARTNER_TOKEN = "RequestPartnerApiToken"  # noqa: S105
CHECK_CREDENTIALS = "IsAccountCredentialsCorrect"
TOKEN_FUNCTIONS = (CLIENT_TOKEN, PARTNER_TOKEN, CHECK_CREDENTIALS)


def open_trades(book: Book, now: float) -> list[dict[str, Any]]:
    """The records of what is open."""
    return book.records(book.open(now), now)


def closed_trades(book: Book, now: float, query: dict[str, Any]) -> list[dict[str, Any]]:
    """What was closed in a period, oldest first, as the older dialect sends it."""
    return book.records(book.closed(now, query), now)


def page_of_closed_trades(book: Book, now: float, body: dict[str, Any]) -> list[dict[str, Any]]:
    """One page of what was closed, newest first, as the newer dialect sends it."""
    newest_first = book.closed(now, body)[::-1]
    start = body.get("offset") or 0
    count = body.get("count") or 100
    return book.records(newest_first[start : start + count], now)


def closed_lots(book: Book, now: float, query: dict[str, Any]) -> Any:
    """The volume closed in a period: deployments send it either as a number or as an object."""
    lots = total_lots(book.closed(now, query)) / 100
    return {"lots": lots} if book.account.closed else lots


def open_trades_or_null(book: Book, now: float) -> list[dict[str, Any]] | None:
    """The records of what is open; the newer dialect sends null instead of an empty list."""
    return open_trades(book, now) or None


def operations_or_null(book: Book, now: float) -> list[dict[str, Any]] | None:
    """Deposits and withdrawals, or null."""
    return book.operations(now) or None


Respond = Callable[[Book, float, dict[str, Any]], Any]
"""Responds with a value for JSON, given the book, the time, and the query or the body."""


def plain(figures: Callable[[Book, float], Any]) -> Respond:
    """A function of the API that has no parameters of its own."""
    return lambda book, now, _: figures(book, now)


FUNCTIONS: dict[str, Respond] = {
    "client/RequestBalanceInformation": plain(Book.balance),
    "client/RequestAccountInformation": plain(Book.information),
    "client/RequestOpenTrades": plain(open_trades),
    "client/RequestClosedTrades": closed_trades,
    "client/RequestClosedLots": closed_lots,
    "client/RequestBonusStatistic": plain(Book.bonus),
    "client/RequestLoginHistory": plain(Book.logins),
    "partner/GetCommissionRecords": plain(Book.commissions),
    "partner/GetClickStatistics": plain(Book.clicks),
    "basic/GetAccountInformation": plain(Book.information),
    "basic/GetOpenTrades": plain(open_trades_or_null),
    "basic/GetClosedTrades": page_of_closed_trades,
    "basic/GetBonusStatistic": plain(Book.bonus),
    "basic/GetBalanceOperationsHistory": plain(operations_or_null),
}


def older_json(value: Any, key: str = "") -> Any:
    """A value as the older dialect writes it.

    Names are in PascalCase, an empty list is null, and times have three forms: ``/Date()/`` when a
    trade was opened, seven decimals of a second in the login history, otherwise whole seconds; all
    without a zone or with a wrong one.
    """
    if isinstance(value, dict):
        return {name[:1].upper() + name[1:]: older_json(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [older_json(item) for item in value] or None
    if not isinstance(value, datetime):
        return value
    if key == "openTime":
        milliseconds = round(value.timestamp() * 1000)
        return f"/Date({milliseconds}+0300)/"
    if key == "time":
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f0")
    return value.strftime("%Y-%m-%dT%H:%M:%S")


def newer_json(value: Any, key: str = "") -> Any:
    """A value as the newer dialect writes it.

    Names are in camelCase, times in ISO 8601 without a zone, but Unix seconds for balance
    operations.
    """
    if isinstance(value, dict):
        return {name: newer_json(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [newer_json(item) for item in value]
    if not isinstance(value, datetime):
        return value
    if key == "date":
        return int(value.timestamp())
    return value.strftime("%Y-%m-%dT%H:%M:%S")


class Sandbox:
    """The state of one simulated API, and its views.

    Args:
        clock: Unix seconds; the accounts' year of history ends on the day it shows now.
        seed: determines prices, trades and tokens.

    Attributes:
        books: the history of each account, by login.
        tokens: for each valid token, its login and whether it is for partner functions.
    """

    def __init__(self, clock: Callable[[], float], seed: int) -> None:
        self.tokens: dict[str, tuple[int, bool]] = {}
        self._clock = clock
        self._rng = random.Random(seed)
        self._lock = threading.Lock()
        opened = int(clock()) // DAY - 365
        self.books = {login: Book(seed, account, opened) for login, account in ACCOUNTS.items()}

    def create_token(
        self, login: object, password: object, *, partner: bool = False, outside: int = 403
    ) -> str | None:
        """Create a token for an account.

        Args:
            login: as received.
            password: as received.
            partner: whether the token is for partner functions.
            outside: the status of the response to addresses outside the account's IP mask.

        Returns:
            A token of 32 letters and digits, or None if login or password are wrong.
        """
        account = ACCOUNTS.get(login) if isinstance(login, int) else None
        if account is None:
            return None
        expected = account.partner_password if partner else account.password
        if expected is None or password != expected:
            return None
        address = ipaddress.ip_address(str(request.remote_addr))
        if address not in ipaddress.ip_network(account.network):
            abort(outside, "Your address is outside the allowed IP mask.")
        with self._lock:
            token = "".join(self._rng.choices(TOKEN_ALPHABET, k=32))
            self.tokens[token] = (account.login, partner)
        return token

    def authorized_book(self, login: object, token: object, *, partner: bool = False) -> Book:
        """The history of an account, if the token allows it; otherwise the response is an error.

        Open accounts need no token, but partner functions always do.
        """
        book = self.books.get(login) if isinstance(login, int) else None
        if book is None or (partner and book.account.partner_password is None):
            abort(404, "Account not found.")
        needs_token = partner or book.account.closed
        if needs_token and self.tokens.get(str(token)) != (login, partner):
            abort(401, "The token is invalid or has expired.")
        return book

    def authenticate(self, function: str) -> ResponseReturnValue:
        """The functions of the older dialect that give out tokens."""
        if function not in (CLIENT_TOKEN, PARTNER_TOKEN):
            abort(404)
        partner = function == PARTNER_TOKEN
        body = request.get_json()
        token = self.create_token(body.get("Login"), body.get("Password"), partner=partner)
        if token is None:
            abort(401)
        if partner:
            # Some deployments write the token without quotation marks, after a byte order mark.
            return Response(f"\ufeff{token}\r\n", content_type="text/plain; charset=utf-8")
        return jsonify(token)

    def older_dialect(self, area: str, function: str, login: int) -> ResponseReturnValue:
        """The functions of the older dialect."""
        respond = FUNCTIONS.get(f"{area}/{function}")
        if respond is None:
            abort(404)
        token = request.headers.get("passkey")
        book = self.authorized_book(login, token, partner=area == "partner")
        period = {name: request.args.get(name, type=int) for name in ("from", "to")}
        return jsonify(older_json(respond(book, self._clock(), period)))

    def newer_dialect(self, function: str) -> ResponseReturnValue:
        """The functions of the newer dialect, including the one that gives out tokens."""
        body = request.get_json()
        if function == CHECK_CREDENTIALS:
            return self._check_credentials(body)
        respond = FUNCTIONS.get(f"basic/{function}")
        if respond is None:
            abort(404)
        book = self.authorized_book(body.get("login"), body.get("token"))
        return jsonify(newer_json(respond(book, self._clock(), body)))

    def _check_credentials(self, body: dict[str, Any]) -> Response:
        token = self.create_token(body.get("login"), body.get("password"), outside=401)
        if token is None:
            return jsonify({"result": False})
        return jsonify({"result": True, "token": token})


def error_response(error: HTTPException) -> ResponseReturnValue:
    """Errors as JSON."""
    return jsonify(Message=error.description), error.code or 500


def create_sandbox(*, clock: Callable[[], float], seed: int = 7) -> Flask:
    """Create the application of a simulated API; ``app.extensions["sandbox"]`` is its ``Sandbox``.

    Args:
        clock: Unix seconds; the accounts' year of history ends on the day it shows now.
        seed: determines prices, trades and tokens.
    """
    app = Flask("sandbox", static_folder=None)
    sandbox = Sandbox(clock, seed)
    app.extensions["sandbox"] = sandbox
    app.register_error_handler(HTTPException, error_response)
    app.add_url_rule(
        "/api/Authentication/<function>", view_func=sandbox.authenticate, methods=["POST"]
    )
    app.add_url_rule(
        "/<any(client, partner):area>/<function>/<int:login>", view_func=sandbox.older_dialect
    )
    app.add_url_rule(
        "/api/ClientCabinetBasic/<function>", view_func=sandbox.newer_dialect, methods=["POST"]
    )
    return app


class QuietHandler(WSGIRequestHandler):
    """Logs nothing: the terminal belongs to the command that runs the server."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  # werkzeug's name
        """Ignore the message."""


@contextmanager
def serve_sandbox(app: Flask, port: int = 0) -> Iterator[str]:
    """Run a sandbox in a thread, on loopback only, and yield its base URL.

    Args:
        app: the sandbox to serve, from ``create_sandbox``.
        port: 0 takes a free one.
    """
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=QuietHandler)
    # Checking for the end every 0.05 s instead of 0.5 s keeps tests with many sandboxes fast.
    thread = threading.Thread(
        target=server.serve_forever, args=(0.05,), name="sandbox", daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
