"""Finds the widgets: every module of this package that declares one as ``WIDGET``."""

import importlib
import pkgutil
from collections.abc import Collection, Iterable, Iterator, Mapping

import widget.widgets
from widget.config import Account
from widget.names import FIGURES, FUNCTIONS
from widget.widgets.base import Widget
from widget.widgets.options import OPTION_NAMES

NOT_WIDGETS = ("base", "options", "registry")
"""The modules of this package that declare no widget."""


def discover() -> dict[str, Widget]:
    """All widgets by name, in alphabetical order.

    Raises:
        ValueError: a definition is wrong; names the module and what to fix.
    """
    # A new module is found by being there: no list has to be edited.
    found = {}
    for module in pkgutil.iter_modules(widget.widgets.__path__, "widget.widgets."):
        module_name = module.name.rpartition(".")[2]
        if module_name in NOT_WIDGETS:
            continue
        name = module_name.replace("_", "-")
        definition = getattr(importlib.import_module(module.name), "WIDGET", None)
        # Hyphens are usual in URLs and impossible in names of modules.
        module_name = module.name.rpartition(".")[2]
        name = module_name.replace("_", "-")
        found[name] = checked(definition, module.name, name)
    return dict(sorted(found.items()))


def enabled_widgets(account: Account, widgets: Mapping[str, Widget]) -> tuple[str, ...]:
    """The names of the widgets that an account displays."""
    if account.widgets is not None:
        return account.widgets
    return tuple(widget.name for widget in widgets.values() if widget.by_default)


def checked(definition: object, module: str, name: str) -> Widget:
    """A definition without mistakes.

    Args:
        definition: what the module defines as ``WIDGET``.
        module: the name of the module, for error messages.
        name: the name that the widget must have.

    Raises:
        ValueError: it is wrong; names the module and what to fix.
    """
    if not isinstance(definition, Widget):
        raise ValueError(f"{module}: has no WIDGET, an instance of widget.base.Widget")
    # Whoever writes a widget fixes one mistake after the other: the first one is enough.
    for problem in problems(definition, name):
        raise ValueError(f"{module}: {problem}")
    return definition


def problems(definition: Widget, name: str) -> Iterator[str]:
    """What is wrong with a definition."""
    if definition.name != name:
        yield f"its name is {definition.name!r}, but its module's name is {name!r}"
    yield from unknown("options", definition.options, OPTION_NAMES)
    yield from unknown("functions", definition.functions, FUNCTIONS)
    # A figure that widget.privacy does not know could never be hidden.
    yield from unknown("figures, add to widget.names.FIGURES", declared_names(definition), FIGURES)
    yield from unknown("figures in its picture", definition.picture, definition.figures)
    # Loader, snippets and plugin reserve a height for the rows that a URL asks for.
    has_rows = "rows" in definition.options
    if (definition.row_height > 0) != has_rows:
        yield "needs a row_height exactly if it has the option rows"


def unknown(what: str, names: Iterable[str], known: Collection[str]) -> Iterator[str]:
    """A problem with names that are not known, if there are any."""
    missing = sorted(set(names) - set(known))
    if missing:
        yield f"unknown {what}: {', '.join(missing)}"


def declared_names(definition: Widget) -> set[str]:
    """The JSON names that a widget declares."""
    return {name for block in definition.body for name in block.names}
