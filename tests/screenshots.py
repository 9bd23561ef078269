"""Makes the pictures of the README anew, from the simulated API: `make screenshots`."""

from datetime import UTC, datetime
from pathlib import Path

from browsers import EVERYTHING, WIDGETS, chromium
from conftest import Clock, serving
from playwright.sync_api import Browser

from widget import app, config
from widget.sandbox_api import create_sandbox, serve_sandbox

GALLERY = Path(__file__).parent / "gallery"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()
"""The same moment for ever, so that a picture changes only where the looks do."""


def shoot(browser: Browser, url: str) -> None:
    """Every widget, light and dark, and the studio."""
    page = browser.new_page(viewport={"width": 480, "height": 800})
    for name, widget in WIDGETS.items():
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            page.goto(f"{url}/w/main/{name}" + "?rows=4" * bool(widget.default_rows))
            page.locator("#w").screenshot(path=GALLERY / f"{name}-{theme}.png")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1200, "height": 900})
    page.goto(f"{url}/?widget=growth")
    page.frame_locator("iframe").locator("#w").wait_for()
    page.wait_for_timeout(300)  # until the loader shows it
    page.screenshot(path=GALLERY / "studio.png")


def main() -> None:
    """Fill the folder `gallery` beside this file."""
    GALLERY.mkdir(exist_ok=True)
    clock = Clock(NOON)
    with serve_sandbox(create_sandbox(clock=clock)) as upstream:
        tables = {
            "api": {"base_url": upstream},
            "server": {"studio": True, "public_url": "https://widgets.example.com"},
            "accounts": {"main": EVERYTHING},
        }
        settings = config.parse(tables, {}, WIDGETS, folder=Path(), demo=True)
        with serving(app.create_app(settings, clock=clock)) as url, chromium() as browser:
            shoot(browser, url)


if __name__ == "__main__":
    main()
