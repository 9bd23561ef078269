"""From the responses of the API to records.

Old APIs write the same thing in many ways, and all of them are accepted: ``docs/tolerance.md`` has
the list. A field that only decorates and cannot be read is left out, with a note for the operator.
What a total depends on is an error that names the function and the field.
"""

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from widget.api.documents import MAX_ROWS, NotJSON, rows_in
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
    Result,
    bonus_progress,
    missing_lots,
    subtract,
)
from widget.api.rows import (
    CODE,
    COMMAND,
    FLAG,
    INTEGER,
    LEVERAGE,
    NUMBER,
    TEXT,
    Note,
    Reading,
    Row,
)
from widget.api.times import TimeRules as TimeRules
from widget.api.trades import Trade, TradeReader, closed_trade_fields, open_trade_fields
from widget.api.values import parse_integer
from widget.errors import Unreadable
from widget.names import Function

# MetaTrader's commands, see ``values.COMMANDS``. Up to SELL they are positions, up to
# LAST_PENDING_ORDER orders that wait for their price. Those after BALANCE are credits.
SELL = 1
LAST_PENDING_ORDER = 5
BALANCE = 6

CURRENCIES = ("USD", "EUR", "RUR", "USC", "EUC")
"""The currencies by their codes, as the broker names them."""

CERTAIN_CURRENCIES = 2
"""So many of the codes are safe. The others may mean something else in some deployments."""

CURRENCY_NAME = re.compile(r"[A-Za-z]{3}")

# The codes of a balance operation, and names that stand for them.
COMPLETED = frozenset({1, "completed", "complete", "success", "successful", "done"})
NOT_COMPLETED = frozenset({0, 2, "pending", "failed"})
DEPOSIT = frozenset({0, "deposit"})
WITHDRAWAL = frozenset({1, "withdrawal", "withdraw"})

# Lists in the rows of a partner's functions, by their keys in lower case. What counts are their
# elements. The first of the two in the second is the API's spelling.
NESTED_LISTS: dict[Function, tuple[str, ...]] = {
    "commissions": ("balancerecords",),
    "referrals": ("referalaccounts", "referralaccounts"),
}


MAX_OTHER_ROWS = 10_000
"""After so many rows without an account, a response is no list of referrals."""

BLOCK_ROWS = 500
"""Rows of trades that are read at once, as far as they are written alike."""


class Parsed(NamedTuple):
    """The result of a function, and what the operator should know about the response.

    Attributes:
        result: a record, a tuple of records, or the lots.
        notes: what was left out of the result, at most one for each field.
        row_count: the number of rows of a list, including those that are no record.
    """

    result: Result
    notes: tuple[Note, ...] = ()
    row_count: int = 0


class Rows:
    """The rows of a response, which are counted as they are read.

    Args:
        reading: what they have in common.
        values: the decoded JSON of each.
        first_number: the number of the first row in error texts.
    """

    def __init__(self, reading: Reading, values: Iterator[object], first_number: int) -> None:
        self.count = 0
        self.reading = reading
        self._values = values
        self._first_number = first_number

    def __iter__(self) -> Iterator[Row]:
        for value in self.values():
            yield self.row(value)

    def values(self) -> Iterator[object]:
        """The decoded JSON of each row."""
        for value in self._values:
            self.count += 1
            if self.count > MAX_ROWS:
                raise NotJSON(f"more than {MAX_ROWS} rows")
            yield value

    def with_trades(self, reader: TradeReader[Trade]) -> Iterator[tuple[object, Trade | None]]:
        """The decoded JSON of each row with its trade; None if the row is to be read by names."""
        while block := list(islice(self._values, BLOCK_ROWS)):
            if self.count + len(block) > MAX_ROWS:
                raise NotJSON(f"more than {MAX_ROWS} rows")
            trades = reader.read_block(block)
            for value, trade in zip(block, trades, strict=True):
                self.count += 1
                if trade is None:
                    yield value, reader.read_by_columns(value)
                else:
                    yield value, trade

    def row(self, value: object) -> Row:
        """The row of the value that was read last."""
        return Row(self.reading, value, self.place())

    def place(self) -> str:
        """Where the value is that was read last: ``open trades[3]``."""
        number = self._first_number + self.count - 1
        return f"{self.reading.title}[{number}]"

    def only(self) -> Row | None:
        """The only row, for functions whose result is not a list; None if there is none."""
        value = next(self._values, None)
        if value is None:
            return None
        if next(self._values, None) is not None:
            raise Unreadable(f"{self.reading.title}: a list is not an object")
        # Some APIs send the bare number.
        if self.reading.title == "lots" and not isinstance(value, dict):
            value = {"lots": value}
        return Row(self.reading, value, self.reading.title)


