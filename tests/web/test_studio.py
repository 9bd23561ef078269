"""The studio: widgets with their options, a live preview and the code to paste."""

import html
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

import pytest
import requests
from accounts import WIDGETS
from browsers import findings, host, tab
from conftest import Upstream
from playwright.sync_api import Browser, Locator, Page, expect

from widget.render.snippet import FORMS
from widget.sandbox import demo
from widget.widgets.options import Options

ATTRIBUTES = "element => [...element.attributes].map(({ name, value }) => `${name}=${value}`)"
# Radio buttons cover their labels, which have the outline.
OUTLINE = """() => {
  const element = document.activeElement;
  const outlined = element.type === "radio" ? element.parentElement : element;
  return getComputedStyle(outlined).outlineStyle;
}"""


class Studio(NamedTuple):
    """The studio of the demonstration, open in a tab."""

    page: Page
    url: str

    @property
    def preview(self) -> str:
        """The URL of the preview frame."""
        address = self.page.locator("cabinet-widget iframe").get_attribute("src")
        assert address
        return address

    def choose(self, widget: str) -> None:
        """Choose a widget by its thumbnail."""
        self.page.get_by_role("radio", name=WIDGETS[widget].label, exact=True).check()

    def control(self, label: str) -> Locator:
        """The control of an option."""
        return self.page.locator("#options").get_by_label(label, exact=True)

    def code(self, form: str) -> str:
        """The code to paste in one form, which need not be the one that is displayed."""
        return self.page.locator(f"#code-{form}").text_content() or ""


@pytest.fixture(scope="module")
def service(upstream: Upstream) -> Iterator[str]:
    """The demonstration."""
    with demo.running(upstream.url, 0, upstream.sandbox.clock) as url:
        yield url


@pytest.fixture
def studio(browser: Browser, service: str) -> Iterator[Studio]:
    """The studio of the demo; it may send requests to the service only."""
    with tab(browser, width=1280, permissions=["clipboard-read", "clipboard-write"]) as page:
        requested: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        page.goto(service + "/")
        yield Studio(page, service)
        assert [url for url in requested if not url.startswith((service, "data:"))] == []


def test_every_enabled_widget_can_be_chosen_by_a_thumbnail_and_is_displayed(
    studio: Studio,
) -> None:
    thumbnails = studio.page.locator(".thumbnails label")
    assert thumbnails.locator("input").evaluate_all("all => all.map(({ value }) => value)") == [
        *WIDGETS
    ]
    for thumbnail in thumbnails.all():
        expect(thumbnail.locator("svg > *").first).to_be_visible()
    for name, widget in WIDGETS.items():
        studio.choose(name)
        expect(studio.page.locator("cabinet-widget")).to_have_attribute("widget", name)
        expect(studio.page.frame_locator("iframe").locator("#w")).to_have_attribute(
            "aria-label", widget.label
        )
        expect(studio.page.locator("#code-bbcode")).to_have_count(int(bool(widget.picture)))
        expect(studio.page.locator("#options [name=size]")).to_have_count(int(bool(widget.picture)))
        expect(studio.page.locator("#code-script")).to_contain_text(f'widget="{name}"')
        assert f"{widget.pixels(Options())}px" in studio.code("iframe")


def test_every_option_has_a_control_for_the_widgets_that_have_it(studio: Studio) -> None:
    for name, widget in WIDGETS.items():
        studio.page.goto(f"{studio.url}/?widget={name}")
        controls = studio.page.locator("#options [name]:not([name=size])")
        found = controls.evaluate_all("all => all.map(({ name }) => name)")
        # Visitors choose the page of a table, and code begins with the first one.
        assert set(found) == set(widget.all_options) - {"page"}


def test_options_change_the_preview_and_the_code(studio: Studio) -> None:
    page = studio.page
    studio.choose("open-trades")
    studio.control("Rows").fill("4")
    studio.control("Language").select_option("fr")
    studio.control("Accent colour").fill("ff8800")
    studio.control("Heading").select_option("0")
    expect(page.locator("#code-wordpress")).to_contain_text('title="0"')
    expect(page.frame_locator("iframe").locator("tbody tr")).to_have_count(4)
    expect(page.frame_locator("iframe").locator("html")).to_have_attribute("lang", "fr")
    for form in ("script", "wordpress"):
        assert all(
            part in studio.code(form) for part in ('rows="4"', 'lang="fr"', 'accent="ff8800"')
        ), form
    for form in ("iframe", "oembed"):
        assert {"rows=4", "lang=fr", "accent=ff8800", "title=0"} <= set(
            re.split(r'[?&"]', html.unescape(studio.code(form)))
        ), form
    # The URL of the studio contains the chosen options.
    assert {"rows=4", "title=0"} <= set(page.url.partition("?")[2].split("&"))
    page.reload()
    expect(studio.control("Rows")).to_have_value("4")
    expect(page.frame_locator("iframe").locator("tbody tr")).to_have_count(4)


