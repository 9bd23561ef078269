"""From the JSON of the API to records.

Old APIs write the same thing in many ways, and all of them are accepted. What cannot be used is an
error that names the function and the field.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from widget.api.records import (
    ONE,
    ZERO,
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
    without_noise,
)
from widget.errors import Unreadable
from widget.names import Function

T = TypeVar("T")

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
# How older .NET services write times.
DOTNET_DATE = re.compile(r"/Date\((-?\d{1,15})([+-]\d{4})?\)/", re.ASCII)
CURRENCY_NAME = re.compile(r"[A-Za-z]{3}")

# Limits that no real figure reaches. They keep a broken or hostile API from making numbers that
# take seconds to calculate with, or megabytes to write.
MAX_NUMBER_LENGTH = 34
MIN_EXPONENT = -30
MAX_EXPONENT = 17
MAX_TEXT_LENGTH = 100
MAX_DECIMALS = 10
MIN_YEAR = 1970
MAX_YEAR = 2199

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECONDS_FROM = 10**11
"""From this number on a time is in milliseconds: in seconds it would be in the year 5138."""

# MetaTrader's commands. Up to SELL they are positions, up to LAST_PENDING_ORDER orders that wait
# for their price.
SELL = 1
LAST_PENDING_ORDER = 5
BALANCE = 6
CREDIT = 7

COMPLETED = 1
"""The status of a balance operation that is neither pending nor failed."""

DEPOSIT = 0
WITHDRAWAL = 1

TRUE_AND_FALSE = {"true": True, "1": True, "false": False, "0": False}
CURRENCY_CODES = {"0": "USD", "1": "EUR"}
"""Higher codes mean different currencies in different deployments."""

WRAPPERS = {"d", "data", "result"}
"""Keys of objects that only wrap the value. ``d`` is how older .NET services do it."""


@dataclass(frozen=True, slots=True)
class TimeRules:
    """How an API writes times that do not say what they mean.

    Attributes:
        zone: the zone of times that have none.
        unix_times_are_local: whether numbers count the seconds of a clock in this zone, and not
            those of UTC.
    """

    zone: tzinfo
    unix_times_are_local: bool = False


class Note(NamedTuple):
    """A field that could not be read and is only missing from the display.

    Attributes:
        field: the function and the field without the number of a row: ``open trades.sl``.
        text: what is wrong, for the log.
    """

    field: str
    text: str


class Parsed(NamedTuple):
    """The result of a function, and what the operator should know about the response.

    Attributes:
        result: a record, a tuple of records, or the lots.
        notes: one for each field that could not be read.
        row_count: the number of rows of a list, including those that are no record.
    """

    result: Result
    notes: tuple[Note, ...] = ()
    row_count: int = 0


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
    data = decode(function, body)
    result = build_records(function, data, rules.zone, first_row)
    return Parsed(result, row_count=len(as_rows(data)))


def decode(function: Function, body: str | bytes) -> object:
    """The JSON value of a body without its wrappers. Numbers stay text, so that they become exact
    Decimals.

    Raises:
        Unreadable: the body is not JSON.
    """
    text = body
    if isinstance(text, bytes):
        # A single wrong byte must not make the whole response unreadable.
        text = text.decode("utf-8", "replace")
    # Some .NET services send a byte order mark.
    text = text.strip("\ufeff \t\r\n")
    try:
        value = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        found = str(error)
        # The page itself is not quoted: error pages can contain anything.
        if text.startswith("<"):
            found = "an HTML page"
        title = function_title(function)
        message = f"{title}: not JSON but {found} ({len(text)} characters)"
        raise Unreadable(message) from None
    return unwrap(value)


def unwrap(value: object) -> object:
    """The value inside ``{"d": ...}``, ``{"data": ...}`` or ``{"result": ...}``, at any depth."""
    while isinstance(value, dict):
        wrapper = wrapper_key(value)
        if wrapper is None:
            return value
        value = value[wrapper]
    return value


def wrapper_key(data: Mapping[str, object]) -> str | None:
    """The key of an object below which the value is; None if the object itself is the value."""
    for name, item in data.items():
        # {"result": true, ...} says that the call succeeded and wraps nothing.
        if isinstance(item, bool):
            continue
        if name.lower() in WRAPPERS:
            return name
    return None


def as_rows(data: object) -> Sequence[object]:
    """A list. Null is an empty list, and a single object is a list of one."""
    if data is None:
        return []
    if isinstance(data, list):
        return data
    return [data]


def function_title(function: Function) -> str:
    """The name of a function in error texts."""
    return function.replace("_", " ")


def build_records(function: Function, data: object, zone: tzinfo, first_row: int = 0) -> Result:
    """Records from decoded JSON.

    Args:
        function: the function that was called.
        data: the result of ``decode``.
        zone: the zone of times that have none.
        first_row: the number of the first row in error texts, for pages after the first.

    Raises:
        Unreadable: the text names the function and the field.
    """
    title = function_title(function)
    # Some APIs send the bare number.
    if function == "lots" and not isinstance(data, dict):
        data = {"lots": data}
    if function in OBJECT_BUILDERS:
        build_object = OBJECT_BUILDERS[function]
        row = Row(title, data, zone)
        return build_object(row)
    build_list = LIST_BUILDERS[function]
    values = as_rows(data)
    rows = numbered_rows(title, values, zone, first_row)
    return build_list(rows)


def numbered_rows(
    place: str,
    values: Sequence[object],
    zone: tzinfo,
    first_number: int = 0,
) -> list["Row"]:
    """The rows of a list, each with its number for error texts: ``open trades[3]``."""
    rows = []
    for number, value in enumerate(values, first_number):
        row = Row(f"{place}[{number}]", value, zone)
        rows.append(row)
    return rows


# Volumes, swaps and decimals repeat. The cache saves time here and when the records are pickled.
@lru_cache(4096)
def parse_number(text: str) -> Decimal | None:
    """A number; None if the text is none, or too large, too small or too long."""
    # Decimal would accept more than the JSON of an API means: NaN, infinity, 1_000.
    if len(text) > MAX_NUMBER_LENGTH or not NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    if not number:
        return ZERO  # "-0" loses its sign
    if not MIN_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        return None
    return number


@lru_cache(64)
def parse_price_step(digits: str) -> Decimal | None:
    """The smallest step of a price with so many decimals: 0.00001 for 5."""
    number = parse_number(digits)
    if number is None:
        return None
    # This is also false for fractions such as 2.5.
    is_possible = number in range(MAX_DECIMALS + 1)
    if not is_possible:
        return None
    decimals = int(number)
    return ONE.scaleb(-decimals)


def parse_time(text: str, zone: tzinfo) -> datetime | None:
    """An instant in UTC; None if the text is not a time, or of a year that cannot be meant."""
    try:
        moment = parse_any_time(text, zone)
    except (ValueError, OverflowError):
        return None
    if not MIN_YEAR <= moment.year <= MAX_YEAR:
        return None
    return moment


def parse_any_time(text: str, zone: tzinfo) -> datetime:
    """An instant in UTC, of any year.

    Raises:
        ValueError: the text is not a time.
        OverflowError: the time is outside of the calendar.
    """
    match = DOTNET_DATE.fullmatch(text)
    if match:
        # The zone behind the milliseconds is only for display and does not move the instant.
        milliseconds = int(match[1])
        return EPOCH + timedelta(milliseconds=milliseconds)
    number = parse_number(text)
    if number is not None:
        return unix_time(number)
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(UTC)


def unix_time(number: Decimal) -> datetime:
    """An instant from seconds or milliseconds since 1970."""
    microseconds = number * 10**6
    if abs(number) >= MILLISECONDS_FROM:
        microseconds = number * 1000
    # Added to the epoch, since datetime.fromtimestamp() would round to what a float can hold.
    return EPOCH + timedelta(microseconds=int(microseconds))


def parse_flag(text: str) -> bool | None:
    """True or false; None if the text is neither."""
    return TRUE_AND_FALSE.get(text.lower())


def clean_text(text: str) -> str | None:
    """The printable characters of a text, not too many; None if there are none."""
    # Control characters could forge lines of a log, and lone surrogates cannot be encoded.
    printable = "".join(filter(str.isprintable, text))
    short = printable[:MAX_TEXT_LENGTH].strip()
    if not short:
        return None
    return short


class Row:
    """An object of the JSON. Its fields are read by name, in any case.

    Fields that are missing, null or empty are None; for methods named ``required_...`` they are
    errors.

    Args:
        place: where it is, for error texts.
        value: the decoded JSON.
        zone: the zone of times that have none.
    """

    __slots__ = ("_place", "_values", "_zone")

    def __init__(self, place: str, value: object, zone: tzinfo) -> None:
        if not isinstance(value, dict):
            raise Unreadable(f"{place}: {describe(value)} is not an object")
        self._place = place
        self._zone = zone
        # The newer API writes camelCase, the older one PascalCase.
        self._values: Mapping[str, object] = {name.lower(): item for name, item in value.items()}

    def has(self, name: str) -> bool:
        """Whether there is such a field, even if it is null."""
        return name.lower() in self._values

    def error(self, name: str, why: str) -> Unreadable:
        """An error that names the field."""
        return Unreadable(f"{self._place}.{name}: {why}")

    def text(self, name: str) -> str | None:
        """A text without control characters."""
        return self._read(name, clean_text, "a text")

    def number(self, name: str) -> Decimal | None:
        """A number, exactly as it is written."""
        return self._read(name, parse_number, "a valid number")

    def flag(self, name: str) -> bool | None:
        """True or false."""
        return self._read(name, parse_flag, "true or false")

    def time(self, name: str) -> datetime | None:
        """An instant in UTC."""
        return self._read(name, lambda text: parse_time(text, self._zone), "a valid time")

    def whole(self, name: str) -> int | None:
        """A whole number."""
        number = self.number(name)
        if number is None:
            return None
        if number != int(number):
            raise self.error(name, f"{number} is not a whole number")
        return int(number)

    def price(self, name: str) -> Decimal | None:
        """A price with as many decimals as the row's ``digits`` say."""
        price = self.number(name)
        step = self._read("digits", parse_price_step, "a number of decimals")
        if price is None:
            return None
        if step is None:
            return without_noise(price)
        # Binary fractions of the API such as 1.0847099999999999 become 1.08471 again.
        return price.quantize(step, ROUND_HALF_EVEN)

    def price_limit(self, name: str) -> Decimal | None:
        """A price at which a trade is closed; 0 means that there is none."""
        return self.price(name) or None

    def currency(self, name: str) -> str | None:
        """A currency; None if its code is unknown."""
        code = self.text(name) or ""
        if code in CURRENCY_CODES:
            return CURRENCY_CODES[code]
        if CURRENCY_NAME.fullmatch(code):
            return code.upper()
        return None

    def required_text(self, name: str) -> str:
        """A text that must be there."""
        return self._required(name, self.text(name))

    def required_number(self, name: str) -> Decimal:
        """A number that must be there."""
        return self._required(name, self.number(name))

    def required_whole(self, name: str) -> int:
        """A whole number that must be there."""
        return self._required(name, self.whole(name))

    def required_price(self, name: str) -> Decimal:
        """A price that must be there."""
        return self._required(name, self.price(name))

    def required_time(self, name: str) -> datetime:
        """A time that must be there."""
        return self._required(name, self.time(name))

    def part(self, name: str) -> "Row":
        """An object in this one; empty if it is missing."""
        place = f"{self._place}.{name}"
        value = self._values.get(name.lower())
        # Some APIs send null or "" instead of leaving the object out.
        return Row(place, value or {}, self._zone)

    def values(self, name: str) -> Sequence[object]:
        """A list in this object; empty if it is missing."""
        return as_rows(self._values.get(name.lower()))

    def rows(self, name: str) -> list["Row"]:
        """The rows of a list in this object."""
        place = f"{self._place}.{name}"
        values = as_rows(self._values[name.lower()])
        return numbered_rows(place, values, self._zone)

    def _read(
        self,
        name: str,
        convert: Callable[[str], T | None],
        kind: str,
    ) -> T | None:
        """A converted field; None if it is missing, null or empty.

        Args:
            name: the name of the field.
            convert: gives the value of a text, or None if it is not one.
            kind: what the field should be, for the error.
        """
        value = self._values.get(name.lower())
        if value is None or value == "":
            return None
        result = None
        # Numbers are text here, see decode(). Objects and lists are never a value.
        if isinstance(value, str | bool):
            result = convert(str(value).strip())
        if result is None:
            raise self.error(name, f"{describe(value)} is not {kind}")
        return result

    def _required(self, name: str, value: T | None) -> T:
        if value is None:
            raise self.error(name, "missing")
        return value


