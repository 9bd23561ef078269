"""The studio: the template context for the chosen account, widget and options."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from widget.config import Account, Settings
from widget.errors import N_, BadOption
from widget.render import thumbnail
from widget.render.i18n import Catalogues
from widget.render.snippet import (
    FORMS,
    PICTURE_FORMS,
    Embed,
    account_url,
    build_embed,
    widget_url,
)
from widget.render.thumbnail import Shape
from widget.widgets import registry
from widget.widgets.base import Widget, Widgets
from widget.widgets.options import PICTURE_OPTIONS, SIZES, Options, parse_options

DEFAULT_FORM = "script"

Params = Mapping[str, str]
"""Fields of the form or options of a widget: their texts by name."""

Problems = Mapping[str, str]
"""What is wrong with fields, by their names."""

Snippets = list[tuple[str, str]]
"""Names of forms, each with the code to paste."""


def build_context(
    settings: Settings,
    widgets: Widgets,
    catalogues: Catalogues,
    query: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    """The template context of the studio.

    Args:
        settings: the configuration.
        widgets: all widgets.
        catalogues: all languages.
        query: the form's fields. An empty field is an option that is not set; the first account or
            widget replaces an unknown one.
    """
    fields = dict(query)
    account = chosen_account(settings, fields)
    enabled = registry.enabled_widgets(account, widgets)
    widget = widgets[chosen_widget(enabled, fields)]
    filled_fields = filled(fields, option_names(widget))
    picture_params, options, problems = parse_fields(widget, filled_fields)
    params = filled(picture_params, widget.all_options)
    embed = build_embed(settings, account, widget, params, options, catalogues)
    # Code that silently leaves out a field would be a surprise.
    code: Snippets = []
    if not problems:
        code = snippets(embed, picture_params)
    return {
        **account_context(settings, account),
        "widgets": with_thumbnails(enabled, widgets),
        "thumbnail_size": (thumbnail.WIDTH, thumbnail.HEIGHT),
        "widget": widget,
        "params": params,
        "fields": filled_fields,
        **picture_context(embed, picture_params, settings.server.path),
        "problems": problems,
        "snippets": code,
        "form": chosen_form(code, fields),
        "links": other_forms(embed, settings.server.path, has_page=account.page),
    }


def account_context(settings: Settings, account: Account) -> dict[str, Any]:
    """The part of the template context that describes the accounts, and the chosen one."""
    return {
        "accounts": list(settings.accounts),
        "account": account.slug,
        "origins": embedding_origins(account),
        "closed": account.access == "closed",
        "service": settings.server.public_url,
    }


def with_thumbnails(
    names: Iterable[str],
    widgets: Widgets,
) -> list[tuple[Widget, list[Shape]]]:
    """The widgets of these names, each with its thumbnail."""
    found = []
    for name in names:
        widget = widgets[name]
        shapes = thumbnail.draw(widget)
        found.append((widget, shapes))
    return found


def option_names(widget: Widget) -> tuple[str, ...]:
    """The options of a widget for which the form has a field."""
    if widget.picture:
        return widget.all_options + PICTURE_OPTIONS
    return widget.all_options


def other_forms(embed: Embed, path: str, *, has_page: bool) -> list[tuple[str, str]]:
    """Links to the forms that need no code, and to the account page: names, msgids, and URLs.

    Args:
        embed: the widget.
        path: the path under which the service is served.
        has_page: whether the account has a page.
    """
    widget = embed.widget
    url = partial(widget_url, path, embed.account, widget.name)
    links = {}
    if has_page:
        links[N_("Account page")] = account_url(path, embed.account)
    if widget.csv:
        links["CSV"] = url(suffix=".csv", params=embed.params)
    if widget.feed:
        links["Atom"] = url(suffix=".atom")
    if widget.has_badge:
        links["Shields"] = url(suffix=".badge.json", params=embed.params)
    return list(links.items())


def chosen_account(settings: Settings, fields: Params) -> Account:
    """The chosen account, otherwise the first one."""
    accounts = settings.accounts
    slug = fields.get("account", "")
    if slug in accounts:
        return accounts[slug]
    return next(iter(accounts.values()))


def chosen_widget(enabled: Sequence[str], fields: Params) -> str:
    """The name of the chosen widget, otherwise of the first one that is enabled.

    Another account may not have the widget that was chosen before.
    """
    name = fields.get("widget", "")
    if name in enabled:
        return name
    return enabled[0]


def chosen_form(code: Snippets, fields: Params) -> str:
    """The form of the code that is displayed: the chosen one, otherwise the first."""
    names = [name for name, _ in code]
    name = fields.get("as", "")
    if name in names:
        return name
    return DEFAULT_FORM


def picture_context(embed: Embed, params: Params, path: str) -> dict[str, Any]:
    """The part of the template context that describes the picture.

    Args:
        embed: the widget.
        params: its options, including those of the picture.
        path: the path under which the service is served.
    """
    widget = embed.widget
    # The URL is a path, since the page may only contain pictures of its own origin, whatever that
    # is called.
    url = widget_url(
        path,
        embed.account,
        widget.name,
        suffix=".png",
        # Twice as many pixels, for screens that display two for each CSS pixel.
        params={"scale": "2", **params},
    )
    return {
        "sizes": {name: SIZES[name] for name in widget.picture_sizes},
        "size": embed.options.size,
        "picture": url,
    }


def parse_fields(widget: Widget, fields: Params) -> tuple[Params, Options, Problems]:
    """Separate the fields with a valid value from those with an invalid one.

    Returns:
        the valid fields, the same as options, and what is wrong with the others.
    """
    valid = dict(fields)
    problems: dict[str, str] = {}
    # Each error removes a field, so that this ends.
    while True:
        try:
            options = parse_options(widget, valid.items(), extra=PICTURE_OPTIONS)
        except BadOption as error:
            problems[error.option] = error.why
            del valid[error.option]
        else:
            return valid, options, problems


def filled(fields: Params, names: Sequence[str]) -> dict[str, str]:
    """The fields of these names that are not empty, in the order of the form."""
    return {name: value for name, value in fields.items() if value and name in names}


def snippets(embed: Embed, picture_params: Params) -> Snippets:
    """The code to paste, by the names of its forms."""
    embed_picture = embed.with_params(picture_params)
    found: Snippets = []
    for name, form in FORMS.items():
        if name not in PICTURE_FORMS:
            code = form(embed)
            found.append((name, code))
        elif embed.widget.picture:
            code = form(embed_picture)
            found.append((name, code))
    return found


def embedding_origins(account: Account) -> Sequence[str] | None:
    """The sites that may embed an account; None for all of them."""
    # A closed account is never open to all: without a list, no site may embed it.
    if account.access == "closed" and not account.allowed_origins:
        return ()
    return account.allowed_origins
