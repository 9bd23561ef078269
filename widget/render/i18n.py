"""Languages: gettext catalogues and the choice of the language that a visitor gets.

To add a language, add ``widget/locale/XX.po``. Msgids are English, so English needs no file.
"""

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from widget.errors import OperatorError

ENGLISH = "en"
MAX_SUBTAGS = 4
"""Further subtags are ignored: the Accept-Language header of a visitor can be very long."""


class Catalogues:
    """The translations of all languages.

    A text that is missing or marked as fuzzy stays English.
    """

    def __init__(self, translations: Mapping[str, NullTranslations]) -> None:
        # Msgids are the English texts: translations that translate nothing are the English ones.
        self._translations = {ENGLISH: NullTranslations(), **translations}
        # Case does not matter in a tag: pt-br is pt-BR.
        self._names: dict[str, str] = {}
        for tag in self._translations:
            self._names[tag.lower()] = tag

    @property
    def languages(self) -> tuple[str, ...]:
        """The tags of all languages, sorted."""
        return tuple(sorted(self._translations))

    def negotiate(self, *wanted: str | None) -> str:
        """The best language: that of the first wanted tag with a catalogue, otherwise English.

        Args:
            wanted: well-formed BCP 47 tags in order of preference; None is ignored.
        """
        language, _ = self._best(wanted)
        return language

    def locale_for(self, *wanted: str | None) -> str:
        """The tag to format numbers and dates by: the same choice, with its region (fr-CA).

        The script is that of the texts: en-Shaw-GB, English in an alphabet of its own, is en-GB.
        """
        language, tag = self._best(wanted)
        locale = cldr_locale(tag)
        # Chinese regions imply a script: zh-TW is Hant. Its numbers and dates suit texts in Hans.
        allowed_scripts = (None, "Hans", "Hant", cldr_locale(language).script)
        if locale.script in allowed_scripts:
            return tag
        if locale.territory:
            return f"{language}-{locale.territory}"
        return language

    def translations(self, *wanted: str | None) -> NullTranslations:
        """The translations of the language that ``negotiate`` chooses."""
        language = self.negotiate(*wanted)
        return self._translations[language]

    def _best(self, wanted: tuple[str | None, ...]) -> tuple[str, str]:
        """The best language, and the tag for which it was chosen."""
        for tag in wanted:
            if tag is None:
                continue
            for prefix in prefixes(tag.lower()):
                language = self._names.get(prefix)
                if language:
                    return language, tag
        return ENGLISH, ENGLISH


def prefixes(tag: str) -> Iterator[str]:
    """A language tag, and its beginnings by whole subtags, the longest one first."""
    # Some programs write fr_CA. The second limit drops what the first one left unsplit.
    subtags = tag.replace("_", "-").split("-", MAX_SUBTAGS)
    subtags = subtags[:MAX_SUBTAGS]
    for length in range(len(subtags), 0, -1):
        yield "-".join(subtags[:length])


# Reading them takes a tenth of a second, and nothing changes them while a process runs.
@cache
def load_catalogues(folder: Path) -> Catalogues:
    """Read every ``XX.po`` of a folder, once in a process.

    Raises:
        OperatorError: a catalogue cannot be read; names the file.
    """
    translations = {}
    for path in folder.glob("*.po"):
        # gettext's own names of files are like pt_BR, but URLs and HTML have pt-BR.
        tag = path.stem.replace("_", "-")
        translations[tag] = read_catalogue(path)
    return Catalogues(translations)


def read_catalogue(path: Path) -> GNUTranslations:
    """Read one catalogue.

    Raises:
        OperatorError: it cannot be read; names the file.
    """
    # gettext reads compiled catalogues only; compiling takes a few milliseconds at start-up.
    compiled = BytesIO()
    try:
        with path.open("rb") as file:
            catalogue = read_po(file, locale=path.stem, abort_invalid=True)
        write_mo(compiled, catalogue)
        compiled.seek(0)
        return GNUTranslations(compiled)
    except (PoFileError, ValueError) as error:
        raise OperatorError(f"{path.name} is not a gettext catalogue: {error}") from error


# A page needs its locale several times. The cache has a limit since visitors can request any tag.
@lru_cache(maxsize=256)
def cldr_locale(tag: str) -> Locale:
    """The CLDR locale of a BCP 47 tag or of its longest known prefix, otherwise English."""
    for prefix in prefixes(tag):
        try:
            return Locale.parse(prefix, sep="-")
        # ValueError: it is well-formed for BCP 47, but not for Babel.
        except (UnknownLocaleError, ValueError):
            continue
    return Locale(ENGLISH)


def is_rtl(tag: str) -> bool:
    """Whether a language is written from right to left."""
    return cldr_locale(tag).text_direction == "rtl"


def language_name(language: str) -> str:
    """The name of a language in that language, such as français; its tag if CLDR has no name."""
    return cldr_locale(language).get_display_name() or language
