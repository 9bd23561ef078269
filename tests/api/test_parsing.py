"""JSON of the upstream becomes records, whatever its style; errors name what cannot be used."""

import json
import pickle
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget.api import parsing
from widget.api.records import (
    AccountInformation,
    Bonus,
    ClosedTrade,
    Commission,
    History,
    Login,
    OpenTrade,
    Operation,
    Referrals,
)
from widget.api.times import TimeRules
from widget.api.values import parse_integer, parse_integers
from widget.errors import Unreadable
from widget.names import FUNCTIONS, Function

PERSONAL = {
    "name": "Private Person",
    "address": "Private Street 1",
    "city": "Private City",
    "phone": "private-phone",
    "zipCode": "private-zip",
}
INFORMATION = {
    **PERSONAL,
    "balance": 314.79,
    "country": "Belarus",
    "currency": 0,
    "currentTradesCount": 4,
    "currentTradesVolume": 0.04,
    "equity": 236.98999999999995,
    "freeMargin": 69.34483999999995,
    "isAnyOpenTrades": True,
    "isSwapFree": False,
    "leverage": 1,
    "totalTradesCount": 1636,
    "totalTradesVolume": 76.15,
    "type": 1,
    "verificationLevel": 1,
}
OPEN = {
    "currentPrice": 1.08531,
    "comment": "",
    "digits": 5,
    "login": 1234567,
    "openPrice": 1.08412,
    "openTime": "2026-11-20T09:31:05",
    "profit": 11.9,
    "sl": 0.0,
    "swaps": -0.42,
    "symbol": "EURUSD",
    "tp": 1.095,
    "ticket": 48213377,
    "type": 0,
    "volume": 0.1,
}
CLOSED = {name: value for name, value in OPEN.items() if name != "currentPrice"} | {
    "closePrice": 1.0862,
    "closeTime": "2026-11-20T15:00:00",
}
BONUS = {
    "bonuses": {"clubBonus": 0, "totalBonus": 300, "welcomeBonus": 300},
    "summary": {
        "availableToWithdraw": 120.5,
        "availableToWithdrawWithoutLosingBonus": 80.0,
        "balance": 1300.0,
        "equity": 1312.4,
        "freeMargin": 1200.1,
    },
    "trade": {"bonusState": 1, "closedLots": 410.0, "lotsRequired": 900.0, "missingLots": 490.0},
}
OPERATION = {
    "account": 1234567,
    "amount": 250.5,
    "date": 1763631065,
    "operationId": 1,
    "operationType": 0,
    "paymentSystem": "Card",
    "status": 1,
    "ticket": 9,
}
LOGIN = {"time": "2026-11-20T09:31:05", "ip": "203.0.113.7", "application": "MetaTrader 4"}
COMMISSION = {
    "time": "2026-11-20T09:31:05",
    "login": 1234567,
    "volume": 1.5,
    "symbol": "EURUSD",
    "amount": 3.75,
    "currency": "USD",
}
SAMPLES: dict[Function, object] = {
    "balance": INFORMATION,
    "summary": INFORMATION,
    "open_trades": [OPEN],
    "closed_trades": [CLOSED],
    "lots": 12.5,
    "bonus": BONUS,
    "logins": [LOGIN],
    "commissions": [{"partner": 1, "balanceRecords": [COMMISSION]}],
    "operations": [OPERATION],
    "referrals": [{"ReferalAccounts": [1234567, 1234568], "clicks": 5}],
}
LISTS: tuple[Function, ...] = ("open_trades", "logins", "commissions", "operations")


def parse(function: Function, body: str | bytes, zone: tzinfo = UTC) -> Any:
    return parsing.parse(function, body, parsing.TimeRules(zone)).result


def read(function: Function, value: object, zone: tzinfo = UTC) -> Any:
    return parse(function, json.dumps(value), zone)


def recased(value: object, change: Callable[[str], str]) -> object:
    if isinstance(value, dict):
        return {change(name): recased(item, change) for name, item in value.items()}
    return [recased(item, change) for item in value] if isinstance(value, list) else value


def test_account_information_is_read() -> None:
    assert read("balance", INFORMATION) == AccountInformation(
        balance=Decimal("314.79"),
        equity=Decimal("236.98999999999995"),
        free_margin=Decimal("69.34483999999995"),
        margin=Decimal("167.64516"),
        profit=Decimal("-77.8"),
        currency="USD",
        leverage=1,
        account_type=1,
        swap_free=False,
        verification_level=1,
        open_trades=4,
        open_lots=Decimal("0.04"),
        total_trades=1636,
        total_lots=Decimal("76.15"),
    )


def test_margin_and_profit_of_the_upstream_win_over_the_derived_ones() -> None:
    account = read("balance", {**INFORMATION, "margin": 10, "profit": -5})
    assert (account.margin, account.profit) == (10, -5)


@pytest.mark.parametrize(
    ("currency", "expected"),
    [
        (0, ("USD", True)),
        ("1", ("EUR", True)),
        (2, ("RUR", False)),
        ("3", ("USC", False)),
        (4, ("EUC", False)),
        (5, (None, False)),
        (-1, (None, False)),
        ("gbp", ("GBP", True)),
        ("Euro", (None, False)),
        (None, (None, True)),
        ("", (None, True)),
    ],
)
def test_a_currency_is_a_code_or_a_name_and_may_be_uncertain(
    currency: object, expected: tuple[str | None, bool]
) -> None:
    account = read("balance", {"balance": 1, "currency": currency})
    assert (account.currency, account.currency_is_certain) == expected


