"""The cost of large amounts, a long history or many accounts, in this process without a server."""

import datetime as dt
from pathlib import Path

from bench.rendering import History, milliseconds

from widget import config
from widget.api import parsing
from widget.web.logs import SecretFilter

LINE = "GET /w/main/balance of an account: no complete response within the deadline of 8 s " * 3


def parse(trades: int, times: int) -> float:
    """Milliseconds to parse so many closed trades."""
    body = History(trades, dt.datetime(2026, 11, 25, tzinfo=dt.UTC)).body
    rules = parsing.TimeRules(dt.UTC)
    return milliseconds(lambda: parsing.parse("closed_trades", body, rules), times)


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
