"""The stylesheets, as browsers of the last years read them."""

import re
from pathlib import Path

import pytest

from widget import paths

STYLESHEETS = sorted(paths.static().glob("*.css"))


@pytest.mark.parametrize("path", STYLESHEETS, ids=lambda path: path.name)
def test_no_colour_needs_a_function_that_browsers_of_2023_do_not_have(path: Path) -> None:
    rules = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    # Chromium 123 and Safari 17.5 were the first ones with light-dark().
    assert "light-dark(" not in rules


def test_the_dark_colours_are_the_same_by_theme_and_by_system() -> None:
    rules = (paths.static() / "widget.css").read_text(encoding="utf-8")
    by_theme = re.search(r'^  \[data-theme="dark"\] \{(.*?)\}', rules, re.DOTALL | re.MULTILINE)
    by_system = re.search(r'^  \[data-theme="auto"\] \{(.*?)\}', rules, re.DOTALL | re.MULTILINE)
    assert by_theme
    assert by_system
    assert by_theme[1] == by_system[1]
    light = rules[: by_theme.start()]
    for name in re.findall(r"--\w+(?=:)", by_theme[1]):
        assert f"{name}:" in light, name
