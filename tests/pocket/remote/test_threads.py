from __future__ import annotations

import threading
import time

import pytest

from pocket.errors import RemoteStoreError
from pocket.remote.threads import in_threads


def test_several_at_once() -> None:
    barrier = threading.Barrier(4, timeout=10)
    done: list[int] = []

    def work(number: int) -> None:
        barrier.wait()
        done.append(number)

    in_threads(work, range(8))
    assert sorted(done) == list(range(8))
    in_threads(work, [])


def test_first_error_ends_it() -> None:
    begun: list[int] = []

    def work(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise RemoteStoreError("the server is down")
        time.sleep(0.05)

    with pytest.raises(RemoteStoreError, match="the server is down"):
        in_threads(work, range(1000))
    assert len(begun) < 100
