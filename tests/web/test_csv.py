"""CSV files: RFC 4180, the figures of the JSON, and no text that a spreadsheet calculates."""

import csv
import io
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import jwt
import pytest
from accounts import EVERYTHING, SECRET, WIDGETS, query_with_rows
from conftest import Service
from hypothesis import given
from hypothesis import strategies as st

from widget.render.csv import write_csv
from widget.widgets.options import MAX_CSV_ROWS

WITH_CSV = [name for name, widget in WIDGETS.items() if widget.csv]
Serve = Callable[..., Service]


def parsed(text: str) -> list[dict[str, str]]:
    """The lines of a file by the names of its header."""
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def written(value: Any) -> str:
    """A JSON value as a cell contains it."""
    return "" if value is None else str(value)


@pytest.mark.parametrize("name", WITH_CSV)
def test_a_file_has_the_rows_of_the_json(name: str, serve: Serve, instant: float) -> None:
    service = serve(accounts={"main": EVERYTHING})
    query = query_with_rows(name, instant)
    if "rows" in WIDGETS[name].options:
        query = "rows=100"
    response = service.get(f"/w/main/{name}.csv?{query}")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert response.headers["Content-Disposition"] == f'attachment; filename="main-{name}.csv"'
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    data = service.json(f"/w/main/{name}.json?{query}")
    declared = WIDGETS[name].csv[0]
    listed = list(declared.lines(data[declared.rows])) if declared.lines else data[declared.rows]
    assert listed
    assert parsed(response.text) == [
        {column: written(row[column]) for column in declared.columns} for row in listed
    ]
    header = response.text.split("\r\n")[0]
    assert header == ",".join(declared.columns)
    assert response.text.endswith("\r\n")


def test_grouped_by_symbol_the_lines_are_symbols(serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    lines = parsed(service.get("/w/main/open-trades.csv?group=symbol").text)
    rows = service.json("/w/main/open-trades.json?group=symbol")["symbols"]
    assert [line["symbol"] for line in lines] == [row["symbol"] for row in rows]
    assert list(lines[0]) == list(rows[0]), "the order is that of the JSON"


def test_without_rows_all_rows_of_the_period_are_there_up_to_a_limit(serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    few = parsed(service.get("/w/main/closed-trades.csv?period=all&rows=3").text)
    all_of_them = parsed(service.get("/w/main/closed-trades.csv?period=all").text)
    totals = service.json("/w/main/closed-trades.json?period=all")["totals"]
    assert len(few) == 3
    assert len(all_of_them) == totals["count"] > 100
    assert all_of_them[:3] == few


def test_with_rows_a_file_is_one_of_the_pages(serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    every_row = parsed(service.get("/w/main/closed-trades.csv?period=all").text)
    page = parsed(service.get("/w/main/closed-trades.csv?period=all&rows=7&page=3").text)
    assert page == every_row[14:21]


def test_a_file_has_no_more_lines_than_the_limit() -> None:
    text = write_csv(["ticket"], [{"ticket": number} for number in range(MAX_CSV_ROWS + 5)])
    assert [int(line["ticket"]) for line in parsed(text)] == list(range(MAX_CSV_ROWS))


def test_a_token_limits_the_rows(serve: Serve) -> None:
    service = serve(accounts={"main": {"login": 1000001, "embed_secret": SECRET}})
    claims = {"sub": "main/*", "exp": service.app.extensions["cabinet-widgets"].clock() + 600}
    token = jwt.encode({**claims, "params": {"rows": 2}}, SECRET)
    locked = parsed(service.get(f"/w/main/closed-trades.csv?period=all&token={token}").text)
    assert len(locked) == 2


@pytest.mark.parametrize("name", sorted(WIDGETS.keys() - set(WITH_CSV)))
def test_other_widgets_have_no_file(name: str, serve: Serve) -> None:
    response = serve(accounts={"main": EVERYTHING}).get(f"/w/main/{name}.csv")
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "not_found"


def test_errors_are_those_of_the_json(serve: Serve) -> None:
    closed = {**EVERYTHING, "access": "closed", "embed_secret": SECRET}
    outside = {**EVERYTHING, "allowed_networks": ["203.0.113.0/24"]}
    accounts = {"main": EVERYTHING, "closed": closed, "outside": outside}
    service = serve(accounts=accounts)
    for path, status in (
        ("main/closed-trades.csv?rows=0", 400),
        ("main/closed-trades.csv?colour=red", 400),
        ("main/closed-trades.csv?page=2", 400),
        ("closed/closed-trades.csv", 401),
        ("outside/closed-trades.csv", 403),
        ("nobody/closed-trades.csv", 404),
    ):
        response = service.get(f"/w/{path}")
        assert response.status_code == status
        assert set(response.json()) == {"error"}
        assert response.headers["Cache-Control"] == "private, no-store"
        assert "Content-Disposition" not in response.headers


def test_hidden_columns_are_empty_and_a_hidden_list_has_only_its_header(serve: Serve) -> None:
    accounts = {
        "columns": {**EVERYTHING, "hide": ["symbol", "profit"]},
        "rows": {**EVERYTHING, "hide": ["trades"]},
    }
    service = serve(accounts=accounts)
    lines = parsed(service.get("/w/columns/closed-trades.csv").text)
    assert {(line["symbol"], line["profit"], line["close_price"]) for line in lines} == {
        ("", "", "")
    }
    assert all(line["ticket"] for line in lines)
    text = service.get("/w/rows/closed-trades.csv").text
    assert text == ",".join(WIDGETS["closed-trades"].csv[0].columns) + "\r\n"


def test_amounts_are_fractions_in_percent_mode(serve: Serve) -> None:
    service = serve(accounts={"main": {**EVERYTHING, "amounts": "percent"}})
    lines = parsed(service.get("/w/main/closed-trades.csv").text)
    assert lines
    assert all(re.fullmatch(r"-?0\.\d{1,4}", line["profit"]) for line in lines)


# -- Any text and any number ----------------------------------------------------------------------

TEXTS = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", 'a "b", c', "a\nb", "a\r\nb", "", "'", ";"]
)
AMOUNTS = st.none() | st.decimals(min_value=-(10**9), max_value=10**9, places=2)
ROWS = st.lists(st.fixed_dictionaries({"symbol": TEXTS, "profit": AMOUNTS}), max_size=5)


@given(ROWS)
def test_every_text_comes_back_and_none_is_a_formula(rows: list[dict[str, Any]]) -> None:
    text = write_csv(["symbol", "profit"], rows)
    lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert lines[0] == ["symbol", "profit"]
    assert len(lines) == len(rows) + 1
    for (symbol, profit), row in zip(lines[1:], rows, strict=True):
        assert not symbol.startswith(("=", "+", "-", "@", "\t", "\r"))
        assert symbol in (row["symbol"], f"'{row['symbol']}")
        # An apostrophe only where it is needed: the text must be the same otherwise.
        if not row["symbol"].startswith(("=", "+", "-", "@", "\t", "\r")):
            assert symbol == row["symbol"]
        if row["profit"] is None:
            assert profit == ""
        else:
            assert Decimal(profit) == row["profit"]
    text.encode("utf-8")
