"""Shapes of responses: enough to see how an API writes, and no value."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget.api.shapes import Recorder, shape_of_body


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true or false"),
        (48213377, "whole number, 8 digits"),
        (-5, "whole number, 1 digits"),
        (1.5, "fraction"),
        (1763627465, "unix seconds"),
        (1763627465000, "unix milliseconds"),
        ("", "empty text"),
        ("Tester", "text, 6 characters"),
        ("314.79", "number as text"),
        ("2025-11-20T09:31:05", "iso without zone"),
        ("2025-11-20T09:31:05.0000000", "iso without zone, with a fraction"),
        ("2025-11-20T09:31:05Z", "iso with zone"),
        ("/Date(1520217807000+0300)/", "/Date(ms+zone)/"),
        ("/Date(1520217807000)/", "/Date(ms)/"),
        ('{"balance": 1}', "JSON in a text, 14 characters"),
        ([], {"rows": 0, "each": []}),
        ([{"a": 1}, {"a": None, "b": "x"}], None),
        ({"1234567": 1}, {"(a name of 7 characters)": "whole number, 1 digits"}),
    ],
)
def test_every_kind_of_value_has_a_shape(value: object, expected: object) -> None:
    if expected is None:
        expected = {
            "rows": 2,
            "each": {
                "a": ["whole number, 1 digits", "null"],
                "b": ["missing", "text, 1 characters"],
            },
        }
    assert shape_of_body(json.dumps(value).encode()) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "empty"),
        (b"<html></html>", "a page of 13 characters"),
        (b"Access denied", "no JSON, 13 characters"),
        (b"[" * 100_000, "no JSON, 100000 characters"),
    ],
)
def test_a_body_that_is_no_json_has_a_shape_too(body: bytes, expected: str) -> None:
    assert shape_of_body(body) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(value=JSON, secret=st.text(alphabet="αβγδε0123456789", min_size=5, max_size=12))
def test_no_value_is_recorded(value: Any, secret: str) -> None:
    recorder = Recorder()
    hidden = {"a": value, "b": secret, "c": [secret, {"d": secret}], secret: 1}
    recorder("main", "balance", 200, "application/json; x", json.dumps(hidden).encode())
    document = json.loads(recorder.document())
    assert secret not in json.dumps(document, ensure_ascii=False)
    assert "main" not in json.dumps(document)
