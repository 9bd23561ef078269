"""The accounts of the simulated API: a realistic history of trades, prices and balance operations.

It imports nothing of the rest of the package, so that it cannot share a mistake with the client
that reads it. Everything follows from the seed and the clock: prices are smooth functions of time,
and all figures follow from the prices.

Money is in cents and volumes are in hundredths of a lot, both as integers, until they are written
into a record. Times are Unix seconds.
"""

import math
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

Record = dict[str, Any]
"""One object of the API's JSON."""

DAY = 86_400
NEVER = 10**12  # the time of closing of what is still open

# The types of trades and of other records, as the API numbers them.
BUY = 0
SELL = 1
BUY_LIMIT = 2
SELL_STOP = 5
BALANCE = 6
CREDIT = 7


class Account(NamedTuple):
    """One account of the sandbox.

    Attributes:
        login: its number.
        about: what it is for, in words.
        closed: whether figures require a token; without it they are open to everybody.
        password: the API password.
        partner_password: the password for partner functions.
        network: the addresses from which tokens are given out.
        empty: whether it has no history.
        commission: cents per lot that the broker takes; the API of most accounts knows none.
    """

    login: int
    about: str
    closed: bool = False
    password: str | None = None
    partner_password: str | None = None
    network: str = "0.0.0.0/0"
    empty: bool = False
    commission: int = 0


# Not secrets: the accounts are simulated.
API_PASSWORD = "sandbox-password"  # noqa: S105
PARTNER_PASSWORD = "partner-password"  # noqa: S105

_ACCOUNTS = (
    Account(
        1000001,
        "open level, no credentials",
    ),
    Account(
        1000002,
        "closed level, API password",
        closed=True,
        password=API_PASSWORD,
        commission=700,
    ),
    Account(
        1000003,
        "closed level, other IP mask",
        closed=True,
        password=API_PASSWORD,
        # A range for documentation, so that no request ever comes from it.
        network="203.0.113.0/255.255.255.0",
    ),
    Account(
        1000004,
        "open level, new and empty",
        empty=True,
    ),
    Account(
        1000005,
        "open level, a partner",
        password=PARTNER_PASSWORD,
        partner_password=PARTNER_PASSWORD,
    ),
)
ACCOUNTS = {account.login: account for account in _ACCOUNTS}
"""The accounts by login, one for each kind that can be configured."""

PERSONAL = {
    "name": "Leaky Testerson",
    "address": "17 Leak Street",
    "city": "Leakville",
    "phone": "4abb-leaked-phone",
    "zipCode": "LEAK-220030",
    "email": "leaky@testerson.invalid",
}
"""The owner's personal data, which the API sends with the figures and no page may ever show."""


class Symbol(NamedTuple):
    """What is traded.

    Attributes:
        base: the price around which it moves.
        digits: the decimals of its price.
        contract: the units in one lot.
        lots: the usual range of a trade's volume.
        swaps: cents per lot and night, for buying and for selling.
        quoted_in_usd: whether profits are in the account's currency without conversion.
    """

    base: float
    digits: int
    contract: int
    lots: tuple[int, int]
    swaps: tuple[int, int]
    quoted_in_usd: bool = True


SYMBOLS = {
    "EURUSD": Symbol(
        base=1.08412,
        digits=5,
        contract=100_000,
        lots=(5, 60),
        swaps=(-640, 210),
    ),
    "GBPUSD": Symbol(
        base=1.26480,
        digits=5,
        contract=100_000,
        lots=(5, 45),
        swaps=(-310, -120),
    ),
    "USDJPY": Symbol(
        base=151.374,
        digits=3,
        contract=100_000,
        lots=(5, 50),
        swaps=(880, -1560),
        quoted_in_usd=False,
    ),
    "XAUUSD": Symbol(
        base=2651.40,
        digits=2,
        contract=100,
        lots=(1, 13),
        swaps=(-2850, 1130),
    ),
}
# Prices are sums of these waves (period in seconds, share of the price): the short ones are what a
# visitor sees moving, the long ones are trends of months.
WAVES = (
    (41, 0.00008),
    (700, 0.0002),
    (18_000, 0.0011),
    (140_000, 0.0025),
    (950_000, 0.007),
    (10_400_000, 0.02),
)


