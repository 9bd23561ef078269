"""Numbers, codes and texts, as APIs write them.

Each function gives the value of a text, and raises ``ValueError`` if the text is no such value.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

from widget.api.records import ONE, ZERO

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
MAX_DIGITS = 20
INTEGER = re.compile(rf"[+-]?\d{{1,{MAX_DIGITS}}}", re.ASCII)
LEVERAGE = re.compile(r"1\s*:\s*(\d{1,9})", re.ASCII)

# Limits that no real figure reaches. They keep a broken or hostile API from making numbers that
# take seconds to calculate with, or megabytes to write.
MAX_NUMBER_LENGTH = 34
MIN_EXPONENT = -30
MAX_EXPONENT = 17
MAX_DECIMALS = 10
MAX_TEXT_LENGTH = 100

COMMANDS = {
    "buy": 0,
    "sell": 1,
    "buylimit": 2,
    "selllimit": 3,
    "buystop": 4,
    "sellstop": 5,
    "balance": 6,
    "credit": 7,
}
"""MetaTrader's commands by their names, in lower case and without spaces."""

TRUE_AND_FALSE = {
    "true": True,
    "1": True,
    "false": False,
    "0": False,
}


def parse_number(text: str) -> Decimal:
    """A number, exactly as it is written. One that is too large, small or long is none."""
    # Decimal would accept more than the JSON of an API means: NaN, infinity, 1_000.
    if len(text) > MAX_NUMBER_LENGTH or not NUMBER.fullmatch(text):
        raise ValueError
    number = Decimal(text)
    if not number:
        return ZERO  # "-0" loses its sign
    if not MIN_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        raise ValueError
    return number


def parse_integer(text: str) -> int:
    """A whole number of up to 20 digits, as in tickets."""
    # Without a regular expression, since each trade has another ticket.
    is_plain = text.isdecimal() and text.isascii()
    if is_plain and len(text) <= MAX_DIGITS:
        return int(text)
    if INTEGER.fullmatch(text):
        return int(text)
    # Some APIs write 12.0.
    number = parse_number(text)
    integer = int(number)
    if number != integer:
        raise ValueError
    return integer


def parse_integers(texts: Sequence[str]) -> list[int]:
    """The same as ``parse_integer`` for many texts at once, if all consist of digits only."""
    digits = "".join(texts)
    is_plain = digits.isdecimal() and digits.isascii()
    longest = max(map(len, texts))
    if not is_plain or longest > MAX_DIGITS:
        raise ValueError
    return list(map(int, texts))


def parse_code(text: str) -> int | str:
    """A code, or the name that some APIs send instead."""
    try:
        return parse_integer(text)
    except ValueError:
        return clean_text(text)


def parse_command(text: str) -> int:
    """A MetaTrader command: its code, or its name such as ``Buy limit`` or ``OP_BUYLIMIT``."""
    name = re.sub(r"[\s_-]", "", text.lower()).removeprefix("op")
    if name in COMMANDS:
        return COMMANDS[name]
    command = parse_integer(text)
    if command not in COMMANDS.values():
        raise ValueError
    return command


def parse_leverage(text: str) -> int:
    """A leverage: ``1:500`` and ``500`` are the same."""
    match = LEVERAGE.fullmatch(text)
    if match:
        return int(match[1])
    return parse_integer(text)


def parse_price_step(digits: str) -> Decimal:
    """The smallest step of a price with this number of decimals: 0.00001 for 5."""
    decimals = parse_integer(digits)
    if not 0 <= decimals <= MAX_DECIMALS:
        raise ValueError
    return ONE.scaleb(-decimals)


def parse_flag(text: str) -> bool:
    """True or false."""
    flag = TRUE_AND_FALSE.get(text.lower())
    if flag is None:
        raise ValueError
    return flag


def clean_text(text: str) -> str:
    """The printable characters of a text, not too many. One without any is no text."""
    # Control characters could forge lines of a log, and lone surrogates cannot be encoded.
    printable = "".join(filter(str.isprintable, text))
    short = printable[:MAX_TEXT_LENGTH].strip()
    if not short:
        raise ValueError
    return short
