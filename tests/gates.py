"""Calls that last as long as a test wants."""

import threading

from processes import PATIENCE


class GatedCall:
    """A call that counts how often it is made and lasts until its gate opens.

    Attributes:
        count: how often it was made; also its result.
        error: raised instead of a result, if there is one.
        gate: it lasts until this event is set.
    """

    def __init__(self) -> None:
        self.count = 0
        self.error: BaseException | None = None
        self.gate = threading.Event()

    def __call__(self) -> int:
        self.count += 1
        assert self.gate.wait(PATIENCE)
        if self.error:
            raise self.error
        return self.count
