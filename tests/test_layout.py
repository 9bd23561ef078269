"""Every widget in every theme, width, language and state: text fits and has enough contrast."""

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from accounts import EVERYTHING, WIDGETS
from browsers import COUNT_SHIFTS, WIDTHS, findings, host, script, tab
from conftest import Clock, Service, Upstream
from faults import Fault
from playwright.sync_api import Browser, Page, expect
from processes import PATIENT
from werkzeug.security import generate_password_hash

from widget import paths
from widget.render import snippet
from widget.sandbox import api as sandbox_api
from widget.widgets.base import Widget
from widget.widgets.options import Options

Serve = Callable[..., Service]
LANGUAGES = ("en", "fr", "ar", "zh")
NARROW_LANGUAGES = sorted({path.stem for path in paths.locales().glob("*.po")} - {*LANGUAGES})
MONEY = {
    "balance",
    "equity",
    "freeMargin",
    "profit",
    "swaps",
    "availableToWithdraw",
    "totalBonus",
    "welcomeBonus",
}
LAYOUT_CHECK = script("layout.js")
PASSWORD = "viewer-password"
PASSWORD_HASH = generate_password_hash(PASSWORD, "scrypt:1024:8:1")
IDENTITY = {"name": "Pip by Pip", "link": "https://blog.example.com/", "kind": "real"}


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    """One tab for all tests: a widget stores nothing between two visits."""
    with tab(browser, width=960) as opened:
        yield opened


def accounts() -> dict[str, dict[str, Any]]:
    """One account for each state: full, empty, closed with and without a form, never cached."""
    closed = {"login": 1000005, "access": "closed"}
    return {
        "main": {**EVERYTHING, **IDENTITY},
        "empty": {"login": 1000004, "widgets": list(WIDGETS), "partner_password": "none"},
        "locked": {**closed, "viewer_password_hash": PASSWORD_HASH},
        "token": {**closed, "embed_secret": "0123456789abcdef" * 2},
        "away": {"login": 1000001},
    }


def paths_of(account: str, language: str = "en", theme: str = "auto") -> list[tuple[Widget, str]]:
    """The paths of all widgets of an account, with few rows: more would not make a table wider."""
    return [
        (
            widget,
            f"/w/{account}/{widget.name}?lang={language}&theme={theme}"
            + "&rows=8" * bool(widget.default_rows),
        )
        for widget in WIDGETS.values()
    ]


def layout_problems(page: Page, url: str, widths: tuple[int, ...], height: int | None) -> list[str]:
    """What the layout check finds on a page."""
    page.goto(url)
    return [
        f"{url} at {what}"
        for what in page.evaluate(LAYOUT_CHECK, {"widths": widths, "height": height})
    ]


def assert_none(problems: Iterable[str]) -> None:
    """Fail with all problems that were found."""
    found = "\n".join(problems)
    assert not found, found


def height_of(widget: Widget) -> int:
    """The height of a widget with eight rows at most."""
    return widget.pixels(Options(rows=8))


@pytest.mark.parametrize("language", LANGUAGES)
def test_full_widgets_fit_at_every_width(language: str, page: Page, serve: Serve) -> None:
    service = serve(accounts=accounts())
    assert_none(
        problem
        for widget, path in paths_of("main", language)
        for problem in layout_problems(page, service.url + path, WIDTHS, height_of(widget))
    )


