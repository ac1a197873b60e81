from __future__ import annotations

import dataclasses
from typing import Any

import correctionlib
import correctionlib.schemav2 as schema
import numpy as np
import pytest
from scipy import integrate, stats

from pocket.errors import ScaleFactorError, UnknownNameError
from pocket.scale_factors.files.comparison import Varied, compare_published, read_inputs
from pocket.scale_factors.measurement.binning import Categories
from pocket.scale_factors.measurement.result import Measurement
from tests.pocket.plots.results import ABSETA, PT, YEARS, result_of

SYSTEMATIC = {"systematic": Varied("nominal", "up", "down")}


def correction(inputs: dict[str, str], data: Any) -> Any:
    """A correction with inputs (name → type) and content."""
    content = schema.Correction(
        name="official",
        version=1,
        inputs=[schema.Variable(name=name, type=kind) for name, kind in inputs.items()],
        output=schema.Variable(name="weight", type="real"),
        data=data,
    )
    written = schema.CorrectionSet(schema_version=2, corrections=[content])
    return correctionlib.CorrectionSet.from_string(written.model_dump_json(exclude_unset=True))["official"]


def formula(expression: str, *variables: str) -> schema.Formula:
    return schema.Formula(nodetype="formula", expression=expression, parser="TFormula", variables=list(variables))


def category(name: str, content: dict[str | int, Any]) -> schema.Category:
    items = [schema.CategoryItem(key=key, value=value) for key, value in content.items()]
    return schema.Category(nodetype="category", input=name, content=items)


def falling(**factors: float) -> Any:
    """Falls with pt and |η|, times a factor per systematic."""
    content = {key: formula(f"{factor}*(1-0.001*x)*(1-0.1*y)", "pt", "abseta") for key, factor in factors.items()}
    return correction({"systematic": "string", "pt": "real", "abseta": "real"}, category("systematic", content))


def test_values_are_means_over_the_bins() -> None:
    result = result_of({"pt": PT, "abseta": ABSETA})
    found = compare_published(result, falling(nominal=1, up=1.02, down=0.99), SYSTEMATIC).published
    for (i, j), value in np.ndenumerate(found.value):
        bounds = [ABSETA[j : j + 2], PT[i : i + 2]]
        integral, _ = integrate.nquad(lambda y, x: (1 - 0.001 * x) * (1 - 0.1 * y), bounds)
        # equally spaced points integrate what is linear in each variable without error
        assert value == pytest.approx(integral / np.prod(np.diff(bounds)))
    assert found.up == pytest.approx(0.02 * found.value)
    assert found.down == pytest.approx(0.01 * found.value)


def test_joined_bins_have_one_value() -> None:
    apart, together = (
        compare_published(result_of({"pt": PT}, groups), correction({"pt": "real"}, formula("x", "pt"))).published.value
        for groups in ([0, 1, 2], [0, 1, 1])
    )
    assert apart == pytest.approx([25, 40, 75])
    assert together == pytest.approx([25, 57.5, 57.5])


def test_a_bin_without_end_is_as_wide_as_its_neighbour() -> None:
    edges = [0.0, 60.0, 100.0]
    binned = schema.Binning(nodetype="binning", input="pt", edges=edges, content=[1.0, 2.0], flow="error")
    result = result_of({"pt": (20.0, 60.0, float("inf"))})
    assert compare_published(result, correction({"pt": "real"}, binned)).published.value == pytest.approx([1, 2])


def test_varied_values_count_on_their_own_side() -> None:
    found = compare_published(
        result_of({"pt": PT, "abseta": ABSETA}), falling(nominal=1, up=0.9, down=0.95), SYSTEMATIC
    )
    assert found.published.up == pytest.approx(0)
    assert found.published.down == pytest.approx(0.1 * found.published.value)


def test_inputs_are_axes_by_name_or_given() -> None:
    data = category(
        "year", {"2017": category("flavor", {0: 1.0, 5: 2.0}), "2018": category("flavor", {0: 3.0, 5: 4.0})}
    )
    official = correction({"year": "string", "flavor": "int"}, data)
    flavours = Categories((0, 5))
    of = compare_published(result_of({"year": YEARS, "flavor": flavours}), official)
    assert of.published.value.tolist() == [[1, 2], [3, 4]]
    assert not of.published.up.any()
    of = compare_published(
        result_of({"hadronFlavour": flavours}), official, {"year": "2018", "flavor": "hadronFlavour"}
    )
    assert of.published.value.tolist() == [3, 4]
    assert of.inputs == {"year": "2018", "flavor": "hadronFlavour"}
    of = compare_published(result_of({"pt": PT}), official, {"year": "2017", "flavor": "5"})
    assert of.published.value.tolist() == [2, 2, 2]


def test_whole_numbers_in_the_bins_of_an_axis() -> None:
    official = correction({"njet": "int"}, category("njet", {number: float(number) for number in range(4, 9)}))
    result = result_of({"njet": (3.5, 4.5, 6.5, 8.5)})
    assert compare_published(result, official).published.value == pytest.approx([4, 5.5, 7.5])
    assert compare_published(result_of({"njet": (4.0, 5.0, 6.0)}), official).published.value.tolist() == [4, 5]
    with pytest.raises(ScaleFactorError, match=r"axis 'njet' has no integer between 4\.2 and 4\.8"):
        compare_published(result_of({"njet": (4.2, 4.8)}), official)


