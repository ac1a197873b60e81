from __future__ import annotations

from pathlib import Path
from typing import Any

import hist
import numpy as np
import pytest

from pocket.errors import StatisticsError, UnknownNameError
from pocket.histograms.axes import category_axis
from pocket.histograms.files import write_sums_and_histograms
from pocket.statistics import MergedTemplates, Region, RegionTemplates
from pocket.statistics.regions import Contents, read_region
from tests.pocket.statistics.declared import contents, declaration

CATEGORIES, VARIATIONS = ("other", "signal"), ("nominal", "xUp", "xDown", "oneUp")
YEARS = {"S_2017": "2017", "S_2018": "2018", "B_2018": "2018", "B_2018_ext": "2018", "DATA_2018": "2018"}
PROCESSES = {"sig": ("S",), "bkg": ("B",)}


def filled(seed: int, axes: Any = None, storage: Any = hist.storage.Weight, varied: bool = True) -> Any:
    """Return a histogram of random contents, in the flow too."""
    rng = np.random.default_rng(seed)
    axes = axes or [hist.axis.Regular(5, 0.0, 10.0, name="mass")]
    variation = [category_axis("variation", VARIATIONS)] if varied else []
    made = hist.Hist(category_axis("cat", CATEGORIES), *variation, *axes, storage=storage())
    view = made.view(flow=True)
    if storage is hist.storage.Weight:
        view["value"], view["variance"] = rng.uniform(1, 9, view.shape), rng.uniform(1, 9, view.shape)
    else:
        view[...] = rng.uniform(1, 9, view.shape)
    return made


def write(folder: Path, **replaced: Any) -> dict[str, dict[str, Any]]:
    samples = {
        "S": {"S_2017": filled(1), "S_2018": filled(2)},
        "B": {"B_2018": filled(3), "B_2018_ext": filled(4)},
        "DATA": {"DATA_2018": filled(5, varied=False)},
    }
    samples |= replaced
    write_sums_and_histograms(folder, {"variables": {"mass": samples}})
    return samples


def read(folder: Path, **others: Any) -> RegionTemplates:
    return read_region(folder, Region("main", "signal", "mass", **others), PROCESSES, ("DATA",), YEARS)


def check(found: Contents, histograms: list[Any]) -> None:
    """Compare contents with sums of whole histograms."""

    def total(variation: str, field: str = "value") -> Any:
        return sum(one[{"cat": "signal", "variation": variation}].view(flow=True)[field] for one in histograms)

    np.testing.assert_allclose(found.values, total("nominal"))
    np.testing.assert_allclose(found.variances, total("nominal", "variance"))
    up, down = found.varied["x"]
    np.testing.assert_allclose(up, total("xUp"))
    np.testing.assert_allclose(down, total("xDown"))
    assert found.varied["one"][1] is None


def test_templates_are_those_of_the_histograms(tmp_path: Path) -> None:
    samples = write(tmp_path)
    found = read(tmp_path)
    assert found.edges is not None
    assert found.edges.tolist() == [0, 2, 4, 6, 8, 10]
    assert {name: list(by_year) for name, by_year in found.contents.items()} == {
        "sig": ["2017", "2018"],
        "bkg": ["2018"],
    }
    check(found.contents["sig"]["2017"], [samples["S"]["S_2017"]])
    check(found.contents["bkg"]["2018"], list(samples["B"].values()))
    np.testing.assert_allclose(found.data, samples["DATA"]["DATA_2018"][{"cat": "signal"}].view(flow=True)["value"])
    assert found.years == ("2017", "2018")


def test_a_side_that_one_sample_lacks_is_mirrored_in_that_sample() -> None:
    both = contents([10], jes=([12], [9]))
    assert (contents([5], jes=([7], None)) + both).varied["jes"][1].tolist() == [0, 12, 0]
    assert (contents([5]) + both).varied["jes"][1].tolist() == [0, 14, 0]


def test_regions_read_their_years_alone(tmp_path: Path) -> None:
    write(tmp_path)
    assert list(read(tmp_path, years=("2017",)).contents["sig"]) == ["2017"]
    assert read(tmp_path, years=("2017",)).data is None


