"""Finds the widgets: every module of this package that declares one as ``WIDGET``."""

import importlib
import pkgutil
from collections.abc import Collection, Iterable, Iterator

import widget.widgets
from widget.config import Account
from widget.names import FIGURES, FUNCTIONS
from widget.widgets.base import Widget, Widgets
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
    for module in pkgutil.iter_modules(widget.widgets.__path__):
        if module.name in NOT_WIDGETS:
            continue
        module_name = f"{widget.widgets.__name__}.{module.name}"
        imported = importlib.import_module(module_name)
        definition = getattr(imported, "WIDGET", None)
        # Hyphens are usual in URLs and impossible in names of modules.
        name = module.name.replace("_", "-")
        found[name] = checked(definition, module_name, name)
    # The order of files differs between file systems.
    return dict(sorted(found.items()))


def enabled_widgets(account: Account, widgets: Widgets) -> tuple[str, ...]:
    """The names of the widgets that an account displays."""
    if account.widgets is not None:
        return account.widgets
    # Some widgets display what not every owner wants to publish, such as logins.
    by_default = [widget.name for widget in widgets.values() if widget.by_default]
    return tuple(by_default)


def widgets_of_page(account: Account, widgets: Widgets) -> list[Widget]:
    """The widgets of an account in the order in which its page displays them."""
    enabled = [widgets[name] for name in enabled_widgets(account, widgets)]
    return sorted(enabled, key=lambda widget: (widget.place, widget.name))


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
        raise ValueError(f"{module}: has no WIDGET, an instance of widget.widgets.base.Widget")
    # The first mistake is enough: a developer fixes them one by one.
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
    names = declared_names(definition)
    yield from unknown("figures, add to widget.names.FIGURES", names, FIGURES)
    # A picture has no tables: it can only list what stands in a card or at a progress bar.
    yield from unknown("figures in its picture", definition.picture, definition.figures)
    yield from unknown("figures in its strip", definition.strip, definition.picture)
    for csv in definition.csv:
        yield from unknown("figures in its CSV", csv.names, FIGURES)
    # Loader, snippets and plugin reserve a height for the rows that a URL asks for.
    has_option = "rows" in definition.options
    has_height = definition.row_height > 0
    if has_option != has_height:
        yield "needs a row_height exactly if it has the option rows"


def unknown(
    what: str,
    names: Iterable[str],
    known: Collection[str],
) -> Iterator[str]:
    """A problem with names that are not known, if there are any."""
    missing = set(names).difference(known)
    if missing:
        listed = ", ".join(sorted(missing))
        yield f"unknown {what}: {listed}"


def declared_names(definition: Widget) -> set[str]:
    """The JSON names that a widget declares."""
    found: set[str] = set()
    for block in definition.body:
        found.update(block.names)
    return found