def test_an_account_type_may_be_a_number_or_a_name() -> None:
    assert read("summary", {"type": "Insta.Standard"}).account_type == "Insta.Standard"
    assert read("summary", {"type": "3"}).account_type == 3


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), ("False", False), (1, True), ("0", False), (None, None)]
)
def test_booleans_are_written_in_several_ways(value: object, expected: bool | None) -> None:
    assert read("summary", {"balance": 1, "isSwapFree": value}).swap_free is expected


def test_an_open_trade_is_read() -> None:
    assert read("open_trades", [OPEN]) == (
        OpenTrade(
            ticket=48213377,
            symbol="EURUSD",
            command=0,
            volume=Decimal("0.1"),
            open_price=Decimal("1.08412"),
            open_time=datetime(2026, 11, 20, 9, 31, 5, tzinfo=UTC),
            current_price=Decimal("1.08531"),
            stop_loss=None,
            take_profit=Decimal("1.09500"),
            swap=Decimal("-0.42"),
            profit=Decimal("11.9"),
        ),
    )


def test_prices_have_the_decimals_of_their_symbol() -> None:
    trade = read("open_trades", [{**OPEN, "openPrice": 1.1, "tp": 1.0949999999999998}])[0]
    assert (str(trade.open_price), str(trade.take_profit)) == ("1.10000", "1.09500")
    unknown = {name: value for name, value in OPEN.items() if name != "digits"}
    assert str(read("open_trades", [{**unknown, "openPrice": 1.1}])[0].open_price) == "1.1"


def test_side_and_kind_follow_from_the_command() -> None:
    trades = read("open_trades", [{**OPEN, "type": command} for command in range(6)])
    assert [(trade.side, trade.kind, trade.is_position) for trade in trades] == [
        ("buy", "market", True),
        ("sell", "market", True),
        ("buy", "limit", False),
        ("sell", "limit", False),
        ("buy", "stop", False),
        ("sell", "stop", False),
    ]
    assert [
        trade.side for trade in read("closed_trades", [CLOSED, {**CLOSED, "type": 1}]).trades
    ] == ["buy", "sell"]


def test_balance_operations_among_open_trades_are_no_trades() -> None:
    assert read("open_trades", [{**OPEN, "type": 6}, {**OPEN, "type": 7}]) == ()


def test_a_closed_trade_is_read() -> None:
    trade = read("closed_trades", [CLOSED]).trades[0]
    assert isinstance(trade, ClosedTrade)
    assert (str(trade.close_price), trade.close_time) == (
        "1.08620",
        datetime(2026, 11, 20, 15, tzinfo=UTC),
    )
    assert (trade.swap, trade.profit, trade.stop_loss) == (Decimal("-0.42"), Decimal("11.9"), None)


def test_cancelled_orders_are_no_closed_trades() -> None:
    history = read("closed_trades", [{**CLOSED, "type": command} for command in range(6)])
    assert [trade.command for trade in history.trades] == [0, 1]
    assert history.operations == ()


def test_deposits_and_withdrawals_among_closed_trades_are_operations_and_credits_are_none() -> None:
    rows = [
        {
            "type": 6,
            "profit": 500,
            "closeTime": "2026-11-20T15:00:00",
            "openPrice": "-",
            "symbol": "",
        },
        {"type": 6, "profit": -80, "openTime": "2026-11-21T15:00:00"},
        {"type": 7, "profit": -30, "closeTime": "2026-11-22T15:00:00"},
    ]
    at = datetime(2026, 11, 20, 15, tzinfo=UTC)
    assert read("closed_trades", rows) == History(
        (),
        (
            Operation(at, Decimal(500)),
            Operation(at + timedelta(days=1), Decimal(-80)),
        ),
    )


def test_the_bonus_is_read() -> None:
    assert read("bonus", BONUS) == Bonus(
        total=Decimal(300),
        welcome=Decimal(300),
        club=Decimal(0),
        available=Decimal("120.5"),
        available_keeping_bonus=Decimal("80.0"),
        lots_closed=Decimal("410.0"),
        lots_required=Decimal("900.0"),
        lots_missing=Decimal("490.0"),
        progress=Decimal("410.0") / Decimal("900.0"),
    )


@pytest.mark.parametrize(
    ("trade", "missing", "progress"),
    [
        ({"closedLots": 30, "lotsRequired": 120}, Decimal(90), Decimal("0.25")),
        ({"closedLots": 150, "lotsRequired": 120}, Decimal(0), Decimal(1)),
        ({"closedLots": 5, "lotsRequired": 0}, Decimal(0), None),
        ({"lotsRequired": 120}, None, None),
        (None, None, None),
    ],
)
def test_progress_is_lots_closed_of_lots_required(
    trade: object, missing: object, progress: object
) -> None:
    bonus = read("bonus", {"bonuses": {"totalBonus": 1}, "trade": trade})
    assert (bonus.lots_missing, bonus.progress) == (missing, progress)


def test_empty_parts_mean_that_the_account_has_no_bonus() -> None:
    for empty in ("null", "{}"):
        body = f'{{"bonuses": {empty}, "summary": {empty}, "trade": {empty}}}'
        assert parse("bonus", body) == Bonus()


def test_the_noise_of_binary_fractions_is_no_loss() -> None:
    account = read("balance", {**INFORMATION, "balance": 236.99, "equity": 236.98999999999995})
    assert account.profit == 0


def test_only_completed_operations_count_and_a_withdrawal_is_below_zero_whatever_its_sign() -> None:
    rows = [
        OPERATION,
        {**OPERATION, "status": 0},
        {**OPERATION, "status": 2, "operationType": 99},
        {**OPERATION, "operationType": 1},
        {**OPERATION, "operationType": 1, "amount": -250.5},
    ]
    at = datetime(2025, 11, 20, 9, 31, 5, tzinfo=UTC)
    gone = Operation(at, Decimal("-250.5"))
    assert read("operations", rows) == (Operation(at, Decimal("250.5")), gone, gone)


