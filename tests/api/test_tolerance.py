"""What real APIs send is read over HTTP, in both dialects."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from conftest import serving
from flask import Flask, Response

from widget.api.client import Client
from widget.api.records import AccountInformation, Bonus, History
from widget.config import Account

PATHS = {
    "client-api": {
        "summary": "client/RequestAccountInformation/1234567",
        "bonus": "client/RequestBonusStatistic/1234567",
        "open_trades": "client/RequestOpenTrades/1234567",
        "closed_trades": "client/RequestClosedTrades/1234567",
        "lots": "client/RequestClosedLots/1234567",
    },
    "cabinet-basic": {
        "summary": "api/ClientCabinetBasic/GetAccountInformation",
        "bonus": "api/ClientCabinetBasic/GetBonusStatistic",
        "open_trades": "api/ClientCabinetBasic/GetOpenTrades",
        "closed_trades": "api/ClientCabinetBasic/GetClosedTrades",
        "operations": "api/ClientCabinetBasic/GetBalanceOperationsHistory",
    },
}
DIALECTS = sorted(PATHS)


@contextmanager
def api(dialect: str, function: str, body: Any, status: int = 200) -> Iterator[Account]:
    """An account whose API sends this body: JSON, or bytes as they are."""
    application = Flask(__name__)

    @application.route(f"/{PATHS[dialect][function]}", methods=["GET", "POST"])
    def respond() -> Response:
        if isinstance(body, bytes):
            return Response(body, status)
        return Response(json.dumps(body), status, content_type="application/json")

    with serving(application) as url:
        yield Account.model_validate(
            {"slug": "main", "login": 1234567, "api": {"dialect": dialect, "base_url": url}}
        )


CLOSED = {
    "ticket": 48213377,
    "symbol": "EURUSD",
    "type": 0,
    "volume": 0.1,
    "openPrice": 1.08412,
    "openTime": "2026-11-20T09:31:05",
    "closePrice": 1.0862,
    "closeTime": "2026-11-20T15:00:00",
    "profit": 11.9,
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("status", [200, 204])
def test_an_empty_response_is_an_empty_list_or_no_bonus(dialect: str, status: int) -> None:
    with api(dialect, "bonus", b"", status) as account:
        assert Client().call(account, "bonus") == Bonus()
    with api(dialect, "open_trades", b"", status) as account:
        assert Client().call(account, "open_trades") == ()
    with api(dialect, "closed_trades", b"", status) as account:
        assert Client().call(account, "closed_trades") == History()
    with api("client-api", "lots", b"", status) as account:
        assert Client().call(account, "lots") is None


@pytest.mark.parametrize("dialect", DIALECTS)
def test_details_do_not_lose_a_widget_and_are_logged_once(
    dialect: str, caplog: pytest.LogCaptureFixture
) -> None:
    body = {
        "balance": 314.79,
        "leverage": "1:500",
        "type": "Standard",
        "verificationLevel": "Verified",
        "isSwapFree": "1234567 perhaps",
    }
    with api(dialect, "summary", body) as account, caplog.at_level(logging.WARNING):
        client = Client()
        for _ in range(3):
            information = client.call(account, "summary")
    assert information == AccountInformation(
        balance=Decimal("314.79"),
        leverage=500,
        account_type="Standard",
        verification_level="Verified",
    )
    assert caplog.messages == [
        "account main: summary.isSwapFree: '*** perhaps' is not true or false"
    ]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_commands_may_be_names_and_tickets_long(dialect: str) -> None:
    row = {**CLOSED, "Cmd": "Sell", "ticket": 10**20 - 1, "Commission": -7}
    del row["type"]
    with api(dialect, "closed_trades", {"d": row}) as account:
        history = Client().call(account, "closed_trades")
    assert isinstance(history, History)
    trade = history.trades[0]
    assert trade.ticket == 10**20 - 1
    assert trade.side == "sell"
    assert trade.commission == -7


def test_a_deposit_without_a_closing_time_counts_from_its_opening_time() -> None:
    deposit = {"type": "Balance", "profit": 900, "openTime": "2026-11-20T09:31:05"}
    for no_date in ("0001-01-01T00:00:00", 0, -1, "1970-01-01T00:00:00", ""):
        rows = [CLOSED, {**deposit, "closeTime": no_date}]
        with api("client-api", "closed_trades", rows) as account:
            history = Client().call(account, "closed_trades")
        assert isinstance(history, History)
        assert [operation.time.hour for operation in history.operations] == [9]


def test_two_identical_partial_closes_are_two_trades() -> None:
    with api("client-api", "closed_trades", [CLOSED, CLOSED]) as account:
        history = Client().call(account, "closed_trades")
    assert isinstance(history, History)
    assert len(history.trades) == 2


def test_a_balance_operation_of_an_unknown_type_is_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    deposit = {"amount": 250, "date": 1763631065, "operationType": 0, "status": 1}
    rows = [{**deposit, "operationType": 9}, deposit]
    with api("cabinet-basic", "operations", rows) as account:
        operations = Client().call(account, "operations")
    assert [operation.amount for operation in operations] == [250]  # type: ignore[union-attr]
    assert len(caplog.messages) == 1
