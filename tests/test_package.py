"""The packages: built, complete, and the wheel installed and run from another folder."""

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
import yaml

import widget

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


# Any moment after 1980, when the time of zip files begins.
BUILT_AT = {"SOURCE_DATE_EPOCH": "1700000000"}


def build(folder: Path, *options: str | Path) -> None:
    """Build packages of the project in a folder. A warning is an error."""
    # With the installed setuptools: an environment for each build takes longer than the build.
    command = [sys.executable, "-W", "error", "-m", "build", "--no-isolation", *options, folder]
    env = {**os.environ, **BUILT_AT}
    subprocess.run(command, check=True, capture_output=True, env=env)


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archive, and the wheel that is built from it as for a release."""
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, "--outdir", folder)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    """The wheel."""
    [built] = dist.glob("cabinet_widgets-*.whl")
    return built


@pytest.fixture(scope="module")
def sources(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked source archive."""
    [archive] = dist.glob("cabinet_widgets-*.tar.gz")
    folder = tmp_path_factory.mktemp("sources")
    with tarfile.open(archive) as file:
        # Python 3.11.2, which Debian 12 has, knows no filters.
        file.extraction_filter = getattr(tarfile, "data_filter", None)
        file.extractall(folder)
    [unpacked] = folder.iterdir()
    return unpacked


FOLDERS = (
    ".ci",
    ".github",
    "docs",
    "static",
    "templates",
    "tests",
    "widget",
    "wordpress-shortcode",
)


def test_the_source_archive_is_complete(sources: Path) -> None:
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".pyc":
                assert (sources / path.relative_to(ROOT)).is_file(), path
    for name in ("Makefile", "MANIFEST.in", "CHANGELOG.md", "CONTRIBUTING.md", "pyproject.toml"):
        assert (sources / name).is_file(), name


def test_the_same_sources_result_in_the_same_wheel(
    sources: Path, wheel: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(sources, elsewhere, copy_function=shutil.copy)  # with new times
    build(elsewhere, "--wheel", "--outdir", tmp_path)
    [again] = tmp_path.glob("*.whl")
    assert again.read_bytes() == wheel.read_bytes()


def test_the_version_is_defined_once(wheel: Path) -> None:
    assert wheel.name.split("-")[1] == widget.__version__
    assert widget.__version__ not in (ROOT / "setup.cfg").read_text()
    assert widget.__version__ not in (ROOT / "pyproject.toml").read_text()


def test_the_metadata_name_the_license_and_every_python_that_is_tested(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        [name] = [name for name in file.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(file.read(name))
    assert metadata["License-Expression"] == "MIT AND OFL-1.1"
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())
    tested = workflow["jobs"]["tests"]["strategy"]["matrix"]["python"]
    for version in tested:
        classifier = f"Programming Language :: Python :: {version}"
        assert classifier in metadata.get_all("Classifier", [])
    assert metadata["Requires-Python"] == f">={tested[0]}"


def test_workflows_use_fixed_actions_and_few_permissions() -> None:
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        workflow = yaml.safe_load(path.read_text())
        assert workflow["permissions"] in ({}, {"contents": "read"})
        used = re.findall(r"uses: (\S+)", path.read_text())
        assert used
        for action in used:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action), action


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
    assert ran.stdout.split() == ["15", "404", "True", "200", "True", "True"], ran.stderr
    version = subprocess.run(
        [environment / "bin" / "cabinet-widgets", "--version"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert version.stdout.startswith("cabinet-widgets, version ")
