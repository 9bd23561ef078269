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

from widget.sandbox.book import ACCOUNTS, DAY, Account, Book, Record, total_lots

TOKEN_ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits
TOKEN_LENGTH = 32

# The functions that give out tokens: two of the older dialect, one of the newer.
CLIENT_TOKEN = "RequestClientApiToken"  # noqa: S105  # the name of a function
PARTNER_TOKEN = "RequestPartnerApiToken"  # noqa: S105
CHECK_CREDENTIALS = "IsAccountCredentialsCorrect"

# The only partner function that the API also gives out without a token, at the open level.
CLICKS = "GetClickStatistics"

DAYS_OF_HISTORY = 365

# The API sends times without their zone.
ZONELESS = "%Y-%m-%dT%H:%M:%S"


def open_trades(book: Book, now: float) -> list[Record]:
    """The records of what is open."""
    trades = book.open(now)
    return book.records(trades, now)


def closed_trades(book: Book, now: float, query: Record) -> list[Record]:
    """What was closed in a period, oldest first, as the older dialect sends it."""
    trades = book.closed(now, query)
    return book.records(trades, now)


def page_of_closed_trades(book: Book, now: float, body: Record) -> list[Record]:
    """One page of what was closed, newest first, as the newer dialect sends it."""
    trades = book.closed(now, body)
    trades.reverse()
    # Both may be absent or null.
    start = body.get("offset") or 0
    count = body.get("count") or 100
    page = trades[start : start + count]
    return book.records(page, now)


def closed_lots(book: Book, now: float, query: Record) -> Any:
    """The volume closed in a period: deployments send it either as a number or as an object."""
    trades = book.closed(now, query)
    lots = total_lots(trades) / 100
    # The client has to read both forms, so that each access level has one of them.
    if book.account.closed:
        return {"lots": lots}
    return lots


def open_trades_or_null(book: Book, now: float) -> list[Record] | None:
    """The records of what is open; the newer dialect sends null instead of an empty list."""
    return open_trades(book, now) or None


def operations_or_null(book: Book, now: float) -> list[Record] | None:
    """Deposits and withdrawals, or null."""
    return book.operations(now) or None


Respond = Callable[[Book, float, Record], Any]
"""Responds with a value for JSON, given the book, the time, and the query or the body."""


def plain(figures: Callable[[Book, float], Any]) -> Respond:
    """A function of the API that has no parameters of its own."""

    def respond(book: Book, now: float, _: Record) -> Any:
        return figures(book, now)

    return respond


FUNCTIONS: dict[str, Respond] = {
    # The older dialect, for the account itself.
    "client/RequestBalanceInformation": plain(Book.balance),
    "client/RequestAccountInformation": plain(Book.information),
    "client/RequestOpenTrades": plain(open_trades),
    "client/RequestClosedTrades": closed_trades,
    "client/RequestClosedLots": closed_lots,
    "client/RequestBonusStatistic": plain(Book.bonus),
    "client/RequestLoginHistory": plain(Book.logins),
    # The older dialect, for partners.
    "partner/GetCommissionRecords": plain(Book.commissions),
    f"partner/{CLICKS}": plain(Book.clicks),
    # The newer dialect.
    "basic/GetAccountInformation": plain(Book.information),
    "basic/GetOpenTrades": plain(open_trades_or_null),
    "basic/GetClosedTrades": page_of_closed_trades,
    "basic/GetBonusStatistic": plain(Book.bonus),
    "basic/GetBalanceOperationsHistory": plain(operations_or_null),
}
"""The functions of the API by area and name."""


def find_function(area: str, name: str) -> Respond:
    """A function of the API; otherwise the response is an error."""
    respond = FUNCTIONS.get(f"{area}/{name}")
    if respond is None:
        abort(404)
    return respond


def older_json(value: Any, key: str = "") -> Any:
    """A value as the older dialect writes it: names in PascalCase, and null for an empty list.

    Args:
        value: any value.
        key: the name under which it is in a record, since the form of a time depends on it.
    """
    if isinstance(value, dict):
        record = {}
        for name, item in value.items():
            pascal_case = name[:1].upper() + name[1:]
            record[pascal_case] = older_json(item, name)
        return record
    if isinstance(value, list):
        items = [older_json(item) for item in value]
        return items or None
    if isinstance(value, datetime):
        return older_time(value, key)
    return value


def older_time(time: datetime, key: str) -> str:
    """A time as the older dialect writes it, in one of three forms.

    ``/Date()/`` when a trade was opened, seven decimals of a second in the login history, otherwise
    whole seconds; all without a zone or with a wrong one.
    """
    if key == "openTime":
        milliseconds = round(time.timestamp() * 1000)
        # The number is in UTC, whatever the offset after it says.
        return f"/Date({milliseconds}+0300)/"
    if key == "time":
        # Python writes six decimals; .NET has seven.
        return time.strftime(f"{ZONELESS}.%f0")
    return time.strftime(ZONELESS)


def newer_json(value: Any, key: str = "") -> Any:
    """A value as the newer dialect writes it.

    Names are in camelCase, times in ISO 8601 without a zone, but Unix seconds for balance
    operations.

    Args:
        value: any value.
        key: the name under which it is in a record, since the form of a time depends on it.
    """
    if isinstance(value, dict):
        record = {}
        for name, item in value.items():
            record[name] = newer_json(item, name)
        return record
    if isinstance(value, list):
        return [newer_json(item) for item in value]
    if not isinstance(value, datetime):
        return value
    if key == "date":
        return int(value.timestamp())
    return value.strftime(ZONELESS)


