"""A page refreshes itself: when it sends requests, what it changes, and what it announces."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from accounts import EVERYTHING
from browsers import tab
from conftest import Clock, Service
from playwright.sync_api import Browser, Page, Request, Route, expect
from processes import until

from widget.sandbox import api as sandbox_api

Serve = Callable[..., Service]
BALANCE = "client/RequestBalanceInformation"
# Records when the page sends requests, in its own time, and lets the test hide it.
INSIDE = """
  const real = window.fetch;
  window.requestedAt = [];
  window.respondedAt = [Date.now()];
  window.fetch = (...request) => {
    requestedAt.push(Date.now());
    const response = real(...request);
    const ended = response.then((received) => received.clone().text(), () => {});
    window.pending = ended.then(() => { respondedAt.push(Date.now()); });
    return response;
  };
  window.isHidden = false;
  Object.defineProperty(document, "hidden", { get: () => window.isHidden });
  window.hide = (is) => {
    window.isHidden = is;
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  };
"""


@pytest.fixture
def page(browser: Browser, instant: float) -> Iterator[Page]:
    """A tab with a clock that the test controls, and that the test can hide."""
    with tab(browser, width=480) as opened:
        # It runs until it is paused, and cannot be set back.
        opened.clock.install(time=instant - 60)
        # Otherwise it would also advance by the time that a busy machine needs.
        opened.clock.pause_at(instant)
        opened.add_init_script(INSIDE)
        yield opened


class Live:
    """A widget's page, its service, and the balance that the API gives."""

    def __init__(self, page: Page, service: Service, clock: Clock, money: dict[str, float]) -> None:
        self.page, self.service, self.clock, self.money = page, service, clock, money
        self.path = "/w/main/balance"
        self.requests: list[Request] = []
        self._finished: list[Request] = []
        page.on(
            "request",
            lambda request: (
                self.requests.append(request) if request.resource_type == "fetch" else None
            ),
        )
        page.on("requestfinished", lambda request: self._finished.append(request))
        page.on("requestfailed", lambda request: self._finished.append(request))

    def open(self) -> None:
        """Open the widget."""
        self.page.goto(self.service.url + self.path)
        self.page.locator("#w").wait_for()

    def advance(self, seconds: float) -> None:
        """Advance the page's clock."""
        self.page.clock.run_for(round(1000 * seconds))
        self.page.evaluate("0")

    def until_next_request(self) -> float:
        """Wait for the next request and its response; return the seconds until then."""
        before, began = len(self.requests), self._now()
        for _ in range(200):
            if len(self.requests) > before:
                break
            self.advance(5)
        assert len(self.requests) == before + 1
        while self.requests[-1] not in self._finished:
            self.page.wait_for_timeout(5)
        # Until the response is processed and the next request is scheduled.
        self.page.evaluate("pending")
        return float(self.page.evaluate("requestedAt.at(-1)")) / 1000 - began

    def _now(self) -> float:
        return float(self.page.evaluate("Date.now()")) / 1000

    def set_balance(self, balance: float) -> None:
        """Change the balance of the API, and let the service fetch it."""
        self.money["balance"] = balance
        self.age(20)

    def age(self, seconds: float) -> None:
        """Let the cached figures grow older, and request them until they are fetched."""
        calls = self.service.app.extensions["cabinet-widgets"].cache._flights._flights
        for _ in range(2):
            self.clock.now += seconds
            path, _, query = self.path.partition("?")
            self.service.get(f"{path}.json?{query}")
            until(lambda: not calls)


@pytest.fixture
def live(page: Page, serve: Serve, instant: float, monkeypatch: pytest.MonkeyPatch) -> Live:
    """An open account whose balance the test decides, refreshed every ten seconds by default."""
    money = {"balance": 1000.0, "equity": 1200.0, "freeMargin": 900.0}
    respond: Any = lambda book, now, query: {"name": "x", "currency": "USD", **money}  # noqa: E731
    monkeypatch.setitem(sandbox_api.FUNCTIONS, BALANCE, respond)
    # A separate clock, so that no trade closes in the sandbox, which the balance would not reflect.
    clock = Clock(instant)
    return Live(page, serve(accounts={"main": EVERYTHING}, clock=clock), clock, money)


