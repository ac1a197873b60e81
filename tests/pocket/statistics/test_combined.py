from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pocket.configuration.analysis import Analysis
from pocket.configuration.loading import load_analysis
from pocket.errors import ConfigError, StatisticsError
from pocket.statistics import (
    CombinedModel,
    Free,
    Likelihood,
    LogNormal,
    Process,
    Region,
    StatisticalModel,
    Stored,
    combine_models,
    fit,
)
from tests.entries import check_each
from tests.pocket.statistics import models

TTBAR = load_analysis("ttbar")


def model(category: str, *nuisances: Any, region: str = "", config: str = "medium", **others: Any) -> StatisticalModel:
    usual: dict[str, Any] = {
        "regions": {region or f"r_{category}": Region(config, category, "MET_pt")},
        "processes": {"ttB": Process("TTToSemiLeptonic__ttB", signal=True), "w": Process("WJetsToLNu")},
        "nuisances": (Stored("*"), *nuisances),
    }
    return StatisticalModel(**usual | others)


def analysis(**declared: Any) -> Analysis:
    return dataclasses.replace(TTBAR, models=declared)


def test_a_combined_model_has_the_models_that_it_names() -> None:
    made = analysis(both=CombinedModel("one", "two"), one=model("1b"), two=model("2b"))
    assert list(made.parts_of("both")) == ["one", "two"]
    assert made.parts_of("one") == {"one": made.models["one"]}
    assert not made.models["both"].regions


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "one": (lambda: CombinedModel("one"), "a CombinedModel needs names of two models or more, not ['one']"),
    "no name": (lambda: CombinedModel("one", 2), "needs names of two models or more, not ['one', 2]"),  # type: ignore[arg-type]
    "twice": (lambda: CombinedModel("one", "one"), "a CombinedModel has a model twice: one, one"),
    "argument": (lambda: CombinedModel("one", "two", regions={}), "unknown argument 'regions'"),  # type: ignore[call-arg]
    "unknown": (
        lambda: analysis(both=CombinedModel("one", "tow"), one=model("1b"), two=model("2b")),
        "unknown model 'tow' in the combined model 'both', did you mean 'two'?",
    ),
    "combined twice": (
        lambda: analysis(
            a=model("1b"), b=model("2b"), ab=CombinedModel("a", "b"), c=model("3b"), abc=CombinedModel("ab", "c")
        ),
        "the combined model 'abc': 'ab' combines models itself: name those",
    ),
    "region": (
        lambda: analysis(a=model("1b", region="sr"), b=model("2b", region="sr"), both=CombinedModel("a", "b")),
        "the combined model 'both': the models 'a' and 'b' both have a region 'sr': give one of them another name",
    ),
    "events": (
        lambda: analysis(a=model("1b"), b=model("1b", region="other"), both=CombinedModel("a", "b")),
        "region 'r_1b' of 'a' and region 'other' of 'b' have the same events, of category '1b' of configuration 'medi",
    ),
    "a part": (
        lambda: analysis(a=model("inclusive"), b=model("2b"), both=CombinedModel("a", "b")),
        "the combined model 'both': region 'r_inclusive' of 'a' and region 'r_2b' of 'b' have events in common, which",
    ),
    "range": (
        lambda: analysis(a=model("1b"), b=model("2b", pois={"r": (0, 5)}), both=CombinedModel("a", "b")),
        "the parameter 'r' is FreeParameter(low=0.0, high=20.0, initial=1.0) in 'a' and FreeParameter(low=0.0, high=5.",
    ),
    "kind": (
        lambda: analysis(
            a=model("1b", Free("w_norm", "w")), b=model("2b", LogNormal("w_norm", 1.1)), both=CombinedModel("a", "b")
        ),
        "the parameter 'w_norm' is FreeParameter(low=0.0, high=10.0, initial=1.0) in 'a' and a nuisance in 'b'",
    ),
}


@check_each("wrong", WRONG)
def test_models_that_dont_fit_together_are_refused_when_the_analysis_is_made(wrong: str) -> None:
    declare, words = WRONG[wrong]
    with pytest.raises(ConfigError) as caught:
        declare()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def renamed(seed: int, prefix: str) -> Any:
    made = models.simple(seed)
    return dataclasses.replace(
        made, regions=tuple(dataclasses.replace(region, name=f"{prefix}_{region.name}") for region in made.regions)
    )


def test_the_likelihood_of_a_combined_model_is_the_sum_of_both() -> None:
    """Constraints of common nuisances count once."""
    one, two = renamed(1, "a"), renamed(2, "b")
    both = Likelihood(combine_models(one, two))
    values = np.array([1.3, 0.4, -0.7, 0.9])
    assert both.parameters.names == ("r", "lumi", "rate", "tilt")
    parts = [Likelihood(part).deviance(values) for part in (one, two)]
    assert both.deviance(values) == pytest.approx(sum(parts) - (0.4**2 + 0.7**2 + 0.9**2), rel=1e-12)
    assert fit(both).error("r") < min(fit(Likelihood(part)).error("r") for part in (one, two))


def test_models_whose_parameters_differ_cant_be_combined() -> None:
    one, two = renamed(1, "a"), renamed(2, "b")
    with pytest.raises(StatisticsError, match="their smallest_norm differs"):
        combine_models(one, dataclasses.replace(two, smallest_norm=1e-3))
    with pytest.raises(StatisticsError, match="two regions of the model are named 'a_sr'"):
        combine_models(one, one)
