"""A simulated Client Cabinet API over HTTP: both dialects, both access levels, partners.

Apart from the accounts it imports nothing of the package, so that it cannot share a mistake with the client that reads it.
"""

import ipaddress
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

from widget.sandbox_book import ACCOUNTS, DAY, Book, Trade, total_lots


def _page(trades: list[Trade], body: dict[str, Any]) -> list[Trade]:
    offset = body.get("offset") or 0
    return trades[::-1][offset : offset + (body.get("count") or 100)]


# What each function answers, given the book, the time and the query or the body
FUNCTIONS: dict[str, Callable[[Book, float, dict[str, Any]], Any]] = {
    "client/RequestBalanceInformation": lambda book, now, _: book.balance(now),
    "client/RequestAccountInformation": lambda book, now, _: book.information(now),
    "client/RequestOpenTrades": lambda book, now, _: book.records(book.open(now), now),
    "client/RequestClosedTrades": lambda book, now, query: book.records(
        book.closed(now, query), now
    ),
    "client/RequestClosedLots": lambda book, now, query: (
        {"lots": total_lots(book.closed(now, query)) / 100}
        if book.account.closed
        else total_lots(book.closed(now, query)) / 100
    ),
    "client/RequestBonusStatistic": lambda book, now, _: book.bonus(now),
    "client/RequestLoginHistory": lambda book, now, _: book.logins(now),
    "partner/GetCommissionRecords": lambda book, now, _: book.commissions(now),
    "partner/GetClickStatistics": lambda book, now, _: book.clicks(now),
    "basic/GetAccountInformation": lambda book, now, _: book.information(now),
    "basic/GetOpenTrades": lambda book, now, _: book.records(book.open(now), now) or None,
    "basic/GetClosedTrades": lambda book, now, body: book.records(
        _page(book.closed(now, body), body), now
    ),
    "basic/GetBonusStatistic": lambda book, now, _: book.bonus(now),
    "basic/GetBalanceOperationsHistory": lambda book, now, _: book.operations(now) or None,
}
TOKEN_FUNCTIONS = ("RequestClientApiToken", "RequestPartnerApiToken", "IsAccountCredentialsCorrect")


class Sandbox:
    """The state of one simulated API, available as ``app.extensions["sandbox"]``.

    Attributes:
        books: the history of each account, by login.
        tokens: for each valid token its login and whether it is for partner functions.
    """

    def __init__(self, seed: int, clock: Callable[[], float]) -> None:
        self.tokens: dict[str, tuple[int, bool]] = {}
        self._dice, self._lock = random.Random(seed), threading.Lock()
        opened = int(clock()) // DAY - 365
        self.books = {login: Book(seed, account, opened) for login, account in ACCOUNTS.items()}

    def sign_in(
        self, login: object, password: object, *, partner: bool = False, outside: int = 403
    ) -> str | None:
        """A token of 32 letters and digits, None for a wrong password; an abort with that status outside the mask."""
        account = ACCOUNTS.get(login) if isinstance(login, int) else None
        expected = account and (account.partner_password if partner else account.password)
        if account is None or expected is None or password != expected:
            return None
        if ipaddress.ip_address(str(request.remote_addr)) not in ipaddress.ip_network(
            account.network
        ):
            abort(outside, "Your address is outside the allowed IP mask.")
        with self._lock:
            token = "".join(
                self._dice.choices(
                    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", k=32
                )
            )
            self.tokens[token] = (account.login, partner)
        return token

    def admit(self, login: object, token: object, *, partner: bool = False) -> Book:
        """The account's book, or an abort; open accounts need no token, partner functions always do."""
        book = self.books.get(login) if isinstance(login, int) else None
        if book is None or (partner and book.account.partner_password is None):
            abort(404, "Account not found.")
        if (partner or book.account.closed) and self.tokens.get(str(token)) != (login, partner):
            abort(401, "The token is invalid or has expired.")
        return book


def _older(value: Any, key: str = "") -> Any:
    """As the older stack writes: PascalCase, null for an empty list, opening times as /Date()/."""
    if isinstance(value, dict):
        return {name[:1].upper() + name[1:]: _older(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_older(item) for item in value] or None
    if isinstance(value, datetime):
        if key == "openTime":
            return f"/Date({round(value.timestamp() * 1000)}+0300)/"
        return value.strftime("%Y-%m-%dT%H:%M:%S" + (".%f0" if key == "time" else ""))
    return value


def _newer(value: Any) -> Any:
    """As the newer stack writes: camelCase, times as ISO 8601 without a zone, Unix seconds for balance operations."""
    if isinstance(value, dict):
        return {
            name: int(item.timestamp()) if name == "date" else _newer(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_newer(item) for item in value]
    return value.strftime("%Y-%m-%dT%H:%M:%S") if isinstance(value, datetime) else value


def create_sandbox(*, clock: Callable[[], float], seed: int = 7) -> Flask:
    """Create the application of a simulated API; its state is ``app.extensions["sandbox"]``, a ``Sandbox``.

    Args:
        clock: Unix seconds; the accounts' year of history ends on the day it shows now.
        seed: determines prices, trades and tokens.
    """
    app = Flask("sandbox", static_folder=None)
    sandbox = app.extensions["sandbox"] = Sandbox(seed, clock)

    @app.errorhandler(HTTPException)
    def refuse(error: HTTPException) -> ResponseReturnValue:
        return jsonify(Message=error.description), error.code or 500

    @app.post("/api/Authentication/<function>")
    def authenticate(function: str) -> ResponseReturnValue:
        if function not in TOKEN_FUNCTIONS[:2]:
            abort(404)
        partner, body = function == "RequestPartnerApiToken", request.get_json()
        token = sandbox.sign_in(body.get("Login"), body.get("Password"), partner=partner) or abort(
            401
        )
        if partner:  # bare, as some deployments write it; the byte order mark is theirs as well
            return Response(f"\ufeff{token}\r\n", content_type="text/plain; charset=utf-8")
        return jsonify(token)

    @app.get("/<any(client, partner):area>/<function>/<int:login>")
    def older(area: str, function: str, login: int) -> ResponseReturnValue:
        answer = FUNCTIONS.get(f"{area}/{function}") or abort(404)
        book = sandbox.admit(login, request.headers.get("passkey"), partner=area == "partner")
        query = {name: request.args.get(name, type=int) for name in ("from", "to")}
        return jsonify(_older(answer(book, clock(), query)))

    @app.post("/api/ClientCabinetBasic/<function>")
    def newer(function: str) -> ResponseReturnValue:
        body = request.get_json()
        if function == "IsAccountCredentialsCorrect":
            token = sandbox.sign_in(body.get("login"), body.get("password"), outside=401)
            return jsonify({"result": True, "token": token} if token else {"result": False})
        answer = FUNCTIONS.get(f"basic/{function}") or abort(404)
        book = sandbox.admit(body.get("login"), body.get("token"))
        return jsonify(_newer(answer(book, clock(), body)))

    return app


class _QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: the sandbox's terminal belongs to whoever runs it."""


@contextmanager
def serve_sandbox(app: Flask, port: int = 0) -> Iterator[str]:
    """Run a sandbox in a thread, on loopback only, and yield its base URL.

    Args:
        app: the sandbox to serve, from ``create_sandbox``.
        port: 0 takes a free one.
    """
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_QuietHandler)
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
