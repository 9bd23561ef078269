"""What ``check`` advises, apart from the lines that ``test_cli`` covers."""

import re

import pytest

from widget import check
from widget.api.records import AccountInformation
from widget.config import Account


@pytest.mark.parametrize(
    ("currency", "is_certain", "advice"),
    [
        ("USD", True, ""),
        ("RUR", False, "accounts.main.currency: .* probably means RUR"),
        (None, True, "accounts.main.currency: .* no currency"),
        (None, False, "accounts.main.currency: .* no currency"),
    ],
)
def test_the_currency_is_asked_for_if_it_is_uncertain(
    currency: str | None, is_certain: bool, advice: str
) -> None:
    account = Account(slug="main", login=1)
    information = AccountInformation(currency=currency, currency_is_certain=is_certain)
    found = check.advice_about_currency(account, information)
    assert re.fullmatch(f"{advice}.*", found)
    assert bool(found) == bool(advice)
