"""Requirements that objects pass one after the other."""

from __future__ import annotations

import itertools
from typing import Any

import hist
import numpy as np
import pytest

from pocket.errors import ConfigError, ScaleFactorError, UnknownNameError
from pocket.scale_factors import EfficiencyRatio, conditional
from pocket.scale_factors.declarations.base import find_function
from pocket.scale_factors.measurement.measure import measure
from pocket.scale_factors.measurement.templates import Templates, find_bins
from pocket.scale_factors.validation.pseudo_data import PseudoExperiments
from pocket.scale_factors.validation.truth import in_pseudo_data

OF_ALL = EfficiencyRatio(input="tnp", variable="probes", category="pairs", axes=("pt",), data=("data",), mc=("dy",))
STEPS = {"id": "identified", "iso": "isolated", "trigger": "fired"}
EDGES = [20.0, 40.0, 100.0]


def objects(seed: int, size: int) -> dict[str, np.ndarray[Any, Any]]:
    """Return objects whose isolation depends on the identification, and the trigger on both."""
    rng = np.random.default_rng(seed)
    pt = rng.uniform(20, 100, size)
    identified = rng.random(size) < np.where(pt < 40, 0.7, 0.9)
    isolated = rng.random(size) < np.where(identified, 0.9, 0.3)
    fired = rng.random(size) < np.where(identified & isolated, 0.8, 0.1)
    return {"pt": pt, "identified": identified, "isolated": isolated, "fired": fired}


def histograms() -> dict[str, hist.Hist[Any]]:
    made = {}
    for number, (name, variations) in enumerate({"data": [], "dy": ["nominal"]}.items()):
        axes: list[Any] = [hist.axis.StrCategory(["pairs"], name="cat")]
        axes += [hist.axis.StrCategory(variations, name="variation")] if variations else []
        axes += [hist.axis.Variable(EDGES, name="pt"), *(hist.axis.Integer(0, 2, name=axis) for axis in STEPS.values())]
        made[name] = hist.Hist(*axes, storage=hist.storage.Weight())
        made[name].fill("pairs", *variations, *objects(number, 20_000).values())
    return made


def test_efficiencies_are_those_of_objects_that_passed_before() -> None:
    made = histograms()
    chain = conditional(OF_ALL, STEPS)
    results = {name: measure(name, one, made) for name, one in chain.items()}
    for number, of in enumerate(("data", "mc")):
        found = objects(number, 20_000)
        before = np.ones(20_000, dtype=bool)
        for name, axis in STEPS.items():
            for row, (low, high) in enumerate(itertools.pairwise(EDGES)):
                inside = before & (found["pt"] >= low) & (found["pt"] < high)
                expected = found[axis][inside].mean()
                assert results[name].efficiencies[of].value[row] == pytest.approx(expected, rel=1e-12), (name, of)
            before &= found[axis]


def test_they_find_the_truth() -> None:
    made, declaration = histograms(), conditional(OF_ALL, STEPS)["trigger"]
    templates = Templates("trigger", declaration, made, find_bins("trigger", declaration, made))
    factors = np.resize(declaration.injected, templates.binning.size)
    experiments = PseudoExperiments(templates, (), factors, find_function(declaration.injection))
    check = in_pseudo_data([(templates.labels, experiments)])
    assert check.passed, check.outcome


def test_wrong_requirements() -> None:
    with pytest.raises(ConfigError, match="axis 'fired' can't be in given, since entries pass or fail it"):
        EfficiencyRatio(**vars(OF_ALL) | {"pass_axis": "fired", "given": ("fired",)})
    with pytest.raises(UnknownNameError, match=r"unknown axis 'identifed'.*did you mean 'identified'"):
        measure("iso", conditional(OF_ALL, {"id": "identifed", "iso": "isolated"})["iso"], histograms())
    empty = {name: one[{"fired": slice(0, 1)}] for name, one in histograms().items()}
    with pytest.raises(ScaleFactorError, match=r"axis 'fired' has no bin for 1 \(pass\)"):
        measure("iso", conditional(OF_ALL, {"trigger": "fired", "iso": "isolated"})["iso"], empty)