def test_another_widget_keeps_the_colours_and_the_language_and_loses_the_rest(
    studio: Studio,
) -> None:
    studio.page.goto(f"{studio.url}/?widget=open-trades&rows=4&lang=fr&background=none&as=iframe")
    studio.choose("growth")
    expect(studio.page.locator("#code-iframe")).to_contain_text("growth?")
    expect(studio.page.locator("#code-iframe")).to_be_visible()
    assert "lang=fr" in studio.code("oembed")
    assert "background=none" in studio.code("oembed")
    assert "rows" not in studio.page.url


def test_one_kind_of_code_is_displayed_at_a_time(studio: Studio) -> None:
    page = studio.page
    expect(page.locator("#code-script")).to_be_visible()
    kinds = page.locator("#snippets").get_by_role("radio")
    assert kinds.count() == len(FORMS)
    for kind, form in zip(kinds.all(), FORMS, strict=True):
        kind.check()
        expect(page.locator(f"#code-{form}")).to_be_visible()
        assert page.locator("article:visible").count() == 1
    page.locator("#code").get_by_role("radio", name="Frame").check()
    assert page.url.endswith("as=iframe")
    page.reload()
    expect(page.locator("#code-iframe")).to_be_visible()


def test_an_invalid_option_is_reported_at_its_control_and_no_code_is_given(
    studio: Studio,
) -> None:
    page = studio.page
    zone = studio.control("Time zone")
    zone.fill("Mars/Olympus")
    expect(zone).to_have_accessible_description(re.compile("must be a time zone"))
    expect(zone).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#code [role=alert]")).to_contain_text("tz must be a time zone")
    expect(page.locator("#code [role=alert]")).to_have_css("color", "rgb(189, 38, 55)")
    expect(page.locator("article:visible")).to_have_count(0)
    assert findings(page) == []
    zone.fill("Europe/Paris")
    expect(page.locator("article:visible")).to_have_count(1)
    expect(zone).not_to_have_attribute("aria-invalid", "true")
    expect(zone).to_have_accessible_description("")


@pytest.mark.parametrize(
    ("widget", "label", "value"),
    [
        ("closed-trades", "Rows", "500"),
        ("closed-trades", "Refresh, in seconds", "1"),
        ("closed-trades", "Accent colour", "red"),
        ("closed-trades", "Time zone", "Mars/Olympus"),
    ],
)
def test_an_invalid_value_does_not_reach_the_preview(
    widget: str, label: str, value: str, studio: Studio
) -> None:
    page = studio.page
    page.goto(f"{studio.url}/?widget={widget}&rows=4")
    expect(page.frame_locator("iframe").locator("tbody tr")).to_have_count(4)
    before = page.locator("cabinet-widget").evaluate(ATTRIBUTES)
    studio.control(label).fill(value)
    expect(studio.control(label)).to_have_attribute("aria-invalid", "true")
    expect(studio.control(label)).to_have_accessible_description(re.compile("."))
    expect(page.locator("article:visible")).to_have_count(0)
    assert page.locator("cabinet-widget").evaluate(ATTRIBUTES) == before
    # Nor does it if it is in the URL, with what is valid.
    name = studio.control(label).get_attribute("name")
    page.goto(f"{studio.url}/?widget={widget}&{name}={value}&title=0")
    expect(studio.control(label)).to_have_value(value)
    expect(studio.control(label)).to_have_attribute("aria-invalid", "true")
    element = page.locator("cabinet-widget")
    expect(element).to_have_attribute("title", "0")
    assert element.get_attribute(str(name)) is None


def test_the_preview_is_never_higher_than_the_window(studio: Studio) -> None:
    studio.page.goto(f"{studio.url}/?widget=closed-trades&rows=100")
    expect(studio.page.frame_locator("iframe").locator("tbody tr").nth(20)).to_be_visible()
    for width, height in ((1280, 900), (768, 1024), (360, 740)):
        studio.page.set_viewport_size({"width": width, "height": height})
        box = studio.page.locator("#preview").bounding_box()
        assert box
        assert box["height"] < height


def test_on_a_phone_the_preview_comes_first_and_stays_in_view(studio: Studio) -> None:
    page = studio.page
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{studio.url}/?widget=growth")
    preview, form = page.locator("#preview").bounding_box(), page.locator("#wanted").bounding_box()
    assert preview
    assert form
    assert preview["y"] + preview["height"] <= form["y"]
    assert page.locator(".stage").evaluate("stage => stage.scrollWidth <= stage.clientWidth")
    studio.control("Time zone").scroll_into_view_if_needed()
    page.mouse.wheel(0, 100)
    expect(page.locator("#preview")).to_be_in_viewport(ratio=1)
    # The chosen thumbnail is in view, wherever it is in the strip.
    studio.page.goto(f"{studio.url}/?widget=summary")
    expect(page.locator(".thumbnails label:has(:checked)")).to_be_in_viewport(ratio=0.9)


