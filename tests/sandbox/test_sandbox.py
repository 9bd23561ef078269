"""The simulated API: its figures add up, a seed determines them, and the tests' faults work."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from conftest import Clock
from effort import examples
from faults import FAULTS, Fault, FaultySandbox
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import until

from widget.sandbox.api import Sandbox, create_sandbox, serve_sandbox
from widget.sandbox.book import ACCOUNTS, PERSONAL, STANDING, SYMBOLS

DAY = 86_400
OPEN, CLOSED, MASKED, EMPTY, PARTNER = ACCOUNTS


def state(app: Flask) -> Sandbox:
    sandbox = app.extensions["sandbox"]
    assert isinstance(sandbox, Sandbox)
    return sandbox


@pytest.fixture
def clock(instant: float) -> Clock:
    return Clock(int(instant))


@pytest.fixture
def app(clock: Clock) -> Flask:
    return create_sandbox(clock=clock)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def faulty(clock: Clock) -> FaultySandbox:
    return FaultySandbox(clock=clock)


def older(client: FlaskClient, path: str, passkey: str = "") -> Any:
    response = client.get(path, headers={"passkey": passkey} if passkey else {})
    assert response.status_code == 200, response.text
    return response.json


def newer(client: FlaskClient, function: str, login: int, **body: Any) -> Any:
    response = client.post(f"/api/ClientCabinetBasic/{function}", json={"login": login, **body})
    assert response.status_code == 200, response.text
    return response.json


def request_token(
    client: FlaskClient, login: int, password: str, function: str = "RequestClientApiToken"
) -> Any:
    return client.post(
        f"/api/Authentication/{function}", json={"Login": login, "Password": password}
    )


def unix(text: str) -> float:
    """Read either of the ways in which the older stack writes a time."""
    if match := re.fullmatch(r"/Date\((\d+)\+0300\)/", text):
        return int(match[1]) / 1000
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_the_balance_is_the_sum_of_all_that_was_paid_in_and_earned(client: FlaskClient) -> None:
    figures = older(client, f"/client/RequestBalanceInformation/{OPEN}")
    records = older(client, f"/client/RequestClosedTrades/{OPEN}")
    assert {record["Type"] for record in records} == {0, 1, 6, 7}
    assert figures["Balance"] == pytest.approx(
        sum(r["Profit"] + r["Swaps"] for r in records if r["Type"] != 7), abs=1e-6
    )


@settings(max_examples=examples(20))
@given(
    seed=st.integers(0, 2**32),
    day=st.integers(10_000, 40_000),
    seconds=st.integers(0, 3 * DAY),
    login=st.sampled_from([OPEN, CLOSED, PARTNER]),
)
def test_the_figures_add_up_for_every_seed_and_moment(
    seed: int, day: int, seconds: int, login: int
) -> None:
    clock = Clock(day * DAY)
    book = state(create_sandbox(seed=seed, clock=clock)).books[login]
    now = day * DAY + seconds
    figures, records = book.information(now), book.records(book.open(now), now)
    floating = sum(map(result_of, records))
    assert figures["equity"] == pytest.approx(figures["balance"] + floating, abs=1e-6)
    assert figures["freeMargin"] < figures["equity"]
    assert all(record["profit"] == record["swaps"] == 0 for record in records if record["type"] > 1)
    assert sum(record["type"] > 1 for record in records) == 2
    closed = book.records(book.closed(now), now)
    assert figures["balance"] == pytest.approx(
        sum(result_of(record) for record in closed if record["type"] != 7), abs=1e-6
    )
    tickets = [record["ticket"] for record in closed + records]
    assert len(tickets) == len(set(tickets))


def result_of(record: dict[str, Any]) -> float:
    """By how much a trade changes the balance when it is closed."""
    result: float = record["profit"] + record["swaps"] + record.get("commission", 0)
    return result


@settings(max_examples=examples(20))
@given(
    moment=st.integers(10_000 * DAY, 40_000 * DAY), login=st.sampled_from([OPEN, CLOSED, PARTNER])
)
def test_the_accounts_have_enough_equity_for_their_open_trades_at_any_moment(
    moment: int, login: int
) -> None:
    """With the seed that is used; with another one a trader may lose everything."""
    book = state(create_sandbox(clock=Clock(moment))).books[login]
    assert book.information(moment)["freeMargin"] > 0


def test_a_credit_is_no_part_of_the_balance(app: Flask, clock: Clock) -> None:
    book = state(app).books[OPEN]
    credit = next(trade for trade in book.closed(clock.now) if trade.command == 7)
    before, after = (book.information(now)["balance"] for now in (credit.closed - 1, credit.closed))
    assert credit.cents > 0
    assert before == after


def test_profit_follows_from_prices(client: FlaskClient) -> None:
    records = older(client, f"/client/RequestOpenTrades/{OPEN}") + older(
        client, f"/client/RequestClosedTrades/{OPEN}"
    )
    for record in records:
        if record["Type"] > 1:
            continue
        symbol, price = (
            SYMBOLS[record["Symbol"]],
            record.get("CurrentPrice") or record["ClosePrice"],
        )
        move = (
            (price - record["OpenPrice"])
            * (1 if record["Type"] == 0 else -1)
            * record["Volume"]
            * symbol.contract
        )
        assert record["Profit"] == pytest.approx(
            move if symbol.quoted_in_usd else move / price, abs=0.0051
        )
        assert price == round(price, record["Digits"])


def test_figures_move_within_seconds_and_equity_does_not_jump_when_a_trade_closes(
    clock: Clock,
) -> None:
    book = state(create_sandbox(clock=clock)).books[OPEN]
    first, later = (book.information(clock.now + seconds)["equity"] for seconds in (0, 5))
    assert first != later
    close = next(trade.closed for trade in reversed(book.closed(clock.now)) if trade.command < 2)
    before, after = book.information(close - 1), book.information(close)
    assert before["balance"] != after["balance"]
    assert before["equity"] == pytest.approx(after["equity"], abs=10)
    assert after["currentTradesCount"] == before["currentTradesCount"] - 1


@pytest.mark.parametrize("seconds", [60, 3_600, 86_399])
def test_a_year_of_history_reaches_to_this_very_day(seconds: int, instant: float) -> None:
    today = int(instant) // DAY
    now = today * DAY + seconds
    client = create_sandbox(clock=Clock(now)).test_client()
    trades = [
        record
        for record in older(client, f"/client/RequestClosedTrades/{OPEN}")
        if record["Type"] < 2
    ]
    times = [unix(trade["CloseTime"]) for trade in trades]
    assert 300 < len(trades) < 900
    assert min(times) < now - 360 * DAY
    assert max(times) <= now
    assert {int(at) // DAY for at in times} >= set(range(today - 30, today + 1))
    assert {trade["Symbol"] for trade in trades} == set(SYMBOLS)
    assert any(trade["Swaps"] for trade in trades)
    assert all(unix(trade["OpenTime"]) < unix(trade["CloseTime"]) for trade in trades)


def test_the_same_seed_gives_the_same_responses_and_another_seed_others(clock: Clock) -> None:
    one, same, other = (create_sandbox(seed=seed, clock=clock).test_client() for seed in (3, 3, 4))
    for function in (
        "RequestAccountInformation",
        "RequestOpenTrades",
        "RequestClosedTrades",
        "RequestLoginHistory",
    ):
        responses = [older(client, f"/client/{function}/{OPEN}") for client in (one, same, other)]
        assert responses[0] == responses[1]
        assert responses[0] != responses[2]


def test_history_stays_as_it_was_when_time_goes_on(clock: Clock, client: FlaskClient) -> None:
    paths = [f"/client/Request{name}/{OPEN}" for name in ("ClosedTrades", "LoginHistory")]
    before = [older(client, path) for path in paths]
    then = clock.now
    clock.now += 2 * DAY
    after = [older(client, path) for path in paths]
    assert after[0][: len(before[0])] == before[0]
    assert len(after[0]) > len(before[0])
    recent = [entry for entry in before[1] if unix(entry["Time"]) > then - 80 * DAY]
    assert recent
    assert all(entry in after[1] for entry in recent)


def test_a_bonus_is_half_worked_off_and_its_lots_agree_with_the_trades(
    client: FlaskClient, clock: Clock
) -> None:
    trade = older(client, f"/client/RequestBonusStatistic/{OPEN}")["Trade"]
    bonus = next(
        r
        for r in older(client, f"/client/RequestClosedTrades/{OPEN}")
        if r["Comment"] == "30% bonus"
    )
    start = int(unix(bonus["CloseTime"]))
    lots = older(client, f"/client/RequestClosedLots/{OPEN}?from={start}&to={clock.now}")
    assert lots == pytest.approx(trade["ClosedLots"])
    assert trade["ClosedLots"] + trade["MissingLots"] == pytest.approx(trade["LotsRequired"])
    assert 0.3 < trade["ClosedLots"] / trade["LotsRequired"] < 0.7


def test_the_older_dialect_has_the_formats_of_an_older_stack(client: FlaskClient) -> None:
    information = client.get(f"/client/RequestAccountInformation/{OPEN}").text
    assert re.search(r'"Equity":-?\d+\.\d{9,}', information)
    assert all(text in information for text in PERSONAL.values())
    for record in older(client, f"/client/RequestOpenTrades/{OPEN}"):
        assert re.fullmatch(r"/Date\(\d{13}\+0300\)/", record["OpenTime"])
        assert "ClosePrice" not in record
    closed = older(client, f"/client/RequestClosedTrades/{OPEN}")[-1]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", closed["CloseTime"])
    assert older(client, f"/client/RequestOpenTrades/{EMPTY}") is None
    assert older(client, f"/client/RequestClosedTrades/{EMPTY}") is None
    assert older(client, f"/client/RequestBalanceInformation/{EMPTY}")["Balance"] == 0
    assert isinstance(older(client, f"/client/RequestClosedLots/{OPEN}"), float)


def test_positions_and_two_pending_orders_are_open(client: FlaskClient) -> None:
    types = [record["Type"] for record in older(client, f"/client/RequestOpenTrades/{OPEN}")]
    assert sorted(kind for kind in types if kind > 1) == [2, 5]
    assert sum(kind < 2 for kind in types) >= len(STANDING) - 2
    information = older(client, f"/client/RequestAccountInformation/{OPEN}")
    assert information["CurrentTradesCount"] == sum(kind < 2 for kind in types)


@pytest.mark.parametrize("hours", range(0, 24 * 14, 7))
def test_eight_trades_are_open_at_any_hour(hours: int, clock: Clock) -> None:
    clock.now += 3600 * hours
    for login in (OPEN, CLOSED, PARTNER):
        book = state(create_sandbox(clock=clock)).books[login]
        assert len(book.open(clock.now)) >= 8


def test_a_period_includes_both_of_its_ends(client: FlaskClient) -> None:
    every = older(client, f"/client/RequestClosedTrades/{OPEN}")
    start, end = (int(unix(every[n]["CloseTime"])) for n in (10, 20))
    assert (
        older(client, f"/client/RequestClosedTrades/{OPEN}?from={start}&to={end}") == every[10:21]
    )
    assert (
        older(client, f"/client/RequestClosedTrades/{OPEN}?from={start + 1}&to={end - 1}")
        == every[11:20]
    )


def test_the_closed_level_of_the_older_dialect_requires_a_token(client: FlaskClient) -> None:
    path = f"/client/RequestBalanceInformation/{CLOSED}"
    assert client.get(path).status_code == 401
    assert request_token(client, CLOSED, "wrong").status_code == 401
    assert request_token(client, OPEN, "").status_code == 401
    response = request_token(client, CLOSED, "sandbox-password")
    assert re.fullmatch(r'"[A-Za-z0-9]{32}"\s*', response.text)
    assert older(client, path, response.json)["Balance"] > 0
    assert older(client, f"/client/RequestClosedLots/{CLOSED}", response.json)["Lots"] > 0
    assert (
        client.get(
            f"/client/RequestBalanceInformation/{MASKED}", headers={"passkey": response.json}
        ).status_code
        == 401
    )
    assert request_token(client, MASKED, "sandbox-password").status_code == 403
    assert client.get("/client/RequestBalanceInformation/77").status_code == 404


def test_partner_functions_require_a_partner_token_even_for_an_open_account(
    client: FlaskClient, clock: Clock
) -> None:
    path = f"/partner/GetCommissionRecords/{PARTNER}"
    ordinary = request_token(client, PARTNER, "partner-password").json
    assert client.get(path, headers={"passkey": ordinary}).status_code == 401
    assert client.get(f"/partner/GetCommissionRecords/{OPEN}").status_code == 404
    response = request_token(client, PARTNER, "partner-password", "RequestPartnerApiToken")
    assert re.fullmatch("\ufeff[A-Za-z0-9]{32}\r\n", response.text)
    token = response.text.strip("\ufeff\r\n")
    partners = older(client, path, token)
    assert [partner["BalanceRecords"] is None for partner in partners] == [False, True]
    times = [unix(record["Time"]) for record in partners[0]["BalanceRecords"]]
    assert clock.now - 90 * DAY < min(times) < clock.now - 85 * DAY
    assert clock.now - DAY < max(times) <= clock.now
    referrals = older(client, f"/partner/GetClickStatistics/{PARTNER}", token)
    assert {record["Login"] for record in partners[0]["BalanceRecords"]} <= set(
        referrals[0]["ReferalAccounts"]
    )
    assert older(client, f"/client/RequestBalanceInformation/{PARTNER}")["Balance"] > 0


def test_the_closed_level_of_the_newer_dialect_requires_a_token_in_the_body(
    client: FlaskClient,
) -> None:
    check = "/api/ClientCabinetBasic/IsAccountCredentialsCorrect"
    assert newer(client, "IsAccountCredentialsCorrect", CLOSED, password="wrong") == {
        "result": False
    }
    assert (
        client.post(check, json={"login": MASKED, "password": "sandbox-password"}).status_code
        == 401
    )
    response = newer(client, "IsAccountCredentialsCorrect", CLOSED, password="sandbox-password")
    assert response["result"] is True
    path = "/api/ClientCabinetBasic/GetAccountInformation"
    assert client.post(path, json={"login": CLOSED}).status_code == 401
    assert client.post(path, json={"login": CLOSED, "token": "x" * 32}).status_code == 401
    assert newer(client, "GetAccountInformation", CLOSED, token=response["token"])["freeMargin"] > 0
    assert newer(client, "GetAccountInformation", OPEN)["freeMargin"] > 0
    assert newer(client, "GetOpenTrades", EMPTY) is None
    assert (
        client.post("/api/ClientCabinetBasic/RequestLoginHistory", json={"login": OPEN}).status_code
        == 404
    )


def test_closed_trades_come_in_pages_newest_first(client: FlaskClient, clock: Clock) -> None:
    period = {"from": int(clock.now) - 90 * DAY, "to": int(clock.now)}
    pages: list[list[dict[str, Any]]] = []
    while not pages or len(pages[-1]) == 50:
        pages.append(
            newer(client, "GetClosedTrades", OPEN, count=50, offset=50 * len(pages), **period)
        )
    assert len(pages) > 2
    trades = [trade for page in pages for trade in page]
    assert [trade["closeTime"] for trade in trades] == sorted(
        (trade["closeTime"] for trade in trades), reverse=True
    )
    same = older(
        client, f"/client/RequestClosedTrades/{OPEN}?from={period['from']}&to={period['to']}"
    )
    assert [trade["ticket"] for trade in trades] == [trade["Ticket"] for trade in reversed(same)]


def test_completed_operations_are_the_records_of_type_6_and_7(client: FlaskClient) -> None:
    operations = newer(client, "GetBalanceOperationsHistory", OPEN)
    assert sorted({operation["status"] for operation in operations}) == [0, 1, 2]
    done = [operation for operation in operations if operation["status"] == 1]
    paid = {op["ticket"]: (1 - 2 * op["operationType"]) * op["amount"] for op in done}
    records = older(client, f"/client/RequestClosedTrades/{OPEN}")
    assert paid == {record["Ticket"]: record["Profit"] for record in records if record["Type"] > 5}


def test_every_call_is_counted_by_function(faulty: FaultySandbox) -> None:
    client = faulty.app.test_client()
    request_token(client, CLOSED, "sandbox-password")
    older(client, f"/client/RequestOpenTrades/{OPEN}")
    older(client, f"/client/RequestOpenTrades/{OPEN}")
    newer(client, "GetOpenTrades", OPEN)
    assert faulty.calls == {"RequestClientApiToken": 1, "RequestOpenTrades": 2, "GetOpenTrades": 1}


def test_a_fault_affects_its_function_a_number_of_times(faulty: FaultySandbox) -> None:
    client = faulty.app.test_client()
    faulty.faults.append(Fault("error503", function="RequestOpenTrades", times=2))
    assert client.get(f"/client/RequestBalanceInformation/{OPEN}").status_code == 200
    statuses = [client.get(f"/client/RequestOpenTrades/{OPEN}").status_code for _ in range(3)]
    assert statuses == [503, 503, 200]


def test_faults_last_until_they_are_removed(faulty: FaultySandbox) -> None:
    client = faulty.app.test_client()
    faulty.faults.append(Fault("error500"))
    statuses = [client.get(f"/client/RequestOpenTrades/{OPEN}").status_code for _ in range(4)]
    assert statuses == [500] * 4
    faulty.faults.clear()
    assert client.get(f"/client/RequestOpenTrades/{OPEN}").status_code == 200


def test_a_fault_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no such fault: earthquake"):
        Fault("earthquake")


def test_faults_that_replace_the_response(faulty: FaultySandbox) -> None:
    client = faulty.app.test_client()

    def get_with(fault: Fault) -> Any:
        faulty.faults = [fault]
        return client.get(f"/client/RequestBalanceInformation/{OPEN}")

    assert get_with(Fault("html200")).text.startswith("<!DOCTYPE html>")
    limited = get_with(Fault("too_many", seconds=7))
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    moved = get_with(Fault("redirect", location="http://elsewhere.invalid/x"))
    assert (moved.status_code, moved.headers["Location"]) == (302, "http://elsewhere.invalid/x")
    assert get_with(Fault("refuse")).status_code == 401
    assert get_with(Fault("refuse", status=403)).status_code == 403
    assert len(get_with(Fault("huge", megabytes=3)).data) == 3 * 2**20
    bomb = get_with(Fault("gzip_bomb", megabytes=3))
    assert bomb.headers["Content-Encoding"] == "gzip"
    assert len(bomb.data) < 2**16
    garbage = get_with(Fault("garbage"))
    assert garbage.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(garbage.text)
    assert set(get_with(Fault("renamed")).json) == {
        "v2_Balance",
        "v2_Equity",
        "v2_FreeMargin",
        "v2_Currency",
        "v2_Name",
    }


@pytest.mark.parametrize("status", [401, 400])
def test_expired_tokens_are_refused_once_and_renewed_ones_accepted(
    faulty: FaultySandbox, status: int
) -> None:
    client = faulty.app.test_client()

    def token() -> str:
        response = newer(client, "IsAccountCredentialsCorrect", CLOSED, password="sandbox-password")
        return str(response["token"])

    old = token()
    faulty.faults.append(Fault("expire_tokens", status=status))
    new = token()
    refused = client.post(
        "/api/ClientCabinetBasic/GetOpenTrades", json={"login": CLOSED, "token": new}
    )
    assert (refused.status_code, "token" in refused.text) == (status, True)
    assert not faulty.faults
    assert len({old, new, token()}) == 3
    assert newer(client, "GetOpenTrades", CLOSED, token=token())


def test_served_over_http_faults_truncate_drip_and_delay(clock: Clock) -> None:
    pauses: list[float] = []
    faulty = FaultySandbox(clock=clock, sleep=pauses.append)
    with serve_sandbox(faulty.app) as base:
        path = f"{base}/client/RequestBalanceInformation/{OPEN}"
        whole = requests.get(path, timeout=5)
        faulty.faults = [Fault("truncated", times=1)]
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            requests.get(path, timeout=5)
        faulty.faults = [Fault("drip", seconds=0.001, times=1)]
        with requests.get(path, timeout=5, stream=True) as dripping:
            pieces = list(dripping.raw.stream(1))
        assert b"".join(pieces) == whole.content
        until(lambda: pauses == [0.001] * len(whole.content))
        faulty.faults = [Fault("slow", seconds=0.2, times=1)]
        pauses.clear()
        assert requests.get(path, timeout=5).json() == whole.json()
        assert pauses == [0.2]


def test_it_listens_on_loopback_and_stops_at_the_end(
    app: Flask, capfd: pytest.CaptureFixture[str]
) -> None:
    with serve_sandbox(app) as base:
        assert base.startswith("http://127.0.0.1:")
        assert requests.get(f"{base}/client/RequestOpenTrades/{OPEN}", timeout=5).json()
    with pytest.raises(requests.ConnectionError):
        requests.get(base, timeout=5)
    assert capfd.readouterr() == ("", "")


def test_every_fault_has_a_test() -> None:
    with open(__file__, encoding="utf-8") as source:
        text = source.read()
    assert [fault for fault in FAULTS if f'"{fault}"' not in text] == []
