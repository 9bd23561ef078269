"""The ledger of an account: a balance, and all that changed it since, as of the same moment.

The API has one function for the balance and others for what changed it, and money may move between
any two calls. A balance that includes a deposit together with operations that do not gives a wrong
gain. There is no transaction to ask for, so this module proves that what was read fits together.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Protocol

from widget.api.records import ZERO, AccountInformation, ClosedTrade, History, Operation
from widget.data.totals import total_result
from widget.errors import Unavailable
from widget.names import Function

MAX_READINGS = 5
"""How often the figures are read until they fit together. Each reading is up to three calls."""

# How far the clocks of this machine and the broker may differ, and how long the API may take to
# list a trade.
CLOCK_MARGIN = timedelta(seconds=60)


NOTHING_KNOWN: Final = AccountInformation()


@dataclass(frozen=True, slots=True)
class Ledger:
    """The changes of a balance.

    Attributes:
        opening: the balance before all of them; None if the API sends no balance.
        trades: closed trades, newest first.
        operations: deposits and withdrawals, in no particular order.
        information: what the balance function returned, as of the same moment; empty if that is
            not known.
    """

    opening: Decimal | None
    trades: tuple[ClosedTrade, ...]
    operations: tuple[Operation, ...]
    information: AccountInformation = NOTHING_KNOWN

    def since(self, start: datetime | None) -> "Ledger":
        """The part of the ledger from ``start``; all of it for None."""
        if start is None:
            return self
        trades = tuple(trade for trade in self.trades if trade.close_time >= start)
        operations = tuple(each for each in self.operations if each.time >= start)
        opening = None
        if self.opening is not None:
            # Forwards to the end, and from there back to the beginning of the part.
            balance = self.opening + total_changes(self.trades, self.operations)
            opening = opening_balance(balance, trades, operations)
        return replace(
            self,
            opening=opening,
            trades=trades,
            operations=operations,
        )

    def has_opening_of(self, other: "Ledger", start: datetime | None) -> bool:
        """Whether two ledgers have the same balance at ``start``."""
        return self.since(start).opening == other.since(start).opening


@dataclass(frozen=True, slots=True)
class Reading:
    """What the functions returned, one after the other: the balance first.

    Attributes:
        information: the result of the balance function.
        history: closed trades, newest first.
        operations: the result of the function for operations; None if the API does not have it and
            sends them among the closed trades.
    """

    information: AccountInformation
    history: History
    operations: tuple[Operation, ...] | None

    def ledger(self, start: datetime | None) -> Ledger:
        """The changes since ``start``, and the balance before them."""
        operations = self.operations
        if operations is None:
            operations = self.history.operations
        trades = self.history.trades
        balance = self.information.balance
        opening = None
        if balance is not None:
            opening = opening_balance(balance, trades, operations)
        return Ledger(opening, trades, operations, self.information).since(start)

    def has_rows_of(self, other: "Reading") -> bool:
        """Whether both have the same trades and operations."""
        return self.history == other.history and self.operations == other.operations


class Call(Protocol):
    """Calls a function of the API, for its whole history or since a time."""

    def __call__(self, function: Function, start: datetime | None = None, /) -> object: ...


def read_once(call: Call, start: datetime | None, *, has_operations: bool) -> Reading:
    """Call the functions that a ledger consists of, in the order that its proof relies on.

    Args:
        call: makes the calls.
        start: the beginning of the closed trades; None for all of them.
        has_operations: whether the API has a function for operations. The others send them among
            the closed trades.
    """
    information = call("balance")
    history = call("closed_trades", start)
    operations: Any = None
    if has_operations:
        operations = call("operations")
    assert isinstance(information, AccountInformation)
    assert isinstance(history, History)
    return Reading(information, history, operations)


def read_consistently(
    read: Callable[[], Reading],
    previous: Ledger | None,
    start: datetime | None,
    now: datetime,
    seconds: float,
) -> Reading:
    """Read balance, trades and operations so that they belong to the same moment.

    In the ordinary case this is one reading. It is accepted for one of three reasons:

    - Nothing is newer than the reading, so that nothing moved meanwhile.
    - The balance before all changes is the one of the previous ledger. Whatever moves, that balance
      never changes: it would differ if the trades contained something that the balance does not,
      or the reverse. (Or several such things that add up to 0. Then the balance after them is the
      one that was read, and all that is listed did happen: the opening balance, from which the
      growth is calculated forwards, is right all the same.)
    - Two readings in a row have the same rows. The balance was read between the first time and the
      second, so exactly these rows are in it. This is also how a ledger becomes valid whose history
      the broker has corrected, which does change the opening balance.

    Args:
        read: makes the calls, balance first.
        previous: the ledger that was valid before; None if there is none.
        start: the beginning of the history that is read; None for all of it.
        now: when the reading begins.
        seconds: how long to try at most.

    Raises:
        Unavailable: money kept moving all the time.
    """
    give_up_at = time.monotonic() + seconds
    reading = read()
    if fits(reading, previous, start, now):
        return reading
    for _ in range(MAX_READINGS - 1):
        if time.monotonic() > give_up_at:
            break
        before = reading
        reading = read()
        if reading.has_rows_of(before) or has_known_opening(reading, previous, start):
            return reading
    raise Unavailable("the balance kept changing while it was read together with the trades")


def fits(
    reading: Reading,
    previous: Ledger | None,
    start: datetime | None,
    now: datetime,
) -> bool:
    """Whether a reading is consistent without a second one.

    Args:
        reading: the reading.
        previous: the ledger that was valid before; None if there is none.
        start: the beginning of the history that is read; None for all of it.
        now: when the reading began.
    """
    if reading.information.balance is None:
        # There is nothing that the rows could contradict.
        return True
    if previous is not None:
        return has_known_opening(reading, previous, start)
    # With nothing to compare, only the times tell. A time in the future proves nothing either: the
    # broker's clock is ahead, or its zone is not the configured one.
    ledger = reading.ledger(None)
    times = [trade.close_time for trade in ledger.trades]
    times += [operation.time for operation in ledger.operations]
    quiet_since = now - CLOCK_MARGIN
    return max(times, default=quiet_since) <= quiet_since


def has_known_opening(
    reading: Reading,
    previous: Ledger | None,
    start: datetime | None,
) -> bool:
    """Whether a reading has the opening balance of the ledger that was valid before."""
    if previous is None:
        return False
    # The history that is read begins a little later each time: both are compared from the later
    # beginning.
    return reading.ledger(start).has_opening_of(previous, start)


def opening_balance(
    balance: Decimal,
    trades: Sequence[ClosedTrade],
    operations: Sequence[Operation],
) -> Decimal:
    """The balance before some changes, from the one after them."""
    opening = balance - total_changes(trades, operations)
    # The API calculates with binary fractions and sends numbers such as 236.98999999999995. No
    # currency has more decimals than eight.
    return Decimal(f"{opening:.8f}")


def total_changes(
    trades: Sequence[ClosedTrade],
    operations: Sequence[Operation],
) -> Decimal:
    """By how much trades and operations changed the balance."""
    moved = sum((operation.amount for operation in operations), ZERO)
    return moved + total_result(trades)
