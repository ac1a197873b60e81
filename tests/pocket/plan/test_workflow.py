from __future__ import annotations

import subprocess
import sys

import awkward as ak
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.errors import ConfigError
from pocket.plan.workflow import BaseProcessorABC
from tests.pocket.configs import PlainWorkflow, configure


def test_objects_must_be_defined() -> None:
    class Unfinished(BaseProcessorABC):
        """Defines objects, but doesn't count them."""

        def apply_object_preselection(self, variation: str) -> None:
            """Do nothing."""

    with pytest.raises(TypeError, match="count_objects"):
        Unfinished(configure().plan())  # type: ignore[abstract]


def test_a_new_chunk() -> None:
    config = configure(workflow_options={"measure": "id"})
    resolved = config.plan().with_parameters(OmegaConf.create({"p": 1}))
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
    assert (workflow.nEvents_initial, workflow.nEvents_after_skim, workflow.nEvents_after_presel) == (2, 0, 0)


def test_what_workflows_of_pocketcoffea_know_of_a_dataset() -> None:
    workflow = PlainWorkflow(configure().plan())
    metadata = {"dataset": "DY", "sample": "DY", "year": "2018", "isMC": True, "part": "M50"}
    workflow.start_chunk(ak.Array({"Rho": [1.0, 2.0]}), metadata)
    known = {"dataset": "DY", "sample": "DY", "samplePart": "M50", "year": "2018", "isMC": True, "era": None}
    assert workflow._metadata == {**known, "isSkim": False, "nano_version": 12}
    assert (workflow.nano_version, workflow._isSkim) == (12, False)
    # metadata have precedence over what the events look like
    workflow.start_chunk(ak.Array({"Rho": [1.0]}), {**metadata, "nano_version": "9", "isSkim": True})
    assert (workflow.nano_version, workflow._isSkim, workflow._metadata["isSkim"]) == (9, True, True)


def test_a_step_that_nothing_calls_is_refused() -> None:
    expected = (
        "workflow Port defines compute_weights_extra, which is never called: use a weight class in weights_classes"
    )
    with pytest.raises(ConfigError, match=expected):

        class Port(PlainWorkflow):
            """Weights that would go missing without a word."""

            def compute_weights_extra(self, variation: str) -> None:
                """Do nothing."""


def test_all_refused_steps_are_named() -> None:
    message = (
        "defines define_weights, which .*: use weights of the configuration; and fill_histograms_extra, which .*: use v"
    )
    with pytest.raises(ConfigError, match=message):
        type("Port", (BaseProcessorABC,), {"fill_histograms_extra": print, "define_weights": print})


@pytest.mark.parametrize(
    ("step", "instead"),
    [
        ("load_metadata", "load_metadata_extra"),
        ("loop_over_variations", "variations of the configuration"),
        ("export_skimmed_chunk", "the task SkimEvents"),
        ("save_processing_metadata", "the task RunProcessor"),
        ("rescale_sumgenweights", "the task MergeOutputs"),
    ],
)
def test_steps_of_pocketcoffea_are_refused(step: str, instead: str) -> None:
    with pytest.raises(ConfigError, match=f"workflow Port defines {step}, which is never called: use {instead}"):
        type("Port", (PlainWorkflow,), {step: lambda self: None})


def test_a_workflow_is_plain_python() -> None:
    heavy = ["coffea", "numba", "hist", "uproot", "matplotlib", "scipy"]
    code = f"import sys, pocket.plan.workflow; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.strip() == "[]"


def test_a_column_is_computed_when_it_is_used() -> None:
    workflow = PlainWorkflow(configure().plan())
    workflow.events = ak.Array({"x": [1.0, 2.0, 3.0]})
    calls = []

    def double() -> ak.Array:
        calls.append(None)
        return 2 * ak.Array([1.0, 2.0, 3.0])

    workflow.define_when_used("double", double, "int64")
    selected = workflow.events[np.array([True, False, True])]
    assert selected.x.to_list() == [1.0, 3.0]
    assert not calls
    assert selected.double.to_list() == [2, 6]
    assert workflow.events.double.to_list() == [2, 4, 6]
    assert str(workflow.events.double.type) == "3 * int64"
    assert len(calls) == 1


def test_a_column_of_another_length_is_an_error_where_it_is_used() -> None:
    workflow = PlainWorkflow(configure().plan())
    workflow.events = ak.Array({"x": [1.0, 2.0, 3.0]})
    workflow.define_when_used("few", lambda: [1, 2], "int64")
    with pytest.raises(ConfigError, match=r"column 'few' was computed with shape \(2,\), expected \(3,\)"):
        np.asarray(workflow.events.few)
