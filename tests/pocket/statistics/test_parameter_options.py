from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from pocket.configuration.loading import load_analysis
from pocket.configuration.models import known_parameters
from pocket.errors import ConfigError
from pocket.statistics import Likelihood
from pocket.statistics.analyses import Choice, choose_likelihood, fit_toys, with_names
from pocket.statistics.parameter_options import KnownParameters, check_options, read_ranges, read_values
from tests.entries import check_each
from tests.pocket.statistics import models

KNOWN = KnownParameters(("r", "btag_hf", "btag_lf", "lumi"), {"theory": ("lumi",)}, {"r": (0.0, 20.0)})


def test_patterns_and_groups_are_names_of_parameters() -> None:
    model = models.simple(1)
    choice = Choice(
        freeze=("group:exp*", "r*"), values={"*i*": 0.5, "tilt": 0.25}, ranges={"r": (-5, 5), "l*": (-1, 1)}
    )
    found = with_names(model, choice)
    assert found.freeze == ("lumi", "tilt", "r", "rate")
    assert found.values == {"lumi": 0.5, "tilt": 0.25}
    assert found.ranges == {"r": (-5, 5), "lumi": (-1, 1)}
    # Names stay as they are.
    assert with_names(model, found) == found


def test_the_likelihood_has_the_values_and_ranges_that_are_chosen() -> None:
    chosen = Choice(freeze=("group:theory",), values={"r": -2.0, "rate": 1.0}, ranges={"r": (-5, 5)})
    parameters = choose_likelihood(models.simple(1), chosen).parameters
    plain = Likelihood(models.simple(1)).parameters
    assert parameters.names == plain.names == ("r", "lumi", "rate", "tilt")
    assert parameters.start.tolist() == [-2.0, 0.0, 1.0, 0.0]
    assert parameters.floating.tolist() == [True, True, False, True]
    assert (parameters.low[0], parameters.high[0]) == (-5, 5)
    assert (plain.low[0], plain.high[0]) == (0, 30)


def test_toys_are_counted_as_they_are_fitted() -> None:
    done: list[int] = []
    found = fit_toys(models.simple(1), range(3), Choice(freeze=("rate", "tilt")), done.append)
    assert (done, found["r"]["number"]) == ([1, 1, 1], [0, 1, 2])
    assert fit_toys(models.simple(1), range(1), Choice(freeze=("r",))) == {}


def test_unknown_names_are_allowed_only_where_others_may_come() -> None:
    check_options(dataclasses.replace(KNOWN, is_complete=False), ["JES_*"], {"JES_x": 1.0}, {}, "model 'm'")
    with pytest.raises(ConfigError, match="unknown group 'jes' in --freeze, model 'm'; known: theory"):
        check_options(dataclasses.replace(KNOWN, is_complete=False), ["group:jes"], {}, {}, "model 'm'")


WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "value": (lambda: read_values(["r=a"]), "--set: expected name=number with commas in between, not 'r=a'"),
    "no name": (lambda: read_values(["=1"]), "not '=1'"),
    "range": (lambda: read_ranges(["r=5"]), "--ranges: expected name=low:high with commas in between, such as r=-5:5"),
    "range of combine": (lambda: read_ranges(["r=0", "5"]), "not 'r=0'"),
    "three ends": (lambda: read_ranges(["r=0:1:2"]), "not 'r=0:1:2'"),
    "not a number": (lambda: read_ranges(["r=nan:1"]), "not 'r=nan:1'"),
    "empty range": (lambda: read_ranges(["r=5:-5"]), "--ranges: the range from 5 to -5 of 'r' is empty"),
    "range twice": (lambda: read_ranges(["r=0:1", "r=0:2"]), "--ranges names 'r' twice"),
    "frozen": (
        lambda: check_options(KNOWN, ["btag_hv"], {}, {}, "model 'm'"),
        "unknown parameter 'btag_hv' in --freeze, model 'm', did you mean 'btag_hf' or 'btag_lf'?",
    ),
    "pattern": (lambda: check_options(KNOWN, ["jes*"], {}, {}, "the card"), "unknown parameter 'jes*' in --freeze"),
    "group": (
        lambda: check_options(KNOWN, ["group:teory"], {}, {}, "model 'm'"),
        "unknown group 'teory' in --freeze, model 'm', did you mean 'theory'?",
    ),
    "set": (lambda: check_options(KNOWN, [], {"lum": 1.0}, {}, "model 'm'"), "unknown parameter 'lum' in --set"),
    "ranges": (
        lambda: check_options(KNOWN, [], {}, {"s": (0.0, 1.0)}, "model 'm'"),
        "unknown parameter 's' in --range",
    ),
    "group in set": (
        lambda: check_options(KNOWN, [], {"group:theory": 1.0}, {}, "model 'm'"),
        "--set, model 'm': 'group:theory' is a group, but only --freeze takes groups",
    ),
    "outside": (
        lambda: check_options(KNOWN, [], {"r": 50.0}, {}, "model 'm'"),
        "--set r=50 is outside of the range from 0 to 20, which --ranges changes",
    ),
    "outside of the new range": (
        lambda: check_options(KNOWN, [], {"r": 5.0}, {"r": (-1.0, 1.0)}, "model 'm'"),
        "--set r=5 is outside of the range from -1 to 1",
    ),
}


@check_each("wrong", WRONG)
def test_wrong_options_are_one_sentence(wrong: str) -> None:
    do, words = WRONG[wrong]
    with pytest.raises(ConfigError) as caught:
        do()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_parameters_of_a_declared_model_are_known_before_it_is_made() -> None:
    analysis = load_analysis("ttbar")
    known = known_parameters(analysis.models["tt_xsec"], analysis)
    assert {"r", "wjets_norm", "CMS_pileup", "lumi_toys", "ttbar_hf"} <= set(known.names)
    assert set(known.groups) == {"btag", "leptons", "normalisations"}
    assert known.ranges == {"r": (0, 5), "wjets_norm": (0, 5)}
    assert known.is_complete
