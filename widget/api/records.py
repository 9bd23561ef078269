"""The records that the API's functions return: figures are Decimals, times are in UTC.

No record has a field for personal data (name, address, phone), so nothing can display it. Records
of lists are named tuples, since an account may have a hundred thousand closed trades and the cache
pickles them.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple, get_args

Side = Literal["buy", "sell"]
Kind = Literal["market", "limit", "stop"]
KINDS: tuple[Kind, ...] = get_args(Kind)

ACCOUNT_TYPES = (
    "Standard",
    "Eurica",
    "Standard EUR",
    "Standard RUR",
    "Eurica EUR",
    "Eurica RUR",
)
"""What the codes of ``account_type`` mean, from 0. Other codes mean nothing to a visitor, and the
codes of ``verification_level`` are not known at all."""

MAX_PRICE_DIGITS = 12

# Sums of money begin with this, so that the sum of nothing is a Decimal too.
ZERO = Decimal(0)
ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class AccountInformation:
    """Figures of the account. Amounts are in its currency; None is what the API does not send.

    Attributes:
        margin: equity minus free margin if the API sends none.
        profit: the floating profit: equity minus balance if the API sends none.
        currency_is_certain: whether the currency is known, and not concluded from a code that may
            mean something else in this deployment.
        account_type: a code of ``ACCOUNT_TYPES``, or a name.
        verification_level: a code, or its name.
        open_trades: the number of positions, without pending orders.
        open_lots: the lots of the positions.
    """

    balance: Decimal | None = None
    equity: Decimal | None = None
    free_margin: Decimal | None = None
    margin: Decimal | None = None
    profit: Decimal | None = None
    currency: str | None = None
    currency_is_certain: bool = True
    leverage: int | None = None
    account_type: int | str | None = None
    swap_free: bool | None = None
    verification_level: int | str | None = None
    open_trades: int | None = None
    open_lots: Decimal | None = None
    total_trades: int | None = None
    total_lots: Decimal | None = None


# The next two have most of their fields in common, in the same order: named tuples cannot inherit
# them. ``trades.trade_fields`` reads the common ones in one place.
class OpenTrade(NamedTuple):
    """A position or a pending order.

    ``command`` is MetaTrader's: 0 buy, 1 sell, 2 and 3 limit orders, 4 and 5 stop orders.
    ``profit`` is without swap and commission.
    """

    ticket: int
    symbol: str
    command: int
    volume: Decimal
    open_price: Decimal
    open_time: datetime | None
    current_price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    swap: Decimal | None = None
    commission: Decimal | None = None
    profit: Decimal | None = None

    @property
    def side(self) -> Side:
        """Whether it buys or sells. Odd commands sell."""
        if self.command % 2:
            return "sell"
        return "buy"

    @property
    def kind(self) -> Kind:
        """How it was or will be opened."""
        # MetaTrader numbers the kinds in pairs of buying and selling.
        pair = self.command // 2
        return KINDS[pair]

    @property
    def is_position(self) -> bool:
        """Whether it is a position, and not a pending order."""
        return self.command < 2


class ClosedTrade(NamedTuple):
    """A closed position.

    ``command`` is 0 (buy) or 1 (sell); ``profit`` is without swap and commission.
    """

    ticket: int
    symbol: str
    command: int
    volume: Decimal
    open_price: Decimal
    open_time: datetime | None
    close_price: Decimal
    close_time: datetime
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    swap: Decimal | None = None
    commission: Decimal | None = None
    profit: Decimal | None = None

    @property
    def side(self) -> Side:
        """Whether it was bought or sold."""
        if self.command:
            return "sell"
        return "buy"

    @property
    def kind(self) -> Kind:
        """How it was opened, as far as the API reports it: pending orders become positions."""
        return "market"


class Operation(NamedTuple):
    """A deposit, or a withdrawal with a negative amount.

    Credits are not part of the balance, so they are not operations.
    """

    time: datetime
    amount: Decimal


@dataclass(frozen=True, slots=True)
class History:
    """Closed trades, and the balance operations found among them."""

    trades: tuple[ClosedTrade, ...] = ()
    operations: tuple[Operation, ...] = ()


@dataclass(frozen=True, slots=True)
class Bonus:
    """Bonuses, and the lots that must be closed before they can be withdrawn.

    ``progress`` is from 0 to 1.
    """

    total: Decimal | None = None
    welcome: Decimal | None = None
    club: Decimal | None = None
    available: Decimal | None = None
    available_keeping_bonus: Decimal | None = None
    lots_closed: Decimal | None = None
    lots_required: Decimal | None = None
    lots_missing: Decimal | None = None
    progress: Decimal | None = None


class Login(NamedTuple):
    """A login. The address is complete, as the API sends it; the widget masks it."""

    time: datetime
    address: str | None = None
    application: str | None = None


class Commission(NamedTuple):
    """What a partner earned from one trade of a client."""

    time: datetime
    amount: Decimal
    symbol: str | None = None
    volume: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Referrals:
    """What is public about the clients that a partner has referred.

    ``accounts`` is the number of different ones. Their account numbers are personal.
    """

    accounts: int


Rows = tuple[OpenTrade, ...] | tuple[Login, ...] | tuple[Commission, ...] | tuple[Operation, ...]
Result = AccountInformation | History | Bonus | Referrals | Decimal | None | Rows
"""What a function of the API returns. The Decimal is the result of ``lots``, which is None if the
API says nothing about the period."""


def without_noise(price: Decimal) -> Decimal:
    """A price without what binary fractions add: 154.28 for 154.28000000000003."""
    # The noise is in the sixteenth or seventeenth digit. No price has that many.
    if len(price.as_tuple().digits) <= MAX_PRICE_DIGITS:
        return price
    rounded = Decimal(f"{price:.{MAX_PRICE_DIGITS}g}")
    return rounded.normalize()


def subtract(figure: Decimal | None, part: Decimal | None) -> Decimal | None:
    """The difference; None if one of the two is unknown."""
    if figure is None or part is None:
        return None
    # The API calculates with binary fractions and sends numbers such as 236.98999999999995.
    difference = figure - part
    return Decimal(f"{difference:.8f}")


def missing_lots(closed: Decimal | None, required: Decimal | None) -> Decimal | None:
    """The lots that are still to be closed for a bonus."""
    if closed is None or required is None:
        return None
    missing = required - closed
    # More lots than required are closed as soon as trading continues after the bonus is free.
    return max(ZERO, missing)


def bonus_progress(closed: Decimal | None, required: Decimal | None) -> Decimal | None:
    """The share of the required lots that is closed, from 0 to 1; None if no lots are required."""
    # Without required lots there is nothing to make progress with.
    if closed is None or not required:
        return None
    share = closed / required
    if share < ZERO:
        return ZERO
    return min(share, ONE)
