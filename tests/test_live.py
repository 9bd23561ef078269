"""A widget's page keeps itself fresh: when it asks, what it changes, and what it says aloud."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from browsers import EVERYTHING, tab
from conftest import Clock, Service
from playwright.sync_api import Browser, Page, Request, Route, expect
from processes import until

from widget import sandbox

Serve = Callable[..., Service]
BALANCE = "client/RequestBalanceInformation"
# Tells when the page asks, in its own time, and lets the test hide it.
INSIDE = """
  const real = window.fetch;
  window.askedAt = [];
  window.answeredAt = [Date.now()];
  window.fetch = (...request) => {
    askedAt.push(Date.now());
    const answer = real(...request);
    window.asking = answer.then((taken) => taken.clone().text(), () => {}).then(() => { answeredAt.push(Date.now()); });
    return answer;
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
    """A tab whose time is the test's, and that can be told that it is hidden."""
    with tab(browser, width=480) as opened:
        opened.clock.install(time=instant)
        opened.add_init_script(INSIDE)
        yield opened


class Live:
    """A widget's page, its service, and the balance that the API gives."""

    def __init__(self, page: Page, service: Service, clock: Clock, money: dict[str, float]) -> None:
        self.page, self.service, self.clock, self.money = page, service, clock, money
        self.path = "/w/main/balance"
        self.asked: list[Request] = []
        self._over: list[Request] = []
        page.on(
            "request",
            lambda request: (
                self.asked.append(request) if request.resource_type == "fetch" else None
            ),
        )
        page.on("requestfinished", lambda request: self._over.append(request))
        page.on("requestfailed", lambda request: self._over.append(request))

    def open(self) -> None:
        """Open the widget."""
        self.page.goto(self.service.url + self.path)
        self.page.locator("#w").wait_for()

    def passes(self, seconds: float) -> None:
        """Time passes on the page."""
        self.page.clock.run_for(round(1000 * seconds))
        self.page.evaluate("0")

    def until_asked(self) -> float:
        """The seconds of the page's time until it asks again; its answer is taken before any more time passes."""
        before, began = len(self.asked), self._now()
        for _ in range(200):
            if len(self.asked) > before:
                break
            self.passes(5)
        assert len(self.asked) == before + 1
        while self.asked[-1] not in self._over:
            self.page.wait_for_timeout(5)
        self.page.evaluate("asking")  # until it is taken, and the next one planned
        return float(self.page.evaluate("askedAt.at(-1)")) / 1000 - began

    def _now(self) -> float:
        return float(self.page.evaluate("Date.now()")) / 1000

    def becomes(self, balance: float) -> None:
        """The API has another balance, and the service knows."""
        self.money["balance"] = balance
        self.ages(20)

    def ages(self, seconds: float) -> None:
        """What the service has kept grows older, and somebody asked for it, so that it has fetched anew."""
        calls = self.service.app.extensions["cabinet-widgets"].cache._flights
        for _ in range(2):
            self.clock.now += seconds
            self.service.get(self.path + ".json")
            until(lambda: not calls)


@pytest.fixture
def live(page: Page, serve: Serve, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Live:
    """An open account whose balance the test decides, refreshed every ten seconds by default."""
    money = {"balance": 1000.0, "equity": 1200.0, "freeMargin": 900.0}
    answer: Any = lambda book, now, query: {"name": "x", "currency": "USD", **money}  # noqa: E731
    monkeypatch.setitem(sandbox.FUNCTIONS, BALANCE, answer)
    return Live(page, serve(accounts={"main": EVERYTHING}), clock, money)


def figure(live: Live, n: int = 0) -> str:
    """The nth figure that is shown."""
    return live.page.locator("dd bdi").nth(n).inner_text()


def test_it_asks_again_by_its_tag_and_takes_what_is_new(live: Live) -> None:
    live.open()
    assert figure(live) == "$1,000.00"
    assert 13 <= live.until_asked() <= 17
    live.until_asked()
    assert all(request.header_value("if-none-match") for request in live.asked)
    answer = live.asked[1].response()
    assert answer
    assert answer.status == 304
    live.becomes(1001)
    live.until_asked()
    expect(live.page.locator("dd bdi").first).to_have_text("$1,001.00")


def test_a_hidden_tab_asks_nothing_and_one_that_is_seen_again_asks_at_once(live: Live) -> None:
    live.open()
    live.page.evaluate("hide(true)")
    live.passes(3600)
    assert live.asked == []
    live.page.evaluate("hide(false)")
    assert live.until_asked() < 0.1
    live.page.evaluate("hide(true)")
    live.passes(3600)
    assert len(live.asked) == 1


def test_one_that_was_hidden_for_a_moment_waits_its_time(live: Live) -> None:
    live.open()
    live.page.evaluate("hide(true)")
    live.passes(2)
    live.page.evaluate("hide(false)")
    live.passes(2)
    assert live.asked == []
    assert live.until_asked() <= 14


def test_errors_make_it_ask_less_and_less_often(live: Live) -> None:
    live.open()
    refuse: Callable[[Route], None] = lambda route: route.abort()  # noqa: E731
    live.page.route("**/w/main/balance", refuse)
    for _ in range(8):
        live.until_asked()
    pauses = live.page.evaluate("askedAt.map((at, i) => (at - answeredAt[i]) / 1000)")
    expected = [15, 15, 30, 60, 120, 240, 480, 600]
    assert all(0.94 * e <= p <= 1.06 * e for p, e in zip(pauses, expected, strict=True)), pauses
    assert figure(live) == "$1,000.00"
    expect(live.page.locator(".lost")).to_be_visible()
    live.page.unroute("**/w/main/balance", refuse)
    live.becomes(1003)
    live.until_asked()
    expect(live.page.locator("dd bdi").first).to_have_text("$1,003.00")
    expect(live.page.locator(".lost")).to_be_hidden()
    assert live.until_asked() <= 17


def test_retry_after_is_heeded(live: Live) -> None:
    live.open()
    live.page.route(
        "**/w/main/balance", lambda route: route.fulfill(status=429, headers={"Retry-After": "300"})
    )
    live.until_asked()
    assert live.until_asked() >= 299.9


def test_only_what_is_different_is_changed(live: Live) -> None:
    live.open()
    live.page.evaluate(
        """() => {
          window.changed = [];
          const name = ({ parentElement }) => parentElement.closest("dd")?.previousElementSibling.textContent;
          const note = ({ type, target }) => changed.push(`${type} ${name(target)}`);
          const all = { subtree: true, childList: true, characterData: true, attributes: true };
          new MutationObserver((list) => list.forEach(note)).observe(document.querySelector("#w dl"), all);
        }"""
    )
    live.until_asked()
    live.until_asked()
    assert live.page.evaluate("changed") == []
    live.money["freeMargin"] += 5
    live.becomes(1000)
    live.until_asked()
    assert live.page.evaluate("changed") == ["characterData Free margin", "characterData Margin"]


def test_focus_scroll_and_what_is_unfolded_stay(live: Live) -> None:
    live.path = "/w/main/growth"
    live.open()
    live.page.set_viewport_size({"width": 480, "height": 300})
    live.page.locator("summary").click()
    live.page.locator(".plot").focus()
    live.page.keyboard.press("Home")
    live.page.keyboard.press("ArrowRight")
    live.page.evaluate("scrollTo(0, 200)")
    seen = "[scrollY, document.activeElement.className, document.querySelector('.tip').textContent]"
    before = live.page.evaluate(seen)
    said = live.page.locator(".asof time").get_attribute("datetime")
    live.ages(400)
    live.until_asked()
    expect(live.page.locator(".asof time")).not_to_have_attribute("datetime", str(said))
    assert live.page.evaluate(seen) == before
    assert before[0] == 200
    assert ":" in before[2]
    assert live.page.locator("details").evaluate("details => details.open")


def test_new_figures_are_flagged_softly(live: Live) -> None:
    live.open()
    live.until_asked()
    live.becomes(1002)
    live.until_asked()
    expect(live.page.locator("dd bdi").first).to_have_text("$1,002.00")
    flagged = "document.getAnimations().map((a) => a.effect.target.closest('dd').previousElementSibling.textContent)"
    assert sorted(live.page.evaluate(flagged)) == ["Balance", "Floating profit"]


def test_nothing_moves_for_who_wants_it_still(live: Live) -> None:
    live.page.emulate_media(reduced_motion="reduce")
    live.open()
    live.until_asked()
    live.becomes(1002)
    live.until_asked()
    expect(live.page.locator("dd bdi").first).to_have_text("$1,002.00")
    assert live.page.evaluate("document.getAnimations().length") == 0


def test_what_is_said_aloud_is_said_once_a_minute_at_most(live: Live) -> None:
    live.open()
    said = live.page.evaluate_handle(
        """() => {
          const said = [];
          const status = document.querySelector("[role=status]");
          const all = { childList: true, characterData: true, subtree: true };
          new MutationObserver(() => said.push(status.textContent)).observe(status, all);
          return said;
        }"""
    )
    for n in range(12):
        live.becomes(1010 + n)
        live.until_asked()
    spoken = said.json_value()
    assert 1 <= len(spoken) <= 3, spoken
    assert all("$" in text for text in spoken)
    for _ in range(6):  # what was held back is said when its minute has come
        live.until_asked()
    spoken = said.json_value()
    assert len(spoken) <= 4, spoken
    for _ in range(6):
        live.until_asked()
    assert said.json_value() == spoken, "nothing is new, so that nothing is said"


def test_without_javascript_it_is_complete_and_says_its_time(
    browser: Browser, serve: Serve
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    with tab(browser, java_script_enabled=False) as page:
        page.goto(f"{service.url}/w/main/growth")
        expect(page.locator("dd").first).to_contain_text("%")
        expect(page.locator(".asof time")).to_be_visible()
        page.locator("summary").click()
        expect(page.locator("details table tbody tr").first).to_be_visible()