def parse(
    function: Function,
    body: str | bytes,
    rules: TimeRules,
    first_row: int = 0,
) -> Parsed:
    """The result of a function.

    Args:
        function: the function that was called.
        body: the body of the response.
        rules: how the API writes times.
        first_row: the number of the first row in error texts, for pages after the first.

    Raises:
        Unreadable: the text names the function and the field: ``open trades[3].openPrice: ...``.
    """
    # JSON is UTF-8 by its standard, whatever the header says.
    text = body
    if isinstance(text, bytes):
        # A single wrong byte must not make the whole response unreadable.
        text = text.decode("utf-8", "replace")
    reading = Reading(function_title(function), rules)
    nested_lists = NESTED_LISTS.get(function, ())
    values = rows_in(text, nested_lists)
    rows = Rows(reading, values, first_row)
    build = BUILDERS[function]
    try:
        result = build(rows)
    except NotJSON as error:
        found = str(error)
        # The page itself is not quoted: error pages can contain anything.
        if text.lstrip().startswith("<"):
            found = "an HTML page"
        message = f"{reading.title}: not JSON but {found} ({len(text)} characters)"
        raise Unreadable(message) from None
    return Parsed(result, reading.notes, rows.count)


def function_title(function: Function) -> str:
    """The name of a function in error texts."""
    return function.replace("_", " ")


def read_lots(rows: Rows) -> Decimal | None:
    """The result of ``lots``; None if the API says nothing about the period."""
    row = rows.only()
    if row is None:
        return None
    # An error message in JSON with status 200 has no such field.
    if not row.has("lots"):
        raise row.error("lots", "missing")
    return row.optional("lots", NUMBER)


def read_account_information(rows: Rows) -> AccountInformation:
    """The result of ``balance`` and ``summary``."""
    row = rows.only()
    # Every account has a balance.
    if row is None:
        raise Unreadable(f"{rows.reading.title}: the response is empty")
    balance = row.optional("balance", NUMBER)
    equity = row.optional("equity", NUMBER)
    free_margin = row.optional("freeMargin", NUMBER)
    # Not all APIs send the next two, but both follow from the figures above.
    margin = row.optional("margin", NUMBER)
    profit = row.optional("profit", NUMBER)
    currency = read_currency(row)
    information = AccountInformation(
        balance=balance,
        equity=equity,
        free_margin=free_margin,
        margin=first_known(margin, subtract(equity, free_margin)),
        profit=first_known(profit, subtract(equity, balance)),
        currency=currency.name,
        currency_is_certain=currency.is_certain,
        leverage=row.decoration("leverage", LEVERAGE),
        account_type=row.decoration("type", CODE),
        swap_free=row.decoration("isSwapFree", FLAG),
        verification_level=row.decoration("verificationLevel", CODE),
        open_trades=row.decoration("currentTradesCount", INTEGER),
        open_lots=row.decoration("currentTradesVolume", NUMBER),
        total_trades=row.decoration("totalTradesCount", INTEGER),
        total_lots=row.decoration("totalTradesVolume", NUMBER),
    )
    # An error message in JSON with status 200 has none of these fields.
    if information == AccountInformation():
        raise row.error("balance", "missing, like every other field")
    return information


