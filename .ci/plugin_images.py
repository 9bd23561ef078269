"""Draws the images of the WordPress plugin directory from their SVG files.

usage: PYTHONPATH=tests python .ci/plugin_images.py

The directory wants icons and banners as PNG in two sizes. The screenshots next to them come from
tests/wordpress/test_wordpress_browser.py, which leaves them in the folder CABINET_TEST_SHOTS.
"""

from pathlib import Path

from browsers import chromium

FOLDER = Path(__file__).resolve().parent.parent / "wordpress-shortcode" / "directory"
SIZES = {"icon": ((128, 128), (256, 256)), "banner": ((772, 250), (1544, 500))}


def main() -> None:
    """Write all images."""
    with chromium() as browser:
        for name, sizes in SIZES.items():
            drawing = (FOLDER / f"{name}.svg").read_text()
            for width, height in sizes:
                page = browser.new_page(viewport={"width": width, "height": height})
                page.set_content(f"<style>body{{margin:0}}svg{{display:block}}</style>{drawing}")
                target = FOLDER / f"{name}-{width}x{height}.png"
                page.screenshot(path=target, omit_background=True)
                page.close()


if __name__ == "__main__":
    main()
