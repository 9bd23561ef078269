"""Runs the commands of ``cabinet-widgets`` that end by themselves."""

import contextlib
import subprocess
from pathlib import Path

from click.testing import CliRunner

from widget import cli


def run(
    folder: Path, *arguments: str, stdin: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    # In this process: starting Python for each of a hundred commands takes longer than all else.
    with contextlib.chdir(folder):
        result = CliRunner().invoke(
            cli.main, arguments, input=stdin, env=env, prog_name="cabinet-widgets"
        )
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)