@pytest.mark.parametrize("language", NARROW_LANGUAGES)
def test_long_words_fit_at_the_narrowest_width(language: str, page: Page, serve: Serve) -> None:
    service = serve(accounts=accounts())
    assert_none(
        problem
        for widget, path in paths_of("main", language)
        for problem in layout_problems(page, service.url + path, (240, 480), height_of(widget))
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_empty_and_stale_widgets_fit_at_every_width(
    language: str, page: Page, serve: Serve, upstream: Upstream, clock: Clock
) -> None:
    service = serve(accounts=accounts(), server=PATIENT)
    stale, empty = paths_of("main", language), paths_of("empty", language)
    for _, path in stale:
        assert service.get(path).status_code == 200
    clock.now += 7200
    upstream.sandbox.faults.append(Fault("error503"))
    problems = []
    for widget, path in stale:
        problems += layout_problems(page, service.url + path, WIDTHS, height_of(widget))
        assert page.locator("[data-stale]").count() == 1
    upstream.sandbox.faults.clear()
    for widget, path in empty:
        if widget.name == "commissions":
            path = path.replace("/empty/", "/main/") + "&from=2020-01-01&to=2020-01-31"
        # Without data it still has the reserved height.
        problems += layout_problems(page, service.url + path, WIDTHS, height_of(widget))
    assert_none(problems)


@pytest.mark.parametrize("language", [*LANGUAGES, "de", "ru"])
def test_cards_fit_at_every_width(
    language: str, page: Page, serve: Serve, upstream: Upstream
) -> None:
    service = serve(accounts=accounts())
    upstream.sandbox.faults.append(Fault("error503"))
    problems = []
    for slug, status in (("away", 503), ("locked", 401), ("token", 401), ("nobody", 404)):
        for theme in ("light", "dark"):
            path = f"/w/{slug}/balance?lang={language}&theme={theme}"
            # Nobody knows how high a widget is that does not exist.
            height = None
            if slug != "nobody":
                height = WIDGETS["balance"].height
            problems += layout_problems(page, service.url + path, WIDTHS, height)
            assert service.get(path).status_code == status
    assert_none(problems)


@pytest.mark.parametrize("language", sorted({*LANGUAGES, *NARROW_LANGUAGES}))
def test_errors_and_the_form_for_a_password_fit_in_the_lowest_card(
    language: str, page: Page, serve: Serve, upstream: Upstream
) -> None:
    everything = {
        name: {**account, "widgets": list(WIDGETS)} for name, account in accounts().items()
    }
    service = serve(accounts=everything)
    upstream.sandbox.faults.append(Fault("error503"))
    lowest = min(WIDGETS.values(), key=lambda widget: widget.height)
    problems = []
    for slug in ("locked", "away"):
        for has_title in (True, False):
            path = f"/w/{slug}/{lowest.name}?lang={language}&title={has_title:d}"
            height = lowest.pixels(Options(title=has_title))
            problems += layout_problems(page, service.url + path, (240, 480), height)
    assert_none(problems)


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(("factor", "currency"), [(1000, "USD"), (0.00001, "BTC")])
def test_large_amounts_and_those_with_many_decimals_fit_too(
    factor: float,
    currency: str,
    language: str,
    page: Page,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def richer(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: richer(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [richer(item) for item in value]
        return value * factor if name in MONEY else value

    def multiplied(respond: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *params: richer(respond(*params))

    for function, respond in sandbox_api.FUNCTIONS.items():
        monkeypatch.setitem(sandbox_api.FUNCTIONS, function, multiplied(respond))
    service = serve(accounts={"main": {**EVERYTHING, **IDENTITY, "currency": currency}})
    assert 5_000 < service.json("/w/main/balance.json")["balance"] / factor < 50_000
    assert_none(
        problem
        for widget, path in paths_of("main", language)
        for problem in layout_problems(page, service.url + path, WIDTHS, height_of(widget))
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_has_enough_contrast_in_every_theme(
    theme: str, page: Page, serve: Serve
) -> None:
    service = serve(accounts=accounts())
    problems = []
    for accent in ("", "ffe600", "0a0a0a", "fefefe", "808080"):
        for path in ("/w/main/growth", "/w/main/open-trades", "/w/main/bonus", "/w/locked/balance"):
            more = f"&accent={accent}" if accent else ""
            problems += layout_problems(
                page, f"{service.url}{path}?theme={theme}{more}", (480,), None
            )
    assert_none(problems)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", ["main", "empty", "stale", "locked", "token", "away"])
def test_axe_finds_nothing(
    state: str, scheme: str, page: Page, serve: Serve, upstream: Upstream, clock: Clock
) -> None:
    service = serve(accounts=accounts(), server=PATIENT)
    slug = "main" if state == "stale" else state
    if state == "stale":
        for _, path in paths_of("main"):
            service.get(path)
        clock.now += 7200
    if state in ("stale", "away"):
        upstream.sandbox.faults.append(Fault("error503"))
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    # Error cards are the same for every widget.
    cards = state in ("locked", "token", "away")
    for theme in ("auto", scheme) if state == "main" else (scheme,):
        for _, path in paths_of(slug, "ar" if theme == "auto" else "en", theme)[
            : 2 if cards else None
        ]:
            page.goto(service.url + path)
            assert findings(page) == [], path
    page.emulate_media(color_scheme="null")


# -- Backgrounds of host pages ---------------------------------------------------------------------

GROUNDS = {"light": "#fff3d6", "dark": "#102a43"}
PAGES = {
    "light": ("light", GROUNDS["light"], "#222"),
    "dark": ("dark", GROUNDS["dark"], "#eee"),
    # Dark without declaring a colour scheme.
    "undeclared": ("normal", GROUNDS["dark"], "#eee"),
    "both": ("light dark", "light-dark(#fff3d6, #102a43)", "light-dark(#222, #eee)"),
}
PIXELS = """async ([picture, points]) => {
  const response = await fetch(`data:image/png;base64,${picture}`);
  const image = await createImageBitmap(await response.blob());
  const options = { willReadFrequently: true };
  const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d", options);
  canvas.drawImage(image, 0, 0);
  return points.map(([x, y]) => [...canvas.getImageData(x, y, 1, 1).data].slice(0, 3));
}"""


def luminance(colour: list[int]) -> float:
    """The relative luminance of WCAG."""
    linear = [x / 255 / 12.92 if x <= 10 else ((x / 255 + 0.055) / 1.055) ** 2.4 for x in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_without_a_background_widgets_have_that_of_the_page_and_enough_contrast(
    scheme: Any, browser: Browser, serve: Serve
) -> None:
    service = serve(accounts=accounts())
    themes = ("auto", "light", "dark")
    elements = "".join(
        f"<cabinet-widget account=main widget=bonus theme={theme} background=none></cabinet-widget>"
        for theme in themes
    )
    with tab(browser, width=400, color_scheme=scheme) as page, tab(browser) as reader:
        reader.goto("about:blank")
        for name, (declared, ground, ink) in PAGES.items():
            rules = f"color-scheme: {declared}; background: {ground}; color: {ink};"
            style = f"<style>html {{ {rules} }}</style>"
            with host(
                f"<script async src='{service.url}/embed.js'></script>{elements}", style
            ) as url:
                page.goto(url)
                frames = page.locator("iframe")
                for index in range(len(themes)):
                    frames.nth(index).content_frame.locator("#w").wait_for()
                page.wait_for_function(
                    "[...document.querySelectorAll('cabinet-widget')]"
                    ".map((element) => element.shadowRoot.querySelector('iframe'))"
                    ".every((frame) => !frame.style.visibility)"
                )
                points = [(2.0, 2.0)]
                for index in range(len(themes)):
                    frame = frames.nth(index).bounding_box()
                    # A place between two figures, and the middle of the bar before the heading.
                    bar = frames.nth(index).content_frame.locator("h1").bounding_box()
                    assert frame
                    assert bar
                    points += [
                        (frame["x"] + 200, frame["y"] + 45),
                        (bar["x"] + 1, bar["y"] + bar["height"] / 2),
                    ]
                picture = base64.b64encode(page.screenshot()).decode()
            around, *inside = reader.evaluate(PIXELS, [picture, points])
            host_is_dark = name in ("dark", "undeclared") or (name == "both" and scheme == "dark")
            for theme, below, bar in zip(themes, inside[::2], inside[1::2], strict=True):
                case = f"{scheme} system, {name} page, theme {theme}"
                fits = theme in ("auto", "dark" if host_is_dark else "light")
                assert (below == around) is fits, f"{case}: {below} on {around}"
                lights = sorted((luminance(below), luminance(bar)))
                assert (lights[1] + 0.05) / (lights[0] + 0.05) >= 3, f"{case}: {bar} on {below}"


PHOTOGRAPH = (
    "<svg xmlns='http://www.w3.org/2000/svg' width='300' height='300'><filter id='f'>"
    "<feTurbulence baseFrequency='0.05' numOctaves='4'/></filter>"
    "<rect width='300' height='300' filter='url(#f)'/></svg>"
)
PHOTOGRAPH_DATA = base64.b64encode(PHOTOGRAPH.encode()).decode()
HOST_GROUNDS = {
    "white": "#fff",
    "cream": "#fff3d6",
    "charcoal": "#1b1e23",
    "black": "#000",
    "photograph": f"url(data:image/svg+xml;base64,{PHOTOGRAPH_DATA})",
    "gradient": "linear-gradient(135deg, #ffd27f, #102a43)",
}
CARDS = {"light": [255, 255, 255], "dark": [21, 24, 30]}
"""The backgrounds of cards, for which the stylesheet chooses all other colours."""


@pytest.mark.parametrize("declared", ["normal", "light", "dark", "light dark"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_card_has_its_own_surface_and_round_corners_on_every_page(
    scheme: Any, declared: str, browser: Browser, serve: Serve
) -> None:
    service = serve(accounts=accounts())
    themes = ("auto", "light", "dark")
    cells = "".join(
        f"<div style='background: {ground}; padding: 10px'>"
        f"<cabinet-widget account=main widget=balance title=0 theme={theme} loading=eager>"
        "</cabinet-widget></div>"
        for ground in HOST_GROUNDS.values()
        for theme in themes
    )
    style = (
        f"<style>html {{ color-scheme: {declared}; background: #888 }} body {{ margin: 0;"
        " display: grid; grid-template-columns: repeat(3, 340px) }</style>"
    )
    loader = f"<script async src='{service.url}/embed.js'></script>"
    with (
        tab(browser, width=1020, height=1300, color_scheme=scheme) as page,
        tab(browser) as reader,
        host(loader + cells, style) as url,
    ):
        reader.goto("about:blank")
        page.goto(url)
        page.wait_for_function(
            "[...document.querySelectorAll('cabinet-widget')].every((element) =>"
            " element.shadowRoot?.querySelector('iframe')?.style.visibility === '')"
        )
        boxes = page.locator("cabinet-widget").evaluate_all(
            "all => all.map((each) => each.getBoundingClientRect()).map(({ x, y }) => [x, y])"
        )
        corners = [(x, y) for x, y in boxes]
        inside = [(x + 5, y + 60) for x, y in boxes]
        with_cards = base64.b64encode(page.screenshot()).decode()
        page.add_style_tag(content="cabinet-widget { visibility: hidden }")
        without_cards = base64.b64encode(page.screenshot()).decode()
        surfaces = reader.evaluate(PIXELS, [with_cards, inside])
        seen_corners = reader.evaluate(PIXELS, [with_cards, corners])
        host_corners = reader.evaluate(PIXELS, [without_cards, corners])
    cases = [f"theme {theme} on {ground}" for ground in HOST_GROUNDS for theme in themes]
    page_scheme = declared
    if declared == "light dark":
        page_scheme = scheme
    expected = {"auto": CARDS.get(page_scheme), **CARDS}
    for case, surface in zip(cases, surfaces, strict=True):
        theme = case.split()[1]
        if expected[theme]:
            assert surface == expected[theme], case
        else:  # the page declares nothing: its text decides
            assert surface in CARDS.values(), case
    assert dict(zip(cases, seen_corners, strict=True)) == dict(
        zip(cases, host_corners, strict=True)
    )


@pytest.mark.parametrize("declared", ["normal", "light", "dark", "light dark"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_frame_without_the_loader_has_round_corners_too(
    scheme: Any, declared: str, browser: Browser, serve: Serve
) -> None:
    service = serve(accounts=accounts())
    frames = ""
    for theme in ("auto", "light", "dark"):
        embed = snippet.Embed(
            service.url,
            "main",
            WIDGETS["balance"],
            {"theme": theme},
            Options(theme=theme),
            theme,
        )
        frames += snippet.iframe(embed)
    style = f"<style>html {{ color-scheme: {declared}; background: #346 }}</style>"
    with (
        tab(browser, width=400, height=900, color_scheme=scheme) as page,
        tab(browser) as reader,
        host(frames, style) as url,
    ):
        reader.goto("about:blank")
        page.goto(url)
        corners = []
        for frame in page.locator("iframe").all():
            frame.content_frame.locator("#w").wait_for()
            box = frame.bounding_box()
            assert box
            corners.append((box["x"], box["y"]))
        picture = base64.b64encode(page.screenshot()).decode()
        seen = reader.evaluate(PIXELS, [picture, corners])
    assert seen == [[0x33, 0x44, 0x66]] * 3


@pytest.mark.parametrize("hide", [[], ["profit"]])
def test_closed_trades_display_when_they_were_closed_at_every_width(
    hide: list[str], page: Page, serve: Serve
) -> None:
    service = serve(accounts={"main": {**EVERYTHING, "hide": hide}})
    closed = service.json("/w/main/closed-trades.json?rows=1")["trades"][0]["close_time"]
    page.goto(f"{service.url}/w/main/closed-trades?rows=1&lang=fr")
    written = page.locator(f"time[datetime='{closed}'] bdi").text_content()
    assert written
    for width in (320, 420, 480, 960):
        page.evaluate("width => document.body.style.width = `${width}px`", width)
        visible = page.locator("tbody bdi").evaluate_all(
            "all => all.filter((e) => e.checkVisibility()).map((e) => e.textContent)"
        )
        assert visible.count(written) == 1, width


# -- Zoom, forced colours and print ----------------------------------------------------------------


def test_at_200_percent_zoom_nothing_is_lost(browser: Browser, serve: Serve) -> None:
    service = serve(accounts=accounts())
    # A window of 480 pixels at 200% is one of 240.
    with tab(browser, width=240, height=400, device_scale_factor=2) as page:
        for widget, path in paths_of("main"):
            page.goto(service.url + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 240
            assert page.locator("#w").evaluate("w => w.offsetHeight") == height_of(widget)
            page.mouse.wheel(0, 2000)
            expect(page.locator(".asof")).to_be_in_viewport()


def test_charts_progress_and_focus_are_visible_in_forced_colours(page: Page, serve: Serve) -> None:
    service = serve(accounts=accounts())
    colour = "(element, [name, pseudo]) => getComputedStyle(element, pseudo)[name]"
    page.emulate_media(forced_colors="active")
    ground = "Canvas"
    try:
        for path, selector, name in (
            ("lots", ".bars rect", "fill"),
            ("growth", ".line", "stroke"),
            ("bonus", ".progress .done", "fill"),
            ("growth", ".chart text", "fill"),
            ("balance", "dt", "color"),
        ):
            page.goto(f"{service.url}/w/main/{path}")
            canvas = page.evaluate(
                f"""() => {{
                  document.documentElement.style.backgroundColor = "{ground}";
                  return getComputedStyle(document.documentElement).backgroundColor;
                }}"""
            )
            assert page.locator(selector).first.evaluate(colour, [name, None]) != canvas, (
                path,
                selector,
            )
        page.goto(f"{service.url}/w/main/growth")
        page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    finally:
        page.emulate_media(forced_colors="none")


def test_a_printed_widget_is_dark_on_white_and_complete(page: Page, serve: Serve) -> None:
    service = serve(accounts=accounts())
    page.emulate_media(media="print", color_scheme="dark")
    try:
        for theme in ("auto", "dark"):
            page.goto(f"{service.url}/w/main/growth?theme={theme}")
            ink = page.locator("dd").first.evaluate("element => getComputedStyle(element).color")
            assert ink == "rgb(23, 32, 43)", theme
            expect(page.locator("summary")).to_be_hidden()
            expect(page.locator(".asof")).to_be_visible()
    finally:
        page.emulate_media(media="null", color_scheme="null")


# -- Keyboard and pointer --------------------------------------------------------------------------


POINTS = """rows => rows.map((row) => {
  const [name, value, drawdown] = [...row.cells].map((cell) => cell.textContent);
  return `${name}: ${value}` + (drawdown ? `, Drawdown ${drawdown}` : "");
})"""
"""The points of a chart as a screen reader reads them, from its table."""


def tip_of(point: str) -> str:
    """The tooltip of a point, which has the drawdown in a second line."""
    return point.replace(", Drawdown", "\nDrawdown")


def test_a_chart_is_read_point_by_point_with_the_keyboard(page: Page, serve: Serve) -> None:
    service = serve(accounts=accounts())
    for widget in ("growth", "lots", "commissions"):
        page.goto(f"{service.url}/w/main/{widget}")
        page.keyboard.press("Tab")
        plot = page.locator(".plot:focus")
        expect(plot).to_have_attribute("role", "slider")
        cells = page.locator(".chart details tbody tr").evaluate_all(POINTS)
        expect(plot).to_have_attribute("aria-valuetext", cells[-1])
        if widget == "growth":
            assert re.search(r", Drawdown \d+\.\d\d%$", cells[-1])
        tip = plot.locator(".tip")
        expect(tip).to_have_text(tip_of(cells[-1]), use_inner_text=True)
        page.keyboard.press("Home")
        expect(plot).to_have_attribute("aria-valuetext", cells[0])
        page.keyboard.press("ArrowRight")
        expect(tip).to_have_text(tip_of(cells[1]), use_inner_text=True)
        page.keyboard.press("PageUp")
        expect(plot).to_have_attribute("aria-valuetext", cells[min(11, len(cells) - 1)])
        page.keyboard.press("End")
        page.keyboard.press("ArrowRight")
        expect(plot).to_have_attribute("aria-valuetext", cells[-1])
        assert findings(page) == []
        page.keyboard.press("Tab")
        expect(page.locator("summary:focus")).to_have_count(1)
        expect(page.locator(".tip")).to_be_hidden()
        page.keyboard.press("Enter")
        expect(page.locator("details tbody tr").first).to_be_visible()
        assert findings(page) == []


def test_the_pointer_displays_the_nearest_point(page: Page, serve: Serve) -> None:
    service = serve(accounts=accounts())
    page.goto(f"{service.url}/w/main/growth")
    box = page.locator(".plot").bounding_box()
    assert box
    tip = page.locator(".tip")
    # Another trade may have closed three hours and so 2 pixels later.
    page.mouse.move(box["x"] + 0.5, box["y"] + 50)
    first = page.locator("details tbody tr").evaluate_all(POINTS)[0]
    expect(tip).to_have_text(tip_of(first), use_inner_text=True)
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 50)
    inside = tip.bounding_box()
    point = page.locator("circle.mark").bounding_box()
    assert inside
    assert point
    # Beside the point: it neither covers it nor is far from it.
    above = point["y"] - inside["y"] - inside["height"]
    below = inside["y"] - point["y"] - point["height"]
    assert 0 <= max(above, below) <= 16
    assert inside["x"] + inside["width"] <= box["x"] + box["width"] + 0.5
    page.mouse.move(5, 5)
    expect(tip).to_be_hidden()


def test_an_explanation_opens_without_a_script_and_without_another_height(
    browser: Browser, serve: Serve
) -> None:
    service = serve(accounts=accounts())
    with tab(browser, width=320, java_script_enabled=False) as page:
        page.goto(f"{service.url}/w/main/statistics?period=all")
        for name in ("Profit factor", "Average volume"):
            page.locator("summary", has_text=name).click()
            explanation = page.locator("details[open] p").last
            expect(explanation).to_be_in_viewport()
            card = page.locator("#w").bounding_box()
            box = explanation.bounding_box()
            assert card
            assert box
            assert card["height"] == WIDGETS["statistics"].height
            assert box["y"] + box["height"] <= card["y"] + card["height"]


def test_a_closed_widget_is_opened_by_keyboard(page: Page, serve: Serve) -> None:
    service = serve(accounts=accounts())
    page.goto(f"{service.url}/w/locked/balance?lang=de")
    assert page.locator("input[autocomplete=username]").count() == 1
    page.keyboard.press("Tab")
    expect(page.locator("#password:focus")).to_have_count(1)
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.locator("[role=alert]")).to_be_visible()
    expect(page.locator("#password:focus")).to_have_attribute("aria-invalid", "true")
    assert findings(page) == []
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Tab")
    expect(page.locator("button:focus")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("dd").first).to_contain_text("$")
    expect(page.locator("#w:focus")).to_have_count(1)
    assert "locked/balance" in page.url


@pytest.mark.parametrize("slow", [False, True])
def test_the_layout_does_not_shift_without_a_cache_or_on_a_slow_service(
    slow: bool, browser: Browser, serve: Serve, upstream: Upstream
) -> None:
    service = serve(accounts=accounts())
    if slow:
        upstream.sandbox.faults.append(Fault("slow", seconds=0.7))
    parts = [
        form(embed).replace("lazy", "eager") + "<p>Text</p>"
        for widget in WIDGETS.values()
        for embed in [
            snippet.Embed(service.url, "main", widget, {"theme": "dark"}, Options(), widget.label)
        ]
        for form in (snippet.script, snippet.iframe)
    ]
    with host("".join(parts)) as url, tab(browser, height=16000) as page:
        page.add_init_script(COUNT_SHIFTS)
        page.goto(url)
        for frame in page.locator("iframe").all():
            frame.content_frame.locator("#w dl, #w table").first.wait_for(state="attached")
        page.wait_for_timeout(100)
        assert page.evaluate("window.shift") == 0
