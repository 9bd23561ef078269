"""The precision of figures, and the words for codes, from an API whose responses a test writes."""

import logging
import pickle
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from accounts import WIDGETS
from scripted import InProcess, Script, at, running

REFERRALS = {"methods": {"referrals": "partner/GetClickStatistics/{login}"}}
NUMBERS = (68501337, 68501338, 68501339)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Ends the services of a test."""
    with ExitStack() as stack:
        yield stack


def trade(**fields: Any) -> dict[str, Any]:
    """A closed trade without digits."""
    return {
        "ticket": 1, "symbol": "EURUSD", "type": 0, "volume": 0.1, "openPrice": 1.1,
        "closePrice": 1.2, "openTime": at(7200), "closeTime": at(3600), "profit": 1, **fields,
    }  # fmt: skip


def service(stack: ExitStack, responses: dict[Any, Any], **account: Any) -> InProcess:
    """A service with one account that displays every widget."""
    account = {"login": 7654321, "widgets": list(WIDGETS), **account}
    return running(stack, Script(responses), accounts={"main": account}, api=REFERRALS)


def data(running: InProcess, path: str) -> Any:
    """The data of a widget."""
    return running.client.get(f"/w/main/{path}").get_json()["data"]


def text(running: InProcess, path: str) -> str:
    """The page of a widget."""
    return running.client.get(f"/w/main/{path}").get_data(as_text=True)


def test_a_balance_in_bitcoin_has_all_its_decimals(stack: ExitStack) -> None:
    responses = {"balance": {"balance": 0.01234567, "equity": 0.5, "currency": "BTC"}}
    bitcoin = service(stack, responses)
    assert data(bitcoin, "balance.json")["balance"] == 0.01234567
    assert "BTC\xa00.01234567" in text(bitcoin, "balance")


@pytest.mark.parametrize(
    ("currency", "published"),
    [("USD", 236.98), ("JPY", 237), ("KWD", 236.985), ("BTC", 236.985)],
)
def test_money_has_the_precision_of_its_currency_and_is_rounded_last_half_to_even(
    stack: ExitStack, currency: str, published: float
) -> None:
    responses = {"balance": {"balance": 236.985, "currency": currency}}
    assert data(service(stack, responses), "balance.json")["balance"] == published


def test_a_sum_is_rounded_after_it_was_calculated(stack: ExitStack) -> None:
    trades = [trade(ticket=ticket, profit=0.004) for ticket in range(3)]
    responses = {"balance": {"balance": 100, "currency": "USD"}, "closed_trades": trades}
    found = data(service(stack, responses), "closed-trades.json")
    assert [row["profit"] for row in found["trades"]] == [0, 0, 0]
    assert found["totals"]["profit"] == 0.01


def test_fractions_have_four_decimals_and_ratios_two(stack: ExitStack) -> None:
    trades = [trade(ticket=1, profit=100), trade(ticket=2, profit=-70, closeTime=at(1800))]
    responses = {"balance": {"balance": 930, "currency": "USD"}, "closed_trades": trades}
    found = data(service(stack, responses), "growth.json")
    assert (found["gain"], found["drawdown"]) == (0.0333, 0.07)
    assert found["profit_factor"] == 1.43
    assert found["won_share"] == 0.5
    page = text(service(stack, responses), "growth")
    assert all(figure in page for figure in ("+3.33%", "7.00%", "50.00%"))
    assert "Drawdown of closed trades" in page


def test_a_price_without_digits_has_no_binary_noise(stack: ExitStack) -> None:
    position = {
        "ticket": 1, "symbol": "USDJPY", "type": 0, "volume": 0.1, "openPrice": 154.28000000000003,
        "currentPrice": 154.3, "openTime": at(60), "profit": 1,
    }  # fmt: skip
    other = {**position, "ticket": 2, "openPrice": 154.10000000000002}
    responses = {"balance": {"balance": 1}, "open_trades": [position, other]}
    found = service(stack, responses)
    page = text(found, "open-trades")
    assert ">154.28<" in page
    assert ">154.3<" in page
    assert ">154.19<" in text(found, "open-trades?group=symbol")


def test_tiny_volumes_are_not_zero(stack: ExitStack) -> None:
    responses = {"balance": {"balance": 1}, "closed_trades": [trade(volume=0.00001234)]}
    assert ">0.00001234<" in text(service(stack, responses), "closed-trades")


@pytest.mark.parametrize(
    ("code", "word"),
    [(0, "Standard"), (1, "Eurica"), (5, "Eurica RUR"), ("Cent", "Cent"), (77, None)],
)
def test_a_code_is_displayed_as_a_word_or_not_at_all(
    stack: ExitStack, code: int | str, word: str | None
) -> None:
    responses = {
        "balance": {"balance": 1, "currency": "USD"},
        "summary": {"balance": 1, "type": code, "verificationLevel": 3},
    }
    found = service(stack, responses)
    page = text(found, "summary")
    assert ("Account type" in page) == (word is not None)
    assert word is None or word in page
    assert "Verification" not in page, "nobody knows what its codes mean"
    figures = data(found, "summary.json")
    assert (figures["account_type"], figures["verification_level"]) == (code, 3)


def test_referrals_are_counted_and_their_numbers_are_nowhere(
    stack: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    clicks = [
        {"clicks": 31, "ReferalAccounts": list(NUMBERS[:2])},
        {"clicks": 2, "ReferalAccounts": [NUMBERS[1], NUMBERS[2], str(NUMBERS[0])]},
        {"clicks": 0, "ReferalAccounts": None},
    ]
    found = service(stack, {"referrals": clicks, "balance": {"balance": 1}})
    responses = [found.client.get(f"/w/main/referrals{form}") for form in ("", ".json")]
    assert responses[1].get_json()["data"] == {"accounts": 3}
    written = "".join(response.get_data(as_text=True) for response in responses) + caplog.text
    memory = pickle.dumps(found.service.cache._memory._entries)
    for number in NUMBERS:
        assert str(number) not in written
        assert str(number).encode() not in memory
        assert number.to_bytes(4, "little") not in memory


def test_referrals_are_not_displayed_unless_the_account_says_so(stack: ExitStack) -> None:
    found = service(stack, {"referrals": []})
    slug = found.add(widgets=None)
    assert found.client.get(f"/w/{slug}/referrals").status_code == 404
    assert data(found, "referrals.json") == {"accounts": 0}