def test_logins_are_read() -> None:
    at = datetime(2026, 11, 20, 9, 31, 5, tzinfo=UTC)
    rows = [LOGIN, {"time": LOGIN["time"], "application": "\u0000Meta\ud800Trader\n"}]
    assert read("logins", rows) == (
        Login(at, "203.0.113.7", "MetaTrader 4"),
        Login(at, None, "MetaTrader"),
    )


def test_commissions_of_all_partners_are_one_list() -> None:
    value = [
        {"Partner": {"Login": 5}, "BalanceRecords": [COMMISSION, COMMISSION]},
        {"Partner": 6, "BalanceRecords": None},
        {"Partner": 7, "BalanceRecords": COMMISSION},
    ]
    at = datetime(2026, 11, 20, 9, 31, 5, tzinfo=UTC)
    assert (
        read("commissions", value)
        == (Commission(at, Decimal("3.75"), "EURUSD", Decimal("1.5")),) * 3
    )
    assert read("commissions", [COMMISSION]) == read("commissions", value)[:1]


@pytest.mark.parametrize(
    "value", [12.5, "12.5", {"lots": 12.5}, {"Lots": "12.5"}, {"d": {"LOTS": 12.5}}]
)
def test_lots_are_a_number_or_an_object(value: object) -> None:
    assert read("lots", value) == Decimal("12.5")


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    "change", [str.lower, str.upper, lambda name: name[:1].upper() + name[1:], str.swapcase]
)
def test_keys_may_be_in_any_case(function: Function, change: Callable[[str], str]) -> None:
    assert read(function, recased(SAMPLES[function], change)) == read(function, SAMPLES[function])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_numbers_may_be_strings(function: Function) -> None:
    def quoted(value: object) -> object:
        if isinstance(value, dict):
            return {name: quoted(item) for name, item in value.items()}
        if isinstance(value, list):
            return [quoted(item) for item in value]
        return f" {value} " if isinstance(value, int | float) else value

    assert read(function, quoted(SAMPLES[function])) == read(function, SAMPLES[function])


@pytest.mark.parametrize("wrapper", ["d", "data", "result", "Data", "D"])
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_wrapper_is_taken_off(function: Function, wrapper: str) -> None:
    plain = read(function, SAMPLES[function])
    assert read(function, {wrapper: SAMPLES[function]}) == plain
    assert (
        read(function, {"success": True, wrapper: {"result": True, "data": SAMPLES[function]}})
        == plain
    )


@pytest.mark.parametrize("empty", [None, [], {"d": None}, {"result": []}])
@pytest.mark.parametrize("function", LISTS)
def test_a_list_that_is_null_is_empty(function: Function, empty: object) -> None:
    assert read(function, empty) == ()
    assert read("closed_trades", empty) == History()


@pytest.mark.parametrize("function", LISTS)
def test_a_single_object_is_a_list_of_one(function: Function) -> None:
    sample = SAMPLES[function]
    assert isinstance(sample, list)
    assert read(function, sample[0]) == read(function, sample)
    assert read("closed_trades", CLOSED) == read("closed_trades", [CLOSED])


def test_a_missing_field_is_none_and_never_0() -> None:
    assert read("balance", {"equity": 5}) == AccountInformation(equity=Decimal(5))
    optional = {"comment", "currentPrice", "sl", "tp", "swaps", "profit", "digits", "login"}
    trade = read(
        "open_trades", [{name: value for name, value in OPEN.items() if name not in optional}]
    )[0]
    assert trade[6:] == (None,) * 6
    assert read("balance", {"equity": 5, "balance": None, "profit": ""}) == AccountInformation(
        equity=Decimal(5)
    )


INSTANT = datetime(2026, 11, 20, 9, 31, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-20T09:31:05",
        "2026-11-20 09:31:05",
        "2026-11-20T09:31:05Z",
        "2026-11-20T09:31:05.0000000",
        "2026-11-20T12:31:05+03:00",
        "2026-11-20T04:31:05.000-0500",
        int(INSTANT.timestamp()),
        str(int(INSTANT.timestamp())),
        INSTANT.timestamp(),
        int(INSTANT.timestamp()) * 1000,
        f"/Date({int(INSTANT.timestamp()) * 1000})/",
        f"/Date({int(INSTANT.timestamp()) * 1000}+0300)/",
        f"/Date({int(INSTANT.timestamp()) * 1000}-0500)/",
    ],
)
def test_a_time_may_be_written_in_many_ways(written: object) -> None:
    assert read("logins", [{"time": written}])[0].time == INSTANT


def test_slashes_of_a_date_may_be_escaped() -> None:
    body = b'[{"time": "\\/Date(1520217807000+0300)\\/"}]'
    assert parse("logins", body) == (Login(datetime(2018, 3, 5, 2, 43, 27, tzinfo=UTC)),)


@pytest.mark.parametrize(
    ("written", "hour"), [("2026-07-01T12:00:00", 10), ("2026-12-01T12:00:00", 11)]
)
def test_a_time_without_a_zone_is_in_the_zone_of_the_configuration(written: str, hour: int) -> None:
    moment = read("logins", [{"time": written}], ZoneInfo("Europe/Paris"))[0].time
    assert (moment.hour, moment.tzinfo) == (hour, UTC)


