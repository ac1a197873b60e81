from __future__ import annotations

from typing import Any

import pytest

from tasks.chain.processing import RunProcessor
from tests.tasks.small_chain import Chain


def as_law_makes_it(workflow: Any, number: int) -> Any:
    return workflow.req_branch(number)


@pytest.mark.parametrize("options", [{}, {"iteration": -1, "chunk_size": 7, "branches": ((0, 3),), "cores": 2}])
def test_branches_are_those_of_law(chain: Chain, options: dict[str, Any]) -> None:
    workflow = chain.task(RunProcessor, config="main", **options)
    first = as_law_makes_it(workflow, 0)
    assert first.fingerprint  # in use: nothing of that may reach the others
    for number in (1, 2, 17):
        made, expected = workflow._make_branch(number), as_law_makes_it(workflow, number)
        assert made == expected
        assert hash(made) == hash(expected)
        assert made.task_id == expected.task_id
        assert made.param_kwargs == expected.param_kwargs
        assert {name: getattr(made, name) for name, _ in made.get_params()} == expected.param_kwargs
        assert vars(made).keys() == vars(expected).keys()
        assert made.as_workflow() is workflow
        assert repr(made) == repr(expected)
        assert made.cli_args() == expected.cli_args()
    # what law binds to a task belongs to that one
    made, expected = workflow._make_branch(1), as_law_makes_it(workflow, 1)
    assert made.output().path == expected.output().path != first.output().path
    made._message_cache.append("of one branch")
    assert workflow._make_branch(1)._message_cache == []
