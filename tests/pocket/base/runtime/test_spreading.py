from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from pocket.base.runtime.spreading import spread, spreading
from tests.tasks.framework.test_spreading import negate


def test_calls_run_here_by_default() -> None:
    assert spread(negate, [3, 1, 2]) == [-3, -1, -2]
    assert spread(negate, []) == []


def test_calls_are_made_as_offered_within_the_block() -> None:
    asked = []

    def offered(function: Callable[[Any], Any], arguments: Sequence[Any]) -> list[Any]:
        asked.append(list(arguments))
        return [function(argument) for argument in arguments]

    with spreading(offered):
        assert spread(negate, [1, 2]) == [-1, -2]
    with pytest.raises(ZeroDivisionError), spreading(offered):
        spread(lambda each: 1 / each, [0])
    assert spread(negate, [5]) == [-5]
    assert asked == [[1, 2], [0]]