def describe(value: object) -> str:
    """A JSON value in an error text: never more than the beginning of a text."""
    if isinstance(value, str):
        beginning = value[:40]
        return repr(beginning)
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return json.dumps(value)


def build_lots(row: Row) -> Decimal:
    """The result of ``lots``."""
    return row.required_number("lots")


def build_account_information(row: Row) -> AccountInformation:
    """The result of ``balance`` and ``summary``."""
    balance = row.number("balance")
    equity = row.number("equity")
    free_margin = row.number("freeMargin")
    # Not all APIs send the next two, but both follow from the figures above.
    margin = row.number("margin")
    if margin is None:
        margin = subtract(equity, free_margin)
    profit = row.number("profit")
    if profit is None:
        profit = subtract(equity, balance)
    information = AccountInformation(
        balance=balance,
        equity=equity,
        free_margin=free_margin,
        margin=margin,
        profit=profit,
        currency=row.currency("currency"),
        leverage=row.whole("leverage"),
        account_type=read_account_type(row),
        swap_free=row.flag("isSwapFree"),
        verification_level=row.whole("verificationLevel"),
        open_trades=row.whole("currentTradesCount"),
        open_lots=row.number("currentTradesVolume"),
        total_trades=row.whole("totalTradesCount"),
        total_lots=row.number("totalTradesVolume"),
    )
    # An error message in JSON with status 200 has none of these fields.
    if information == AccountInformation():
        raise row.error("balance", "missing, like every other field")
    return information


