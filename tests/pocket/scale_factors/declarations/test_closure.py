from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pocket.base.fingerprint import digest
from pocket.errors import ConfigError, UnknownNameError
from pocket.scale_factors import (
    Alternative,
    Closure,
    EfficiencyMap,
    EfficiencyRatio,
    NormRatio,
    PreservedYield,
    TagAndProbeFit,
)
from pocket.scale_factors.declarations.closure import closure_configs, closure_sources, places
from pocket.scale_factors.declarations.measured import PassFail
from tests.pocket.scale_factors import toys
from tests.pocket.scale_factors.validation.events import BTAG, VERTICES

PRESERVED = PreservedYield(config="after", unweighted="none", category="all")


def ratio(**changes: Any) -> EfficiencyRatio:
    return EfficiencyRatio(**{**toys.DECLARED, **changes})


def test_places_are_what_is_measured_there() -> None:
    declaration = ratio(
        systematics=(Alternative("tag", {"category": "tight"}),),
        closure=Closure(remeasured={"input": "after", "category": "corrected"}, split=({"mc": ("a",)}, {"mc": ("b",)})),
    )
    assert places(declaration) == {
        "remeasured": (ratio(input="after", category="corrected"),),
        "split": (ratio(mc=("a",)), ratio(mc=("b",))),
    }
    assert places(ratio()) == {}


def test_events_are_read_in_a_derived_configuration() -> None:
    closure = Closure(remeasured={"input": "after", "category": "probes"}, events=True)
    declaration = ratio(closure=closure)
    assert places(declaration)["events"] == (ratio(input="after_injected", category="probes"),)
    assert closure_configs(declaration) == ("toys", "after", "after_injected")
    assert digest(declaration) == digest(ratio())


def test_all_objects_have_neither_data_nor_a_mass() -> None:
    closure = Closure(all_objects={"input": "all", "category": "muons"})
    fit = TagAndProbeFit(**toys.DECLARED, mass_range=(70, 110), closure=closure, bins={"pt": (20.0, 60.0)})
    (place,) = places(fit)["all_objects"]
    assert (place.input, place.variable, place.category) == ("all", fit.variable, "muons")
    assert place.roles() == {"mc": fit.mc}
    assert isinstance(place, PassFail)
    assert place.histogram_axes() == (*fit.axes, fit.pass_axis)
    assert place.bins == fit.bins
    assert closure_configs(fit) == ("toys", "all")


@pytest.mark.parametrize("argument", ["data", "mass_range", "axes", "upstream"])
def test_arguments_that_all_objects_have_not(argument: str) -> None:
    with pytest.raises(UnknownNameError, match=f"unknown argument '{argument}'"):
        ratio(closure=Closure(all_objects={"input": "all", argument: ("DATA",)}))


def test_all_objects_need_an_efficiency_in_data() -> None:
    for declaration in (VERTICES, BTAG):
        with pytest.raises(ConfigError, match="all_objects= compares an efficiency of objects, which"):
            dataclasses.replace(declaration, closure=Closure(all_objects={"input": "all"}))


def test_events_need_an_efficiency_of_objects() -> None:
    with pytest.raises(ConfigError, match=r"DataMCRatio .*events=True injects an efficiency of objects, which DataMCR"):
        dataclasses.replace(VERTICES, closure=Closure(remeasured={"input": "calibrated"}, events=True))


def test_sources_and_configurations() -> None:
    closure = Closure(
        same_events={"input": "one"}, remeasured={"input": "one", "variable": "other"}, preserved=(PRESERVED,)
    )
    declaration = ratio(closure=closure)
    assert closure_sources(declaration) == (("toys", "probes"), ("one", "probes"), ("one", "other"))
    assert closure_configs(declaration) == ("toys", "one", "after")
    assert closure_configs(ratio()) == ("toys",)


def test_closure_is_no_part_of_what_was_measured() -> None:
    assert digest(ratio(closure=Closure(remeasured={"input": "after"}))) == digest(ratio())
    assert digest(Closure(remeasured={"input": "after"})) != digest(Closure())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"remeasured": {"inputs": "after"}},
            "unknown argument 'inputs' in remeasured of the closure.*did you mean 'input'",
        ),
        ({"remeasured": {"axes": ("pt",)}}, "unknown argument 'axes'"),
        ({"remeasured": {"closure": Closure()}}, "unknown argument 'closure'"),
    ],
)
def test_unknown_argument(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(UnknownNameError, match=text):
        ratio(closure=Closure(**arguments))


def test_places_are_checked_as_declarations() -> None:
    with pytest.raises(ConfigError, match="category is empty"):
        ratio(closure=Closure(remeasured={"category": ""}))


def test_only_closures_that_exist() -> None:
    with pytest.raises(
        ConfigError, match="closure of TagAndProbeFit isn't exact, hence not same_events=, but remeasured="
    ):
        TagAndProbeFit(**toys.DECLARED, mass_range=(70, 110), closure=Closure(same_events={"input": "after"}))
    with pytest.raises(ConfigError, match="NormRatio isn't 1 when measured again, its closure is same_events="):
        dataclasses.replace(BTAG, closure=Closure(remeasured={"input": "after"}))
    simulated = {key: value for key, value in toys.DECLARED.items() if key != "data"}
    for closure in (Closure(same_events={"input": "after"}), Closure(remeasured={"input": "after"})):
        with pytest.raises(ConfigError, match="preserved="):
            EfficiencyMap(**simulated, closure=closure)


def test_samples_measured_alone_stay_alone() -> None:
    with pytest.raises(UnknownNameError, match="unknown argument 'mc'"):
        dataclasses.replace(BTAG, closure=Closure(same_events={"mc": ("tt",)}))
    (place,) = places(BTAG)["same_events"]
    assert isinstance(place, NormRatio)
    assert [part.weighted for part in place.per_sample().values()] == ["closed", "closed"]


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: Closure(split=({"category": "one"},)), "expected two places, not 1"),
        (lambda: Closure(tolerance=-0.1), "tolerance of a closure: expected a number that isn't negative, not -0.1"),
        (lambda: Closure(all_objects="all"), "all_objects of a closure: expected arguments .*not 'all'"),  # type: ignore[arg-type]
        (lambda: Closure(events=True), r"events of a closure: name .* remeasured=\{'input': …\}"),
        (lambda: Closure(remeasured={"category": "a"}, events=True), "events of a closure: name what weights probes"),
        (lambda: Closure(split=({"category": "one"}, {})), "split of a closure: expected arguments"),
        (lambda: Closure(same_events="calibrated"), "same_events of a closure: expected arguments .*not 'calibrated'"),  # type: ignore[arg-type]
        (lambda: PreservedYield(config="", unweighted="a", category="b"), "config is empty"),
        (lambda: PreservedYield(config="after", unweighted="a", category="a"), "categories must differ, not a, a"),
        (lambda: PreservedYield(config="after", unweighted="a", category="b", covariance="b"), "must differ"),
    ],
)
def test_wrong_closure(build: Any, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        build()
