"""Whose figures a widget displays, and how old they are."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from browsers import tab
from conftest import Clock, Service
from playwright.sync_api import Browser, expect

from widget import config
from widget.errors import ConfigError
from widget.render.format import formatter
from widget.widgets import registry

Serve = Callable[..., Service]
UTC = ZoneInfo("UTC")
NAMED = {"login": 1000001, "name": "Pip & Pip", "kind": "real"}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(60, "1 min ago"), (119, "1 min ago"), (3599, "59 min ago"),
     (3600, "1 hr ago"), (86400 * 2 - 1, "1 day ago"), (86400 * 15, "2 wk ago")],
)  # fmt: skip
def test_an_age_is_never_rounded_up(seconds: int, words: str) -> None:
    assert formatter("en", UTC, None).age(dt.timedelta(seconds=seconds)) == words


def test_the_footer_names_the_account_its_kind_and_the_age_of_the_figures(
    serve: Serve, clock: Clock
) -> None:
    # The figures stay fresh, so that the second page has those of the first one.
    account = {**NAMED, "ttl_seconds": {"balance": 300}}
    service = serve(accounts={"main": {**account, "link": "https://blog.example.com/?a=1&b=2"}})
    assert ">just now</bdi>" in service.get("/w/main/balance").text
    clock.now += 119
    # With another option, so that it is not the cached page.
    footer = service.get("/w/main/balance?title=0").text.partition("<footer>")[2]
    assert '<a href="https://blog.example.com/?a=1&amp;b=2" target="_blank"' in footer
    assert "<bdi>Pip &amp; Pip</bdi></a>" in footer
    assert ">real</span>" in footer
    assert ">1 min ago</bdi>" in footer
    assert re.search(r'title="As of \d+ \w+ \d{4}, \d\d:\d\d UTC"', footer)


def test_a_page_with_figures_of_the_same_minute_is_not_sent_again(
    serve: Serve, clock: Clock
) -> None:
    # Private pages are not cached, so that this one is made anew.
    private = {**NAMED, "allowed_networks": ["127.0.0.0/8"], "ttl_seconds": {"balance": 300}}
    service = serve(accounts={"main": private})
    etag = service.get("/w/main/balance").headers["ETag"]
    clock.now += 50
    assert service.get("/w/main/balance", headers={"If-None-Match": etag}).status_code == 304
    clock.now += 50
    assert service.get("/w/main/balance", headers={"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(4, "4 min ago"), (-300, "just now"), (300, "just now")],
    ids=["cached for 4 minutes", "a slow clock", "a fast clock"],
)
def test_a_cached_page_does_not_understate_the_age_and_a_wrong_clock_does_not_change_it(
    minutes: int, words: str, browser: Browser, serve: Serve, clock: Clock
) -> None:
    service = serve(accounts={"main": NAMED})
    with tab(browser) as page:
        page.clock.install(time=clock.now + 60 * minutes + 1)
        page.goto(f"{service.url}/w/main/balance")
        expect(page.locator(".age")).to_have_text(words)


def test_a_tap_on_the_age_displays_the_exact_time_where_there_is_no_room_for_it(
    browser: Browser, serve: Serve
) -> None:
    service = serve(accounts={"main": NAMED})
    with tab(browser, width=320) as page:
        page.goto(f"{service.url}/w/main/balance")
        exact = page.locator(".exact")
        expect(exact).to_be_hidden()
        page.locator(".age").click()
        expect(exact).to_contain_text("UTC")
        expect(page.locator(".who")).to_be_hidden()


def test_without_a_link_the_name_leads_to_the_account_page_or_to_the_widget_if_these_are_public(
    serve: Serve,
) -> None:
    private = {**NAMED, "allowed_networks": ["127.0.0.0/8"]}
    service = serve(
        accounts={
            "main": NAMED,
            "pageless": {**NAMED, "page": False},
            "private": private,
            "nameless": {"login": 1000001},
        },
        server={"public_url": "https://widgets.example.com"},
    )
    html = service.get("/w/main/balance?theme=dark").text
    assert '<a href="https://widgets.example.com/a/main"' in html
    html = service.get("/w/pageless/balance?theme=dark").text
    assert '<a href="https://widgets.example.com/w/pageless/balance?theme=dark"' in html
    footer = service.get("/w/private/balance").text.partition("<footer>")[2]
    assert "<bdi>Pip &amp; Pip</bdi>" in footer
    assert "<a " not in footer
    assert 'class="who"' not in service.get("/w/nameless/balance").text


def test_pictures_of_every_size_contain_the_name(serve: Serve) -> None:
    service = serve(accounts={"main": NAMED})
    for size in ("small", "medium", "large"):
        svg = service.get(f"/w/main/balance.svg?size={size}").text
        assert ">Pip &amp; Pip · real<" in svg, size
        assert ">As of " in svg, size


def test_a_long_name_is_cut_off_in_a_picture_but_not_the_kind_of_the_account(
    serve: Serve,
) -> None:
    name = "Long-term portfolio of carefully selected currencies in 2026"
    service = serve(accounts={"main": {**NAMED, "name": name, "kind": "demo"}})
    for lang, kind in (("en", "demo"), ("ar", "تجريبي"), ("ru", "демо")):
        svg = service.get(f"/w/main/balance.svg?size=small&lang={lang}").text
        assert re.search(rf">\W?Lon[^<]*… · {kind}\W?<", svg), lang


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", ""), ("name", "two\nlines"), ("name", "x" * 61), ("link", "javascript:alert(1)"),
        ("link", "blog.example.com"), ("link", "https://user:word@example.com"), ("kind", "live"),
        ("page", "yes"), ("about", "x" * 2001), ("notice", 5),
    ],
)  # fmt: skip
def test_a_wrong_value_is_reported_with_its_key(key: str, value: Any, tmp_path: Any) -> None:
    document = {"accounts": {"main": {"login": 1, key: value}}}
    with pytest.raises(ConfigError) as caught:
        config.parse(document, {}, registry.discover(), folder=tmp_path, demo=True)
    assert f"accounts.main.{key}: " in str(caught.value)
