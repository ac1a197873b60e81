from __future__ import annotations

import dataclasses
from typing import Any

import hist
import numpy as np
import pytest

from pocket.errors import ConfigError, ScaleFactorError, UnknownNameError
from pocket.scale_factors import Alternative, DataMCRatio, Flat, LogNormal, Shape, Spread, TagAndProbeFit
from pocket.scale_factors.declarations.systematics import Systematic
from pocket.scale_factors.measurement.measure import measure
from pocket.scale_factors.measurement.systematic_shifts import Sources, named, require_variations, shifts
from pocket.scale_factors.measurement.templates import Templates, find_bins
from pocket.scale_factors.methods.yields.data_mc_ratio import measure as method
from tests.pocket.scale_factors import toys

#: Entries of data and of the samples in three bins.
DATA, DY, TT = np.array([90, 80, 70]), np.array([100.0, 80.0, 60.0]), np.array([10.0, 5.0, 2.0])
RATIO = DataMCRatio(
    input="main", variable="pt", category="all", axes=("pt",), data=("data",), mc=("dy",), background=("tt",)
)
NOMINAL = (DATA - TT) / DY


def template(values: dict[str, dict[str, Any]]) -> hist.Hist[Any]:
    """A template from category → variation → values; data have no variation."""
    axes: list[Any] = [hist.axis.StrCategory(list(values), name="cat")]
    variations = list(next(iter(values.values())))
    if variations != [""]:
        axes.append(hist.axis.StrCategory(variations, name="variation"))
    histogram = hist.Hist(*axes, hist.axis.Variable([20, 30, 50, 80], name="pt"), storage=hist.storage.Weight())
    view: Any = histogram.view()
    for i, of_category in enumerate(values.values()):
        for j, content in enumerate(of_category.values()):
            index = (i,) if variations == [""] else (i, j)
            view["value"][index] = view["variance"][index] = content
    return histogram