@given(
    moment=st.datetimes(datetime(1973, 4, 1), datetime(2199, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
    offset=st.integers(-14 * 60, 14 * 60),
)
def test_every_form_of_a_time_gives_its_instant(moment: datetime, offset: int) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(minutes=offset)))
    milliseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    zone = f"{'-' if offset < 0 else '+'}{abs(offset) // 60:02}{abs(offset) % 60:02}"
    whole = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    forms: list[tuple[object, datetime]] = [
        (elsewhere.isoformat(), moment),
        (moment.replace(tzinfo=None).isoformat(), moment),
        (milliseconds, whole),
        (f"/Date({milliseconds}{zone})/", whole),
        (milliseconds // 1000, moment.replace(microsecond=0)),
        (f"{milliseconds // 1000}.{milliseconds % 1000:03}", whole),
    ]
    for written, expected in forms:
        assert read("logins", [{"time": written}])[0].time == expected


@pytest.mark.parametrize(
    "written",
    [
        "yesterday",
        "9999-12-31T23:59:59",
        "2026-13-01T00:00:00",
        "/Date(999999999999999)/",
        "/Date()/",
        10**30,
        "1e17",
        True,
        [],
        "2026-11-20T09:31:05+99:00",
    ],
)
def test_an_error_names_an_invalid_time(written: object) -> None:
    for zone in (UTC, ZoneInfo("Pacific/Kiritimati"), ZoneInfo("America/Los_Angeles")):
        with pytest.raises(Unreadable, match=r"^logins\[1\]\.time: .* is not a valid time$"):
            read("logins", [LOGIN, {"time": written}], zone)


@given(
    moments=st.lists(st.datetimes(datetime(1973, 4, 1), datetime(2199, 12, 30)), min_size=1),  # noqa: DTZ001
    zone=st.sampled_from(("UTC", "Europe/Paris", "America/New_York", "Pacific/Kiritimati")),
)
def test_many_times_at_once_are_the_times_one_by_one(moments: list[datetime], zone: str) -> None:
    rules = TimeRules(ZoneInfo(zone))
    texts = [moment.isoformat() for moment in moments]
    assert rules.parse_all(texts) == [rules.parse(text) for text in texts]


@pytest.mark.parametrize(
    "unusual",
    [
        "yesterday",
        "1520217807",
        "20260305T024327",
        "/Date(1520217807000)/",
        "2026-03-05T02:43:27Z",
        "2026-03-05T02:43:27+03:00",
        "0001-01-01T00:00:00",
        "9999-12-31T23:59:59",
        None,
    ],
)
def test_many_times_at_once_refuse_one_that_is_written_in_another_way(unusual: Any) -> None:
    texts = ["2026-03-05T02:43:27", unusual, "2026-03-06T02:43:27"]
    with pytest.raises((ValueError, TypeError)):
        TimeRules(UTC).parse_all(texts)


@given(st.lists(st.integers(0, 10**20 - 1), min_size=1))
def test_many_integers_at_once_are_the_integers_one_by_one(integers: list[int]) -> None:
    texts = [str(integer) for integer in integers]
    assert parse_integers(texts) == [parse_integer(text) for text in texts] == integers


@pytest.mark.parametrize(
    "unusual", ["", "-1", "+1", "1.0", "1e3", "1_0", " 1", "١", "9" * 400, None]
)
def test_many_integers_at_once_refuse_one_that_is_written_in_another_way(unusual: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        parse_integers(["12", unusual, "34"])


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=2))
def test_money_is_exactly_what_was_written(amount: Decimal) -> None:
    for body in (f'{{"balance": {amount}}}', f'{{"Balance": "{amount}"}}'):
        account = parse("balance", body)
        assert isinstance(account, AccountInformation)
        assert account.balance == amount
        assert str(account.balance) == (str(amount) if amount else "0")


@given(
    st.floats(min_value=1e-20, max_value=1e17).flatmap(
        lambda number: st.sampled_from((number, -number))
    )
)
def test_a_binary_number_is_read_as_it_is_written(number: float) -> None:
    assert read("balance", {"balance": number}).balance == Decimal(repr(number))


