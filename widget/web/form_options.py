"""The options that each form of a widget takes, from its URL and from the token."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from widget.errors import BadOption
from widget.render.feed import FEED_ENTRIES, SPARE_ENTRIES
from widget.web.error_responses import ATOM, CSV, PICTURE_TYPES
from widget.web.request_data import Parameters
from widget.web.tokens import Grant
from widget.widgets.base import Widget
from widget.widgets.options import (
    DEFAULT_PERIOD,
    MAX_CSV_ROWS,
    OPTION_NAMES,
    PERIOD_OPTIONS,
    PICTURE_OPTIONS,
    Options,
    Period,
    parse_options,
    with_names,
)

FEED_OPTIONS: Final = ("lang", "tz")
"""The options that the URL of a feed may contain."""


PAGE_OPTIONS: Final = ("theme", "accent", "lang", "tz", "period")
"""The options that the URL of an account page may contain."""


@dataclass(frozen=True, slots=True)
class SomeOptions:
    """A widget, of which a form takes only some options."""

    all_options: tuple[str, ...]
    picture_sizes: tuple[str, ...] = ()
    default_period: str = DEFAULT_PERIOD


def parse_form_options(
    widget: Widget,
    suffix: str,
    parameters: Parameters,
    grant: Grant | None,
) -> Options:
    """The options of a request: those of the URL and those that its token locks.

    Args:
        widget: the requested widget.
        suffix: of the form, as in ``ErrorContext``.
        parameters: those of the URL, without a token.
        grant: of the token or password; None if none was needed.

    Raises:
        BadOption: one of them is wrong.
    """
    if suffix == ATOM:
        return _feed_options(widget, parameters, grant)
    extra: Sequence[str] = ()
    if suffix in PICTURE_TYPES:
        extra = PICTURE_OPTIONS
    locked = locked_options(widget.all_options, grant, extra)
    options = parse_options(widget, parameters, locked, extra)
    if suffix == CSV:
        return _csv_options(options)
    if locks_period(locked):
        # Visitors cannot choose another one.
        return options.model_copy(update={"switch": False})
    return options


def parse_page_options(parameters: Parameters, grant: Grant | None) -> Options:
    """The options of an account page; BadOption if one of them is wrong."""
    locked = locked_options(PAGE_OPTIONS, grant)
    return parse_options(SomeOptions(PAGE_OPTIONS), parameters, locked)


def options_on_page(widget: Widget, parameters: Parameters, grant: Grant | None) -> Options:
    """The options of a widget on an account page: those of the page that it has.

    Raises:
        BadOption: one of them cannot be combined with what the token locks.
    """
    own = with_names(parameters, widget.all_options)
    locked = locked_options(widget.all_options, grant)
    options = parse_options(widget, own, locked)
    # The page has links for all widgets.
    return options.model_copy(update={"switch": False})


def locked_options(
    names: Collection[str],
    grant: Grant | None,
    extra: Collection[str] = (),
) -> Mapping[str, object]:
    """The options that a token locks. One for a whole account may lock options that others have.

    Args:
        names: the options that the URL may contain.
        grant: of the token.
        extra: options that it may contain in addition.
    """
    if grant is None:
        return {}
    if not grant.is_for_account:
        return grant.params
    options_of_others = OPTION_NAMES.difference(names, extra)
    # A name that no widget has stays, and is reported as an unknown option.
    return {name: value for name, value in grant.params.items() if name not in options_of_others}


def locks_period(locked: Mapping[str, object]) -> bool:
    """Whether a token decides which period is displayed."""
    return not locked.keys().isdisjoint(PERIOD_OPTIONS)


def _csv_options(options: Options) -> Options:
    """The options of a CSV file, which has all rows unless the URL limits them."""
    chosen = options.model_fields_set
    if "rows" in chosen:
        return options
    if "page" in chosen:
        raise BadOption("page", "needs rows, since a file has all rows otherwise")
    return options.model_copy(update={"rows": MAX_CSV_ROWS})


def _feed_options(widget: Widget, parameters: Parameters, grant: Grant | None) -> Options:
    """The options of a feed, which has the newest entries whatever the period.

    Whoever created a token has decided what its owner sees, so that what it locks applies here too.
    """
    locked = locked_options(widget.all_options, grant)
    allowed = {*FEED_OPTIONS, *locked}
    names = [name for name in widget.all_options if name in allowed]
    options = parse_options(SomeOptions(tuple(names)), parameters, locked)
    update: dict[str, Any] = {}
    if not locks_period(locked):
        update["period"] = Period("all")
    if "rows" not in locked:
        update["rows"] = FEED_ENTRIES + SPARE_ENTRIES
    return options.model_copy(update=update)
