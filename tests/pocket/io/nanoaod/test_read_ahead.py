from __future__ import annotations

import queue
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from uproot.source.chunk import Chunk

from pocket.io.nanoaod.read_ahead import Place, ReadAhead
from tests.waiting import wait_for

CONTENT = bytes(range(100))


class Source:
    """Remembers what it was asked for; what begins at 50 or later arrives when it is told so, or fails."""

    file_path = "there.root"

    def __init__(self) -> None:
        self.asked: list[list[Place]] = []
        self.on_their_way: list[tuple[Place, Future[Any]]] = []

    def chunks(self, ranges: list[Place], notifications: queue.SimpleQueue[Any]) -> list[Chunk]:
        """Return chunks that are filled later."""
        self.asked.append(ranges)
        found = []
        for start, stop in ranges:
            future: Future[Any] = Future()
            if start < 50:
                future.set_result(np.frombuffer(CONTENT[start:stop], dtype=np.uint8))
            else:
                self.on_their_way.append(((start, stop), future))
            found.append(Chunk(self, start, stop, future))
        return found


def read(ahead: ReadAhead, *places: Place) -> list[bytes]:
    return list(map(bytes, ahead.read(places)))


def test_what_was_asked_for_is_not_asked_for_again() -> None:
    source = Source()
    ahead = ReadAhead(source)
    ahead.ask([(0, 4), (10, 12), (0, 4)])
    ahead.ask([(10, 12)])
    ahead.ask([])
    assert read(ahead, (10, 12), (0, 4)) == [CONTENT[10:12], CONTENT[:4]]
    assert source.asked == [[(0, 4), (10, 12)]]
    # the rest of what is read is asked for, and what was read isn't kept
    ahead.ask([(20, 23)])
    assert read(ahead, (0, 4), (20, 23)) == [CONTENT[:4], CONTENT[20:23]]
    assert source.asked[1:] == [[(20, 23)], [(0, 4)]]


def test_the_rest_is_forgotten() -> None:
    source = Source()
    ahead = ReadAhead(source)
    ahead.ask([(0, 4), (10, 12)])
    ahead.keep([(10, 12), (30, 31)])
    assert read(ahead, (10, 12), (0, 4)) == [CONTENT[10:12], CONTENT[:4]]
    assert source.asked == [[(0, 4), (10, 12)], [(0, 4)]]


def test_failures_are_raised_by_who_needs_the_bytes() -> None:
    source = Source()
    ahead = ReadAhead(source)
    ahead.ask([(50, 52), (60, 62)])
    for place, future in source.on_their_way:
        future.set_exception(OSError(f"no answer for {place}"))
    with pytest.raises(OSError, match=r"no answer for \(50, 52\)"):
        ahead.read([(50, 52)])
    # nobody needed the other one
    ahead.close()
    assert read(ahead, (0, 1)) == [CONTENT[:1]]


def test_closing_waits_for_what_is_on_its_way(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source()
    ahead = ReadAhead(source)
    ahead.ask([(50, 52)])
    waited = []

    def result(self: Future[Any], timeout: float | None = None) -> Any:
        waited.append(self)
        return np.frombuffer(CONTENT[50:52], dtype=np.uint8)

    monkeypatch.setattr(Future, "result", result)
    ahead.close()
    assert waited == [future for _, future in source.on_their_way]


@pytest.mark.parametrize("other", ["reads", "forgets"])
def test_threads_do_not_take_places_from_each_other(other: str) -> None:
    source = Source()
    ahead = ReadAhead(source)
    places = [(50, 52), (60, 62)]
    ahead.ask(places)
    with ThreadPoolExecutor(2) as pool:
        # the reader waits for its first place, while the other one gets to the second
        reader = pool.submit(read, ahead, *places)
        wait_for(lambda: places[0] not in ahead._asked)
        second: Future[Any] = pool.submit(read, ahead, *places) if other == "reads" else pool.submit(ahead.keep, [])
        wait_for(lambda: len(source.on_their_way) == 3 if other == "reads" else second.running())
        arrived = 0
        while not (reader.done() and second.done()):
            for (start, stop), future in source.on_their_way[arrived:]:
                future.set_result(np.frombuffer(CONTENT[start:stop], dtype=np.uint8))
                arrived += 1
    expected = [CONTENT[50:52], CONTENT[60:62]]
    assert reader.result() == expected
    assert second.result() == (expected if other == "reads" else None)
    assert not ahead._asked
