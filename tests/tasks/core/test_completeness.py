from __future__ import annotations

from collections import Counter

import law
import luigi

from tasks.core.targets import are_complete

asked: Counter[int] = Counter()


class Layer(law.WrapperTask):
    """One of a tower of tasks, each of which requires the one below it twice."""

    height = luigi.IntParameter()
    missing = luigi.IntParameter(default=-1)

    def requires(self) -> dict[str, Layer]:
        if self.height == 0:
            return {}
        return {side: Layer(height=self.height - 1, missing=self.missing) for side in ("left", "right")}

    def complete(self) -> bool:
        asked[self.height] += 1
        return are_complete(self.requires()) and self.height != self.missing


def test_each_task_is_asked_once() -> None:
    asked.clear()
    assert are_complete([Layer(height=20)])
    assert asked == dict.fromkeys(range(21), 1)


def test_one_that_is_missing_below() -> None:
    assert not are_complete({"all": Layer(height=20, missing=3)})


def test_nothing_is_remembered_between_questions() -> None:
    asked.clear()
    assert not are_complete(Layer(height=2, missing=0))
    assert are_complete(Layer(height=2))
    assert asked[0] == 2
