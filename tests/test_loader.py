"""The loader on all kinds of pages, in Chromium, Firefox and WebKit."""

import gzip
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest
import requests
from accounts import EVERYTHING, WIDGETS
from browsers import host, is_complaint, launched, tab
from conftest import Clock, Service, Upstream
from faults import Fault
from playwright.sync_api import Browser, Error, Playwright
from processes import PATIENCE, until
from programs import CACHE, find_program
from webkit import webkit
from werkzeug.security import generate_password_hash

from widget.web import tokens
from widget.widgets.options import Options

pytestmark = pytest.mark.programs

Serve = Callable[..., Service]
PASSWORD_HASH = generate_password_hash("open sesame", "scrypt:1024:8:1")
SECRET = "0123456789abcdef" * 2
LOADER_BYTES = 1_600
FIRST_VIEW_BYTES = 13_000
FIRST_VIEW_REQUESTS = 4

HELPERS = """
const until = async (condition) => {
  for (const end = Date.now() + 1000 * patience; ; await new Promise((go) => setTimeout(go, 10))) {
    const found = condition();
    if (found) return found;
    if (Date.now() > end) throw new Error(`the condition never became true: ${condition}`);
  }
};
const pause = () => new Promise((go) => setTimeout(go, 250));
const elements = () => [...document.querySelectorAll("cabinet-widget")];
const frame = (element) => element.shadowRoot.querySelector("iframe");
const isDisplayed = (element) =>
  element.shadowRoot && frame(element) && !element.shadowRoot.querySelector("slot");
// A frame reports its height first, upon which it is displayed, and then how it went.
const hasReported = ({ counts }) => !counts || counts.load + counts.error > 0;
const displayed = (element) => until(() => isDisplayed(element) && hasReported(element));
// A widget whose events are counted by their name.
const make = (attributes, parent = document.body) => {
  const element = document.createElement("cabinet-widget");
  element.counts = { load: 0, resize: 0, error: 0, expired: 0 };
  for (const type in element.counts) {
    element.addEventListener(`cabinet-widget:${type}`, () => (element.counts[type] += 1));
  }
  const all = { account: "main", widget: "balance", ...attributes };
  for (const name in all) element.setAttribute(name, all[name]);
  parent.append(element);
  return element;
};
await until(() => customElements.get("cabinet-widget"));
"""


class Tab(Protocol):
    """A tab of a browser, as the tests use it."""

    def open(self) -> None:
        """Leave the page for an empty tab."""

    def goto(self, url: str) -> None:
        """Open a page."""

    def evaluate(self, expression: str) -> Any:
        """The value of an expression on the page."""

    def evaluate_in_frames(self, expression: str) -> list[Any]:
        """The values of an expression in the frames of the page, of whatever origin."""

    def complaints(self) -> list[str]:
        """The complaints in the console since the tab was opened."""


class Chromium:
    """A tab of Chromium."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def open(self) -> None:
        for context in self._browser.contexts:
            context.close()
        self._page = self._browser.new_page(viewport={"width": 1100, "height": 900})
        self._complaints = list[str]()
        self._page.on(
            "console",
            lambda m: self._complaints.append(m.text) if is_complaint(m.type, m.text) else None,
        )
        self._page.on("pageerror", lambda error: self._complaints.append(str(error)))

    def goto(self, url: str) -> None:
        self._page.goto(url)

    def evaluate(self, expression: str) -> Any:
        return self._page.evaluate(expression)

    def evaluate_in_frames(self, expression: str) -> list[Any]:
        return [frame.evaluate(expression) for frame in self._page.frames[1:]]

    def complaints(self) -> list[str]:
        return self._complaints


class Firefox:
    """A tab of Firefox, driven by a separate program."""

    def __init__(self, program: "subprocess.Popen[str]") -> None:
        self._program = program
        assert "firefox" in self._read().lower()

    def _read(self) -> Any:
        assert self._program.stdout
        line = self._program.stdout.readline()
        assert line, "Firefox cannot be driven: run tests/install.sh"
        result = json.loads(line)
        assert "error" not in result, result["error"]
        return result.get("value")

    def _send(self, name: str, argument: str = "") -> Any:
        assert self._program.stdin
        self._program.stdin.write(json.dumps([name, argument]) + "\n")
        self._program.stdin.flush()
        return self._read()

    def open(self) -> None:
        self._send("open")

    def goto(self, url: str) -> None:
        self._send("goto", url)

    def evaluate(self, expression: str) -> Any:
        return self._send("evaluate", expression)

    def evaluate_in_frames(self, expression: str) -> list[Any]:
        return list(self._send("evaluateInFrames", expression))

    def complaints(self) -> list[str]:
        return list(self._send("complaints"))


@contextmanager
def firefox() -> Iterator[Tab]:
    """Debian's Firefox."""
    command = [
        find_program("node"),
        str(Path(__file__).parent / "firefox.mjs"),
        str(CACHE / "node_modules"),
    ]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        yield Firefox(program)
        assert program.stdin
        program.stdin.close()
        assert program.wait(30) == 0


