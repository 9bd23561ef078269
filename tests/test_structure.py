"""Promises about the code: the direction of imports and what templates may do."""

import ast
import configparser
import re
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from widget import paths

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "widget"

# A module imports only from layers above its own line.
LAYERS = """
errors paths names colour transport single_flight locks
privacy cache
config_values config_secrets
config_mistakes
config records tokens i18n response_cache svg
dialects parsing totals format
client delay growth chart metrics logs
guard
source
spec
widgets
registry
view
render access assets headers picture
snippet
oembed studio
web
app
server check demo
cli
"""
SANDBOX = {"sandbox_api", "sandbox_book"}
LAYER = {
    name: number for number, line in enumerate(LAYERS.strip().splitlines()) for name in line.split()
}


def imported(source: str) -> set[str]:
    """The modules of the package that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module == "widget":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("widget."):
            found.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {
                alias.name.split(".")[1] for alias in node.names if alias.name.startswith("widget.")
            }
    return found - {"__version__"}


def upward(module: str, source: str) -> set[str]:
    """The imports of a module that go the wrong way."""
    return {
        name for name in imported(source) if LAYER.get(name, 99) >= LAYER[module] and module != name
    }


def modules() -> list[tuple[str, Path]]:
    """All modules except the sandbox, each with the layer that it belongs to."""
    files = [
        path
        for path in PACKAGE.rglob("*.py")
        if path.stem not in ("__init__", "__main__", *SANDBOX)
    ]
    packages = ("widgets", "web")
    return [
        (path.parent.name if path.parent.name in packages else path.stem, path) for path in files
    ]


@pytest.mark.parametrize(
    ("module", "path"), modules(), ids=lambda value: getattr(value, "stem", value)
)
def test_modules_import_only_from_lower_layers(module: str, path: Path) -> None:
    allowed = SANDBOX if module in ("cli", "demo") else set()
    assert upward(module, path.read_text()) - allowed == set()


def test_an_import_that_goes_up_is_seen() -> None:
    assert upward("client", "from widget.web.service import Service") == {"web"}
    assert upward("client", "from widget import app") == {"app"}
    assert upward("client", "import widget.cli") == {"cli"}
    assert upward("client", "from widget.config import Api") == set()


def test_the_sandbox_imports_nothing_of_the_rest_and_only_cli_and_demo_import_it() -> None:
    for name in SANDBOX:
        assert imported((PACKAGE / f"{name}.py").read_text()) <= SANDBOX
    importers = {path.stem for _, path in modules() if imported(path.read_text()) & SANDBOX}
    assert importers == {"cli", "demo"}


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


def test_every_line_of_python_has_a_home_in_a_layer() -> None:
    assert {module for module, _ in modules()} <= set(LAYER)


def test_no_template_turns_escaping_off() -> None:
    for path in paths.templates().rglob("*.html"):
        text = path.read_text()
        assert "autoescape" not in text, path
        assert "|safe" not in text.replace('_("As of %(time)s")|safe', ""), path