def test_agreement_is_that_of_the_covariance() -> None:
    result = result_of({"pt": PT, "abseta": ABSETA}, groups=[[0, 1], [2, 3], [2, 4]])
    found = compare_published(result, falling(nominal=1, up=1.02, down=0.98), SYSTEMATIC)
    # one entry per group
    first = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 1)]
    difference = np.array([result.scale_factor.value[bin_] - found.published.value[bin_] for bin_ in first])
    errors = np.array([found.published.up[bin_] for bin_ in first])
    covariance = result.covariance + np.diag(errors**2)
    expected = difference @ np.linalg.inv(covariance) @ difference
    assert found.chi2 == pytest.approx(expected)
    assert (found.ndf, found.p_value) == (5, pytest.approx(stats.chi2.sf(expected, 5)))


def test_p_values_of_the_same_truth_are_flat() -> None:
    rng = np.random.default_rng(5)
    result, official = result_of({"pt": PT}), correction({"pt": "real"}, 0.95)
    root = np.linalg.cholesky(result.covariance)
    p_values = []
    for _ in range(300):
        value = 0.95 + root @ rng.normal(size=3)
        # the errors stay as they are, so that the covariance is that of the toys
        drawn = dataclasses.replace(result, scale_factor=dataclasses.replace(result.scale_factor, value=value))
        p_values.append(compare_published(drawn, official).p_value)
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_pulls_take_the_errors_that_face_each_other() -> None:
    one = result_of({"pt": (20.0, 30.0)}, sources=(), scale_factor=Measurement(*np.array([[1.0], [0.04], [0.03]])))
    official = {
        value: correction(
            {"systematic": "string"}, category("systematic", {"n": value, "u": value + 0.04, "d": value - 0.03})
        )
        for value in (0.9, 1.1)
    }
    pulls = [
        float(compare_published(one, each, {"systematic": Varied("n", "u", "d")}).pulls[0])
        for each in official.values()
    ]
    assert pulls == pytest.approx([0.1 / 0.05, -0.1 / 0.05])


def test_bins_that_are_not_valid_do_not_count() -> None:
    official = correction({"pt": "real"}, 0.95)
    result = result_of({"pt": PT}, status=("valid", "no convergence", "valid"), sources=())
    found = compare_published(result, official)
    pulls = (result.scale_factor.value - 0.95) / ((result.scale_factor.up + result.scale_factor.down) / 2)
    assert found.chi2 == pytest.approx(pulls[0] ** 2 + pulls[2] ** 2)
    assert found.ndf == 2
    assert found.pulls[1] == 0
    with pytest.raises(ScaleFactorError, match="sf: no bin has a valid measurement"):
        compare_published(result_of({"pt": PT}, status=("failed",) * 3), official)


def test_bins_with_a_fixed_sum_have_one_degree_of_freedom_less() -> None:
    result = result_of({"pt": PT}, sources=(), stat_covariance=0.01 * (np.eye(3) - 1 / 3))
    found = compare_published(result, correction({"pt": "real"}, 0.91))
    # (−0.01, 0, 0.01) is orthogonal to the direction without variance
    assert (found.chi2, found.ndf) == (pytest.approx(0.0002 / 0.01), 2)


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (
            {},
            ScaleFactorError,
            r"input 'systematic' of correction 'official' \(string\) is no axis of sf \(pt, abseta\)",
        ),
        ({"syst": "up"}, UnknownNameError, "unknown input 'syst' in correction 'official'"),
        (
            {"systematic": "central"},
            ScaleFactorError,
            r"can't be evaluated in pt \[20, 30\), .* \(systematic=central, pt=21",
        ),
        (
            {**SYSTEMATIC, "pt": "hight"},
            ScaleFactorError,
            r"input 'pt' .* must be a number or an axis of sf \(pt, abseta\)",
        ),
        ({**SYSTEMATIC, "pt": Varied("1", "2", "3")}, ScaleFactorError, "belong to one input, not to 2"),
    ],
)
def test_wrong_inputs(inputs: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        compare_published(result_of({"pt": PT, "abseta": ABSETA}), falling(nominal=1, up=1, down=1), inputs)


def test_what_is_not_finite_is_refused() -> None:
    with pytest.raises(ScaleFactorError, match=r"correction 'official' isn't finite in pt \[20, 30\)"):
        compare_published(result_of({"pt": PT}), correction({"pt": "real"}, formula("sqrt(x-30)", "pt")))


def test_inputs_as_texts() -> None:
    assert read_inputs({"year": "2018", "ValType": "sf:sfup:sfdown"}) == {
        "year": "2018",
        "ValType": Varied("sf", "sfup", "sfdown"),
    }
    with pytest.raises(ScaleFactorError, match="input 'ValType' is 'sf:sfup', expected one value, or three"):
        read_inputs({"ValType": "sf:sfup"})
