"""The structure of the code: direction of imports, declared dependencies, rules of templates."""

import ast
import configparser
import re
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from widget import paths

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "widget"

# A figure enters through api, is cached in data, becomes a widget, is drawn by render and leaves
# through web. A package imports only from those to its left, and from the modules at the root.
PACKAGES = ("api", "data", "widgets", "render", "web")
ROOT_MODULES = {"errors", "names", "privacy", "config", "paths", "single_flight"}
"""Every package may import these; they import each other only."""
AT_THE_TOP = {"app", "cli", "check", "server", "setup", "supervisor", "__main__"}
"""They put everything together. No package imports them, except the sandbox's demonstration."""


def imported(source: str) -> set[str]:
    """The packages and root modules of the project that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "widget":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("widget."):
            found.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.Import):
            names = (alias.name.split(".") for alias in node.names)
            found |= {name[1] for name in names if name[0] == "widget" and len(name) > 1}
    return found - {"__version__"}


def allowed(home: str) -> set[str]:
    """What the modules of a package, or a root module, may import."""
    if home in PACKAGES:
        return {*PACKAGES[: PACKAGES.index(home) + 1], *ROOT_MODULES}
    return ROOT_MODULES


def modules(home: str) -> list[Path]:
    """The modules of a package, or the root module of that name."""
    folder = PACKAGE / home
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{home}.py"]


@pytest.mark.parametrize("home", [*PACKAGES, *sorted(ROOT_MODULES)])
def test_a_package_imports_only_from_those_to_its_left(home: str) -> None:
    for path in modules(home):
        assert imported(path.read_text()) <= allowed(home), path


def test_an_import_in_the_wrong_direction_is_found() -> None:
    assert imported("from widget.web.service import Service") == {"web"}
    assert imported("from widget import app, __version__") == {"app"}
    assert imported("import widget.render.svg") == {"render"}
    assert "web" not in allowed("api")
    assert "api" not in allowed("config")


def test_the_simulated_api_imports_no_other_package() -> None:
    for name in ("book", "api"):
        assert imported((PACKAGE / "sandbox" / f"{name}.py").read_text()) <= {"sandbox"}


def test_every_module_is_in_a_package_or_at_the_root() -> None:
    packages = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    files = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert packages | files == {*PACKAGES, "sandbox", *ROOT_MODULES, *AT_THE_TOP}


DISTRIBUTIONS = packages_distributions()


def normalized(name: str) -> str:
    """The name of a distribution as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported_distributions(source: str) -> set[str]:
    """The distributions of other projects that a module imports directly."""
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
    top_levels = {module.partition(".")[0] for module in modules} - {"widget"}
    return {normalized(name) for module in top_levels for name in DISTRIBUTIONS.get(module, ())}


def declared_distributions(section: str, key: str) -> set[str]:
    """The distributions that setup.cfg declares under a key."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    names = (re.match(r"[\w.-]+", line) for line in setup[section][key].split())
    return {normalized(name[0]) for name in names if name}


def test_setup_cfg_declares_every_distribution_that_is_imported() -> None:
    assert imported_distributions("import jwt, re\nfrom flask_caching.backends import base") == {
        "pyjwt",
        "flask-caching",
    }
    declared = declared_distributions("options", "install_requires")
    for path in PACKAGE.rglob("*.py"):
        assert imported_distributions(path.read_text()) <= declared, path
    declared |= declared_distributions("options.extras_require", "test")
    for path in (ROOT / "tests").rglob("*.py"):
        assert imported_distributions(path.read_text()) <= declared, path


def test_no_template_turns_escaping_off() -> None:
    for path in paths.templates().rglob("*.html"):
        text = path.read_text()
        assert "autoescape" not in text, path
        assert "|safe" not in text, path
