"""The shapes of an API's responses: names, types, lengths and formats, without any value.

With them, somebody who cannot call an API can see how it differs from others.
"""

import json
import re
from typing import Any

from widget import __version__

MAX_RESPONSES = 3
"""So many responses are recorded for each function: the first pages of a history."""

NAME = re.compile(r"[A-Za-z_$][A-Za-z_$0-9]{0,40}")
MANY_DIGITS = re.compile(r"\d{3}")

ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?"
TEXT_FORMATS = (
    ("iso without zone", re.compile(ISO)),
    ("iso without zone, with a fraction", re.compile(rf"{ISO}[.,]\d+")),
    ("iso with zone", re.compile(rf"{ISO}([.,]\d+)?(Z|[+-]\d\d:?\d\d)")),
    ("date", re.compile(r"\d{4}-\d\d-\d\d")),
    ("/Date(ms)/", re.compile(r"/Date\(-?\d+\)/")),
    ("/Date(ms+zone)/", re.compile(r"/Date\(-?\d+[+-]\d{4}\)/")),
    ("number as text", re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?")),
)
UNIX_SECONDS = range(10**9, 2 * 10**9)
"""Numbers that are times of the years 2001 to 2033, in seconds or, with three more digits, in
milliseconds."""


Responses = dict[str, list[dict[str, Any]]]
"""What was recorded of some responses, by the functions that were called."""


class Recorder:
    """Collects the shapes of responses. Accounts are numbered, not named.

    Its instances can be the ``on_response`` of a ``Client``.
    """

    def __init__(self) -> None:
        self._accounts: dict[str, Responses] = {}

    def __call__(
        self,
        slug: str,
        name: str,
        status: int,
        kind: str,
        body: bytes | None,
    ) -> None:
        """Add a response.

        Args:
            slug: the account.
            name: the function, or "token".
            status: the HTTP status.
            kind: the value of Content-Type.
            body: the body; None if it was not read.
        """
        by_function = self._accounts.setdefault(slug, {})
        responses = by_function.setdefault(name, [])
        if len(responses) >= MAX_RESPONSES:
            return
        content_type, _, _ = kind.partition(";")
        response: dict[str, Any] = {
            "status": status,
            "content_type": content_type,
        }
        if body is not None:
            response["bytes"] = len(body)
            response["shape"] = shape_of_body(body)
        responses.append(response)

    def document(self) -> str:
        """All shapes as JSON for people."""
        accounts = []
        # A number, since the name of an account may be that of a person.
        for number, responses in enumerate(self._accounts.values(), 1):
            account = {"account": number, "responses": responses}
            accounts.append(account)
        document = {"cabinet_widgets": __version__, "accounts": accounts}
        text = json.dumps(document, indent=1)
        return f"{text}\n"


def shape_of_body(body: bytes) -> Any:
    """The shape of a body, which may be anything."""
    text = body.decode("utf-8", "replace").strip("\ufeff \t\r\n")
    if not text:
        return "empty"
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        if text.startswith("<"):
            return f"a page of {len(text)} characters"
        return f"no JSON, {len(text)} characters"
    return shape(value)


def shape(value: object) -> Any:
    """The shape of a JSON value."""
    if isinstance(value, dict):
        return {public_name(name): shape(item) for name, item in value.items()}
    if isinstance(value, list):
        shapes = [shape(item) for item in value]
        return {"rows": len(value), "each": merged(shapes)}
    if isinstance(value, str):
        return shape_of_text(value)
    if isinstance(value, bool):
        return "true or false"
    if value is None:
        return "null"
    return shape_of_number(value)


def public_name(name: str) -> str:
    """The name of a field, unless it may be a value, such as an account number or a person."""
    if NAME.fullmatch(name) and not MANY_DIGITS.search(name):
        return name
    return f"(a name of {len(name)} characters)"


def shape_of_text(text: str) -> str:
    """The format of a text, or its length."""
    if not text:
        return "empty text"
    for name, pattern in TEXT_FORMATS:
        if pattern.fullmatch(text):
            return name
    if text[0] in "[{":
        return f"JSON in a text, {len(text)} characters"
    return f"text, {len(text)} characters"


def shape_of_number(value: object) -> str:
    """The kind of a number, and its number of digits."""
    if not isinstance(value, int):
        return "fraction"
    if value in UNIX_SECONDS:
        return "unix seconds"
    if value // 1000 in UNIX_SECONDS:
        return "unix milliseconds"
    digits = len(str(abs(value)))
    return f"whole number, {digits} digits"


def merged(shapes: list[Any]) -> Any:
    """The shapes of all rows as one: fields by name, and each different shape of a field once."""
    # Lists are dictionaries too, with the number of their rows.
    objects = [each for each in shapes if isinstance(each, dict) and "rows" not in each]
    result: list[Any] = []
    if objects:
        fields = merged_fields(objects)
        result.append(fields)
    for each in shapes:
        if each not in objects and each not in result:
            result.append(each)
    if len(result) == 1:
        return result[0]
    return result


def merged_fields(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """The shapes of some objects as one, by the names of their fields."""
    names: dict[str, None] = {}
    for each in objects:
        names |= dict.fromkeys(each)
    fields = {}
    for name in names:
        found = [each.get(name, "missing") for each in objects]
        fields[name] = merged(found)
    return fields
