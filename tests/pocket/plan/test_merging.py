from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pocket.base.fingerprint import digest
from pocket.cuts.library import passthrough
from pocket.datasets.sample_variations import DedicatedVariation
from pocket.errors import ConfigError
from pocket.histograms.config import Axis, HistConf
from pocket.plan.era_names import EraNames
from pocket.plan.merging import MergingPlan
from pocket.weights.base import NormalisationWeight
from tests.pocket.configs import DATA, DY, LUMI, TT, configure, only

#: attributes that aren't in the specification of merged outputs → why
ELSEWHERE = {
    "categories": "the processor's",
    "subsamples": "the processor's",
    "variables": "the processor's",
    "workflow_options": "the processor's",
    "weights": "the processor's",
    "factors": "the processor's",
    "guarded": "these are the parameters",
}
#: something else for an attribute
OTHERS: dict[str, Any] = {
    "datasets": {},
    "dedicated": (DedicatedVariation("TT", "hdampUp", ("UP",), (TT,)),),
    "names": EraNames({}, {TT: "2018"}),
}


class Half(NormalisationWeight):
    name = "half"

    def factor(self) -> float:
        return 0.5 * float(self.params.limits.x)


#: attribute of the processor's fingerprint → arguments of a configuration with something else
CHANGES: dict[str, dict[str, Any]] = {
    "categories": {"categories": {"baseline": [], "all": []}},
    "subsamples": {"subsamples": {"TT": {"all": [passthrough]}}},
    "variables": {"variables": {"y": HistConf([Axis(field="x", bins=4, start=0, stop=2)])}},
    "workflow_options": {"workflow_options": {"donotscale_sumgenweights": True}},
    "weights": {"weights": {"common": {"inclusive": ["genWeight"]}}},
    "factors": {"weights": {"common": {"inclusive": [Half]}}},
}


def test_each_attribute_is_in_fingerprints_or_decides_nothing_more() -> None:
    config = configure(datasets=only("TT"), weights={"common": {"inclusive": ["lumi"]}})
    plan = config.merging_plan()
    before = digest(plan.spec(config.definitions))
    names = [field.name for field in dataclasses.fields(MergingPlan)]
    others = {name: dataclasses.replace(plan, **{name: OTHERS.get(name, {"other": 1})}) for name in names}
    assert {name for name, one in others.items() if digest(one.spec(config.definitions)) == before} == set(ELSEWHERE)
    assert {name for name, why in ELSEWHERE.items() if why == "the processor's"} == set(CHANGES)


@pytest.mark.parametrize("name", CHANGES)
def test_what_the_processor_depends_on(name: str) -> None:
    before, after = configure(), configure(**CHANGES[name])
    assert digest(getattr(before.merging_plan(), name)) != digest(getattr(after.merging_plan(), name))
    assert digest(before.plan().spec()) != digest(after.plan().spec())


def test_names_that_come_later_are_in_fingerprints() -> None:
    config = configure(datasets=only("TT"))
    plan = config.merging_plan()
    found = [
        dataclasses.replace(plan, names=EraNames({}, {TT: "2018"}, {TT: {}}, {TT: {"late": shared}}))
        for shared in (True, False)
    ]
    assert digest(found[0].spec(config.definitions)) != digest(found[1].spec(config.definitions))
    assert [one.names.stored(TT, "lateUp") for one in found] == ["lateUp", "late_2018Up"]


def test_specification_of_a_usual_configuration() -> None:
    config = configure(datasets=only("TT", "DATA"), weights={"common": {"inclusive": ["genWeight", "lumi", "XS"]}})
    definitions = {
        name: dataclasses.replace(one, xsec=7.0 if one.is_mc else None) for name, one in config.definitions.items()
    }
    assert config.merging_plan().spec(definitions) == {
        "normalisation": {TT: (7.0, None), DATA: (None, None)},
        "parameters": {"lumi": {"picobarns": {"2018": {"tot": LUMI}}}},
    }


def test_factors_read_what_they_name() -> None:
    plan = configure(weights={"common": {"inclusive": [Half]}}).merging_plan()
    assert plan.weights["DY"] == {"baseline": ("half",)}
    assert plan.factors["half"](plan.guarded, plan.datasets[DY]).factor() == 0.5
    with pytest.raises(ConfigError, match="reads section 'lumi' of the parameters"):
        _ = plan.guarded.lumi
