"""A simulated Client Cabinet API: both dialects, both access levels, partners, a lifelike history.

It imports nothing of the package, so that it cannot share a mistake with the client that reads it. All that it writes
follows from the seed and the clock: prices are smooth functions of the time, and all figures follow from the prices.
"""

import ipaddress
import math
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import Flask, Response, abort, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.serving import WSGIRequestHandler, make_server

DAY = 86_400
NEVER = 10**12


class Account(NamedTuple):
    """One account of the sandbox; without a closed level it answers to anybody."""

    login: int
    about: str
    closed: bool = False
    password: str | None = None
    partner_password: str | None = None
    network: str = "0.0.0.0/0"
    empty: bool = False


ACCOUNTS = {
    account.login: account
    for account in (
        Account(1000001, "open level, no credentials"),
        Account(1000002, "closed level, API password", True, "sandbox-password"),
        Account(
            1000003,
            "closed level, other IP mask",
            True,
            "sandbox-password",
            network="203.0.113.0/255.255.255.0",
        ),
        Account(1000004, "open level, new and empty", empty=True),
        Account(1000005, "open level, a partner", False, "partner-password", "partner-password"),
    )
}
"""What to configure in order to try each kind of account, by login."""

PERSONAL = {
    "name": "Leaky Testerson",
    "address": "17 Leak Street",
    "city": "Leakville",
    "phone": "4abb-leaked-phone",
    "zipCode": "LEAK-220030",
    "email": "leaky@testerson.invalid",
}
"""What the sandbox says of every account's owner, and no page may ever show."""


class Symbol(NamedTuple):
    base: float
    digits: int
    contract: int
    lots: tuple[int, int]  # hundredths, the usual range
    swaps: tuple[int, int]  # cents a lot and night, bought and sold
    quoted_in_usd: bool = True


SYMBOLS = {
    "EURUSD": Symbol(1.08412, 5, 100_000, (5, 60), (-640, 210)),
    "GBPUSD": Symbol(1.26480, 5, 100_000, (5, 45), (-310, -120)),
    "USDJPY": Symbol(151.374, 3, 100_000, (5, 50), (880, -1560), quoted_in_usd=False),
    "XAUUSD": Symbol(2651.40, 2, 100, (1, 13), (-2850, 1130)),
}
# (period in seconds, share of the price): from what a visitor sees moving to the trend of months
WAVES = (
    (41, 0.00008),
    (700, 0.0002),
    (18_000, 0.0011),
    (140_000, 0.0025),
    (950_000, 0.007),
    (10_400_000, 0.02),
)

# (day since the account was opened, type, cents, comment)
OPERATIONS = (
    *((0, 6, 500_000, "Bank transfer"), (60, 6, 25_000, "Card"), (60, 6, 7_500, "30% bonus")),
    *((120, 7, 5_000, "Credit in"), (150, 7, -5_000, "Credit out"), (180, 6, -40_000, "Card")),
    *(
        (240, 6, 100_000, "Bank transfer"),
        (300, 6, -60_000, "Card"),
        (352, 6, -25_000, "Bank transfer"),
    ),
)
REFERRALS = [2000011, 2000012, 2000013]
# (type, symbol, hundredths of a lot, days open, price as a share of the usual one or 0 for the market's)
STANDING = (
    *(
        (0, "EURUSD", 13, 9, 0),
        (0, "EURUSD", 6, 4, 0),
        (1, "EURUSD", 9, 2, 0),
        (1, "USDJPY", 10, 6, 0),
    ),
    *((0, "XAUUSD", 3, 3, 0), (2, "EURUSD", 25, 5, 0.93), (5, "XAUUSD", 10, 1, 0.9)),
    (1, "GBPUSD", 4, 7, 0),
)
"""Always open: eight rows, so that a table of open trades can be filled at any hour of any day."""


