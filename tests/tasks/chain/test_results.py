from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pocket.scale_factors.measurement.result import Measurement, ScaleFactorResult
from tasks.chain.results import describe_fit, describe_ranges, describe_yields, seen_signals

COMPARISON = {"data_yield": 1234.0, "mc_yield": 1200.4, "mc_stat": 3.0, "mc_syst": 4.0, "chi2": 12.34, "ndf": 10}


def write(folder: Path, name: str, content: Any) -> None:
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(content))


def test_yields_of_a_plot_and_of_the_one_before(tmp_path: Path) -> None:
    folder = tmp_path / "baseline"
    write(folder, "mll", {"comparison": COMPARISON})
    after = ("mll, baseline", "data 1,234   simulation 1,200 ± 5   χ²/ndf 12.3/10")
    assert describe_yields(folder, "mll", "none") == [after]
    write(folder, "mll_vs_nominal", {"before": {"comparison": {**COMPARISON, "mc_yield": 1300.0, "chi2": 99.0}}})
    before = ("before (nominal)", "simulation 1,300 ± 5   χ²/ndf 99.0/10")
    assert describe_yields(folder, "mll", "nominal") == [after, before]


def test_few_events_have_yields_but_no_chi_square(tmp_path: Path) -> None:
    # The numbers of a plot have no chi-square, which isn't finite.
    few = {**COMPARISON, "data_yield": 5.0, "mc_yield": 6.2, "chi2": None, "ndf": 0, "p_value": None}
    write(tmp_path / "sr", "mll", {"comparison": few})
    rows = describe_yields(tmp_path / "sr", "mll", "none")
    assert rows == [("mll, sr", "data 5   simulation 6 ± 5   χ²: too few events")]


def test_a_plot_without_data_has_no_yields(tmp_path: Path) -> None:
    write(tmp_path, "mll", {"processes": {}})
    assert describe_yields(tmp_path, "mll", "none") == []
    assert describe_yields(tmp_path, "absent", "none") == []


def scale_factor(values: list[float], errors: list[float]) -> ScaleFactorResult:
    measured = Measurement(np.array(values), np.array(errors), np.array(errors))
    return ScaleFactorResult(
        name="sf",
        method="",
        description="",
        quantity="weight",
        axes={"pt": (0.0, 1.0, 2.0, 3.0)},
        flow={"pt": "clamp"},
        scale_factor=measured,
        # a shift to one side counts there, and the larger side is what is shown
        systematics={"tag": (np.array([0.012, 0.0, 0.0]), np.array([0.0, 0.0, 0.0]))},
        groups=np.arange(3),
        status=("valid", "valid", "failed"),
    )


def test_ranges_of_a_scale_factor() -> None:
    result = scale_factor([0.9, 1.0, 5.0], [0.009, 0.03, 1.0])
    assert describe_ranges(result) == "0.900 … 1.000   ± 1.7 … 3.0 %  1 without a value"


def test_ranges_of_small_values_keep_their_digits() -> None:
    result = scale_factor([2.164e-7, 0.00412, 1.0], [1e-7, 1e-7, 1.0])
    assert describe_ranges(result).startswith("2.16e-07 … 0.00412   ± ")


def write_fit(folder: Path, data: str) -> None:
    intervals = {
        "r": {"value": 1.0046, "low": 0.9875, "high": 1.0222},
        "mu": {"value": -0.3, "low": -0.93, "high": 0.5},
        "k": {"value": 2.0, "low": 1.0, "high": 4.0, "bounded": [False, True]},
    }
    intervals = {poi: {"bounded": [False, False], **interval} for poi, interval in intervals.items()}
    write(folder, "fit", {"intervals": intervals, "data": data})
    write(folder, "significance", [{"poi": "r", "significance": 978.82}])
    expected = [0.1, 0.2, 0.31234, 0.4, 0.5]
    write(folder, "limits", [{"poi": "r", "level": 0.95, "observed": 1.0338, "expected": expected}])


def test_parameters_of_interest_of_a_fit(tmp_path: Path) -> None:
    write_fit(tmp_path / "fit", "observed")
    others = [("mu", "−0.30 −0.63 +0.80"), ("k", "2.00 −1.00 +2.00 (the upper end is a bound of its range)")]
    text = "1.005 −0.017 +0.018   978.8 σ"
    limit = "   < 1.03 at 95 % CL, expected 0.312"
    assert describe_fit(tmp_path / "fit") == [("r", text), *others]
    assert describe_fit(tmp_path / "fit", limits_asked=True) == [("r", text + limit), *others]
    write_fit(tmp_path / "fit", "asimov")
    assert describe_fit(tmp_path / "fit") == [
        ("r (Asimov)", "1.005 −0.017 +0.018   expected 978.8 σ"),
        ("mu (Asimov)", others[0][1]),
        ("k (Asimov)", others[1][1]),
    ]


@pytest.mark.parametrize(
    ("significances", "is_shown"),
    [([{"poi": "r", "significance": 2.9}], True), ([{"poi": "r", "significance": 3.0}], False), ([], True)],
)
def test_a_signal_that_is_seen_has_no_limit(
    tmp_path: Path, significances: list[dict[str, Any]], is_shown: bool
) -> None:
    write_fit(tmp_path / "fit", "observed")
    write(tmp_path / "fit", "significance", significances)
    (_, text), *_ = describe_fit(tmp_path / "fit")
    assert text.endswith("   < 1.03 at 95 % CL, expected 0.312") == is_shown
    assert seen_signals(tmp_path / "fit") == (set() if is_shown else {"r"})


def test_a_significance_without_an_end(tmp_path: Path) -> None:
    write_fit(tmp_path / "fit", "observed")
    write(tmp_path / "fit", "significance", [{"poi": "r", "significance": {"number": "inf"}}])
    text = "1.005 −0.017 +0.018   unbounded significance (data where nothing is expected without signal)"
    assert describe_fit(tmp_path / "fit")[0] == ("r", text)


def test_results_of_toys_take_the_place_of_asymptotic_ones(tmp_path: Path) -> None:
    write_fit(tmp_path / "fit", "observed")
    limit = {"poi": "r", "level": 0.95, "observed": 1.2, "expected": [{"number": "nan"}, 0.3, 0.4, 0.5, 0.6]}
    write(tmp_path / "fit", "toy_limits", [limit])
    write(tmp_path / "fit", "toy_significance", [{"poi": "r", "significance": 2.1, "above": 0}])
    interval = {"poi": "r", "low": -0.5, "high": 1.5, "level": 0.6827}
    write(tmp_path / "fit", "feldman_cousins", [interval, {**interval, "high": 2.0, "level": 0.95}])
    text = "1.005 −0.017 +0.018   978.8 σ   > 2.1 σ by toys   < 1.2 at 95 % CL by toys, expected 0.4"
    ends = "−0.5 to 1.5 at 68.3 % CL   −0.5 to 2 at 95 % CL"
    assert describe_fit(tmp_path / "fit")[:2] == [("r", text), ("Feldman–Cousins", ends)]


def test_fits_of_toys_have_no_single_result(tmp_path: Path) -> None:
    write(tmp_path / "fit", "toys", {"r": {"value": [1.0]}})
    assert describe_fit(tmp_path / "fit") == []
