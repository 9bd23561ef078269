"""The studio: the template context for the chosen account, widget and options."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from widget import registry, snippet
from widget.config import Settings
from widget.errors import BadOption
from widget.i18n import Catalogues
from widget.render import widget_url
from widget.spec import PICTURE_OPTIONS, Options, Widget, parse_options
from widget.svg import SIZES


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
        query: the form's fields. An empty field is an option that is not set; the first account or widget replaces
            an unknown one.
    """
    fields = dict(query)
    account = settings.accounts.get(fields.get("account", "")) or next(
        iter(settings.accounts.values())
    )
    names = registry.enabled_widgets(account, widgets)
    widget = widgets[fields["widget"] if fields.get("widget") in names else names[0]]
    params = {name: value for name, value in fields.items() if value and name in widget.all_options}
    picture_params = params | {
        name: fields[name] for name in PICTURE_OPTIONS if fields.get(name) and widget.picture
    }
    options, problem = Options(), None
    try:
        options = parse_options(widget, picture_params.items(), extra=PICTURE_OPTIONS)
    except BadOption as error:
        problem = str(error)
    base = settings.server.public_url
    label = catalogues.translations(options.lang, account.lang).gettext(widget.label)
    embed = snippet.Embed(base, account.slug, widget, params, options, label)
    pictures = replace(embed, params=picture_params)
    forms = [
        (name, form)
        for name, form in snippet.FORMS.items()
        if widget.picture or name not in snippet.PICTURE_FORMS
    ]
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
        "snippets": []
        if problem
        else [
            (name, form(pictures if name in snippet.PICTURE_FORMS else embed))
            for name, form in forms
        ],
        "origins": ()
        if account.access == "closed" and not account.allowed_origins
        else account.allowed_origins,
        "closed": account.access == "closed",
        "service": base,
    }
