"""Closed widgets in a real browser: the unlock form, and tokens that expire and are renewed."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any

import documents
import processes
import pytest
from accounts import SECRET
from browsers import HEADLESS_CHROMIUM, QUIET, host, tab
from conftest import Clock, Service, Upstream, serving
from faults import Fault
from playwright.sync_api import Browser, FrameLocator, Page, expect
from programs import find_program
from test_closed import HASH

from widget.web import tokens

PASSWORD = "open sesame"
MINUTE = 60


@pytest.fixture
def page(browser: Browser, instant: float) -> Iterator[Page]:
    """A tab whose clock is controlled by the test, and which fails on console errors."""
    with tab(browser, width=600, height=700) as opened:
        opened.clock.install(time=instant)
        yield opened


class Site:
    """A closed account's service, and a page of another origin that shows its balance.

    Their clocks advance together.

    Attributes:
        gives_tokens: whether the site gives its visitors fresh tokens, at ``/widget-token``.
        tokens_given: how many it has given.
    """

    def __init__(
        self, page: Page, serve: Callable[..., Service], clock: Clock, stack: ExitStack
    ) -> None:
        self.page, self.clock = page, clock
        self.gives_tokens, self.tokens_given, self.body = True, 0, ""
        self.url = stack.enter_context(serving(self._respond))
        account = {
            "login": 1000001,
            "access": "closed",
            "viewer_password_hash": HASH,
            "allowed_origins": [self.url],
        }
        with_tokens = {**account, "embed_secret": SECRET}
        del with_tokens["viewer_password_hash"]
        self.service = serve(accounts={"main": account, "signed": with_tokens})
        self.requests: list[str] = []
        page.on(
            "request",
            lambda request: self.requests.append(request.url) if "/w/" in request.url else None,
        )

    def _respond(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/widget-token":
            start(
                "200 OK" if self.gives_tokens else "403 Forbidden", [("Content-Type", "text/plain")]
            )
            self.tokens_given += self.gives_tokens
            return [self.token().encode()]
        start("200 OK", [("Content-Type", "text/html; charset=utf-8")])
        return [
            f"<!doctype html><html lang=en><link rel=icon href='data:,'><body>{self.body}".encode()
        ]

    def token(self) -> str:
        """A token that expires ten minutes from now."""
        return tokens.sign([SECRET.encode()], "signed/balance", self.clock.now + 10 * MINUTE)

    def open(self, account: str, attributes: str = "", more: str = "") -> FrameLocator:
        """Open the host page, and wait until it displays the widget."""
        loader = f'<script async src="{self.service.url}/embed.js"></script>'
        element = f"<cabinet-widget account={account} widget=balance {attributes}></cabinet-widget>"
        self.body = f"{loader}{element}{more}"
        self.page.goto(self.url)
        # Until then, the loader would take advancing clocks for a frame that may not be shown.
        expect(self.page.locator("iframe")).to_be_visible()
        return self.page.frame_locator("iframe")

    def advance(self, seconds: float) -> None:
        """Advance the clocks of browser and service, in steps that timers can keep up with."""
        while seconds > 0:
            step = min(seconds, 60)
            self.clock.now += step
            self.page.clock.fast_forward(int(step * 1000))
            seconds -= step


@pytest.fixture
def site(page: Page, serve: Callable[..., Service], clock: Clock) -> Iterator[Site]:
    """The page and the service of a test."""
    with ExitStack() as stack:
        yield Site(page, serve, clock, stack)


def test_the_form_opens_by_keyboard_alone_and_leaves_no_cookie(site: Site) -> None:
    frame, page = site.open("main"), site.page
    field = frame.get_by_label("Password")
    expect(field).to_be_visible()
    expect(frame.get_by_role("heading")).to_contain_text("private")
    assert field.get_attribute("type") == "password"
    assert frame.locator(f"#{field.get_attribute('aria-describedby')}").inner_text()
    for _ in range(3):
        page.keyboard.press("Tab")
        if field.evaluate("(field) => field === document.activeElement"):
            break
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(frame.locator("dl")).to_contain_text("Equity")
    assert page.url == f"{site.url}/"
    assert page.context.cookies() == []
    inside = page.frames[1]
    assert inside.evaluate("localStorage.length + sessionStorage.length") == 0
    assert "eyJ" not in inside.content()  # the token is in memory, not in the page
    assert "token" not in inside.url
    # The focus moves, so that screen readers announce the widget.
    assert inside.evaluate("document.activeElement.id") == "w"


def test_a_wrong_password_is_announced_and_the_field_is_ready_for_the_next(site: Site) -> None:
    frame, page = site.open("main"), site.page
    field = frame.get_by_label("Password")
    field.fill("guess")
    page.keyboard.press("Enter")
    expect(frame.get_by_role("alert")).to_contain_text("Wrong password")
    expect(frame.get_by_label("Password")).to_be_focused()
    assert frame.get_by_label("Password").get_attribute("aria-invalid") == "true"
    page.keyboard.type(PASSWORD)  # the old text is selected and replaced
    page.keyboard.press("Enter")
    expect(frame.locator("dl")).to_contain_text("Equity")


def test_after_too_many_attempts_the_form_says_so(site: Site) -> None:
    frame = site.open("main")
    for _ in range(11):
        frame.get_by_label("Password").fill("guess")
        with site.page.expect_response(lambda response: "/unlock" in response.url):
            frame.get_by_role("button").click()
    expect(frame.get_by_role("alert")).to_contain_text("Too many attempts")


def test_an_unlocked_widget_renews_itself_for_hours_and_then_is_locked_again(site: Site) -> None:
    frame, page = site.open("main"), site.page
    frame.get_by_label("Password").fill(PASSWORD)
    frame.get_by_role("button").click()
    expect(frame.locator("dl")).to_be_visible()
    before = frame.locator("footer time").get_attribute("datetime")
    for _ in range(8):
        # However slow the browser is.
        with page.expect_response(lambda response: "/w/main/balance" in response.url):
            site.advance(20 * MINUTE)
        expect(frame.locator("dl")).to_be_visible()
    assert frame.locator("footer time").get_attribute("datetime") != before
    held = {url.partition("token=")[2] for url in site.requests if "token=" in url}
    assert len(held) >= 3  # it received new ones
    site.clock.now += 13 * 3600  # the laptop was closed
    page.clock.fast_forward(40_000)
    expect(frame.get_by_label("Password")).to_be_visible()


def test_the_password_entered_on_one_site_opens_nothing_on_another(
    browser: Browser, serve: Callable[..., Service]
) -> None:
    # Playwright switches the separation of sites off, among other things; the last of two equal
    # arguments counts.
    separating = browser.browser_type.launch(
        executable_path=find_program(HEADLESS_CHROMIUM),
        args=[*QUIET, "--disable-features=Translate"],
        chromium_sandbox=False,
    )
    with separating, host("") as first, host("") as second:
        context = separating.new_context()
        other_site = second.replace("127.0.0.1", "localhost")
        account = {
            "login": 1000001,
            "access": "closed",
            "viewer_password_hash": HASH,
            "allowed_origins": [first, other_site],
        }
        service = serve(accounts={"main": account})
        tags = (
            f'<script async src="{service.url}/embed.js"></script>'
            "<cabinet-widget account=main widget=balance></cabinet-widget>"
            "<cabinet-widget account=main widget=lots></cabinet-widget>"
        )
        pages = []
        for site in (first, other_site):
            page = context.new_page()
            page.goto(site)
            page.set_content(tags)
            expect(page.frame_locator("iframe >> nth=1").get_by_label("Password")).to_be_visible()
            pages.append(page)
        here, elsewhere = pages
        frame = here.frame_locator("iframe >> nth=0")
        frame.get_by_label("Password").fill(PASSWORD)
        frame.get_by_role("button").click()
        # By then, the other site would have received it as well.
        expect(here.frame_locator("iframe >> nth=1").get_by_label("Password")).not_to_be_visible()
        for n in range(2):
            locked = elsewhere.frame_locator(f"iframe >> nth={n}")
            expect(locked.get_by_label("Password")).to_be_visible()


def test_without_javascript_the_form_works_too(
    browser: Browser, serve: Callable[..., Service]
) -> None:
    service = serve(
        accounts={"main": {"login": 1000001, "access": "closed", "viewer_password_hash": HASH}}
    )
    with tab(browser, java_script_enabled=False) as page:
        page.goto(f"{service.url}/w/main/balance")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button").click()
        expect(page.locator("dl")).to_contain_text("Equity")
        assert page.context.cookies() == []


def test_a_token_that_is_not_renewed_expires_and_the_last_figures_stay(site: Site) -> None:
    counting = (
        "<script>addEventListener('cabinet-widget:expired', "
        "() => (window.expired = (window.expired ?? 0) + 1))</script>"
    )
    frame, page = site.open("signed", f"token={site.token()}", counting), site.page
    expect(frame.locator("dl")).to_contain_text("Equity")
    site.advance(9 * MINUTE)
    assert page.evaluate("window.expired") is None
    site.advance(40)
    # Before it expires, so that there is time for a new one.
    processes.until(lambda: page.evaluate("window.expired") == 1)
    expect(frame.locator(".over")).not_to_be_visible()
    site.advance(60)
    expect(frame.locator(".over")).to_be_visible()
    expect(frame.locator(".over")).to_contain_text("Access has expired")
    expect(frame.get_by_role("status")).to_contain_text("Access has expired")
    expect(frame.locator("dl")).to_contain_text("Equity")
    requests_before = len(site.requests)
    site.advance(2 * MINUTE)
    assert len(site.requests) == requests_before  # it does not send requests that would be refused
    assert page.evaluate("window.expired") == 1


def test_the_documented_code_renews_a_token_without_a_reload(site: Site) -> None:
    lines = documents.code_block(documents.DOCS / "security.md", "html")
    frame, page = site.open("signed", f"token={site.token()}", lines), site.page
    expect(frame.locator("dl")).to_contain_text("Equity")
    page.frames[1].evaluate("window.isTheSame = true")
    before = frame.locator("footer time").get_attribute("datetime")
    for _ in range(3):
        tokens_before = site.tokens_given
        site.advance(9 * MINUTE + 40)
        processes.until(
            partial(lambda before: page.evaluate("0") or site.tokens_given > before, tokens_before)
        )
    site.advance(30)
    assert site.tokens_given >= 3
    expect(frame.locator("dl")).to_contain_text("Equity")
    expect(frame.locator(".over")).not_to_be_visible()
    assert page.frames[1].evaluate("window.isTheSame")  # the frame was never reloaded
    assert frame.locator("footer time").get_attribute("datetime") != before
    loads = [url for url in site.requests if "/w/signed/balance" in url]
    assert len({url.partition("token=")[2] for url in loads}) >= 3


def test_a_token_set_after_expiry_restores_the_widget(site: Site) -> None:
    frame, page = site.open("signed", f"token={site.token()}"), site.page
    expect(frame.locator("dl")).to_contain_text("Equity")
    site.advance(11 * MINUTE)
    expect(frame.locator(".over")).to_be_visible()
    page.evaluate(
        "(token) => document.querySelector('cabinet-widget').setAttribute('token', token)",
        site.token(),
    )
    expect(frame.locator(".over")).not_to_be_visible()
    expect(frame.locator("dl")).to_contain_text("Equity")


def test_while_the_api_is_down_a_closed_widget_still_requires_its_password(
    site: Site, upstream: Upstream
) -> None:
    upstream.sandbox.faults.append(Fault("error503"))
    frame = site.open("main")
    expect(frame.get_by_label("Password")).to_be_visible()
    frame.get_by_label("Password").fill(PASSWORD)
    frame.get_by_role("button").click()
    expect(frame.locator("#w")).to_contain_text("temporarily unavailable")


def test_a_closed_widget_is_displayed_only_on_allowed_sites(browser: Browser, site: Site) -> None:
    loader = f'<script async src="{site.service.url}/embed.js"></script>'
    element = "<cabinet-widget account=main widget=balance></cabinet-widget>"
    with host(loader + element) as stranger:
        context = browser.new_context()
        page = context.new_page()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        page.goto(stranger)
        processes.until(
            lambda: any("frame-ancestors" in text for text in refused) or page.evaluate("0")
        )
        assert "Password" not in "".join(frame.content() for frame in page.frames)
        context.close()