def histograms(scale: float = 1.0) -> dict[str, hist.Hist[Any]]:
    up, down = np.array([1.1, 1.0, 0.9]), np.array([0.95, 1.0, 1.02])
    return {
        "data": template({"all": {"": DATA}, "low": {"": DATA // 2}, "high": {"": DATA // 3}}),
        "dy": template(
            {
                category: {"nominal": scale * part * DY, "pileupUp": part * up * DY, "pileupDown": part * down * DY}
                for category, part in (("all", 1.0), ("low", 0.5), ("high", 0.25))
            }
        ),
        "tt": template({"all": {"nominal": TT}, "low": {"nominal": TT / 2}, "high": {"nominal": TT / 4}}),
    }


def found(systematic: Systematic, declaration: DataMCRatio = RATIO, others: Sources | None = None) -> Any:
    declared = dataclasses.replace(declaration, systematics=(systematic,))
    templates = Templates("sf", declared, histograms(), find_bins("sf", declared, histograms()))
    return shifts(method, templates, NOMINAL, systematic, {("main", "pt"): histograms(), **(others or {})})


def test_shape() -> None:
    up, down = found(Shape("pileup"))
    # tt has no such variation and stays
    assert up == pytest.approx(NOMINAL / [1.1, 1.0, 0.9] - NOMINAL)
    assert down == pytest.approx(NOMINAL / [0.95, 1.0, 1.02] - NOMINAL)
    for one, other in zip(found(Shape("pu", variation="pileup")), (up, down), strict=True):
        np.testing.assert_array_equal(one, other)


def test_log_normal() -> None:
    up, down = found(LogNormal("tt_rate", 1.2, ("tt",)))
    assert up == pytest.approx(-0.2 * TT / DY)
    assert down == pytest.approx((1 - 1 / 1.2) * TT / DY)
    up, down = found(LogNormal("rates", 2.0, ("tt", "dy")))
    assert up == pytest.approx((DATA - 2 * TT) / (2 * DY) - NOMINAL)
    assert down == pytest.approx((DATA - TT / 2) / (DY / 2) - NOMINAL)


def test_alternative_in_another_category() -> None:
    up, down = found(Alternative("tag", {"category": "low"}))
    assert up == pytest.approx((DATA // 2 - TT / 2) / (DY / 2) - NOMINAL)
    assert down == pytest.approx(-up)


def test_alternative_elsewhere() -> None:
    elsewhere = {("other", "pt2"): histograms(0.9)}
    up, down = found(Alternative("generator", {"input": "other", "variable": "pt2"}), others=elsewhere)
    assert up == pytest.approx(NOMINAL / 0.9 - NOMINAL)
    assert down == pytest.approx(-up)


def test_spread_is_half_the_difference_with_its_sign() -> None:
    up, down = found(Spread("ht", {"category": "low"}, {"category": "high"}))
    low, high = (DATA // 2 - TT / 2) / (DY / 2), (DATA // 3 - TT / 4) / (DY / 4)
    assert up == pytest.approx((low - high) / 2)
    assert down == pytest.approx((high - low) / 2)


def test_flat() -> None:
    up, down = found(Flat("alignment", 0.02))
    assert up == pytest.approx(0.02 * NOMINAL)
    assert down == pytest.approx(-0.02 * NOMINAL)


def test_unknown_kind() -> None:
    with pytest.raises(ConfigError, match=r"Systematic.*is no systematic uncertainty"):
        found(Systematic("mine"))


def test_histogram_that_is_not_given() -> None:
    with pytest.raises(ConfigError, match="'generator': the histograms 'pt' of configuration 'other' are not given"):
        found(Alternative("generator", {"input": "other"}))


def test_error_names_source_and_bin() -> None:
    empty = histograms()
    view: Any = empty["dy"].view()
    view["value"][1, 0, 2] = 0
    declaration = dataclasses.replace(RATIO, systematics=(Alternative("tag", {"category": "low"}),))
    with pytest.raises(ScaleFactorError, match=r"^systematic 'tag': sf: no ratio in pt \[50, 80\) \(no simulation\)"):
        measure("sf", declaration, empty)
    declaration = dataclasses.replace(RATIO, systematics=(Alternative("tag", {"category": "lw"}),))
    with pytest.raises(UnknownNameError, match=r"^systematic 'tag': unknown category 'lw'.* did you mean 'low'"):
        measure("sf", declaration, histograms())


def test_groups_are_those_of_the_nominal_measurement() -> None:
    declaration = dataclasses.replace(
        RATIO, min_n_eff=75, systematics=(Alternative("tag", {"category": "low"}), Shape("pileup"))
    )
    result = measure("sf", declaration, histograms())
    # 60 simulated in the last bin
    assert result.groups.tolist() == [0, 1, 1]
    assert result.status == ("valid", "joined", "joined")
    joined = [(part[0], part[1] + part[2]) for part in (DATA, TT, DY)]
    nominal = np.array([(d - t) / s for d, t, s in zip(*joined, strict=True)])
    varied = (DY[1] + 0.9 * DY[2], DY[0] * 1.1)
    assert result.scale_factor.value == pytest.approx(nominal[[0, 1, 1]])
    up = result.systematics["pileup"][0]
    assert up[1] == up[2] == pytest.approx((joined[0][1] - joined[1][1]) / varied[0] - nominal[1])
    assert up[0] == pytest.approx((joined[0][0] - joined[1][0]) / varied[1] - nominal[0])


@pytest.mark.parametrize("several", [[histograms()], [histograms(), histograms()]])
def test_variations_are_required_somewhere(several: Any) -> None:
    require_variations(dataclasses.replace(RATIO, systematics=(Shape("pileup"),)), several)
    with pytest.raises(UnknownNameError, match=r"unknown variation 'pileUp'.*systematic 'pile' of DataMCRatio"):
        require_variations(dataclasses.replace(RATIO, systematics=(Shape("pile"),)), several)


def test_sources_of_a_fit_do_not_repeat_its_alternatives() -> None:
    declaration = TagAndProbeFit(
        **toys.DECLARED, mass_range=(60, 120), systematics=(Alternative("range", {"mass_range": (70, 110)}),)
    )
    assert declaration.bare().alternative_fits == ()
    ((_, changed),) = declaration.changed()
    assert (changed.alternative_fits, changed.systematics, changed.mass_range) == ((), (), (70, 110))


def test_named() -> None:
    with pytest.raises(UnknownNameError, match=r"^year 2018: unknown axis 'x'"), named("year 2018"):
        raise UnknownNameError("axis", "x", ())
    with pytest.raises(ZeroDivisionError, match=r"^division$"), named("year 2018"):
        raise ZeroDivisionError("division")