@pytest.mark.parametrize(
    "axes",
    [
        [hist.axis.Regular(5, 0.0, 10.0, name="mass", underflow=False)],
        [hist.axis.Variable([0, 1, 7], name="mass", overflow=False)],
        [hist.axis.Integer(2, 6, name="mass")],
        [hist.axis.Regular(3, 1, 100, transform=hist.axis.transform.log, name="mass")],
    ],
)
def test_axes_of_all_kinds(tmp_path: Path, axes: Any) -> None:
    one = filled(7, axes)
    write(tmp_path, S={"S_2018": one}, B={"B_2018": one}, DATA={"DATA_2018": filled(8, axes, varied=False)})
    found = read(tmp_path)
    np.testing.assert_allclose(found.edges, axes[0].edges)
    inside = one[{"cat": "signal", "variation": "nominal"}]
    np.testing.assert_allclose(found.contents["sig"]["2018"].values[1:-1], inside.values())
    assert found.contents["sig"]["2018"].values.sum() == pytest.approx(inside.sum(flow=True).value)


def test_counted_regions_may_have_any_axes(tmp_path: Path) -> None:
    axes = [hist.axis.Regular(2, 0, 1, name="x"), hist.axis.StrCategory(["a", "b"], name="y", overflow=False)]
    one = filled(7, axes)
    write(tmp_path, S={"S_2018": one}, B={"B_2018": one}, DATA={"DATA_2018": filled(8, axes, varied=False)})
    found = read(tmp_path, bins="counting")
    inside = one[{"cat": "signal", "variation": "nominal"}]
    values = found.contents["sig"]["2018"].values
    assert found.edges is None
    assert values[1] == pytest.approx(inside.sum().value)
    assert values.sum() == pytest.approx(inside.sum(flow=True).value)
    with pytest.raises(StatisticsError, match="has 2 axes, but a region has one"):
        read(tmp_path)


def test_templates_of_a_model_are_read_one_after_the_other(tmp_path: Path) -> None:
    write(tmp_path)
    regions = {"a": Region("main", "signal", "mass"), "b": Region("main", "other", "mass")}
    model = declaration(regions=regions)
    merged = MergedTemplates(model, {"main": tmp_path}, {"main": YEARS})
    assert list(merged) == ["a", "b"]
    assert len(merged) == 2
    with pytest.raises(UnknownNameError, match="unknown sample 'signal' in histogram 'mass'"):
        merged["a"]


def test_what_lacks_in_templates_is_an_error(tmp_path: Path) -> None:
    write(tmp_path)
    for region, words in {
        Region("main", "signal", "mas"): "unknown variable 'mas'",
        Region("main", "signl", "mass"): "unknown category 'signl' in process 'sig', dataset 'S_2017'",
    }.items():
        with pytest.raises(UnknownNameError, match=words):
            read_region(tmp_path, region, PROCESSES, ("DATA",), YEARS)
    with pytest.raises(UnknownNameError, match="unknown dataset 'S_2017'"):
        read_region(tmp_path, Region("main", "signal", "mass"), PROCESSES, (), {"S_2018": "2018"})


def test_histograms_that_cant_be_used_are_errors(tmp_path: Path) -> None:
    write(tmp_path, B={"B_2018": filled(3, storage=hist.storage.Double)})
    with pytest.raises(StatisticsError, match="has no sums of squared weights, fill it with storage='weight'"):
        read(tmp_path)
    write(tmp_path, B={"B_2018": filled(3, [hist.axis.Regular(4, 0.0, 10.0, name="mass")])})
    with pytest.raises(StatisticsError, match=r"dataset 'B_2018' of histogram 'mass' of .* has other bins"):
        read(tmp_path)
    broken = filled(3)
    broken.view(flow=True)["value"][1, 1, 2] = np.nan
    write(tmp_path, B={"B_2018": broken})
    with pytest.raises(StatisticsError, match="isn't finite in xUp"):
        read(tmp_path)
