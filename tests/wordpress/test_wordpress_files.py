"""The plugin's files: syntax with every installed PHP, style, catalogues, readme and the zip."""

from __future__ import annotations

import json
import re
import stat
import struct
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import plugin_catalogues
import pytest
from plugin_zip import build as build_zip
from programs import CACHE, find_program
from wordpress_site import HERE, PLUGIN, Site, run

SOURCES = sorted(PLUGIN.rglob("*.php"))
HEADER = (PLUGIN / "cabinet-widgets.php").read_text()
README = (PLUGIN / "readme.txt").read_text()
DIRECTORY = PLUGIN.parent / "directory"


def header(name: str, text: str = HEADER) -> str:
    found = re.search(rf"^[ *]*{name}: *(.+)$", text, re.M)
    assert found, name
    return found[1].strip()


def test_every_installed_php_parses_every_file(installed: None) -> None:
    binaries = [
        path for path in Path("/usr/bin").glob("php*") if re.fullmatch(r"php(\d\.\d)?", path.name)
    ]
    assert binaries
    for php in binaries:
        for source in SOURCES:
            done = run([php, "-d", "error_reporting=-1", "-d", "display_errors=1", "-l", source])
            assert done.stdout.strip() == f"No syntax errors detected in {source}", (
                f"{php}: {done.stdout}"
            )


def test_the_oldest_and_the_newest_php_compile_every_file(installed: None) -> None:
    done = run([find_program("node"), HERE / "harness" / "compile.mjs", CACHE, *SOURCES])
    assert done.returncode == 0, done.stdout + done.stderr
    versions = dict(line.split(": ") for line in done.stdout.splitlines())
    assert {version[:3] for version in versions} == {"7.4", "8.4"}
    assert set(versions.values()) == {f"{len(SOURCES)} files compiled"}


def test_the_style_is_followed(installed: None) -> None:
    sniffer = CACHE / "php-codesniffer" / "usr"
    php = [
        "php",
        "-d",
        f"include_path={sniffer / 'share' / 'php'}",
        "-d",
        "error_reporting=E_ALL & ~E_DEPRECATED",
    ]
    checked = [PLUGIN, HERE / "phpunit", HERE / "harness"]
    done = run(
        [*php, sniffer / "bin" / "phpcs", f"--standard={HERE / 'phpcs.xml'}", "-s", *checked]
    )
    assert done.returncode == 0, done.stdout


def test_no_file_does_anything_outside_wordpress(installed: None) -> None:
    for source in SOURCES:
        guard = "WP_UNINSTALL_PLUGIN" if source.name == "uninstall.php" else "ABSPATH"
        assert f"defined( '{guard}' ) || exit;" in source.read_text(), source
        assert run(["php", source]).stdout == "", source


def test_the_catalogues_are_up_to_date_and_complete_in_every_language_of_the_service(
    installed: None, tmp_path: Path
) -> None:
    assert plugin_catalogues.outdated(tmp_path) == []
    catalogues = sorted((PLUGIN / "languages").glob("*.po"))
    languages = {path.stem.removeprefix("cabinet-widgets-")[:2] for path in catalogues}
    assert languages == {path.stem for path in plugin_catalogues.SERVICE.glob("*.po")}
    for path in catalogues:
        done = run(["msgfmt", "--statistics", "-o", "/dev/null", path])
        assert re.search(r"^\d+ translated messages\.$", done.stderr, re.M), done.stderr
    french = PLUGIN / "languages" / "cabinet-widgets-fr_FR-cabinet-widgets-editor.json"
    texts = json.loads(french.read_text())["locale_data"]["messages"]
    assert texts["Account"] == ["Compte"]


def test_all_files_name_the_same_version() -> None:
    version = header("Version")
    assert version == header("Stable tag", README)
    assert f"const VERSION = '{version}';" in HEADER
    assert re.search(rf"^= {re.escape(version)} =$", README, re.M)


def test_the_readme_has_the_form_of_the_plugin_directory() -> None:
    for name in (
        "Contributors",
        "Tags",
        "Requires at least",
        "Tested up to",
        "Requires PHP",
        "Stable tag",
        "License",
    ):
        assert header(name, README)
    assert len(header("Tags", README).split(",")) <= 5
    for name in ("Requires at least", "Requires PHP", "License"):
        assert header(name, README) == header(name)
    sections = re.findall(r"^== (.+) ==$", README, re.M)
    assert sections == [
        "Description", "Installation", "External services", "Frequently Asked Questions", "Screenshots", "Changelog",
        "Upgrade Notice",
    ]  # fmt: skip
    short = README.split("\n\n")[1]
    assert len(short) <= 150
    shots = re.search(r"^== Screenshots ==\n+((?:\d\. .+\n)+)", README, re.M)
    assert shots
    for number in range(1, shots[1].count("\n") + 1):
        assert (DIRECTORY / f"screenshot-{number}.png").exists()


def test_the_images_of_the_plugin_directory_have_its_names_and_sizes() -> None:
    for name in ("icon-128x128", "icon-256x256", "banner-772x250", "banner-1544x500"):
        width, height = name.rpartition("-")[2].split("x")
        header = (DIRECTORY / f"{name}.png").read_bytes()[16:24]
        assert struct.unpack(">II", header) == (int(width), int(height))
    blueprint = json.loads((DIRECTORY / "blueprints" / "blueprint.json").read_text())
    [install] = blueprint["steps"]
    assert install["pluginData"]["slug"] == PLUGIN.name


@pytest.mark.parametrize("option", ["account", "widget", "for", "height", "label", "loading", "theme", "background", "accent",
                                    "lang", "tz", "title", "refresh", "rows", "period", "from", "to", "group", "switch",
                                    "month", "by"])  # fmt: skip
def test_the_readme_names_every_attribute(option: str) -> None:
    assert f"`{option}`" in README


def test_the_zip_is_reproducible_and_contains_nothing_else(tmp_path: Path) -> None:
    build_zip(tmp_path / "one.zip")
    subprocess.run(["touch", PLUGIN / "cabinet-widgets.php"], check=True)
    build_zip(tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        names = archive.namelist()
        assert all(stat.S_IMODE(info.external_attr >> 16) == 0o644 for info in archive.infolist())
    assert names == sorted(names)
    assert {name.split("/")[0] for name in names} == {"cabinet-widgets"}
    assert "cabinet-widgets/cabinet-widgets.php" in names
    assert "cabinet-widgets/languages/cabinet-widgets-fr_FR.mo" in names
    assert not [
        name
        for name in names
        if "/." in name or "test" in name.lower() or name.endswith(("~", ".py", ".png", ".svg"))
    ]


def test_the_zip_unpacked_into_a_plain_wordpress_is_a_plugin_that_activates(
    build: Callable[..., Site], tmp_path: Path
) -> None:
    build_zip(tmp_path / "cabinet-widgets.zip")
    site = build("oldest", None)
    with zipfile.ZipFile(tmp_path / "cabinet-widgets.zip") as archive:
        archive.extractall(site.content / "plugins")
    activated = site.eval(
        "echo json_encode( array( activate_plugin( 'cabinet-widgets/cabinet-widgets.php', '', false, false ),"
        " is_plugin_active( 'cabinet-widgets/cabinet-widgets.php' ) ) );"
    )
    assert json.loads(activated) == [None, True]
    assert site.log() == ""