@pytest.mark.parametrize(
    "written",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        '"NaN"',
        '"Infinity"',
        '"-inf"',
        '"sNaN"',
        "1e400",
        '"1e400"',
        "-1e18",
        "1e-400",
        "1e99999999999999999999",
        "1" * 400,
        "1" * 5000,
        f'"{"9" * 35}"',
        "0." + "3" * 40,
        '"1_000"',
        '"1,5"',
        '"٣"',
        '"12 USD"',
        '"0x10"',
        '" "',
        "true",
        "{}",
        "[]",
    ],
)
def test_an_error_names_an_invalid_number(written: str) -> None:
    with pytest.raises(Unreadable, match=r"^balance\.equity: .* is not a valid number$"):
        parse("balance", f'{{"balance": 1, "Equity": {written}}}')


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (
            "open_trades",
            [OPEN, OPEN, OPEN, {**OPEN, "OpenPrice": "x"}],
            "open trades[3].openPrice: 'x' is not a valid number",
        ),
        ("open_trades", [{**OPEN, "openPrice": None}], "open trades[0].openPrice: missing"),
        ("open_trades", [{**OPEN, "symbol": " "}], "open trades[0].symbol: ' ' is not a text"),
        ("open_trades", [{**OPEN, "symbol": {}}], "open trades[0].symbol: an object is not a text"),
        (
            "open_trades",
            [{**OPEN, "ticket": 1.5}],
            "open trades[0].ticket: '1.5' is not a whole number",
        ),
        (
            "open_trades",
            [{**OPEN, "type": 8}],
            "open trades[0].type: '8' is not a MetaTrader command",
        ),
        ("open_trades", [None], "open trades[0]: null is not an object"),
        ("open_trades", "nothing", "open trades[0]: 'nothing' is not an object"),
        ("open_trades", {"Message": "An error has occurred."}, "open trades[0].type: missing"),
        (
            "closed_trades",
            [CLOSED, {**CLOSED, "closeTime": None}],
            "closed trades[1].closeTime: missing",
        ),
        (
            "closed_trades",
            [{**CLOSED, "type": 6, "profit": None}],
            "closed trades[0].profit: missing",
        ),
        ("balance", [], "balance: the response is empty"),
        ("balance", None, "balance: the response is empty"),
        ("summary", "", "summary: the response is empty"),
        ("balance", [{"balance": 1}, {"balance": 2}], "balance: a list is not an object"),
        (
            "balance",
            {"Message": "An error has occurred."},
            "balance.balance: missing, like every other field",
        ),
        ("bonus", {}, "bonus.bonuses: missing, like every other field"),
        ("bonus", {"trade": [1]}, "bonus.trade: a list is not an object"),
        (
            "bonus",
            {"trade": {"closedLots": "many"}},
            "bonus.trade.closedLots: 'many' is not a valid number",
        ),
        ("lots", {"volume": 1}, "lots.lots: missing"),
        (
            "operations",
            [{**OPERATION, "operationType": {}}],
            "operations[0].operationType: an object is not a code or a name",
        ),
        ("operations", [{**OPERATION, "amount": "?"}], "operations[0].amount: '?' is not a valid"),
        ("referrals", {"Message": "An error has occurred."}, "referrals: no row has"),
        (
            "referrals",
            [{"ReferalAccounts": [5, "Private Person"]}],
            "referrals[1].referalAccounts: not an account number",
        ),
        ("operations", [{**OPERATION, "status": None}], "operations[0].status: missing"),
        (
            "commissions",
            [{"Partner": 1, "BalanceRecords": [COMMISSION, {**COMMISSION, "amount": "?"}]}],
            "commissions[1].amount: '?' is not a valid number",
        ),
    ],
)
def test_an_error_names_function_and_field(function: Function, value: object, text: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(function, value)
    assert str(caught.value).startswith(text)


def test_rows_of_a_later_page_are_numbered_on() -> None:
    rows = [CLOSED, {**CLOSED, "closePrice": None}]
    with pytest.raises(Unreadable, match=r"^closed trades\[1001\]\.closePrice: missing"):
        parsing.parse("closed_trades", json.dumps(rows), parsing.TimeRules(UTC), first_row=1000)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"<!DOCTYPE html><html>Runtime Error</html>", "an HTML page"),
        (b'{"balance": 12.5, "equity": ,', "Expecting value: character 28 of 29"),
        (b'{"balance": 12.5', "expecting , or }: character 16 of 16"),
        (b'{"balance": 12.5 "equity"', "expecting , or }"),
        (b'{"balance" 12.5', "expecting :"),
        (b'{"balance": 12.5} {', "more text after the end"),
        (b'{"balance": "12.5', "Unterminated string"),
        (b"{balance: 12.5}", "expecting a text"),
        (b"[" * 200_000, "recursion"),
        (b'{"d":' * 200_000, "too many wrappers"),
        (b'{"x":' * 200_000, "recursion"),
        (b"\xff\xfe\x00", "Expecting value"),
    ],
)
def test_an_error_says_that_a_body_is_not_json(body: bytes, text: str) -> None:
    with pytest.raises(Unreadable, match=f"^balance: not JSON but .*{text}") as caught:
        parse("balance", body)
    assert "Runtime Error" not in str(caught.value)


@pytest.mark.parametrize("before", ["", "\ufeff", " \r\n"])
def test_a_byte_order_mark_and_white_space_do_no_harm(before: str) -> None:
    for body in (before + '{"balance": 1}\r\n', (before + '{"balance": 1}').encode()):
        assert parse("balance", body) == AccountInformation(balance=Decimal(1))


def test_a_name_in_an_old_encoding_does_no_harm() -> None:
    assert parse("balance", b'{"name": "J\xf6rg", "balance": 1}', UTC) == AccountInformation(
        balance=Decimal(1)
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nothing_personal_gets_into_a_record(function: Function) -> None:
    def spread(value: object) -> object:
        if isinstance(value, dict):
            return {**PERSONAL, "login": 7654321, "email": "private@example.com"} | {
                name: spread(item) for name, item in value.items()
            }
        return [spread(item) for item in value] if isinstance(value, list) else value

    record = read(function, spread(SAMPLES[function]))
    assert record == read(function, SAMPLES[function])
    assert "rivate" not in repr(record)
    assert "7654321" not in repr(record)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["1", "2026-11-20"]),
    lambda inside: (
        st.lists(inside, max_size=4)
        | st.dictionaries(
            st.sampled_from(["d", *OPEN, *CLOSED, *INFORMATION, *BONUS, *OPERATION]),
            inside,
            max_size=8,
        )
    ),
    max_leaves=12,
)


def error_text(function: Function, body: str | bytes) -> str | None:
    try:
        parse(function, body)
    except Unreadable as error:
        return str(error)
    return None


@given(
    function=st.sampled_from(FUNCTIONS),
    value=JSON,
    row=st.sampled_from([OPEN, CLOSED, OPERATION, LOGIN, INFORMATION]),
)
def test_any_json_is_read_or_is_unreadable(
    function: Function, value: object, row: dict[str, object]
) -> None:
    for candidate in (value, {**row, **value} if isinstance(value, dict) else [row, value]):
        text = error_text(function, json.dumps(candidate))
        assert text is None or text.startswith(parsing.function_title(function))


@given(function=st.sampled_from(FUNCTIONS), body=st.binary(max_size=60))
def test_any_bytes_are_read_or_are_unreadable(function: Function, body: bytes) -> None:
    text = error_text(function, body)
    assert text is None or text.startswith(parsing.function_title(function))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_records_survive_a_cache_that_pickles(function: Function) -> None:
    record = read(function, SAMPLES[function])
    again = pickle.loads(pickle.dumps(record))
    assert again == record
    assert type(again) is type(record)


