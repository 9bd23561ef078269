"""The cost of large amounts, a long history or many accounts, in this process without a server."""

import datetime as dt
import json
import random
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.rendering import milliseconds

from widget import config
from widget.api import parsing
from widget.web.logs import SecretFilter

LINE = "GET /w/main/balance of an account: no complete response within the deadline of 8 s " * 3


@dataclass(frozen=True)
class Parsing:
    """The cost of reading a response: milliseconds, and MiB at its peak without the body."""

    json_loads: float
    parse: float
    json_mebibytes: float
    mebibytes: float


def closed_trades(count: int) -> bytes:
    """A response with so many closed trades, whose prices, profits and times differ."""
    dice = random.Random(count)
    first = dt.datetime(2010, 1, 4)  # noqa: DTZ001  # APIs write times without a zone
    trades = []
    for number in range(count):
        opened = first + dt.timedelta(minutes=30 * number)
        price = dice.uniform(1.05, 1.15)
        trade = {
            "ticket": 10**7 + number,
            "login": 1234567,
            "comment": "",
            "type": dice.randrange(2),
            "symbol": dice.choice(["EURUSD", "GBPUSD", "AUDUSD"]),
            "digits": 5,
            "volume": dice.randrange(1, 200) / 100,
            "openPrice": round(price, 5),
            "openTime": opened.isoformat(),
            "closePrice": round(price + dice.uniform(-0.005, 0.005), 5),
            "closeTime": (opened + dt.timedelta(seconds=dice.randrange(10**5))).isoformat(),
            "sl": round(price - 0.01, 5),
            "tp": 0.0,
            "swaps": -dice.randrange(100) / 100,
            "profit": round(dice.gauss(1, 40), 2),
        }
        trades.append(trade)
    return json.dumps(trades).encode()


def parse(count: int, times: int) -> Parsing:
    """The cost to parse so many closed trades, next to ``json.loads`` of the same body."""
    body = closed_trades(count)
    rules = parsing.TimeRules(dt.UTC)
    return Parsing(
        json_loads=milliseconds(lambda: json.loads(body), times),
        parse=milliseconds(lambda: parsing.parse("closed_trades", body, rules), times),
        json_mebibytes=peak_mebibytes(lambda: json.loads(body)),
        mebibytes=peak_mebibytes(lambda: parsing.parse("closed_trades", body, rules)),
    )


def peak_mebibytes(action: Callable[[], object]) -> float:
    """The most memory that an action takes at one time."""
    tracemalloc.start()
    action()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def mask(accounts: int, times: int) -> float:
    """Milliseconds to mask the secrets of so many accounts in a log line that contains none."""
    tables = {
        f"a{n}": {
            "login": 10**7 + n,
            "password": f"password {n * 7919} of an account",
            "partner_password": f"{n:012x}",
        }
        for n in range(accounts)
    }
    secrets = SecretFilter(config.parse({"accounts": tables}, {}, (), folder=Path(), demo=True))
    return milliseconds(lambda: secrets.hide(LINE), times)