@pytest.fixture(scope="module")
def windowed(playwright: Playwright) -> Iterator[Browser]:
    """Chromium as it is installed on desktops, with the back/forward cache.

    Playwright disables it by default, and the headless program has none.
    """
    with launched(playwright, "chromium", "--disable-back-forward-cache") as browser:
        yield browser


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def tabs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """Each of the browsers."""
    if request.param == "firefox":
        with firefox() as driven:
            yield driven
    elif request.param == "webkit":
        with webkit(tmp_path_factory.mktemp("webkit")) as driven:
            yield driven
    elif request.param == "windowed":
        yield Chromium(request.getfixturevalue("windowed"))
    else:
        yield Chromium(request.getfixturevalue("browser"))


in_webkit_too = pytest.mark.parametrize(
    "tabs", ["chromium", "firefox", "webkit"], indirect=True, scope="module"
)
"""For tests of what browsers do differently."""


@pytest.fixture
def noisy(tabs: Tab) -> Tab:
    """An empty tab of each of the browsers, which may complain in its console."""
    tabs.open()
    return tabs


@pytest.fixture
def opened(noisy: Tab) -> Iterator[Tab]:
    """An empty tab of each of the browsers; the test fails on any complaint in its console."""
    yield noisy
    assert noisy.complaints() == []


def loader(service: Service) -> str:
    """The tag of the loader."""
    return f"<script async src='{service.url}/embed.js'></script>"


def run(opened: Tab, body: str) -> Any:
    """Run some lines of script on the open page; returns their result."""
    return opened.evaluate(f"(async () => {{ const patience = {PATIENCE}; {HELPERS} {body} }})()")


def evaluated(opened: Tab, expression: str) -> Any:
    """The value of an expression on the open page; None while the page changes."""
    try:
        return opened.evaluate(expression)
    except (AssertionError, Error):
        return None


