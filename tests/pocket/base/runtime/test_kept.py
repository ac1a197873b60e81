from __future__ import annotations

from collections.abc import Iterator

import pytest

from pocket.base.fingerprint import digest
from pocket.base.runtime.kept import forget_tables, keep_tables, keeping_tables, kept_table

LIMIT = {"pt": 20.0}


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    forget_tables()


def passes(pt: float) -> bool:
    return pt > LIMIT["pt"]


def test_tables_are_kept_by_name_until_they_are_forgotten() -> None:
    keep_tables()
    kept_table("one")[1] = "a"
    keep_tables()
    assert kept_table("one") == {1: "a"}
    assert kept_table("other") == {}
    forget_tables()
    assert kept_table("one") == {}
    kept_table("one")[1] = "a"
    assert kept_table("one") == {}


def test_a_block_leaves_what_was_there() -> None:
    with keeping_tables():
        kept_table("one")[1] = "a"
    assert kept_table("one") == {}
    keep_tables()
    kept_table("one")[1] = "a"
    with keeping_tables():
        assert kept_table("one") == {1: "a"}
    assert kept_table("one") == {1: "a"}


def test_digests_are_the_same_and_follow_values_again_once_tables_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cuts = [passes, {"cut": passes, "other": [1.0, "text"]}]
    before = digest(cuts), digest(passes)
    with keeping_tables():
        assert (digest(cuts), digest(passes)) == before
        assert (digest(passes), digest(cuts)) == before[::-1]
    monkeypatch.setitem(LIMIT, "pt", 25.0)
    assert digest(passes) != before[1]