def figure(live: Live, n: int = 0) -> str:
    """The nth displayed figure."""
    return live.page.locator("dd bdi").nth(n).inner_text()


def test_it_revalidates_by_etag_and_displays_new_figures(live: Live) -> None:
    live.open()
    assert figure(live) == "$1,000.00"
    assert 13 <= live.until_next_request() <= 17
    live.until_next_request()
    assert all(request.header_value("if-none-match") for request in live.requests)
    response = live.requests[1].response()
    assert response
    assert response.status == 304
    live.set_balance(1001)
    live.until_next_request()
    expect(live.page.locator("dd bdi").first).to_have_text("$1,001.00")


def test_a_hidden_tab_sends_no_requests_and_sends_one_when_it_is_visible_again(live: Live) -> None:
    live.open()
    live.page.evaluate("hide(true)")
    live.advance(3600)
    assert live.requests == []
    live.page.evaluate("hide(false)")
    assert live.until_next_request() < 0.1
    live.page.evaluate("hide(true)")
    live.advance(3600)
    assert len(live.requests) == 1


def test_a_tab_hidden_for_a_moment_keeps_its_schedule(live: Live) -> None:
    live.open()
    live.page.evaluate("hide(true)")
    live.advance(2)
    live.page.evaluate("hide(false)")
    live.advance(2)
    assert live.requests == []
    assert live.until_next_request() <= 14


def test_errors_make_it_refresh_less_and_less_often(live: Live) -> None:
    live.open()
    refuse: Callable[[Route], None] = lambda route: route.abort()  # noqa: E731
    live.page.route("**/w/main/balance", refuse)
    for _ in range(8):
        live.until_next_request()
    pauses = live.page.evaluate("requestedAt.map((at, i) => (at - respondedAt[i]) / 1000)")
    expected = [15, 15, 30, 60, 120, 240, 480, 600]
    assert all(0.94 * e <= p <= 1.06 * e for p, e in zip(pauses, expected, strict=True)), pauses
    assert figure(live) == "$1,000.00"
    expect(live.page.locator(".lost")).to_be_visible()
    live.page.unroute("**/w/main/balance", refuse)
    live.set_balance(1003)
    live.until_next_request()
    expect(live.page.locator("dd bdi").first).to_have_text("$1,003.00")
    expect(live.page.locator(".lost")).to_be_hidden()
    assert live.until_next_request() <= 17


def test_retry_after_is_obeyed(live: Live) -> None:
    live.open()
    live.page.route(
        "**/w/main/balance", lambda route: route.fulfill(status=429, headers={"Retry-After": "300"})
    )
    live.until_next_request()
    live.until_next_request()
    pause = live.page.evaluate("requestedAt.at(-1) - respondedAt[requestedAt.length - 1]")
    assert pause > 299_000  # the page's clock counts in milliseconds, and rounds


def test_only_what_differs_is_changed(live: Live) -> None:
    live.open()
    live.page.evaluate(
        """() => {
          window.changed = [];
          const figure = ({ parentElement }) => parentElement.closest("dd");
          const name = (target) => figure(target)?.previousElementSibling.textContent;
          const note = ({ type, target }) => changed.push(`${type} ${name(target)}`);
          const all = { subtree: true, childList: true, characterData: true, attributes: true };
          const figures = document.querySelector("#w dl");
          new MutationObserver((list) => list.forEach(note)).observe(figures, all);
        }"""
    )
    live.until_next_request()
    live.until_next_request()
    assert live.page.evaluate("changed") == []
    live.money["freeMargin"] += 5
    live.set_balance(1000)
    live.until_next_request()
    assert live.page.evaluate("changed") == ["characterData Free margin", "characterData Margin"]


