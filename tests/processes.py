"""Programs that tests start on loopback: the service as ``serve`` runs it, Redis and nginx."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import redis
import requests
from programs import find_program

PORTS = random.SystemRandom()
"""Not the random numbers that Hypothesis repeats: other tests run at the same time."""

PATIENCE = 20.0
"""Seconds to wait for anything, enough for a busy machine too."""
PATIENT = {"patience_seconds": PATIENCE}
"""The configuration ``server`` of a service that waits as long for its API. On a busy machine,
another one would respond with what is cached before it knows that the API fails."""


def until(condition: Callable[[], object]) -> None:
    """Wait until a condition is true."""
    give_up = time.monotonic() + PATIENCE  # noqa: TID251  # fails only what would hang
    while not condition():
        assert time.monotonic() < give_up, "the condition never became true"  # noqa: TID251
        time.sleep(0.01)  # noqa: TID251  # between two checks


def free_port() -> int:
    """A port that is not in use.

    It is below those that a kernel chooses from, so that no connection and no server without a port
    of its own takes it before the program that it is for.
    """
    while True:
        port = PORTS.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def children_of(pid: int) -> list[int]:
    """The processes that a process has started and that are still running."""
    command = [find_program("ps"), "-o", "pid=,stat=", "--ppid", str(pid)]
    listed = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    return [int(pid) for pid, state in map(str.split, listed) if not state.startswith("Z")]


@dataclass
class Program:
    """A program in the background whose output goes to a file."""

    process: subprocess.Popen[bytes]
    output: Path

    def text(self) -> str:
        """Everything that it has printed so far."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    def children(self) -> list[int]:
        """The processes that it has started and that are still running."""
        return children_of(self.process.pid)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it and its processes, and return its exit code."""
        children = self.children() if how == signal.SIGKILL else []
        for pid in (self.process.pid, *children):
            with suppress(ProcessLookupError):
                os.kill(pid, how)
        return self.process.wait(PATIENCE)


@contextmanager
def running(
    folder: Path, name: str, *command: str, env: Mapping[str, str] | None = None
) -> Iterator[Program]:
    """Run a program in a folder; at the end it is stopped with SIGTERM."""
    output = folder / f"{name}.log"
    with output.open("wb") as file:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(env or {})},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    program = Program(process, output)
    try:
        yield program
    finally:
        if process.poll() is None:
            try:
                program.end()
            except subprocess.TimeoutExpired:
                program.end(signal.SIGKILL)
                raise


def is_up(url: str) -> bool:
    """Whether a server responds, and not with a server error."""
    with suppress(requests.RequestException):
        return requests.get(url, timeout=PATIENCE).status_code < 500
    return False


@contextmanager
def service(
    folder: Path,
    name: str,
    configuration: str,
    *,
    workers: int = 1,
    port: int | None = None,
    **env: str,
) -> Iterator[tuple[str, Program]]:
    """Run ``cabinet-widgets serve`` with a configuration and an environment; yields its URL."""
    (folder / f"{name}.toml").write_text(configuration)
    port = port or free_port()
    arguments = [
        "serve",
        "--config",
        f"{name}.toml",
        "--bind",
        f"127.0.0.1:{port}",
        "--workers",
        str(workers),
    ]
    url = f"http://127.0.0.1:{port}"
    with running(folder, name, sys.executable, "-m", "widget", *arguments, env=env) as program:
        until(lambda: program.process.poll() is not None or is_up(f"{url}/healthz"))
        assert program.process.poll() is None, program.text()
        yield url, program


@contextmanager
def redis_server(folder: Path, port: int) -> Iterator[Program]:
    """Run a Redis server that stores nothing on disk."""
    arguments = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    command = [find_program("redis-server"), *arguments]
    with running(folder, "redis", *command) as program, redis.Redis(port=port) as client:

        def responds() -> bool:
            with suppress(redis.RedisError):
                return bool(client.ping())
            return False

        until(responds)
        yield program


@contextmanager
def nginx(folder: Path, http: str, ready: str) -> Iterator[Program]:
    """Run nginx with a given ``http`` block; waits until the URL ``ready`` responds."""
    (folder / "nginx.conf").write_text(nginx_conf(folder, http))
    # Without -e, nginx opens the system's error log before it reads the configuration, and only
    # root may do that.
    arguments = [
        "-p",
        str(folder),
        "-c",
        "nginx.conf",
        "-e",
        "nginx-error.log",
        "-g",
        "daemon off;",
    ]
    with running(folder, "nginx", find_program("nginx"), *arguments) as program:
        until(lambda: program.process.poll() is not None or is_up(ready))
        assert program.process.poll() is None, program.text()
        yield program


def nginx_conf(folder: Path, http: str) -> str:
    """A complete configuration with a given ``http`` block; nginx writes into the folder only."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "\n".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    return f"""
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log warn;
events {{ worker_connections 1024; }}
http {{
access_log off;
{temporary}
{http}
}}
"""
