"""The code that a site owner pastes, in every form; for the command line and the studio alike."""

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
    """What is to be embedded.

    Attributes:
        base: the service's address.
        account: the slug.
        widget: which widget.
        given: the options, as they were given.
        options: the same, parsed.
        label: the widget's name, in the language that it is shown in.
    """

    base: str
    account: str
    widget: Widget
    given: Mapping[str, str]
    options: Options
    label: str


def script(embed: Embed) -> str:
    """The loader and a custom element, with the height reserved: a tag has none before its script has come."""
    return (
        f'<script async src="{escape(embed.base)}/embed.js"></script>\n'
        f'<cabinet-widget account="{embed.account}" widget="{embed.widget.name}"{_attributes(embed)} '
        f'style="display:block;min-height:{embed.widget.pixels(embed.options)}px"></cabinet-widget>'
    )


def iframe(embed: Embed) -> str:
    """A frame, with no script at all."""
    return (
        f'<iframe src="{escape(oembed(embed))}" title="{escape(embed.label)}" loading="lazy" sandbox="{SANDBOX}" '
        f'style="display:block;border:0;width:100%;height:{embed.widget.pixels(embed.options)}px"></iframe>'
    )


def wordpress(embed: Embed) -> str:
    """The shortcode of the WordPress plugin."""
    return f'[cabinet_widget account="{embed.account}" widget="{embed.widget.name}"{_attributes(embed)}]'


def oembed(embed: Embed) -> str:
    """The address, for a line of its own in WordPress, Ghost or Discourse."""
    return widget_url(embed.base, embed.account, embed.widget.name, "", embed.given)


def badge(embed: Embed) -> str:
    """A picture that links to the widget, for pages and mail signatures; twice as fine as it is shown."""
    page, picture = _picture(embed, {"scale": "2", **embed.given})
    width, height = SIZES[embed.options.size]
    return (
        f'<a href="{escape(page)}"><img src="{escape(picture)}" width="{width}" height="{height}" '
        f'alt="{escape(embed.label)}"></a>'
    )


def bbcode(embed: Embed) -> str:
    """A picture that links to the widget, for forums; these show it as large as it is."""
    page, picture = _picture(embed, embed.given)
    return f"[url={page}][img]{picture}[/img][/url]"


def _attributes(embed: Embed) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in embed.given.items())


def _picture(embed: Embed, given: Mapping[str, str]) -> tuple[str, str]:
    """The addresses of a widget and of its picture."""
    name = embed.widget.name
    if not embed.widget.picture:
        raise OperatorError(f"there is no picture of {name}; use another form of snippet")
    page = {option: value for option, value in given.items() if option not in PICTURE_OPTIONS}
    return (
        widget_url(embed.base, embed.account, name, "", page),
        widget_url(embed.base, embed.account, name, ".png", given),
    )


FORMS: Mapping[str, Callable[[Embed], str]] = {
    form.__name__: form for form in (script, iframe, wordpress, oembed, badge, bbcode)
}
PICTURE_FORMS = ("badge", "bbcode")
"""The forms that take ``PICTURE_OPTIONS`` as well."""
