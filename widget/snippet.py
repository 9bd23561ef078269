"""The code that embeds a widget, in every form, for the command line and the studio."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

from widget.errors import OperatorError
from widget.render import widget_url
from widget.spec import PICTURE_OPTIONS, Options, Widget
from widget.svg import SIZES

SANDBOX = "allow-scripts allow-same-origin allow-forms allow-popups"


@dataclass(frozen=True, slots=True)
class Embed:
    """The widget to embed.

    Attributes:
        base: the service's URL.
        account: the account's slug.
        widget: the widget.
        params: the options as text, by name.
        options: the same options, parsed.
        label: the widget's name in the language of the widget.
    """

    base: str
    account: str
    widget: Widget
    params: Mapping[str, str]
    options: Options
    label: str


def script(embed: Embed) -> str:
    """The loader and a custom element. Its height is reserved by a style, since the script loads later."""
    return (
        f'<script async src="{escape(embed.base)}/embed.js"></script>\n'
        f'<cabinet-widget account="{embed.account}" widget="{embed.widget.name}"{_attributes(embed)} '
        f'style="display:block;min-height:{embed.widget.pixels(embed.options)}px"></cabinet-widget>'
    )


def iframe(embed: Embed) -> str:
    """A frame without any script."""
    return (
        f'<iframe src="{escape(oembed(embed))}" title="{escape(embed.label)}" loading="lazy" sandbox="{SANDBOX}" '
        f'style="display:block;border:0;width:100%;height:{embed.widget.pixels(embed.options)}px"></iframe>'
    )


def wordpress(embed: Embed) -> str:
    """The shortcode of the WordPress plugin."""
    return f'[cabinet_widget account="{embed.account}" widget="{embed.widget.name}"{_attributes(embed)}]'


def oembed(embed: Embed) -> str:
    """The URL, for a line of its own in WordPress, Ghost or Discourse."""
    return widget_url(embed.base, embed.account, embed.widget.name, "", embed.params)


def badge(embed: Embed) -> str:
    """A picture that links to the widget, for pages and mail signatures, in twice its displayed resolution."""
    page, picture = _picture(embed, {"scale": "2", **embed.params})
    width, height = SIZES[embed.options.size]
    return (
        f'<a href="{escape(page)}"><img src="{escape(picture)}" width="{width}" height="{height}" '
        f'alt="{escape(embed.label)}"></a>'
    )


def bbcode(embed: Embed) -> str:
    """A picture that links to the widget, for forums, which display pictures in their full size."""
    page, picture = _picture(embed, embed.params)
    return f"[url={page}][img]{picture}[/img][/url]"


def _attributes(embed: Embed) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in embed.params.items())


def _picture(embed: Embed, params: Mapping[str, str]) -> tuple[str, str]:
    """The URLs of a widget and of its picture."""
    name = embed.widget.name
    if not embed.widget.picture:
        raise OperatorError(f"{name} has no picture; use another form of snippet")
    page = {option: value for option, value in params.items() if option not in PICTURE_OPTIONS}
    return (
        widget_url(embed.base, embed.account, name, "", page),
        widget_url(embed.base, embed.account, name, ".png", params),
    )


FORMS: Mapping[str, Callable[[Embed], str]] = {
    form.__name__: form for form in (script, iframe, wordpress, oembed, badge, bbcode)
}
PICTURE_FORMS = ("badge", "bbcode")
"""The forms that accept ``PICTURE_OPTIONS``."""
