from __future__ import annotations

from typing import Any

import pytest

from pocket.errors import ConfigError
from tasks.chain.merging import MergeOutputs
from tasks.chain.processing import RunProcessor
from tasks.chain.scale_factors import ComputeScaleFactors
from tests.tasks.chain.test_coupling import couple
from tests.tasks.small_chain import Chain, name


@pytest.fixture
def coupled(on_files: Chain) -> Chain:
    couple(on_files)
    return on_files


def applied(chain: Chain, config: str, iteration: int) -> dict[str, str]:
    """Return the scale factors that the processor applies in an iteration, and their measurements."""
    required = chain.task(RunProcessor, config=config, iteration=iteration).required_tasks["scale_factors"]
    return {scale_factor: name(task) for scale_factor, task in required.items()}


def test_an_iteration_applies_the_one_before(coupled: Chain) -> None:
    assert applied(coupled, "probes", 0) == {}
    assert applied(coupled, "probes", 2) == {"vertices": "ComputeScaleFactors vertices.iteration1"}
    assert applied(coupled, "probes", -1) == {"vertices": "ComputeScaleFactors vertices"}
    files = coupled.task(RunProcessor, config="probes", iteration=0).made_files()
    assert files.scale_factors == {"vertices": None}


def test_each_iteration_has_its_own_outputs(coupled: Chain) -> None:
    tasks = [coupled.task(MergeOutputs, config="probes", iteration=number) for number in (-1, 0, 1, 2)]
    assert len({task.fingerprint for task in tasks}) == 4
    assert [task.config_part for task in tasks] == ["probes", *(f"probes.iteration{number}" for number in range(3))]
    assert tasks[2].processor.iteration == 1


@pytest.mark.parametrize(
    ("cls", "params", "message"),
    [
        (RunProcessor, {"config": "main", "iteration": 0}, "--iteration is 0, but 'main' has no part in coupled"),
        (RunProcessor, {"config": "both", "iteration": 1}, "--iteration is 1, but 'both' has no part in coupled"),
        (MergeOutputs, {"config": "probes", "iteration": 5}, "is 5, expected 0 to 4 for the .* tight_id, vertices"),
        (ComputeScaleFactors, {"scale_factor": "vertices", "iteration": -2}, "--iteration is -2, expected 0 to 4"),
    ],
)
def test_iterations_that_there_are_not(coupled: Chain, cls: Any, params: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        coupled.task(cls, **params)
