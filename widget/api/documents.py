"""JSON texts, read one row at a time.

``json.loads`` needs many times the memory of a long response, and builds all of a response that is
nonsense before anyone can look at it. Here only one row is built at a time, so nonsense is noticed
at its first row, and no shape of a response takes more time or memory than an ordinary one.
"""

import json
import re
from collections.abc import Collection, Iterator

# Numbers stay text, so that they become exact Decimals. Raw control characters in texts are not
# JSON, but a comment with a tab is no reason to lose the figures.
DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)

WRAPPERS = frozenset({"d", "data", "result"})
"""Keys of objects that only wrap the value. ``d`` is how older .NET services do it."""

# Limits that no real response reaches.
MAX_VALUE_LENGTH = 2**18
"""Characters of one row, and of an object that is not a row of a list."""
MAX_ROWS = 500_000
MAX_MEMBERS = 1000
"""Members of an object that may be a wrapper."""
MAX_DEPTH = 10
"""Wrappers, and texts that contain JSON, around each other."""

BYTE_ORDER_MARK_AND_WHITE_SPACE = "\ufeff \t\r\n"
WHITE_SPACE = re.compile(r"[ \t\r\n]*")


class NotJSON(Exception):
    """The text is not JSON, or exceeds a limit. Says what is wrong, without quoting the text."""


class Document:
    """A JSON text, which is read from its beginning to its end.

    Raises:
        NotJSON: (all methods) the text is not JSON, or exceeds a limit.
    """

    def __init__(self, text: str) -> None:
        # Some .NET services send a byte order mark.
        self._text = text.strip(BYTE_ORDER_MARK_AND_WHITE_SPACE)
        # The decoder sees only this part of the text, so that it cannot build more than fits in.
        self._window = ""
        self._window_start = 0
        self._position = 0  # in the window
        self._tried_window = -1
        self._move_window(0)

    @property
    def offset(self) -> int:
        """The number of characters that are read."""
        return self._window_start + self._position

    def next_character(self) -> str:
        """The character with which the next value begins; empty at the end of the text."""
        while True:
            match = WHITE_SPACE.match(self._window, self._position)
            assert match is not None  # white space may be empty
            self._position = match.end()
            if self._position < len(self._window) or self._is_last_window():
                return self._window[self._position : self._position + 1]
            self._move_window(self._position)

    def value(self) -> object:
        """The next value, whole."""
        try:
            value, end = DECODER.raw_decode(self._window, self._position)
        except (ValueError, RecursionError):
            end = len(self._window)
        # At the end of the window, the value may continue behind it.
        if end == len(self._window):
            self.next_character()
            self._move_window(self._position)
            value, end = self._scan()
        self._position = end
        return value

    def text(self) -> str:
        """The next value, a text of any length."""
        if self.next_character() != '"':
            raise NotJSON(f"expecting a text: {self._where()}")
        try:
            text, self._position = DECODER.raw_decode(self._window, self._position)
            return str(text)
        except ValueError:
            pass  # it ends behind the window
        try:
            text, end = DECODER.raw_decode(self._text, self.offset)
        except json.JSONDecodeError as error:
            raise NotJSON(f"{error.msg}: {self._where()}") from None
        self._move_window(end - self._window_start)
        return str(text)

    def elements(self) -> Iterator[None]:
        """Go through a list. The caller reads the value of each element."""
        self._take("[")
        if self.next_character() == "]":
            self._take("]")
            return
        separator = ","
        while separator == ",":
            yield
            separator = self._take(",]")

    def values(self) -> Iterator[object]:
        """The elements of a list, each of them whole."""
        for _ in self.elements():
            yield self.value()
            yield from self._objects_in_window()

    def _objects_in_window(self) -> list[object]:
        """The elements that follow in the window up to its last object.

        They are decoded at once, which is much faster. If that does not work, there are none, and
        they are decoded one by one.
        """
        # Not again after each of those.
        if self._tried_window == self._window_start:
            return []
        self._tried_window = self._window_start
        end = self._window.rfind("}") + 1
        text = self._window[self._position : end]
        if not text:
            return []
        # It begins with the comma before the next element, which needs something in front of it.
        array = f"[null{text}]"
        try:
            values, length = DECODER.raw_decode(array)
        except (ValueError, RecursionError):
            return []
        # The list may end before, and something else may follow it.
        if length != len(array):
            return []
        self._position = end
        objects = values[1:]
        return list(objects)

    def members(self) -> Iterator[str]:
        """Go through an object: its keys. The caller reads the value of each."""
        self._take("{")
        if self.next_character() == "}":
            self._take("}")
            return
        separator = ","
        count = 0
        while separator == ",":
            count += 1
            if count > MAX_MEMBERS:
                raise NotJSON(f"an object with more than {MAX_MEMBERS} members")
            key = self.text()
            self._take(":")
            yield key
            separator = self._take(",}")

    def finish(self) -> None:
        """Make sure that nothing follows."""
        if self.next_character():
            raise NotJSON(f"more text after the end: {self._where()}")

    def _take(self, expected: str) -> str:
        """The next character, which must be one of those expected."""
        character = self.next_character()
        if not character or character not in expected:
            listed = " or ".join(expected)
            raise NotJSON(f"expecting {listed}: {self._where()}")
        self._position += 1
        self.next_character()
        return character

    def _scan(self) -> tuple[object, int]:
        """The value at the beginning of the window, and its end."""
        try:
            value, end = DECODER.raw_decode(self._window, self._position)
        except RecursionError:
            raise NotJSON("too many lists and objects in each other: recursion") from None
        except json.JSONDecodeError as error:
            why = error.msg
            if not self._is_last_window():
                why = f"broken, or a value of more than {MAX_VALUE_LENGTH} characters"
            raise NotJSON(f"{why}: {self._where()}") from None
        return value, end

    def _is_last_window(self) -> bool:
        return self._window_start + len(self._window) >= len(self._text)

    def _move_window(self, position: int) -> None:
        """Let the window begin at a position of the present one."""
        self._window_start += position
        end = self._window_start + MAX_VALUE_LENGTH
        self._window = self._text[self._window_start : end]
        self._position = 0

    def _where(self) -> str:
        return f"character {self.offset} of {len(self._text)}"


