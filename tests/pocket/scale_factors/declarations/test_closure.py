from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pocket.base.fingerprint import digest
from pocket.errors import ConfigError, UnknownNameError
from pocket.scale_factors import Alternative, Closure, EfficiencyMap, EfficiencyRatio, Kept, NormRatio, TagAndProbeFit
from pocket.scale_factors.declarations.closure import closure_configs, closure_sources, places
from tests.pocket.scale_factors import toys
from tests.pocket.scale_factors.validation.events import BTAG

KEPT = Kept(config="after", without="none", category="all")


def ratio(**changes: Any) -> EfficiencyRatio:
    return EfficiencyRatio(**{**toys.DECLARED, **changes})


def test_places_are_what_is_measured_there() -> None:
    declaration = ratio(
        systematics=(Alternative("tag", {"category": "tight"}),),
        closure=Closure(again={"input": "after", "category": "corrected"}, halves=({"mc": ("a",)}, {"mc": ("b",)})),
    )
    assert places(declaration) == {
        "again": (ratio(input="after", category="corrected"),),
        "halves": (ratio(mc=("a",)), ratio(mc=("b",))),
    }
    assert places(ratio()) == {}


def test_sources_and_configurations() -> None:
    closure = Closure(exact={"input": "one"}, again={"input": "one", "variable": "other"}, kept=(KEPT,))
    declaration = ratio(closure=closure)
    assert closure_sources(declaration) == (("toys", "probes"), ("one", "probes"), ("one", "other"))
    assert closure_configs(declaration) == ("toys", "one", "after")
    assert closure_configs(ratio()) == ("toys",)


def test_closure_is_no_part_of_what_was_measured() -> None:
    assert digest(ratio(closure=Closure(again={"input": "after"}))) == digest(ratio())
    assert digest(Closure(again={"input": "after"})) != digest(Closure())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"again": {"inputs": "after"}}, "unknown argument 'inputs' in again of the closure.*did you mean 'input'"),
        ({"again": {"axes": ("pt",)}}, "unknown argument 'axes'"),
        ({"again": {"closure": Closure()}}, "unknown argument 'closure'"),
    ],
)
def test_unknown_argument(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(UnknownNameError, match=text):
        ratio(closure=Closure(**arguments))


def test_places_are_checked_as_declarations() -> None:
    with pytest.raises(ConfigError, match="category is empty"):
        ratio(closure=Closure(again={"category": ""}))


def test_only_closures_that_exist() -> None:
    with pytest.raises(ConfigError, match="closure of TagAndProbeFit isn't exact, it is again="):
        TagAndProbeFit(**toys.DECLARED, mass_range=(70, 110), closure=Closure(exact={"input": "after"}))
    with pytest.raises(ConfigError, match="NormRatio isn't 1 when measured again, its closure is exact="):
        dataclasses.replace(BTAG, closure=Closure(again={"input": "after"}))
    simulated = {key: value for key, value in toys.DECLARED.items() if key != "data"}
    for closure in (Closure(exact={"input": "after"}), Closure(again={"input": "after"})):
        with pytest.raises(ConfigError, match="kept="):
            EfficiencyMap(**simulated, closure=closure)


def test_samples_measured_alone_stay_alone() -> None:
    with pytest.raises(UnknownNameError, match="unknown argument 'mc'"):
        dataclasses.replace(BTAG, closure=Closure(exact={"mc": ("tt",)}))
    (place,) = places(BTAG)["exact"]
    assert isinstance(place, NormRatio)
    assert [part.weighted for part in place.parts().values()] == ["closed", "closed"]


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: Closure(halves=({"category": "one"},)), "expected two, not 1"),
        (lambda: Closure(halves=({"category": "one"}, {})), "halves of a closure: expected arguments"),
        (lambda: Closure(exact="calibrated"), "exact of a closure: expected arguments .*not 'calibrated'"),  # type: ignore[arg-type]
        (lambda: Kept(config="", without="a", category="b"), "config is empty"),
        (lambda: Kept(config="after", without="a", category="a"), "categories must differ, not a, a"),
        (lambda: Kept(config="after", without="a", category="b", root="b"), "must differ"),
    ],
)
def test_wrong_closure(build: Any, text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        build()
