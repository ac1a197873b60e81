from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pocket.base.fingerprint import digest
from pocket.cuts.cut import Cut
from pocket.cuts.library import passthrough
from pocket.plan.processing import ProcessingPlan, processing_metadata
from pocket.plan.workflow import BaseProcessorABC
from tests.pocket.configs import DY, PlainWorkflow, configure

#: attributes that decide no number → why
NO_NUMBER = {
    "reader": "parameters that it doesn't read are left out of the plan, and are errors",
    "sections": "it is only named in errors",
}


def none(events: Any, params: Any, **kwargs: Any) -> Any:
    return events.x < 0


class Other(PlainWorkflow):
    """Counts something else."""

    def count_objects(self, variation: str) -> None:
        self.events["n"] = self.events.x


CUT = Cut("none", {}, none)
#: attribute → arguments of a configuration whose plan has another value for it
CHANGES: dict[str, dict[str, Any]] = {
    "workflow": {"workflow": Other},
    "workflow_options": {"workflow_options": {"a": 1}},
    "skim": {"skim": [CUT]},
    "preselections": {"preselections": [CUT]},
    "categories": {"categories": {"baseline": [CUT]}},
    "subsamples": {"subsamples": {"DY": {"all": [passthrough]}}},
    "weights": {"weights": {"common": {"inclusive": ["genWeight"]}}},
    "parameters": {"parameters_read": ["limits"]},
}


def test_each_attribute_is_in_fingerprints_or_decides_no_number() -> None:
    plan = configure().plan()
    before = digest(plan.spec())
    names = {field.name for field in dataclasses.fields(ProcessingPlan)}
    unseen = {name for name in names if digest(_with(plan, name).spec()) == before}
    assert unseen == set(NO_NUMBER)


def _with(plan: ProcessingPlan, name: str) -> ProcessingPlan:
    """Return the plan with something else for an attribute."""
    if name in ("categories", "subsamples"):
        return dataclasses.replace(plan, **{name: getattr(configure(**CHANGES[name]).plan(), name)})
    known = {"workflow": Other, "datasets": {}, "sections": frozenset({"other"}), "reader": None}
    return dataclasses.replace(plan, **{name: known.get(name, {"other": 1})})


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_configuration_declares_is_in_its_plan(name: str) -> None:
    before, after = configure().plan(), configure(**CHANGES[name]).plan()
    assert digest(getattr(before, name)) != digest(getattr(after, name))


def test_the_order_of_categories_is_that_of_their_axis() -> None:
    one, other = (configure(categories={name: [passthrough] for name in names}).plan().spec() for names in ("ab", "ba"))
    assert digest(one) != digest(other)


def test_metadata_that_only_the_normalisation_reads() -> None:
    full = {"sample": "DY", "year": "2018", "isMC": True, "xsec": 3.0, "nevents": 5, "size": 9, "part": "M50"}
    assert processing_metadata(full) == {"sample": "DY", "year": "2018", "isMC": True, "part": "M50"}
    assert "xsec" not in configure().plan().datasets[DY]


def test_a_workflow_has_the_plan() -> None:
    plan = configure(subsamples={"DY": {"low": [passthrough], "high": [passthrough]}}).plan()
    workflow: BaseProcessorABC = PlainWorkflow(plan)
    assert workflow.cfg is plan
    assert workflow.cfg.counted_samples("DY") == ("DY", "DY__low", "DY__high")
    assert workflow.cfg.stored_samples("DY") == ("DY__low", "DY__high")
    assert workflow.cfg.stored_samples("TT") == workflow.cfg.counted_samples("TT") == ("TT",)
    assert workflow.cfg.samples == {"DY": True, "TT": True, "DATA": False}
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.skim = ()  # type: ignore[misc]