def test_ten_thousand_trades_are_read() -> None:
    """``make bench`` measures how fast."""
    body = json.dumps([{**CLOSED, "ticket": n, "profit": n / 100} for n in range(10_000)]).encode()
    history = parse("closed_trades", body, ZoneInfo("Europe/Paris"))
    assert isinstance(history, History)
    assert [trade.profit for trade in history.trades] == [Decimal(n) / 100 for n in range(10_000)]


def noted(function: Function, value: object) -> tuple[Any, list[str]]:
    parsed = parsing.parse(function, json.dumps(value), parsing.TimeRules(UTC))
    return parsed.result, [note.text for note in parsed.notes]


@pytest.mark.parametrize("body", [b"", b" \r\n", b"\xef\xbb\xbf", b"null", b'""', b'{"d": null}'])
def test_an_empty_body_is_an_empty_list_or_no_bonus(body: bytes) -> None:
    for function in LISTS:
        assert parse(function, body) == ()
    assert parse("closed_trades", body) == History()
    assert parse("bonus", body) == Bonus()
    assert parse("referrals", body) == Referrals(0)
    assert parse("lots", body) is None
    totals: tuple[Function, ...] = ("balance", "summary")
    for total in totals:
        with pytest.raises(Unreadable, match=f"^{total}"):
            parse(total, body)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_json_may_be_inside_a_text(function: Function) -> None:
    plain = read(function, SAMPLES[function])
    text = json.dumps(SAMPLES[function])
    assert read(function, text) == plain
    assert read(function, {"d": text}) == plain
    assert read(function, {"result": True, "data": json.dumps({"d": text})}) == plain


@pytest.mark.parametrize("ticket", [0, 10**18, 9_223_372_036_854_775_807, 10**20 - 1])
def test_tickets_have_up_to_20_digits(ticket: int) -> None:
    for written in (ticket, str(ticket)):
        assert read("open_trades", [{**OPEN, "ticket": written}])[0].ticket == ticket
        assert read("closed_trades", [CLOSED, {**CLOSED, "ticket": written}]).trades[1][0] == ticket
    with pytest.raises(Unreadable, match=r"^open trades\[0\]\.ticket: "):
        read("open_trades", [{**OPEN, "ticket": 10**20}])


@pytest.mark.parametrize(
    ("written", "leverage"),
    [("1:500", 500), ("1 : 500", 500), (500, 500), ("500", 500), (500.0, 500), ("1:1", 1)],
)
def test_a_leverage_may_be_a_ratio(written: object, leverage: int) -> None:
    assert noted("summary", {**INFORMATION, "leverage": written})[0].leverage == leverage


@pytest.mark.parametrize("key", ["type", "Type", "Cmd", "cmd"])
@pytest.mark.parametrize(
    ("written", "command"),
    [
        ("Buy", 0),
        ("sell", 1),
        ("Buy limit", 2),
        ("SellLimit", 3),
        ("BUY_STOP", 4),
        ("OP_SELLSTOP", 5),
        ("3", 3),
        (4.0, 4),
    ],
)
def test_a_command_may_be_a_name_and_called_cmd(key: str, written: object, command: int) -> None:
    row = {name: value for name, value in OPEN.items() if name != "type"} | {key: written}
    assert [trade.command for trade in read("open_trades", [row, row])] == [command, command]


@pytest.mark.parametrize("command", ["Balance", "balance", "OP_BALANCE", 6])
def test_a_balance_operation_may_have_a_name(command: object) -> None:
    rows = [CLOSED, {**CLOSED, "type": command}, {**CLOSED, "type": "Credit"}, CLOSED]
    history = read("closed_trades", rows)
    assert len(history.trades) == 2
    at = datetime(2026, 11, 20, 15, tzinfo=UTC)
    assert history.operations == (Operation(at, Decimal("11.9")),)


def test_the_type_wins_over_cmd() -> None:
    assert read("open_trades", [{**OPEN, "Cmd": 1}])[0].command == 0


def test_account_type_and_verification_may_be_texts() -> None:
    account = read("summary", {"type": "Standard", "verificationLevel": "Verified"})
    assert (account.account_type, account.verification_level) == ("Standard", "Verified")


@pytest.mark.parametrize(
    ("function", "value", "field"),
    [
        ("summary", {**INFORMATION, "leverage": "high"}, "leverage"),
        ("summary", {**INFORMATION, "type": {}}, "type"),
        ("summary", {**INFORMATION, "isSwapFree": "perhaps"}, "isSwapFree"),
        ("summary", {**INFORMATION, "verificationLevel": []}, "verificationLevel"),
        ("summary", {**INFORMATION, "currency": {}}, "currency"),
        ("summary", {**INFORMATION, "totalTradesCount": "many"}, "totalTradesCount"),
        ("open_trades", [{**OPEN, "sl": "none"}] * 2, "sl"),
        ("open_trades", [{**OPEN, "tp": True}] * 2, "tp"),
        ("open_trades", [{**OPEN, "digits": "400"}] * 2, "digits"),
        ("open_trades", [{**OPEN, "digits": 2.5}] * 2, "digits"),
        ("open_trades", [{**OPEN, "currentPrice": "?"}] * 2, "currentPrice"),
        ("closed_trades", [CLOSED, {**CLOSED, "sl": {}}, {**CLOSED, "sl": "-"}], "sl"),
        ("logins", [{**LOGIN, "application": {}}] * 2, "application"),
        ("logins", [{**LOGIN, "ip": []}], "ip"),
        ("commissions", [{**COMMISSION, "symbol": {}}], "symbol"),
        ("commissions", [{**COMMISSION, "volume": "?"}], "volume"),
    ],
)
def test_what_only_decorates_becomes_null_with_one_note(
    function: Function, value: Any, field: str
) -> None:
    title = function.replace("_", " ")
    result, notes = noted(function, value)
    assert len(notes) == 1
    assert re.match(rf"{title}(\[\d\])?\.{field}: .* is not ", notes[0])
    without = [{**row, field: None} for row in (value if isinstance(value, list) else [value])]
    expected, no_notes = noted(function, without)
    assert no_notes == []
    assert result == expected


