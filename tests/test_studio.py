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

from widget import demo
from widget.spec import Options


class Studio(NamedTuple):
    """The studio of the demonstration, open in a tab."""

    page: Page
    url: str

    @property
    def preview(self) -> str:
        """The address of the frame that is shown."""
        address = self.page.locator("cabinet-widget iframe").get_attribute("src")
        assert address
        return address

    def code(self, form: str) -> str:
        """The code to paste in one form."""
        return self.page.locator(f"article:has(#code-{form}) pre").inner_text()


@pytest.fixture(scope="module")
def service(upstream: Upstream) -> Iterator[str]:
    """The demonstration."""
    with demo.running(upstream.url, 0, upstream.sandbox.clock) as (_, url):
        yield url


@pytest.fixture
def studio(browser: Browser, service: str) -> Iterator[Studio]:
    """The studio as `demo` shows it; it may ask nobody but the service."""
    with tab(browser, width=1280, permissions=["clipboard-read", "clipboard-write"]) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(service + "/")
        yield Studio(page, service)
        assert [url for url in asked if not url.startswith((service, "data:"))] == []


def test_every_enabled_widget_is_shown_as_it_is_chosen(studio: Studio) -> None:
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
    # What is shown is what the address of the studio says.
    assert {"rows=4", "title=0"} <= set(page.url.partition("?")[2].split("&"))
    page.reload()
    expect(page.get_by_label("Rows")).to_have_value("4")
    expect(page.frame_locator("iframe").locator("tbody tr")).to_have_count(4)


def test_what_is_wrong_is_said_and_no_code_is_given(studio: Studio) -> None:
    studio.page.get_by_label("Time zone").fill("Mars/Olympus")
    expect(studio.page.locator("#code [role=alert]")).to_contain_text("tz")
    expect(studio.page.locator("#code [role=alert]")).to_have_css("color", "rgb(189, 38, 55)")
    expect(studio.page.locator("article")).to_have_count(0)
    assert findings(studio.page) == []
    studio.page.get_by_label("Time zone").fill("Europe/Paris")
    expect(studio.page.locator("article").first).to_be_visible()


def test_width_and_colours_of_the_preview_are_chosen(studio: Studio) -> None:
    page = studio.page
    main = page.frame_locator("iframe").locator("#w")
    expect(main).to_be_visible()
    for width in (240, 320, 640, 960):
        page.get_by_label(str(width), exact=True).check()
        assert main.evaluate("element => element.getBoundingClientRect().width") == width
    for scheme, ink in (("Dark", "rgb(231, 235, 241)"), ("Light", "rgb(23, 32, 43)")):
        page.get_by_label(scheme, exact=True).check()
        expect(page.frame_locator("iframe").locator("dd").first).to_have_css("color", ink)


def test_a_picture_is_seen_and_has_the_size_that_is_chosen(studio: Studio) -> None:
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


def test_dates_take_the_place_of_a_period(studio: Studio) -> None:
    page = studio.page
    page.get_by_label("Widget", exact=True).select_option("lots")
    page.get_by_label("Period").select_option("90d")
    expect(page.locator("article:has(#code-oembed) pre")).to_contain_text("period=90d")
    page.get_by_label("From").fill("2026-01-01")
    expect(page.get_by_label("Period")).to_be_disabled()
    expect(page.locator("article:has(#code-oembed) pre")).to_contain_text("from=2026-01-01")
    assert "period" not in studio.code("oembed")
    page.get_by_label("From").fill("")
    expect(page.locator("article:has(#code-oembed) pre")).to_contain_text("period=90d")


def test_on_a_phone_the_preview_is_seen_whole(studio: Studio) -> None:
    studio.page.set_viewport_size({"width": 360, "height": 800})
    studio.page.reload()
    assert studio.page.locator(".stage").evaluate("stage => stage.scrollWidth <= stage.clientWidth")


def test_code_is_copied_by_a_button_and_works_where_it_is_pasted(
    studio: Studio, browser: Browser
) -> None:
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


def test_who_may_frame_an_account_is_said(studio: Studio) -> None:
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


def test_all_of_it_is_reached_by_keyboard(studio: Studio) -> None:
    page = studio.page
    expect(page.frame_locator("iframe").locator("#w")).to_be_visible()
    met = []
    for _ in range(60):
        page.keyboard.press("Tab")
        met.append(
            page.evaluate(
                """() => {
                  const { id, name, tagName, textContent } = document.activeElement;
                  return id || name || (tagName === "BUTTON" ? textContent.trim() : tagName);
                }"""
            )
        )
        if met[-1] == "BODY":
            break
        if page.evaluate("document.activeElement !== document.body"):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none" or met[-1] == "CABINET-WIDGET", met[-1]
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
    assert forms <= set(met), met
    assert "Copy Script" in met
    assert "PRE" in met


def test_without_javascript_the_form_is_sent_by_a_button(browser: Browser, service: str) -> None:
    with tab(browser, java_script_enabled=False) as page:
        page.goto(service + "/")
        page.get_by_label("Widget", exact=True).select_option("lots")
        page.get_by_role("button", name="Show").click()
        expect(page.locator("article:has(#code-iframe) pre")).to_contain_text("/w/demo/lots")


def test_markup_in_its_address_stays_text(service: str) -> None:
    attack = '"><script>alert(1)</script>'
    answer = requests.get(
        service, {"account": attack, "widget": attack, "tz": attack, "accent": attack}, timeout=30
    )
    assert html.escape(attack) in answer.text.replace("&#34;", "&quot;")
    assert attack not in answer.text
