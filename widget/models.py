"""What the upstream says, as frozen typed records: figures are Decimals, times are instants in UTC.

Parsing is tolerant of how an old API writes things, and names the function and the field of what it cannot use.
Personal fields (name, address, phone) are in no record, so that nothing can show them. Rows of lists are named tuples,
since an account may have a hundred thousand closed trades and caches pickle them.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeVar

from widget.errors import Unreadable
from widget.names import Function

T = TypeVar("T")
Side = Literal["buy", "sell"]
Kind = Literal["market", "limit", "stop"]


@dataclass(frozen=True, slots=True)
class AccountInformation:
    """The account at a glance; money in its currency, ``None`` for what the upstream does not tell.

    Attributes:
        margin: equity less free margin where the upstream gives none.
        profit: the floating one: equity less balance where the upstream gives none.
        open_trades: positions only; ``open_lots`` likewise.
    """

    balance: Decimal | None = None
    equity: Decimal | None = None
    free_margin: Decimal | None = None
    margin: Decimal | None = None
    profit: Decimal | None = None
    currency: str | None = None
    leverage: int | None = None
    account_type: int | str | None = None
    swap_free: bool | None = None
    verification_level: int | None = None
    open_trades: int | None = None
    open_lots: Decimal | None = None
    total_trades: int | None = None
    total_lots: Decimal | None = None


class OpenTrade(NamedTuple):
    """A position or a pending order; ``command`` is MetaTrader's (0 to 5), ``profit`` is without swap."""

    ticket: int
    symbol: str
    command: int
    volume: Decimal
    open_price: Decimal
    open_time: datetime
    current_price: Decimal | None = None
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    swap: Decimal | None = None
    profit: Decimal | None = None

    @property
    def side(self) -> Side:
        """Bought or sold."""
        return "sell" if self.command % 2 else "buy"

    @property
    def kind(self) -> Kind:
        """How it was or will be opened."""
        kinds: tuple[Kind, Kind, Kind] = ("market", "limit", "stop")
        return kinds[self.command // 2]

    @property
    def is_position(self) -> bool:
        """Whether it is held, and not an order that waits for its price."""
        return self.command < 2


class ClosedTrade(NamedTuple):
    """A position that was closed; ``command`` is 0 or 1, ``profit`` is without swap."""

    ticket: int
    symbol: str
    command: int
    volume: Decimal
    open_price: Decimal
    open_time: datetime
    close_price: Decimal
    close_time: datetime
    stop_loss: Decimal | None = None
    take_profit: Decimal | None = None
    swap: Decimal | None = None
    profit: Decimal | None = None

    @property
    def side(self) -> Side:
        """Bought or sold."""
        return "sell" if self.command else "buy"


class Operation(NamedTuple):
    """A deposit or a withdrawal; what went is below 0. Credits stand beside the balance and are none."""

    time: datetime
    amount: Decimal


@dataclass(frozen=True, slots=True)
class History:
    """What is over: closed trades, and the balance operations found among them."""

    trades: tuple[ClosedTrade, ...] = ()
    operations: tuple[Operation, ...] = ()


@dataclass(frozen=True, slots=True)
class Bonus:
    """Bonuses, and the lots that must be closed before they can be withdrawn; ``progress`` is from 0 to 1."""

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
    """One authorisation; the address is as the upstream gives it: whoever shows it masks it."""

    time: datetime
    address: str | None = None
    application: str | None = None


class Commission(NamedTuple):
    """What a partner earned by one trade of a client."""

    time: datetime
    amount: Decimal
    symbol: str | None = None
    volume: Decimal | None = None


Rows = tuple[OpenTrade, ...] | tuple[Login, ...] | tuple[Commission, ...] | tuple[Operation, ...]
Result = AccountInformation | History | Bonus | Decimal | Rows


def parse(function: Function, body: str | bytes, zone: tzinfo) -> Result:
    """What a function answered: a record, a tuple of records, or the lots.

    Args:
        function: which function it was.
        body: the answer's body.
        zone: the zone of times that carry none.

    Raises:
        Unreadable: the debug text names the function and the field, as in ``open trades[3].openPrice: ...``.
    """
    return build_records(function, decode(function, body), zone)


def decode(function: Function, body: str | bytes) -> object:
    """The JSON of a body, out of its wrappers, its numbers left as text.

    Raises:
        Unreadable: it is no JSON.
    """
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    text = text.strip("\ufeff \t\r\n")
    try:
        return unwrap(json.loads(text, parse_int=str, parse_float=str, parse_constant=str))
    except (ValueError, RecursionError) as error:
        what = "an HTML page" if text.startswith("<") else str(error)
        raise Unreadable(
            f"{function_title(function)}: not JSON but {what} ({len(text)} characters)"
        ) from None


def unwrap(value: object) -> object:
    """What is inside of ``{"d": ...}``, ``{"data": ...}`` or ``{"result": ...}``, however often."""
    while isinstance(value, dict):
        inside = [
            v
            for k, v in value.items()
            if k.lower() in ("d", "data", "result") and not isinstance(v, bool)
        ]
        if not inside:
            break
        value = inside[0]
    return value


def as_rows(data: object) -> Sequence[object]:
    """A list; null is an empty one, a single object is a list of one."""
    return data if isinstance(data, list) else [] if data is None else [data]


def build_records(function: Function, data: object, zone: tzinfo, first: int = 0) -> Result:
    """Records from decoded JSON; ``first`` is the number of the first row in error texts."""
    place = function_title(function)
    if function == "lots":
        return _Row(place, data if isinstance(data, dict) else {"lots": data}, zone).required(
            _Row.number, "lots"
        )
    if function in ("balance", "summary"):
        return _account_information(_Row(place, data, zone))
    if function == "bonus":
        return _bonus(_Row(place, data, zone))
    found = [_Row(f"{place}[{n}]", row, zone) for n, row in enumerate(as_rows(data), first)]
    if function == "open_trades":
        return tuple(
            _open_trade(row, command) for row, command in _commands(found) if command <= _LAST_ORDER
        )
    if function == "closed_trades":
        return _history(_commands(found))
    if function == "logins":
        return tuple(
            Login(row.required(_Row.time, "time"), row.text("ip"), row.text("application"))
            for row in found
        )
    if function == "commissions":
        return tuple(
            _commission(record) for row in found for record in row.inside("balanceRecords")
        )
    return tuple(
        _operation(row) for row in found if row.required(_Row.whole, "status") == _COMPLETED
    )


def function_title(function: Function) -> str:
    """A function's name in error texts."""
    return function.replace("_", " ")


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_DATE = re.compile(r"/Date\((-?\d{1,15})([+-]\d{4})?\)/", re.ASCII)
_LONGEST_NUMBER, _LEAST_EXPONENT, _GREATEST_EXPONENT = 34, -30, 17
_LONGEST_TEXT = 100
_DECIMALS = range(11)
_EPOCH, _YEARS = datetime(1970, 1, 1, tzinfo=UTC), range(1970, 2200)
_MILLISECONDS_FROM = 10**11  # in seconds it would be the year 5138
_LAST_POSITION, _LAST_ORDER, _BALANCE, _CREDIT = 1, 5, 6, 7  # of MetaTrader's commands
_COMPLETED = 1
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_CURRENCIES = {"0": "USD", "1": "EUR"}  # what 2 means differs by deployment
_ZERO, _ONE = Decimal(0), Decimal(1)


@lru_cache(4096)  # volumes, swaps and digits repeat, and what is shared is pickled once
def _decimal(text: str) -> Decimal | None:
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    if not number:
        return _ZERO  # without a sign
    return number if _LEAST_EXPONENT <= number.adjusted() <= _GREATEST_EXPONENT else None


@lru_cache(64)
def _unit(digits: str) -> Decimal | None:
    """The smallest step of a price with so many decimals."""
    number = _decimal(digits)
    return _ONE.scaleb(-int(number)) if number is not None and number in _DECIMALS else None


def _instant(text: str, zone: tzinfo) -> datetime | None:
    try:
        if match := _DATE.fullmatch(text):
            moment = _EPOCH + timedelta(milliseconds=int(match[1]))
        elif (number := _decimal(text)) is not None:
            moment = _EPOCH + timedelta(
                microseconds=int(number * (1000 if abs(number) >= _MILLISECONDS_FROM else 10**6))
            )
        else:
            moment = datetime.fromisoformat(text)
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if moment.year in _YEARS else None


def _clean(text: str) -> str | None:
    return "".join(filter(str.isprintable, text))[:_LONGEST_TEXT].strip() or None


class _Row:
    """One object of an answer; its fields are read by their names on the wire, in any case."""

    __slots__ = ("_place", "_values", "_zone")

    def __init__(self, place: str, value: object, zone: tzinfo) -> None:
        if not isinstance(value, dict):
            raise Unreadable(f"{place}: {_describe(value)} is not an object")
        self._place, self._zone = place, zone
        self._values: Mapping[str, object] = {name.lower(): item for name, item in value.items()}

    def _read(self, name: str, read: Callable[[str], T | None], what: str) -> T | None:
        value = self._values.get(name.lower())
        if value is None or value == "":
            return None
        result = read(str(value).strip()) if isinstance(value, str | bool) else None
        if result is None:
            raise self.bad(name, f"{_describe(value)} is not {what}")
        return result

    def bad(self, name: str, why: str) -> Unreadable:
        return Unreadable(f"{self._place}.{name}: {why}")

    def required(self, read: "Callable[[_Row, str], T | None]", name: str) -> T:
        value = read(self, name)
        if value is None:
            raise self.bad(name, "missing")
        return value

    def text(self, name: str) -> str | None:
        return self._read(name, _clean, "a text")

    def number(self, name: str) -> Decimal | None:
        return self._read(name, _decimal, "a valid number")

    def flag(self, name: str) -> bool | None:
        return self._read(name, lambda text: _FLAGS.get(text.lower()), "true or false")

    def time(self, name: str) -> datetime | None:
        return self._read(name, lambda text: _instant(text, self._zone), "a valid time")

    def whole(self, name: str) -> int | None:
        number = self.number(name)
        if number is not None and number != int(number):
            raise self.bad(name, f"{number} is not a whole number")
        return None if number is None else int(number)

    def price(self, name: str) -> Decimal | None:
        """A price with as many decimals as its symbol has."""
        price, unit = self.number(name), self._read("digits", _unit, "a number of decimals")
        return price.quantize(unit, ROUND_HALF_EVEN) if price and unit else price

    def currency(self, name: str) -> str | None:
        code = self.text(name) or ""
        return _CURRENCIES.get(code) or (
            code.upper() if re.fullmatch("[A-Za-z]{3}", code) else None
        )

    def has(self, name: str) -> bool:
        """Whether there is anything of that name, be it null."""
        return name.lower() in self._values

    def part(self, name: str) -> "_Row":
        return _Row(f"{self._place}.{name}", self._values.get(name.lower()) or {}, self._zone)

    def inside(self, name: str) -> list["_Row"]:
        """The rows of a list in here; where there is no such list, this row is what would be in it."""
        if not self.has(name):
            return [self]
        listed = enumerate(as_rows(self._values[name.lower()]))
        return [_Row(f"{self._place}.{name}[{n}]", row, self._zone) for n, row in listed]


def _describe(value: object) -> str:
    if isinstance(value, str):
        return repr(value[:40])
    return (
        "an object"
        if isinstance(value, dict)
        else "a list"
        if isinstance(value, list)
        else json.dumps(value)
    )


def subtract(figure: Decimal | None, part: Decimal | None) -> Decimal | None:
    """The difference, where both are known, without the noise that the upstream's binary fractions leave."""
    return None if figure is None or part is None else Decimal(f"{figure - part:.8f}")


def remaining_lots(
    closed: Decimal | None, required: Decimal | None
) -> tuple[Decimal | None, Decimal | None]:
    """Of the lots that a bonus requires those that are missing, and the share that is closed, from 0 to 1."""
    if closed is None or required is None:
        return None, None
    return max(_ZERO, required - closed), min(
        max(_ZERO, closed / required), _ONE
    ) if required else None


def _account_information(row: _Row) -> AccountInformation:
    balance, equity, free_margin = (
        row.number("balance"),
        row.number("equity"),
        row.number("freeMargin"),
    )
    margin, profit, account_type = row.number("margin"), row.number("profit"), row.text("type")
    information = AccountInformation(
        balance=balance,
        equity=equity,
        free_margin=free_margin,
        margin=subtract(equity, free_margin) if margin is None else margin,
        profit=subtract(equity, balance) if profit is None else profit,
        currency=row.currency("currency"),
        leverage=row.whole("leverage"),
        account_type=int(account_type)
        if account_type and account_type.isdecimal()
        else account_type,
        swap_free=row.flag("isSwapFree"),
        verification_level=row.whole("verificationLevel"),
        open_trades=row.whole("currentTradesCount"),
        open_lots=row.number("currentTradesVolume"),
        total_trades=row.whole("totalTradesCount"),
        total_lots=row.number("totalTradesVolume"),
    )
    if information == AccountInformation():
        raise row.bad("balance", "missing, like every other field")
    return information


def _commands(found: Iterable[_Row]) -> Iterator[tuple[_Row, int]]:
    """Each row with its MetaTrader command."""
    for row in found:
        command = row.required(_Row.whole, "type")
        if not 0 <= command <= _CREDIT:
            raise row.bad("type", f"{command} is not a MetaTrader command")
        yield row, command


def _trade(row: _Row, command: int) -> dict[str, Any]:
    """What open and closed trades have in common."""
    return {
        "ticket": row.required(_Row.whole, "ticket"),
        "symbol": row.required(_Row.text, "symbol"),
        "command": command,
        "volume": row.required(_Row.number, "volume"),
        "open_price": row.required(_Row.price, "openPrice"),
        "open_time": row.required(_Row.time, "openTime"),
        "stop_loss": row.price("sl") or None,
        "take_profit": row.price("tp") or None,
        "swap": row.number("swaps"),
        "profit": row.number("profit"),
    }


def _open_trade(row: _Row, command: int) -> OpenTrade:
    return OpenTrade(**_trade(row, command), current_price=row.price("currentPrice"))


def _closed_trade(row: _Row, command: int) -> ClosedTrade:
    price, time = row.required(_Row.price, "closePrice"), row.required(_Row.time, "closeTime")
    return ClosedTrade(**_trade(row, command), close_price=price, close_time=time)


def _history(found: Iterable[tuple[_Row, int]]) -> History:
    trades, operations = [], []
    for row, command in found:
        if command <= _LAST_POSITION:
            trades.append(_closed_trade(row, command))
        elif (
            command == _BALANCE
        ):  # the pending orders between were cancelled, and never were trades
            time = row.time("closeTime") or row.required(_Row.time, "openTime")
            operations.append(Operation(time, row.required(_Row.number, "profit")))
    return History(tuple(trades), tuple(operations))


def _operation(row: _Row) -> Operation:
    time, amount = row.required(_Row.time, "date"), abs(row.required(_Row.number, "amount"))
    direction = row.required(_Row.whole, "operationType")
    if direction not in (0, 1):
        raise row.bad("operationType", f"{direction} is neither deposit (0) nor withdrawal (1)")
    return Operation(time, -amount if direction else amount)


def _bonus(row: _Row) -> Bonus:
    bonuses, summary, trade = row.part("bonuses"), row.part("summary"), row.part("trade")
    closed, required = trade.number("closedLots"), trade.number("lotsRequired")
    told, (missing, progress) = trade.number("missingLots"), remaining_lots(closed, required)
    bonus = Bonus(
        total=bonuses.number("totalBonus"),
        welcome=bonuses.number("welcomeBonus"),
        club=bonuses.number("clubBonus"),
        available=summary.number("availableToWithdraw"),
        available_keeping_bonus=summary.number("availableToWithdrawWithoutLosingBonus"),
        lots_closed=closed,
        lots_required=required,
        lots_missing=missing if told is None else told,
        progress=progress,
    )
    if bonus == Bonus() and not any(map(row.has, ("bonuses", "summary", "trade"))):
        raise row.bad("bonuses", "missing, like every other field")
    return bonus


def _commission(row: _Row) -> Commission:
    return Commission(
        time=row.required(_Row.time, "time"),
        amount=row.required(_Row.number, "amount"),
        symbol=row.text("symbol"),
        volume=row.number("volume"),
    )
