"""The studio: the template context for the chosen account, widget and options."""

from collections.abc import Mapping, Sequence
from typing import Any

from widget.config import Account, Settings
from widget.errors import BadOption
from widget.render.i18n import Catalogues
from widget.render.snippet import FORMS, PICTURE_FORMS, Embed, widget_url
from widget.widgets import registry
from widget.widgets.base import Widget
from widget.widgets.options import PICTURE_OPTIONS, SIZES, Options, parse_options


def build_context(
    settings: Settings,
    widgets: Mapping[str, Widget],
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
    names = registry.enabled_widgets(account, widgets)
    name = fields.get("widget", "")
    if name not in names:
        name = names[0]
    widget = widgets[name]
    params = filled(fields, widget.all_options)
    picture_params = dict(params)
    if widget.picture:
        picture_params |= filled(fields, PICTURE_OPTIONS)
    # With an invalid option the page still displays the form, the message and no code.
    options = Options()
    problem = None
    try:
        options = parse_options(widget, picture_params.items(), extra=PICTURE_OPTIONS)
    except BadOption as error:
        problem = str(error)
    embed = Embed(
        base=settings.server.public_url,
        account=account.slug,
        widget=widget,
        params=params,
        options=options,
        label=catalogues.translations(options.lang, account.lang).gettext(widget.label),
    )
    return {
        "accounts": list(settings.accounts),
        "account": account.slug,
        "widgets": [widgets[name] for name in names],
        "widget": widget,
        "params": params,
        "sizes": SIZES if widget.picture else {},
        "size": options.size,
        "picture": widget_url(
            settings.server.path,
            account.slug,
            widget.name,
            ".png",
            {"scale": "2", **picture_params},
        ),
        "problem": problem,
        "snippets": [] if problem else snippets(embed, picture_params),
        "origins": embedding_origins(account),
        "closed": account.access == "closed",
        "service": settings.server.public_url,
    }


def chosen_account(settings: Settings, fields: Mapping[str, str]) -> Account:
    """The chosen account, otherwise the first one."""
    first = next(iter(settings.accounts.values()))
    return settings.accounts.get(fields.get("account", ""), first)


def filled(fields: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """The fields of these names that are not empty, in the order of the form."""
    return {name: value for name, value in fields.items() if value and name in names}


def snippets(embed: Embed, picture_params: Mapping[str, str]) -> list[tuple[str, str]]:
    """The code to paste, by the names of its forms."""
    pictures = embed.with_params(picture_params)
    found = []
    for name, form in FORMS.items():
        if name not in PICTURE_FORMS:
            found.append((name, form(embed)))
        elif embed.widget.picture:
            found.append((name, form(pictures)))
    return found


def embedding_origins(account: Account) -> Sequence[str] | None:
    """The sites that may embed an account; None for all of them."""
    # The defaults differ: any site may frame an open account, and none a closed one.
    if account.access == "closed" and not account.allowed_origins:
        return ()
    return account.allowed_origins
