"""Pictures over HTTP, as forums and mail programs request them, and the font of pictures."""

import html
import json
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import jwt
import pytest
import requests
from accounts import SECRET, WIDGETS
from babel import localedata
from babel.messages.pofile import read_po
from babel.numbers import get_currency_symbol, list_currencies
from conftest import Clock, Service, Upstream
from examples import EXAMPLES
from faults import Fault
from fontTools.ttLib import TTFont
from playwright.sync_api import Browser

from widget import config, paths, privacy
from widget.errors import OperatorError
from widget.render import i18n, picture, snippet
from widget.render.canvas import Style
from widget.render.display import Display, build_display
from widget.render.format import Formatter
from widget.render.painter import Painter
from widget.render.svg import draw_message
from widget.render.view import View
from widget.widgets.options import PICTURE_OPTIONS, SIZES, Options, parse_options

PICTURED = [name for name, widget in WIDGETS.items() if widget.picture]
CATALOGUES = i18n.load_catalogues(paths.locales())
ALL = {"login": 1000005, "currency": "USD"}
FONTS = {
    weight: TTFont(paths.static() / "fonts" / f"{weight}.ttf") for weight in ("Regular", "Bold")
}
Serve = Callable[..., Service]


def pixels(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def words(svg: str) -> str:
    """All texts of a picture."""
    return " | ".join(words_of(ElementTree.fromstring(svg)))


def words_of(root: ElementTree.Element) -> list[str]:
    """The texts of a picture, one by one."""
    return [element.text for element in root.iter() if element.text]


def view(name: str, hide: Iterable[str] = (), amounts: str = "money", **options: str) -> View:
    """A view of the example data of a widget."""
    tables = {"accounts": {"main": {"login": 1, "hide": list(hide), "amounts": amounts}}}
    account = config.parse(tables, {}, WIDGETS, folder=Path(), demo=True).accounts["main"]
    hidden = privacy.expand_hidden(account.hide)
    return View(
        account=account,
        widget=WIDGETS[name],
        options=parse_options(WIDGETS[name], options.items(), extra=PICTURE_OPTIONS),
        data=privacy.hide(dict(EXAMPLES[name]), hidden),
        hidden=hidden,
        currency="USD",
        as_of=datetime(2026, 11, 23, 12, 34, tzinfo=UTC),
        now=datetime(2026, 11, 23, 12, 36, tzinfo=UTC),
        stale=False,
        fresh_for_seconds=60,
        usable_for_seconds=120,
    )


def display_of(view: View) -> Display:
    """A view in the language of its account."""
    return build_display(view, CATALOGUES)


def test_the_five_widgets_of_the_contract_have_pictures() -> None:
    assert set(PICTURED) >= {"balance", "bonus", "growth", "lots", "summary"}


@pytest.mark.parametrize("name", PICTURED)
def test_every_picture_is_available_in_all_its_sizes_and_two_resolutions(
    name: str, serve: Serve
) -> None:
    service = serve(accounts={"main": ALL})
    for size in WIDGETS[name].picture_sizes:
        width, height = SIZES[size]
        for scale in (1, 2):
            query = f"?size={size}&scale={scale}&theme=dark"
            png = service.get(f"/w/main/{name}.png{query}")
            assert (png.status_code, png.headers["Content-Type"]) == (200, "image/png")
            assert pixels(png.content) == (width * scale, height * scale)
            svg = service.get(f"/w/main/{name}.svg{query}")
            assert svg.headers["Content-Type"].startswith("image/svg+xml")
            assert ElementTree.fromstring(svg.text).get("width") == str(width * scale)
    assert pixels(service.get(f"/w/main/{name}.png").content) == SIZES["medium"]


@pytest.mark.parametrize("name", PICTURED)
def test_only_growth_has_a_strip(name: str, serve: Serve) -> None:
    response = serve(accounts={"main": ALL}).get(f"/w/main/{name}.svg?size=strip")
    assert response.status_code == (200 if name == "growth" else 400)


def test_a_strip_has_a_name_and_the_figures_of_the_page(serve: Serve) -> None:
    accounts = {"main": {**ALL, "name": "Pip by Pip"}, "other": ALL}
    service = serve(accounts=accounts)
    strip = words(service.get("/w/main/growth.svg?size=strip&period=90d").text)
    data = service.json("/w/main/growth.json?period=90d")
    assert strip.index("Pip by Pip") < strip.index("90 days")
    for label, text in (
        ("Gain", f"{100 * data['gain']:+,.2f}%".replace("-", "\N{MINUS SIGN}")),
        ("Maximum", f"{100 * data['drawdown']:.2f}%"),
        ("Profit factor", f"{data['profit_factor']:.2f}"),
        ("Trades", str(data["trades"])),
    ):
        assert label in strip
        assert text in strip
    assert "Trades won" not in strip
    assert "Growth" in words(service.get("/w/other/growth.svg?size=strip").text)


@pytest.mark.parametrize("language", CATALOGUES.languages)
def test_a_link_preview_cuts_off_no_label_and_never_the_kind_of_the_account(language: str) -> None:
    growth = view("growth", lang=language)
    account = growth.account.model_copy(update={"name": "A long name " * 9, "kind": "demo"})
    growth = replace(growth, account=account)
    root = ElementTree.fromstring(picture.preview_svg(growth, CATALOGUES))
    texts = [re.sub("[\u2068\u2069]", "", text) for text in words_of(root)]
    display = display_of(growth)
    for name in ("gain", "drawdown", "profit_factor", "won_share"):
        assert display.gettext(growth.widget.figures[name].label) in texts
    [title] = [text for text in texts if "…" in text]
    assert title.endswith(f"… · {display.kind()}")


@pytest.mark.parametrize("language", CATALOGUES.languages)
def test_no_text_of_a_strip_lies_on_its_chart(language: str) -> None:
    strip = replace(view("growth", lang=language, size="strip"), stale=True)
    root = ElementTree.fromstring(picture.widget_svg(strip, CATALOGUES))
    lines = [element for element in root.iter() if element.get("stroke-linejoin")]
    spots = re.findall(r"[ML]([\d.]+) ([\d.]+)", lines[0].attrib["d"])
    left, right = (limit(float(x) for x, _ in spots) for limit in (min, max))
    top, bottom = (limit(float(y) for _, y in spots) for limit in (min, max))
    for element in root.iter("{http://www.w3.org/2000/svg}text"):
        size = float(element.attrib["font-size"])
        is_bold = element.get("font-weight") == "700"
        text = re.sub("[\u2068\u2069]", "", element.text or "")
        width = picture.text_width(text, is_bold) * size
        x = float(element.attrib["x"])
        y = float(element.attrib["y"])
        begin = x
        if element.get("text-anchor") == "end":
            begin = x - width
        is_beside = begin + width <= left or begin >= right
        # Letters are about 0.8 of the font size high, and lines need some distance from them.
        is_above_or_below = y <= top or y - 0.8 * size >= bottom + 3
        assert is_beside or is_above_or_below, text


def test_a_picture_displays_the_figures_of_the_page(serve: Serve) -> None:
    service = serve(accounts={"main": ALL})
    data = service.json("/w/main/balance.json")
    text_of_picture = words(service.get("/w/main/balance.svg").text)
    for name in ("balance", "equity", "free_margin"):
        assert f"${data[name]:,.2f}" in text_of_picture
    assert (
        f"{data['profit']:+,.2f}".replace("-", "−").replace("+", "+$").replace("−", "−$")
        in text_of_picture
    )


def test_a_picture_can_be_cached_and_embedded_anywhere_and_is_validated_by_its_etag(
    serve: Serve,
) -> None:
    service = serve(accounts={"main": ALL})
    for suffix in (".svg", ".png"):
        first = service.get(f"/w/main/balance{suffix}")
        assert first.headers["Cache-Control"].startswith("public, max-age=")
        assert first.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert first.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in first.headers["Content-Security-Policy"]
        again = service.get(
            f"/w/main/balance{suffix}", headers={"If-None-Match": first.headers["ETag"]}
        )
        assert (again.status_code, again.content) == (304, b"")


def test_the_options_of_a_widget_apply_to_its_picture(serve: Serve) -> None:
    service = serve(accounts={"main": ALL})

    def get(query: str) -> str:
        return service.get(f"/w/main/lots.svg?{query}").text

    assert "90 days" in words(get("period=90d"))
    assert "1 Jan 2026 – …" in words(get("from=2026-01-01"))
    assert "Lots négociés" in words(get("lang=fr"))
    assert "Lots traded" not in words(get("title=0"))
    assert "#cc00aa" in get("accent=cc00aa")
    assert "#15181e" in get("theme=dark")
    assert get("theme=auto") == get("theme=light") == get("refresh=60")
    assert "12:34" in words(picture.widget_svg(view("lots"), CATALOGUES))
    assert "21:34" in words(picture.widget_svg(view("lots", tz="Asia/Tokyo"), CATALOGUES))


@pytest.mark.parametrize(
    ("path", "option"),
    [
        ("balance?size=small", "size"),
        ("balance.json?scale=2", "scale"),
        ("balance.png?size=huge", "size"),
        ("balance.svg?scale=3", "scale"),
        ("balance.svg?rows=3", "rows"),
        ("balance.png?size=small&size=small", "size"),
    ],
)
def test_an_invalid_option_is_400_and_named_in_the_requested_form(
    path: str, option: str, serve: Serve
) -> None:
    response = serve().get(f"/w/main/{path}")
    assert response.status_code == 400
    if ".png" in path:
        assert pixels(response.content) == SIZES["small" if "small" in path else "medium"]
    else:
        assert option in response.text


@pytest.mark.parametrize("name", PICTURED)
def test_hidden_figures_are_in_no_picture(name: str) -> None:
    # Every figure is a different number.
    numbers = {
        figure: Decimal(number) / 100 + 7 * number
        for number, figure in enumerate(WIDGETS[name].picture, 1)
    }
    everything = view(name, size="large", title="0")
    everything = replace(everything, data={**everything.data, **numbers})
    for figure in WIDGETS[name].picture[:4]:
        text = display_of(everything).figure(WIDGETS[name].figures[figure])
        assert text
        assert text.text in words(picture.widget_svg(everything, CATALOGUES)).split(" | ")
        hidden = privacy.expand_hidden([figure])
        partly = replace(everything, hidden=hidden, data=privacy.hide(everything.data, hidden))
        text_of_picture = words(picture.widget_svg(partly, CATALOGUES))
        assert text.text not in text_of_picture
        assert text.label not in text_of_picture.split(" | ")


def test_hiding_the_gain_hides_the_curve_and_hiding_the_lots_hides_the_bars() -> None:
    for name, hidden, shape in (
        ("growth", "gain", "<path"),
        ("lots", "lots", 'fill="#1f5dbf"/><rect'),
    ):
        assert shape in picture.widget_svg(view(name, size="small"), CATALOGUES)
        assert shape not in picture.widget_svg(view(name, hide=[hidden], size="small"), CATALOGUES)


def test_with_amounts_in_percent_no_picture_contains_money(serve: Serve) -> None:
    service = serve(accounts={"main": {**ALL, "amounts": "percent"}})
    balance = service.get("/w/main/balance.json").json()["data"]
    for name in PICTURED:
        text_of_picture = words(service.get(f"/w/main/{name}.svg?size=large").text)
        assert not re.search(r"\$|USD|Equity", text_of_picture), name
    assert balance["balance"] is None
    assert f"{100 * balance['free_margin']:.2f}%" in words(service.get("/w/main/balance.svg").text)


def test_a_picture_displays_the_time_of_its_figures_and_whether_they_are_stale(
    serve: Serve, upstream: Upstream
) -> None:
    clock = Clock(1795437240.0)  # 23 November 2026, 12:34 in UTC
    service = serve(clock=clock, accounts={"main": {**ALL, "timezone": "Europe/Paris"}})
    fresh = words(service.get("/w/main/balance.svg").text)
    assert re.search(r"As of 23 Nov 2026, 13:34 UTC\+1\b", fresh)
    assert "Not up to date" not in fresh
    upstream.sandbox.faults.append(Fault("error503"))
    clock.now += 7200
    old = service.get("/w/main/balance.svg")
    assert old.status_code == 200
    assert "As of 23 Nov 2026, 13:34" in words(old.text)
    assert "Not up to date" in words(old.text)
    assert service.get("/w/main/balance.png").status_code == 200


def test_an_error_is_a_picture_of_its_message_with_its_status(
    serve: Serve, upstream: Upstream
) -> None:
    closed = {"login": 1000001, "access": "closed", "embed_secret": SECRET}
    service = serve(accounts={"main": {"login": 1000001}, "closed": closed})
    unknown = ("nobody/balance", "main/logins", "main/open-trades")
    missing = [service.get(f"/w/{path}.svg?size=small") for path in unknown]
    assert {response.status_code for response in missing} == {404}
    assert len({response.text for response in missing}) == 1
    assert "There is no such widget." in words(missing[0].text)
    locked = service.get("/w/closed/balance.png?size=large&scale=2&lang=de")
    assert (locked.status_code, pixels(locked.content)) == (401, (1280, 640))
    assert locked.headers["Cache-Control"] == "private, no-store"
    assert "Dieses Widget ist privat." in words(service.get("/w/closed/balance.svg?lang=de").text)
    upstream.sandbox.faults.append(Fault("error503"))
    dead = service.get("/w/main/balance.png")
    assert (dead.status_code, dead.headers["Content-Type"]) == (503, "image/png")
    assert int(dead.headers["Retry-After"]) > 0


def test_a_picture_requested_with_a_token_is_not_cached(serve: Serve, instant: float) -> None:
    service = serve(
        accounts={"main": {"login": 1000001, "access": "closed", "embed_secret": SECRET}}
    )
    token = jwt.encode(
        {"sub": "main/balance", "exp": int(instant) + 60, "params": {"size": "small"}}, SECRET
    )
    response = service.get(f"/w/main/balance.png?token={token}")
    assert (response.status_code, pixels(response.content)) == (200, (240, 60))
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "Access-Control-Allow-Origin" not in response.headers
    assert service.get(f"/w/main/balance.png?size=large&token={token}").status_code == 400


DRAW = """
import sys
import pyvips
sys.stdout.buffer.write(pyvips.Image.svgload_buffer(sys.stdin.buffer.read()).pngsave_buffer())
"""


@pytest.mark.programs  # needs the fonts that tests/install.sh installs
def test_pictures_are_drawn_with_the_shipped_font_alone() -> None:
    # The shipped font does not have this letter, but one of the machine's fonts does.
    georgian = draw_message("\u10d0", Style(picture.text_width))
    with_other_fonts = subprocess.run(
        [sys.executable, "-c", DRAW], input=georgian.encode(), capture_output=True, check=True
    ).stdout
    painter = Painter()
    assert painter.png(georgian) != with_other_fonts
    painter.close()


def samples(language: str) -> set[str]:
    """What a formatter writes in a language: all months, signs, currencies, and all its regions."""
    found: set[str] = set()
    regions = [name for name in localedata.locale_identifiers() if name.split("_")[0] == language]
    for name in regions:
        locale = CATALOGUES.locale_for(name.replace("_", "-"))
        fmt = Formatter(locale, ZoneInfo("UTC"), "USD")
        numbers = (fmt.lots, fmt.price, fmt.percent, fmt.amount, fmt.money)
        found |= {write(x) for write in numbers for x in (Decimal("-1234567.89"), Decimal(0), None)}
        found |= {fmt.percent(Decimal(1), signed=True), fmt.leverage(500)}
        for hour in range(24):
            moment = datetime(2026, hour // 2 + 1, 28, hour, tzinfo=UTC)
            found |= {
                fmt.datetime(moment),
                fmt.date(moment),
                fmt.day(moment),
                fmt.time(moment),
                fmt.month(moment),
            }
            first = moment.date()
            found |= {fmt.period(first, None), fmt.offset(moment)}
            for days in (0, 1, 9, 400):
                last = first + timedelta(days=days)
                found |= {fmt.period(first, last), fmt.brief_period(first, last)}
        found |= {
            get_currency_symbol(currency, i18n.cldr_locale(locale))
            for currency in list_currencies()
        }
    zone = ZoneInfo("UTC")
    return found | {
        Formatter(language, zone, currency).money(Decimal(1)) for currency in list_currencies()
    }


@pytest.mark.parametrize("language", CATALOGUES.languages)
def test_the_font_contains_every_character_of_a_language(language: str) -> None:
    texts = samples(language)
    if language != i18n.ENGLISH:
        with (paths.locales() / f"{language}.po").open("rb") as file:
            for message in read_po(file):
                texts |= (
                    {message.string} if isinstance(message.string, str) else set(message.string)
                )
    wanted = {
        character for text in texts for character in text if not is_mark_of_direction(character)
    }
    for weight, font in FONTS.items():
        missing = sorted(wanted - set(map(chr, font.getBestCmap())) - {"\n"})
        assert not missing, f"{weight} does not contain {missing}: run .ci/picture_fonts.py"


def is_mark_of_direction(character: str) -> bool:
    """Whether it is an invisible mark that no font contains."""
    return character in "\u200e\u200f\u061c"


def test_the_font_contains_every_character_of_the_templates() -> None:
    wanted = {
        ord(character)
        for path in paths.templates().rglob("*.html")
        for character in path.read_text()
    } - {10}
    assert {chr(point) for point in wanted if point not in FONTS["Regular"].getBestCmap()} <= set(
        "▲▼"
    )


def test_the_table_of_widths_matches_the_fonts() -> None:
    table = json.loads((paths.static() / "fonts" / "widths.json").read_text())
    for weight, font in FONTS.items():
        assert table[weight] == {
            chr(point): font["hmtx"][name][0] for point, name in font.getBestCmap().items()
        }
    assert picture.text_width("10", False) == 2 * table["Regular"]["0"] / 1000
    assert picture.text_width("10", True) == 2 * table["Bold"]["0"] / 1000


def test_the_fonts_are_small_and_shipped_with_their_licence() -> None:
    folder = paths.static() / "fonts"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 600_000
    assert "SIL OPEN FONT LICENSE" in (folder / "OFL.txt").read_text()


MISFITS = """
() => [...document.querySelectorAll("svg")].flatMap(svg => {
  const box = svg.getBoundingClientRect(), found = [];
  // Text, and the arrows of profits and losses.
  const marks = [...svg.querySelectorAll("text, path[d$=z]")];
  const texts = marks.map(mark => [mark.textContent || "an arrow", mark.getBoundingClientRect()]);
  texts.forEach(([text, a], number) => {
    const isOutside = a.left < box.left + 3 || a.right > box.right - 3;
    if (isOutside || a.top < box.top || a.bottom > box.bottom)
      found.push(`${svg.parentNode.id}: ${text} leaves the picture`);
    texts.slice(number + 1).forEach(([other, b]) => {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 0.5 && high > 6) found.push(`${svg.parentNode.id}: ${text} meets ${other}`);
    });
  });
  return found;
})
"""


def test_a_host_page_displays_pictures_even_of_errors_and_an_svg_obeys_its_content_security_policy(
    browser: Browser, serve: Serve
) -> None:
    closed = {"login": 1000001, "access": "closed", "embed_secret": SECRET}
    service = serve(accounts={"main": {"login": 1000001}, "closed": closed})
    page = browser.new_page()
    messages: list[str] = []
    page.on("console", lambda line: messages.append(line.text))
    sources = [
        f"{service.url}/w/{slug}/growth{suffix}"
        for slug in ("main", "closed")
        for suffix in (".png", ".svg")
    ]
    page.set_content("".join(f'<img src="{source}">' for source in sources))
    sizes = page.evaluate(
        "[...document.images].map(image => [image.naturalWidth, image.naturalHeight])"
    )
    assert sizes == [[320, 160]] * 4
    messages.clear()  # the browser logs the 401 itself
    page.goto(f"{service.url}/w/main/growth.svg?size=large")
    assert page.locator("text").count() > 10
    assert [
        text for text in messages if "404 (NOT FOUND)" not in text
    ] == []  # of the favicon, that is
    page.close()


def test_in_a_browser_with_other_fonts_nothing_overflows_in_any_language(browser: Browser) -> None:
    drawn = {
        f"{language} {name} {size}": picture.widget_svg(
            replace(view(name, lang=language, size=size), stale=True), CATALOGUES
        )
        for language in CATALOGUES.languages
        for name in PICTURED
        for size in WIDGETS[name].picture_sizes
    }
    page = browser.new_page()
    page.set_content(
        "".join(f'<div id="{html.escape(name)}">{svg}</div>' for name, svg in drawn.items())
    )
    assert page.locator("svg").count() == len(drawn) > 200
    misfits = page.evaluate(MISFITS)
    page.set_content(f"<div>{drawn['en balance small']}</div>")
    page.evaluate("document.querySelector('text').setAttribute('font-size', '40')")
    planted = page.evaluate(MISFITS)
    page.close()
    assert misfits == []
    assert planted, "the check sees a text that is too large"


def test_snippets_for_mail_and_forums_name_size_and_scale() -> None:
    base, widget = "https://widgets.example.com", WIDGETS["balance"]

    def written(form: str, **given: str) -> str:
        options = parse_options(widget, given.items(), extra=PICTURE_OPTIONS)
        return snippet.FORMS[form](snippet.Embed(base, "main", widget, given, options, "Solde"))

    assert written("badge", size="small", lang="fr") == (
        '<a href="https://widgets.example.com/w/main/balance?lang=fr">'
        '<img src="https://widgets.example.com/w/main/balance.png'
        '?scale=2&amp;size=small&amp;lang=fr" '
        'width="240" height="60" alt="Solde"></a>'
    )
    assert 'width="320" height="160"' in written("badge")
    assert written("bbcode", size="large") == (
        "[url=https://widgets.example.com/w/main/balance]"
        "[img]https://widgets.example.com/w/main/balance.png?size=large[/img][/url]"
    )
    with pytest.raises(OperatorError, match="open-trades has no picture"):
        snippet.badge(
            snippet.Embed(base, "main", WIDGETS["open-trades"], {}, Options(), "Open trades")
        )


def test_the_page_links_its_picture_for_link_previews(serve: Serve) -> None:
    service = serve(accounts={"main": ALL}, server={"public_url": "https://widgets.example.com"})
    page = service.get("/w/main/growth?period=90d&lang=fr").text
    address = html.unescape(re.findall(r'og:image" content="([^"]+)"', page)[0])
    image = requests.get(address.replace("https://widgets.example.com", service.url), timeout=30)
    assert (image.status_code, pixels(image.content)) == (200, (1280, 640))
    assert "period=90d&lang=fr" in address
