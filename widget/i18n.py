"""Languages: gettext catalogues as they are written, plural forms, and which one a visitor gets.

Adding a language is adding ``widget/locale/XX.po``; msgids are English, so English needs no file.
"""

from collections.abc import Mapping
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from widget.errors import OperatorError

ENGLISH = "en"
_SUBTAGS = 4
"""Of a tag, so many count. A visitor's Accept-Language is as long as a server lets it be."""


class Catalogues:
    """All languages that there are texts for; one that a catalogue does not have, or has as fuzzy, stays English."""

    def __init__(self, translations: Mapping[str, NullTranslations]) -> None:
        self._translations = {ENGLISH: NullTranslations(), **translations}
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
        """The tag to format numbers and dates by: the same choice, with the region that was asked for (fr-CA).

        They are written in the script of the texts around them: en-Shaw-GB, in an alphabet of its own, is en-GB.
        """
        language, tag = self._best(wanted)
        locale = cldr_locale(tag)
        if locale.script in (None, "Hans", "Hant", cldr_locale(language).script):
            return tag
        return f"{language}-{locale.territory}" if locale.territory else language

    def translations(self, *wanted: str | None) -> NullTranslations:
        """The texts of the language that ``negotiate`` chooses."""
        return self._translations[self.negotiate(*wanted)]

    def _best(self, wanted: tuple[str | None, ...]) -> tuple[str, str]:
        for tag in filter(None, wanted):
            subtags = tag.lower().replace("_", "-").split("-", _SUBTAGS)[:_SUBTAGS]
            for length in range(len(subtags), 0, -1):
                language = self._names.get("-".join(subtags[:length]))
                if language:
                    return language, tag
        return ENGLISH, ENGLISH


def load_catalogues(folder: Path) -> Catalogues:
    """Read every ``XX.po`` of a folder.

    Raises:
        OperatorError: a catalogue cannot be read; says which and where.
    """
    return Catalogues({path.stem.replace("_", "-"): _read(path) for path in folder.glob("*.po")})


def _read(path: Path) -> GNUTranslations:
    compiled = BytesIO()
    try:
        with path.open("rb") as file:
            write_mo(compiled, read_po(file, locale=path.stem, abort_invalid=True))
        compiled.seek(0)
        return GNUTranslations(compiled)
    except (PoFileError, ValueError) as error:
        raise OperatorError(f"{path.name} is no gettext catalogue: {error}") from error


@lru_cache(maxsize=256)
def cldr_locale(tag: str) -> Locale:
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
    return cldr_locale(tag).text_direction == "rtl"


def language_name(language: str) -> str:
    """What a language calls itself, such as français; its tag where CLDR does not say."""
    return cldr_locale(language).get_display_name() or language
