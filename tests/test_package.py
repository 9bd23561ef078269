"""The wheel: built, installed into an empty environment, and run from another folder."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PROGRAM = """
from pathlib import Path
import widget
from widget import app, config, paths
from widget.render import i18n
from widget.widgets import registry
assert Path(widget.__file__).is_relative_to(Path(r"{venv}")), widget.__file__
widgets = registry.discover()
raw = {{"accounts": {{"main": {{"login": 1, "lang": "fr"}}}}}}
settings = config.parse(raw, {{}}, widgets, folder=Path(), demo=False)
client = app.create_app(settings).test_client()
page, loader = client.get("/w/main/nothing?lang=fr"), client.get("/embed.js")
print(len(widgets), page.status_code, "lang=\\"fr\\"" in page.text)
print(loader.status_code, "cabinet-widget" in loader.text)
print("fr" in i18n.load_catalogues(paths.locales()).languages)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source archive as for a release, without leftover files."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "build", "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    [built] = folder.glob("cabinet_widgets-*.whl")
    return built


def test_the_wheel_contains_the_package_its_templates_and_static_files_and_nothing_else(
    wheel: Path,
) -> None:
    files = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    for folder in ("widget", "templates", "static"):
        inside = "" if folder == "widget" else "widget/"
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                assert f"{inside}{path.relative_to(ROOT).as_posix()}" in files, path
    assert "widget/py.typed" in files
    assert {name.partition("/")[0] for name in files} == {"widget"}


def test_the_installed_wheel_serves_a_page_the_loader_and_a_catalogue(
    wheel: Path, tmp_path: Path
) -> None:
    environment = tmp_path / "venv"
    venv.create(environment)
    python = environment / "bin" / "python"
    # This environment's pip installs into the other one, which saves copying pip into it.
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python]
    subprocess.run(
        [*pip, "install", "--quiet", "--no-compile", wheel], check=True, capture_output=True
    )
    program = PROGRAM.format(venv=environment)
    ran = subprocess.run([python, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert ran.stdout.split() == ["10", "404", "True", "200", "True", "True"], ran.stderr
    version = subprocess.run(
        [environment / "bin" / "cabinet-widgets", "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert version.stdout.startswith("cabinet-widgets, version ")
