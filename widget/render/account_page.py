"""From the view of an account to its page."""

import textwrap
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

from markupsafe import Markup

from widget.privacy import expand_hidden
from widget.render.account_view import AccountView, Failure
from widget.render.display import Display
from widget.render.html import PageContext, Renderer, period_links
from widget.render.picture import picture_figures
from widget.render.snippet import widget_url
from widget.render.view import View
from widget.widgets.base import Widget
from widget.widgets.options import Params, Period, with_names

MAX_DESCRIPTION: Final = 200
"""Characters of the description for search engines, which cut longer ones."""
AROUND_SECTIONS: Final = 250
"""About how high everything around the widgets is, in CSS pixels."""
SECTION_GAP: Final = 16
"""The space between two widgets in CSS pixels, as in the stylesheet."""
FAILED: Final = Markup('<header><h2>{}</h2></header><p class="empty">{}</p>')


@dataclass(frozen=True, slots=True)
class WidgetLinks:
    """Builds the URLs of the widgets of a page.

    Attributes:
        base: the service's URL, or the path under which it is served.
        account: the account's slug.
        params: the options of the page, which its links repeat.
    """

    base: str
    account: str
    params: Params

    def page(self, widget: Widget) -> str:
        """The page of a widget, with all options that it shares with this page."""
        return self._url(widget, "", widget.all_options)

    def csv(self, widget: Widget) -> str:
        """The CSV file of a widget, for the same period."""
        period = [name for name in widget.all_options if name == "period"]
        return self._url(widget, ".csv", period)

    def feed(self, widget: Widget) -> str:
        """The feed of a widget."""
        return self._url(widget, ".atom", ("lang", "tz"))

    def _url(self, widget: Widget, suffix: str, names: Collection[str]) -> str:
        return widget_url(
            self.base,
            self.account,
            widget.name,
            suffix=suffix,
            params=with_names(self.params, names),
        )


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a file."""

    url: str
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """A widget on the page."""

    label: str
    classes: str
    html: Markup


def render_account_page(
    renderer: Renderer,
    account_view: AccountView,
    context: PageContext,
    links: WidgetLinks | None,
    period: Period | None,
) -> str:
    """The page of an account, complete without JavaScript.

    Args:
        renderer: draws the widgets.
        account_view: the figures.
        context: what every page contains.
        links: to the widgets; None for a private account, since they would need its token.
        period: the period of all widgets; None if each has its own.
    """
    account = account_view.account
    display = page_display(renderer, account_view)
    periods = []
    if context.period_url is not None:
        periods = period_links(display, context.period_url, period)
    return renderer.template(
        "account.html",
        display.language,
        context,
        account=account,
        account_view=account_view,
        options=account_view.options,
        view=display.view,
        display=display,
        fmt=display.fmt,
        label=title(display),
        owner=display_name(display),
        site=urlsplit(account.link or "").hostname,
        description=description(display),
        has_picture=account_view.has_picture,
        height=None,
        periods=periods,
        sections=build_sections(renderer, account_view, display, links),
        files=files(account_view, display, links),
        feed=feed(account_view, display, links),
    )


def page_display(renderer: Renderer, account_view: AccountView) -> Display:
    """The first widget of a page, with the age of all of them."""
    first = account_view.views[0]
    view = replace(first, as_of=account_view.as_of, stale=account_view.stale)
    return renderer.display(view)


def page_height(account_view: AccountView) -> int:
    """About how high the page is in a frame that has room for one column, in CSS pixels.

    The frame reports its exact height as soon as it is loaded.
    """
    height = AROUND_SECTIONS
    for view in account_view.views:
        height += view.widget.pixels(view.options) + SECTION_GAP
    return height


def display_name(display: Display) -> str:
    """The name of the account, otherwise its slug."""
    account = display.view.account
    return account.name or account.slug


def title(display: Display) -> str:
    """The title of the page."""
    parts = filter(None, (display_name(display), display.kind()))
    return " · ".join(parts)


def description(display: Display) -> str:
    """What search engines and link previews say about the page."""
    account = display.view.account
    if account.about:
        # As many whole words as fit.
        return textwrap.shorten(account.about, MAX_DESCRIPTION, placeholder="…")
    figures = picture_figures(display).values()
    texts = [f"{figure.label} {figure.text}" for figure in figures]
    return ", ".join(texts)


def build_sections(
    renderer: Renderer,
    account_view: AccountView,
    display: Display,
    links: WidgetLinks | None,
) -> list[Section]:
    """The widgets on the page, from top to bottom; the arguments are those of ``build_section``."""
    widgets = [section.widget for section in account_view.sections]
    sections = []
    for view, is_full in zip(account_view.sections, full_rows(widgets), strict=True):
        section = build_section(renderer, account_view, view, display, links, is_full=is_full)
        sections.append(section)
    return sections


def full_rows(widgets: Sequence[Widget]) -> list[bool]:
    """Which widgets have a row of the page to themselves: those that are wide, and others that have
    no neighbour in a row of two.
    """
    found: list[bool] = []
    has_place = False  # whether there is a free place beside the last widget
    for widget in widgets:
        if widget.is_wide and has_place:
            found[-1] = True
        found.append(widget.is_wide)
        has_place = not widget.is_wide and not has_place
    if has_place:
        found[-1] = True
    return found


def build_section(
    renderer: Renderer,
    account_view: AccountView,
    section: View | Failure,
    display: Display,
    links: WidgetLinks | None,
    *,
    is_full: bool,
) -> Section:
    """A widget on the page, or why it has no figures.

    Args:
        renderer: draws the widget.
        account_view: the whole page, which may have more views of the widget.
        section: its figures.
        display: writes its name and the error.
        links: to the widgets; None on a private page.
        is_full: whether it takes the whole width.
    """
    label = display.gettext(section.widget.label)
    classes = ""
    if is_full:
        classes = "full"
    if isinstance(section, Failure):
        zone = display.view.account.timezone
        message = renderer.message(section.error, display.language, zone)
        html = FAILED.format(label, message)
    else:
        page_url = None
        if links:
            page_url = links.page(section.widget)
        context = PageContext({}, page_url=page_url, month_url=page_url)
        html = renderer.section(section, context, account_view.more[section.widget.name])
    return Section(label, classes, html)


def files(account_view: AccountView, display: Display, links: WidgetLinks | None) -> list[Link]:
    """Links to the lists of the widgets as files."""
    if links is None:
        return []
    found = []
    for view in account_view.views:
        if not view.widget.csv:
            continue
        label = display.gettext(view.widget.label)
        link = Link(links.csv(view.widget), f"{label} (CSV)")
        found.append(link)
    return found


def feed(account_view: AccountView, display: Display, links: WidgetLinks | None) -> Link | None:
    """The link to the feed of a widget; None if no widget has one."""
    if links is None:
        return None
    hidden = expand_hidden(account_view.account.hide)
    for view in account_view.views:
        declared = view.widget.feed
        if declared and declared.is_public(hidden):
            label = display.gettext(view.widget.label)
            return Link(links.feed(view.widget), f"{label} (Atom)")
    return None
