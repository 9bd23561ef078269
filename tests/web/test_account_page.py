"""The page of an account: all of its widgets in one document."""

import re
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from html import unescape
from typing import Any
from urllib.parse import quote

import jwt
import pytest
import requests
from accounts import SECRET, WIDGETS
from browsers import findings, host, tab
from conftest import Clock, Service, Upstream
from faults import Fault
from playwright.sync_api import Browser, Page, expect
from processes import PATIENT, until
from scripted import NOW, InProcess, Script, running
from test_privacy_attacks import responses
from werkzeug.security import generate_password_hash

BASE = "https://widgets.example.com"
PASSWORD = "open sesame"
HASH = generate_password_hash(PASSWORD, "scrypt:1024:8:1")
ALL: dict[str, Any] = {
    "login": 1000005,
    "partner_password": "partner-password",
    "widgets": list(WIDGETS),
    "currency": "USD",
    "name": "Pip & Pip",
    "kind": "real",
    "link": "https://blog.example.com/about",
    "about": "I trade <four> pairs.\nAnd nothing else.",
    "notice": "Past results are no promise.",
}
CLOSED = {**ALL, "access": "closed", "viewer_password_hash": HASH, "embed_secret": SECRET}
Serve = Callable[..., Service]


def pixels(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def headings(page: str) -> list[str]:
    """The headings of the widgets on a page."""
    return [unescape(text) for text in re.findall(r"<h2>(.*?)</h2>", page)]


def token(subject: str, expires: float, **params: Any) -> str:
    """A token that locks options."""
    return jwt.encode({"sub": subject, "exp": expires, "params": params}, SECRET)


def test_the_page_has_every_enabled_widget_and_growth_first(serve: Serve) -> None:
    few = {**ALL, "widgets": ["lots", "balance", "growth"]}
    service = serve(accounts={"main": ALL, "few": few})
    response = service.get("/a/main")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    found = headings(response.text)
    assert sorted(found) == sorted(widget.label for widget in WIDGETS.values())
    assert found[0] == "Growth"
    assert headings(service.get("/a/few").text) == ["Growth", "Balance", "Lots traded"]


def test_no_widget_has_an_empty_place_beside_it(serve: Serve) -> None:
    for enabled in (
        list(WIDGETS),
        ["balance"],
        ["growth", "balance", "statistics", "lots", "summary"],
        ["balance", "lots", "summary", "open-trades", "calendar", "closed-trades"],
    ):
        page = serve(accounts={"main": {**ALL, "widgets": enabled}}).get("/a/main").text
        classes = re.findall(r'<section class="(|full)" aria-label', page)
        assert len(classes) == len(enabled)
        beside = "".join("wide" if each else "half " for each in classes)
        assert re.fullmatch("(wide|half half )*", beside), beside


def test_the_page_says_whose_figures_these_are_and_how_old(serve: Serve) -> None:
    page = serve(accounts={"main": ALL}).get("/a/main").text
    assert "<h1><bdi>Pip &amp; Pip</bdi></h1>" in page
    assert ">real</p>" in page
    assert 'href="https://blog.example.com/about" target="_blank" rel="noopener"' in page
    assert "<bdi>blog.example.com</bdi>" in page
    assert "I trade &lt;four&gt; pairs.\nAnd nothing else." in page
    assert "Past results are no promise." in page
    assert page.count('class="age"') == 1


def test_an_account_without_a_name_has_a_page_with_its_slug(serve: Serve) -> None:
    page = serve(accounts={"main": {"login": 1000001}}).get("/a/main").text
    assert "<h1><bdi>main</bdi></h1>" in page
    assert "<title>main</title>" in page


def test_figures_are_those_of_the_widgets(serve: Serve) -> None:
    service = serve(accounts={"main": ALL})
    page = service.get("/a/main?period=90d").text
    data = service.json("/w/main/growth.json?period=90d")
    assert f"<bdi>{100 * data['drawdown']:.2f}%</bdi>" in page
    for row in service.json("/w/main/closed-trades.json?period=90d")["trades"]:
        assert f'data-key="{row["ticket"]}"' in page


def test_the_breakdown_is_by_symbol_side_and_weekday_unless_a_token_locks_it(
    serve: Serve,
) -> None:
    service = serve(accounts={"main": ALL, "closed": CLOSED})
    now = service.app.extensions["cabinet-widgets"].clock()
    open_page = service.get("/a/main?period=90d").text
    locked = token("closed/*", now + 600, by="hour")
    locked_page = service.get(f"/a/closed?period=90d&token={locked}").text
    for page, groupings in ((open_page, ("symbol", "side", "weekday")), (locked_page, ("hour",))):
        section = re.findall(r'<section[^>]* aria-label="Breakdown">.*?</section>', page, re.DOTALL)
        [breakdown] = section
        headings = re.findall('<th scope="col" class="l">([A-Z][a-z]+)</th>', breakdown)
        assert headings == [by.capitalize() for by in groupings]
        counts: list[int] = []
        for by in groupings:
            groups = service.json(f"/w/main/breakdown.json?period=90d&by={by}")["groups"]
            counts += [group["trades"] for group in groups]
        rows = re.findall("<tr[^>]*><th.*?</tr>", breakdown)
        shown = [re.findall("<td><bdi>([0-9]+)</bdi>", row)[0] for row in rows]
        assert shown == [str(count) for count in counts]
    assert service.get("/a/main.png").status_code == 200
    assert open_page.count("breakdown.csv") == 1


def test_links_lead_to_other_periods_for_all_widgets(serve: Serve) -> None:
    service = serve(accounts={"main": ALL})
    page = service.get("/a/main?lang=en-GB").text
    links = re.findall(r'<a href="(/a/main[^"]*)"', page)
    assert [unescape(link) for link in links] == [
        f"/a/main?lang=en-GB&period={name}" for name in ("7d", "30d", "90d", "year", "all")
    ]
    assert "aria-current" not in page
    year = service.get("/a/main?period=year").text
    assert year.count('aria-current="true"') == 1
    dated = [widget for widget in WIDGETS.values() if "period" in widget.options]
    assert year.count("<bdi>This year</bdi>") == len(dated)


@pytest.mark.parametrize(
    "query",
    ["theme=dark", "accent=aa2200", "lang=ar", "tz=Asia/Tokyo", "period=7d", "utm_source=x"],
)
def test_the_page_takes_its_options(query: str, serve: Serve) -> None:
    service = serve(accounts={"main": ALL})
    assert service.get(f"/a/main?{query}").status_code == 200
    assert service.get(f"/a/main/?{query}").status_code == 200


@pytest.mark.parametrize(
    "query", ["rows=5", "title=0", "background=none", "refresh=60", "from=2026-01-01", "period=1d",
              "switch=1", "size=large", "lang=en&lang=fr", "colour=red"],
)  # fmt: skip
def test_other_options_are_refused(query: str, serve: Serve) -> None:
    response = serve(accounts={"main": ALL}).get(f"/a/main?{query}")
    assert response.status_code == 400
    assert query.split("=")[0] in response.text


def test_a_page_that_does_not_exist_and_one_that_is_turned_off_are_identical(serve: Serve) -> None:
    service = serve(accounts={"main": {**ALL, "page": False}, "closed": {**CLOSED, "page": False}})
    unknown = service.get("/a/nobody")
    assert unknown.status_code == 404
    for slug in ("main", "closed"):
        response = service.get(f"/a/{slug}")
        assert response.status_code == 404
        assert response.text == unknown.text
        form = requests.post(
            f"{service.url}/a/{slug}/unlock", data={"password": PASSWORD}, timeout=30
        )
        assert form.status_code == 404
        assert service.get(f"/a/{slug}.png").status_code == 404
    assert "There is no such page." in unknown.text


@pytest.mark.parametrize("suffix", [".json", ".csv", ".atom", ".html"])
def test_the_page_has_no_other_form(suffix: str, serve: Serve) -> None:
    assert serve(accounts={"main": ALL}).get(f"/a/main{suffix}").status_code == 404


# -- Access ---------------------------------------------------------------------------------------


def test_a_closed_page_has_one_form_and_the_password_opens_all_of_it(serve: Serve) -> None:
    service = serve(accounts={"main": CLOSED})
    locked = service.get("/a/main?period=7d&lang=de")
    assert locked.status_code == 401
    assert locked.text.count("<form") == 1
    assert "Pip" not in locked.text
    action = unescape(re.findall(r'action="([^"]+)"', locked.text)[0])
    assert action == "/a/main/unlock?period=7d&lang=de"
    wrong = requests.post(service.url + action, data={"password": "guess"}, timeout=30)
    assert wrong.status_code == 401
    right = requests.post(service.url + action, data={"password": PASSWORD}, timeout=30)
    assert right.status_code == 200
    assert right.headers["Cache-Control"] == "private, no-store"
    assert len(headings(right.text)) == len(WIDGETS)
    # Without JavaScript, the links have the token of the page.
    links = [unescape(link) for link in re.findall(r'<a href="(/a/main[^"]*)"', right.text)]
    assert service.get(links[0]).status_code == 200


def test_a_token_for_the_account_opens_the_page_and_one_for_a_widget_does_not(
    serve: Serve, clock: Clock
) -> None:
    service = serve(accounts={"main": CLOSED, "other": CLOSED})
    expires = clock.now + 600
    page = service.get(f"/a/main?token={token('main/*', expires)}")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "private, no-store"
    for subject in ("main/balance", "main/page", "other/*", "main"):
        assert service.get(f"/a/main?token={token(subject, expires)}").status_code == 401
    assert service.get(f"/a/main?token={token('main/*', clock.now - 60)}").status_code == 401


def test_what_a_token_locks_applies_to_the_widgets_that_have_the_option(
    serve: Serve, clock: Clock
) -> None:
    service = serve(accounts={"main": CLOSED})
    expires = clock.now + 600

    def get(query: str = "", **params: Any) -> requests.Response:
        return service.get(f"/a/main?token={token('main/*', expires, **params)}{query}")

    page = get(period="7d", rows=3, lang="fr").text
    assert '<html lang="fr"' in page
    assert "<bdi>7 jours</bdi>" in page
    assert 'class="switch"' not in page
    assert len(re.findall("<tr data-key", page)) <= 6
    assert get("&period=all", period="7d").status_code == 400
    dated = get(**{"from": "2026-11-01", "to": "2026-11-02"})
    assert dated.status_code == 200
    assert 'class="switch"' not in dated.text
    assert get("&period=all", **{"from": "2026-11-01"}).status_code == 400
    assert get(colour="red").status_code == 400


def test_networks_and_origins_are_those_of_the_widgets(serve: Serve) -> None:
    inside = {**ALL, "allowed_networks": ["127.0.0.0/8"]}
    outside = {**ALL, "allowed_networks": ["203.0.113.0/24"]}
    framed = {**ALL, "allowed_origins": ["https://blog.example.com"]}
    service = serve(accounts={"in": inside, "out": outside, "framed": framed, "main": ALL})
    assert service.get("/a/out").status_code == 403
    private = service.get("/a/in")
    assert private.headers["Cache-Control"] == "private, no-store"
    assert "canonical" not in private.text
    for slug in ("main", "framed"):
        for name in ("Content-Security-Policy", "Cross-Origin-Resource-Policy"):
            page, widget = service.get(f"/a/{slug}"), service.get(f"/w/{slug}/balance")
            assert page.headers[name] == widget.headers[name]
    assert (
        "frame-ancestors https://blog.example.com"
        in service.get("/a/framed").headers["Content-Security-Policy"]
    )


def test_a_public_page_can_be_cached_as_long_as_its_figures_are_fresh(serve: Serve) -> None:
    service = serve(accounts={"main": ALL})
    response = service.get("/a/main")
    assert re.match(
        r"public, max-age=15, stale-while-revalidate=", response.headers["Cache-Control"]
    )
    again = service.get("/a/main", headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


# -- Discovery ------------------------------------------------------------------------------------


def attribute(page: str, pattern: str) -> str:
    """The value of an attribute in the head of a page."""
    [value] = re.findall(pattern, page)
    return unescape(value)


def test_search_engines_and_feed_readers_find_what_they_need(serve: Serve) -> None:
    service = serve(accounts={"main": ALL}, server={"public_url": BASE})
    page = service.get("/a/main?period=90d").text
    assert attribute(page, "<title>(.*?)</title>") == "Pip & Pip · real"
    assert attribute(page, 'name="description" content="(.*?)"') == (
        "I trade <four> pairs. And nothing else."
    )
    assert attribute(page, 'rel="canonical" href="(.*?)"') == f"{BASE}/a/main?period=90d"
    assert attribute(page, 'og:title" content="(.*?)"') == "Pip & Pip · real"
    feed = attribute(page, 'type="application/atom\\+xml"[^>]*href="(.*?)"')
    assert service.get(feed).headers["Content-Type"].startswith("application/atom+xml")
    image = attribute(page, 'og:image" content="(.*?)"').removeprefix(BASE)
    assert pixels(service.get(image).content) == (1200, 630)
    assert "noindex" not in page


def test_without_about_the_description_has_the_figures(serve: Serve) -> None:
    page = serve(accounts={"main": {**ALL, "about": ""}}).get("/a/main").text
    description = attribute(page, 'name="description" content="(.*?)"')
    assert re.match(r"Gain [+\N{MINUS SIGN}].*%, Maximum drawdown .*%, Profit factor", description)


def test_there_is_no_feed_while_its_times_are_hidden(serve: Serve) -> None:
    accounts = {"times": {**ALL, "hide": ["close_time"]}, "rows": {**ALL, "hide": ["trades"]}}
    service = serve(accounts=accounts)
    for slug in accounts:
        assert ".atom" not in service.get(f"/a/{slug}").text


def test_the_page_links_to_the_files_of_its_widgets(serve: Serve) -> None:
    service = serve(accounts={"main": ALL, "closed": CLOSED})
    page = service.get("/a/main?period=7d&theme=dark").text
    links = [
        unescape(link) for link in re.findall(r'href="(/w/main/[^"]+\.(?:csv|atom)[^"]*)"', page)
    ]
    assert "/w/main/closed-trades.csv?period=7d" in links
    assert "/w/main/open-trades.csv" in links
    for link in links:
        assert service.get(link).status_code == 200


def test_the_name_in_a_widget_leads_to_the_page(serve: Serve) -> None:
    accounts = {
        "main": {**ALL, "link": None},
        "linked": ALL,
        "off": {**ALL, "link": None, "page": False},
    }
    accounts = {
        slug: {k: v for k, v in table.items() if v is not None} for slug, table in accounts.items()
    }
    service = serve(accounts=accounts, server={"public_url": BASE})
    for slug, home in (
        ("main", f"{BASE}/a/main"),
        ("linked", "https://blog.example.com/about"),
        ("off", f"{BASE}/w/off/balance"),
    ):
        page = service.get(f"/w/{slug}/balance").text
        assert attribute(page, r'class="who">\s*<a href="(.*?)"') == home


def test_oembed_frames_the_page(serve: Serve) -> None:
    service = serve(accounts={"main": ALL, "closed": CLOSED}, server={"public_url": BASE})

    def get(path: str, more: str = "") -> requests.Response:
        return service.get(f"/oembed?url={quote(BASE + path, safe='')}{more}")

    body = get("/a/main?period=7d").json()
    assert (body["version"], body["type"], body["title"]) == ("1.0", "rich", "Pip & Pip · real")
    assert f'src="{BASE}/a/main?period=7d"' in body["html"]
    assert body["html"].startswith("<blockquote>")
    assert "Gain" in body["html"]
    assert pixels(service.get(body["thumbnail_url"].removeprefix(BASE)).content) == (1200, 630)
    small = get("/a/main/", "&maxwidth=300&maxheight=500&format=xml")
    assert "<width>300</width><height>500</height>" in small.text
    assert "thumbnail" not in small.text
    for path, status in (
        ("/a/nobody", 404),
        ("/a/main?rows=5", 404),
        ("/a/main.png", 404),
        ("/a/", 404),
        ("/a/closed", 401),
        ("/a/main?token=x", 401),
    ):
        assert get(path).status_code == status, path


def test_link_previews_get_a_picture_of_1200_by_630_pixels(serve: Serve) -> None:
    nothing = {**ALL, "widgets": ["open-trades"]}
    service = serve(accounts={"main": ALL, "closed": CLOSED, "nothing": nothing})
    png = service.get("/a/main.png?period=90d")
    assert png.headers["Content-Type"] == "image/png"
    assert pixels(png.content) == (1200, 630)
    for query in ("", "?lang=ar&theme=dark&period=year"):
        svg = service.get(f"/a/main.svg{query}")
        assert 'width="1200" height="630"' in svg.text
        assert "Pip &amp; Pip" in svg.text
        assert svg.headers["Access-Control-Allow-Origin"] == "*"
    assert service.get("/a/closed.png").status_code == 401
    assert service.get("/a/nothing.png").status_code == 404
    assert "og:image" not in service.get("/a/nothing").text


# -- Calls of the API -----------------------------------------------------------------------------


class Moving:
    """A service with all widgets, whose API counts its calls."""

    def __init__(self, stack: ExitStack, **account: Any) -> None:
        self.now = NOW
        upstream = {**responses(), "lots": lambda start, end: 5, "operations": []}
        self.script = Script(upstream)
        self.service = running(
            stack, self.script, clock=lambda: self.now, server={"patience_seconds": 0.05}
        )
        self.slug = self.service.add(widgets=list(WIDGETS), **account)

    def get(self, query: str = "") -> Any:
        """The page, after all of its calls have ended."""
        self.script.calls.clear()
        response = self.service.client.get(f"/a/{self.slug}{query}")
        cache = self.service.service.cache
        until(lambda: not cache._flights._flights)
        return response


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def often(calls: dict[str, int]) -> dict[str, int]:
    """The functions that were called more than once."""
    return {function: count for function, count in calls.items() if count > 1}


@pytest.mark.parametrize("query", ["", "?period=7d", "?period=all"])
@pytest.mark.parametrize("currency", [None, "USD"])
@pytest.mark.parametrize("dialect", ["client-api", "cabinet-basic"])
def test_no_function_is_called_twice_however_old_the_cached_values_are(
    query: str, currency: str | None, dialect: str, stack: ExitStack
) -> None:
    more = {"currency": currency} if currency else {}
    moving = Moving(stack, api={"dialect": dialect}, **more)
    assert moving.get(query).status_code == 200
    assert often(moving.script.calls) == {}
    assert moving.script.calls["balance"] == 1
    for seconds in (5, 12, 20, 40, 61, 65, 90, 125, 400, 4000, 9000):
        # The response cache would answer otherwise.
        moving.now += seconds
        assert moving.get(query).status_code == 200
        assert often(moving.script.calls) == {}, seconds


@pytest.mark.parametrize("seconds", [70, 130, 4000])
def test_no_function_is_called_twice_while_the_api_is_slow(seconds: int, stack: ExitStack) -> None:
    moving = Moving(stack)
    assert moving.get().status_code == 200
    gate = threading.Event()
    trades = moving.script.responses["closed_trades"]

    def slow(start: Any, end: Any) -> Any:
        assert gate.wait(30)
        return trades

    moving.script.responses["closed_trades"] = slow
    moving.now += seconds
    moving.script.calls.clear()
    page = moving.service.client.get(f"/a/{moving.slug}")
    gate.set()
    cache = moving.service.service.cache
    until(lambda: not cache._flights._flights)
    assert page.status_code == 200
    assert often(moving.script.calls) == {}


def test_all_widgets_have_the_same_balance(stack: ExitStack) -> None:
    moving = Moving(stack, currency="USD", api={"dialect": "cabinet-basic"})
    balances = iter(range(1000, 2000))
    information = moving.script.responses["balance"]
    moving.script.responses["balance"] = lambda start, end: {
        **information, "balance": next(balances)
    }  # fmt: skip
    found = set()
    for seconds in (0, 20, 61, 130, 4000):
        moving.now += seconds
        page = moving.get().get_data(as_text=True)
        one, other = re.findall(r"<dt>Balance</dt><dd[^>]*><bdi>\$([\d,.]+)</bdi>", page)
        assert one == other
        found.add(one)
    assert len(found) > 2


def test_one_function_that_fails_does_not_take_the_others_with_it(
    serve: Serve, upstream: Upstream
) -> None:
    service = serve(accounts={"main": ALL})
    upstream.sandbox.faults.append(Fault("error503", function="RequestClosedTrades"))
    page = service.get("/a/main")
    assert page.status_code == 200
    assert len(headings(page.text)) == len(WIDGETS)
    assert page.text.count("These figures are temporarily unavailable.") >= 2
    assert "max-age=1," in page.headers["Cache-Control"]


def test_without_any_figures_the_page_is_an_error(serve: Serve, upstream: Upstream) -> None:
    service = serve(accounts={"main": ALL})
    upstream.sandbox.faults.append(Fault("error503"))
    page = service.get("/a/main")
    assert page.status_code == 503
    assert "Retry-After" in page.headers


def test_what_the_api_does_not_offer_says_so_on_the_page(serve: Serve) -> None:
    account = {
        "login": 1000002,
        "password": "sandbox-password",
        "api": {"dialect": "cabinet-basic"},
    }
    service = serve(accounts={"main": {**account, "widgets": list(WIDGETS)}})
    page = service.get("/a/main")
    assert page.status_code == 200
    assert "does not offer" in page.text
    assert "max-age=15" in page.headers["Cache-Control"]


def test_a_delayed_page_waits_for_its_snapshot_and_then_shows_it(stack: ExitStack) -> None:
    service = running(stack, Script({**responses(), "lots": lambda start, end: 5}))
    slug = service.add(widgets=list(WIDGETS), delay_minutes=60)
    page = service.client.get(f"/a/{slug}").get_data(as_text=True)
    assert len(headings(page)) == len(WIDGETS)
    moment = re.findall('<time datetime="(.*?)" title="As of', page)[0]
    assert datetime.fromisoformat(moment).timestamp() == NOW - 3600
    empty = InProcess(
        Script(responses()), accounts={"late": {"login": 7654321, "delay_minutes": 60}}
    )
    stack.callback(empty.close)
    assert empty.client.get("/a/late").status_code == 503


# -- In a browser ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with tab(browser, width=1200) as opened:
        yield opened


@pytest.mark.parametrize("width", [320, 480, 800, 1200])
@pytest.mark.parametrize("lang", ["ar", "de", "en"])
def test_the_page_fits_into_every_width(width: int, lang: str, page: Page, serve: Serve) -> None:
    service = serve(accounts={"main": ALL})
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{service.url}/a/main?lang={lang}")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for section in page.locator("section.full, .account > section").all():
        box = section.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_is_accessible(theme: str, page: Page, serve: Serve) -> None:
    service = serve(accounts={"main": ALL})
    page.set_viewport_size({"width": 1000, "height": 800})
    page.goto(f"{service.url}/a/main?theme={theme}")
    assert findings(page) == []


def test_the_form_opens_the_page_without_a_reload(page: Page, serve: Serve) -> None:
    service = serve(accounts={"main": CLOSED})
    page.goto(f"{service.url}/a/main")
    page.fill("#password", PASSWORD)
    page.get_by_role("button").click()
    expect(page.locator("h2")).to_have_count(len(WIDGETS))
    assert page.url == f"{service.url}/a/main"
    # The scripts and styles of all widgets are there, although the form needs none of them.
    expect(page.locator(".plot").first).to_have_role("slider")
    page.get_by_role("link", name="All time").click()
    expect(page.locator(".top [aria-current]")).to_contain_text("All time")
    assert page.url == f"{service.url}/a/main"


def test_the_page_refreshes_itself(browser: Browser, serve: Serve, clock: Clock) -> None:
    service = serve(accounts={"main": ALL}, server=PATIENT)
    with tab(browser) as live:
        live.clock.install(time=clock.now)
        live.goto(f"{service.url}/a/main")
        first = live.locator(".asof time").get_attribute("datetime")
        clock.now += 3600
        for _ in range(60):
            live.clock.run_for(1000)
            if live.locator(".asof time").get_attribute("datetime") != first:
                break
        assert live.locator(".asof time").get_attribute("datetime") != first
        expect(live.locator("h2")).to_have_count(len(WIDGETS))


def test_without_javascript_the_page_is_complete(browser: Browser, serve: Serve) -> None:
    service = serve(accounts={"main": ALL})
    with tab(browser, java_script_enabled=False) as plain:
        plain.goto(f"{service.url}/a/main")
        expect(plain.locator("h2")).to_have_count(len(WIDGETS))
        plain.get_by_role("link", name="7 days").click()
        expect(plain.locator(".top [aria-current]")).to_contain_text("7 days")


def test_the_page_of_an_account_prints_on_two_sheets(page: Page, serve: Serve) -> None:
    account = {key: value for key, value in ALL.items() if key != "widgets"}
    service = serve(accounts={"main": account})
    page.goto(f"{service.url}/a/main")
    document = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", document)) <= 2


def test_a_host_page_can_frame_the_page_and_learns_its_height(page: Page, serve: Serve) -> None:
    service = serve(accounts={"main": {**ALL, "widgets": ["balance", "growth"]}})
    script = "<script>heights = []; onmessage = ({ data }) => heights.push(data.height)</script>"
    frame = f'<iframe src="{service.url}/a/main" width="640" height="200"></iframe>'
    with host(script + frame) as url:
        page.goto(url)
        page.wait_for_function("heights.some((height) => height > 500)")
        assert page.evaluate("heights.at(-1)") < 1200
