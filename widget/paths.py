"""Where templates and static files are: next to the package in a checkout, inside it in a wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _find(name: str, marker: str) -> Path:
    for folder in (_PACKAGE / name, _PACKAGE.parent / name):
        if (folder / marker).is_file():
            return folder
    raise FileNotFoundError(
        f"{name}/{marker} is neither in {_PACKAGE} nor next to it: reinstall cabinet-widgets"
    )


def templates() -> Path:
    """The folder of the Jinja templates."""
    return _find("templates", "page.html")


def static() -> Path:
    """The folder of the scripts, the style sheets and the other files for the browser."""
    return _find("static", "embed.js")


def locales() -> Path:
    """The folder of the gettext catalogues, one ``XX.po`` per language."""
    return _PACKAGE / "locale"