def test_a_picture_is_displayed_in_the_chosen_size(studio: Studio) -> None:
    page = studio.page
    studio.choose("growth")
    page.locator("#code").get_by_role("radio", name="Picture").check()
    page.locator("#size").select_option("240 × 60")
    picture = page.locator("article img")
    expect(picture).to_have_attribute("src", "/w/demo/growth.png?scale=2&size=small")
    assert picture.evaluate(
        "img => img.decode().then(() => [img.naturalWidth, img.width, img.height])"
    ) == [
        480,
        240,
        60,
    ]
    assert 'width="240" height="60"' in studio.code("badge")
    assert "size=small" in studio.code("bbcode")
    assert "size" not in studio.code("iframe") + studio.code("script")
    studio.choose("open-trades")
    expect(page.locator("#size")).to_have_count(0)


def test_dates_replace_a_period(studio: Studio) -> None:
    page = studio.page
    studio.choose("lots")
    page.get_by_label("Period", exact=True).select_option("90d")
    expect(page.locator("#code-oembed")).to_contain_text("period=90d")
    page.get_by_label("From").fill("2026-01-01")
    expect(page.get_by_label("Period", exact=True)).to_be_disabled()
    expect(page.locator("#code-oembed")).to_contain_text("from=2026-01-01")
    assert "period" not in studio.code("oembed")
    page.get_by_label("From").fill("")
    expect(page.locator("#code-oembed")).to_contain_text("period=90d")


def test_a_button_copies_code_that_works_on_another_page(studio: Studio, browser: Browser) -> None:
    page = studio.page
    studio.choose("bonus")
    expect(page.locator("#code-script")).to_contain_text('"bonus"')
    page.get_by_role("button", name="Copy Script").click()
    expect(page.get_by_role("button", name="Copied Script")).to_be_visible()
    expect(page.locator("p[role=status]")).to_have_text("Copied")
    pasted = page.evaluate("navigator.clipboard.readText()")
    assert pasted == studio.code("script")
    with host(pasted + studio.code("iframe") + studio.code("badge")) as url, tab(browser) as other:
        other.goto(url)
        for n in (0, 1):
            expect(other.frame_locator(f"iframe >> nth={n}").locator("dd").first).to_contain_text(
                "$"
            )
        assert (
            other.locator("img").evaluate(
                "img => img.decode().then(() => img.naturalWidth / img.width)"
            )
            == 2
        )


def test_the_studio_displays_which_sites_may_embed_an_account(studio: Studio) -> None:
    page = studio.page
    expect(page.locator("#code")).to_contain_text("Any site may embed")
    page.get_by_label("Account", exact=True).select_option("private")
    expect(page.locator("#code")).to_contain_text("Only these sites")
    expect(page.locator("#code")).to_contain_text("The account is closed")
    expect(page.frame_locator("iframe").locator("form")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_studio(scheme: Literal["light", "dark"], studio: Studio) -> None:
    studio.page.emulate_media(color_scheme=scheme)
    for width in (1280, 640, 320):
        studio.page.set_viewport_size({"width": width, "height": 900})
        assert lasting_findings(studio.page) == set()
        assert studio.page.evaluate("document.documentElement.scrollWidth") <= width


def lasting_findings(page: Page) -> set[str]:
    """What axe finds wherever the strip of thumbnails is scrolled.

    It is unsure about the colours of what is out of view.
    """
    strip = page.locator(".thumbnails")
    found = set(findings(page))
    for left in range(0, strip.evaluate("strip => strip.scrollWidth"), 200):
        if not found:
            break
        strip.evaluate("(strip, left) => strip.scrollLeft = left", left)
        found &= set(findings(page))
    return found


def test_every_control_can_be_reached_by_keyboard(studio: Studio) -> None:
    page = studio.page
    expect(page.frame_locator("iframe").locator("#w")).to_be_visible()
    focused = []
    for _ in range(60):
        page.keyboard.press("Tab")
        focused.append(
            page.evaluate(
                """() => {
                  const { id, name, tagName, textContent } = document.activeElement;
                  return id || name || (tagName === "BUTTON" ? textContent.trim() : tagName);
                }"""
            )
        )
        if focused[-1] == "BODY":
            break
        if page.evaluate("document.activeElement !== document.body"):
            outline = page.evaluate(OUTLINE)
            assert outline != "none" or focused[-1] == "CABINET-WIDGET", focused[-1]
    controls = {
        "account",
        "widget",
        "theme",
        "accent",
        "lang",
        "tz",
        "title",
        "refresh",
        "width",
        "scheme",
        "as",
    }
    assert controls <= set(focused), focused
    assert "Copy Script" in focused
    assert "PRE" in focused


def test_without_javascript_a_button_submits_the_form(browser: Browser, service: str) -> None:
    with tab(browser, java_script_enabled=False) as page:
        page.goto(service + "/")
        page.get_by_role("radio", name="Lots traded").check()
        page.get_by_role("button", name="Show").click()
        page.locator("#code").get_by_role("radio", name="Frame").check()
        expect(page.locator("#code-iframe")).to_contain_text("/w/demo/lots")
        expect(page.locator("#code-iframe")).to_be_visible()


def test_markup_in_the_url_stays_text(service: str) -> None:
    attack = '"><script>alert(1)</script>'
    response = requests.get(
        service, {"account": attack, "widget": attack, "tz": attack, "accent": attack}, timeout=30
    )
    assert html.escape(attack) in response.text.replace("&#34;", "&quot;")
    assert attack not in response.text