class Trade(NamedTuple):
    """A trade, order or balance operation; ``lots`` in hundredths, moments in Unix seconds."""

    ticket: int
    command: int
    symbol: str
    lots: int
    opened: int
    closed: int = NEVER
    open_price: float = 0.0
    cents: int = 0
    comment: str = ""


def _noisy(cents: float) -> float:
    """Money as binary arithmetic leaves it: 236.98999999999998 for 236.99."""
    return math.nextafter(cents / 100, 0)


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _lots(trades: list[Trade]) -> int:
    return sum(trade.lots for trade in trades)


class Book:
    """The history of one account up to any moment; ``opened`` is the day of its first deposit."""

    def __init__(self, seed: int, account: Account, opened: int) -> None:
        self.seed, self.account, self.login, self.opened = seed, account, account.login, opened
        self._days: dict[int, list[Trade]] = {}
        self._phases = {
            name: [self._rng(name + str(w)).uniform(0, math.tau) for w in WAVES] for name in SYMBOLS
        }

    def _rng(self, purpose: str) -> random.Random:
        return random.Random(f"{self.seed}/{purpose}")

    def price(self, name: str, now: float) -> float:
        waves = zip(WAVES, self._phases[name], strict=True)
        swing = sum(
            share * math.sin(math.tau * now / period + phase) for (period, share), phase in waves
        )
        return round(SYMBOLS[name].base * (1 + swing), SYMBOLS[name].digits)

    def result(self, trade: Trade, now: float) -> tuple[int, int]:
        """Profit and swap in cents, now or at the closing; a night is a midnight (UTC) that the position has seen."""
        if trade.command > 1:
            return trade.cents, 0
        symbol, until = SYMBOLS[trade.symbol], min(now, trade.closed)
        price = self.price(trade.symbol, until)
        move = (price - trade.open_price) * (1 - 2 * trade.command)
        nights = int(until) // DAY - trade.opened // DAY
        profit = move * trade.lots * symbol.contract / (1 if symbol.quoted_in_usd else price)
        return round(profit), round(nights * trade.lots * symbol.swaps[trade.command] / 100)

    def _ticket(self, day: int, n: int) -> int:
        return day * 1000 + self.login % 10 * 100 + n

    def _day(self, day: int) -> list[Trade]:
        """The trades that close on one day: one just after midnight, on weekdays perhaps another."""
        if day not in self._days:
            rng, trades = self._rng(f"{self.login}/{day}"), []
            closes = [rng.randint(5, 45)] + [rng.randint(60, 80_000)] * (
                (day + 3) % 7 < 5 and rng.random() < 0.6
            )
            for n, close in enumerate(closes):
                name = rng.choice(("EURUSD", "EURUSD", "GBPUSD", "USDJPY", "XAUUSD"))
                closed = day * DAY + close
                opened = closed - rng.randint(1_200, 20_000 if n else 110_000)
                entry, rises = (
                    self.price(name, opened),
                    self.price(name, closed) > self.price(name, opened),
                )
                command = int(
                    rises != (rng.random() < 0.57)
                )  # a trader who is right a little more often than not
                lots = rng.randint(*SYMBOLS[name].lots)
                trades.append(
                    Trade(self._ticket(day, n), command, name, lots, opened, closed, entry)
                )
            self._days[day] = trades
        return self._days[day]

    def _operations(self) -> list[Trade]:
        trades = []
        for n, (day, command, cents, comment) in enumerate(OPERATIONS):
            ticket, at = (
                self._ticket(self.opened + day, 80 + n),
                (self.opened + day) * DAY + 33_000 + n,
            )
            trades.append(Trade(ticket, command, "", 0, at, at, cents=cents, comment=comment))
        return trades

    def closed(self, now: float, period: Mapping[str, Any] | None = None) -> list[Trade]:
        """Trades and balance operations that closed by now and within the period (both ends in it), oldest first."""
        if self.account.empty:
            return []
        days = range(self.opened + 1, int(now) // DAY + 1)
        start, end = ((period or {}).get(name) for name in ("from", "to"))
        start, end = start or 0, now if end is None else min(end, now)
        trades = self._operations() + [trade for day in days for trade in self._day(day)]
        return sorted(
            (trade for trade in trades if start <= trade.closed <= end),
            key=lambda trade: trade.closed,
        )

    def open(self, now: float) -> list[Trade]:
        """Positions and pending orders: the standing ones, and each trade that will close within two days."""
        if self.account.empty:
            return []
        today, trades = int(now) // DAY, []
        for n, (command, name, lots, days, share) in enumerate(STANDING):
            day = self.opened + 365 - days
            opened = day * DAY + 30_000 + n * 977
            price = (
                round(SYMBOLS[name].base * share, SYMBOLS[name].digits)
                if share
                else self.price(name, opened)
            )
            trades.append(
                Trade(self._ticket(day, 50 + n), command, name, lots, opened, open_price=price)
            )
        trades += [trade for day in range(today, today + 3) for trade in self._day(day)]
        return [trade for trade in trades if trade.opened <= now < trade.closed]

    def records(self, trades: list[Trade], now: float) -> list[dict[str, Any]]:
        """Trades as the upstream writes them, at the prices of now or of the closing."""
        return [self._record(trade, SYMBOLS.get(trade.symbol), now) for trade in trades]

    def _record(self, trade: Trade, symbol: Symbol | None, now: float) -> dict[str, Any]:
        price = self.price(trade.symbol, min(now, trade.closed)) if symbol else 0.0
        edge = (
            round(trade.open_price * 1.08, symbol.digits) if symbol and trade.lots % 2 else 0.0
        )  # never reached
        (profit, swap), over = self.result(trade, now), trade.closed <= now
        return {
            "ticket": trade.ticket, "login": self.login, "type": trade.command, "symbol": trade.symbol or None,
            "digits": symbol.digits if symbol else 2, "volume": trade.lots / 100, "comment": trade.comment,
            "openPrice": trade.open_price, "openTime": _utc(trade.opened), "magicNumber": 0,
            "sl": edge if trade.command % 2 else 0.0, "tp": 0.0 if trade.command % 2 else edge,
            "swaps": swap / 100, "profit": _noisy(profit) if trade.command == 1 else profit / 100,
            **({"closePrice": price, "closeTime": _utc(trade.closed)} if over else {"currentPrice": price}),
        }  # fmt: skip

    def information(self, now: float) -> dict[str, Any]:
        """All of the account's figures. Credits (type 7) are not in the balance; what is open counts positions only."""
        closed, positions = (
            self.closed(now),
            [trade for trade in self.open(now) if trade.command < 2],
        )
        balance = sum(sum(self.result(trade, now)) for trade in closed if trade.command != 7)
        equity = balance + sum(sum(self.result(trade, now)) for trade in positions)
        margin = 0.0  # cents, at a leverage of 1:100
        for trade in positions:
            symbol = SYMBOLS[trade.symbol]
            margin += (
                trade.lots
                * symbol.contract
                * (trade.open_price if symbol.quoted_in_usd else 1)
                / 100
            )
        return {
            **PERSONAL, "country": "Belarus", "leverage": 100, "type": 1, "verificationLevel": 1,
            "balance": balance / 100, "equity": _noisy(equity), "freeMargin": _noisy(equity - round(margin)),
            "currency": "USD" if self.account.partner_password else 0,  # deployments write either
            "isSwapFree": False, "isAnyOpenTrades": bool(positions), "currentTradesCount": len(positions),
            "currentTradesVolume": sum(trade.lots for trade in positions) / 100, "agentName": None,
            "totalTradesCount": sum(trade.command < 2 for trade in closed), "totalTradesVolume": _noisy(_lots(closed)),
        }  # fmt: skip

    def balance(self, now: float) -> dict[str, Any]:
        figures = self.information(now)
        return {
            name: figures[name] for name in ("name", "currency", "balance", "equity", "freeMargin")
        }

    def bonus(self, now: float) -> dict[str, Any]:
        figures, own = self.information(now), not self.account.empty
        credit = next(trade for trade in self._operations() if "bonus" in trade.comment)
        bonus, closed = (
            credit.cents / 100 * own,
            _lots(self.closed(now, {"from": credit.closed})) / 100,
        )
        required = 3 * bonus
        available = max(0.0, round(figures["freeMargin"] - bonus, 2))
        return {
            "bonuses": {"clubBonus": 0, "totalBonus": bonus, "welcomeBonus": bonus},
            "summary": {
                "availableToWithdraw": available, "availableToWithdrawWithoutLosingBonus": round(available / 2, 2),
                **{name: figures[name] for name in ("balance", "equity", "freeMargin")},
            },
            "trade": {"bonusState": int(own), "closedLots": closed, "lotsRequired": required,
                      "missingLots": max(0.0, round(required - closed, 2))},
        }  # fmt: skip

    def operations(self, now: float) -> list[dict[str, Any]]:
        """Deposits and withdrawals, amounts without a sign, one still pending and one failed."""
        if self.account.empty:
            return []
        done = [
            (trade.closed, trade.cents, trade.comment, 1, trade.ticket)
            for trade in self._operations()
        ]
        other = [((self.opened + 364) * DAY + 40_000 + n, 15_000, "Card", n, None) for n in (0, 2)]
        return [
            {"account": self.login, "amount": abs(cents) / 100, "date": _utc(at), "operationId": at % 10**7,
             "operationType": int(cents < 0), "paymentSystem": system, "status": status, "ticket": ticket}
            for at, cents, system, status, ticket in done + other if at <= now
        ]  # fmt: skip

    def _recent(self, purpose: str, now: float) -> Iterator[tuple[float, random.Random]]:
        """The moments of 90 days when something happened, each with its own dice, one a day just past midnight."""
        for day in () if self.account.empty else range(int(now) // DAY, int(now) // DAY - 90, -1):
            for n in range(3 - day % 3):
                rng = self._rng(f"{self.login}/{purpose}/{day}/{n}")
                at = day * DAY + (rng.uniform(60, 80_000) if n else rng.uniform(3, 40))
                if at <= now:
                    yield at, rng

    def logins(self, now: float) -> list[dict[str, Any]]:
        places = ("203.0.113.77", "198.51.100.23", "2001:db8:85a3::8a2e:370:7334")
        programs = ("MetaTrader 4", "Client Cabinet", "MetaTrader 4 Mobile", None)
        return [
            {
                "time": _utc(at),
                "ip": rng.choice(places),
                "application": rng.choice(programs),
                "serverId": 4,
            }
            for at, rng in self._recent("logins", now)
        ]

    def commissions(self, now: float) -> list[dict[str, Any]]:
        """The records under the partner's own login, and a sub-partner without any."""
        records = [
            {"time": _utc(at), "login": rng.choice(REFERRALS), "volume": lots / 100, "symbol": rng.choice([*SYMBOLS]),
             "amount": _noisy(round(lots * 1.5)), "currency": "USD", "groupId": 3}
            for at, rng in self._recent("commissions", now) for lots in [rng.randint(5, 250)]
        ]  # fmt: skip
        return [
            {"partner": self.login, "balanceRecords": records},
            {"partner": 1000006, "balanceRecords": []},
        ]

    def clicks(self, now: float) -> list[dict[str, Any]]:
        visits = {"date": _utc(now // DAY * DAY), "clicks": 31, "referer": "https://example.com/"}
        return [{**visits, "referalAccounts": REFERRALS}, {**visits, "referalAccounts": []}]


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
        {"lots": _lots(book.closed(now, query)) / 100}
        if book.account.closed
        else _lots(book.closed(now, query)) / 100
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
