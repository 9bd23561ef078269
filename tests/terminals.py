"""Programs in a pseudo-terminal, which tests talk to as a person does."""

import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 60.0
"""Seconds without any output after which a program counts as stuck."""


class Terminal:
    """What a person sees and types.

    Attributes:
        process: the program.
        screen: everything that was printed so far.
    """

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self.screen = ""
        self._master = master
        self._read = 0

    def wait_for(self, text: str) -> str:
        """Wait until a text appears after what was read before; returns what precedes it."""
        while text not in self.screen[self._read :]:
            assert self._receive(), f"{text!r} was not printed:\n{self.screen}"
        start = self._read
        end = self.screen.index(text, start)
        self._read = end + len(text)
        return self.screen[start:end]

    def answer(self, question: str, text: str) -> None:
        """Wait for a question, and type a line."""
        self.wait_for(question)
        # The prompt ends with a colon and a space. What is typed before that could be lost.
        self.wait_for(": ")
        os.write(self._master, text.encode() + b"\n")

    def end(self) -> int:
        """Wait until the program has ended; returns its exit code."""
        while self._receive():
            pass
        return self.process.wait(PATIENCE)

    def _receive(self) -> bool:
        """Read more output; returns whether there was any."""
        ready, _, _ = select.select([self._master], [], [], PATIENCE)
        assert ready, f"no output for {PATIENCE} s:\n{self.screen}"
        # Linux reports the end of the program as an error.
        with suppress(OSError):
            data = os.read(self._master, 65536)
            self.screen += data.decode(errors="replace").replace("\r\n", "\n")
            return bool(data)
        return False


@contextmanager
def terminal(folder: Path, *arguments: str, env: Mapping[str, str]) -> Iterator[Terminal]:
    """Run the command ``cabinet-widgets`` in a pseudo-terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "widget", *arguments],
        cwd=folder,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "dumb", **env},
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.terminate()
        process.wait(PATIENCE)
        os.close(master)