def first_known(figure: Decimal | None, calculated: Decimal | None) -> Decimal | None:
    """The figure that the API sends, otherwise the calculated one."""
    if figure is None:
        return calculated
    return figure


class Currency(NamedTuple):
    """The currency of an account; the name is None if it is unknown."""

    name: str | None
    is_certain: bool = True


def read_currency(row: Row) -> Currency:
    """The currency, from its code or its name."""
    code = row.decoration("currency", CODE)
    if code is None:
        return Currency(None)
    if isinstance(code, str) and CURRENCY_NAME.fullmatch(code):
        return Currency(code.upper())
    if isinstance(code, int) and 0 <= code < len(CURRENCIES):
        return Currency(CURRENCIES[code], code < CERTAIN_CURRENCIES)
    row.note("currency", "unknown; set the key currency of the account")
    return Currency(None, is_certain=False)


def read_bonus(rows: Rows) -> Bonus:
    """The result of ``bonus``."""
    row = rows.only()
    # Nothing is known of an account without bonus.
    if row is None:
        return Bonus()
    bonuses = row.part("bonuses")
    summary = row.part("summary")
    trade = row.part("trade")
    closed = trade.optional("closedLots", NUMBER)
    required = trade.optional("lotsRequired", NUMBER)
    missing = trade.optional("missingLots", NUMBER)
    if missing is None:
        missing = missing_lots(closed, required)
    bonus = Bonus(
        total=bonuses.optional("totalBonus", NUMBER),
        welcome=bonuses.optional("welcomeBonus", NUMBER),
        club=bonuses.optional("clubBonus", NUMBER),
        available=summary.optional("availableToWithdraw", NUMBER),
        available_keeping_bonus=summary.optional("availableToWithdrawWithoutLosingBonus", NUMBER),
        lots_closed=closed,
        lots_required=required,
        lots_missing=missing,
        progress=bonus_progress(closed, required),
    )
    # With one of its parts, even an empty one, it is an account without bonus. Otherwise it is
    # something else.
    has_part = row.has("bonuses") or row.has("summary") or row.has("trade")
    is_empty = bonus == Bonus()
    if is_empty and not has_part:
        raise row.error("bonuses", "missing, like every other field")
    return bonus


def read_open_trades(rows: Rows) -> tuple[OpenTrade, ...]:
    """The result of ``open_trades``: positions and pending orders."""
    reader = TradeReader(rows.reading, OpenTrade._make, open_trade_fields, LAST_PENDING_ORDER)
    trades = []
    for value, trade in rows.with_trades(reader):
        if trade is None:
            row = rows.row(value)
            command = row.required("type", COMMAND)
            # Some APIs list balance operations here too.
            if command > LAST_PENDING_ORDER:
                continue
            trade = reader.read_by_names(row)
        trades.append(trade)
    return tuple(trades)


def read_history(rows: Rows) -> History:
    """The result of ``closed_trades``: closed positions and balance operations.

    Pending orders in it were cancelled and never became trades. Credits are not part of the
    balance. Trades whose fields are all equal are different trades: parts of a position that were
    closed in the same second.
    """
    reader = TradeReader(rows.reading, ClosedTrade._make, closed_trade_fields, SELL)
    trades = []
    operations = []
    for value, trade in rows.with_trades(reader):
        if trade is not None:
            trades.append(trade)
            continue
        row = rows.row(value)
        command = row.required("type", COMMAND)
        if command <= SELL:
            trade = reader.read_by_names(row)
            trades.append(trade)
        elif command == BALANCE:
            operation = read_balance_operation(row)
            operations.append(operation)
    return History(tuple(trades), tuple(operations))


