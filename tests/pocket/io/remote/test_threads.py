from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pocket.errors import RemoteStoreError
from pocket.io.remote import threads
from pocket.io.remote.threads import in_threads
from tests.waiting import PATIENCE


def test_several_at_once() -> None:
    barrier = threading.Barrier(4, timeout=PATIENCE)
    done: list[int] = []

    def work(number: int) -> None:
        barrier.wait()
        done.append(number)

    in_threads(work, range(8))
    assert sorted(done) == list(range(8))
    in_threads(work, [])


def test_first_error_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    given_up = threading.Event()

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            super().shutdown(wait=False, cancel_futures=cancel_futures)
            given_up.set()
            super().shutdown(wait=wait)

    def work(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise RemoteStoreError("the server is down")
        assert given_up.wait(PATIENCE)

    monkeypatch.setattr(threads, "ThreadPoolExecutor", Pool)
    with pytest.raises(RemoteStoreError, match="the server is down"):
        in_threads(work, range(1000))
    # One per thread, and the one that the thread of the first one took then.
    assert len(begun) <= threads._THREADS + 1
