"""Starts the worker processes, starts them again when they die, and replaces them on SIGHUP.

Granian's own main process gives up if a worker dies twice within seconds, and each of its workers
listens on a socket of its own, whose waiting connections are lost with it. So two steps of
Granian's server are replaced here. Everything else is Granian's.
"""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import Any
from wsgiref.types import WSGIApplication

from granian._granian import ListenerSpec
from granian.server.mp import MPServer

from widget.errors import OperatorError

STOP_SECONDS = 10
"""How long a worker may take to finish its requests when it has to stop."""

HEALTHY_SECONDS = 60.0
"""A worker that lives this long has not failed to start: the next pause is a short one again."""
MAX_PAUSE_SECONDS = 30.0

log = logging.getLogger("widget.server")


def pause_before_restart(deaths: int) -> float:
    """The seconds before a worker is started again: none the first time, then 1, 2, 4, up to 30.

    Args:
        deaths: how often it has died in a row, at least 1.
    """
    if deaths == 1:
        return 0.0
    # The limit of the exponent keeps the power from growing without end.
    exponent = min(deaths - 2, 10)
    return min(float(2**exponent), MAX_PAUSE_SECONDS)


class Supervisor(MPServer):
    """Granian's server with workers that are always started again.

    Args:
        load: creates the application, in the worker.
        reload: called in the main process on SIGHUP, so that the workers that are started after
            it have the new configuration; OperatorError if there is none.
        on_listening: called when connections are accepted.
        options: those of Granian.
    """

    def __init__(
        self,
        load: Callable[[], WSGIApplication],
        reload: Callable[[], None],
        on_listening: Callable[[], None],
        **options: Any,
    ) -> None:
        super().__init__("cabinet-widgets", **options)
        self._load = load
        self._read_configuration = reload
        self._on_listening = on_listening
        self._deaths = [0] * self.workers
        # By the number of the worker: when it is to be started, by time.monotonic().
        self._restarts: dict[int, float] = {}

    def run(self) -> None:
        """Serve until SIGTERM or Ctrl+C."""
        os.register_at_fork(after_in_child=_end_on_signals)
        load = WorkerLoader(self._load, os.getpid())
        self.serve(target_loader=load, wrap_loader=False)

    def _init_shared_socket(self) -> None:
        """Listen on one socket for all workers.

        Connections that wait in it are not lost when a worker ends: another worker accepts them.
        """
        listening = ListenerSpec(self.bind_addr, self.bind_port, self.backlog).build()
        self._shd = listening  # type: ignore[assignment]  # declared as None
        self._sso = socket.socket(fileno=listening.get_fd())
        self._sso.set_inheritable(True)
        # From now on, connections wait for the first worker instead of being refused.
        self._sso.listen(self.backlog)
        self._on_listening()

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        """Start workers again and replace them, until a signal ends the service."""
        while not self.interrupt_signal:
            self.main_loop_interrupt.wait(self._seconds_until_restart())
            self.main_loop_interrupt.clear()
            self._schedule_restarts()
            if self.interrupt_signal:
                return
            if self.reload_signal and self._has_new_configuration():
                everyone = list(range(self.workers))
                self._restarts.clear()
                self._respawn_workers(
                    everyone, spawn_target, target_loader, delay=self.respawn_interval
                )
            due = self._take_due_restarts()
            self._respawn_workers(due, spawn_target, target_loader)

    def _take_due_restarts(self) -> list[int]:
        """The numbers of the workers that are to be started again now."""
        now = time.monotonic()
        due = [index for index, moment in self._restarts.items() if moment <= now]
        for index in due:
            del self._restarts[index]
        return due

    def _seconds_until_restart(self) -> float | None:
        """How long nothing has to be done; None without a limit."""
        if not self._restarts:
            return None
        next_restart = min(self._restarts.values())
        return max(0.0, next_restart - time.monotonic())

    def _schedule_restarts(self) -> None:
        """Decide when the workers that have died since the last call are started again."""
        while self.interrupt_children:
            index = self.interrupt_children.pop()
            now = time.monotonic()
            if now - self.wrks[index].birth > HEALTHY_SECONDS:
                self._deaths[index] = 0
            self._deaths[index] += 1
            self._restarts[index] = now + pause_before_restart(self._deaths[index])

    def _has_new_configuration(self) -> bool:
        """Read the configuration again; if it has mistakes, the workers keep the present one."""
        self.reload_signal = False
        try:
            self._read_configuration()
        except OperatorError as error:
            log.error("the configuration was not reloaded: %s", error)
            return False
        log.info("the configuration was reloaded; replacing the workers")
        return True


class WorkerLoader:
    """What a new worker calls to get its application.

    Args:
        load: creates the application.
        parent: the main process.
    """

    def __init__(self, load: Callable[[], WSGIApplication], parent: int) -> None:
        self._load = load
        self._parent = parent

    def __call__(self) -> WSGIApplication:
        """Create the application, and make this worker end with the main process."""
        threading.Thread(target=_end_with, args=(self._parent,), daemon=True).start()
        try:
            return self._load()
        except OperatorError as error:
            raise SystemExit(f"cabinet-widgets: {error}") from None


def _end_on_signals() -> None:
    """Let a new worker end at once if it has to stop before its application exists.

    Granian handles these signals only afterwards. Until then a worker would have copies of the main
    process's handlers, and ignore them.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _end_with(parent: int) -> None:
    """End this process after another one has ended, even if that had no time to say so.

    Otherwise a worker would continue to use the port, and no new service could start.
    """
    # A process that loses its parent gets another one.
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