def read_balance_operation(row: Row) -> Operation:
    """A deposit or withdrawal that comes as a row of the closed trades."""
    # It happens at one instant, which APIs write in either field.
    time = row.optional("closeTime", row.reading.time)
    if time is None:
        time = row.required("openTime", row.reading.time)
    amount = row.required("profit", NUMBER)
    return Operation(time, amount)


def read_logins(rows: Rows) -> tuple[Login, ...]:
    """The result of ``logins``."""
    logins = []
    for row in rows:
        login = Login(
            time=row.required("time", row.reading.time),
            address=row.decoration("ip", TEXT),
            application=row.decoration("application", TEXT),
        )
        logins.append(login)
    return tuple(logins)


def read_commissions(rows: Rows) -> tuple[Commission, ...]:
    """The result of ``commissions``: the records of all partners as one list."""
    commissions = []
    for row in rows:
        commission = Commission(
            time=row.required("time", row.reading.time),
            amount=row.required("amount", NUMBER),
            symbol=row.decoration("symbol", TEXT),
            volume=row.decoration("volume", NUMBER),
        )
        commissions.append(commission)
    return tuple(commissions)


def read_operations(rows: Rows) -> tuple[Operation, ...]:
    """The result of ``operations``: completed deposits and withdrawals."""
    operations = []
    for row in rows:
        operation = read_operation(row)
        if operation is not None:
            operations.append(operation)
    return tuple(operations)


def read_operation(row: Row) -> Operation | None:
    """A deposit or withdrawal; None if the row is neither, or has not changed the balance."""
    status = required_code(row, "status")
    if status not in COMPLETED:
        if status not in NOT_COMPLETED:
            row.note("status", "unknown; the operation counts as not completed")
        return None
    kind = required_code(row, "operationType")
    is_withdrawal = kind in WITHDRAWAL
    if not is_withdrawal and kind not in DEPOSIT:
        row.note("operationType", "neither deposit (0) nor withdrawal (1); it is not counted")
        return None
    time = row.required("date", row.reading.time)
    amount = row.required("amount", NUMBER)
    # Some APIs give withdrawals a sign and some do not.
    if is_withdrawal:
        return Operation(time, -abs(amount))
    return Operation(time, abs(amount))


def required_code(row: Row, name: str) -> int | str:
    """A code, or its name in lower case, that must be there."""
    code = row.required(name, CODE)
    if isinstance(code, str):
        return code.lower()
    return code


def read_referrals(rows: Rows) -> Referrals:
    """The result of ``referrals``: how many accounts there are, never which."""
    # A set: the same account may come with several links, and on several days.
    accounts = set[int | str]()
    other_rows = 0
    for value in rows.values():
        # This is a row without a list, such as one with clicks only.
        if isinstance(value, dict):
            other_rows += 1
            if other_rows == MAX_OTHER_ROWS and not accounts:
                break
            continue
        account = read_account_number(value)
        if account is None:
            # It is not quoted: account numbers of clients are personal.
            raise Unreadable(f"{rows.place()}.referalAccounts: not an account number")
        accounts.add(account)
    # An error message in JSON with status 200 is such a row too.
    if other_rows and not accounts:
        raise Unreadable("referrals: no row has referalAccounts")
    return Referrals(len(accounts))


def read_account_number(value: object) -> int | None:
    """The number of an account, None if it is none."""
    if not isinstance(value, str):
        return None
    try:
        return parse_integer(value.strip())
    except ValueError:
        return None


BUILDERS: dict[Function, Callable[[Rows], Result]] = {
    "balance": read_account_information,
    "summary": read_account_information,
    "open_trades": read_open_trades,
    "closed_trades": read_history,
    "lots": read_lots,
    "bonus": read_bonus,
    "logins": read_logins,
    "commissions": read_commissions,
    "operations": read_operations,
    "referrals": read_referrals,
}
"""How the result of each function is built."""
