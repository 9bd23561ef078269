"""``/openapi.json`` describes the JSON of every widget, completely and correctly."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from accounts import WIDGETS
from conftest import Service
from examples import EXAMPLES
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate

from widget.config import Account
from widget.names import FIGURES
from widget.render.json import render_json
from widget.render.view import View
from widget.web import openapi
from widget.widgets.options import Options

DESCRIPTION = openapi.describe(WIDGETS, "https://widgets.example.com")
Serve = Callable[..., Service]
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
DRAFT = "https://json-schema.org/draft/2020-12/schema"


def validator_of(name: str) -> Draft202012Validator:
    """Validates the JSON of a widget as the description says."""
    path = DESCRIPTION["paths"][f"/w/{{account}}/{name}.json"]
    schema = path["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    whole = {"$schema": DRAFT, **schema, "components": DESCRIPTION["components"]}
    return Draft202012Validator(whole, format_checker=FormatChecker())


def undescribed(value: Any, schema: dict[str, Any], where: str = "data") -> Iterator[str]:
    """The names in some data that a schema does not mention."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name not in schema["properties"]:
                yield f"{where}.{name}"
                continue
            yield from undescribed(item, schema["properties"][name], f"{where}.{name}")
    if isinstance(value, list):
        for item in value:
            yield from undescribed(item, schema.get("items", {}), where)


def check(name: str, text: str) -> None:
    """Make sure that the JSON of a widget is described."""
    content = json.loads(text)
    problems = [error.message for error in validator_of(name).iter_errors(content)]
    assert problems == []
    schema = DESCRIPTION["components"]["schemas"][name]
    assert list(undescribed(content["data"], schema)) == []


def rendered(name: str, data: dict[str, Any]) -> str:
    """The JSON of a widget with these data."""
    return render_json(
        View(
            account=Account(slug="main", login=5),
            widget=WIDGETS[name],
            options=Options(),
            data=data,
            hidden=frozenset(),
            currency="USD",
            as_of=NOW,
            now=NOW,
            stale=False,
            fresh_for_seconds=15,
            usable_for_seconds=30,
        )
    )


def test_the_description_is_valid() -> None:
    validate(DESCRIPTION)


def test_every_widget_has_a_path_with_its_options_and_errors() -> None:
    assert DESCRIPTION["paths"].keys() == {f"/w/{{account}}/{name}.json" for name in WIDGETS}
    for name, widget in WIDGETS.items():
        described = DESCRIPTION["paths"][f"/w/{{account}}/{name}.json"]["get"]
        parameters = [parameter["name"] for parameter in described["parameters"]]
        assert parameters == ["account", *widget.all_options, "token"]
        assert {"200", "400", "401", "403", "404", "429", "501", "502", "503"} <= set(
            described["responses"]
        )


@pytest.mark.parametrize("name", WIDGETS)
def test_the_example_of_every_widget_is_as_described(name: str) -> None:
    check(name, rendered(name, EXAMPLES[name]))


@pytest.mark.parametrize("name", WIDGETS)
def test_every_figure_may_be_hidden(name: str) -> None:
    check(name, rendered(name, dict.fromkeys(EXAMPLES[name])))


def test_every_widget_of_the_simulated_api_is_as_described(serve: Serve) -> None:
    account = {"login": 1000005, "partner_password": "partner-password", "widgets": list(WIDGETS)}
    service = serve(accounts={"main": account})
    for name in WIDGETS:
        check(name, service.get(f"/w/main/{name}.json").text)
    check("open-trades", service.get("/w/main/open-trades.json?group=symbol").text)


def test_data_that_are_not_as_described_are_found() -> None:
    wrong = {**EXAMPLES["balance"], "balance": "10"}
    with pytest.raises(AssertionError, match="is not of type"):
        check("balance", rendered("balance", wrong))
    with pytest.raises(AssertionError, match=r"data\.ticket"):
        check("balance", rendered("balance", {**EXAMPLES["balance"], "ticket": 5}))


def test_an_error_is_as_described(serve: Serve) -> None:
    schema = {"$schema": DRAFT, **openapi.error_schema()}
    response = serve().get("/w/main/balance.json?rows=5")
    Draft202012Validator(schema).validate(response.json())


def test_a_widget_of_another_module_is_described_from_its_declaration() -> None:
    other = replace(WIDGETS["growth"], name="other", options=frozenset())
    data = openapi.data_of(other)["properties"]
    assert data["points"]["items"]["properties"] == {
        "gain": openapi.NUMBER,
        "time": openapi.INSTANT,
    }
    assert data["trades"] == openapi.INTEGER
    assert "from" not in data


def test_every_figure_has_a_type() -> None:
    """A new name is a number unless one of the lists contains it."""
    known = openapi.INTEGERS | openapi.TEXTS | openapi.CODES | openapi.OTHERS.keys()
    assert known <= FIGURES


def test_the_description_can_be_read_by_scripts_of_any_origin(serve: Serve) -> None:
    service = serve()
    response = service.get("/openapi.json")
    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.json()["paths"] == DESCRIPTION["paths"]
    assert response.json()["servers"] == [{"url": "http://127.0.0.1:8000"}]