def test_an_element_that_is_moved_or_put_back_displays_its_figures_again(
    opened: Tab, serve: Serve
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    with host(loader(service) + "<div id=one></div><div id=two></div>") as url:
        opened.goto(url)
        seen = run(
            opened,
            """
            const element = make({}, one);
            await displayed(element);
            const height = element.offsetHeight;
            two.append(element);
            await until(() => element.counts.load === 2 && isDisplayed(element));
            element.remove();
            await pause();
            const alone = frame(element);
            element.setAttribute("theme", "dark"); // it is not in the page
            one.append(element);
            await until(() => element.counts.load === 3 && isDisplayed(element));
            const isSame = element.offsetHeight === height;
            return { counts: element.counts, isSame, url: frame(element).src };
            """,
        )
    assert seen["counts"]["load"] == 3
    assert seen["counts"]["error"] == 0
    assert seen["isSame"]
    assert "theme=dark" in seen["url"]


def test_an_element_that_is_removed_at_once_causes_no_error(opened: Tab, serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    with host(loader(service)) as url:
        opened.goto(url)
        frames = run(
            opened,
            """
            const gone = make({});
            gone.remove();
            const moved = make({});
            document.body.append(document.createElement("p"), moved); // twice in one turn
            await displayed(moved);
            await pause();
            return elements().map((e) => e.counts.load);
            """,
        )
    assert frames == [1]


def test_attributes_change_the_widget_and_those_that_change_together_load_it_once(
    opened: Tab, serve: Serve
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    with host(loader(service)) as url:
        opened.goto(url)
        seen = run(
            opened,
            """
            const element = make({});
            await displayed(element);
            const first = frame(element);
            element.setAttribute("label", "My account");
            element.setAttribute("height", "500");
            await until(() => frame(element).title === "My account");
            await until(() => element.offsetHeight === 500);
            const isSame = frame(element) === first;
            element.removeAttribute("height");
            element.setAttribute("widget", "open-trades");
            element.setAttribute("rows", "3");
            element.setAttribute("accent", "ff8800");
            await until(() => element.counts.load === 2 && isDisplayed(element));
            await pause();
            const height = element.offsetHeight;
            return { isSame, url: frame(element).src, loads: element.counts.load, height };
            """,
        )
    assert seen["isSame"]
    assert seen["loads"] == 2
    assert seen["url"].split("#")[0].split("?")[0] == f"{service.url}/w/main/open-trades"
    assert {"accent=ff8800", "rows=3"} <= set(seen["url"].split("#")[0].split("?")[1].split("&"))
    assert seen["height"] == WIDGETS["open-trades"].pixels(Options(rows=3))


def test_twenty_at_once_each_have_their_own_figures_and_height(opened: Tab, serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    with host(loader(service)) as url:
        opened.goto(url)
        seen = run(
            opened,
            f"""
            const names = {json.dumps([*WIDGETS])};
            const widgets = Array.from({{ length: 20 }}, (_, i) => names[i % names.length]);
            const made = widgets.map((widget) => make({{ widget, loading: "eager" }}));
            await Promise.all(made.map(displayed));
            await pause();
            const name = (e) => e.getAttribute("widget");
            return made.map((e) => [name(e), e.offsetHeight, e.counts.load, e.counts.error]);
            """,
        )
    assert seen == [[name, WIDGETS[name].pixels(Options()), 1, 0] for name in ([*WIDGETS] * 3)[:20]]


ENTER_PASSWORD = """
(() => {
  if (!location.pathname.startsWith("/w/main/balance")) return;
  document.querySelector("#password").value = "open sesame";
  document.querySelector("form").requestSubmit();
})()
"""
LOCKED = """
`${location.pathname} ${document.querySelector(".unlock") ? "locked" : "open"}`
"""


def locked_widgets(opened: Tab) -> set[str]:
    """The widgets on the page, and whether they are locked."""
    try:
        return set(opened.evaluate_in_frames(LOCKED))
    except (AssertionError, Error):  # a frame is loading
        return set()


def test_the_password_in_one_widget_opens_all_widgets_of_its_account_on_the_page(
    opened: Tab, serve: Serve
) -> None:
    """Without the host page, which is another site, and without the widgets of other accounts."""
    closed = {"login": 1000001, "access": "closed", "viewer_password_hash": PASSWORD_HASH}
    with host("") as url:
        site = url.replace("127.0.0.1", "localhost")
        account = {**closed, "allowed_origins": [site]}
        service = serve(accounts={"main": account, "other": account})
        opened.goto(site)
        opened.evaluate(
            f"""
            window.heard = [];
            addEventListener("message", ({{ data }}) => heard.push(JSON.stringify(data)));
            for (const name of ["main", "other"]) {{
              const channel = new BroadcastChannel(`cabinet-widgets /${{name}}`);
              channel.onmessage = ({{ data }}) => heard.push(JSON.stringify(data));
            }}
            const script = document.createElement("script");
            script.src = "{service.url}/embed.js";
            document.head.append(script);
            """
        )
        run(
            opened,
            """
            make({ widget: "balance" });
            make({ widget: "lots" });
            make({ account: "other" });
            await Promise.all(elements().map(displayed));
            """,
        )
        main = "/w/main"
        other = {"/w/other/balance locked"}
        locked = {f"{main}/balance locked", f"{main}/lots locked"}
        until(lambda: locked_widgets(opened) == locked | other)
        opened.evaluate_in_frames(ENTER_PASSWORD)
        unlocked = {f"{main}/balance open", f"{main}/lots open"}
        until(lambda: locked_widgets(opened) == unlocked | other)
        # Those that load later, such as widgets far down, ask the others.
        run(opened, 'await displayed(make({ widget: "summary" }));')
        until(lambda: locked_widgets(opened) == unlocked | other | {f"{main}/summary open"})
        heard = opened.evaluate("heard")
        # The host page heard other messages, but no token.
        assert any("load" in message for message in heard)
        assert not [message for message in heard if "eyJ" in message or "token" in message]


def test_a_widget_far_down_is_loaded_when_it_comes_near(
    opened: Tab, serve: Serve, upstream: Upstream
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    with host(loader(service) + "<div id=far style='margin-top:20000px'></div>") as url:
        opened.goto(url)
        assert run(
            opened,
            """
            const element = make({}, far);
            await pause();
            const early = element.counts.load;
            element.scrollIntoView();
            await until(() => isDisplayed(element) && element.counts.load);
            return [early, element.counts.load];
            """,
        ) == [0, 1]


def test_the_loader_works_with_a_strict_policy_and_trusted_types(opened: Tab, serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    policy = (
        f"default-src 'none'; script-src 'nonce-n' {service.url}; frame-src {service.url}; "
        "img-src data:; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    watch = (
        "<script nonce=n>window.violations = []; addEventListener('securitypolicyviolation', "
        "(event) => violations.push(event.violatedDirective))</script>"
    )
    tag = (
        f"<script async src='{service.url}/embed.js' data-account=main data-widget=bonus></script>"
    )
    body = loader(service) + "<cabinet-widget account=main widget=balance></cabinet-widget>" + tag
    with host(body, watch, {"Content-Security-Policy": policy}) as url:
        opened.goto(url)
        seen = run(
            opened,
            """
            await until(() => elements().length === 2);
            await Promise.all(elements().map(displayed));
            const [first] = elements();
            first.setAttribute("theme", "dark");
            await until(() => frame(first).src.includes("dark") && isDisplayed(first));
            return { violations, heights: elements().map((e) => e.offsetHeight) };
            """,
        )
    assert seen["violations"] == []
    assert seen["heights"] == [WIDGETS["balance"].height, WIDGETS["bonus"].height]


def returns_to_the_same_page(opened: Tab, url: str) -> bool:
    """Display a widget, visit another page and go back: whether the page was not loaded again."""
    opened.goto(url)
    run(
        opened,
        """
        await displayed(document.querySelector("cabinet-widget"));
        addEventListener("pageshow", () => (window.isBack = true));
        """,
    )
    opened.goto(f"{url}/other")
    # Drivers wait for a page that comes back to load, which it does not.
    opened.evaluate("void setTimeout(() => history.back())")
    until(lambda: evaluated(opened, "location.pathname") == "/")
    return evaluated(opened, "window.isBack === true") is True


@pytest.mark.parametrize("tabs", ["windowed", "firefox"], indirect=True, scope="module")
def test_after_going_back_the_widgets_still_work(opened: Tab, serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    with host(
        loader(service) + "<cabinet-widget account=main widget=balance></cabinet-widget>"
    ) as url:
        # A busy browser does not keep every page.
        until(lambda: returns_to_the_same_page(opened, url))
        loads = run(
            opened,
            """
            const element = document.querySelector("cabinet-widget");
            let loads = 0;
            element.addEventListener("cabinet-widget:load", () => (loads += 1));
            const was = isDisplayed(element);
            element.setAttribute("widget", "bonus");
            await until(() => loads);
            const other = make({ widget: "lots" });
            await displayed(other);
            return [was, loads, other.counts.load];
            """,
        )
    assert loads == [True, 1, 1]


def test_two_versions_of_the_loader_share_a_page(opened: Tab, serve: Serve) -> None:
    one, two = serve(accounts={"main": EVERYTHING}), serve(accounts={"main": EVERYTHING})
    tags = "".join(
        f"<script async src='{service.url}/embed.js' data-account=main "
        f"data-widget={widget}></script>"
        for service, widget in ((one, "balance"), (two, "bonus"), (one, "lots"))
    )
    with host(tags + loader(two)) as url:
        opened.goto(url)
        seen = run(
            opened,
            """
            await until(() => elements().length === 3);
            for (const element of elements()) element.scrollIntoView();
            await Promise.all(elements().map(displayed));
            return elements().map((e) => [e.getAttribute("widget"), e.offsetHeight]);
            """,
        )
    assert seen == [[name, WIDGETS[name].height] for name in ("balance", "bonus", "lots")]


def test_messages_from_other_frames_change_nothing(opened: Tab, serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    forged = "{cabinetWidget: 1, type: 'height', value: 900, height: 900}"
    evil = f"<script>parent.postMessage({forged}, '*'); parent.postMessage(null, '*')</script>"
    with host(loader(service)) as url, host(evil) as other:
        opened.goto(url)
        seen = run(
            opened,
            f"""
            const element = make({{}});
            await displayed(element);
            const before = {{ ...element.counts }};
            const height = element.offsetHeight;
            const messages = [];
            addEventListener("message", ({{ data }}) => {{
              if (data?.height === 900) messages.push(data);
            }});
            postMessage({forged}, "*"); // the page itself
            const stranger = document.createElement("iframe"); // another frame
            stranger.src = "{other}";
            document.body.append(stranger);
            await until(() => messages.length === 2);
            frame(element).src = "{other}"; // its own frame, at another origin
            await until(() => messages.length === 3);
            await pause();
            return {{ same: element.offsetHeight === height, before, after: element.counts }};
            """,
        )
    assert seen["same"]
    assert seen["before"] == seen["after"]


def test_a_valid_language_of_the_page_is_passed_on(opened: Tab, serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    good = ["fr", "pt-BR", "pt_BR", "zh-Hans-CN", "xx-klingon", "sr-Latn-RS", "en-US_POSIX"]
    bad = ["en_US_", "en-abcdefghijk", "e", "%%", "", "en-", "en-a-b-c-d-e-f-g-h-i-j"]
    with host(loader(service), lang="%lang%") as url:
        opened.goto(url)
        seen = run(
            opened,
            f"""
            const part = (lang) => Object.assign(document.createElement("div"), {{ lang }});
            const parts = {json.dumps([*good, *bad])}.map(part);
            document.body.append(...parts);
            const made = parts.map((part) => make({{ loading: "eager" }}, part));
            made.push(make({{ loading: "eager" }}));
            made.push(make({{ loading: "eager", lang: "ar" }}, parts[0]));
            await Promise.all(made.map(displayed));
            const langOf = (e) => new URL(frame(e).src).searchParams.get("lang");
            return made.map((e) => [langOf(e), e.counts.error]);
            """,
        )
    assert seen == [[tag, 0] for tag in [*good, *(None for _ in bad), None, "ar"]]


def test_a_widget_follows_the_language_of_the_page_as_it_changes(opened: Tab, serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    with host(loader(service)) as url:
        opened.goto(url)
        url_of_frame = run(
            opened,
            """
            const element = make({});
            await displayed(element);
            document.documentElement.lang = "de";
            await until(() => element.counts.load === 2 && isDisplayed(element));
            return frame(element).src;
            """,
        )
    assert "lang=de" in url_of_frame


def test_the_fallback_is_displayed_until_the_widget_is_loaded(
    opened: Tab, serve: Serve, upstream: Upstream
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    upstream.sandbox.faults.append(Fault("slow", seconds=30))
    with host(loader(service)) as url:
        opened.goto(url)
        height = run(
            opened,
            """
            const element = make({});
            element.innerHTML = "<a href='#'>My account</a>";
            await until(() => frame(element));
            await pause();
            return element.firstChild.offsetHeight;
            """,
        )
        assert height > 0
        upstream.gate.set()
        seen = run(
            opened,
            """
            const [element] = elements();
            await displayed(element);
            return { height: element.firstChild.offsetHeight, title: frame(element).title };
            """,
        )
    assert seen == {"height": 0, "title": "balance"}


@in_webkit_too
def test_a_widget_is_displayed_in_its_style_and_not_before(opened: Tab, serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    paths, is_sent = list[str](), threading.Event()
    original = service.app.wsgi_app

    def delay_style(environ: Any, start_response: Any) -> Any:
        paths.append(environ["PATH_INFO"])
        if environ["PATH_INFO"].endswith(".css"):
            assert is_sent.wait(PATIENCE)
        return original(environ, start_response)

    service.app.wsgi_app = delay_style  # type: ignore[method-assign]
    with host(loader(service)) as url:
        opened.goto(url)
        run(
            opened,
            """
            window.heights = [];
            addEventListener("message", ({ data }) => heights.push(data.height));
            make({});
            """,
        )
        until(lambda: [path for path in paths if path.endswith("/widget.js")])
        is_early = run(opened, "await pause(); return heights.length > 0;")
        is_sent.set()
        heights = run(opened, "await displayed(elements()[0]); await pause(); return heights;")
    assert not is_early
    assert set(heights) == {WIDGETS["balance"].height}


@in_webkit_too
def test_an_outline_has_the_place_of_a_widget_while_the_api_is_slow(
    opened: Tab, serve: Serve, upstream: Upstream
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    upstream.sandbox.faults.append(Fault("slow", seconds=30))
    with host(loader(service) + "<main></main><p id=below>Below it</p>") as url:
        opened.goto(url)
        outline = run(
            opened,
            """
            const element = make({}, document.querySelector("main"));
            const slot = await until(() => element.shadowRoot?.querySelector("slot"));
            const { width, height } = slot.getBoundingClientRect();
            const isWhole = width === element.offsetWidth;
            const moves = element.shadowRoot.getAnimations().length;
            const { borderTopWidth } = getComputedStyle(slot);
            return { height, isWhole, borderTopWidth, moves, below: below.offsetTop };
            """,
        )
        upstream.gate.set()
        below = run(opened, "await displayed(elements()[0]); return below.offsetTop;")
    assert outline == {
        "height": WIDGETS["balance"].height,
        "isWhole": True,
        "borderTopWidth": "1px",
        "moves": 0,
        "below": below,
    }


def test_errors_are_events_and_a_fresh_token_is_used_without_a_reload(
    opened: Tab, serve: Serve
) -> None:
    with host("") as url:
        closed = {
            **EVERYTHING,
            "access": "closed",
            "embed_secret": SECRET,
            "allowed_origins": [url],
        }
        now = opened.evaluate("Date.now()") / 1000
        # Both browsers use the real clock.
        service = serve(accounts={"main": closed}, clock=Clock(now))
        queries, original = list[str](), service.app.wsgi_app

        def record_query(environ: Any, start_response: Any) -> Any:
            queries.append(environ["QUERY_STRING"])
            return original(environ, start_response)

        service.app.wsgi_app = record_query  # type: ignore[method-assign]
        short, long = (
            tokens.sign([SECRET.encode()], "main/balance", now + ttl) for ttl in (3, 600)
        )
        opened.goto(url)
        script = (
            f"Object.assign(document.createElement('script'), {{src: '{service.url}/embed.js'}})"
        )
        opened.evaluate(f"void document.head.append({script})")
        seen = run(
            opened,
            f"""
            const locked = make({{}});
            let code;
            document.addEventListener("cabinet-widget:error", ({{ target, detail }}) => {{
              code = [target === locked, detail.code];
            }});
            const element = make({{ token: "{short}" }});
            await displayed(element);
            const first = frame(element);
            await until(() => element.counts.expired);
            element.setAttribute("token", "{long}");
            await new Promise((go) => setTimeout(go, 2000)); // the first one is over
            const isSame = frame(element) === first && isDisplayed(element);
            const counts = {{ ...element.counts }};
            document.body.append(element);
            await until(() => element.counts.load === 2 && isDisplayed(element));
            return {{ code, counts, isSame, later: element.counts.error }};
            """,
        )
    assert seen["code"] == [True, "locked"]
    assert seen["isSame"]
    assert seen["later"] == 0
    # The fresh one was sent by message, and again when the element was moved.
    assert sum(long in query for query in queries) == 2
    assert seen["counts"] == {
        "load": 1,
        "resize": seen["counts"]["resize"],
        "error": 0,
        "expired": 1,
    }


def test_the_loader_is_small_as_it_is_served(serve: Serve) -> None:
    service = serve()
    response = requests.get(
        service.url + "/embed.js", headers={"Accept-Encoding": "gzip"}, stream=True, timeout=30
    )
    sent = response.raw.read()
    assert response.headers["Content-Encoding"] == "gzip"
    assert b"cabinet-widget" in gzip.decompress(sent)
    assert len(sent) <= LOADER_BYTES


@pytest.mark.parametrize("widget", WIDGETS)
def test_the_first_view_of_a_widget_is_light_and_sends_requests_to_no_other_host(
    widget: str, browser: Browser, serve: Serve
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    element = f"<cabinet-widget account=main widget={widget}></cabinet-widget>"
    with host(loader(service) + element) as url, tab(browser) as page:
        sizes: dict[str, int] = {}

        def count(request: Any) -> None:
            size = request.sizes()
            sizes[request.url] = size["responseHeadersSize"] + size["responseBodySize"]

        page.on("requestfinished", count)
        page.goto(url)
        page.frame_locator("iframe").locator("#w").wait_for()
        page.wait_for_timeout(150)
    own = sizes.pop(url + "/")
    assert own > 0
    assert all(address.startswith(service.url) for address in sizes), sizes
    assert 3 <= len(sizes) <= FIRST_VIEW_REQUESTS, sizes
    assert sum(sizes.values()) <= FIRST_VIEW_BYTES, sizes


# -- Unusual pages ---------------------------------------------------------------------------------

FRAME_STATE = """
(async () => {
  if (!location.pathname.startsWith("/w/")) {
    const element = document.querySelector("cabinet-widget");
    return element?.shadowRoot && !element.shadowRoot.querySelector("slot") ? "displayed" : "";
  }
  // As the widget does when it refreshes itself.
  const response = await fetch(location.href, { headers: { "If-None-Match": "W/" } });
  return `${response.status} ${response.headers.get("ETag").length > 5}`;
})()
"""


def states_of_frames(opened: Tab) -> list[str]:
    """What ``FRAME_STATE`` says of the frames on the page; empty while one is loading."""
    try:
        return [str(state) for state in opened.evaluate_in_frames(FRAME_STATE)]
    except (AssertionError, Error):
        return []


def test_a_page_in_a_sandboxed_frame_has_widgets_that_refresh_themselves(
    opened: Tab, serve: Serve
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    element = "<cabinet-widget account=main widget=balance></cabinet-widget>"
    with (
        host(loader(service) + element) as inner,
        host(f"<iframe sandbox=allow-scripts src='{inner}'></iframe>") as url,
    ):
        opened.goto(url)
        until(lambda: states_of_frames(opened) == ["displayed", "200 true"])


def test_a_local_file_has_widgets(opened: Tab, serve: Serve, tmp_path: Path) -> None:
    service = serve(accounts={"main": EVERYTHING})
    file = tmp_path / "page.html"
    file.write_text(f"<!doctype html><title>A file</title><body>{loader(service)}")
    opened.goto(file.as_uri())
    assert run(opened, "await displayed(make({})); return elements()[0].counts.error") == 0


@pytest.mark.parametrize("policy", ["require-corp", "credentialless"])
def test_an_isolated_page_has_open_and_closed_widgets(
    policy: str, opened: Tab, serve: Serve
) -> None:
    isolated = {
        "Cross-Origin-Embedder-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    with host("", headers=isolated) as url:
        closed = {
            "login": 1000001,
            "access": "closed",
            "viewer_password_hash": PASSWORD_HASH,
            "allowed_origins": [url],
        }
        service = serve(accounts={"main": EVERYTHING, "closed": closed})
        opened.goto(url)
        opened.evaluate(
            "void document.head.append(Object.assign(document.createElement('script'), "
            f"{{src: '{service.url}/embed.js'}}))"
        )
        counts = run(
            opened,
            """
            make({});
            make({ account: "closed" });
            await Promise.all(elements().map(displayed));
            return [crossOriginIsolated, ...elements().map((e) => [e.counts.load, e.counts.error])];
            """,
        )
    assert counts == [True, [1, 0], [0, 1]]


WAYS_TO_LOAD = {
    "module": "<script type=module src='{service}/embed.js'></script>",
    "import": "<script type=module>await import('{service}/embed.js')</script>",
    "inlined": "<script>{text}</script>",
    "copied": "<script src='/copy.js'></script>",
    "delayed": "<script>setTimeout(() => {{ const script = document.createElement('script');"
    "script.textContent = {json}; document.body.append(script); }}, 50)</script>",
}


@in_webkit_too
@pytest.mark.parametrize("way", WAYS_TO_LOAD)
def test_the_attribute_service_says_where_widgets_are_if_the_script_does_not(
    way: str, noisy: Tab, serve: Serve
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    text = service.get("/embed.js").text
    assert "</script" not in text
    tag = WAYS_TO_LOAD[way].format(service=service.url, text=text, json=json.dumps(text))
    record = "<script>messages = []; console.error = (text) => messages.push(text)</script>"
    with host(tag, record, files={"/copy.js": text}) as url:
        noisy.goto(url)
        errors, messages = run(
            noisy,
            f"""
            const element = make({{ service: "{service.url}/" }});
            await displayed(element);
            const other = make({{}});
            await until(() => other.counts.error);
            return [[element.counts.error, other.counts.error], messages];
            """,
        )
    assert errors == [0, 1]
    assert messages == ["cabinet-widget: set service=URL"]


@in_webkit_too
def test_a_tag_with_the_whole_script_in_it_shows_its_widget(opened: Tab, serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    text = service.get("/embed.js").text
    tag = f"<script data-service={service.url} data-account=main data-widget=bonus>{text}</script>"
    with host(tag) as url:
        opened.goto(url)
        assert run(opened, "await displayed(elements()[0]); return elements().length") == 1


@in_webkit_too
def test_tags_of_two_services_and_elements_each_have_their_own(opened: Tab, serve: Serve) -> None:
    one = serve(accounts={"one": EVERYTHING})
    two = serve(accounts={"two": EVERYTHING})
    body = (
        f"<script src='{one.url}/embed.js' data-account=one data-widget=balance></script>"
        f"<script src='{two.url}/embed.js' data-account=two data-widget=balance></script>"
        "<cabinet-widget account=one widget=lots></cabinet-widget>"
        f"<cabinet-widget account=two widget=lots service={two.url}></cabinet-widget>"
    )
    with host(body) as url:
        opened.goto(url)
        frames = run(
            opened,
            """
            for (const element of elements()) {
              element.scrollIntoView();
              await displayed(element);
            }
            return elements().map((e) => new URL(frame(e).src).origin);
            """,
        )
    assert frames == [one.url, two.url, one.url, two.url]


CHANGES_OF_COLOR = {
    "class": "document.body.className = 'dark'",
    "transition": "document.body.className = 'slow dark'",
    "rule": "document.styleSheets[0].insertRule('body { color: #eee }', 2)",
    "ancestor": "document.querySelector('main').style.color = '#eee'",
}


@in_webkit_too
@pytest.mark.parametrize("change", CHANGES_OF_COLOR)
def test_a_widget_follows_the_text_color_however_it_changes(
    change: str, opened: Tab, serve: Serve
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    style = (
        "<style>body { color: #111 } .dark { color: #eee } "
        ".slow { transition: color 200ms }</style>"
    )
    element = "<cabinet-widget account=main widget=balance></cabinet-widget>"
    with host(f"{loader(service)}<main>{element}</main>", style) as url:
        opened.goto(url)
        hashes = run(
            opened,
            f"""
            const [element] = elements();
            await displayed(element);
            const before = new URL(frame(element).src).hash;
            {CHANGES_OF_COLOR[change]};
            await until(() => frame(element).src.endsWith("#dark") && isDisplayed(element));
            return [before, frame(element).style.colorScheme];
            """,
        )
    assert hashes == ["#light", "dark"]


def test_a_widget_follows_a_page_that_has_nothing_but_a_media_query(
    browser: Browser, serve: Serve
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    style = "<style>@media (prefers-color-scheme: dark) { body { color: #eee } }</style>"
    element = "<cabinet-widget account=main widget=balance></cabinet-widget>"
    with host(loader(service) + element, style) as url, tab(browser, color_scheme="light") as page:
        page.goto(url)
        page.locator("cabinet-widget iframe[src$='#light']").wait_for()
        page.emulate_media(color_scheme="dark")
        page.locator("cabinet-widget iframe[src$='#dark']").wait_for()


@in_webkit_too
def test_light_text_means_a_dark_page_in_every_usual_notation(opened: Tab, serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    expected = {
        "#eee": "#dark",
        "#555": "#light",
        "hsl(0 0% 90%)": "#dark",
        "oklch(0.9 0 0)": "#dark",
        "oklch(0.3 0 0)": "#light",
        "color(srgb 0.9 0.9 0.9)": "#dark",
        "color(display-p3 0.3 0.3 0.3)": "#light",
    }
    with host(loader(service)) as url:
        opened.goto(url)
        hashes = run(
            opened,
            f"""
            const made = {json.dumps([*expected])}.map((color) =>
              make({{ style: `color: ${{color}}`, loading: "eager" }}));
            await until(() => made.every(frame));
            return made.map((element) => new URL(frame(element).src).hash);
            """,
        )
    assert dict(zip(expected, hashes, strict=True)) == expected


@in_webkit_too
def test_sizes_that_are_no_pixels_are_ignored(opened: Tab, serve: Serve) -> None:
    service = serve(accounts={"main": EVERYTHING})
    usual = WIDGETS["open-trades"].pixels(Options())
    expected = {
        "height=700": 700,
        "height=700px": 700,
        "height=100%": usual,
        "height=auto": usual,
        "height=-5": usual,
        "height=": usual,
        "rows=abc": usual,
        "rows=": usual,
        "rows=3": WIDGETS["open-trades"].pixels(Options(rows=3)),
        "rows=500": WIDGETS["open-trades"].pixels(Options(rows=100)),
        "title=0": WIDGETS["open-trades"].pixels(Options(title=False)),
    }
    with host(loader(service)) as url:
        opened.goto(url)
        heights = run(
            opened,
            f"""
            const all = {json.dumps([given.split("=") for given in expected])};
            const made = all.map(([name, value]) =>
              make({{ widget: "open-trades", loading: "eager", [name]: value }}));
            await until(() => made.every(frame));
            return made.map((element) => element.offsetHeight);
            """,
        )
    assert dict(zip(expected, heights, strict=True)) == expected


@in_webkit_too
def test_a_hidden_element_is_not_displayed_and_a_style_that_is_reset_changes_nothing(
    opened: Tab, serve: Serve
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    with host(loader(service)) as url:
        opened.goto(url)
        heights = run(
            opened,
            """
            const element = make({ style: "display:block;min-height:222px" });
            await displayed(element);
            const first = frame(element);
            const heights = [element.offsetHeight];
            element.hidden = true;
            heights.push(element.offsetHeight);
            element.hidden = false;
            element.removeAttribute("style"); // as libraries that patch the document do
            await pause();
            heights.push(element.offsetHeight, frame(element) === first);
            return heights;
            """,
        )
    height = WIDGETS["balance"].height
    assert heights == [height, 0, height, True]


@in_webkit_too
def test_a_restored_page_does_not_multiply_the_widget_of_a_tag(opened: Tab, serve: Serve) -> None:
    """As Turbo restores pages: from a copy, in which it runs the scripts again."""
    service = serve(accounts={"main": EVERYTHING})
    tag = f"<script src='{service.url}/embed.js' data-account=main data-widget=balance></script>"
    with host(tag) as url:
        opened.goto(url)
        count = run(
            opened,
            """
            await displayed(elements()[0]);
            const copy = document.body.cloneNode(true);
            document.body.replaceWith(copy);
            for (const script of copy.querySelectorAll("script")) {
              const again = document.createElement("script");
              for (const { name, value } of script.attributes) again.setAttribute(name, value);
              script.replaceWith(again);
            }
            await displayed(elements()[0]);
            await pause();
            return elements().length;
            """,
        )
    assert count == 1


@in_webkit_too
def test_an_element_in_a_shadow_tree_has_the_language_of_the_page(
    opened: Tab, serve: Serve
) -> None:
    service = serve(accounts={"main": EVERYTHING})
    with host(loader(service) + "<div id=outside></div>", lang="pt_BR") as url:
        opened.goto(url)
        lang = run(
            opened,
            """
            const element = make({}, outside.attachShadow({ mode: "open" }));
            await displayed(element);
            return new URL(frame(element).src).searchParams.get("lang");
            """,
        )
    assert lang == "pt_BR"


def assert_error_and_link(noisy: Tab, service: Service, origin: str) -> None:
    """Check what an element shows whose frame, from an origin, shows nothing."""
    with host(loader(service)) as url:
        noisy.goto(url)
        seen = run(
            noisy,
            f"""
            const attributes = {{ service: "{origin}", label: "My account" }};
            const element = make({{ ...attributes, token: "secret" }});
            element.append(" "); // a line break is no fallback
            const own = make(attributes);
            own.innerHTML = "<b>My own</b>";
            let code;
            element.addEventListener("cabinet-widget:error", (event) => (code = event.detail.code));
            await until(() => element.counts.error && own.counts.error);
            const link = element.querySelector("a");
            return [code, link.textContent, link.href.split("#")[0], link.offsetHeight > 0,
              own.querySelector("a"), own.querySelector("b").offsetHeight > 0];
            """,
        )
    assert seen[:2] == ["not_shown", "My account"]
    assert seen[2].split("?")[0] == f"{origin}/w/main/balance"
    assert "secret" not in seen[2]
    assert seen[3:] == [True, None, True]


@in_webkit_too
def test_a_frame_that_this_page_may_not_have_is_an_error_event_and_a_link(
    noisy: Tab, serve: Serve
) -> None:
    closed = {"login": 1000001, "access": "closed", "viewer_password_hash": PASSWORD_HASH}
    service = serve(accounts={"main": closed})
    assert_error_and_link(noisy, service, service.url)


@in_webkit_too
def test_a_frame_that_is_no_widget_is_an_error_event_and_a_link(noisy: Tab, serve: Serve) -> None:
    with host("") as other:
        assert_error_and_link(noisy, serve(), other)


@pytest.mark.parametrize("tabs", ["chromium"], indirect=True, scope="module")
def test_a_frame_that_cannot_be_reached_is_an_error_event_and_a_link(
    noisy: Tab, serve: Serve
) -> None:
    """In Firefox and WebKit, such a frame fires no event at all."""
    with host("") as other:
        pass
    assert_error_and_link(noisy, serve(), other)


@in_webkit_too
def test_the_documented_script_reports_a_service_that_cannot_be_reached(
    noisy: Tab, serve: Serve
) -> None:
    service = serve()
    docs = Path(__file__).parent.parent / "docs" / "embedding.md"
    text = docs.read_text(encoding="utf-8")
    _, _, section = text.partition("## A service that cannot be reached")
    documented = section.partition("<script>")[2].partition("</script>")[0]
    assert documented.count("15000") == 1
    sooner = json.dumps(documented.replace("15000", "50"))
    with host("") as gone:
        pass
    widget = "<cabinet-widget account=main widget=balance{}><a href=/>Balance</a></cabinet-widget>"
    unreachable = widget.format(f" service={gone}")
    body = unreachable + widget.format("") + "<p style='height: 9000px'></p>" + unreachable
    with host(loader(service) + body) as url:
        noisy.goto(url)
        seen = run(
            noisy,
            f"""
            const [away, near, far] = elements();
            await displayed(near);
            const found = new Set();
            addEventListener("cabinet-widget:error", ({{ target, detail }}) =>
              found.add(`${{elements().indexOf(target)}} ${{detail.code}}`));
            const script = document.createElement("script");
            script.textContent = {sooner};
            document.body.append(script);
            await until(() => found.size);
            await pause();
            return [...found];
            """,
        )
    assert seen == ["0 not_shown"]
