"""What the browser tests share: Chromium, tabs that fail on complaints, host pages, and axe."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conftest import serving
from playwright.sync_api import Browser, Page, Playwright, sync_playwright
from programs import CACHE, find_program

HEADLESS_CHROMIUM = "chromium-headless-shell"
"""Chromium's engine without its windows: the same pages in less time."""

WIDTHS = (240, 320, 480, 640, 960)
QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
]

# axe cannot determine the contrast of texts in SVG and of arrows; layout.js checks these. Nor that
# of a tooltip whose lines lie over different things, although it has a background of its own.
AXE = """async () => {
  document.documentElement.style.backgroundColor ||= "Canvas";
  const options = { resultTypes: ["violations", "incomplete"] };
  const { violations, incomplete } = await axe.run(document, options);
  const unsure = incomplete.filter(({ id }) => id === "color-contrast");
  return [...violations, ...unsure].flatMap(({ id, nodes }) =>
    nodes
      .map(({ html, any, all, none }) => [html, [...any, ...all, ...none]])
      .map(([html, checks]) => [html, checks.map(({ message }) => message).join("; ")])
      .filter(([, why]) => !/only non-text|contains an image node|content is too short/.test(why))
      .filter(([html, why]) => !(html.includes('class="tip"') && /partially overlaps/.test(why)))
      .map(([html, why]) => `${id}: ${html.slice(0, 120)} (${why.slice(0, 300)})`));
}"""

COUNT_SHIFTS = """
window.shift = 0;
const sumShifts = (list) => list.getEntries().forEach((entry) => (window.shift += entry.value));
new PerformanceObserver(sumShifts).observe({ type: "layout-shift", buffered: true });
"""
"""A script that adds up the layout shifts of a page in ``window.shift``."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium outside the tests, which have the fixture ``browser``."""
    with sync_playwright() as playwright, launched(playwright) as browser:
        yield browser


@contextmanager
def launched(
    playwright: Playwright, program: str = HEADLESS_CHROMIUM, *without: str
) -> Iterator[Browser]:
    """Start Chromium, without some of the arguments that Playwright adds by default."""
    browser = playwright.chromium.launch(
        executable_path=find_program(program),
        args=QUIET,
        ignore_default_args=list(without),
        chromium_sandbox=False,
    )
    yield browser
    browser.close()


@contextmanager
def tab(browser: Browser, width: int = 1100, height: int = 900, **more: Any) -> Iterator[Page]:
    """A page in its own context; the test fails on any complaint in its console."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale="en-GB", **more
    )
    page = context.new_page()
    complaints: list[str] = []
    page.on(
        "console", lambda m: complaints.append(m.text) if is_complaint(m.type, m.text) else None
    )
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert not complaints, complaints


def is_complaint(type: str, text: str) -> bool:
    """Whether a message in the console is a complaint.

    Chromium reports every failed request, but the tests cause some on purpose. It also warns about
    the sandbox of a frame with the page's own origin, which only the studio and the demo have.
    """
    return (
        type != "log"
        and "Failed to load resource" not in text
        and "can escape its sandboxing" not in text
    )


@contextmanager
def host(
    body: str,
    head: str = "",
    headers: Mapping[str, str] | None = None,
    lang: str = "en",
    files: Mapping[str, str] | None = None,
) -> Iterator[str]:
    """Serve a host page on its own origin, the same at every path but those of scripts."""
    icon = "<link rel=icon href='data:,'>"
    html = f"<!doctype html><html lang='{lang}'><head><title>Host</title>{icon}{head}</head>"

    def page(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        script = (files or {}).get(environ["PATH_INFO"])
        if script is not None:
            start_response("200 OK", [("Content-Type", "text/javascript; charset=utf-8")])
            return [script.encode()]
        start_response(
            "200 OK", [("Content-Type", "text/html; charset=utf-8"), *(headers or {}).items()]
        )
        return [f"{html}<body>{body}</body></html>".encode()]

    with serving(page) as url:
        yield url


def script(name: str, folder: Path | None = None) -> str:
    """The text of a script next to the tests."""
    return ((folder or Path(__file__).parent) / name).read_text(encoding="utf-8")


def findings(page: Page) -> list[str]:
    """What axe-core finds in the open page, which gets a background because it is transparent."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(script("axe.min.js", CACHE / "node_modules" / "axe-core"))
    found = page.evaluate(AXE)
    assert isinstance(found, list)
    return found
