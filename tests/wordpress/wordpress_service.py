"""The service with its sandbox: an open account `main` and a closed one, `vault`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from processes import free_port, is_up, until
from wordpress_site import HERE

SECRET = "an embed secret for the tests of WordPress"

CONFIG = """
[server]
public_url = "{url}"
[api]
base_url = "{upstream}"
[accounts.main]
login = {login}
[accounts.main.ttl_seconds]
balance = 10
[accounts.vault]
login = {login}
access = "closed"
embed_secret_env = "VAULT_SECRET"
allowed_origins = [{origins}]
"""

OPEN_ACCOUNT = re.compile(r"login (\d+): (?!.*password).*\n")


@contextmanager
def service(folder: Path, origins: Sequence[str]) -> Iterator[str]:
    """Runs sandbox and service, and yields the service's address.

    Args:
        folder: Where configuration and logs go.
        origins: The sites that may frame the closed account.
    """
    with _running(
        folder, "sandbox", "--port", str(port := free_port()), ready=f"http://127.0.0.1:{port}/"
    ):
        upstream = f"http://127.0.0.1:{port}"
        # An account of the sandbox that needs no password.
        log = folder / "sandbox.log"
        # It responds a moment before it has printed its accounts.
        until(lambda: OPEN_ACCOUNT.search(log.read_text()))
        login = OPEN_ACCOUNT.findall(log.read_text())[0]
        url = f"http://127.0.0.1:{(port := free_port())}"
        names = ", ".join(f'"{origin}"' for origin in origins)
        text = CONFIG.format(url=url, upstream=upstream, login=login, origins=names)
        (folder / "widgets.toml").write_text(text)
        serve = ("serve", "--config", str(folder / "widgets.toml"), "--bind", f"127.0.0.1:{port}")
        with _running(folder, *serve, ready=f"{url}/healthz"):
            yield url


@contextmanager
def _running(folder: Path, command: str, *arguments: str, ready: str) -> Iterator[None]:
    path = folder / f"{command}.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "widget", command, *arguments],
            cwd=HERE.parents[1],
            env={**os.environ, "VAULT_SECRET": SECRET, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: process.poll() is not None or is_up(ready))
        assert process.poll() is None, path.read_text()
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
