"""Finds the widgets: every module of ``widget.widgets`` with a ``WIDGET``, each checked when it is loaded."""

import importlib
import pkgutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import widget.widgets
from widget.config import Account
from widget.names import FIGURES, FUNCTIONS
from widget.spec import PARSERS, Widget


def discover(templates: Path) -> dict[str, Widget]:
    """All widgets by name, in alphabetical order.

    Args:
        templates: the folder that holds ``widgets/NAME.html`` for each.

    Raises:
        ValueError: a module's definition is wrong; it names the module and what to mend.
    """
    found = {}
    for module in pkgutil.iter_modules(widget.widgets.__path__, "widget.widgets."):
        definition: Any = getattr(importlib.import_module(module.name), "WIDGET", None)
        problem = _problem(definition, module.name.rpartition(".")[2], templates)
        if problem:
            raise ValueError(f"{module.name}: {problem}")
        found[definition.name] = definition
    return dict(sorted(found.items()))


def enabled_widgets(account: Account, widgets: Mapping[str, Widget]) -> tuple[str, ...]:
    """The names of the widgets that an account shows."""
    if account.widgets is not None:
        return account.widgets
    return tuple(widget.name for widget in widgets.values() if widget.by_default)


def _problem(definition: object, module: str, templates: Path) -> str | None:
    if not isinstance(definition, Widget):
        return "has no WIDGET, an instance of widget.spec.Widget"
    if definition.name != module.replace("_", "-"):
        return f"its name is {definition.name!r}; the module's is {module!r}"
    if not (templates / "widgets" / f"{definition.name}.html").is_file():
        return f"templates/widgets/{definition.name}.html is missing"
    if unknown := (definition.options - PARSERS.keys()) | (
        set(definition.functions) - set(FUNCTIONS)
    ):
        return f"knows no option or function {', '.join(sorted(unknown))}"
    if unnamed := _names(definition.example) - FIGURES:
        return f"widget.names.FIGURES does not say what {', '.join(sorted(unnamed))} is"
    if (definition.row_height > 0) != ("rows" in definition.options):
        return "needs a row_height if and only if it has rows"
    return None


def _names(data: object) -> set[str]:
    if isinstance(data, list):
        return set().union(*map(_names, data))
    if isinstance(data, Mapping):
        return set(data).union(*map(_names, data.values()))
    return set()
