"""Languages: gettext catalogues as they are written, plural forms, and which one a visitor gets.

Adding a language is adding ``widget/locale/XX.po``; msgids are English, so English needs no file.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from gettext import c2py
from pathlib import Path
from types import MappingProxyType

from babel import Locale, UnknownLocaleError
from babel.messages.pofile import PoFileError, read_po

from widget.errors import OperatorError

ENGLISH = "en"


def _one_is_singular(n: int) -> int:
    return int(n != 1)


@dataclass(frozen=True, eq=False)
class Translations:
    """One language's texts, as Jinja's ``install_gettext_callables`` and gettext's users want them.

    A text that the catalogue does not have, or has as fuzzy, stays English.

    Attributes:
        language: its tag, as ``<html lang>`` wants it.
    """

    language: str
    _texts: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    _form: Callable[[int], int] = _one_is_singular

    def gettext(self, message: str) -> str:
        """The text of a msgid."""
        texts = self._texts.get(message)
        return texts[0] if texts else message

    def ngettext(self, one: str, many: str, n: int) -> str:
        """The text for ``n`` things; ``one`` and ``many`` are the English forms, ``one`` is the msgid."""
        texts = self._texts.get(one)
        return texts[self._form(n)] if texts else (one, many)[_one_is_singular(n)]


class Catalogues:
    """All languages that there are texts for."""

    def __init__(self, translations: Mapping[str, Translations]) -> None:
        self._translations = {ENGLISH: Translations(ENGLISH), **translations}
        self._names = {tag.lower(): tag for tag in self._translations}

    @property
    def languages(self) -> tuple[str, ...]:
        """Their tags, sorted."""
        return tuple(sorted(self._translations))

    def negotiate(self, *wanted: str | None) -> str:
        """The language to show: that of the first wanted tag that has one, else English.

        Args:
            wanted: well-formed BCP 47 tags in order of preference, as the visitor's and the account's; None is skipped.
        """
        return self._best(wanted)[0]

    def locale_for(self, *wanted: str | None) -> str:
        """The tag to format numbers and dates by: the same choice, with the region that was asked for (fr-CA)."""
        return self._best(wanted)[1]

    def translations(self, language: str) -> Translations:
        """The texts of a language, or of the nearest that there is."""
        return self._translations[self.negotiate(language)]

    def _best(self, wanted: tuple[str | None, ...]) -> tuple[str, str]:
        for tag in filter(None, wanted):
            subtags = tag.lower().replace("_", "-").split("-")
            for length in range(len(subtags), 0, -1):
                language = self._names.get("-".join(subtags[:length]))
                if language:
                    return language, tag
        return ENGLISH, ENGLISH


def load(folder: Path) -> Catalogues:
    """Read every ``XX.po`` of a folder.

    Raises:
        OperatorError: a catalogue cannot be read; says which and where.
    """
    return Catalogues({tag: _read(path, tag) for path in folder.glob("*.po") if (tag := path.stem.replace("_", "-"))})


def _read(path: Path, tag: str) -> Translations:
    try:
        with path.open("rb") as file:
            catalogue = read_po(file, abort_invalid=True)
        form = c2py(catalogue.plural_expr)
    except (PoFileError, ValueError) as error:
        raise OperatorError(f"{path.name} is no gettext catalogue: {error}") from error
    texts = {}
    for message in catalogue:
        forms = (message.string,) if isinstance(message.string, str) else tuple(message.string)
        if message.id and not message.fuzzy and all(forms):
            texts[message.id if isinstance(message.id, str) else message.id[0]] = forms
    return Translations(tag, MappingProxyType(texts), form)


@lru_cache(maxsize=256)
def cldr(tag: str) -> Locale:
    """What CLDR knows under a BCP 47 tag, or under as much of its beginning as it knows; at worst English."""
    subtags = tag.replace("_", "-").split("-")
    for length in range(len(subtags), 0, -1):
        try:
            return Locale.parse("-".join(subtags[:length]), sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale(ENGLISH)


def is_rtl(tag: str) -> bool:
    """Whether a language is written from right to left."""
    return cldr(tag).text_direction == "rtl"


def name(language: str) -> str:
    """What a language calls itself, such as français; its tag where CLDR does not say."""
    return cldr(language).get_display_name() or language
