from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from correctionlib import CorrectionSet

from pocket.errors import ScaleFactorError, UnknownNameError
from pocket.scale_factors import EfficiencyMap, EfficiencyRatio
from pocket.scale_factors.files.measured import ALL_YEARS
from pocket.scale_factors.files.writer import dumps
from pocket.scale_factors.measurement.binning import Categories
from pocket.scale_factors.measurement.measure import measure
from pocket.scale_factors.validation.units import evaluate, units
from tests.pocket.scale_factors import toys

RATIO = EfficiencyRatio(**toys.DECLARED)
SIMULATED = {key: value for key, value in toys.DECLARED.items() if key != "data"}
GROUPED = EfficiencyMap(**{**SIMULATED, "mc": ("dy", "ww", "tt")}, groups={"light": ("dy", "ww"), "heavy": ("tt",)})


def test_one_unit_without_years_and_parts() -> None:
    sources = {ALL_YEARS: {("toys", "probes"): toys.counting(seed=1)}}
    (unit,) = units("sf", RATIO, sources)
    assert (unit.year, unit.samples, unit.prefix) == (ALL_YEARS, (), "")
    assert unit.labels == unit.bins
    assert unit.labels[0] == "pt [20, 30), abseta [0, 1.2)"


def test_samples_of_a_group_are_one_unit() -> None:
    histogram = toys.counting(seed=1)["dy"]
    histograms = {"dy": histogram, "ww": histogram, "tt": histogram}
    by_year = dataclasses.replace(GROUPED, years=("2017", "2018"))
    sources = {year: {("toys", "probes"): histograms} for year in by_year.years}
    found = list(units("sf", by_year, sources))
    assert [(unit.year, unit.samples) for unit in found] == [
        (year, samples) for year in ("2017", "2018") for samples in (("dy", "ww"), ("tt",))
    ]
    assert found[2].prefix == "year 2018, sample dy + ww, "
    np.testing.assert_allclose(
        found[0].templates.counts(("dy", "ww")).passing, 2 * found[1].templates.counts(("tt",)).passing
    )


def test_elsewhere_in_the_same_bins() -> None:
    before, after = toys.counting(seed=1), toys.counting(seed=2, objects=50, simulated=50)
    # more than there is in the smallest bin
    declaration = dataclasses.replace(RATIO, min_n_eff=5500.0, merge_axis="pt")
    place = dataclasses.replace(RATIO, input="after", min_n_eff=5500.0, merge_axis="pt")
    sources = {ALL_YEARS: {("toys", "probes"): before, ("after", "probes"): after}}
    (unit,) = units("sf", declaration, sources)
    other = unit.elsewhere(place, sources)
    assert other.labels == unit.labels
    assert len(other.labels) == 2
    assert len(other.bins) == 6
    assert other.templates.counts(("data",)).passing.sum() == after["data"][{"passing": 1}].sum().value
    del after["data"]
    with pytest.raises(
        UnknownNameError, match=r"unknown sample 'data' in .*variable 'probes' in configuration 'after'"
    ):
        unit.elsewhere(place, sources)


def test_evaluated_inside_of_each_bin() -> None:
    histograms = toys.counting(seed=1)
    sources = {ALL_YEARS: {("toys", "probes"): histograms}}
    result = measure("sf", RATIO, histograms)
    correction = CorrectionSet.from_string(dumps(result))["sf"]
    (unit,) = units("sf", RATIO, sources)
    np.testing.assert_allclose(unit.evaluate(correction, "nominal"), result.scale_factor.value)
    np.testing.assert_allclose(unit.evaluate(correction, "stat_up"), result.scale_factor.value + result.scale_factor.up)
    with pytest.raises(
        ScaleFactorError, match=r"correction 'sf' has no value for systematic jes_up, pt 25\.0, abseta 0\.6"
    ):
        unit.evaluate(correction, "jes_up")


def test_samples_with_one_efficiency_must_have_one_in_the_file() -> None:
    histogram = toys.counting(seed=1)["dy"]
    histograms = {"dy": histogram, "ww": histogram, "tt": 2 * toys.counting(seed=2)["dy"]}
    correction = CorrectionSet.from_string(dumps(measure("sf", GROUPED, histograms)))["sf"]
    sources = {ALL_YEARS: {("toys", "probes"): histograms}}
    light, heavy = units("sf", GROUPED, sources)
    assert not np.array_equal(light.evaluate(correction, "nominal"), heavy.evaluate(correction, "nominal"))
    with pytest.raises(ScaleFactorError, match="differs among dy, tt"):
        dataclasses.replace(light, samples=("dy", "tt")).evaluate(correction, "nominal")


def test_infinite_edges_and_categories() -> None:
    inputs = [
        {"name": "flavor", "type": "int"},
        {"name": "pt", "type": "real"},
    ]
    edges = ["-inf", 20.0, 50.0, "inf"]
    binnings = [
        {
            "key": key,
            "value": {"nodetype": "binning", "input": "pt", "edges": edges, "content": content, "flow": "error"},
        }
        for key, content in ((0, [1.0, 2.0, 3.0]), (5, [4.0, 5.0, 6.0]))
    ]
    content = {
        "schema_version": 2,
        "corrections": [
            {
                "name": "sf",
                "version": 1,
                "inputs": inputs,
                "output": {"name": "weight", "type": "real"},
                "data": {"nodetype": "category", "input": "flavor", "content": binnings},
            }
        ],
    }
    correction = CorrectionSet.from_string(str(content).replace("'", '"'))["sf"]
    axes = {"pt": (-np.inf, 20.0, 50.0, np.inf), "flavor": Categories((0, 5))}
    np.testing.assert_array_equal(evaluate(correction, axes, {}), [[1, 4], [2, 5], [3, 6]])