def test_rows_with_the_same_ticket_all_stay(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parts of a position have one ticket. Of four rows, two were left after a refresh."""
    trades = [
        {
            "ticket": ticket, "symbol": "EURUSD", "type": 0, "volume": volume, "openPrice": 1.1,
            "closePrice": 1.2, "openTime": "2026-11-20T09:00:00",
            "closeTime": "2026-11-20T10:00:00", "profit": 1, "swaps": 0,
        }
        for ticket, volume in ((7, 0.1), (7, 0.2), (7, 0.2), (8, 0.4))
    ]  # fmt: skip
    respond: Any = lambda book, now, query: trades  # noqa: E731
    monkeypatch.setitem(sandbox_api.FUNCTIONS, "client/RequestClosedTrades", respond)
    live.path = "/w/main/closed-trades?period=all&refresh=10"
    live.open()
    rows = live.page.locator("tbody tr")
    volumes = rows.locator("td:nth-child(3)")
    before = volumes.all_inner_texts()
    assert sorted(before) == ["0.10", "0.20", "0.20", "0.40"]
    trades.append({**trades[0], "volume": 0.3})
    live.age(70)
    live.until_next_request()
    live.until_next_request()
    after = volumes.all_inner_texts()
    assert sorted(after) == ["0.10", "0.20", "0.20", "0.30", "0.40"]


def test_focus_scroll_position_and_open_details_are_preserved(live: Live) -> None:
    live.path = "/w/main/growth"
    live.clock.now += 43_200 - live.clock.now % 86_400  # noon: no day begins meanwhile
    live.open()
    live.page.set_viewport_size({"width": 480, "height": 300})
    live.page.locator("summary").click()
    live.page.locator(".plot").focus()
    live.page.keyboard.press("Home")
    live.page.keyboard.press("ArrowRight")
    live.page.evaluate("scrollTo(0, 200)")
    state = (
        "[scrollY, document.activeElement.className, document.querySelector('.tip').textContent]"
    )
    before = live.page.evaluate(state)
    time_before = live.page.locator(".asof time").get_attribute("datetime")
    live.age(400)
    live.until_next_request()
    expect(live.page.locator(".asof time")).not_to_have_attribute("datetime", str(time_before))
    assert live.page.evaluate(state) == before
    assert before[0] == 200
    assert ":" in before[2]
    assert live.page.locator("details").evaluate("details => details.open")


def test_new_figures_are_highlighted_briefly(live: Live) -> None:
    live.open()
    live.until_next_request()
    live.set_balance(1002)
    live.until_next_request()
    expect(live.page.locator("dd bdi").first).to_have_text("$1,002.00")
    highlighted = (
        "document.getAnimations()"
        ".map((a) => a.effect.target.closest('dd').previousElementSibling.textContent)"
    )
    assert sorted(live.page.evaluate(highlighted)) == ["Balance", "Floating profit"]


def test_nothing_is_animated_with_reduced_motion(live: Live) -> None:
    live.page.emulate_media(reduced_motion="reduce")
    live.open()
    live.until_next_request()
    live.set_balance(1002)
    live.until_next_request()
    expect(live.page.locator("dd bdi").first).to_have_text("$1,002.00")
    assert live.page.evaluate("document.getAnimations().length") == 0


def test_announcements_are_made_at_most_once_a_minute(live: Live) -> None:
    live.open()
    announcements = live.page.evaluate_handle(
        """() => {
          const announced = [];
          const status = document.querySelector("[role=status]");
          const all = { childList: true, characterData: true, subtree: true };
          new MutationObserver(() => announced.push(status.textContent)).observe(status, all);
          return announced;
        }"""
    )
    for n in range(12):
        live.set_balance(1010 + n)
        live.until_next_request()
    texts = announcements.json_value()
    assert 1 <= len(texts) <= 3, texts
    assert all("$" in text for text in texts)
    for _ in range(6):  # the last change is announced when the minute is over
        live.until_next_request()
    texts = announcements.json_value()
    assert len(texts) <= 4, texts
    for _ in range(6):
        live.until_next_request()
    assert announcements.json_value() == texts, "nothing is new, so nothing is announced"


def test_without_javascript_it_is_complete_and_displays_its_time(
    browser: Browser, serve: Serve
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    with tab(browser, java_script_enabled=False) as page:
        page.goto(f"{service.url}/w/main/growth")
        expect(page.locator("dd").first).to_contain_text("%")
        expect(page.locator(".asof time")).to_be_visible()
        page.locator("summary").click()
        expect(page.locator("details table tbody tr").first).to_be_visible()
