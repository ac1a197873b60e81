from __future__ import annotations

import dataclasses
from typing import Any

import correctionlib
import hist
import numpy as np
import pytest

from pocket.base.runtime.spreading import spreading
from pocket.errors import ScaleFactorError
from pocket.scale_factors import Flat, LogNormal
from pocket.scale_factors.files.writer import dumps
from pocket.scale_factors.measurement.measure import measure
from pocket.scale_factors.measurement.result import ScaleFactorResult
from pocket.scale_factors.methods.pass_fail_template.fit import fit
from pocket.scale_factors.methods.pass_fail_template.inputs import Nuisance, TemplateInputs
from pocket.scale_factors.methods.pass_fail_template.model import TemplateModel
from tests.pocket.scale_factors import template_toys
from tests.pocket.scale_factors.copies import spread_in_copies
from tests.pocket.scale_factors.tagging_toys import PT, declaration, histograms


@pytest.fixture(scope="module")
def result() -> ScaleFactorResult:
    return measure("btag", declaration(), histograms(1)[0])


def fitted(toy: TemplateInputs) -> Any:
    """The fit of a bin with the nuisances of the declaration."""
    nuisances = {
        "tilt": toy.nuisances["tilt_0"],
        **{f"fraction_{flavour}": Nuisance(rate={flavour: kappa}) for flavour, kappa in template_toys.RATES.items()},
        "sf_light": Nuisance(scale={"light": template_toys.LIGHT}),
    }
    return fit(TemplateModel(dataclasses.replace(toy, nuisances=nuisances, free_normalisation=False)))


def test_each_bin_is_a_fit_of_its_templates(result: ScaleFactorResult) -> None:
    assert result.axes["flavor"].values == (5, 4, 0)  # type: ignore[union-attr]
    assert result.axes["pt"] == PT
    for number, toy in enumerate(histograms(1)[1]):
        expected = fitted(toy)
        assert result.scale_factor.value[:2, number] == pytest.approx(expected.scale_factors.value, rel=1e-9)
        errors = np.sqrt(np.diag(expected.covariance))[:2]
        total = np.sqrt(np.diag(result.covariance)).reshape(3, 2)
        assert total[:2, number] == pytest.approx(errors, rel=1e-9)
        # parabolic and asymmetric errors are nearly the same with so many entries
        assert result.total_up[:2, number] == pytest.approx(expected.scale_factors.up, rel=0.05)
        assert result.total_down[:2, number] == pytest.approx(expected.scale_factors.down, rel=0.05)


def test_frozen_flavour_is_taken_over(result: ScaleFactorResult) -> None:
    assert (result.scale_factor.value[2] == 1).all()
    assert result.status == ("valid",) * 4 + ("frozen",) * 2
    assert result.total_up[2] == pytest.approx(0.25)
    assert result.total_down[2] == pytest.approx(1 - 1 / 1.25)
    assert (result.scale_factor.up[2] == 0).all()


def test_sources_and_correlations(result: ScaleFactorResult) -> None:
    assert set(result.systematics) == {"tilt", "fraction_b", "fraction_c", "fraction_light", "sf_light"}
    blocks = result.statistical_covariance.reshape(3, 2, 3, 2)
    # one fit has both flavours, another pt bin is another fit
    assert blocks[0, 0, 1, 0] != 0
    assert blocks[0, 0, 0, 1] == blocks[0, 0, 1, 1] == 0


def test_written_file(result: ScaleFactorResult) -> None:
    written = correctionlib.CorrectionSet.from_string(dumps(result))["btag"]
    assert [variable.name for variable in written.inputs] == ["flavor", "pt", "systematic"]
    assert written.evaluate(5, 40.0, "nominal") == pytest.approx(result.scale_factor.value[0, 0], rel=1e-15)
    assert written.evaluate(4, 1e4, "nominal") == pytest.approx(result.scale_factor.value[1, 1], rel=1e-15)
    assert written.evaluate(0, 40.0, "up") == pytest.approx(1.25)
    assert ScaleFactorResult.from_json(result.to_json()).to_json() == result.to_json()


