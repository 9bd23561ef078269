"""The process that draws pictures: what happens if it dies, hangs or has too much to do."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path

import pytest
from conftest import Service
from hypothesis import given
from hypothesis import strategies as st
from processes import PATIENCE, until

from widget.errors import Overloaded
from widget.render.painter import NICENESS, Pace, Painter
from widget.render.picture import message_svg
from widget.widgets.options import Options

Serve = Callable[..., Service]


def drawing(text: str) -> str:
    """A picture of a text."""
    return message_svg(text, "en", Options())


def painters_of(parent: int) -> list[int]:
    """The processes that draw pictures for a process."""
    found = []
    for folder in Path("/proc").glob("[1-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            status = (folder / "status").read_text()
        except OSError:
            continue  # it has ended in the meantime
        if b"widget.render.painter" in command and f"PPid:\t{parent}\n" in status:
            found.append(int(folder.name))
    return found


@pytest.fixture
def painter() -> Iterator[Painter]:
    """A painter that has drawn a picture, and allows one at a time."""
    started = Painter(max_pictures=1, drawing_seconds=PATIENCE)
    assert started.png(drawing("first")).startswith(b"\x89PNG")
    yield started
    started.close()


def process_of(painter: Painter) -> int:
    """The process of a painter, which must be the one that was started last."""
    assert painter
    # Services of other tests may have painters too.
    return max(painters_of(os.getpid()), key=started_at)


def started_at(pid: int) -> int:
    """When a process was started, in ticks since the start of the machine; see proc(5)."""
    status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    # The second field is a name in parentheses, which may contain spaces.
    fields = status.rpartition(")")[2].split()
    return int(fields[19])


def test_pictures_are_drawn_by_another_process_at_a_lower_priority(painter: Painter) -> None:
    pid = process_of(painter)
    own = os.getpriority(os.PRIO_PROCESS, 0)
    # 19 is the lowest priority that there is.
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, own + NICENESS)
    # While that process stands still there is no picture, and this one goes on.
    os.kill(pid, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as thread:
        second = thread.submit(painter.png, drawing("second"))
        assert not second.done()
        os.kill(pid, signal.SIGCONT)
        assert second.result(PATIENCE).startswith(b"\x89PNG")


def test_pictures_are_drawn_in_a_server_that_contains_python(
    painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in uWSGI, which is no program that runs Python modules.
    monkeypatch.setattr(sys, "executable", "/usr/bin/false")
    assert painter.png(drawing("Hello")).startswith(b"\x89PNG")


def test_a_picture_that_was_drawn_before_needs_no_process(painter: Painter) -> None:
    before = painter.png(drawing("first"))
    painter.close()
    others = painters_of(os.getpid())
    assert painter.png(drawing("first")) == before
    assert painters_of(os.getpid()) == others


def test_if_the_process_dies_the_next_picture_gets_another_one(
    painter: Painter, caplog: pytest.LogCaptureFixture
) -> None:
    killed = process_of(painter)
    os.kill(killed, signal.SIGKILL)
    assert painter.png(drawing("second")).startswith(b"\x89PNG")
    assert process_of(painter) != killed
    assert caplog.messages == ["the process that draws pictures has ended; starting another one"]


def test_a_process_that_hangs_is_replaced() -> None:
    painter = Painter(drawing_seconds=PATIENCE)
    painter.png(drawing("first"))
    hanging = process_of(painter)
    os.kill(hanging, signal.SIGSTOP)
    painter._drawing_seconds = 0.01
    with pytest.raises(Overloaded, match="not drawn in time"):
        painter.png(drawing("second"))
    painter._drawing_seconds = PATIENCE
    assert painter.png(drawing("second")).startswith(b"\x89PNG")
    assert process_of(painter) != hanging
    painter.close()


def test_more_pictures_than_places_are_refused_at_once(painter: Painter) -> None:
    assert refusal_of_two_at_once(painter) == "too many pictures are being drawn"


class Timer:
    """A clock that only advances while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def clock(self) -> float:
        """The time in seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self.pauses.append(seconds)
        self.now += seconds

    def pace(self, per_second: float, at_once: int) -> Pace:
        """A pace by this clock."""
        return Pace(per_second, at_once, self.clock, self.sleep)


@given(st.lists(st.floats(0, 5), min_size=1, max_size=40), st.integers(1, 5))
def test_a_pace_is_never_exceeded_however_long_the_breaks_are(
    breaks: list[float], at_once: int
) -> None:
    timer = Timer()
    pace = timer.pace(per_second=2, at_once=at_once)
    moments = []
    for seconds in breaks:
        timer.now += seconds
        pace.wait()
        moments.append(timer.now)
    for number, first in enumerate(moments):
        for count, last in enumerate(moments[number:], 1):
            assert count <= at_once + 2 * (last - first) + 1e-6


def test_at_a_slower_pace_nothing_waits() -> None:
    timer = Timer()
    pace = timer.pace(per_second=2, at_once=3)
    for _ in range(10):
        pace.wait()
        timer.now += 0.5
    assert timer.pauses == []


def test_a_flood_of_different_pictures_is_drawn_at_the_pace() -> None:
    timer = Timer()
    painter = Painter(drawing_seconds=PATIENCE, pace=timer.pace(per_second=10, at_once=2))
    for text in ("first", "second", "first", "second"):
        painter.png(drawing(text))
    assert timer.pauses == [], "a picture that was drawn before needs no drawing"
    for text in ("third", "fourth"):
        assert painter.png(drawing(text)).startswith(b"\x89PNG")
    painter.close()
    assert timer.pauses == pytest.approx([0.1, 0.1])


def test_a_picture_waits_a_limited_time_for_those_before_it() -> None:
    painter = Painter(waiting_seconds=0.01, drawing_seconds=PATIENCE)
    painter.png(drawing("first"))
    assert refusal_of_two_at_once(painter) == "the pictures before this one take too long"
    painter.close()


def refusal_of_two_at_once(painter: Painter) -> str:
    """Why one of two pictures is refused while the process stands still; the other one is drawn."""
    pid = process_of(painter)
    os.kill(pid, signal.SIGSTOP)
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(painter.png, drawing(text)) for text in ("second", "third")]
        refused, waiting = wait(both, PATIENCE, FIRST_COMPLETED)
        os.kill(pid, signal.SIGCONT)
        (first,) = refused
        error = first.exception()
        assert isinstance(error, Overloaded)
        (drawn,) = waiting
        assert drawn.result(PATIENCE).startswith(b"\x89PNG")
    return str(error)


def test_what_is_not_an_svg_is_an_error_and_the_process_goes_on(painter: Painter) -> None:
    before = process_of(painter)
    with pytest.raises(ValueError, match="cannot read"):
        painter.png("<p>")
    assert process_of(painter) == before


PARENT = """
import sys
from widget.render.painter import Painter
painter = Painter()
painter.png('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>')
print("drawn", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_process_ends_with_the_one_that_started_it(how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"drawn\n"
        (pid,) = painters_of(parent.pid)
        parent.send_signal(how)
        parent.wait(PATIENCE)
    until(lambda: not is_painter(pid))


def is_painter(pid: int) -> bool:
    """Whether a process that draws pictures still runs; not if it has ended but not been read."""
    try:
        return b"widget.render.painter" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def test_too_many_pictures_get_503_with_retry_after_and_a_picture_of_the_message(
    serve: Serve,
) -> None:
    service = serve()
    painter = service.app.extensions["cabinet-widgets"].painter
    assert service.get("/w/main/balance.png").status_code == 200
    pid = process_of(painter)
    os.kill(pid, signal.SIGSTOP)
    paths = [f"/w/main/balance.png?accent=00000{number}" for number in range(9)]
    with ThreadPoolExecutor(len(paths)) as visitors:
        requested = [visitors.submit(service.get, path) for path in paths]
        done, _ = wait(requested, PATIENCE, FIRST_COMPLETED)
        page = service.get("/w/main/balance")
        os.kill(pid, signal.SIGCONT)
        refused = done.pop().result()
    assert page.status_code == 200
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["Cache-Control"] == "private, no-store"
    assert refused.headers["Content-Type"] == "image/svg+xml"
    assert "temporarily" in refused.text
    assert service.get(paths[-1]).status_code == 200
