from __future__ import annotations

from typing import Any

import hist
import numpy as np
import pytest

from pocket.errors import ScaleFactorError, UnknownNameError
from pocket.scale_factors import EfficiencyRatio
from pocket.scale_factors.templates import Counts, Templates, find_bins
from tests.pocket.scale_factors import toys


def read(histograms: Any, **changes: Any) -> tuple[Counts, Counts]:
    declaration = EfficiencyRatio(**{**toys.DECLARED, **changes})
    templates = Templates("sf", declaration, histograms, find_bins("sf", declaration, histograms))
    return templates.counted(declaration.data), templates.counts(declaration.mc)


@pytest.fixture
def templates() -> dict[str, hist.Hist[Any]]:
    data, mc = toys.template(is_mc=False), toys.template(is_mc=True)
    for passing, number in ((0, 3), (1, 7)):
        toys.fill(data, 0, 1, [passing] * number, mass=91)
        toys.fill(mc, 0, 1, [passing] * number, mass=91, weight=0.5)
    return {"data": data, "dy": mc}


def test_sums_over_samples_and_other_axes(templates: dict[str, hist.Hist[Any]]) -> None:
    templates["tt"] = 2 * templates["dy"]
    templates["dy"].fill("baseline", "pileupUp", 91, 1, 20, 1.2, weight=100)
    templates["dy"].fill("baseline", "nominal", 130, 0, 20, 1.2, weight=4)  # overflow of the mass, which is summed over
    templates["dy"].fill("baseline", "nominal", 91, 0, 500, 1.2, weight=100)  # overflow of pt
    data, mc = read(templates, mc=("dy", "tt"))
    assert data.passing[1] == data.passing.sum() == 7
    assert data.failing[1] == data.failing.sum() == 3
    assert mc.passing[1] == mc.passing.sum() == 7 * (0.5 + 1.0)
    assert mc.passing_variance[1] == 7 * (0.25 + 1.0)
    assert mc.failing[1] == mc.failing.sum() == 3 * (0.5 + 1.0) + 4
    assert mc.failing_variance[1] == 3 * (0.25 + 1.0) + 16


@pytest.mark.parametrize(
    "axis",
    [
        hist.axis.Integer(0, 2, name="passing"),
        hist.axis.Boolean(name="passing"),
        hist.axis.Variable([0, 1, 2], name="passing"),
        hist.axis.IntCategory([1, 0], name="passing"),
    ],
)
def test_any_axis_that_separates_zero_from_one(axis: Any) -> None:
    histogram = hist.Hist(
        hist.axis.StrCategory(["baseline"], name="cat"),
        axis,
        hist.axis.Variable([20, np.inf], name="pt"),
        storage=hist.storage.Weight(),
    )
    histogram.fill("baseline", [1, 1, 0], 1000)
    data, _ = read({"data": histogram, "dy": histogram}, axes=("pt",))
    assert (data.passing.item(), data.failing.item()) == (2, 1)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"mc": ("dyy",)}, "unknown sample 'dyy'.*did you mean 'dy'"),
        ({"category": "basline"}, "unknown category 'basline'.*did you mean 'baseline'"),
        ({"axes": ("pt", "eta")}, "unknown axis 'eta'.*did you mean 'abseta'"),
        ({"pass_axis": "pasing"}, "unknown axis 'pasing'.*did you mean 'passing'"),
    ],
)
def test_unknown_name(templates: dict[str, hist.Hist[Any]], changes: dict[str, Any], text: str) -> None:
    with pytest.raises(UnknownNameError, match=text):
        read(templates, **changes)


def test_no_nominal_variation(templates: dict[str, hist.Hist[Any]]) -> None:
    dense = list(templates["dy"].axes)[2:]
    other = hist.axis.StrCategory(["pileupUp"], name="variation")
    templates["dy"] = hist.Hist(templates["dy"].axes["cat"], other, *dense, storage=hist.storage.Weight())
    with pytest.raises(UnknownNameError, match="unknown variation 'nominal'"):
        read(templates)


def test_weighted_data(templates: dict[str, hist.Hist[Any]]) -> None:
    templates["data"] = 2 * templates["data"]
    with pytest.raises(ScaleFactorError, match="weights other than 1"):
        read(templates)


def test_contents_must_be_finite(templates: dict[str, hist.Hist[Any]]) -> None:
    templates["dy"].view().value[0, 0, 5, 0, 0, 0] = np.nan
    with pytest.raises(ScaleFactorError, match="sample 'dy': contents are not finite"):
        read(templates)


def test_needs_sums_of_squared_weights(templates: dict[str, hist.Hist[Any]]) -> None:
    templates["dy"] = hist.Hist(*templates["dy"].axes, storage=hist.storage.Double())
    with pytest.raises(ScaleFactorError, match="storage must be Weight, not Double"):
        read(templates)


def test_different_bins(templates: dict[str, hist.Hist[Any]]) -> None:
    templates["other"] = templates["dy"][{"pt": slice(0, 2)}]
    with pytest.raises(ScaleFactorError, match="samples dy, other have different bins"):
        read(templates, mc=("dy", "other"))
    with pytest.raises(ScaleFactorError, match="data and simulation have different bins"):
        read(templates, mc=("other",))


def test_pass_axis_without_bin_for_one() -> None:
    histogram = hist.Hist(
        hist.axis.StrCategory(["baseline"], name="cat"),
        hist.axis.Regular(1, 0, 2, name="passing"),
        hist.axis.Regular(1, 20, 30, name="pt"),
        storage=hist.storage.Weight(),
    )
    with pytest.raises(ScaleFactorError, match="separate bins for 0"):
        read({"data": histogram, "dy": histogram}, axes=("pt",))