def test_rate_and_flat_sources() -> None:
    measured = measure(
        "btag",
        declaration(systematics=(LogNormal("xsec", kappa=1.1, samples=("tt",)), Flat("method", size=0.01))),
        histograms(1)[0],
    )
    assert measured.systematics["method"][0] == pytest.approx(0.01 * measured.scale_factor.value)
    assert (measured.systematics["xsec"][0][:2] != 0).all()
    assert {"xsec", "fraction_b"} <= set(measured.diagnostics[0].nuisances)  # type: ignore[union-attr]
    assert "method" not in measured.diagnostics[0].nuisances  # type: ignore[union-attr]


def test_free_normalisation_is_no_source() -> None:
    measured = measure("btag", declaration(free_normalisation=True), histograms(1)[0])
    assert "log_normalisation" in measured.diagnostics[0].parameters
    assert "log_normalisation" not in measured.systematics


def test_flavour_that_is_not_declared() -> None:
    templates = histograms(1)[0]
    with pytest.raises(ScaleFactorError, match="has entries of 4, which no flavour"):
        measure("btag", declaration(flavours={"b": (5,), "light": (0,)}, floating=("b",), fractions={}), templates)
    flavours = {"b": (5,), "c": (4,), "light": (0, 21)}
    with pytest.raises(ScaleFactorError, match="no bin of its own for 21, a value of 'light'"):
        measure("btag", declaration(flavours=flavours), templates)


def test_order_of_floating_flavours_does_not_matter(result: ScaleFactorResult) -> None:
    turned = measure("btag", declaration(floating=("c", "b")), histograms(1)[0])
    assert turned.to_json() == result.to_json()
    for number, toy in enumerate(histograms(1)[1]):
        assert turned.scale_factor.value[:2, number] == pytest.approx(fitted(toy).scale_factors.value, rel=1e-9)


def test_entries_beyond_the_flavour_axis_are_not_lost() -> None:
    templates, _ = histograms(1)
    without_c = declaration(flavours={"b": (5,), "light": (0,)}, floating=("b",), fractions={})
    of_flavours = np.moveaxis(templates["tt"].view(flow=True), list(templates["tt"].axes.name).index("flavor"), 0)
    # the axis has 0, 4 and 5, and everything else in its last bin
    of_flavours[3] = of_flavours[1]
    of_flavours[1] = np.zeros_like(of_flavours[1])
    with pytest.raises(ScaleFactorError, match="entries of values that aren't on it, which no flavour"):
        measure("btag", without_c, templates)


@pytest.mark.parametrize("empty", ["pass", "fail"])
def test_flavour_that_only_one_category_has(empty: str, result: ScaleFactorResult) -> None:
    templates = {}
    for name, histogram in histograms(1)[0].items():
        _, *axes = (axis for axis in histogram.axes if axis.name != "passing")
        categories = hist.axis.StrCategory(["pass", "fail"], name="cat", overflow=False)
        templates[name] = hist.Hist(categories, *axes, storage=hist.storage.Weight())
        content = np.moveaxis(histogram.view(flow=True), list(histogram.axes.name).index("passing"), 0)
        # the axis of passing has underflow, 0, 1 and overflow
        templates[name].view(flow=True)[...] = content[[2, 1], 0]
    by_category = declaration(category="pass", fail_category="fail")
    if empty == "pass":
        assert measure("btag", by_category, templates).to_json() == result.to_json()
    of_c = np.moveaxis(templates["tt"].view(flow=True), list(templates["tt"].axes.name).index("flavor"), 1)
    of_c[["pass", "fail"].index(empty), 1] = np.zeros_like(of_c[0, 1])
    flavours = {"b": (5,), "light": (0,)}
    with pytest.raises(ScaleFactorError, match="has entries of 4, which no flavour"):
        measure("btag", dataclasses.replace(by_category, flavours=flavours, floating=("b",), fractions={}), templates)


def test_failed_fit_names_the_bin() -> None:
    templates = histograms(1)[0]
    for content in (templates["data"].view().value, templates["data"].view().variance):
        content[0, 1, 1] = 0
    with pytest.raises(ScaleFactorError, match=r"btag, pt \[60, 200\): no data in pass"):
        measure("btag", declaration(), templates)


def test_fits_may_run_in_other_processes(result: ScaleFactorResult) -> None:
    with spreading(spread_in_copies):
        assert measure("btag", declaration(), histograms(1)[0]).to_json() == result.to_json()
