"""How many decimals amounts of a currency have, and how currencies are written that no standard
knows: trading accounts are also in cents and in cryptocurrencies.
"""

from collections.abc import Mapping
from typing import Final

from babel.numbers import get_currency_precision, list_currencies

CENTS: Final[Mapping[str, str]] = {
    "USC": "US¢",
    "EUC": "€¢",
}
"""Accounts in cents, by the codes of brokers, and the sign that readers of all languages know."""

CENT_DECIMALS: Final = 2
"""Amounts in cents have fractions of a cent."""

STABLECOINS: Final = frozenset({"USDT", "USDC", "EURT", "TUSD", "BUSD", "DAI"})
"""Cryptocurrencies with the value of a dollar or a euro, and as many decimals."""

CRYPTO_DECIMALS: Final = 8
"""The smallest unit of a bitcoin has eight decimals."""

STANDARD: Final = frozenset(list_currencies())
"""The currencies of ISO 4217, past and present."""


def decimals_of_currency(currency: str) -> int:
    """How many decimals an amount has: 2 for USD, 0 for JPY, 8 for BTC."""
    # CLDR's number of digits, which is the one that people write: ISO 4217 has more for some.
    if currency in STANDARD:
        return int(get_currency_precision(currency))
    if currency in CENTS or currency in STABLECOINS:
        return CENT_DECIMALS
    # Any other code is most probably a cryptocurrency. Decimals that are only zeros are better than
    # an amount that is cut off.
    return CRYPTO_DECIMALS


def sign_of_currency(currency: str) -> str:
    """How a currency is written without an amount: its code, or the sign of cents."""
    return CENTS.get(currency, currency)
