"""``/openapi.json``: describes the JSON of all widgets, as OpenAPI 3.1.

Nothing of it is written by hand for a widget: the structure comes from what the widget declares,
and the type of a figure from its name.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from widget import __version__, errors, names
from widget.widgets import options
from widget.widgets.base import Block, Card, Chart, MonthGrid, Table, Widget, Widgets, YearTable

Schema = dict[str, Any]
"""A JSON Schema, or another object of OpenAPI."""

NUMBER: Schema = {"type": ["number", "null"]}
INTEGER: Schema = {"type": ["integer", "null"]}
TEXT: Schema = {"type": ["string", "null"]}
INSTANT: Schema = {"type": ["string", "null"], "format": "date-time"}
DAY: Schema = {"type": ["string", "null"], "format": "date"}
CODE: Schema = {"type": ["integer", "string", "null"]}

INTEGERS = (
    (names.COUNTS - {"trades_per_week"})  # a mean
    | names.STREAKS
    | {
        "won",
        "lost",
        "ticket",
        "leverage",
        "page",
        "pages",
        "year",
        "average_duration",
        "active_days",
        "long_trades",
        "short_trades",
        "accounts",
        "trades",
    }
)
"""Figures that are whole numbers. ``trades`` is one where it is not a list."""

TEXTS = frozenset(
    {
        "symbol",
        "side",
        "kind",
        "address",
        "application",
        "by",
        "month",
    }
)
CODES = frozenset(
    {
        "account_type",
        "verification_level",
        "key",
    }
)
"""Figures that are a number in some cases and a text in others."""

OTHERS: Mapping[str, Schema] = {
    "date": DAY,
    "swap_free": {"type": ["boolean", "null"]},
    "months": {"type": ["array", "null"], "items": NUMBER},
}

CHOICES: Mapping[str, Iterable[object]] = {
    "theme": options.THEMES,
    "background": options.BACKGROUNDS,
    "title": (0, 1),
    "switch": (0, 1),
    "period": options.PERIODS,
    "group": ("symbol",),
    "by": options.GROUP_KEYS,
}
"""The values of options that have few."""

RANGES: Mapping[str, tuple[int, int]] = {
    "refresh": (options.MIN_REFRESH, options.MAX_REFRESH),
    "rows": (1, options.MAX_ROWS),
    "page": (1, options.MAX_PAGE),
}
"""The smallest and largest value of options that are whole numbers."""


def describe(widgets: Widgets, public_url: str) -> Schema:
    """The description.

    Args:
        widgets: all widgets by name.
        public_url: the URL of the service.
    """
    paths = {}
    schemas = {}
    for name, widget in widgets.items():
        path = f"/w/{{account}}/{name}.json"
        paths[path] = path_of(widget)
        schemas[name] = data_of(widget)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cabinet Widgets",
            "version": __version__,
            "summary": "The figures of trading accounts, as their widgets display them.",
        },
        "servers": [{"url": public_url}],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "error": error_schema()},
            "responses": error_responses(),
        },
    }


def path_of(widget: Widget) -> Schema:
    """The URL of a widget's JSON."""
    account = {
        "name": "account",
        "in": "path",
        "required": True,
        "description": "The public name of the account.",
        "schema": {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,31}$"},
    }
    options_and_token = [
        {"name": name, "in": "query", "schema": option_schema(name)}
        for name in (*widget.all_options, "token")
    ]
    ok = {
        "description": widget.label,
        "content": {"application/json": {"schema": response_of(widget)}},
    }
    responses: Schema = {"200": ok}
    for status in error_responses():
        responses[status] = {"$ref": f"#/components/responses/{status}"}
    return {
        "get": {
            "operationId": widget.name,
            "summary": widget.label,
            "parameters": [account, *options_and_token],
            "responses": responses,
        }
    }


