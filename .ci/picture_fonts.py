"""Creates the fonts of the pictures: `python .ci/picture_fonts.py FOLDER`.

Run it when a catalogue needs characters that the fonts lack. FOLDER is searched for Noto Sans, as
in Debian's packages fonts-noto-core and fonts-noto-cjk. All characters that the catalogues, and
CLDR's numbers and dates, are written with are merged into one font per weight. A table of their
widths is stored next to the fonts.
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

from widget import paths
from widget.render import i18n

FONT_FAMILY = "Cabinet Widgets Sans"
FONT_WEIGHTS = ("Regular", "Bold")
SOURCES = {
    "NotoSans-{}.ttf": 0,
    "NotoSansDevanagari-{}.ttf": 0,
    "NotoSansArabic-{}.ttf": 0,
    "NotoSansThai-{}.ttf": 0,  # for the symbol of the baht
    "NotoSansCJK-{}.ttc": 2,
}
"""The files, and the number of the font in a collection.

A character is taken from the first font that has it.
"""
LAYOUT_FEATURES = (
    "ccmp mark mkmk kern init medi fina isol rlig abvs akhn blwf blws "
    "cjct half haln nukt pres psts rkrf rphf vatu abvm blwm dist"
).split()
"""The OpenType features that shape the languages of the catalogues."""
# Whole alphabets, so that another language that uses one of them needs no new font: Latin with the
# accents of Europe and Vietnam, Greek, Cyrillic; punctuation and symbols of currencies.
ALPHABETS = "0020-017F 0218-021B 0384-03CE 0400-045F 0490-0491 1EA0-1EF9 2010-203A 20A0-20BF 2212"

# Some releases of CLDR write dates and amounts with these spaces, and the Portuguese escudo with
# the one that has no width. Python does not count them as printable.
SPACES = {0xA0, 0x2009, 0x200B, 0x202F}


def characters() -> set[int]:
    """Every code point that a picture may contain."""
    points = set(SPACES)
    for span in ALPHABETS.split():
        first, _, last = span.partition("-")
        points |= set(range(int(first, 16), int(last or first, 16) + 1))
    catalogues = i18n.load_catalogues(paths.locales())
    for path in paths.locales().glob("*.po"):
        points |= {ord(character) for character in path.read_text(encoding="utf-8")}
    for name in localedata.locale_identifiers():
        if name.split("_")[0] in catalogues.languages:
            texts = "".join(cldr_texts(Locale.parse(name)))
            points |= {ord(character) for character in texts}
    return {point for point in points if chr(point).isprintable() or point in SPACES}


def cldr_texts(locale: Locale) -> Iterator[str]:
    """The texts that numbers, amounts and dates of a locale are written with."""
    symbols = locale.number_symbols.get("latn", {}).values()
    patterns = (*locale.date_formats.values(), *locale.time_formats.values())
    yield from locale.months["format"]["abbreviated"].values()
    yield from map(str, locale.day_periods["format"]["abbreviated"].values())
    yield from (symbol for symbol in symbols if isinstance(symbol, str))
    yield from (get_currency_symbol(currency, locale) for currency in list_currencies())
    yield from (str(pattern.pattern) for pattern in patterns)
    yield from map(str, locale.datetime_formats.values())
    yield str(locale.datetime_skeletons["MMMd"].pattern)


def create_font(folder: Path, weight: str, wanted: Iterable[int]) -> TTFont:
    """The font of a weight, with all of the wanted characters that the sources have."""
    missing = set(wanted)
    with TemporaryDirectory() as scratch:
        parts: list[str] = []
        for name, number in SOURCES.items():
            font = TTFont(next(folder.rglob(name.format(weight))), fontNumber=number, lazy=True)
            found = missing & set(font.getBestCmap())
            missing -= found
            reduce_font(font, found)
            if "CFF " in font:
                font = quadratic_font(font)
            parts.append(f"{scratch}/{len(parts)}.ttf")
            font.save(parts[-1])
        font = Merger().merge(parts)
    set_names(font, weight)
    font["post"].formatType = 3.0
    font.recalcTimestamp = False  # the same characters give the same file
    font["head"].created = 0
    font["head"].modified = 0
    missing_list = " ".join(f"{chr(point)} ({point:04X})" for point in sorted(missing))
    print(f"{weight}: without {missing_list}")
    return font


def set_names(font: TTFont, weight: str) -> None:
    """Replace the names of a font; the numbers are those of OpenType's name table."""
    names = {
        0: "Noto Sans: Copyright 2010-2021 Google LLC and Adobe",
        1: FONT_FAMILY,
        2: weight,
        3: f"{FONT_FAMILY} {weight}",
        4: f"{FONT_FAMILY} {weight}",
        6: f"{FONT_FAMILY.replace(' ', '')}-{weight}",
        13: "SIL Open Font License 1.1",
    }
    font["name"].names = []
    for number, text in names.items():
        font["name"].setName(text, number, 3, 1, 0x409)  # for Windows, in Unicode, American English


def reduce_font(font: TTFont, points: set[int]) -> None:
    """Reduce a font to some characters and the tables that shape them."""
    options = Options(hinting=False, notdef_outline=True, glyph_names=False, legacy_kern=False)
    options.drop_tables += ["DSIG", "gasp", "vhea", "vmtx", "VORG", "BASE"]
    options.layout_features = LAYOUT_FEATURES
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=points)
    subsetter.subset(font)


def quadratic_font(font: TTFont) -> TTFont:
    """The same font with quadratic instead of cubic outlines, like the fonts it is merged with."""
    order = font.getGlyphOrder()
    source = font.getGlyphSet()
    outlines = {}
    for name in order:
        pen = TTGlyphPen(None)
        source[name].draw(Cu2QuPen(pen, max_err=2.0, reverse_direction=True))
        outlines[name] = pen.glyph()
    builder = FontBuilder(font["head"].unitsPerEm, isTTF=True)
    builder.setupGlyphOrder(order)
    builder.setupCharacterMap(font.getBestCmap())
    builder.setupGlyf(outlines)
    metrics = {name: (font["hmtx"][name][0], getattr(outlines[name], "xMin", 0)) for name in order}
    builder.setupHorizontalMetrics(metrics)
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
    wanted = characters()
    fonts = {weight: create_font(folder, weight, wanted) for weight in FONT_WEIGHTS}
    for weight, font in fonts.items():
        font.save(target / f"{weight}.ttf")
    table = {weight: widths(font) for weight, font in fonts.items()}
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":"))
    (target / "widths.json").write_text(text + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
