"""WordPress sites for the tests, each built once a run."""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from wordpress_site import HERE, PLUGIN, Site, cache


@pytest.fixture(scope="session")
def installed() -> str:
    """What install.sh said: the versions of WordPress that are there."""
    done = subprocess.run([HERE / "install.sh"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    print(done.stdout)
    return done.stdout


Build = Callable[..., Site]


@pytest.fixture(scope="session")
def build(installed: str) -> Iterator[Build]:
    """Makes sites: `build("trixie")`; they are stopped and removed at the end of the run."""
    sites: list[Site] = []
    # On the cache's own file system, since WordPress's files are linked from there.
    (cache() / "sites").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=cache() / "sites"))

    def make(suite: str, plugin: Path | None = PLUGIN) -> Site:
        root = folder / str(len(sites))
        root.mkdir()
        sites.append(Site(root, suite, plugin))
        return sites[-1]

    yield make
    for site in sites:
        site.stop()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def plain(build: Build) -> Callable[[str], Site]:
    """The sites that PHPUnit runs in, one a suite; it loads the plugin itself."""
    return functools.cache(lambda suite: build(suite, None))
