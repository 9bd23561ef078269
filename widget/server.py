"""Runs a WSGI application in Granian, the production server."""

import ctypes
import errno
import os
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from wsgiref.types import WSGIApplication

from widget.errors import OperatorError
from widget.web import logs

BLOCKING_THREADS = 256
"""Threads per worker. A request occupies one until it is answered, if need be by the API."""

# An IPv6 address in brackets or anything else, and a port.
BIND = re.compile(r"(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9_.-]+))(?::(\d{1,5}))?")
MAX_PORT = 65535

LISTEN_ERRORS = {
    0: "write the address as a number, such as 127.0.0.1 or 0.0.0.0",
    errno.EADDRINUSE: "another program uses this port; stop it or choose another port",
    errno.EACCES: "ports below 1024 are reserved for root; choose another port",
    errno.EADDRNOTAVAIL: (
        "this machine does not have this address; behind a web server, use 127.0.0.1"
    ),
}
"""What to do if nobody can listen, by the error's number; 0 if the address is not one."""

M_MMAP_THRESHOLD = -3  # from malloc.h
MMAP_THRESHOLD_BYTES = 256 * 1024


def parse_bind(bind: str, default_port: int | None = None) -> tuple[str, int]:
    """Address and port from ``HOST:PORT``.

    Args:
        bind: what the operator wrote.
        default_port: the port if ``bind`` has none; None if it must have one.

    Raises:
        OperatorError: it has another form.
    """
    problem = OperatorError(f"--bind {bind}: write address and port, such as 127.0.0.1:8000")
    match = BIND.fullmatch(bind)
    if not match:
        raise problem
    ipv6_address, other_address, digits = match.groups()
    port = default_port
    if digits:
        port = int(digits)
    if port is None or port > MAX_PORT:
        raise problem
    address = ipv6_address or other_address
    # Granian and the check below want numbers. Other names are rejected by the check.
    address = address.replace("localhost", "127.0.0.1")
    return address, port


def check_port(address: str, port: int, option: str) -> None:
    """Make sure that nobody else listens on a port.

    Granian would share it with another instance, and visitors would get the widgets of both by
    turns.

    Args:
        address: an IP address of this machine.
        port: 0 is always free.
        option: what the operator wrote on the command line, for the error.

    Raises:
        OperatorError: the service cannot listen there.
    """
    try:
        family = socket.AF_INET
        if ":" in address:
            family = socket.AF_INET6
        # Raises OSError without a number if the address is a name.
        socket.inet_pton(family, address)
        with socket.create_server((address, port), family=family):
            pass
    except OSError as error:
        number = error.errno or 0
        reason = LISTEN_ERRORS.get(number) or os.strerror(number)
        raise OperatorError(f"{option}: cannot listen there: {reason}") from None


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True)
class MainProcess:
    """What the main process does in addition to supervising its workers.

    Attributes:
        reload: called on SIGHUP, before new workers replace the present ones. If it raises
            OperatorError, they stay.
        on_listening: called when connections are accepted.
        log_format: how it writes its log.
    """

    reload: Callable[[], None] = nothing
    on_listening: Callable[[], None] = nothing
    log_format: logs.LogFormat = "json"


def run_server(
    load: Callable[[], WSGIApplication],
    address: str,
    port: int,
    workers: int = 1,
    main: MainProcess = MainProcess(),  # it is frozen
) -> None:
    """Serve an application until SIGTERM or Ctrl+C.

    Args:
        load: creates the application; called in each worker.
        address: an IP address of this machine.
        port: the port to listen on.
        workers: the number of processes.
        main: what the main process does.
    """
    # Imported here because it is slow to import, and only needed by this command.
    from granian.constants import HTTPModes, Interfaces
    from granian.log import LogLevels

    from widget.supervisor import STOP_SECONDS, Supervisor

    limit_retained_memory()
    server = Supervisor(
        load,
        main.reload,
        main.on_listening,
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=BLOCKING_THREADS,
        backlog=2048,
        http=HTTPModes.http1,
        websockets=False,
        workers_kill_timeout=STOP_SECONDS,
        # While workers are replaced, the old one goes on until the new one has started.
        respawn_interval=1.0,
        log_access=False,
        log_level=LogLevels(logs.GRANIAN_LEVELS[main.log_format]),
        log_dictconfig=logs.granian_logging(main.log_format),
    )
    server.run()


def limit_retained_memory() -> None:
    """Make glibc return large blocks of memory to the system.

    After a response of several megabytes it would retain as much in each of its arenas, since it
    raises its threshold for such blocks. A threshold that is set by hand stays.
    """
    # C libraries other than glibc do not have this function.
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