NO_DATES = [
    None,
    "",
    " ",
    0,
    "0",
    0.0,
    -1,
    "-1",
    "0000-00-00",
    "0000-00-00 00:00:00",
    "0000-00-00T00:00:00Z",
    "0001-01-01T00:00:00",
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00.0000000+03:00",
    "1970-01-01",
    "1970-01-01T00:00:00",
    "1970-01-01T00:00:00.000Z",
    "1970-01-01T03:00:00+03:00",
    "/Date(-62135596800000)/",
    "/Date(-62135607600000+0300)/",
    "/Date(0)/",
    "/Date(-1)/",
    -62135596800,
    -62135596800000,
]


@pytest.mark.parametrize("written", NO_DATES)
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Los_Angeles"])
def test_no_date_is_missing_in_all_ways_to_write_it(written: object, zone: str) -> None:
    deposit = {
        "type": 6,
        "profit": 900,
        "openTime": "2026-11-20T09:31:05Z",
        "closeTime": written,
    }
    for is_local in (False, True):
        rules = parsing.TimeRules(ZoneInfo(zone), is_local)
        parsed = parsing.parse("closed_trades", json.dumps([CLOSED, deposit]), rules)
        assert isinstance(parsed.result, History)
        assert parsed.result.operations == (Operation(INSTANT, Decimal(900)),)
    samples: tuple[tuple[Function, dict[str, Any], str], ...] = (
        ("closed_trades", CLOSED, "closeTime"),
        ("logins", LOGIN, "time"),
        ("commissions", COMMISSION, "time"),
        ("operations", OPERATION, "date"),
    )
    for function, row, field in samples:
        with pytest.raises(Unreadable, match=rf"\[1\]\.{field}: missing$"):
            read(function, [row, {**row, field: written}], ZoneInfo(zone))


@pytest.mark.parametrize("written", NO_DATES)
@pytest.mark.parametrize(("function", "row"), [("open_trades", OPEN), ("closed_trades", CLOSED)])
def test_a_trade_without_a_time_of_opening_has_all_other_figures(
    function: Function, row: dict[str, Any], written: object
) -> None:
    rows = [row, {**row, "openTime": written}, row]
    trades = read(function, rows)
    if isinstance(trades, History):
        trades = trades.trades
    complete = trades[0]
    assert complete.open_time == INSTANT
    assert trades == (complete, complete._replace(open_time=None), complete)


@given(
    moment=st.datetimes(datetime(1973, 4, 1), datetime(2199, 12, 30)),  # noqa: DTZ001
    zone=st.sampled_from(["UTC", "Europe/Moscow", "America/New_York", "Pacific/Kiritimati"]),
)
def test_unix_times_may_be_those_of_a_local_clock(moment: datetime, zone: str) -> None:
    moment = moment.replace(microsecond=0)
    seconds = (moment - datetime(1970, 1, 1)) // timedelta(seconds=1)  # noqa: DTZ001
    expected = moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    rules = parsing.TimeRules(ZoneInfo(zone), unix_times_are_local=True)
    for written in (seconds, str(seconds), seconds * 1000, moment.isoformat()):
        logins = parsing.parse("logins", json.dumps([{"time": written}]), rules).result
        assert logins == (Login(expected),)
    # This form says itself that it counts in UTC.
    logins = parsing.parse("logins", f'[{{"time": "/Date({seconds}000)/"}}]', rules).result
    assert logins == (Login(moment.replace(tzinfo=UTC)),)


def test_two_identical_partial_closes_are_two_trades() -> None:
    history = read("closed_trades", [CLOSED, CLOSED, {**CLOSED, "profit": 1}, CLOSED])
    assert len(history.trades) == 4
    assert history.trades[0] == history.trades[1] == history.trades[3]


@pytest.mark.parametrize("key", ["commission", "commissions", "Commission", "Commissions"])
def test_a_commission_may_have_two_names(key: str) -> None:
    expected = [Decimal("-7.5")] * 2
    rows = [{**CLOSED, key: -7.5}] * 2
    assert [trade.commission for trade in read("closed_trades", rows).trades] == expected
    rows = [{**OPEN, key: "-7.5"}] * 2
    assert [trade.commission for trade in read("open_trades", rows)] == expected
    with pytest.raises(Unreadable, match=r"^open trades\[1\]\.commission: .x. is not"):
        read("open_trades", [OPEN, {**OPEN, key: "x"}])


def test_operations_may_have_names_and_unknown_ones_are_left_out_with_one_note() -> None:
    rows = [
        {**OPERATION, "operationType": "Deposit", "status": "Completed"},
        {**OPERATION, "operationType": "WITHDRAWAL", "status": "completed"},
        {**OPERATION, "operationType": 7},
        {**OPERATION, "operationType": "Transfer"},
        {**OPERATION, "status": 3},
        {**OPERATION, "status": "Frozen"},
        {**OPERATION, "status": "Pending", "operationType": 7},
        {**OPERATION, "status": "failed"},
    ]
    operations, notes = noted("operations", rows)
    assert [operation.amount for operation in operations] == [Decimal("250.5"), Decimal("-250.5")]
    assert notes == [
        "operations[2].operationType: neither deposit (0) nor withdrawal (1); it is not counted",
        "operations[4].status: unknown; the operation counts as not completed",
    ]


