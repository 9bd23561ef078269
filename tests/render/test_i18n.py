"""Catalogues are complete, with their own plural forms; a visitor gets the closest language."""

import re
from collections import Counter
from collections.abc import Iterator, Set
from functools import cache
from gettext import NullTranslations, c2py
from pathlib import Path

import pytest
from babel import Locale
from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from widget import paths
from widget.errors import OperatorError
from widget.render.i18n import Catalogues, cldr_locale, is_rtl, load_catalogues, prefixes

LANGUAGES = sorted(path.stem for path in paths.locales().glob("*.po"))
FIRST = {"ar", "de", "es", "fr", "hi", "id", "it", "ms", "pl", "pt", "ru", "uk", "zh"}
ROOT = Path(__file__).parents[2]
MsgId = str | tuple[str, str]


@cache
def msgids() -> frozenset[MsgId]:
    """Every string that the sources mark, a plural as (one, many)."""
    found: set[MsgId] = set()
    for folder, pattern, method in (
        (ROOT / "widget", "**.py", "python"),
        (ROOT / "templates", "**.html", "jinja2.ext:babel_extract"),
    ):
        for _, _, message, _, _ in extract_from_dir(
            folder,
            [(pattern, method)],
            {pattern: {"silent": "false", "encoding": "utf-8"}},
            {**DEFAULT_KEYWORDS, "ngettext_noop": (1, 2)},
        ):
            found.add(message if isinstance(message, str) else (message[0], message[1]))
    return frozenset(found)


def placeholders(text: object) -> Counter[str]:
    return Counter(re.findall(r"%\(\w+\)[sd]|%[sd%]|\{\w*\}", str(text)))


