"""Trades, of which a response may have a hundred thousand.

Nearly all rows of a list have the same keys, and most of their values have been seen before. So
blocks of rows are read column by column, and each column remembers the values of its texts. A row
that differs in any way is read by its names, as all other objects are, with the same result.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import ROUND_HALF_EVEN, Decimal
from operator import getitem, itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

from widget.api.records import ClosedTrade, OpenTrade, without_noise
from widget.api.rows import (
    COMMAND,
    INTEGER,
    MAX_FIELD_LENGTH,
    NUMBER,
    PRICE_STEP,
    TEXT,
    Kind,
    Reading,
    Row,
    field_names,
)
from widget.api.values import parse_number

Trade = TypeVar("Trade", bound=OpenTrade | ClosedTrade)

MAX_REMEMBERED = 2**15
"""Texts that a column remembers. More would take memory for prices that do not come back."""

HASHABLE = (str, bool, type(None))
"""What ``digits`` can be and be looked up. Numbers are text here."""

MAX_LAYOUTS = 32
"""Layouts of rows, and ways to write ``digits``, that are remembered. A real API has a few."""


class Field(NamedTuple):
    """A field of a trade.

    Attributes:
        name: its name in the JSON.
        kind: what it can be.
        read: the method of ``Row`` that reads it.
    """

    name: str
    kind: Kind[Any]
    read: Callable[[Row, str, Kind[Any]], Any] = Row.optional


def open_trade_fields(reading: Reading, step: Decimal | None) -> tuple[Field, ...]:
    """The fields of an open trade, in the order of the record.

    Args:
        reading: of the response.
        step: the smallest step of prices, if it is known.
    """
    price = price_kind(step)
    current_price = Field("currentPrice", price, Row.decoration)
    return trade_fields(reading, price, current_price)


def closed_trade_fields(reading: Reading, step: Decimal | None) -> tuple[Field, ...]:
    """The same of a closed trade."""
    price = price_kind(step)
    close_price = Field("closePrice", price, Row.required)
    close_time = Field("closeTime", reading.time, Row.required)
    return trade_fields(reading, price, close_price, close_time)


def trade_fields(reading: Reading, price: Kind[Decimal], *own: Field) -> tuple[Field, ...]:
    """The fields of a trade, with those that only its record has in their place."""
    limit = limit_kind(price)
    return (
        Field("ticket", INTEGER, Row.required),
        Field("symbol", TEXT, Row.required),
        Field("type", COMMAND, Row.required),
        Field("volume", NUMBER, Row.required),
        Field("openPrice", price, Row.required),
        Field("openTime", reading.time),
        *own,
        Field("sl", limit, Row.decoration),
        Field("tp", limit, Row.decoration),
        Field("swaps", NUMBER),
        Field("commission", NUMBER),
        Field("profit", NUMBER),
    )


def price_kind(step: Decimal | None) -> Kind[Decimal]:
    """A price without the noise of binary fractions: the API's 1.0847099999999999 becomes 1.08471
    again. Without a step, only digits that no price has are rounded away.
    """
    # One function call less for each price than with partial(), and there are several for each
    # trade.
    if step is None:
        return Kind(NUMBER.name, lambda text: without_noise(parse_number(text)))
    return Kind(NUMBER.name, lambda text: parse_number(text).quantize(step, ROUND_HALF_EVEN))


def limit_kind(price: Kind[Decimal]) -> Kind[Decimal]:
    """A price at which a trade is closed; 0 means that there is none."""
    return Kind(price.name, lambda text: price.convert(text) or None)


Texts = tuple[object, ...]
"""How a row writes the fields of a record, in their order. They are text, unless it is unusual."""

UNUSUAL = (KeyError, ValueError, TypeError, AttributeError)
"""What a column raises if a row is to be read by names."""


class Column(dict[object, Any]):
    """The values of fields by their texts, which are converted when they are first looked up.

    A value that is missing, unreadable or no text raises one of ``UNUSUAL``.
    """

    def __init__(self, field: Field) -> None:
        self._convert = field.kind.convert
        self._is_required = field.read is Row.required
        self._convert_all = field.kind.convert_all
        self._forget()

    def __missing__(self, text: object) -> Any:
        if not isinstance(text, str) or not text or len(text) > MAX_FIELD_LENGTH:
            raise KeyError(text)
        value = self._convert(text.strip())
        if value is None and self._is_required:
            raise KeyError(text)
        if self._convert_all is None:
            if len(self) >= MAX_REMEMBERED:
                self._forget()
            self[text] = value
        return value

    def convert_all(self, texts: Sequence[object]) -> list[Any]:
        """The values of many texts."""
        if self._convert_all is None:
            return list(map(self.__getitem__, texts))
        # None of these is remembered, so there is no need to look them up.
        with suppress(ValueError, TypeError, OverflowError):
            return self._convert_all(texts)
        # They are written in a less usual way.
        convert: Callable[[Any], Any] = self._convert
        values = list(map(convert, texts))
        if None in values:
            raise KeyError(None)
        return values

    def _forget(self) -> None:
        self.clear()
        if not self._is_required:
            self[None] = None
            self[""] = None


class Layout(NamedTuple):
    """Where the fields are in rows with the same keys.

    Attributes:
        digits_key: the key of the number of decimals; None if there is none.
        pick: picks the texts of the record's fields, in their order, from the values and a None.
    """

    digits_key: str | None
    pick: Callable[[tuple[object, ...]], Texts]


@dataclasses.dataclass
class Group:
    """Rows whose prices have the same number of decimals, and so the same columns.

    Attributes:
        positions: their positions in a block.
        texts: how each of them writes the fields of the record, in their order.
    """

    positions: list[int] = dataclasses.field(default_factory=list)
    texts: list[Texts] = dataclasses.field(default_factory=list)


class TradeReader(Generic[Trade]):
    """Reads the trades of one response.

    Args:
        reading: what the rows have in common.
        make: makes a record of its fields.
        fields: the fields of the record, from the reading and the smallest step of prices.
        last_command: the last MetaTrader command that is a trade.
    """

    def __init__(
        self,
        reading: Reading,
        make: Callable[[Iterable[Any]], Trade],
        fields: Callable[[Reading, Decimal | None], tuple[Field, ...]],
        last_command: int,
    ) -> None:
        self._reading = reading
        self._make = make
        self._fields = fields
        self._last_command = last_command
        self._layouts: dict[tuple[str, ...], Layout] = {}
        self._columns: dict[object, tuple[Column, ...]] = {}

    def read_block(self, values: list[object]) -> list[Trade | None]:
        """The trades in a block of rows, a column at a time.

        Args:
            values: the decoded JSON of each row.

        Returns:
            the trade of each row; None for a row that is to be read on its own.
        """
        trades: list[Trade | None] = [None] * len(values)
        groups: dict[object, Group] = defaultdict(Group)
        for position, value in enumerate(values):
            written = self._written(value)
            if written is not None:
                digits, texts = written
                group = groups[digits]
                group.positions.append(position)
                group.texts.append(texts)
        for digits, group in groups.items():
            try:
                group_trades = self._convert(group, self._columns[digits])
            except UNUSUAL:
                # One row is enough: those of the group are read one by one.
                continue
            for position, trade in zip(group.positions, group_trades, strict=True):
                if trade.command <= self._last_command:
                    trades[position] = trade
        return trades

    def _convert(self, group: Group, columns: tuple[Column, ...]) -> list[Trade]:
        """The trades of a group; one of ``UNUSUAL`` if one of its values is unusual."""
        texts_by_field = zip(*group.texts, strict=True)
        values_by_field = []
        for column, texts in zip(columns, texts_by_field, strict=True):
            values = column.convert_all(texts)
            values_by_field.append(values)
        return list(map(self._make, zip(*values_by_field, strict=True)))

    def read_by_columns(self, value: object) -> Trade | None:
        """The trade in a row; None if the row is to be read by names, since it is new or unusual.

        Args:
            value: the decoded JSON.
        """
        written = self._written(value)
        if written is None:
            return None
        digits, texts = written
        try:
            trade = self._make(map(getitem, self._columns[digits], texts))
        except UNUSUAL:
            return None
        if trade.command > self._last_command:
            return None
        return trade

    def _written(self, value: object) -> tuple[object, Texts] | None:
        """How a row writes ``digits``, and how it writes the fields of the record, in their order.

        None if no row before was written like that.
        """
        if not isinstance(value, dict):
            return None
        layout = self._layouts.get(tuple(value))
        if layout is None:
            return None
        digits = value.get(layout.digits_key)
        # A list or an object cannot be looked up.
        if not isinstance(digits, HASHABLE) or digits not in self._columns:
            return None
        return digits, layout.pick((*value.values(), None))

    def read_by_names(self, row: Row) -> Trade:
        """The trade in a row, whatever its layout is.

        Raises:
            Unreadable: the text names the field.
        """
        step = row.decoration("digits", PRICE_STEP)
        fields = self._fields(self._reading, step)
        values = [field.read(row, field.name, field.kind) for field in fields]
        trade = self._make(values)
        # After reading it, so that the layout of a row with an error is not remembered.
        self._remember(row.value, fields)
        return trade

    def _remember(self, value: Mapping[str, object], fields: tuple[Field, ...]) -> None:
        """Remember the layout and the columns of a row."""
        if len(self._layouts) >= MAX_LAYOUTS or len(self._columns) >= MAX_LAYOUTS:
            return
        keys = tuple(value)
        # Of two keys that differ in case only, the last one counts, as in ``Row``.
        positions = {name: position for position, name in enumerate(field_names(value))}
        # Behind the values there is a None, for the fields that the row does not have.
        none = len(keys)
        picked = [positions.get(field.name.lower(), none) for field in fields]
        digits_key = None
        digits = None
        if "digits" in positions:
            digits_key = keys[positions["digits"]]
            digits = value[digits_key]
        self._layouts[keys] = Layout(digits_key, itemgetter(*picked))
        # Anything else cannot be looked up, or is not a number of decimals.
        if digits is None or isinstance(digits, str):
            self._columns.setdefault(digits, columns_of(fields))


def columns_of(fields: tuple[Field, ...]) -> tuple[Column, ...]:
    """The column of each field. Fields of the same kind share one, as their values are similar."""
    shared: dict[object, Column] = {}
    columns = []
    for field in fields:
        key = (field.kind, field.read)
        column = shared.setdefault(key, Column(field))
        columns.append(column)
    return tuple(columns)