class Operation(NamedTuple):
    """Money that is paid in or out, on a day counted from the opening of the account."""

    day: int
    command: int
    cents: int
    comment: str


OPERATIONS = (
    Operation(0, BALANCE, 500_000, "Bank transfer"),
    Operation(60, BALANCE, 25_000, "Card"),
    Operation(60, BALANCE, 7_500, "30% bonus"),
    Operation(120, CREDIT, 5_000, "Credit in"),
    Operation(150, CREDIT, -5_000, "Credit out"),
    Operation(180, BALANCE, -40_000, "Card"),
    Operation(240, BALANCE, 100_000, "Bank transfer"),
    Operation(300, BALANCE, -60_000, "Card"),
    Operation(352, BALANCE, -25_000, "Bank transfer"),
)
REFERRALS = [2000011, 2000012, 2000013]

# When something may happen, in seconds of the day.
AFTER_MIDNIGHT = (3, 40)
REST_OF_DAY = (60, 80_000)


class Order(NamedTuple):
    """A position or pending order that is always open.

    Attributes:
        days: how long it has been open when the sandbox starts.
        price_share: the price of a pending order as a share of the usual one; None for the market
            price.
    """

    command: int
    symbol: str
    lots: int
    days: int
    price_share: float | None = None


STANDING = (
    Order(BUY, "EURUSD", lots=13, days=9),
    Order(BUY, "EURUSD", lots=6, days=4),
    Order(SELL, "EURUSD", lots=9, days=2),
    Order(SELL, "USDJPY", lots=10, days=6),
    Order(BUY, "XAUUSD", lots=3, days=3),
    # The prices of pending orders are so far away that they are never reached.
    Order(BUY_LIMIT, "EURUSD", lots=25, days=5, price_share=0.93),
    Order(SELL_STOP, "XAUUSD", lots=10, days=1, price_share=0.9),
    Order(SELL, "GBPUSD", lots=4, days=7),
)
"""Always open: eight rows, so that a table of open trades can be filled at any hour of any day."""


class Trade(NamedTuple):
    """A trade, pending order or balance operation."""

    ticket: int
    command: int
    symbol: str
    lots: int
    opened: int
    closed: int = NEVER
    open_price: float = 0.0
    cents: int = 0
    comment: str = ""

    @property
    def is_position(self) -> bool:
        """Whether it is a position, unlike pending orders and balance operations."""
        return self.command in (BUY, SELL)


def noisy(money: float) -> float:
    """Money as the API sends some of it, inexact: 236.98999999999998 for 236.99.

    The client has to round such numbers before they are displayed.
    """
    return math.nextafter(money, 0)