def option_schema(name: str) -> Schema:
    """The values of an option. Those without limits are described as text."""
    if name in CHOICES:
        return {"enum": list(CHOICES[name])}
    if name in RANGES:
        minimum, maximum = RANGES[name]
        return {
            "type": "integer",
            "minimum": minimum,
            "maximum": maximum,
        }
    if name in ("from", "to"):
        return {"type": "string", "format": "date"}
    if name == "month":
        return {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"}
    return {"type": "string"}


def response_of(widget: Widget) -> Schema:
    """The whole JSON of a widget."""
    properties: Schema = {
        "account": {"type": "string"},
        "widget": {"const": widget.name},
        "as_of": {"type": "string", "format": "date-time"},
        "stale": {"type": "boolean"},
        "currency": TEXT,
        "data": {"$ref": f"#/components/schemas/{widget.name}"},
    }
    return complete_object(properties)


def data_of(widget: Widget) -> Schema:
    """The data of a widget."""
    properties: Schema = {}
    # No block displays these.
    if "period" in widget.options:
        properties |= figures(("from", "to"))
    if "page" in widget.options:
        properties |= figures(("page", "pages"))
    # What these options choose is repeated in the data.
    properties |= figures(widget.options & {"by", "month"})
    for block in widget.body:
        for name, schema in properties_of(block).items():
            # Several blocks can have parts of the same object, such as the totals.
            properties[name] = merged(properties.get(name, {}), schema)
    return {"type": "object", "properties": properties}


def merged(first: Schema, second: Schema) -> Schema:
    """A schema with the properties of two."""
    if "properties" not in first:
        return second
    properties = {**first["properties"], **second["properties"]}
    return {**second, "properties": properties}


def properties_of(block: Block) -> Schema:
    """What a block displays, as properties of the data."""
    if isinstance(block, Table):
        return properties_of_table(block)
    if isinstance(block, Chart | YearTable | MonthGrid):
        return {block.rows: list_of(figures(block.row_names))}
    if isinstance(block, Card):
        return properties_of_card(block)
    return figures(block.names)


def properties_of_card(card: Card) -> Schema:
    """The figures of a card, some of which are in objects such as the totals."""
    found: Schema = {}
    for figure in card.figures:
        properties = figures((figure.name,))
        if figure.within:
            known = found.get(figure.within, {})
            properties = {figure.within: merged(known, object_of(properties))}
        found |= properties
    return found


def properties_of_table(table: Table) -> Schema:
    """The rows of a table, and their totals."""
    properties = {table.rows: list_of(figures(table.row_names))}
    if table.totals:
        totals = [column.total for column in table.columns if column.total]
        totals += [count.name for count in table.counts]
        properties[table.totals] = object_of(figures(totals))
    return properties


def list_of(properties: Schema) -> Schema:
    """A list of objects, or null if it is hidden."""
    return {
        "type": ["array", "null"],
        "items": complete_object(properties),
    }


def complete_object(properties: Schema) -> Schema:
    """An object that always has all of its properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def object_of(properties: Schema) -> Schema:
    """An object, or null if it is hidden."""
    return {"type": ["object", "null"], "properties": properties}


def figures(wanted: Iterable[str]) -> Schema:
    """The schemas of figures by name."""
    return {name: figure_schema(name) for name in sorted(wanted)}


def figure_schema(name: str) -> Schema:
    """The type of a figure. Every figure may be null, since an account can hide it."""
    if name in OTHERS:
        return OTHERS[name]
    if name in names.TIMES or name in ("from", "to"):
        return INSTANT
    if name in INTEGERS:
        return INTEGER
    if name in TEXTS:
        return TEXT
    if name in CODES:
        return CODE
    return NUMBER


def error_schema() -> Schema:
    """The JSON of an error."""
    codes = sorted({kind.code for kind in error_classes()})
    properties: Schema = {
        "code": {"enum": codes},
        "message": {"type": "string"},
    }
    return complete_object({"error": complete_object(properties)})


def error_responses() -> Schema:
    """The responses to errors, by status."""
    codes: dict[int, list[str]] = {}
    for kind in error_classes():
        known = codes.setdefault(kind.status, [])
        # Several errors may have one code.
        if kind.code not in known:
            known.append(kind.code)
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/error"}}}
    responses = {}
    for status in sorted(codes):
        responses[str(status)] = {
            "description": ", ".join(codes[status]),
            "content": content,
        }
    return responses


def error_classes() -> list[type[errors.CabinetError]]:
    """All errors that become responses."""
    # Found by their base class, so that a new error cannot be forgotten.
    found = []
    pending: list[type[errors.CabinetError]] = [errors.CabinetError]
    while pending:
        kind = pending.pop()
        found.append(kind)
        pending += kind.__subclasses__()
    return found
