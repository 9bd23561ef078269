"""Takes the pictures of the gallery from the simulated API: `make screenshots`.

It uses helpers of the tests, so `tests` has to be on PYTHONPATH.
"""

from datetime import UTC, datetime
from pathlib import Path

from accounts import EVERYTHING, WIDGETS
from browsers import chromium
from conftest import Clock, serving
from playwright.sync_api import Browser

from widget import app, config
from widget.sandbox.api import create_sandbox, serve_sandbox

GALLERY = Path(__file__).parent.parent / "docs" / "gallery"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
"""Always the same instant, so that a picture changes only if the appearance does."""


def take_pictures(browser: Browser, url: str) -> None:
    """Every widget, light and dark, and the studio."""
    page = browser.new_page(viewport={"width": 480, "height": 800})
    for name, widget in WIDGETS.items():
        rows = "?rows=4" if widget.default_rows else ""
        if name == "operations":
            rows += "&period=all"  # few of them are recent
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            page.goto(f"{url}/w/main/{name}{rows}")
            page.locator("#w").screenshot(path=GALLERY / f"{name}-{theme}.png")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1200, "height": 900})
    page.goto(f"{url}/?widget=growth")
    page.frame_locator("iframe").locator("#w").wait_for()
    page.wait_for_timeout(300)  # until the loader makes the frame visible
    page.screenshot(path=GALLERY / "studio.png")


def main() -> None:
    """Start the simulated API and the service, and fill docs/gallery."""
    clock = Clock(NOON)
    with serve_sandbox(create_sandbox(clock=clock)) as upstream:
        tables = {
            "api": {"base_url": upstream},
            "server": {"studio": True, "public_url": "https://widgets.example.com"},
            "accounts": {"main": EVERYTHING},
        }
        settings = config.parse(tables, {}, WIDGETS, folder=Path(), demo=True)
        with serving(app.create_app(settings, clock=clock)) as url, chromium() as browser:
            take_pictures(browser, url)


if __name__ == "__main__":
    main()
