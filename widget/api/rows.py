"""The fields of the API's JSON objects, read by name."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, NamedTuple, TypeVar

from widget.api import values
from widget.api.times import TimeRules
from widget.errors import Unreadable

T = TypeVar("T")

MAX_FIELD_LENGTH = 1000
"""Characters of a field that is used."""

ALIASES = {
    "cmd": "type",
    "swap": "swaps",
    "commissions": "commission",
}
"""Other names of some fields, in lower case. They count in rows that lack the usual name."""


Convert = Callable[[str], T | None]
"""Gives the value of a text, or None if the text says that there is none; ``ValueError`` if the
text is no such value."""


class Kind(NamedTuple, Generic[T]):
    """What a field can be.

    Attributes:
        name: for error texts.
        convert: converts a text.
        convert_all: converts many texts, for values that hardly ever come twice. It need not accept
            all that ``convert`` does.
    """

    name: str
    convert: Convert[T]
    convert_all: Callable[[Sequence[Any]], list[T]] | None = None


NUMBER: Kind[Decimal] = Kind("a valid number", values.parse_number)
INTEGER: Kind[int] = Kind("a whole number", values.parse_integer, values.parse_integers)
TEXT: Kind[str] = Kind("a text", values.clean_text)
CODE: Kind[int | str] = Kind("a code or a name", values.parse_code)
FLAG: Kind[bool] = Kind("true or false", values.parse_flag)
COMMAND: Kind[int] = Kind("a MetaTrader command", values.parse_command)
LEVERAGE: Kind[int] = Kind("a leverage", values.parse_leverage)
PRICE_STEP: Kind[Decimal] = Kind("a number of decimals", values.parse_price_step)


class Note(NamedTuple):
    """Something in a response that was left out, which the operator should know.

    Attributes:
        field: the function and the field without the number of a row: ``open trades.sl``.
        text: what is wrong, for the log.
    """

    field: str
    text: str


class Reading:
    """What the rows of one response have in common.

    Args:
        title: the name of the function in error texts.
        rules: how the API writes times.
    """

    def __init__(self, title: str, rules: TimeRules) -> None:
        self.title = title
        self.time: Kind[datetime] = Kind("a valid time", rules.parse, rules.parse_all)
        self._notes: dict[str, Note] = {}

    @property
    def notes(self) -> tuple[Note, ...]:
        """One note for each field of which there is something to note."""
        return tuple(self._notes.values())

    def add_note(self, name: str, text: str) -> None:
        """Note something about a field, unless there is a note about it."""
        field = f"{self.title}.{name}"
        # The first one is enough: a wrong field is usually wrong in every row.
        self._notes.setdefault(field, Note(field, text))


class Row:
    """An object of the JSON. Its fields are read by name, in any case.

    Args:
        reading: what it has in common with other rows.
        value: the decoded JSON.
        place: where it is, for error texts: ``open trades[3]``.

    Raises:
        Unreadable: (all methods) the text names the place and the field.
    """

    def __init__(self, reading: Reading, value: object, place: str) -> None:
        if not isinstance(value, dict):
            raise Unreadable(f"{place}: {describe(value)} is not an object")
        self.reading = reading
        self.value: Mapping[str, object] = value
        self.place = place
        names = field_names(value)
        self._values = dict(zip(names, value.values(), strict=True))

    def has(self, name: str) -> bool:
        """Whether there is such a field, even if it is null."""
        return name.lower() in self._values

    def error(self, name: str, why: str) -> Unreadable:
        """An error that names the field."""
        return Unreadable(f"{self.place}.{name}: {why}")

    def note(self, name: str, why: str) -> None:
        """Note something about a field that is no error."""
        self.reading.add_note(name, f"{self.place}.{name}: {why}")

    def optional(self, name: str, kind: Kind[T]) -> T | None:
        """A field; None if it is missing, null or empty."""
        value = self._values.get(name.lower())
        if value is None or value == "":
            return None
        # Numbers are text here, see documents. Objects and lists are never a value.
        if isinstance(value, str | bool):
            # No real value is longer, and converting a very long one would take too much time.
            text = str(value)[:MAX_FIELD_LENGTH]
            try:
                return kind.convert(text.strip())
            except ValueError:
                pass
        raise self.error(name, f"{describe(value)} is not {kind.name}")

    def required(self, name: str, kind: Kind[T]) -> T:
        """A field that must be there."""
        value = self.optional(name, kind)
        if value is None:
            raise self.error(name, "missing")
        return value

    def decoration(self, name: str, kind: Kind[T]) -> T | None:
        """A field that no total depends on: if it cannot be read, it is None and noted."""
        try:
            return self.optional(name, kind)
        except Unreadable as error:
            self.reading.add_note(name, str(error))
            return None

    def part(self, name: str) -> "Row":
        """An object in this one; empty if it is missing."""
        # Some APIs send null or "" instead of leaving the object out.
        value = self._values.get(name.lower()) or {}
        place = f"{self.place}.{name}"
        return Row(self.reading, value, place)


def field_names(value: Mapping[str, Any]) -> list[str]:
    """The names of fields in lower case: one API writes camelCase, the other PascalCase."""
    names = [key.lower() for key in value]
    for position, name in enumerate(names):
        usual_name = ALIASES.get(name)
        if usual_name and usual_name not in names:
            names[position] = usual_name
    return names


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
