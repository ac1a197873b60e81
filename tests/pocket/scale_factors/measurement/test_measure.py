from __future__ import annotations

import dataclasses
import math
from typing import Any

import hist
import numpy as np
import pytest

from pocket.errors import ConfigError, ScaleFactorError, UnknownNameError
from pocket.scale_factors import Alternative, DataScaleFactor, EfficiencyRatio, Flat, LogNormal, Shape
from pocket.scale_factors.files.writer import dumps
from pocket.scale_factors.measurement.binning import Categories
from pocket.scale_factors.measurement.measure import measure, measure_by_year
from pocket.scale_factors.measurement.result import Measured, Measurement
from pocket.scale_factors.measurement.templates import Templates
from tests.pocket.scale_factors import map_toys, toys, yield_toys

RATIO = EfficiencyRatio(**toys.DECLARED)
BY_YEAR = dataclasses.replace(RATIO, years=("2017", "2018"))


def by_year() -> dict[str, dict[str, hist.Hist[Any]]]:
    return {"2018": toys.counting(1), "2017": toys.counting(2), "2016": toys.counting(3)}


def test_years_are_measured_apart_in_the_declared_order() -> None:
    result = measure_by_year("trigger", BY_YEAR, by_year())
    assert result.axes["year"] == Categories(("2017", "2018"))
    for index, year in enumerate(("2017", "2018")):
        alone = measure("trigger", RATIO, by_year()[year])
        np.testing.assert_array_equal(result.scale_factor.value[index], alone.scale_factor.value)
        np.testing.assert_array_equal(result.scale_factor.up[index], alone.scale_factor.up)


def test_errors_name_the_year() -> None:
    histograms = by_year()
    with pytest.raises(UnknownNameError, match="unknown year '2015' in templates of variable 'probes'"):
        measure_by_year("trigger", dataclasses.replace(BY_YEAR, years=("2015",)), histograms)
    empty: Any = histograms["2018"]["dy"].view()
    empty["value"][..., 1, 1] = empty["variance"][..., 1, 1] = 0
    with pytest.raises(ScaleFactorError, match=r"^year 2018: trigger in simulation: no efficiency in pt \[30, 50\)"):
        measure_by_year("trigger", BY_YEAR, histograms)
    del histograms["2018"]["dy"]
    with pytest.raises(UnknownNameError, match="unknown sample 'dy' in templates of variable 'probes', year 2018"):
        measure_by_year("trigger", BY_YEAR, histograms)


def test_alternative_elsewhere_by_year() -> None:
    declaration = dataclasses.replace(BY_YEAR, systematics=(Alternative("generator", {"input": "other"}),))
    histograms, others = by_year(), {"2017": toys.counting(5), "2018": toys.counting(6)}
    result = measure_by_year(
        "trigger", declaration, histograms, {year: {("other", "probes"): other} for year, other in others.items()}
    )
    for index, year in enumerate(("2017", "2018")):
        difference = measure("trigger", RATIO, others[year]).scale_factor.value - result.scale_factor.value[index]
        assert result.systematics["generator"][0][index] == pytest.approx(difference)


def test_variation_of_one_year_only() -> None:
    histograms = by_year()
    axes = [hist.axis.StrCategory(["nominal", "calUp", "calDown"], name="variation")]
    old = histograms["2018"]["dy"]
    new = hist.Hist(old.axes["cat"], *axes, *old.axes[2:], storage=hist.storage.Weight())
    view: Any = new.view()
    for index in range(3):
        view[:, index] = old.view()[:, 0]
    # more efficiency in simulation, up and down
    view["value"][:, 1, 0] *= 0.9
    view["value"][:, 2, 0] *= 1.1
    histograms["2018"]["dy"] = new
    result = measure_by_year("trigger", dataclasses.replace(BY_YEAR, systematics=(Shape("cal"),)), histograms)
    up, down = result.systematics["cal"]
    assert not up[0].any()
    assert not down[0].any()
    assert (up[1] < 0).all()
    assert (down[1] > 0).all()


@pytest.mark.parametrize("name", ["dy", "data"])
def test_sample_that_is_missing(name: str) -> None:
    histograms = toys.counting(1)
    del histograms[name]
    with pytest.raises(UnknownNameError, match=f"unknown sample '{name}' in templates of variable 'probes'"):
        measure("trigger", RATIO, histograms)


