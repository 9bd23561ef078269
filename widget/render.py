"""A view to bytes: HTML and JSON. Pure: no request, no clock, no I/O but the templates."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from widget.errors import N_, BadOption, CabinetError
from widget.format import Formatter
from widget.i18n import Catalogues, is_rtl
from widget.spec import Options
from widget.view import View


@dataclass(frozen=True, slots=True)
class PageContext:
    """What a page needs to know besides its figures.

    Attributes:
        assets: the URLs of the stylesheet (``css``) and the script (``js``).
        token: what the page refreshes itself with; None on an open account.
        expires: when the token ends, in Unix seconds.
        unlock_url: where a viewer password goes; None where there is none.
        canonical: the page's absolute URL, for discovery; None where nobody else may see it.
        refresh: after how many seconds the page asks again.
    """

    assets: Mapping[str, str]
    token: str | None = None
    expires: int | None = None
    unlock_url: str | None = None
    canonical: str | None = None
    refresh: int = 60


class Renderer:
    """Renders views and errors in every language that there is a catalogue for."""

    def __init__(self, templates: Path, catalogues: Catalogues) -> None:
        self._catalogues = catalogues
        self._environment = Environment(
            loader=FileSystemLoader(templates),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
            auto_reload=False,
        )

    def page(self, view: View, frame: PageContext) -> str:
        """The widget as a page of its own."""
        return self._render(
            f"widgets/{view.widget.name}.html",
            view.language(self._catalogues),
            frame,
            **self._shown(view),
        )

    def summary(self, view: View) -> str:
        """The figures that matter most, in one line of plain text."""
        template = self._environment.get_template(f"widgets/{view.widget.name}.html")
        context = self._context(view.language(self._catalogues), PageContext({}), self._shown(view))
        summary = template.blocks.get("summary")  # a list of nothing but times and names has none
        block = "".join(summary(template.new_context(context))) if summary else ""
        return " ".join(unescape(block).split())

    def label(self, view: View) -> str:
        """The widget's name in the view's language."""
        return self._catalogues.translations(view.language(self._catalogues)).gettext(
            view.widget.label
        )

    def _shown(self, view: View) -> dict[str, Any]:
        fmt = view.formatter(self._catalogues)
        gettext = self._catalogues.translations(view.language(self._catalogues)).gettext
        return {
            "widget": view.widget,
            "label": gettext(view.widget.label),
            "options": view.options,
            "period": view.options.period.text(gettext, fmt.period),
            "brief_period": view.options.period.text(gettext, fmt.brief_period),
            "data": view.data,
            "hidden": view.hidden,
            "fmt": fmt,
            "chart": view.chart(fmt),
            "as_of": view.as_of,
            "stale": view.stale,
            "currency": view.currency,
        }

    def error_page(
        self,
        code: str,
        message: str,
        language: str,
        options: Options,
        frame: PageContext,
        of: str = "",
    ) -> str:
        """A small readable card that says what is wrong.

        Args:
            code: of the error.
            message: what the visitor is told.
            language: of the message.
            options: of the request; the defaults where they are what is wrong.
            frame: what every page needs.
            of: the label of the widget that was asked for, a msgid; empty where there is none.
        """
        return self._render(
            "error.html", language, frame, options=options, code=code, label=message, of=of
        )

    def message(self, error: CabinetError, language: str) -> str:
        """An error's public text."""
        gettext = self._catalogues.translations(language).gettext
        if isinstance(error, BadOption):
            return gettext(N_("This widget's URL is not valid: %(option)s.")) % {
                "option": f"{error.option} {error.why}"
            }
        return gettext(error.message)

    def template(self, name: str, language: str, **context: Any) -> str:
        """Any other page."""
        return self._render(name, language, PageContext({}), **context)

    def _render(self, name: str, language: str, frame: PageContext, **shown: Any) -> str:
        return self._environment.get_template(name).render(self._context(language, frame, shown))

    def _context(
        self, language: str, frame: PageContext, shown: Mapping[str, Any]
    ) -> dict[str, Any]:
        translations = self._catalogues.translations(language)
        return {
            **{field.name: getattr(frame, field.name) for field in fields(frame)},
            **shown,
            "_": translations.gettext,
            "ngettext": translations.ngettext,
            "lang": language,
            "dir": "rtl" if is_rtl(language) else "ltr",
        }


def render_json(view: View) -> str:
    """The figures as JSON, as the contract says: amounts as numbers, times in UTC, what is missing as null."""
    return json.dumps(
        {
            "account": view.account.slug,
            "widget": view.widget.name,
            "as_of": Formatter.iso(view.as_of),
            "stale": view.stale,
            "currency": view.currency,
            "data": view.data,
        },
        default=_plain,
        ensure_ascii=False,
        allow_nan=False,
    )


def render_error_json(error: CabinetError, message: str) -> str:
    """An error as JSON."""
    return json.dumps({"error": {"code": error.code, "message": message}}, ensure_ascii=False)


def widget_url(
    base: str,
    account: str,
    widget: str,
    suffix: str,
    options: Mapping[str, str] | Sequence[tuple[str, str]],
) -> str:
    """The URL of a widget: an absolute one, where ``base`` is the service's."""
    query = f"?{urlencode(options)}" if options else ""
    return f"{base}/w/{quote(account)}/{quote(widget)}{suffix}{query}"


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        # Eight decimals keep every price and cut the noise of the upstream's binary fractions.
        number = float(f"{value:.8f}")  # round() gives up beyond 28 digits
        return number + 0.0 if math.isfinite(number) else None  # and -0.0 becomes 0.0
    if isinstance(value, date):
        return Formatter.iso(value)
    raise TypeError(type(value))
