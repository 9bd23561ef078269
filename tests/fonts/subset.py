"""Makes the font of the pictures anew: `python tests/fonts/subset.py FOLDER`, when a catalogue brings new characters.

FOLDER is searched for Noto Sans as Debian's packages fonts-noto-core and fonts-noto-cjk have it. What the catalogues,
and CLDR's numbers and dates, are written with is merged into one font a weight, with a table of its widths beside it.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from babel import Locale, localedata
from babel.numbers import get_currency_symbol, list_currencies
from fontTools.fontBuilder import FontBuilder
from fontTools.merge import Merger
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

from widget import i18n, paths
from widget.picture import FONT_FAMILY, FONT_WEIGHTS

SOURCES = {
    "NotoSans-{}.ttf": 0,
    "NotoSansDevanagari-{}.ttf": 0,
    "NotoSansArabic-{}.ttf": 0,
    "NotoSansThai-{}.ttf": 0,  # for the sign of the baht
    "NotoSansCJK-{}.ttc": 2,
}
"""Files, and which font of a collection; a character is taken from the first that has it."""
# Whole alphabets, so that another language in one of them needs no new font: Latin with the accents of Europe and
# Vietnam, Greek, Cyrillic; punctuation, signs of currencies.
ALPHABETS = "0020-017F 0218-021B 0384-03CE 0400-045F 0490-0491 1EA0-1EF9 2010-203A 20A0-20BF 2212"
# Spaces with which some releases of CLDR write dates and amounts, and what it puts for the sign of the
# Portuguese escudo; Python does not count them as printable.
SPACES = {0xA0, 0x2009, 0x200B, 0x202F}


def characters() -> set[int]:
    """Every code point that a picture may show."""
    points = set(SPACES)
    for span in ALPHABETS.split():
        first, _, last = span.partition("-")
        points |= set(range(int(first, 16), int(last or first, 16) + 1))
    catalogues = i18n.load_catalogues(paths.locales())
    for path in paths.locales().glob("*.po"):
        points |= {ord(character) for character in path.read_text(encoding="utf-8")}
    for name in localedata.locale_identifiers():
        if name.split("_")[0] in catalogues.languages:
            points |= {
                ord(character) for text in _of_cldr(Locale.parse(name)) for character in text
            }
    return {point for point in points if chr(point).isprintable() or point in SPACES}


def _of_cldr(locale: Locale) -> Iterator[str]:
    """What numbers, amounts and dates of a locale are written with."""
    yield from locale.months["format"]["abbreviated"].values()
    yield from (str(text) for text in locale.day_periods["format"]["abbreviated"].values())
    yield from (
        text for text in locale.number_symbols.get("latn", {}).values() if isinstance(text, str)
    )
    yield from (get_currency_symbol(currency, locale) for currency in list_currencies())
    yield from (
        str(pattern.pattern)
        for pattern in (*locale.date_formats.values(), *locale.time_formats.values())
    )
    yield from (str(pattern) for pattern in locale.datetime_formats.values())
    yield str(locale.datetime_skeletons["MMMd"].pattern)


def made(folder: Path, weight: str, wanted: Iterable[int]) -> TTFont:
    """The font of a weight, with all of the wanted characters that the sources have."""
    missing = set(wanted)
    with TemporaryDirectory() as scratch:
        parts: list[str] = []
        for name, number in SOURCES.items():
            font = TTFont(next(folder.rglob(name.format(weight))), fontNumber=number, lazy=True)
            here = missing & set(font.getBestCmap())
            missing -= here
            _cut(font, here)
            parts.append(f"{scratch}/{len(parts)}.ttf")
            (_quadratic(font) if "CFF " in font else font).save(parts[-1])
        font = Merger().merge(parts)
    names = {
        0: "Noto Sans: Copyright 2010-2021 Google LLC and Adobe",
        1: FONT_FAMILY,
        2: weight,
        3: f"{FONT_FAMILY} {weight}",
    }
    names |= {
        4: f"{FONT_FAMILY} {weight}",
        6: f"{FONT_FAMILY.replace(' ', '')}-{weight}",
        13: "SIL Open Font License 1.1",
    }
    font["name"].names = []
    for number, text in names.items():
        font["name"].setName(text, number, 3, 1, 0x409)
    font["post"].formatType = 3.0
    font.recalcTimestamp = False  # the same characters make the same file
    font["head"].created = font["head"].modified = 0
    print(
        f"{weight}: without", " ".join(f"{chr(point)} ({point:04X})" for point in sorted(missing))
    )
    return font


def _cut(font: TTFont, points: set[int]) -> None:
    """Reduce a font to some characters and what shapes them."""
    options = Options(hinting=False, notdef_outline=True, glyph_names=False, legacy_kern=False)
    options.drop_tables += ["DSIG", "gasp", "vhea", "vmtx", "VORG", "BASE"]
    options.layout_features = [
        *(
            "ccmp",
            "mark",
            "mkmk",
            "kern",
            "init",
            "medi",
            "fina",
            "isol",
            "rlig",
            "abvs",
            "akhn",
            "blwf",
            "blws",
        ),
        *(
            "cjct",
            "half",
            "haln",
            "nukt",
            "pres",
            "psts",
            "rkrf",
            "rphf",
            "vatu",
            "abvm",
            "blwm",
            "dist",
        ),
    ]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=points)
    subsetter.subset(font)


def _quadratic(font: TTFont) -> TTFont:
    """A font of cubic outlines as one of quadratic ones, so that it merges with the others."""
    order, source = font.getGlyphOrder(), font.getGlyphSet()
    outlines = {}
    for name in order:
        pen = TTGlyphPen(None)
        source[name].draw(Cu2QuPen(pen, max_err=2.0, reverse_direction=True))
        outlines[name] = pen.glyph()
    builder = FontBuilder(font["head"].unitsPerEm, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap(font.getBestCmap())
    builder.setupGlyf(outlines)
    builder.setupHorizontalMetrics(
        {name: (font["hmtx"][name][0], getattr(outlines[name], "xMin", 0)) for name in order}
    )
    builder.setupHorizontalHeader(ascent=font["hhea"].ascent, descent=font["hhea"].descent)
    builder.setupNameTable({})
    builder.setupOS2()
    builder.setupPost()
    return builder.font


def widths(font: TTFont) -> dict[str, int]:
    """The advance of each character in thousandths of the font's size."""
    return {chr(point): font["hmtx"][name][0] for point, name in sorted(font.getBestCmap().items())}


def main(folder: Path) -> None:
    """Write the fonts and their widths into the project."""
    target = paths.static() / "fonts"
    fonts = {weight: made(folder, weight, characters()) for weight in FONT_WEIGHTS}
    for weight, font in fonts.items():
        font.save(target / f"{weight}.ttf")
    table = {weight: widths(font) for weight, font in fonts.items()}
    (target / "widths.json").write_text(
        json.dumps(table, ensure_ascii=False, separators=(",", ":")) + "\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