def rows_in(
    text: str,
    more_wrappers: Collection[str] = (),
) -> Iterator[object]:
    """The rows of a list, one at a time, without what is around it.

    A single value is a list of one; null and an empty text are an empty list.

    Args:
        text: the JSON.
        more_wrappers: keys, in lower case, of lists in the rows. Their elements are the rows then.

    Raises:
        NotJSON: the text is not JSON, or exceeds a limit.
    """
    document = Document(text)
    # An empty body is the same as null.
    if document.next_character():
        yield from Unwrapping(more_wrappers).rows(document, depth=0)
    document.finish()


class Unwrapping:
    """How the rows are found: in wrappers, and in texts that contain JSON.

    Args:
        more_wrappers: as for ``rows_in``.
    """

    def __init__(self, more_wrappers: Collection[str]) -> None:
        self._wrappers = WRAPPERS.union(more_wrappers)
        # Rows that are not wrappers themselves are read whole, which is much faster.
        self._unwraps_elements = bool(more_wrappers)
        self._element_count = 0

    def rows(self, document: Document, depth: int) -> Iterator[object]:
        """The rows in the next value of a document."""
        if depth > MAX_DEPTH:
            raise NotJSON("too many wrappers around each other")
        first = document.next_character()
        if first == "[":
            yield from self._list_rows(document, depth)
        elif first == "{":
            yield from self._object_rows(document, depth)
        elif first == '"':
            yield from self._text_rows(document, depth)
        else:
            value = document.value()
            if value is not None:
                yield value

    def _list_rows(self, document: Document, depth: int) -> Iterator[object]:
        if not self._unwraps_elements:
            yield from document.values()
            return
        for _ in document.elements():
            self._element_count += 1
            if self._element_count > MAX_ROWS:
                raise NotJSON(f"more than {MAX_ROWS} rows")
            yield from self.rows(document, depth + 1)

    def _object_rows(self, document: Document, depth: int) -> Iterator[object]:
        """The rows in a wrapper, or the object itself if it is none."""
        members: dict[str, object] = {}
        length = 0
        is_wrapper = False
        for key in document.members():
            # {"result": true, ...} says that the call succeeded and wraps nothing.
            is_flag = document.next_character() in "tf"
            is_first = not is_wrapper
            if is_first and not is_flag and key.lower() in self._wrappers:
                is_wrapper = True
                yield from self.rows(document, depth + 1)
                continue
            beginning = document.offset
            members[key] = document.value()
            length += document.offset - beginning
            if length > MAX_VALUE_LENGTH:
                raise NotJSON(f"an object of more than {MAX_VALUE_LENGTH} characters")
        if not is_wrapper:
            yield members

    def _text_rows(self, document: Document, depth: int) -> Iterator[object]:
        """The rows of the JSON in a text, or the text itself if it contains none."""
        text = document.text()
        inner = Document(text)
        first = inner.next_character()
        if not first or text == "null":
            return
        if first not in '[{"':
            yield text
            return
        yield from self.rows(inner, depth + 1)
        inner.finish()
