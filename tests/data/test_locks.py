"""Locks between processes. test_cache and test_cache_redis test them with processes."""

import threading
from pathlib import Path

from widget.data.locks import file_locks


def test_a_file_lock_has_one_holder_waits_for_a_while_and_is_released(tmp_path: Path) -> None:
    locks = file_locks(tmp_path / "locks", 0.2)
    first, second = locks("k"), locks("k")
    assert first.acquire()
    assert not second.acquire()
    release = threading.Thread(target=first.release)  # another thread than the one that took it
    release.start()
    release.join()
    assert second.acquire()
    second.release()
