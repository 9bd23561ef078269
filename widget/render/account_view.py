"""What one request may see of an account: all of its widgets, from values that fit together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Final

from widget.config import Account
from widget.data.source import Needs, Source, earliest
from widget.errors import CabinetError, Delayed, NotOffered, UpstreamError
from widget.names import Function
from widget.render.view import View, build_view
from widget.widgets.base import Widget
from widget.widgets.options import Options

LEDGER_FUNCTIONS: Final[frozenset[Function]] = frozenset({"balance", "closed_trades"})
"""A widget with both of these functions combines them in a ledger."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A widget of a page whose figures are not available."""

    widget: Widget
    error: CabinetError


@dataclass(frozen=True, slots=True)
class AccountView:
    """The data of all widgets of an account.

    Attributes:
        account: whose data it is.
        options: the options of the page.
        sections: the widgets in the order of display; at least one is a view.
        more: further views of a widget by its name, see ``Widget.more_on_page``.
    """

    account: Account
    options: Options
    sections: list[View | Failure]
    more: Mapping[str, Sequence[View]]

    @property
    def views(self) -> list[View]:
        """The widgets whose figures are available."""
        return [section for section in self.sections if isinstance(section, View)]

    @property
    def has_picture(self) -> bool:
        """Whether one of the widgets has a picture, which link previews show."""
        return any(view.widget.picture for view in self.views)

    @property
    def as_of(self) -> datetime:
        """The time of the oldest figures."""
        return min(view.as_of for view in self.views)

    @property
    def stale(self) -> bool:
        """Whether some figures are old because the API fails."""
        return any(view.stale for view in self.views)

    @property
    def fresh_for_seconds(self) -> float:
        """How long all figures stay fresh; 0 if some are missing that may come."""
        if self._is_incomplete:
            return 0.0
        return min(view.fresh_for_seconds for view in self.views)

    @property
    def usable_for_seconds(self) -> float:
        """How long all figures may be displayed without waiting for newer ones."""
        if self._is_incomplete:
            return 0.0
        return min(view.usable_for_seconds for view in self.views)

    @property
    def _is_incomplete(self) -> bool:
        errors = [section.error for section in self.sections if isinstance(section, Failure)]
        # What the API does not offer will not come.
        return any(not isinstance(error, NotOffered) for error in errors)


def build_account_view(
    source: Source,
    widgets: Sequence[tuple[Widget, Options]],
    options: Options,
) -> AccountView:
    """Fetch the data of several widgets, each function once.

    Args:
        source: of the first widget.
        widgets: the widgets, each with its options.
        options: those of the page.

    Raises:
        BadOption: an option would reveal what the account hides.
        CabinetError: no widget has data.
    """
    source.needs = needs_of(source, widgets)
    sections: list[View | Failure] = []
    more: dict[str, list[View]] = {}
    for widget, own_options in widgets:
        try:
            view = build_view(source.for_next_widget(), widget, own_options)
            extra = []
            for group in widget.more_on_page:
                other_options = own_options.model_copy(update={"by": group})
                extra_view = build_view(source.for_next_widget(), widget, other_options)
                extra.append(extra_view)
            more[widget.name] = extra
            sections.append(view)
        except (UpstreamError, NotOffered, Delayed) as error:
            failure = Failure(widget, error)
            sections.append(failure)
    failures = [section for section in sections if isinstance(section, Failure)]
    # A page without any figure is an error, like a widget without them.
    if len(failures) == len(sections):
        raise failures[0].error
    return AccountView(source.account, options, sections, more)


def needs_of(source: Source, widgets: Sequence[tuple[Widget, Options]]) -> Needs:
    """What several widgets need together.

    Raises:
        Delayed: the account is delayed, and no snapshot is old enough.
    """
    # The present time widens no period.
    starts: list[datetime | None] = [source.now]
    has_ledger = False
    for widget, options in widgets:
        if "period" in widget.options:
            start, _ = options.period.bounds(source.now, source.account.timezone)
            starts.append(start)
        if LEDGER_FUNCTIONS.issubset(widget.functions):
            has_ledger = True
    return Needs(reduce(earliest, starts), has_ledger)
