"""Checks the WordPress plugin with the WordPress Coding Standards and with Plugin Check.

usage: PYTHONPATH=tests:.ci python tests/wordpress/plugin_standards.py FOLDER

No registry has these programs, so they are not part of the tests. FOLDER contains checkouts of
their repositories, under the names that REPOSITORIES lists. Both programs check what would be
in the zip. The exit code is 1 if there are findings.
"""

import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from plugin_zip import build as build_zip
from programs import CACHE
from wordpress_site import HERE, Site

REPOSITORIES = {
    "PHP_CodeSniffer": "PHPCSStandards/PHP_CodeSniffer, 3.13",
    "PHPCSUtils": "PHPCSStandards/PHPCSUtils",
    "PHPCSExtra": "PHPCSStandards/PHPCSExtra",
    "WordPress-Coding-Standards": "WordPress/WordPress-Coding-Standards",
    "VIP-Coding-Standards": "Automattic/VIP-Coding-Standards",
    "plugin-check": "WordPress/plugin-check",
    "wordpress-plugin-readme-parser": "afragen/wordpress-plugin-readme-parser",
}
STANDARDS = ("PHPCSUtils", "PHPCSExtra", "WordPress-Coding-Standards")
OLDEST_WORDPRESS = "6.4"
# WPCS 3.1 uses what PHP has deprecated since.
QUIET = "error_reporting=E_ALL & ~E_DEPRECATED"


def coding_standards(folder: Path, plugin: Path) -> str:
    """The findings of the WordPress Coding Standards; empty if there are none."""
    paths = ",".join(str(folder / name) for name in STANDARDS)
    command = [
        "php",
        "-d",
        QUIET,
        folder / "PHP_CodeSniffer" / "bin" / "phpcs",
        "-q",
        "-s",
        *("--runtime-set", "installed_paths", paths),
        *("--runtime-set", "minimum_wp_version", OLDEST_WORDPRESS),
        "--standard=WordPress",
        "--extensions=php",
        "--report=emacs",
        plugin,
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() + done.stderr.strip()


def plugin_check(folder: Path, plugin: Path) -> tuple[list[str], str]:
    """The findings of Plugin Check, and the names of its checks that ran."""
    with tempfile.TemporaryDirectory(dir=CACHE) as root:
        site = Site(Path(root), "newest", None)
        printed = site.php(HERE / "harness" / "plugin_check.php", folder, plugin)
        log = site.log()
    assert printed.strip(), log
    *findings, checks = printed.strip().splitlines()
    return findings, checks


def main() -> int:
    """Print the findings; returns the exit code."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(sys.argv[1]).resolve()
    missing = [name for name in REPOSITORIES if not (folder / name).is_dir()]
    for name in missing:
        print(f"{folder / name} is missing: check out {REPOSITORIES[name]} there.", file=sys.stderr)
    if missing:
        return 2
    with tempfile.TemporaryDirectory() as unpacked:
        build_zip(Path(unpacked) / "plugin.zip")
        with zipfile.ZipFile(Path(unpacked) / "plugin.zip") as archive:
            archive.extractall(unpacked)
        plugin = Path(unpacked) / "cabinet-widgets"
        style = coding_standards(folder, plugin)
        findings, checks = plugin_check(folder, plugin)
    print("WordPress Coding Standards:", style or "no findings")
    print("Plugin Check:", "\n".join(findings) or "no findings", f"({checks})")
    return 1 if style or findings else 0


if __name__ == "__main__":
    sys.exit(main())
