"""The code that a site owner pastes, in every form; for the command line and the studio alike."""

from collections.abc import Callable, Mapping
from html import escape

from widget.badge import SIZES
from widget.errors import OperatorError
from widget.render import widget_url
from widget.spec import PICTURE_OPTIONS, Options, Widget

SANDBOX = "allow-scripts allow-same-origin allow-forms allow-popups"


def script(base: str, account: str, widget: Widget, given: Mapping[str, str], options: Options) -> str:
    """The loader and a custom element, with the height reserved: a tag has none before its script has come."""
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in given.items())
    return (
        f'<script async src="{escape(base)}/embed.js"></script>\n'
        f'<cabinet-widget account="{account}" widget="{widget.name}"{attributes} '
        f'style="display:block;min-height:{widget.pixels(options)}px"></cabinet-widget>'
    )


def iframe(base: str, account: str, widget: Widget, given: Mapping[str, str], options: Options) -> str:
    """A frame, with no script at all."""
    return (
        f'<iframe src="{escape(widget_url(base, account, widget.name, "", given))}" title="{escape(widget.label)}" '
        f'loading="lazy" sandbox="{SANDBOX}" '
        f'style="display:block;border:0;width:100%;height:{widget.pixels(options)}px"></iframe>'
    )


def wordpress(base: str, account: str, widget: Widget, given: Mapping[str, str], options: Options) -> str:
    """The shortcode of the WordPress plugin."""
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in given.items())
    return f'[cabinet_widget account="{account}" widget="{widget.name}"{attributes}]'


def oembed(base: str, account: str, widget: Widget, given: Mapping[str, str], options: Options) -> str:
    """The address, for a line of its own in WordPress, Ghost or Discourse."""
    return widget_url(base, account, widget.name, "", given)


def badge(base: str, account: str, widget: Widget, given: Mapping[str, str], options: Options) -> str:
    """A picture that links to the widget, for pages and mail signatures; twice as fine as it is shown."""
    page, picture = _picture(base, account, widget, {"scale": "2", **given})
    width, height = SIZES[options.size]
    return (
        f'<a href="{escape(page)}"><img src="{escape(picture)}" width="{width}" height="{height}" '
        f'alt="{escape(widget.label)}"></a>'
    )


def bbcode(base: str, account: str, widget: Widget, given: Mapping[str, str], options: Options) -> str:
    """A picture that links to the widget, for forums; these show it as large as it is."""
    page, picture = _picture(base, account, widget, given)
    return f"[url={page}][img]{picture}[/img][/url]"


def _picture(base: str, account: str, widget: Widget, given: Mapping[str, str]) -> tuple[str, str]:
    """The addresses of a widget and of its picture."""
    if not widget.picture:
        raise OperatorError(f"there is no picture of {widget.name}; use another form of snippet")
    page = {name: value for name, value in given.items() if name not in PICTURE_OPTIONS}
    return widget_url(base, account, widget.name, "", page), widget_url(base, account, widget.name, ".png", given)


FORMS: Mapping[str, Callable[[str, str, Widget, Mapping[str, str], Options], str]] = {
    form.__name__: form for form in (script, iframe, wordpress, oembed, badge, bbcode)
}
PICTURES = ("badge", "bbcode")
"""The forms that take ``PICTURE_OPTIONS`` as well."""
