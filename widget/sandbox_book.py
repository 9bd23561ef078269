"""The accounts of the simulated API: a lifelike history of trades, prices and balance operations.

It imports nothing of the rest of the package, so that it cannot share a mistake with the client that reads it. Everything
follows from the seed and the clock: prices are smooth functions of time, and all figures follow from the prices.
"""

import math
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

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


def total_lots(trades: list[Trade]) -> int:
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
            "totalTradesCount": sum(trade.command < 2 for trade in closed), "totalTradesVolume": _noisy(total_lots(closed)),
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
            total_lots(self.closed(now, {"from": credit.closed})) / 100,
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
