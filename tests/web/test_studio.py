"""The studio: widgets with their options, a live preview and the code to paste."""

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
import requests
from browsers import WIDGETS, findings, host, tab
from conftest import Upstream
from playwright.sync_api import Browser, Page, expect

from widget.sandbox import demo
from widget.widgets.options import Options


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

    def code(self, form: str) -> str:
        """The code to paste in one form."""
        return self.page.locator(f"article:has(#code-{form}) pre").inner_text()


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


def test_every_enabled_widget_can_be_chosen_and_is_displayed(studio: Studio) -> None:
    chosen = studio.page.get_by_label("Widget", exact=True)
    assert chosen.locator("option").evaluate_all(
        "options => options.map(({ value }) => value)"
    ) == [*WIDGETS]
    for name, widget in WIDGETS.items():
        chosen.select_option(name)
        expect(studio.page.locator("cabinet-widget")).to_have_attribute("widget", name)
        expect(studio.page.frame_locator("iframe").locator("#w")).to_have_attribute(
            "aria-label", widget.label
        )
        expect(studio.page.locator("#options [name=rows]")).to_have_count(
            int("rows" in widget.options)
        )
        expect(studio.page.locator("#options [name=period]")).to_have_count(
            int("period" in widget.options)
        )
        expect(studio.page.locator("#code-bbcode")).to_have_count(int(bool(widget.picture)))
        expect(studio.page.locator("#options [name=size]")).to_have_count(int(bool(widget.picture)))
        expect(studio.page.locator("article:has(#code-script) pre")).to_contain_text(
            f'widget="{name}"'
        )
        assert f"{widget.pixels(Options())}px" in studio.code("iframe")


def test_options_change_the_preview_and_the_code(studio: Studio) -> None:
    page = studio.page
    page.get_by_label("Widget", exact=True).select_option("open-trades")
    page.get_by_label("Rows").fill("4")
    page.get_by_label("Language").select_option("fr")
    page.get_by_label("Accent colour", exact=True).fill("ff8800")
    page.get_by_label("Heading").select_option("0")
    expect(page.locator("article:has(#code-wordpress) pre")).to_contain_text('title="0"')
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
    expect(page.get_by_label("Rows")).to_have_value("4")
    expect(page.frame_locator("iframe").locator("tbody tr")).to_have_count(4)


def test_an_invalid_option_is_reported_and_no_code_is_given(studio: Studio) -> None:
    studio.page.get_by_label("Time zone").fill("Mars/Olympus")
    expect(studio.page.locator("#code [role=alert]")).to_contain_text("tz")
    expect(studio.page.locator("#code [role=alert]")).to_have_css("color", "rgb(189, 38, 55)")
    expect(studio.page.locator("article")).to_have_count(0)
    assert findings(studio.page) == []
    studio.page.get_by_label("Time zone").fill("Europe/Paris")
    expect(studio.page.locator("article").first).to_be_visible()


def test_width_and_colours_of_the_preview_can_be_chosen(studio: Studio) -> None:
    page = studio.page
    main = page.frame_locator("iframe").locator("#w")
    expect(main).to_be_visible()
    for width in (240, 320, 640, 960):
        page.get_by_label(str(width), exact=True).check()
        assert main.evaluate("element => element.getBoundingClientRect().width") == width
    for scheme, ink in (("Dark", "rgb(231, 235, 241)"), ("Light", "rgb(23, 32, 43)")):
        page.get_by_label(scheme, exact=True).check()
        expect(page.frame_locator("iframe").locator("dd").first).to_have_css("color", ink)


def test_a_picture_is_displayed_in_the_chosen_size(studio: Studio) -> None:
    page = studio.page
    page.get_by_label("Widget", exact=True).select_option("growth")
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
    page.get_by_label("Widget", exact=True).select_option("open-trades")
    expect(page.locator("#size")).to_have_count(0)


def test_dates_replace_a_period(studio: Studio) -> None:
    page = studio.page
    page.get_by_label("Widget", exact=True).select_option("lots")
    page.get_by_label("Period", exact=True).select_option("90d")
    expect(page.locator("article:has(#code-oembed) pre")).to_contain_text("period=90d")
    page.get_by_label("From").fill("2026-01-01")
    expect(page.get_by_label("Period", exact=True)).to_be_disabled()
    expect(page.locator("article:has(#code-oembed) pre")).to_contain_text("from=2026-01-01")
    assert "period" not in studio.code("oembed")
    page.get_by_label("From").fill("")
    expect(page.locator("article:has(#code-oembed) pre")).to_contain_text("period=90d")


def test_the_preview_fits_on_a_phone(studio: Studio) -> None:
    studio.page.set_viewport_size({"width": 360, "height": 800})
    studio.page.reload()
    assert studio.page.locator(".stage").evaluate("stage => stage.scrollWidth <= stage.clientWidth")


def test_a_button_copies_code_that_works_on_another_page(studio: Studio, browser: Browser) -> None:
    page = studio.page
    page.get_by_label("Widget", exact=True).select_option("bonus")
    expect(page.locator("article:has(#code-script) pre")).to_contain_text('"bonus"')
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
    page.get_by_label("Account").select_option("private")
    expect(page.locator("#code")).to_contain_text("Only these sites")
    expect(page.locator("#code")).to_contain_text("The account is closed")
    expect(page.frame_locator("iframe").locator("form")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_studio(scheme: str, studio: Studio) -> None:
    studio.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    for width in (1280, 640, 320):
        studio.page.set_viewport_size({"width": width, "height": 900})
        assert findings(studio.page) == []
        assert studio.page.evaluate("document.documentElement.scrollWidth") <= width


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
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none" or focused[-1] == "CABINET-WIDGET", focused[-1]
    forms = {
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
    }
    assert forms <= set(focused), focused
    assert "Copy Script" in focused
    assert "PRE" in focused


def test_without_javascript_a_button_submits_the_form(browser: Browser, service: str) -> None:
    with tab(browser, java_script_enabled=False) as page:
        page.goto(service + "/")
        page.get_by_label("Widget", exact=True).select_option("lots")
        page.get_by_role("button", name="Show").click()
        expect(page.locator("article:has(#code-iframe) pre")).to_contain_text("/w/demo/lots")


def test_markup_in_the_url_stays_text(service: str) -> None:
    attack = '"><script>alert(1)</script>'
    response = requests.get(
        service, {"account": attack, "widget": attack, "tz": attack, "accent": attack}, timeout=30
    )
    assert html.escape(attack) in response.text.replace("&#34;", "&quot;")
    assert attack not in response.text