def problems(catalogue: Catalog, wanted: Set[object]) -> Iterator[str]:
    """What a translator still has to do, a line each."""
    messages = {message.id: message for message in catalogue if message.id}
    yield from (f"missing: {msgid!r}" for msgid in sorted(wanted - messages.keys(), key=str))
    yield from (f"obsolete: {msgid!r}" for msgid in sorted(messages.keys() - wanted, key=str))
    yield from (f"obsolete: {msgid!r}" for msgid in catalogue.obsolete)
    form_of = c2py(catalogue.plural_expr)
    numbers = Counter(form_of(n) for n in range(1000))
    for msgid, message in messages.items():
        plural = isinstance(msgid, tuple)
        forms = message.string if plural else (message.string,)
        if message.fuzzy:
            yield f"fuzzy: {msgid!r}"
        if not all(forms):
            yield f"missing: {msgid!r}"
        if plural and len(forms) != catalogue.num_plurals:
            yield f"{len(forms)} forms, not {catalogue.num_plurals}: {msgid!r}"
        expected = placeholders(msgid[-1] if plural else msgid)
        for index, form in enumerate(forms):
            # a form for one number only ("two trades") need not repeat it
            missing = (
                expected - placeholders(form) if not plural or numbers[index] > 1 else Counter()
            )
            if form and (missing or placeholders(form) - expected):
                yield f"other placeholders: {msgid!r}: {form!r}"


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.stem, abort_invalid=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_translates_every_message_of_the_sources(language: str) -> None:
    found = list(problems(read(paths.locales() / f"{language}.po"), msgids()))
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_has_the_plural_forms_of_cldr(language: str) -> None:
    catalogue = read(paths.locales() / f"{language}.po")
    form_of, rule = c2py(catalogue.plural_expr), Locale(language).plural_form
    pairs = {(form_of(n), rule(n)) for n in range(1000)}
    assert (
        len(pairs)
        == len({form for form, _ in pairs})
        == len({tag for _, tag in pairs})
        == catalogue.num_plurals
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_ends_with_a_full_stop_exactly_if_the_message_does(language: str) -> None:
    for message in read(paths.locales() / f"{language}.po"):
        if isinstance(message.id, str) and message.id:
            assert message.id == message.id.strip()
            text = str(message.string)
            assert (text == text.strip(), text[-1] in ".。।") == (True, message.id[-1] == "."), (
                message.id
            )


def test_every_catalogue_is_a_language_and_english_needs_no_catalogue() -> None:
    assert load_catalogues(paths.locales()).languages == tuple(sorted(["en", *LANGUAGES]))
    assert set(LANGUAGES) >= FIRST


def test_the_check_of_catalogues_finds_each_kind_of_mistake() -> None:
    catalogue = Catalog("fr")
    catalogue.mime_headers = [
        ("Plural-Forms", "nplurals=2; plural=(n > 1);")
    ]  # Babel's own depend on its version
    catalogue.add("Balance", "Solde", flags=["fuzzy"])
    catalogue.add("Equity", "")
    catalogue.add("Long gone", "Disparu")
    catalogue.add("at %(time)s", "à %(heure)s")
    catalogue.add(("%(n)d trade", "%(n)d trades"), ("une position", "des positions"))
    catalogue.add(("%(n)d lot", "%(n)d lots"), ("%(n)d lot",))
    wanted = frozenset(msgid for msgid in (message.id for message in catalogue) if msgid) - {
        "Long gone"
    } | {"Swap"}
    assert list(problems(catalogue, wanted)) == [
        "missing: 'Swap'",
        "obsolete: 'Long gone'",
        "fuzzy: 'Balance'",
        "missing: 'Equity'",
        "other placeholders: 'at %(time)s': 'à %(heure)s'",
        "other placeholders: ('%(n)d trade', '%(n)d trades'): 'une position'",
        "other placeholders: ('%(n)d trade', '%(n)d trades'): 'des positions'",
        "1 forms, not 2: ('%(n)d lot', '%(n)d lots')",
    ]


def test_strings_are_found_in_python_and_in_templates() -> None:
    in_python = {message for message in msgids() if isinstance(message, str)}
    assert {"Today", "Balance", "There is no such widget."} <= in_python
    assert len(msgids()) > 60


HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'


def catalogues(tmp_path: Path, **texts: str) -> Catalogues:
    for name, text in texts.items():
        (tmp_path / f"{name}.po").write_text(text, encoding="utf-8")
    return load_catalogues(tmp_path)


def test_missing_and_fuzzy_translations_stay_english(
    tmp_path: Path,
) -> None:
    text = HEADER + (
        'msgid "Balance"\nmsgstr "Solde"\n\n'
        '#, fuzzy\nmsgid "Equity"\nmsgstr "Équipe"\n\n'
        'msgid "Swap"\nmsgstr ""\n'
    )
    french = catalogues(tmp_path, fr=text).translations("fr")
    assert [french.gettext(message) for message in ("Balance", "Equity", "Swap", "Lots")] == [
        "Solde",
        "Equity",
        "Swap",
        "Lots",
    ]


def test_plurals_follow_the_catalogue_and_are_english_without_one(tmp_path: Path) -> None:
    rule = "nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);"
    polish = HEADER + (
        f'"Plural-Forms: {rule}\\n"\n\nmsgid "lot"\nmsgid_plural "lots"\n'
        'msgstr[0] "lot"\nmsgstr[1] "loty"\nmsgstr[2] "lotów"\n'
    )
    found = catalogues(tmp_path, pl=polish)
    assert [found.translations("pl").ngettext("lot", "lots", n) for n in (0, 1, 2, 5, 22, 112)] == [
        "lotów",
        "lot",
        "loty",
        "lotów",
        "loty",
        "lotów",
    ]
    assert [found.translations("pl").ngettext("trade", "trades", n) for n in (0, 1, 2)] == [
        "trades",
        "trade",
        "trades",
    ]
    assert [found.translations("en").ngettext("lot", "lots", n) for n in (0, 1, 2)] == [
        "lots",
        "lot",
        "lots",
    ]


def test_arabic_has_separate_forms_for_zero_one_two_few_and_many() -> None:
    arabic = load_catalogues(paths.locales()).translations("ar")
    forms = [arabic.ngettext("%(count)s trade", "%(count)s trades", n) for n in (0, 1, 2, 3, 11)]
    assert len(set(forms)) == 5


@pytest.mark.parametrize(
    ("wanted", "language", "locale"),
    [
        (("fr-CA",), "fr", "fr-CA"),
        (("FR",), "fr", "FR"),
        (("zh-Hans-CN",), "zh", "zh-Hans-CN"),
        (("zh-TW", "fr"), "zh", "zh-TW"),
        (("pt-BR",), "pt", "pt-BR"),
        (("tlh", "de-CH", "fr"), "de", "de-CH"),
        ((None, "ar"), "ar", "ar"),
        (("en-GB", "fr"), "en", "en-GB"),
        (("tlh", None), "en", "en"),
        (("english",), "en", "en"),
        (("en-Shaw-GB",), "en", "en-GB"),
        (("ms-Arab",), "ms", "ms"),
        (("hi-Latn",), "hi", "hi"),
        ((), "en", "en"),
    ],
)
def test_a_visitor_gets_the_closest_available_language(
    wanted: tuple[str | None, ...], language: str, locale: str
) -> None:
    found = Catalogues({tag: NullTranslations() for tag in LANGUAGES})
    assert (found.negotiate(*wanted), found.locale_for(*wanted)) == (language, locale)


def test_a_catalogue_for_a_region_is_preferred_to_that_of_its_language() -> None:
    found = Catalogues({tag: NullTranslations() for tag in ("pt", "pt-BR")})
    assert [found.negotiate(tag) for tag in ("pt-br", "pt-PT", "pt")] == ["pt-BR", "pt", "pt"]


@given(tag=st.from_regex(r"([A-Za-z]{2,8}|[xi])(-[A-Za-z0-9]{1,8}){0,9}", fullmatch=True))
def test_any_well_formed_tag_is_accepted(tag: str) -> None:
    assert Catalogues({}).negotiate(tag) == "en"
    assert is_rtl(tag) in (True, False)
    assert cldr_locale(tag).language


def test_a_tag_of_a_great_many_subtags_costs_no_more_than_a_short_one() -> None:
    """Each beginning of it was looked up: a header of 60 KB took eight seconds."""
    tag = "fr" + "-a" * 100_000
    assert load_catalogues(paths.locales()).negotiate(tag) == "fr"
    looked_up = list(prefixes(tag))
    assert len(looked_up) < 10


def test_a_broken_catalogue_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"fr\.po is not a gettext catalogue"):
        catalogues(tmp_path, fr=HEADER + 'msgid "Balance"\nmsgstr Solde"\nwhat is this\n')


def test_arabic_is_written_from_right_to_left() -> None:
    assert [tag for tag in ["en", *LANGUAGES, "ar-EG", "he"] if is_rtl(tag)] == [
        "ar",
        "ar-EG",
        "he",
    ]
