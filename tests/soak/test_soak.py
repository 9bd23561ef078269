"""The soak runs, and sees what is wrong; how long it should run to mean something, ``make soak`` knows."""

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent


def test_a_few_seconds_of_soak_find_nothing_wrong() -> None:
    command = [sys.executable, "-m", "soak", "--seconds", "8", "--seed", "5"]
    ran = subprocess.run(command, cwd=TESTS, capture_output=True, text=True, timeout=400)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.endswith("soak: all is well\n")