def test_rates_belong_to_simulation() -> None:
    with pytest.raises(UnknownNameError, match="unknown simulated sample 'data'"):
        dataclasses.replace(RATIO, systematics=(LogNormal("rate", 1.3, ("data",)),))


def test_error_names_the_samples_of_a_group() -> None:
    declaration = dataclasses.replace(map_toys.TAGGED, groups={"all": ("tt", "wjets")}, min_n_eff=1e9)
    with pytest.raises(ScaleFactorError, match=r"^sample tt, wjets: map: fewer than 1e\+09 effective entries"):
        measure("map", declaration, map_toys.templates(1, 100))


def test_systematic_with_the_name_of_a_coupled_variation() -> None:
    declaration = dataclasses.replace(yield_toys.NORM, systematics=(Flat("hf", 0.1),))
    with pytest.raises(ConfigError, match="systematic 'hf' is the method's own"):
        measure("norm", declaration, yield_toys.norm_templates(yield_toys.events(1)))


def test_joined_bins_have_one_value_and_their_status() -> None:
    histograms = toys.counting(1)
    view: Any = histograms["data"].view()
    view["value"][..., 0, 1] = view["variance"][..., 0, 1] = 0
    result = measure("trigger", dataclasses.replace(RATIO, min_n_eff=100), histograms)
    assert result.groups.tolist() == [[0, 1], [2, 1], [3, 4]]
    assert result.status == ("valid", "joined", "valid", "joined", "valid", "valid")
    assert result.scale_factor.value[0, 1] == result.scale_factor.value[1, 1]
    # passing and failing of both bins together
    efficiency = {}
    for sample, selection in (("data", {}), ("dy", {"variation": "nominal"})):
        one = histograms[sample][selection].project("passing", "pt", "abseta").values()[:, :2, 1]
        efficiency[sample] = one[1].sum() / one.sum()
    assert result.scale_factor.value[0, 1] == pytest.approx(efficiency["data"] / efficiency["dy"])


class Own(DataScaleFactor):
    method = f"{__name__}:by_flavour"


def by_flavour(declaration: Own, templates: Templates) -> Measured:
    """A method that measures two scale factors, failing in one bin of the second."""
    counts = templates.read(declaration.data).values
    values = np.concatenate([0.9 + counts / 1e6, 1.1 + counts / 1e6])
    status = ["valid"] * len(values)
    status[-1] = "no minimum found"
    return Measured(
        Measurement(values, values / 10, values / 20),
        systematics={"fit": (values / 50, -values / 50)},
        status=tuple(status),
        leading=("flavor", Categories((4, 5))),
    )


def test_method_of_ones_own_with_a_further_axis() -> None:
    declaration = Own(**toys.DECLARED, systematics=(Flat("other", 0.1),))
    result = measure("wp", declaration, toys.counting(1))
    assert list(result.axes) == ["flavor", "pt", "abseta"]
    assert result.scale_factor.value.shape == (2, 3, 2)
    assert result.scale_factor.value[1] - result.scale_factor.value[0] == pytest.approx(np.full((3, 2), 0.2))
    assert result.systematics.keys() == {"fit", "other"}
    assert result.systematics["other"][0] == pytest.approx(0.1 * result.scale_factor.value)
    assert result.groups.ravel().tolist() == list(range(12))
    assert result.status[-2:] == ("valid", "no minimum found")
    with pytest.raises(ScaleFactorError, match=r"failed bins are not written: flavor 5, pt \[50, 100\), abseta \[1.2"):
        dumps(result)
    with pytest.raises(ConfigError, match="systematic 'fit' is the method's own"):
        measure("wp", Own(**toys.DECLARED, systematics=(Flat("fit", 0.1),)), toys.counting(1))


def test_narrower_bins_up_to_infinity() -> None:
    histograms = toys.counting(1)
    for sample in histograms:
        old = histograms[sample]
        axes = [
            hist.axis.Variable([20, 30, 50, math.inf], name="pt") if axis.name == "pt" else axis for axis in old.axes
        ]
        histograms[sample] = hist.Hist(*axes, storage=hist.storage.Weight())
        histograms[sample].view()[...] = old.view()
    result = measure("trigger", dataclasses.replace(RATIO, bins={"pt": (30, math.inf), "abseta": (0, 2.4)}), histograms)
    assert result.axes == {"pt": (30.0, math.inf), "abseta": (0.0, 2.4)}
    data = histograms["data"].project("passing", "pt").values()[:, 1:].sum(axis=1)
    assert result.efficiencies["data"].value.item() == pytest.approx(data[1] / data.sum())
