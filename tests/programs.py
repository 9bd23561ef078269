"""The programs that tests start: where they are, and which tests may start them."""

import os
import shutil
from pathlib import Path

import pytest

CACHE = Path(
    os.environ.get("CABINET_TEST_CACHE") or Path.home() / ".cache" / "cabinet-widgets-tests"
)
"""The folder that tests/install.sh downloads into."""

running_test: pytest.Item | None = None
"""The test that pytest runs; None outside pytest, as in `make bench`."""


def find_program(name: str) -> str:
    """The path of a program; the running test fails if the program is not installed.

    Every program that tests/install.sh installs is started through this function, and only by tests
    with the marker ``programs``, which `make check` leaves out.
    """
    if running_test and not running_test.get_closest_marker("programs"):
        pytest.fail(f"this test starts {name}: give it the marker pytest.mark.programs")
    # Node comes from npm if the system's is too old. The PATH of an ordinary user does not include
    # /usr/sbin.
    folders = [f"{CACHE}/node_modules/node/bin", os.environ["PATH"], "/usr/sbin"]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        pytest.fail(f"this test needs {name}: run tests/install.sh")
    return found