def find_account(login: object) -> Account | None:
    """The account with a login, None if there is none.

    Args:
        login: as received.
    """
    # In JSON it may be anything, and a list cannot be looked up in a dict.
    if not isinstance(login, int):
        return None
    return ACCOUNTS.get(login)


def is_inside_network(account: Account, address: str | None) -> bool:
    """Whether an address is inside the IP mask of an account."""
    network = ipaddress.ip_network(account.network)
    return ipaddress.ip_address(str(address)) in network


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
        # The server handles requests in threads, and the random numbers must come in one order.
        self._lock = threading.Lock()
        today = int(clock()) // DAY
        self.books: dict[int, Book] = {}
        for login, account in ACCOUNTS.items():
            self.books[login] = Book(seed, account, today - DAYS_OF_HISTORY)

    def create_token(
        self,
        login: object,
        password: object,
        *,
        partner: bool = False,
        outside: int = 403,
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
        account = find_account(login)
        if account is None:
            return None
        expected = account.password
        if partner:
            expected = account.partner_password
        # Without the first condition, null would be the password of accounts that have none.
        if expected is None or password != expected:
            return None
        if not is_inside_network(account, request.remote_addr):
            abort(outside, "Your address is outside the allowed IP mask.")
        with self._lock:
            characters = self._rng.choices(TOKEN_ALPHABET, k=TOKEN_LENGTH)
            token = "".join(characters)
            self.tokens[token] = (account.login, partner)
        return token

    def authorized_book(
        self,
        login: object,
        token: object,
        *,
        partner: bool = False,
        needs_no_token: bool = False,
    ) -> Book:
        """The history of an account, if the token allows it; otherwise the response is an error.

        Open accounts need no token, but partner functions do.

        Args:
            login: as received.
            token: as received.
            partner: whether a partner function is called.
            needs_no_token: whether open accounts need no token even though it is one.
        """
        account = find_account(login)
        if account is None:
            abort(404, "Account not found.")
        # At the open level, everybody may ask how many accounts somebody has referred.
        is_open = needs_no_token and token is None
        if partner and account.partner_password is None and not is_open:
            abort(404, "Account not found.")
        needs_token = account.closed
        if partner and not is_open:
            needs_token = True
        granted = self.tokens.get(str(token))
        if needs_token and granted != (account.login, partner):
            abort(401, "The token is invalid or has expired.")
        return self.books[account.login]

    def authenticate(self, function: str) -> ResponseReturnValue:
        """The functions of the older dialect that give out tokens."""
        if function not in (CLIENT_TOKEN, PARTNER_TOKEN):
            abort(404)
        partner = function == PARTNER_TOKEN
        body = request.get_json()
        token = self.create_token(
            body.get("Login"),
            body.get("Password"),
            partner=partner,
        )
        if token is None:
            abort(401)
        if partner:
            # Some deployments write the token without quotation marks, after a byte order mark.
            return Response(f"\ufeff{token}\r\n", content_type="text/plain; charset=utf-8")
        return jsonify(token)

    def older_dialect(self, area: str, function: str, login: int) -> ResponseReturnValue:
        """The functions of the older dialect."""
        respond = find_function(area, function)
        token = request.headers.get("passkey")
        is_partner_function = area == "partner"
        book = self.authorized_book(
            login,
            token,
            partner=is_partner_function,
            needs_no_token=function == CLICKS,
        )
        # Only two of the functions use it; like the real API, the others ignore it.
        period = {
            "from": request.args.get("from", type=int),
            "to": request.args.get("to", type=int),
        }
        value = respond(book, self._clock(), period)
        return jsonify(older_json(value))

    def newer_dialect(self, function: str) -> ResponseReturnValue:
        """The functions of the newer dialect, including the one that gives out tokens."""
        body = request.get_json()
        if function == CHECK_CREDENTIALS:
            return self._check_credentials(body)
        respond = find_function("basic", function)
        book = self.authorized_book(body.get("login"), body.get("token"))
        value = respond(book, self._clock(), body)
        return jsonify(newer_json(value))

    def _check_credentials(self, body: Record) -> Response:
        token = self.create_token(
            body.get("login"),
            body.get("password"),
            outside=401,
        )
        # In this dialect, wrong credentials are a result and not an error.
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
        "/api/Authentication/<function>",
        view_func=sandbox.authenticate,
        methods=["POST"],
    )
    app.add_url_rule(
        "/<any(client, partner):area>/<function>/<int:login>",
        view_func=sandbox.older_dialect,
    )
    app.add_url_rule(
        "/api/ClientCabinetBasic/<function>",
        view_func=sandbox.newer_dialect,
        methods=["POST"],
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
    server = make_server(
        "127.0.0.1",
        port,
        app,
        threaded=True,
        request_handler=QuietHandler,
    )
    # Checking for the end every 0.05 s instead of 0.5 s keeps tests with many sandboxes fast.
    thread = threading.Thread(
        target=server.serve_forever,
        args=(0.05,),
        name="sandbox",
        daemon=True,
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
