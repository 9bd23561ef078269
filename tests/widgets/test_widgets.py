"""What widgets declare, and that one Python file is all that a new widget needs."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from accounts import WIDGETS
from conftest import Service
from documents import CONTRIBUTING, code_block
from examples import EXAMPLES

import widget.widgets
from widget import names
from widget.render.snippet import FORMS, Embed
from widget.widgets import registry
from widget.widgets.base import Card, Figure, Table, Widget
from widget.widgets.options import Options

Serve = Callable[..., Service]

NEW_WIDGET = code_block(CONTRIBUTING, "python")
"""A widget with a figure, a chart, a table and a picture."""


def data_names(value: Any) -> set[str]:
    """All names in some data."""
    if isinstance(value, dict):
        return set(value).union(*map(data_names, value.values()))
    if isinstance(value, list):
        return set().union(*map(data_names, value))
    return set()


@pytest.mark.parametrize("name", WIDGETS)
def test_a_widget_fetches_what_it_declares_and_privacy_knows_all_of_it(name: str) -> None:
    fetched = data_names(EXAMPLES[name])
    declared = registry.declared_names(WIDGETS[name])
    assert fetched <= names.FIGURES
    assert fetched <= declared | {"from", "to", "page", "pages"}, (
        "undeclared data would be in no form but JSON"
    )
    groups = {"symbols", "orders", "buy_volume", "sell_volume", "buy_price", "sell_price"}
    assert declared <= fetched | groups


@pytest.mark.parametrize("name", WIDGETS)
def test_the_rows_of_a_table_have_exactly_its_fields(name: str) -> None:
    for block in WIDGETS[name].body:
        if isinstance(block, Table) and block.rows in EXAMPLES[name]:
            for row in EXAMPLES[name][block.rows]:
                assert tuple(row) == block.row_names
                assert {column.name for column in block.columns} <= set(block.row_names)


def test_a_row_contains_only_the_declared_fields_of_a_record() -> None:
    class Record:
        symbol = "EURUSD"
        profit = 5
        secret = "name of a person"

    table = Table(rows="trades", columns=(), empty="", fields=("profit", "symbol"))
    assert table.rows_of([Record()]) == [{"profit": 5, "symbol": "EURUSD"}]


def changed(**fields: Any) -> Widget:
    """The balance with other fields."""
    return replace(WIDGETS["balance"], **fields)


@pytest.mark.parametrize(
    ("definition", "problem"),
    [
        (None, "has no WIDGET"),
        (changed(name="equity"), "its name is 'equity'"),
        (changed(options=frozenset({"colour"})), "unknown options: colour"),
        (changed(functions=("weather",)), "unknown functions: weather"),
        (changed(picture=("equity", "lots")), "unknown figures in its picture: lots"),
        (changed(row_height=36), "row_height"),
        (
            changed(body=(Card(figures=(Figure("mood", "Mood", "text"),)),), picture=()),
            "names.FIGURES: mood",
        ),
    ],
)
def test_a_wrong_definition_is_rejected_with_its_module_and_what_to_fix(
    definition: object, problem: str
) -> None:
    with pytest.raises(ValueError, match=r"^widget\.widgets\.balance: ") as caught:
        registry.checked(definition, "widget.widgets.balance", "balance")
    assert problem in str(caught.value)


@pytest.fixture
def new_widget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A widget in a file of its own; its name."""
    (tmp_path / "trading_days.py").write_text(NEW_WIDGET)
    monkeypatch.setattr(widget.widgets, "__path__", [*widget.widgets.__path__, str(tmp_path)])
    yield "trading-days"
    monkeypatch.delattr(widget.widgets, "trading_days", raising=False)


def test_a_new_widget_is_one_file_and_appears_in_every_form(new_widget: str, serve: Serve) -> None:
    public_url = "https://widgets.example.com"
    service = serve(
        accounts={"main": {"login": 1000005, "currency": "USD"}},
        server={"public_url": public_url, "studio": True},
    )
    path = f"/w/main/{new_widget}"
    page = service.get(path).text
    assert '<dl class="stats one">' in page
    assert "<rect " in page
    assert page.count("<tr>") > 10
    data = service.json(f"{path}.json")
    assert set(data["records"][0]) == {"symbol", "close_time", "profit"}
    assert service.get(f"{path}.svg").text.startswith("<svg")
    assert service.get(f"{path}.png").content.startswith(b"\x89PNG")
    assert service.get(f"{path}.csv").text.startswith("symbol,close_time,profit\r\n")
    embedded = service.get(f"/oembed?url={quote(public_url + path, safe='')}").json()
    assert f"Trades {data['trades']}" in embedded["html"]
    assert f'value="{new_widget}"' in service.get("/").text
    assert new_widget in json.loads(service.get("/embed.json").text)["widgets"]
    declared = service.app.extensions["cabinet-widgets"].widgets[new_widget]
    embed = Embed(public_url, "main", declared, {}, Options(), declared.label)
    assert all(new_widget in form(embed) for form in FORMS.values())


def test_hiding_a_figure_of_a_new_widget_hides_it_in_every_form(
    new_widget: str, serve: Serve
) -> None:
    account = {"login": 1000005, "hide": ["profit", "symbol"]}
    service = serve(accounts={"main": account})
    page = service.get(f"/w/main/{new_widget}").text
    assert "Profit" not in page
    assert "Symbol" not in page
    rows = service.json(f"/w/main/{new_widget}.json")["records"]
    assert {(row["symbol"], row["profit"]) for row in rows} == {(None, None)}
