from __future__ import annotations

import subprocess
import sys

import awkward as ak
import pytest
from omegaconf import OmegaConf

from pocket.errors import ConfigError
from pocket.workflows import BaseProcessorABC
from tests.pocket.configs import PlainWorkflow, configure


def test_objects_must_be_defined() -> None:
    class Unfinished(BaseProcessorABC):
        """Defines objects, but doesn't count them."""

        def apply_object_preselection(self, variation: str) -> None:
            """Do nothing."""

    with pytest.raises(TypeError, match="count_objects"):
        Unfinished(configure())  # type: ignore[abstract]


def test_a_new_chunk() -> None:
    config = configure(workflow_options={"measure": "id"})
    resolved = config.with_parameters(OmegaConf.create({"p": 1}))
    workflow = PlainWorkflow(resolved)
    assert (workflow.cfg, workflow.params, workflow.workflow_options) == (resolved, {"p": 1}, {"measure": "id"})
    assert config.parameters.limits.x == 1.0
    workflow.custom_histogram_fields["bdt"] = [0.1]
    events = ak.Array({"x": [1.0, 2.0]})
    workflow.start_chunk(
        events, {"dataset": "DATA_2018_EraA", "sample": "DATA", "year": 2018, "isMC": False, "era": "A"}
    )
    assert workflow.events is events
    assert workflow.nevents == 2
    # nothing of the chunk before stays
    assert workflow.custom_histogram_fields == {}
    assert (workflow._dataset, workflow._sample, workflow._year, workflow._isMC, workflow._era) == (
        "DATA_2018_EraA",
        "DATA",
        "2018",
        False,
        "A",
    )
    workflow.start_chunk(events, {"dataset": "DY", "sample": "DY", "year": "2018", "isMC": True})
    assert workflow._era is None


def test_a_step_that_nothing_calls_is_refused() -> None:
    expected = (
        "workflow Port defines compute_weights_extra, which is never called: use a weight class in weights_classes"
    )
    with pytest.raises(ConfigError, match=expected):

        class Port(PlainWorkflow):
            """Weights that would go missing without a word."""

            def compute_weights_extra(self, variation: str) -> None:
                """Do nothing."""


def test_a_workflow_is_plain_python() -> None:
    heavy = ["coffea", "numba", "hist", "uproot", "matplotlib", "scipy"]
    code = f"import sys, pocket.workflows; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"
