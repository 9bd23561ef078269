"""Visitors choose the period by links in the widget, with and without JavaScript."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from accounts import EVERYTHING, SECRET, WIDGETS
from browsers import host, tab
from conftest import Clock, Service
from playwright.sync_api import Browser, Page, expect
from werkzeug.security import generate_password_hash

from widget.widgets.options import parse_options

PERIODS = ["7d", "30d", "90d", "year", "all"]
WITH_PERIOD = [name for name, widget in WIDGETS.items() if "period" in widget.options]
PASSWORD = "open sesame"
CLOSED = {
    **EVERYTHING,
    "access": "closed",
    "embed_secret": SECRET,
    "viewer_password_hash": generate_password_hash(PASSWORD, "scrypt:1024:8:1"),
}
Serve = Callable[..., Service]


def links(page: str) -> dict[str, str]:
    """The links of a page to other periods, by the period."""
    nav = re.search(r'<nav class="switch".*?</nav>', page, re.DOTALL)
    if nav is None:
        return {}
    urls = [unescape(url) for url in re.findall(r'<a href="([^"]+)"', nav[0])]
    return {parse_qs(urlsplit(url).query)["period"][0]: url for url in urls}


def current(page: str) -> list[str]:
    """The periods that are marked as the displayed one."""
    return re.findall(r'[?&;]period=(\w+)" aria-current="true"', page)


@pytest.mark.parametrize("name", WITH_PERIOD)
def test_links_lead_to_the_five_periods(name: str, serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    assert links(service.get(f"/w/main/{name}").text) == {}
    page = service.get(f"/w/main/{name}?switch=1").text
    assert list(links(page)) == PERIODS
    for period, url in links(page).items():
        chosen = service.get(url)
        assert chosen.status_code == 200
        assert current(chosen.text) == [period]
        assert list(links(chosen.text)) == PERIODS


def test_other_options_stay_and_the_dates_and_the_page_do_not(serve: Serve) -> None:
    query = "switch=1&rows=5&page=2&from=2026-01-01&to=2026-02-01&lang=fr&utm_source=x"
    page = serve().get(f"/w/main/closed-trades?{query}").text
    assert current(page) == []
    parameters = parse_qs(urlsplit(links(page)["7d"]).query)
    assert parameters == {"switch": ["1"], "rows": ["5"], "lang": ["fr"], "period": ["7d"]}


@pytest.mark.parametrize("form", [".json", ".csv", ".svg"])
def test_other_forms_accept_it(form: str, serve: Serve) -> None:
    service = serve()
    with_switch = service.get(f"/w/main/lots{form}?switch=1&period=7d")
    assert with_switch.status_code == 200
    assert with_switch.text == service.get(f"/w/main/lots{form}?period=7d").text


@pytest.mark.parametrize("query", ["switch=yes", "switch=2", "switch=1&switch=1"])
def test_other_values_are_refused(query: str, serve: Serve) -> None:
    assert serve().get(f"/w/main/lots?{query}").status_code == 400


def test_a_widget_without_a_period_does_not_have_it(serve: Serve) -> None:
    assert serve().get("/w/main/balance?switch=1").status_code == 400


@pytest.mark.parametrize("locked", [{"period": "7d"}, {"from": "2026-11-01"}, {"to": "2026-11-01"}])
@pytest.mark.parametrize("subject", ["main/lots", "main/*"])
def test_a_token_that_locks_the_period_shows_nothing(
    subject: str, locked: dict[str, str], serve: Serve, clock: Clock
) -> None:
    service = serve(accounts={"main": CLOSED})
    claims = {"sub": subject, "exp": clock.now + 600, "params": locked}
    page = service.get(f"/w/main/lots?switch=1&token={jwt.encode(claims, SECRET)}")
    assert page.status_code == 200
    assert links(page.text) == {}


def test_the_links_of_a_closed_account_have_the_token(serve: Serve, clock: Clock) -> None:
    service = serve(accounts={"main": CLOSED})
    token = jwt.encode({"sub": "main/lots", "exp": clock.now + 600}, SECRET)
    page = service.get(f"/w/main/lots?switch=1&token={token}").text
    assert service.get(links(page)["all"]).status_code == 200


def test_after_the_password_the_links_work_without_javascript(serve: Serve) -> None:
    service = serve(accounts={"main": CLOSED})
    url = f"{service.url}/w/main/lots/unlock?switch=1"
    page = requests.post(url, data={"password": PASSWORD}, timeout=30).text
    assert list(links(page)) == PERIODS
    assert service.get(links(page)["all"]).status_code == 200


# -- In a browser ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tabs(browser: Browser) -> Iterator[Callable[[bool], Page]]:
    """Opens tabs with and without JavaScript."""
    with tab(browser) as one, tab(browser, java_script_enabled=False) as other:
        yield lambda has_script: one if has_script else other


@pytest.mark.parametrize("has_script", [True, False])
def test_visitors_switch_between_periods(
    has_script: bool, tabs: Callable[[bool], Page], serve: Serve
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    page = tabs(has_script)
    page.goto(f"{service.url}/w/main/lots?switch=1")
    chosen = page.locator(".switch [aria-current]")
    expect(chosen).to_contain_text("30 days")
    for period, name in (("all", "All time"), ("7d", "7 days")):
        page.get_by_role("link", name=name).click()
        expect(chosen).to_contain_text(name)
        lots = service.json(f"/w/main/lots.json?period={period}")["lots"]
        expect(page.locator("dd").first).to_have_text(f"{lots:,.2f}")
        # With the script, the page itself stays.
        assert ("period=" in page.url) is not has_script
    if has_script:
        expect(chosen).to_be_focused()


def test_the_script_uses_the_token_in_memory(tabs: Callable[[bool], Page], serve: Serve) -> None:
    service = serve(accounts={"main": CLOSED})
    page = tabs(True)
    page.goto(f"{service.url}/w/main/lots?switch=1")
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Unlock").click()
    page.get_by_role("link", name="All time").click()
    expect(page.locator(".switch [aria-current]")).to_contain_text("All time")


@pytest.mark.parametrize("width", [240, 320, 480, 960])
@pytest.mark.parametrize("lang", ["ar", "de", "en", "ru"])
def test_the_links_are_large_enough_in_a_heading_that_is_as_high_as_ever(
    lang: str, width: int, tabs: Callable[[bool], Page], serve: Serve
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    page = tabs(True)
    page.set_viewport_size({"width": width, "height": 800})
    for query in ("", "&title=0", "&from=2026-11-01"):
        page.goto(f"{service.url}/w/main/closed-trades?switch=1&lang={lang}{query}")
        options = parse_options(WIDGETS["closed-trades"], [("switch", "1")])
        height = page.evaluate("document.getElementById('w').getBoundingClientRect().height")
        assert height == WIDGETS["closed-trades"].pixels(options)
        heading = page.locator("header").bounding_box()
        assert heading
        assert heading["height"] == 40
        boxes = [link.bounding_box() for link in page.locator(".switch a").all()]
        assert len(boxes) == len(PERIODS)
        for box in boxes:
            assert box
            assert box["width"] >= 24
            assert box["height"] >= 24
            assert box["x"] >= heading["x"]
            assert box["x"] + box["width"] <= heading["x"] + heading["width"]


@pytest.mark.parametrize("attributes", ['switch="1"', 'switch="1" title="0"'])
def test_the_loader_reserves_the_height_of_the_heading(
    attributes: str, tabs: Callable[[bool], Page], serve: Serve
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    element = f'<cabinet-widget account="main" widget="lots" {attributes}></cabinet-widget>'
    with host(f'<script async src="{service.url}/embed.js"></script>{element}') as url:
        page = tabs(True)
        page.goto(url)
        frame = page.frame_locator("cabinet-widget iframe")
        expect(frame.locator(".switch a")).to_have_count(len(PERIODS))
        assert page.evaluate("document.querySelector('cabinet-widget').offsetHeight") == 326
