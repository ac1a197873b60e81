from __future__ import annotations

from collections.abc import Sequence

import pytest

from pocket.errors import BadFileError, MissingBranchError, OtherFileError, PocketError
from pocket.io.remote import attempts
from pocket.io.remote.attempts import PAUSES, Found, first_readable

A, B = "root://a//f.root", "root://b//f.root"
DOWN = OSError("[FATAL] Connection error")
SLOW = OSError("[ERROR] Operation expired")
GONE = OSError("[ERROR] Server responded with an error: [3011] No such file")


class Reader:
    """Fails as told, location by location, and notes what it was asked."""

    def __init__(self, **failures: Sequence[Exception | None]) -> None:
        self.failures = {"a": list(failures.get("a", ())), "b": list(failures.get("b", ()))}
        self.log: list[str | float] = []

    def read(self, location: str) -> int:
        server = location[len("root://")]
        self.log.append(server)
        failure = self.failures[server].pop(0) if self.failures[server] else None
        if isinstance(failure, PocketError):
            raise failure
        if failure is not None:
            raise BadFileError(f"{location} can't be read: {failure}") from failure
        return 42

    def run(self, *locations: str) -> Found[int]:
        return first_readable(locations, self.read, sleep=self.log.append)


@pytest.fixture(autouse=True)
def nothing_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "_failed", {})


def test_first_attempt() -> None:
    reader = Reader()
    assert reader.run(A, B) == Found(42, A, {})
    assert reader.log == ["a"]


def test_same_server_again_after_a_pause() -> None:
    reader = Reader(a=[DOWN])
    assert reader.run(A, B) == Found(42, A, {A: f"{A} can't be read: {DOWN}"})
    assert reader.log == ["a", 1.0, "a"]


def test_then_the_replica() -> None:
    reader = Reader(a=[DOWN] * 9)
    assert reader.run(A, B).location == B
    assert reader.log == ["a", 1.0, "a", "b"]


@pytest.mark.parametrize("failure", [GONE, SLOW])
def test_replica_at_once(failure: Exception) -> None:
    reader = Reader(a=[failure])
    assert reader.run(A, B).location == B
    assert reader.log == ["a", "b"]


def test_rounds() -> None:
    reader = Reader(a=[DOWN] * 3, b=[GONE])
    assert reader.run(A, B).location == A
    assert reader.log == ["a", 1.0, "a", "b", 1.0, "a", 2.0, "a"]


def test_all_down() -> None:
    reader = Reader(a=[DOWN] * 9, b=[DOWN] * 9)
    with pytest.raises(BadFileError) as caught:
        reader.run(A, B)
    reasons = f"{A} can't be read: {DOWN}; {B} can't be read: {DOWN}"
    assert str(caught.value) == f"none of the 2 replicas of {A} can be read: {reasons}"
    pauses = [entry for entry in reader.log if isinstance(entry, float)]
    assert pauses == [1.0, 1.0, *PAUSES]
    # the promise is an error within half a minute
    assert sum(pauses) < 20


def test_server_that_failed_comes_last_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Reader(a=[SLOW]).run(A, B).location == B
    reader = Reader()
    assert reader.run(A, B) == Found(42, B, {})
    assert reader.log == ["b"]
    # it is asked where no other has the file, and is as good as before once it answered
    assert Reader(b=[GONE]).run(A, B).location == A
    assert Reader().run(A, B).location == A

    assert Reader(a=[SLOW]).run(A, B).location == B
    monkeypatch.setattr(attempts, "_AVOIDED", 0.0)
    assert Reader().run(A, B).location == A
    # a missing file says nothing of its server
    monkeypatch.setattr(attempts, "_AVOIDED", 300.0)
    assert Reader(a=[GONE]).run(A, B).location == B
    assert Reader().run(A, B).location == A


def test_one_location() -> None:
    reader = Reader(a=[GONE])
    with pytest.raises(BadFileError) as caught:
        reader.run(A)
    assert (str(caught.value), caught.value.__cause__) == (f"{A} can't be read: {GONE}", GONE)
    assert reader.log == ["a"]


def test_server_that_does_not_answer_is_tried_twice() -> None:
    reader = Reader(a=[SLOW] * 9)
    with pytest.raises(BadFileError, match="Operation expired"):
        reader.run(A)
    assert reader.log == ["a", 1.0, "a"]


def test_no_pause_for_what_is_final() -> None:
    reader = Reader(a=[GONE], b=[GONE])
    with pytest.raises(BadFileError, match=r"none of the 2 .*a//f\.root can't be read: .*; .*b//f\.root can't be"):
        reader.run(A, B)
    assert reader.log == ["a", "b"]


def test_another_file_decides_the_error() -> None:
    other = OtherFileError(f"{A} was replaced")
    for failures in ({"a": [other], "b": [GONE]}, {"a": [GONE], "b": [other]}):
        with pytest.raises(OtherFileError, match="was replaced"):
            Reader(**failures).run(A, B)
    assert Reader(a=[other]).run(A, B).location == B


def test_what_is_not_the_fault_of_the_file() -> None:
    reader = Reader(a=[MissingBranchError("no branch")])
    with pytest.raises(MissingBranchError):
        reader.run(A, B)
    assert reader.log == ["a"]


def test_reasons_name_their_location() -> None:
    reader = Reader(a=[BadFileError("too short")], b=[GONE])
    with pytest.raises(BadFileError, match=f"{A}: too short; {B} can't"):
        reader.run(A, B)
