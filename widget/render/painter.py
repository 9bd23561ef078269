"""Draws PNGs in a process of its own.

A picture takes more than ten milliseconds. That process has the lowest priority, so that the worker
handles other requests meanwhile.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from widget import paths
from widget.errors import Overloaded

CACHED_PICTURES = 64
PICTURES_PER_SECOND = 5.0
"""How many are drawn in the long run. Anybody can request pictures that are in no cache, such as
one for each colour, and the processor is also needed for other requests."""
PICTURES_AT_ONCE = 100
"""How many are drawn without a pause, enough for the pictures of a long page of a forum."""
# The lowest priority: requests for anything else come first, even with a single processor.
NICENESS = 19

# The process has ended, and with it its end of the connection.
_GONE = (EOFError, OSError)

log = logging.getLogger("widget.render")


class Pace:
    """Limits how often something is done, as a token bucket: after a break, it may be done several
    times without a pause.

    Args:
        per_second: how often it may be done in the long run.
        at_once: how often without a pause.
        clock: seconds, from any instant.
        sleep: waits for a number of seconds.
    """

    def __init__(
        self,
        per_second: float,
        at_once: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._per_second = per_second
        self._at_once = at_once
        self._clock = clock
        self._sleep = sleep
        self._left = float(at_once)
        self._counted_at = clock()

    def wait(self) -> None:
        """Wait until it may be done once more. No two threads may call this at the same time."""
        now = self._clock()
        regained = (now - self._counted_at) * self._per_second
        self._left = min(self._left + regained, self._at_once)
        self._counted_at = now
        if self._left < 1:
            missing = 1 - self._left
            self._sleep(missing / self._per_second)
        # It may become negative. What was regained during the pause is added by the next call.
        self._left -= 1


class Painter:
    """Draws one picture after the other in a process that it starts for the first one.

    If that process dies, the next picture gets a new one. It ends with this process, however this
    one ends.

    Args:
        max_pictures: how many are drawn or waiting at the same time; others are refused.
        waiting_seconds: how long a picture waits for those before it.
        drawing_seconds: how long one may take; after that, the process is considered to hang.
        pace: how many are drawn over time.
    """

    def __init__(
        self,
        max_pictures: int = 8,
        waiting_seconds: float = 2.0,
        drawing_seconds: float = 10.0,
        pace: Pace | None = None,
    ) -> None:
        self._places = threading.BoundedSemaphore(max_pictures)
        self._turn = threading.Lock()
        self._waiting_seconds = waiting_seconds
        self._drawing_seconds = drawing_seconds
        self._pace = pace or Pace(PICTURES_PER_SECOND, PICTURES_AT_ONCE)
        self._connection: Connection | None = None
        self._end_process: weakref.finalize[..., Painter] | None = None
        self._cached = lru_cache(CACHED_PICTURES)(self._draw)

    def png(self, drawing: str) -> bytes:
        """Draw an SVG of this package as PNG.

        Raises:
            Overloaded: too many pictures are requested at the same time, or drawing it fails.
        """
        return self._cached(drawing)

    def close(self) -> None:
        """End the process, if there is one; another picture would start a new one."""
        if self._end_process is not None:
            self._end_process()
        self._end_process = None
        self._connection = None

    def _draw(self, drawing: str) -> bytes:
        if not self._places.acquire(blocking=False):
            raise Overloaded("too many pictures are being drawn")
        try:
            if not self._turn.acquire(timeout=self._waiting_seconds):
                raise Overloaded("the pictures before this one take too long")
            try:
                self._pace.wait()
                return self._draw_now(drawing.encode())
            finally:
                self._turn.release()
        finally:
            self._places.release()

    def _draw_now(self, drawing: bytes) -> bytes:
        if self._connection is not None:
            try:
                return self._send(self._connection, drawing)
            except _GONE:
                log.warning("the process that draws pictures has ended; starting another one")
                self.close()
        try:
            return self._send(self._start(), drawing)
        except _GONE as error:
            self.close()
            raise Overloaded(f"the process that draws pictures fails: {error!r}") from None

    def _send(self, connection: Connection, drawing: bytes) -> bytes:
        """Have a picture drawn; EOFError or OSError if the process ends before it is complete."""
        connection.send_bytes(drawing)
        if not connection.poll(self._drawing_seconds):
            self.close()
            raise Overloaded("a picture was not drawn in time")
        png = connection.recv_bytes()
        if not png:
            raise ValueError("the rasteriser cannot read a picture")
        return png

    def _start(self) -> Connection:
        """Start a process and connect to it."""
        connection, its_end = Pipe()
        descriptor = its_end.fileno()
        # Not a fork: the threads of this process may hold locks that nobody would release there.
        command = [interpreter(), "-m", "widget.render.painter", str(descriptor)]
        process = subprocess.Popen(  # noqa: S603  # all is our own
            command, pass_fds=[descriptor], env={**os.environ, **_rasteriser_options()}
        )
        # Only the process itself has this end now, so that this one notices if it is gone.
        its_end.close()
        self._connection = connection
        self._end_process = weakref.finalize(self, _end, process, connection)
        return connection


def interpreter() -> str:
    """The program ``python``. In uWSGI, which contains Python, ``sys.executable`` is uWSGI."""
    if Path(sys.executable).name.startswith("python"):
        return sys.executable
    return str(Path(sys.prefix) / "bin" / "python3")


def _rasteriser_options() -> dict[str, str]:
    """The environment variables that set up the rasteriser, and the library that finds fonts."""
    return {
        "FONTCONFIG_FILE": str(paths.static() / "fonts" / "fonts.conf"),
        # It draws with one thread: other processors are left to the workers.
        "VIPS_CONCURRENCY": "1",
    }


def _end(process: subprocess.Popen[bytes], connection: Connection) -> None:
    connection.close()
    process.kill()
    process.wait()


def main(descriptor: int) -> None:
    """Draw the pictures that arrive through a connection until its other end is closed."""
    # These may reach the whole group of processes, but the worker still finishes its requests.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    connection = Connection(descriptor)
    draw = _rasteriser()
    # Not before: loading the rasteriser takes ten times as long as a picture, and one waits for it.
    with suppress(PermissionError):  # a sandbox may forbid it
        os.nice(NICENESS)
    while True:
        try:
            png = draw(connection.recv_bytes())
            connection.send_bytes(png)
        except _GONE:
            return


def _rasteriser() -> Callable[[bytes], bytes]:
    """A function that draws an SVG as PNG; its result is empty if it cannot read the SVG."""
    # It takes tens of megabytes, and only this process needs it.
    import pyvips

    # The painter has a cache of its own.
    pyvips.cache_set_max(0)

    def draw(drawing: bytes) -> bytes:
        try:
            image = pyvips.Image.svgload_buffer(drawing)
            png: bytes = image.pngsave_buffer()
        except pyvips.Error:
            return b""
        return png

    return draw


if __name__ == "__main__":
    main(int(sys.argv[1]))
