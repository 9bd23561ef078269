"""The benchmark runs. Its figures are not checked, since they require an idle machine."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.programs

TESTS = Path(__file__).parent.parent


def test_a_quick_run_prints_its_tables_with_a_figure_in_every_cell() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "bench", "--quick"],
        cwd=TESTS,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("Measured on ")
    rows = [line for line in ran.stdout.splitlines() if line.startswith("| ") and "---" not in line]
    figures = {
        row.split("|")[1].strip(): re.findall(r"\d[\d,.]*", row.partition("|")[2].partition("|")[2])
        for row in rows
    }
    for name in (
        "an empty Flask view, 4 KB",
        "cached page",
        "304",
        "the page through nginx proxy_cache",
    ):
        assert len(figures[name]) == 6, ran.stdout
    names = (
        "balance",
        "50 rows",
        "500 rows",
        "upstream works",
        "upstream hangs",
        "while nobody waits for another API",
        "while 60 visitors wait for 8 accounts of another API that hangs",
    )
    large_amounts = (
        "json.loads",
        "a line is logged, with 10,000 accounts to mask",
    )
    performance = ("returns", "calendar", "statistics", "breakdown", "operations")
    pictures = ("a picture of the largest size", "cached page, no pictures")
    for name in names + large_amounts + performance + pictures:
        assert figures[name], ran.stdout
