from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import awkward as ak
import numpy as np
import pytest

from pocket.calibrators.base import Calibrator
from pocket.cuts.cut import Cut
from pocket.errors import ConfigError
from pocket.skims.run import kept_events
from tests.pocket.configs import DATA, DY, PlainWorkflow, configure, metadata, planned

X = np.array([0.1, 0.4, 0.9, 0.95, 1.0, 1.05, 1.1, 1.6, 1.9])


def above(events: Any, params: Mapping[str, float], **kwargs: Any) -> Any:
    return events.x > params["x"]


def nothing(events: Any, params: Any, **kwargs: Any) -> Any:
    return np.zeros(len(events), dtype=np.bool_)


class Scale(Calibrator):
    """Moves x by a tenth up and down."""

    name = "scale"
    has_variations = True
    isMC_only = True  # noqa: N815  PocketCoffea's spelling
    calibrated_collections = ("x",)
    _variations = ("scaleUp", "scaleDown")

    def calibrate(self, events: Any, original: Any, variation: str, already_applied: Any) -> dict[str, Any]:
        return {"x": events.x * {"scaleUp": 1.1, "scaleDown": 0.9}.get(variation, 1.0)}


def kept(mode: str, dataset: str = DY, workflow: type[PlainWorkflow] = PlainWorkflow, **changes: Any) -> list[float]:
    settings: dict[str, Any] = {
        "skim": [Cut("loose", {"x": 0.3}, above)],
        "preselections": [Cut("tight", {"x": 1.0}, above)],
        "calibrators": [Scale],
        "variations": {"shape": {"common": {"inclusive": ["scale"]}}},
        "workflow": workflow,
    }
    config = configure(**settings | changes)
    events = ak.Array({"x": X, "genWeight": np.ones(len(X))})
    mask = kept_events(config.workflow(planned(config)), events, metadata(config, dataset), mode)
    assert mask.shape == X.shape
    return [float(x) for x in X[mask]]


def test_skim_cuts_alone() -> None:
    assert kept("skim") == [0.4, 0.9, 0.95, 1.0, 1.05, 1.1, 1.6, 1.9]
    assert kept("skim", skim=[]) == X.tolist()


def test_preselection_in_any_variation() -> None:
    # by hand: x, 1.1 x or 0.9 x above 1
    assert kept("presel_any_variation") == [0.95, 1.0, 1.05, 1.1, 1.6, 1.9]
    # variations that nobody stores don't count, nor those that data don't have
    assert kept("presel_any_variation", variations={}) == [1.05, 1.1, 1.6, 1.9]
    assert kept("presel_any_variation", DATA) == [1.05, 1.1, 1.6, 1.9]


def test_an_event_that_passes_only_when_it_is_varied_down() -> None:
    inverted = Cut("low", {"x": 1.0}, lambda events, params, **kwargs: events.x < params["x"])
    assert kept("presel_any_variation", preselections=[inverted]) == [0.4, 0.9, 0.95, 1.0, 1.05, 1.1]


def test_nothing_survives() -> None:
    assert kept("presel_any_variation", skim=[Cut("nothing", {}, nothing)]) == []
    assert kept("presel_any_variation", preselections=[Cut("nothing", {}, nothing)]) == []


class RemovesBefore(PlainWorkflow):
    def process_extra_before_skim(self) -> None:
        self.events = self.events[:3]


class RemovesAfter(PlainWorkflow):
    def apply_object_preselection(self, variation: str) -> None:
        self.events = self.events[:3]


@pytest.mark.parametrize(("workflow", "counts"), [(RemovesBefore, "3 of 9"), (RemovesAfter, "3 of 8")])
def test_workflow_that_removes_events(workflow: type[PlainWorkflow], counts: str) -> None:
    with pytest.raises(ConfigError, match=rf"{workflow.__name__} removes events by itself \({counts} are left\)"):
        kept("presel_any_variation", workflow=workflow)
