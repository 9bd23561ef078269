"""The widgets in a real Chromium, on host pages of another origin."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from accounts import EVERYTHING, WIDGETS
from browsers import COUNT_SHIFTS, WIDTHS, findings, host, tab
from conftest import Clock, Service, Upstream
from playwright.sync_api import Browser, Page, expect
from processes import free_port, nginx, until
from werkzeug.security import generate_password_hash

from widget.render import snippet
from widget.sandbox import demo
from widget.widgets.options import Options

ARTIFACTS = Path(
    os.environ.get("CABINET_TEST_ARTIFACTS", Path(__file__).parent.parent / "build" / "screenshots")
)
Serve = Callable[..., Service]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in whose console there may be no complaint."""
    with tab(browser) as opened:
        yield opened


def test_a_host_page_displays_the_figures_by_iframe_by_element_and_by_one_tag(
    page: Page, serve: Serve
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    bonus = service.json("/w/main/bonus.json")
    total = f"${bonus['total']:,.2f}"
    forms = f"""
        <iframe id="frame" src="{service.url}/w/main/bonus" title="Bonus"></iframe>
        <script async src="{service.url}/embed.js"></script>
        <cabinet-widget account="main" widget="bonus"></cabinet-widget>
        <div id="tag"><script async src="{service.url}/embed.js"
            data-account="main" data-widget="bonus"></script></div>
    """
    with host(forms) as url:
        page.goto(url)
        for frame in ("#frame", "cabinet-widget >> nth=0 >> iframe", "#tag iframe"):
            expect(page.frame_locator(frame).locator("dl")).to_contain_text(total)
            assert page.locator(frame).get_attribute("title")


def test_the_service_may_be_served_below_a_path_of_another_site(
    page: Page, serve: Serve, tmp_path: Path
) -> None:
    where = f"http://127.0.0.1:{(port := free_port())}/widgets"
    closed = {
        "login": 1000001,
        "access": "closed",
        "viewer_password_hash": generate_password_hash("open", "scrypt:1024:8:1"),
    }
    accounts = {"main": EVERYTHING, "closed": closed}
    service = serve(server={"public_url": where, "studio": True}, accounts=accounts)
    site = (
        f"server {{ listen 127.0.0.1:{port}; location /widgets/ {{ proxy_pass {service.url}/; }} }}"
    )
    embedded = snippet.script(
        snippet.Embed(where, "main", WIDGETS["bonus"], {}, Options(), "Bonus")
    )
    with nginx(tmp_path, site, f"{where}/healthz"), host(embedded) as url:
        page.goto(url)
        expect(page.frame_locator("iframe").locator("dd").first).to_have_css(
            "font-variant-numeric", "tabular-nums"
        )
        page.goto(f"{where}/w/closed/balance")
        page.get_by_label("Password").fill("open")
        page.get_by_role("button").click()
        expect(page.locator("dl")).to_contain_text("$")
        page.goto(f"{where}/?widget=growth&as=badge")
        expect(page.frame_locator("iframe").locator("dl")).to_be_visible()
        picture = page.locator("article img")
        assert picture.evaluate("img => img.decode().then(() => img.naturalWidth)") == 640


def test_the_demo_page_displays_all_widgets_and_their_figures_change(
    page: Page, upstream: Upstream, clock: Clock
) -> None:
    page.clock.install(time=clock.now)
    with demo.running(upstream.url, 0, clock) as service:
        page.set_viewport_size({"width": 1100, "height": 3000})
        page.goto(service + demo.HOST_PAGE)
        frames = page.locator("iframe")
        # Each widget, and one of the closed account.
        expect(frames).to_have_count(len(WIDGETS) + 1)
        for frame in frames.all():
            frame.scroll_into_view_if_needed()
            expect(frame).to_be_visible()
            expect(frame.content_frame.locator("#w")).to_be_visible()
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=ARTIFACTS / "demo.png", full_page=True)
        profit = page.frame_locator("iframe[title=Balance] >> nth=0").locator("dd").nth(2)
        expect(profit).to_have_text(re.compile(r"\$"))
        before = profit.inner_text()

        def has_moved() -> bool:
            clock.now += 20
            page.clock.fast_forward(20_000)
            return profit.inner_text() != before

        until(has_moved)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_demo_page_has_a_light_and_a_dark_part_and_fits_every_screen(
    scheme: Literal["light", "dark"], page: Page, upstream: Upstream
) -> None:
    with demo.running(upstream.url, 0, upstream.sandbox.clock) as service:
        page.emulate_media(color_scheme=scheme)
        page.goto(service + demo.HOST_PAGE)
        for part, ground in ((".dark", "rgb(21, 24, 30)"), (".light", "rgb(255, 255, 255)")):
            page.locator(part).first.scroll_into_view_if_needed()
            widget = page.locator(f"{part} iframe").first.content_frame.locator("#w")
            expect(widget).to_have_css("background-color", ground)
        for width in (360, 768, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert findings(page) == []


def test_the_demo_page_does_not_move_while_it_loads(page: Page, upstream: Upstream) -> None:
    page.add_init_script(COUNT_SHIFTS)
    with demo.running(upstream.url, 0, upstream.sandbox.clock) as service:
        page.goto(service + demo.HOST_PAGE)
        for frame in page.locator("iframe").all():
            frame.scroll_into_view_if_needed()
            expect(frame).to_be_visible()
            expect(frame.content_frame.locator("#w")).to_be_visible()
        assert page.evaluate("window.shift") == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_every_widget_is_exactly_as_high_as_the_service_says_at_every_width(
    width: int, browser: Browser, serve: Serve
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    opened = browser.new_page(viewport={"width": width, "height": 900})
    for widget in WIDGETS.values():
        for query in ("", "?title=0"):
            rows = min(3, widget.default_rows)
            options = Options(title=not query, rows=rows or 1)
            more = f"{query}{'&' if query else '?'}rows={rows}" if rows else query
            opened.goto(f"{service.url}/w/main/{widget.name}{more}")
            height = opened.locator("#w").evaluate(
                "element => element.getBoundingClientRect().height"
            )
            assert height == widget.pixels(options), (widget.name, query)
            assert opened.evaluate("document.documentElement.scrollWidth") <= width, widget.name
    opened.close()


def test_the_groups_of_a_breakdown_fill_its_card_and_leave_no_row_empty(
    page: Page, serve: Serve
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    rest = """() => {
        const bottom = (element) => element.getBoundingClientRect().bottom;
        return bottom(document.querySelector(".rows")) - bottom(document.querySelector("table"));
    }"""
    for by in ("symbol", "side", "weekday"):
        page.goto(f"{service.url}/w/main/breakdown?by={by}&period=all")
        count = page.locator("tbody tr").count()
        assert 1 < count < 11
        # What is left of the division into whole pixels.
        assert 0 <= page.evaluate(rest) < count


def test_wide_statistics_have_no_gap_below_a_group(browser: Browser, serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    gaps = """() => [...document.querySelectorAll(".groups section")].map((section) =>
        section.getBoundingClientRect().bottom -
        section.querySelector("dl > :last-child").getBoundingClientRect().bottom)"""
    for width in WIDTHS:
        opened = browser.new_page(viewport={"width": width, "height": 900})
        opened.goto(f"{service.url}/w/main/statistics")
        assert max(opened.evaluate(gaps)) < 1, width
        opened.close()


def test_no_snippet_shifts_the_layout_of_its_page(page: Page, serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    parts = [
        form(snippet.Embed(service.url, "main", widget, {}, Options(), widget.label))
        + "<p>Text below it</p>"
        for widget in WIDGETS.values()
        for form in (snippet.script, snippet.iframe, snippet.tag)
    ]
    with host("".join(parts)) as url:
        page.add_init_script(COUNT_SHIFTS)
        page.goto(url)
        for frame in page.locator("iframe").all():
            frame.scroll_into_view_if_needed()
            expect(frame).to_be_visible()
            expect(frame.content_frame.locator("#w")).to_be_visible()
        assert page.evaluate("window.shift") == 0


def test_a_latin_name_is_aligned_with_its_heading_in_a_page_from_right_to_left(
    browser: Browser, serve: Serve
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    opened = browser.new_page(viewport={"width": 960, "height": 600})
    edge = """([header, cell]) => {
        const right = element => {
            const range = document.createRange();
            range.selectNodeContents(element);
            return range.getBoundingClientRect().right;
        };
        return Math.abs(right(header) - right(cell));
    }"""
    for widget, column in (("logins", 2), ("closed-trades", 1)):
        opened.goto(f"{service.url}/w/main/{widget}?lang=ar")
        cells = (f"thead tr > :nth-child({column})", f"tbody tr > :nth-child({column}) bdi")
        pair = [opened.query_selector(cell) for cell in cells]
        assert opened.evaluate(edge, pair) < 2, widget
    opened.close()