def read_account_type(row: Row) -> int | str | None:
    """The type of the account: some APIs send its number, others its name."""
    name = row.text("type")
    if name is not None and name.isdecimal():
        return int(name)
    return name


def build_bonus(row: Row) -> Bonus:
    """The result of ``bonus``."""
    bonuses = row.part("bonuses")
    summary = row.part("summary")
    trade = row.part("trade")
    closed = trade.number("closedLots")
    required = trade.number("lotsRequired")
    missing = trade.number("missingLots")
    if missing is None:
        missing = missing_lots(closed, required)
    bonus = Bonus(
        total=bonuses.number("totalBonus"),
        welcome=bonuses.number("welcomeBonus"),
        club=bonuses.number("clubBonus"),
        available=summary.number("availableToWithdraw"),
        available_keeping_bonus=summary.number("availableToWithdrawWithoutLosingBonus"),
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


def build_open_trades(rows: Iterable[Row]) -> tuple[OpenTrade, ...]:
    """The result of ``open_trades``: positions and pending orders."""
    trades = []
    for row, command in with_commands(rows):
        # The others are balance operations, which some APIs list here too.
        if command <= LAST_PENDING_ORDER:
            trade = build_open_trade(row, command)
            trades.append(trade)
    return tuple(trades)


def build_open_trade(row: Row, command: int) -> OpenTrade:
    """A position or a pending order."""
    return OpenTrade(
        current_price=row.price("currentPrice"),
        **trade_fields(row, command),
    )


def build_history(rows: Iterable[Row]) -> History:
    """The result of ``closed_trades``: closed positions and balance operations.

    Pending orders in it were cancelled and never became trades. Credits are not part of the
    balance.
    """
    trades = []
    operations = []
    for row, command in with_commands(rows):
        if command <= SELL:
            trade = build_closed_trade(row, command)
            trades.append(trade)
        elif command == BALANCE:
            operation = build_balance_operation(row)
            operations.append(operation)
    return History(tuple(trades), tuple(operations))


def build_balance_operation(row: Row) -> Operation:
    """A deposit or withdrawal that comes as a row of the closed trades."""
    # It happens at one instant, which APIs write in either field.
    time = row.time("closeTime")
    if time is None:
        time = row.required_time("openTime")
    amount = row.required_number("profit")
    return Operation(time, amount)


def build_closed_trade(row: Row, command: int) -> ClosedTrade:
    """A closed position."""
    return ClosedTrade(
        close_price=row.required_price("closePrice"),
        close_time=row.required_time("closeTime"),
        **trade_fields(row, command),
    )


def trade_fields(row: Row, command: int) -> dict[str, Any]:
    """The fields that open and closed trades have in common."""
    return {
        "ticket": row.required_whole("ticket"),
        "symbol": row.required_text("symbol"),
        "command": command,
        "volume": row.required_number("volume"),
        "open_price": row.required_price("openPrice"),
        "open_time": row.required_time("openTime"),
        "stop_loss": row.price_limit("sl"),
        "take_profit": row.price_limit("tp"),
        "swap": row.number("swaps"),
        "commission": row.number("commission"),
        "profit": row.number("profit"),
    }


def with_commands(rows: Iterable[Row]) -> Iterator[tuple[Row, int]]:
    """Each row with its MetaTrader command."""
    for row in rows:
        command = row.required_whole("type")
        if not 0 <= command <= CREDIT:
            raise row.error("type", f"{command} is not a MetaTrader command")
        yield row, command


def build_logins(rows: Iterable[Row]) -> tuple[Login, ...]:
    """The result of ``logins``."""
    logins = []
    for row in rows:
        login = Login(
            time=row.required_time("time"),
            address=row.text("ip"),
            application=row.text("application"),
        )
        logins.append(login)
    return tuple(logins)


def build_commissions(rows: Iterable[Row]) -> tuple[Commission, ...]:
    """The result of ``commissions``: the records of all partners as one list."""
    commissions = []
    for row in rows:
        records = [row]  # without the list of a partner, the row is a record itself
        if row.has("balanceRecords"):
            records = row.rows("balanceRecords")
        for record in records:
            commission = build_commission(record)
            commissions.append(commission)
    return tuple(commissions)


def build_commission(row: Row) -> Commission:
    """One commission."""
    return Commission(
        time=row.required_time("time"),
        amount=row.required_number("amount"),
        symbol=row.text("symbol"),
        volume=row.number("volume"),
    )


def build_operations(rows: Iterable[Row]) -> tuple[Operation, ...]:
    """The result of ``operations``: completed deposits and withdrawals."""
    operations = []
    for row in rows:
        status = row.required_whole("status")
        # Only completed operations have changed the balance.
        if status == COMPLETED:
            operation = build_operation(row)
            operations.append(operation)
    return tuple(operations)


def build_operation(row: Row) -> Operation:
    """One deposit or withdrawal. Some APIs give withdrawals a sign and some do not."""
    time = row.required_time("date")
    signed_amount = row.required_number("amount")
    amount = abs(signed_amount)
    direction = row.required_whole("operationType")
    if direction == DEPOSIT:
        return Operation(time, amount)
    if direction == WITHDRAWAL:
        return Operation(time, -amount)
    raise row.error("operationType", f"{direction} is neither deposit (0) nor withdrawal (1)")


def build_referrals(rows: Iterable[Row]) -> Referrals:
    """The result of ``referrals``: how many accounts there are, never which."""
    accounts = set()
    for row in rows:
        for number in row.values("referalAccounts"):  # the API's spelling
            accounts.add(str(number))
    return Referrals(len(accounts))


OBJECT_BUILDERS: dict[Function, Callable[[Row], Result]] = {
    "balance": build_account_information,
    "summary": build_account_information,
    "bonus": build_bonus,
    "lots": build_lots,
}
"""The functions whose result is one JSON object."""

LIST_BUILDERS: dict[Function, Callable[[Iterable[Row]], Result]] = {
    "open_trades": build_open_trades,
    "closed_trades": build_history,
    "logins": build_logins,
    "commissions": build_commissions,
    "operations": build_operations,
    "referrals": build_referrals,
}
"""The functions whose result is a list of JSON objects."""
