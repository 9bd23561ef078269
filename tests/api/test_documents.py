"""JSON is read one row at a time: the same values as json.loads, with limits."""

import json
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widget.api import documents
from widget.api.documents import NotJSON, rows_in

TEXT = st.text(max_size=8) | st.sampled_from(['"', "\\", "]", "},", "{", "\t"])
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(TEXT, inside, max_size=3),
    max_leaves=6,
)


def loads(text: str) -> Any:
    return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)


@given(
    values=st.lists(VALUE, max_size=30),
    indent=st.sampled_from([None, 0, 3]),
    window=st.sampled_from([300, 500, 2**18]),
)
def test_the_rows_are_those_of_json_loads_wherever_a_window_ends(
    values: list[object], indent: int | None, window: int
) -> None:
    text = json.dumps(values, indent=indent)
    longest = max((len(json.dumps(value, indent=indent)) for value in values), default=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "MAX_VALUE_LENGTH", max(window, 3 * longest))
        assert list(rows_in(text)) == loads(text)


@given(values=st.lists(st.integers(0, 10**20).map(str), min_size=1, max_size=50))
def test_numbers_are_not_cut_where_a_window_ends(values: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "MAX_VALUE_LENGTH", 23)
        assert list(rows_in(f"[{','.join(values)}]")) == values


@given(text=st.text(max_size=30) | st.text('[]{},:"12ntf \\', max_size=12))
def test_what_json_loads_refuses_is_not_json(text: str) -> None:
    try:
        expected = json.loads(text, strict=False)
    except ValueError:
        assert_is_refused_or_empty(text)
        return
    if isinstance(expected, list):
        assert len(list(rows_in(text))) == len(expected)
        return
    # A text may contain JSON, which may be refused.
    with suppress(NotJSON):
        list(rows_in(text))


def assert_is_refused_or_empty(text: str) -> None:
    try:
        rows = list(rows_in(text))
    except NotJSON:
        return
    # White space in a wider sense, or a byte order mark, is an empty text here.
    stripped = text.strip("\ufeff \t\r\n")
    assert rows == [] or loads(stripped) is not None


@pytest.mark.parametrize("quoted", [1, 2, 3])
@pytest.mark.parametrize("wrapped", [0, 1, 2])
def test_json_in_a_text_is_read_like_any_other(quoted: int, wrapped: int) -> None:
    rows = [{"a": '"}],['}, {"b": "2"}]
    value: object = rows
    for _ in range(wrapped):
        value = {"ok": True, "d": value, "more": [1, {}]}
    for _ in range(quoted):
        value = json.dumps(value)
    assert list(rows_in(json.dumps(value))) == rows


def test_a_long_text_that_contains_json_is_read_in_the_same_way() -> None:
    rows = [{"number": str(n)} for n in range(30_000)]
    assert list(rows_in(json.dumps({"d": json.dumps(rows)}))) == rows


@pytest.mark.parametrize("text", ["", " ", "\ufeff", "null", '""', '"null"', '{"d": ""}', "[]"])
def test_nothing_is_no_row(text: str) -> None:
    assert list(rows_in(text)) == []


def test_nested_lists_are_one_list() -> None:
    text = '[{"Partner": 1, "Records": [{"a": "1"}, {"a": "2"}], "more": []}, {"a": "3"}]'
    assert list(rows_in(text, {"records"})) == [{"a": "1"}, {"a": "2"}, {"a": "3"}]


SIZE = 2**17


@pytest.mark.parametrize(
    "text",
    [
        "[" + "{}," * (SIZE // 3) + "{}]",
        "[" * SIZE,
        '{"x":' * (SIZE // 5),
        '{"d":' * (SIZE // 5),
        '[{"x":[' + "{}," * (SIZE // 3) + "{}]}]",
        '{"x":[' + "{}," * (SIZE // 3) + "{}]}",
        "{" + '"a":1,' * (SIZE // 6) + '"a":1}',
        "[{" + '"a":1,' * (SIZE // 6) + '"a":1}]',
        "[" + "1" * SIZE + "]",
        '[{"x":"' + "x" * SIZE + '"}]',
        '{"d":"[' + "[]," * (SIZE // 3) + '[]]"}',
        json.dumps("[" + "{}," * (SIZE // 3) + "{}]"),
        " " * SIZE + "[{}]",
        "[" + " " * SIZE + "{}]",
        "[" + "1," * (SIZE // 2) + "1]",
    ],
    ids=range(15),
)
@pytest.mark.parametrize("nested", [(), ("x",)])
def test_a_hostile_text_takes_no_more_memory_than_a_few_copies_of_it(
    monkeypatch: pytest.MonkeyPatch, text: str, nested: tuple[str, ...]
) -> None:
    monkeypatch.setattr(documents, "MAX_VALUE_LENGTH", 2**12)
    monkeypatch.setattr(documents, "MAX_ROWS", 10_000)
    tracemalloc.start()
    try:
        for _ in rows_in(text, nested):
            pass
    except NotJSON:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    # json.loads takes 20 times the size of the first.
    assert peak < 6 * SIZE


def test_a_row_that_is_too_long_is_refused() -> None:
    row = {"comment": "x" * documents.MAX_VALUE_LENGTH}
    with pytest.raises(NotJSON, match="a value of more than 262144 characters: character 1 of"):
        list(rows_in(json.dumps([row])))


def test_too_many_rows_are_refused() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(documents, "MAX_ROWS", 10)
        assert len(list(rows_in('[{"d": [1, 2, 3, 4]}, 5, 6, 7]', {"d"}))) == 7
        with pytest.raises(NotJSON, match="more than 10 rows"):
            list(rows_in(json.dumps([[]] * 11), {"records"}))
