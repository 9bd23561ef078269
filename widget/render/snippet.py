"""The code that embeds a widget, in every form, for the command line and the studio."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from urllib.parse import quote, urlencode

from widget.config import Account, Settings
from widget.errors import OperatorError
from widget.render.i18n import Catalogues
from widget.widgets.base import Widget
from widget.widgets.options import PICTURE_OPTIONS, SIZES, Options

# Scripts refresh the widget, its origin lets them, forms unlock it, and links open in a new tab.
SANDBOX = "allow-scripts allow-same-origin allow-forms allow-popups"

_MARGIN = "margin:16px 0"
"""The distance between widgets that are pasted one after another."""

UrlOptions = Mapping[str, str] | Sequence[tuple[str, str]]
"""The options of a URL as text."""


def widget_url(
    base: str,
    account: str,
    widget: str,
    *,
    suffix: str = "",
    params: UrlOptions = (),
) -> str:
    """The URL of a widget.

    Args:
        base: the service's URL; the path under which it is served for a URL without a host.
        account: the account's slug.
        widget: the name of the widget.
        suffix: what follows, such as the suffix of another form.
        params: its options.
    """
    path = f"/w/{quote(account)}/{quote(widget)}{suffix}"
    return with_query(f"{base}{path}", params)


def account_url(
    base: str,
    account: str,
    *,
    suffix: str = "",
    params: UrlOptions = (),
) -> str:
    """The URL of an account's page; the arguments are those of ``widget_url``."""
    path = f"/a/{quote(account)}{suffix}"
    return with_query(f"{base}{path}", params)


def with_query(url: str, params: UrlOptions) -> str:
    """A URL with these options."""
    if not params:
        return url
    return f"{url}?{urlencode(params)}"


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

    def with_params(self, params: Mapping[str, str]) -> "Embed":
        """The same widget with other options as text."""
        return replace(self, params=params)

    @property
    def pixels(self) -> int:
        """The height to reserve."""
        return self.widget.pixels(self.options)

    def attributes(self, prefix: str = "") -> str:
        """Account, widget and options as HTML attributes, whose names begin with a prefix."""
        attributes = {
            "account": self.account,
            "widget": self.widget.name,
            **self.params,
        }
        texts = []
        for name, value in attributes.items():
            texts.append(f'{prefix}{name}="{escape(value)}"')
        return " ".join(texts)

    @property
    def page_url(self) -> str:
        """The URL of the page, without the options that only pictures have."""
        params = {
            name: text
            for name, text in self.params.items()
            if name not in PICTURE_OPTIONS  # the page would reject them as unknown options
        }
        return self.url(params=params)

    def url(self, *, suffix: str = "", params: UrlOptions = ()) -> str:
        """The URL of one of the widget's forms, with these options."""
        return widget_url(
            self.base,
            self.account,
            self.widget.name,
            suffix=suffix,
            params=params,
        )

    def picture_url(self, params: Mapping[str, str]) -> str:
        """The URL of the picture with these options.

        Raises:
            OperatorError: the widget has no picture.
        """
        if not self.widget.picture:
            forms = [form for form in FORMS if form not in PICTURE_FORMS]
            listed = ", ".join(forms)
            raise OperatorError(
                f"{self.widget.name} has no picture; use --as with one of: {listed}"
            )
        # Mail programs and many forums do not display SVG.
        return self.url(suffix=".png", params=params)


def build_embed(
    settings: Settings,
    account: Account,
    widget: Widget,
    params: Mapping[str, str],
    options: Options,
    catalogues: Catalogues,
) -> Embed:
    """A widget to embed, with its name in the language in which it will be displayed.

    That is the language of the host page, and not that of the person who pastes the code.

    Args:
        settings: the configuration.
        account: whose widget.
        widget: the widget.
        params: its options as text, by name.
        options: the same options, parsed.
        catalogues: the languages.
    """
    texts = catalogues.translations(options.lang, account.lang)
    return Embed(
        base=settings.server.public_url,
        account=account.slug,
        widget=widget,
        params=params,
        options=options,
        label=texts.gettext(widget.label),
    )


def script(embed: Embed) -> str:
    """The loader and a custom element, with a link for visitors who cannot see the widget."""
    # The element has no height before its script is loaded: a style reserves it, so that the page
    # does not move.
    style = f"display:block;min-height:{embed.pixels}px;{_MARGIN}"
    link = f'<a href="{escape(embed.page_url)}">{escape(embed.label)}</a>'
    return (
        f'<script async src="{escape(embed.base)}/embed.js"></script>\n'
        f'<cabinet-widget {embed.attributes()} style="{style}">{link}</cabinet-widget>'
    )


def tag(embed: Embed) -> str:
    """The loader alone, in a wrapper that reserves the height of the widget it puts there."""
    # HTML lets a script have attributes of any name only if they begin like this.
    attributes = embed.attributes("data-")
    return (
        f'<div style="min-height:{embed.pixels}px;{_MARGIN}">'
        f'<script async src="{escape(embed.base)}/embed.js" {attributes}></script></div>'
    )


def iframe(embed: Embed) -> str:
    """A frame without any script."""
    url = escape(oembed(embed))
    title = escape(embed.label)
    # Without the loader nothing adapts the height: the exact one is known from the options.
    style = f"display:block;border:0;width:100%;height:{embed.pixels}px;{_MARGIN}"
    # Browsers give a frame an opaque background if its colour scheme is not that of the document in
    # it, and the corners of the card would be visible. A document with a card follows the system.
    if embed.options.background == "card":
        style += ";color-scheme:light dark"
    return (
        f'<iframe src="{url}" title="{title}" loading="lazy" '
        f'sandbox="{SANDBOX}" style="{style}"></iframe>'
    )


def wordpress(embed: Embed) -> str:
    """The shortcode of the WordPress plugin."""
    return f"[cabinet_widget {embed.attributes()}]"


def oembed(embed: Embed) -> str:
    """The URL, for a line of its own in WordPress, Ghost or Discourse."""
    return embed.url(params=embed.params)


def badge(embed: Embed) -> str:
    """A picture that links to the widget, for pages and mail signatures."""
    # Twice the displayed resolution, for screens with small pixels.
    picture_url = embed.picture_url({"scale": "2", **embed.params})
    width, height = SIZES[embed.options.size]
    image = (
        f'<img src="{escape(picture_url)}" width="{width}" height="{height}" '
        f'alt="{escape(embed.label)}">'
    )
    return f'<a href="{escape(embed.page_url)}">{image}</a>'


def bbcode(embed: Embed) -> str:
    """A picture that links to the widget, for forums, which display pictures in full size."""
    picture_url = embed.picture_url(embed.params)
    return f"[url={embed.page_url}][img]{picture_url}[/img][/url]"


# In the order in which the studio and the help of the command line list them.
FORMS = {
    "script": script,
    "tag": tag,
    "iframe": iframe,
    "wordpress": wordpress,
    "oembed": oembed,
    "badge": badge,
    "bbcode": bbcode,
}
PICTURE_FORMS = ("badge", "bbcode")
"""The forms that accept ``PICTURE_OPTIONS``."""
