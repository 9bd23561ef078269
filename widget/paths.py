"""Where templates and static files are: next to the package in a checkout, inside it in a wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _find(name: str, marker: str) -> Path:
    """The folder of a name that contains a certain file."""
    in_wheel = _PACKAGE / name
    in_checkout = _PACKAGE.parent / name
    for folder in (in_wheel, in_checkout):
        # There may be another folder of this name: in a wheel, the second is site-packages/static.
        marker_file = folder / marker
        if marker_file.is_file():
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
