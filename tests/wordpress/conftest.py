"""WordPress sites for the tests, each built once a run."""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from programs import CACHE, find_program
from wordpress_site import PLUGIN, Site

PROGRAMS = ("msgfmt", "node", "php", "phpunit")
DOWNLOADED = (
    "node_modules/@php-wasm/node-8-4",
    "node_modules/playwright-core",
    "php-codesniffer",
    "sqlite-database-integration",
    "wordpress/newest",
    "wordpress/oldest",
)


@pytest.fixture(scope="session")
def installed() -> None:
    """Fails if something is missing that tests/install.sh installs."""
    for name in PROGRAMS:
        find_program(name)
    missing = [name for name in DOWNLOADED if not (CACHE / name).exists()]
    if missing:
        pytest.fail(
            f"the tests of the plugin need {', '.join(missing)} in {CACHE}: run tests/install.sh"
        )


Build = Callable[..., Site]


@pytest.fixture(scope="session")
def build(installed: None) -> Iterator[Build]:
    """Makes sites: `build("oldest")`; they are stopped and removed at the end of the run."""
    sites: list[Site] = []
    # On the cache's own file system, since WordPress's files are linked from there.
    (CACHE / "sites").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=CACHE / "sites"))

    def make(version: str, plugin: Path | None = PLUGIN) -> Site:
        root = folder / str(len(sites))
        root.mkdir()
        sites.append(Site(root, version, plugin))
        return sites[-1]

    yield make
    for site in sites:
        site.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def plain(build: Build) -> Callable[[str], Site]:
    """The sites that PHPUnit runs in, one a version; it loads the plugin itself."""
    return functools.cache(lambda version: build(version, None))
