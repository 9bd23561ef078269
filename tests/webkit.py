"""Debian's WebKit on a virtual screen, driven over WebDriver (https://www.w3.org/TR/webdriver2/)."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests
from processes import PATIENCE, free_port, is_up, running, until
from programs import find_program

SCRIPT_SECONDS = 4 * PATIENCE
"""How long a script may take; scripts have their own patience, which is shorter."""


class WebKit:
    """The tab of a session; WebDriver does not report what is in its console."""

    def __init__(self, session: str) -> None:
        """Use a session.

        Args:
            session: its URL.
        """
        self._session = session

    def _command(self, name: str, **body: object) -> Any:
        url = f"{self._session}/{name}"
        response = requests.post(url, json=body, timeout=SCRIPT_SECONDS + PATIENCE)
        value = response.json()["value"]
        assert response.ok, value
        return value

    def open(self) -> None:
        """Leave the page."""
        self.goto("about:blank")

    def goto(self, url: str) -> None:
        """Open a page."""
        self._command("url", url=url)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression on the page."""
        return self._command("execute/sync", script=f"return ({expression})", args=[])

    def evaluate_in_frames(self, expression: str) -> list[Any]:
        """WebDriver cannot enter frames in shadow trees."""
        raise NotImplementedError

    def complaints(self) -> list[str]:
        """Nothing."""
        return []


@contextmanager
def screen() -> Iterator[str]:
    """A virtual screen; yields its name for the variable DISPLAY."""
    # It chooses a free number itself, and prints it when it is ready.
    command = [find_program("Xvfb"), "-displayfd", "1", "-screen", "0", "1100x1000x24"]
    with subprocess.Popen(
        [*command, "-nolisten", "tcp"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as program:
        assert program.stdout
        yield f":{program.stdout.readline().strip()}"
        program.terminate()


@contextmanager
def webkit(folder: Path) -> Iterator[WebKit]:
    """A session of WebKit, which has its home in a folder."""
    port = free_port()
    driver = f"http://127.0.0.1:{port}"
    command = [find_program("WebKitWebDriver"), f"--port={port}"]
    with screen() as display:
        environment = {**os.environ, "DISPLAY": display, "HOME": str(folder)}
        with running(folder, "webkit", *command, env=environment):
            until(lambda: is_up(f"{driver}/status"))
            milliseconds = int(1000 * SCRIPT_SECONDS)
            capabilities = {"alwaysMatch": {"timeouts": {"script": milliseconds}}}
            response = requests.post(
                f"{driver}/session", json={"capabilities": capabilities}, timeout=4 * PATIENCE
            )
            session = f"{driver}/session/{response.json()['value']['sessionId']}"
            yield WebKit(session)
            requests.delete(session, timeout=PATIENCE)
