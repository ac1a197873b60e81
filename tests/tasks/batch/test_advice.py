from __future__ import annotations

import pytest

from tasks.batch.causes import Needs
from tasks.batch.status import MOST, advice, sample

ASKED = Needs(memory=2000.0, runtime=3.0)


def used(seconds: float, memory: float) -> dict[str, float]:
    return {"wall_time": seconds, "peak_memory": memory}


@pytest.mark.parametrize(
    ("usage", "per_job", "sentence"),
    [
        ([], 1, ""),
        # of an earlier version
        ([{"cpu_time": 3.0}], 1, ""),
        (
            [used(30.0, 4e8), used(200.0, 5e8)],
            1,
            "a branch took up to 500 MB and 3 min; --memory 800MB --runtime 10min",
        ),
        ([used(200.0, 1.5e9)], 1, "a branch took up to 1500 MB and 3 min; --runtime 10min would do"),
        ([used(200.0, 1.5e9)], 20, "a branch took up to 1500 MB and 3 min"),
    ],
)
def test_advice(usage: list[dict[str, float]], per_job: int, sentence: str) -> None:
    assert advice(usage, ASKED, per_job).startswith(sentence)
    assert ("would do" in advice(usage, ASKED, per_job)) == ("--" in sentence)


def test_only_some_of_many_branches_are_looked_at() -> None:
    assert list(sample([3, 5])) == [3, 5]
    assert list(sample([])) == []
    many = sample(range(10_000))
    assert MOST / 2 < len(many) <= MOST