def utc(seconds: float) -> datetime:
    """Unix seconds as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def total_lots(trades: list[Trade]) -> int:
    """The volume of all trades, in hundredths of a lot."""
    return sum(trade.lots for trade in trades)


def stop_and_limit(trade: Trade, digits: int) -> Record:
    """The stop loss and take profit of a trade: half of the trades have one of them.

    Args:
        trade: any trade.
        digits: the decimals of its price.
    """
    if trade.lots % 2 == 0:
        return {"sl": 0.0, "tp": 0.0}
    # So far away that it is never reached: a price never moves by 8%.
    price = round(trade.open_price * 1.08, digits)
    # Above the market, a seller stops the loss and a buyer takes the profit.
    if trade.command in (SELL, SELL_STOP):
        return {"sl": price, "tp": 0.0}
    return {"sl": 0.0, "tp": price}


class Book:
    """The history of one account up to any moment.

    Args:
        seed: determines prices and trades.
        account: whose history it is.
        opened: the day of the first deposit, counted from 1970-01-01.
    """

    def __init__(self, seed: int, account: Account, opened: int) -> None:
        self.seed = seed
        self.account = account
        self.login = account.login
        self.opened = opened
        # The random trades by the day on which they close. They are costly to compute.
        self._days: dict[int, list[Trade]] = {}
        self._phases = {name: self._wave_phases(name) for name in SYMBOLS}

    def _wave_phases(self, name: str) -> list[float]:
        """Where in each wave the price of a symbol is at time 0, so that symbols differ."""
        phases = []
        for wave in WAVES:
            rng = self._rng(f"{name}{wave}")
            phases.append(rng.uniform(0, math.tau))
        return phases

    def _rng(self, purpose: str) -> random.Random:
        """Random numbers for one purpose, so that another use does not change them."""
        return random.Random(f"{self.seed}/{purpose}")

    def price(self, name: str, now: float) -> float:
        """The price of a symbol."""
        swing = 0.0
        phases = self._phases[name]
        for (period, share), phase in zip(WAVES, phases, strict=True):
            angle = math.tau * now / period + phase
            swing += share * math.sin(angle)
        symbol = SYMBOLS[name]
        return round(symbol.base * (1 + swing), symbol.digits)

    def profit(self, trade: Trade, now: float) -> int:
        """The profit of a trade without swap, in cents, at the price of now or of its closing."""
        if not trade.is_position:
            return trade.cents
        symbol = SYMBOLS[trade.symbol]
        price = self.price(trade.symbol, min(now, trade.closed))
        move = price - trade.open_price
        if trade.command == SELL:
            move = -move
        # Hundredths of a lot times the units of one lot: the result is in cents.
        profit = move * trade.lots * symbol.contract
        if not symbol.quoted_in_usd:
            # The price of USDJPY is in yen per dollar, and so is the profit.
            profit /= price
        return round(profit)

    def swap(self, trade: Trade, now: float) -> int:
        """The swap of a trade, in cents; a night is a midnight (UTC) during which it was open."""
        if not trade.is_position:
            return 0
        first_day = trade.opened // DAY
        last_day = int(min(now, trade.closed)) // DAY
        nights = last_day - first_day
        # BUY and SELL are 0 and 1, the positions of their swaps.
        cents_per_lot = SYMBOLS[trade.symbol].swaps[trade.command]
        return round(nights * trade.lots * cents_per_lot / 100)

    def commission(self, trade: Trade) -> int:
        """The commission of a trade, in cents: 0 or less."""
        if not trade.is_position:
            return 0
        return -round(trade.lots * self.account.commission / 100)

    def total(self, trades: list[Trade], now: float) -> int:
        """Profits, swaps and commissions of trades, in cents."""
        cents = 0
        for trade in trades:
            cents += self.profit(trade, now)
            cents += self.swap(trade, now)
            cents += self.commission(trade)
        return cents

    def _ticket(self, day: int, n: int) -> int:
        """The number of a trade: unique among all accounts, and the same in every run.

        Args:
            day: counted from 1970-01-01.
            n: the number of the trade within the day, below 100.
        """
        account_digit = self.login % 10
        return day * 1000 + account_digit * 100 + n

    def _trades_of(self, day: int) -> list[Trade]:
        """The trades that close on a day: one just after midnight, on weekdays often another one.

        The first one ensures that there are trades of today at any time of day.
        """
        if day not in self._days:
            rng = self._rng(f"{self.login}/{day}")
            # The order in which numbers are drawn is part of the history: each depends on those
            # before it.
            closes = [rng.randint(5, 45)]
            second_close = rng.randint(60, 80_000)
            is_weekday = (day + 3) % 7 < 5  # 1970-01-01 was a Thursday
            if is_weekday and rng.random() < 0.6:
                closes.append(second_close)
            trades = []
            for n, close in enumerate(closes):
                trades.append(self._random_trade(rng, day, n, close))
            self._days[day] = trades
        return self._days[day]

    def _random_trade(
        self,
        rng: random.Random,
        day: int,
        n: int,
        close: int,
    ) -> Trade:
        """The nth trade of a day, closed this number of seconds after midnight."""
        name = rng.choice(("EURUSD", "EURUSD", "GBPUSD", "USDJPY", "XAUUSD"))
        closed = day * DAY + close
        # The first trade may have been open for a night or two, the second one for hours.
        longest = 20_000
        if n == 0:
            longest = 110_000
        opened = closed - rng.randint(1_200, longest)
        open_price = self.price(name, opened)
        rises = self.price(name, closed) > open_price
        # The trader is right a little more often than not.
        is_right = rng.random() < 0.57
        command = SELL
        if rises == is_right:
            command = BUY
        least, most = SYMBOLS[name].lots
        return Trade(
            self._ticket(day, n),
            command,
            name,
            lots=rng.randint(least, most),
            opened=opened,
            closed=closed,
            open_price=open_price,
        )

    def _operations(self) -> list[Trade]:
        """The balance operations as trades, as the API lists them."""
        trades = []
        for n, operation in enumerate(OPERATIONS):
            day = self.opened + operation.day
            at = day * DAY + 33_000 + n
            trade = Trade(
                self._ticket(day, 80 + n),  # the numbers below are those of other trades
                operation.command,
                symbol="",
                lots=0,
                opened=at,
                closed=at,
                cents=operation.cents,
                comment=operation.comment,
            )
            trades.append(trade)
        return trades

    def _standing(self) -> list[Trade]:
        """The positions and pending orders that are always open."""
        trades = []
        for n, order in enumerate(STANDING):
            day = self.opened + 365 - order.days
            # Each at another time of the day, as if a person had opened them.
            opened = day * DAY + 30_000 + n * 977
            trade = Trade(
                self._ticket(day, 50 + n),
                order.command,
                order.symbol,
                order.lots,
                opened,
                open_price=self._order_price(order, opened),
            )
            trades.append(trade)
        return trades

    def _order_price(self, order: Order, opened: int) -> float:
        """The price at which a standing order was or will be opened."""
        if order.price_share is None:
            return self.price(order.symbol, opened)
        symbol = SYMBOLS[order.symbol]
        return round(symbol.base * order.price_share, symbol.digits)

    def closed(self, now: float, period: Mapping[str, Any] | None = None) -> list[Trade]:
        """Trades and balance operations that were closed by now, oldest first.

        Args:
            now: Unix seconds.
            period: its first and last second as ``from`` and ``to``; None, or without one of them,
                is without limit.
        """
        if self.account.empty:
            return []
        period = period or {}
        start = period.get("from") or 0
        end = now
        if period.get("to") is not None:
            end = min(period["to"], now)
        trades = self._operations()
        today = int(now) // DAY
        # Nothing is traded on the day on which the account is opened.
        for day in range(self.opened + 1, today + 1):
            trades += self._trades_of(day)
        in_period = [trade for trade in trades if start <= trade.closed <= end]
        return sorted(in_period, key=lambda trade: trade.closed)

    def open(self, now: float) -> list[Trade]:
        """Positions and pending orders: standing ones, and trades that close within two days."""
        if self.account.empty:
            return []
        today = int(now) // DAY
        trades = self._standing()
        # No trade is open for longer than two nights.
        for day in range(today, today + 3):
            trades += self._trades_of(day)
        return [trade for trade in trades if trade.opened <= now < trade.closed]

    def records(self, trades: list[Trade], now: float) -> list[Record]:
        """Trades as the API writes them, at the prices of now or of their closing."""
        return [self._record(trade, now) for trade in trades]

    def _record(self, trade: Trade, now: float) -> Record:
        # Balance operations have no symbol, and so no price.
        digits = 2
        price = 0.0
        if trade.symbol:
            digits = SYMBOLS[trade.symbol].digits
            price = self.price(trade.symbol, min(now, trade.closed))
        record = {
            "ticket": trade.ticket,
            "login": self.login,
            "type": trade.command,
            "symbol": trade.symbol or None,
            "digits": digits,
            "volume": trade.lots / 100,
            "comment": trade.comment,
            "openPrice": trade.open_price,
            "openTime": utc(trade.opened),
            "magicNumber": 0,
            "swaps": self.swap(trade, now) / 100,
            "profit": self._profit_as_sent(trade, now),
            **stop_and_limit(trade, digits),
        }
        if self.account.commission:
            record["commission"] = self.commission(trade) / 100
        if trade.closed <= now:
            record["closePrice"] = price
            record["closeTime"] = utc(trade.closed)
        else:
            record["currentPrice"] = price
        return record

    def _profit_as_sent(self, trade: Trade, now: float) -> float:
        """The profit of a trade: some are inexact and some are not, so that clients read both."""
        profit = self.profit(trade, now) / 100
        if trade.command == SELL:
            return noisy(profit)
        return profit

    def information(self, now: float) -> Record:
        """All figures of the account.

        Credits are not part of the balance. Open trades and their volume count positions only.
        """
        closed = self.closed(now)
        own_money = [trade for trade in closed if trade.command != CREDIT]
        closed_positions = [trade for trade in closed if trade.is_position]
        positions = [trade for trade in self.open(now) if trade.is_position]
        balance = self.total(own_money, now)
        equity = balance + self.total(positions, now)
        free_margin = equity - self._margin(positions)
        # Some deployments send the currency's code, others 0.
        currency: str | int = 0
        if self.account.partner_password:
            currency = "USD"
        return {
            **PERSONAL,
            "country": "Belarus",
            "leverage": 100,
            "type": 1,
            "verificationLevel": 1,
            "balance": balance / 100,
            "equity": noisy(equity / 100),
            "freeMargin": noisy(free_margin / 100),
            "currency": currency,
            "isSwapFree": False,
            "isAnyOpenTrades": bool(positions),
            "currentTradesCount": len(positions),
            "currentTradesVolume": total_lots(positions) / 100,
            "agentName": None,
            "totalTradesCount": len(closed_positions),
            "totalTradesVolume": noisy(total_lots(closed) / 100),
        }

    def _margin(self, positions: list[Trade]) -> int:
        """The margin of positions, in cents, at a leverage of 1:100."""
        margin = 0.0
        for trade in positions:
            symbol = SYMBOLS[trade.symbol]
            # A lot is in the symbol's first currency. For USDJPY that is dollars already.
            price = 1.0
            if symbol.quoted_in_usd:
                price = trade.open_price
            margin += trade.lots * symbol.contract * price / 100
        return round(margin)

    def balance(self, now: float) -> Record:
        """The figures of the function for the balance alone."""
        information = self.information(now)
        names = ("name", "currency", "balance", "equity", "freeMargin")
        return {name: information[name] for name in names}

    def bonus(self, now: float) -> Record:
        """The bonus, and how many of the required lots have been traded since it was received."""
        information = self.information(now)
        received = next(trade for trade in self._operations() if "bonus" in trade.comment)
        bonus = received.cents / 100
        state = 1
        if self.account.empty:
            bonus = 0.0
            state = 0
        closed_since = self.closed(now, {"from": received.closed})
        closed_lots = total_lots(closed_since) / 100
        required_lots = 3 * bonus
        missing_lots = max(0.0, round(required_lots - closed_lots, 2))
        # A bonus can be traded with, but not withdrawn.
        available = max(0.0, round(information["freeMargin"] - bonus, 2))
        return {
            "bonuses": {"clubBonus": 0, "totalBonus": bonus, "welcomeBonus": bonus},
            "summary": {
                "availableToWithdraw": available,
                "availableToWithdrawWithoutLosingBonus": round(available / 2, 2),
                "balance": information["balance"],
                "equity": information["equity"],
                "freeMargin": information["freeMargin"],
            },
            "trade": {
                "bonusState": state,
                "closedLots": closed_lots,
                "lotsRequired": required_lots,
                "missingLots": missing_lots,
            },
        }

    def operations(self, now: float) -> list[Record]:
        """Deposits and withdrawals, amounts without a sign; one is still pending and one failed."""
        if self.account.empty:
            return []
        records = []
        for trade in self._operations():
            record = self._operation_record(trade.closed, trade.cents, trade.comment, status=1)
            record["ticket"] = trade.ticket
            records.append(record)
        # These two have not changed the balance, so that there is no ticket for them.
        for status in (0, 2):
            at = (self.opened + 364) * DAY + 40_000 + status
            record = self._operation_record(at, 15_000, "Card", status)
            record["ticket"] = None
            records.append(record)
        present = utc(now)
        return [record for record in records if record["date"] <= present]

    def _operation_record(
        self,
        at: int,
        cents: int,
        system: str,
        status: int,
    ) -> Record:
        return {
            "account": self.login,
            "amount": abs(cents) / 100,
            "date": utc(at),
            "operationId": at % 10**7,
            "operationType": int(cents < 0),  # 0 is a deposit, 1 a withdrawal
            "paymentSystem": system,
            "status": status,
        }

    def _events(self, purpose: str, now: float) -> Iterator[tuple[float, random.Random]]:
        """Moments of the last 90 days, newest day first, each with its own random numbers.

        The first of a day is just after midnight, so that there is one of today at any time of day.
        """
        if self.account.empty:
            return
        today = int(now) // DAY
        for day in range(today, today - 90, -1):
            count = 3 - day % 3  # one to three, as on a real account
            for n in range(count):
                # Of its own, so that the moments of other days do not change as time passes.
                rng = self._rng(f"{self.login}/{purpose}/{day}/{n}")
                window = REST_OF_DAY
                if n == 0:
                    window = AFTER_MIDNIGHT
                at = day * DAY + rng.uniform(*window)
                if at <= now:
                    yield at, rng

    def logins(self, now: float) -> list[Record]:
        """The login history of 90 days."""
        addresses = ("203.0.113.77", "198.51.100.23", "2001:db8:85a3::8a2e:370:7334")
        programs = ("MetaTrader 4", "Client Cabinet", "MetaTrader 4 Mobile", None)
        records = []
        for at, rng in self._events("logins", now):
            record = {
                "time": utc(at),
                "ip": rng.choice(addresses),
                "application": rng.choice(programs),
                "serverId": 4,
            }
            records.append(record)
        return records

    def commissions(self, now: float) -> list[Record]:
        """The commissions of 90 days under the partner's login, and a sub-partner without any."""
        records = []
        for at, rng in self._events("commissions", now):
            lots = rng.randint(5, 250)
            record = {
                "time": utc(at),
                "login": rng.choice(REFERRALS),
                "volume": lots / 100,
                "symbol": rng.choice(list(SYMBOLS)),
                "amount": noisy(round(lots * 1.5) / 100),
                "currency": "USD",
                "groupId": 3,
            }
            records.append(record)
        return [
            {"partner": self.login, "balanceRecords": records},
            {"partner": 1000006, "balanceRecords": []},
        ]

    def clicks(self, now: float) -> list[Record]:
        """The visits of referral links today, with and without accounts that came from them."""
        if self.account.partner_password is None:
            return []
        midnight = now // DAY * DAY
        visits = {
            "date": utc(midnight),
            "clicks": 31,
            "referer": "https://example.com/",
        }
        # The API spells the names in this way.
        return [
            {**visits, "referalAccounts": REFERRALS},
            {**visits, "referalAccounts": []},
        ]