def test_a_list_without_any_referral_is_not_read_to_its_end() -> None:
    body = "[" + "{}," * parsing.MAX_OTHER_ROWS + "this is not JSON"
    with pytest.raises(Unreadable, match="referrals: no row has referalAccounts"):
        parse("referrals", body)


@pytest.mark.parametrize(
    ("value", "accounts"),
    [
        ([{"ReferalAccounts": [5, 6, 5]}, {"ReferalAccounts": ["6", 7.0]}, {"Clicks": 9}], 3),
        ({"d": {"referralAccounts": [10**19]}}, 1),
        ([{"ReferalAccounts": []}, {"ReferalAccounts": None}], 0),
        ([], 0),
    ],
)
def test_referrals_are_the_number_of_different_accounts(value: object, accounts: int) -> None:
    assert read("referrals", value) == Referrals(accounts)


def spelled(value: object, form: int) -> object:
    """A value in one of the forms that APIs use."""
    if isinstance(value, bool | str) or value is None:
        return value
    return (value, str(value), f" {value} ")[form]


ROW = st.fixed_dictionaries(
    {
        "ticket": st.integers(1, 10**20 - 1),
        "symbol": st.sampled_from(["EURUSD", "XAUUSD", "BTC/USD"]),
        "type": st.integers(0, 1),
        "volume": st.integers(1, 500).map(lambda lots: lots / 100),
        "digits": st.sampled_from([2, 5, None]),
        "openPrice": st.integers(1, 10**7).map(lambda price: price / 10**5),
        "openTime": st.sampled_from(["2026-11-20T09:31:05", "2026-11-20T11:31:05+02:00"]),
        "closePrice": st.integers(1, 10**7).map(lambda price: price / 10**5),
        "closeTime": st.integers(1_500_000_000, 1_900_000_000),
    },
    optional={
        "sl": st.sampled_from([None, 0, 1.07, "", "-"]),
        "tp": st.sampled_from([None, 0, 1.09123]),
        "swaps": st.sampled_from([None, -0.42, 0]),
        "commission": st.sampled_from([None, -7, 0.5]),
        "profit": st.sampled_from([None, 11.9, -3, 0, 1e-05]),
        "comment": st.sampled_from([None, "", "from #5"]),
        "login": st.just(1234567),
    },
)


def in_blocks(function: Function, value: object) -> Any:
    """The result if only four rows are read at once, so that there are several blocks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parsing, "BLOCK_ROWS", 4)
        return read(function, value)


CASES = st.sampled_from([str, str.upper, str.lower, lambda name: name[:1].upper() + name[1:]])


def decimal(value: Any) -> Decimal | None:
    return None if value in (None, "", "-") else Decimal(str(value))


def reference(row: dict[str, Any]) -> ClosedTrade:
    """The trade of a row, read in the simplest way."""

    def price(name: str) -> Decimal | None:
        number = decimal(row.get(name))
        digits = row["digits"]
        return number if number is None or digits is None else round(number, digits)

    return ClosedTrade(
        ticket=row["ticket"],
        symbol=row["symbol"],
        command=row["type"],
        volume=Decimal(str(row["volume"])),
        open_price=price("openPrice") or Decimal(0),
        open_time=INSTANT,
        close_price=price("closePrice") or Decimal(0),
        close_time=datetime.fromtimestamp(row["closeTime"], UTC),
        stop_loss=price("sl") or None,
        take_profit=price("tp") or None,
        swap=decimal(row.get("swaps")),
        commission=decimal(row.get("commission")),
        profit=decimal(row.get("profit")),
    )


@given(
    rows=st.lists(st.tuples(ROW, st.permutations(range(3)), CASES), max_size=12),
    repeat=st.integers(1, 3),
    wrapper=st.sampled_from([None, "d", "Data"]),
)
def test_trades_are_those_of_a_simple_reference_however_they_are_written(
    rows: list[tuple[dict[str, Any], list[int], Callable[[str], str]]],
    repeat: int,
    wrapper: str | None,
) -> None:
    written: list[object] = []
    expected = []
    for row, forms, case in rows * repeat:
        items = sorted(row.items(), key=lambda item: (len(item[0]) + forms[0]) % 5)
        written.append({case(name): spelled(value, forms[0]) for name, value in items})
        expected.append(reference(row))
    value = {wrapper: written} if wrapper else written
    assert in_blocks("closed_trades", value).trades == tuple(expected)


@given(
    rows=st.lists(ROW | st.sampled_from([{"type": 6, "profit": 5, "openTime": 1.7e9}]), max_size=9),
    broken=st.dictionaries(
        st.sampled_from([*CLOSED, "commission"]),
        st.sampled_from([None, "", "x", True, {}, [], "NaN", 10**25, "1" * 2000]),
        max_size=2,
    ),
    position=st.integers(0, 9),
)
def test_a_row_is_read_in_a_list_as_it_is_read_alone(
    rows: list[dict[str, Any]], broken: dict[str, Any], position: int
) -> None:
    rows.insert(position, {**CLOSED, **broken})
    alone = []
    for row in rows:
        try:
            alone.append(read("closed_trades", [row]))
        except Unreadable as error:
            field = str(error).removeprefix("closed trades[0]")
            place = f"closed trades[{len(alone)}]"
            with pytest.raises(Unreadable, match=re.escape(place + field)):
                in_blocks("closed_trades", rows)
            return
    history = in_blocks("closed_trades", rows)
    assert history.trades == tuple(trade for each in alone for trade in each.trades)
    assert history.operations == tuple(each for one in alone for each in one.operations)
