from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocket.errors import UnknownNameError
from pocket.histograms.files import write_sums_and_histograms
from pocket.scale_factors import Alternative, EfficiencyRatio
from pocket.scale_factors.files.measured import measure_from
from pocket.scale_factors.measurement.measure import measure
from tests.pocket.scale_factors import toys

OTHER = Alternative("generator", {"input": "other", "variable": "pairs"})
RATIO = EfficiencyRatio(**toys.DECLARED, systematics=(OTHER,))
#: dataset → seed and year
DATASETS = {"one": (1, "2017"), "two": (2, "2018"), "three": (3, "2018")}
YEARS = {dataset: year for dataset, (_, year) in DATASETS.items()}


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Two outputs; the second has what the first has with seeds that are 10 higher."""
    made = {}
    for config, variable, shift in (("toys", "probes", 0), ("other", "pairs", 10)):
        samples: dict[str, dict[str, Any]] = {"data": {}, "dy": {}}
        for dataset, (seed, _) in DATASETS.items():
            for sample, histogram in toys.counting(seed + shift).items():
                samples[sample][f"{sample}_{dataset}"] = histogram
        made[config] = tmp_path / config
        made[config].mkdir()
        write_sums_and_histograms(made[config], {"variables": {variable: samples, "mass": {}}})
    return made


def years(config: str) -> Mapping[str, str]:
    return {f"{sample}_{dataset}": year for sample in ("data", "dy") for dataset, year in YEARS.items()}


def added(*seeds: int) -> dict[str, Any]:
    all_ = [toys.counting(seed) for seed in seeds]
    return {sample: sum(each[sample] for each in all_[1:]) + all_[0][sample] for sample in ("data", "dy")}


def test_datasets_of_all_years_are_added(folders: dict[str, Path]) -> None:
    result = measure_from("trigger", RATIO, folders, years)
    expected = measure("trigger", RATIO.bare(), added(1, 2, 3)).scale_factor.value
    np.testing.assert_allclose(result.scale_factor.value, expected, rtol=1e-12)
    other = measure("trigger", RATIO.bare(), added(11, 12, 13)).scale_factor.value
    assert result.systematics["generator"][0] == pytest.approx(other - expected, abs=1e-12)


def test_datasets_of_each_year(folders: dict[str, Path]) -> None:
    result = measure_from("trigger", dataclasses.replace(RATIO, years=("2018", "2017")), folders, years)
    assert list(result.axes) == ["year", "pt", "abseta"]
    for index, seeds in enumerate(((2, 3), (1,))):
        expected = measure("trigger", RATIO.bare(), added(*seeds)).scale_factor.value
        assert result.scale_factor.value[index] == pytest.approx(expected, rel=1e-12)
        other = measure("trigger", RATIO.bare(), added(*(seed + 10 for seed in seeds))).scale_factor.value
        assert result.systematics["generator"][0][index] == pytest.approx(other - expected, abs=1e-12)


def test_year_without_a_sample(folders: dict[str, Path]) -> None:
    def without_data(config: str) -> Mapping[str, str]:
        return {**years(config), "data_one": "2016"}

    with pytest.raises(UnknownNameError, match="unknown sample 'data' in templates of variable 'probes', year 2017"):
        measure_from("trigger", dataclasses.replace(RATIO, years=("2017",)), folders, without_data)


def test_no_such_histogram(folders: dict[str, Path]) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown variable 'prbes'.*did you mean 'probes'"):
        measure_from("trigger", dataclasses.replace(RATIO, variable="prbes"), folders, years)
