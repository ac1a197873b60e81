from __future__ import annotations

import dataclasses
from typing import Any

import hist
import numpy as np
import pytest

from pocket.errors import ScaleFactorError, UnknownNameError
from pocket.scale_factors import EfficiencyRatio
from pocket.scale_factors.measurement.templates import Counts, Templates, find_bins
from tests.pocket.scale_factors import map_toys, toys


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


def by_category() -> dict[str, hist.Hist[Any]]:
    """Data and simulation in one bin, whose categories tell passing from failing entries, with fractional weights."""
    rng = np.random.default_rng(1)
    found = {}
    for sample in ("data", "dy"):
        histogram = hist.Hist(
            hist.axis.StrCategory(["pass", "fail", "all", "other"], name="cat"),
            hist.axis.Variable([20, 30, 50], name="pt"),
            storage=hist.storage.Weight(),
        )
        pt, passing = rng.uniform(20, 50, 200), rng.random(200) < 0.8
        # in the second bin all pass
        passing |= pt >= 30
        weight = np.ones(200) if sample == "data" else rng.normal(1, 1, 200)
        for category, chosen in (("pass", passing), ("fail", ~passing)):
            histogram.fill(category, pt[chosen], weight=weight[chosen])
        # in another order, so that sums of the same entries differ in their last digits
        order = np.argsort(pt)
        histogram.fill("all", pt[order], weight=weight[order])
        histogram.fill("other", pt[order][:20], weight=weight[order][:20])
        found[sample] = histogram
    return found


def test_categories_tell_passing_from_failing() -> None:
    declared = {"axes": ("pt",), "category": "pass"}
    failing = read(by_category(), **declared, fail_category="fail")
    among = read(by_category(), **declared, denominator="all")
    for one, other in zip(failing, among, strict=True):
        for key in ("passing", "failing", "passing_variance", "failing_variance"):
            assert getattr(other, key) == pytest.approx(getattr(one, key))
        # nothing but rounding is left
        assert other.failing[1] == other.failing_variance[1] == 0
    values = by_category()["dy"].values()
    assert failing[1].passing.tolist() == values[0].tolist()
    assert failing[1].failing.tolist() == values[1].tolist()


def test_denominator_has_what_passes() -> None:
    with pytest.raises(ScaleFactorError, match=r"sample data: category 'pass' isn't a part of 'other'"):
        read(by_category(), axes=("pt",), category="pass", denominator="other")


def test_variation_and_factors(templates: dict[str, hist.Hist[Any]]) -> None:
    templates["dy"].fill("baseline", "pileupUp", 91, 1, 20, 1.2, weight=100)
    declaration = EfficiencyRatio(**toys.DECLARED)
    nominal = Templates("sf", declaration, templates, find_bins("sf", declaration, templates))
    varied = dataclasses.replace(nominal, variation="pileupUp")
    assert varied.counts(("dy",)).passing[1] == 100
    # a variation that isn't there leaves the nominal
    other = dataclasses.replace(nominal, variation="pileupDown", factors={"dy": 3.0})
    assert other.counts(("dy",)).passing[1] == 3 * 3.5
    assert other.counts(("dy",)).passing_variance[1] == 9 * 7 * 0.25
    assert nominal.read(("dy",), variation="pileupUp").values[1] == 100
    assert nominal.read(("data",), further=("mass",)).values.shape == (6, 60)
    assert nominal.read(("data",), further=("mass",)).values[1, 31] == 10


def test_bins_of_another_histogram(templates: dict[str, hist.Hist[Any]]) -> None:
    declaration = EfficiencyRatio(**toys.DECLARED)
    binning = find_bins("sf", declaration, templates)
    axes = [hist.axis.Variable([20, 30, 50, 90], name="pt") if a.name == "pt" else a for a in templates["dy"].axes]
    other = Templates("sf", declaration, {"dy": hist.Hist(*axes, storage=hist.storage.Weight())}, binning)
    for reading in (other.read, other.counts):
        with pytest.raises(ScaleFactorError, match="of sample dy: the bins differ from those of scale factor 'sf'"):
            reading(("dy",))


def test_bins_are_joined_where_data_or_simulation_have_few_entries() -> None:
    histograms = by_category()
    declared = {**toys.DECLARED, "axes": ("pt",), "category": "pass"}

    def groups(**changes: Any) -> list[int]:
        return find_bins("sf", EfficiencyRatio(**{**declared, **changes}), histograms).groups.tolist()

    entries = histograms["data"].values()
    least = entries[2].min()
    assert groups(denominator="all", min_n_eff=1) == groups(denominator="all") == [0, 1]
    assert groups(denominator="all", min_n_eff=least + 1) == [0, 0]
    # simulation has half of the effective entries, as the variance of its weights is their mean squared
    assert groups(denominator="all", min_n_eff=0.9 * least) == [0, 0]
    assert groups(fail_category="fail", min_n_eff=0.9 * least) == [0, 0]


def test_axis_with_edges_is_joined_by_itself() -> None:
    histograms = map_toys.templates(1, 400)
    declaration = dataclasses.replace(map_toys.TAGGED, groups={}, min_n_eff=100)
    binning = find_bins("map", declaration, histograms)
    assert binning.joined.any()
    # flavours stay apart
    assert all(len(set(binning.groups[:, j])) == 3 for j in range(3))
    with pytest.raises(ScaleFactorError, match="and bins of 'flavor' have no neighbours"):
        find_bins("map", dataclasses.replace(declaration, merge_axis="flavor"), histograms)
