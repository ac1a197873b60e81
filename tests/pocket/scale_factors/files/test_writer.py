from __future__ import annotations

import dataclasses
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import correctionlib
import numpy as np
import pytest

from pocket.errors import ScaleFactorError
from pocket.scale_factors.files.writer import MOST_DECORRELATED, correction_set, dumps, variations
from pocket.scale_factors.measurement.binning import Categories
from pocket.scale_factors.measurement.result import Measurement, ScaleFactorResult

PT = (20.0, 30.0, 50.0, np.inf)
ABSETA = (0.0, 1.2, 2.4)


def result(**changes: Any) -> ScaleFactorResult:
    simulated = np.array([[0.90, 0.86], [0.95, 0.92], [0.99, 0.94]])
    value = np.array([[0.98, 0.96], [0.97, 0.95], [1.01, 0.94]])
    up, down = np.full((3, 2), 0.02), np.full((3, 2), 0.03)
    signal = np.array([[0.01, -0.01], [0.02, 0.0], [0.01, 0.01]])
    fields: dict[str, Any] = {
        "name": "muon_id",
        "method": "TagAndProbeFit",
        "quantity": "weight",
        "description": "muon ID",
        "axes": {"pt": PT, "abseta": ABSETA},
        "flow": {"pt": "clamp", "abseta": "error"},
        "efficiencies": {
            "data": Measurement(value * simulated, up, down),
            "mc": Measurement(simulated, up, down),
        },
        "scale_factor": Measurement(value, up, down),
        "systematics": {"signal": (signal, -signal)},
        "groups": np.arange(6).reshape(3, 2),
        "status": ("valid",) * 6,
    }
    return ScaleFactorResult(**{**fields, **changes})


SYSTEMATICS = ("nominal", "up", "down", "stat_up", "stat_down", "signal_up", "signal_down")


def expected(measured: ScaleFactorResult, systematic: str) -> Any:
    """Values by systematic, written out."""
    value, signal = measured.scale_factor.value, measured.systematics["signal"][0]
    return {
        "nominal": value,
        "up": value + np.hypot(0.02, np.abs(signal)),
        "down": value - np.hypot(0.03, np.abs(signal)),
        "stat_up": value + 0.02,
        "stat_down": value - 0.03,
        "signal_up": value + signal,
        "signal_down": value - signal,
    }[systematic]


def test_every_bin_edge_and_systematic() -> None:
    measured = result()
    corrections = correctionlib.CorrectionSet.from_string(dumps(measured))
    assert set(corrections) == {"muon_id", "muon_id_efficiency_data", "muon_id_efficiency_mc"}
    assert [variable.name for variable in corrections["muon_id"].inputs] == ["pt", "abseta", "systematic"]
    assert [variable.name for variable in corrections["muon_id_efficiency_mc"].inputs] == ["pt", "abseta"]
    # Value and the bin it belongs to: lower edges are in the bin, below and above clamp.
    pts = [(-5.0, 0), (20.0, 0), (29.9, 0), (30.0, 1), (np.nextafter(50, 0), 1), (50.0, 2), (1e6, 2)]
    absetas = [(0.0, 0), (1.2, 1), (np.nextafter(2.4, 0), 1)]
    for (pt, i), (abseta, j), systematic in itertools.product(pts, absetas, SYSTEMATICS):
        factor = expected(measured, systematic)[i, j]
        simulated = measured.efficiencies["mc"].value[i, j]
        assert corrections["muon_id"].evaluate(pt, abseta, systematic) == pytest.approx(factor, rel=1e-12)
        data = corrections["muon_id_efficiency_data"].evaluate(pt, abseta, systematic)
        assert data == pytest.approx(min(factor * simulated, 1 - 1e-4), rel=1e-12)
        assert corrections["muon_id_efficiency_mc"].evaluate(pt, abseta) == simulated


@pytest.mark.parametrize("abseta", [-0.1, 2.4, 3.0])
def test_flow_error(abseta: float) -> None:
    corrections = correctionlib.CorrectionSet.from_string(dumps(result()))
    with pytest.raises(RuntimeError, match=r"bounds"):
        corrections["muon_id"].evaluate(40.0, abseta, "nominal")


def test_finite_last_edge_clamps() -> None:
    measured = result(
        axes={"pt": (20.0, 30.0, 50.0, 100.0), "abseta": ABSETA}, flow=dict.fromkeys(("pt", "abseta"), "clamp")
    )
    correction = correctionlib.CorrectionSet.from_string(dumps(measured))["muon_id"]
    for pt, abseta in ((100.0, 2.4), (1e9, 9.0)):
        assert correction.evaluate(pt, abseta, "nominal") == measured.scale_factor.value[2, 1]


def test_summary_command(tmp_path: Path) -> None:
    path = tmp_path / "muon_id.json"
    path.write_text(dumps(result()))
    command = [Path(sys.executable).parent / "correction", "summary", path]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "muon_id_efficiency_data" in shown
    assert "signal_up" in shown


def test_same_bytes() -> None:
    assert dumps(result()) == dumps(ScaleFactorResult.from_json(result().to_json()))


def test_same_bytes_in_another_process(tmp_path: Path) -> None:
    result_file = tmp_path / "result.json"
    result_file.write_text(by_sample().to_json())
    code = (
        "import sys, pathlib; from pocket.scale_factors.measurement.result import ScaleFactorResult as R; "
        "from pocket.scale_factors.files.writer import dumps; "
        "print(dumps(R.from_json(pathlib.Path(sys.argv[1]).read_text())), end='')"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", code, result_file],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert texts == {dumps(by_sample())}


def by_sample(**changes: Any) -> ScaleFactorResult:
    """Three axes, two of them with categories; some bins measured together, with correlations and a coupled source."""
    rng = np.random.default_rng(1)
    groups = np.array([[[0, 1, 1], [2, 3, 4]], [[5, 6, 6], [7, 8, 9]]])
    value = rng.uniform(0.8, 1.2, 10)[groups]
    factors = rng.normal(0, 0.01, (10, 10))
    covariance = factors @ factors.T
    error = np.sqrt(np.diag(covariance))[groups]
    shift = rng.uniform(0.01, 0.02, 10)[groups]
    fields: dict[str, Any] = {
        "name": "norm",
        "axes": {"sample": Categories(("tt", "dy")), "flavor": Categories((0, 5)), "pt": (20.0, 30.0, 50.0, np.inf)},
        "flow": {"sample": "clamp", "flavor": "clamp", "pt": "clamp"},
        "scale_factor": Measurement(value, error, error),
        "systematics": {"pileup": (shift, -2 * shift)},
        "coupled": {"hf": (-shift, shift / 2)},
        "groups": groups,
        "status": ("valid",) * 12,
        "efficiencies": {},
        "stat_covariance": covariance,
    }
    return result(**{**fields, **changes})


def test_categories() -> None:
    measured = by_sample()
    correction = correctionlib.CorrectionSet.from_string(dumps(measured))["norm"]
    assert [(each.name, each.type) for each in correction.inputs] == [
        ("sample", "string"),
        ("flavor", "int"),
        ("pt", "real"),
        ("systematic", "string"),
    ]
    pts = [(-1.0, 0), (20.0, 0), (30.0, 1), (49.9, 1), (1e9, 2)]
    for (i, sample), (j, flavour), (pt, k) in itertools.product(enumerate(("tt", "dy")), enumerate((0, 5)), pts):
        for systematic, content in variations(measured).items():
            found = correction.evaluate(sample, flavour, pt, systematic)
            assert found == pytest.approx(content[i, j, k], rel=1e-12)
    for wrong in (("ttt", 0, 25.0, "nominal"), ("tt", 4, 25.0, "nominal"), ("tt", 0, 25.0, "pileup")):
        with pytest.raises(IndexError):
            correction.evaluate(*wrong)


def test_coupled_variation_is_written_but_no_uncertainty() -> None:
    measured = by_sample()
    with_it, without = variations(measured), variations(by_sample(coupled={}))
    assert set(with_it) - set(without) == {"hf_up", "hf_down"}
    assert with_it["hf_down"] == pytest.approx(measured.scale_factor.value + measured.coupled["hf"][1])
    np.testing.assert_array_equal(with_it["up"], without["up"])


def outer_products(measured: ScaleFactorResult) -> Any:
    """Sum over the decorrelated statistical shifts of their products in the first bins of the groups."""
    _, first = np.unique(measured.groups, return_index=True)
    written, nominal = variations(measured), measured.scale_factor.value.ravel()[first]
    names = [name.removesuffix("_up") for name in written if re.fullmatch(r"stat\d+_up", name)]
    total = np.zeros((first.size, first.size))
    for name in names:
        up, down = (written[f"{name}_{side}"].ravel()[first] - nominal for side in ("up", "down"))
        total += np.outer(up - down, up - down) / 4
    return total


@pytest.mark.parametrize("rank", [10, 9, 3])
def test_decorrelated_shifts_reproduce_the_covariance(rank: int) -> None:
    factors = np.random.default_rng(2).normal(0, 0.01, (10, rank))
    measured = by_sample(stat_covariance=factors @ factors.T)
    assert outer_products(measured) == pytest.approx(factors @ factors.T, abs=1e-12)
    assert sum(name.startswith("stat") for name in variations(measured)) == 2 + 2 * rank


def test_independent_groups_have_a_shift_each() -> None:
    measured = by_sample(stat_covariance=None)
    assert outer_products(measured) == pytest.approx(measured.statistical_covariance)
    written = variations(measured)
    moved = written["stat2_up"] != written["nominal"]
    assert moved.tolist() == (measured.groups == 1).tolist()
    assert (written["stat2_up"][moved] == written["stat_up"][moved]).all()


def test_many_groups_have_no_shifts_of_their_own() -> None:
    def some(size: int) -> ScaleFactorResult:
        ones = np.ones(size)
        return result(
            axes={"pt": tuple(float(edge) for edge in range(size + 1))},
            flow={"pt": "clamp"},
            scale_factor=Measurement(ones, ones / 100, ones / 100),
            systematics={},
            efficiencies={},
            groups=np.arange(size),
            status=("valid",) * size,
        )

    assert f"stat{MOST_DECORRELATED}_up" in variations(some(MOST_DECORRELATED))
    assert set(variations(some(MOST_DECORRELATED + 1))) == {"nominal", "up", "down", "stat_up", "stat_down"}


def test_map_of_efficiencies_is_clipped() -> None:
    value = np.array([[0.0, 0.5], [0.9, 0.3], [1.0, 0.6]])
    measured = result(
        quantity="efficiency", scale_factor=Measurement(value, 1 - value / 2, value / 2 + 0.1), systematics={}
    )
    assert [each.name for each in correction_set(measured).corrections] == ["muon_id"]
    correction = correctionlib.CorrectionSet.from_string(dumps(measured))["muon_id"]
    assert correction.output.name == "efficiency"
    for i, j, systematic in itertools.product(range(3), range(2), variations(measured)):
        expected = np.clip(variations(measured)[systematic][i, j], 1e-4, 1 - 1e-4)
        assert correction.evaluate(PT[i], ABSETA[j], systematic) == expected


def test_smearing_that_vanishes_within_its_errors_is_written() -> None:
    measured = result(quantity="calibration", scale_factor=Measurement(*np.full((3, 3, 2), 0.01)), efficiencies={})
    correction = correctionlib.CorrectionSet.from_string(dumps(measured))["muon_id"]
    assert correction.evaluate(PT[0], ABSETA[0], "nominal") == 0.01
    # 0.01 less the sum in quadrature of two errors of 0.01
    assert correction.evaluate(PT[0], ABSETA[0], "down") == 0.0


def changed(measurement: Measurement, **values: float) -> Measurement:
    """A measurement with bin (1, 0) changed."""
    arrays = {key: getattr(measurement, key).copy() for key in ("value", "up", "down")}
    for key, value in values.items():
        arrays[key][1, 0] = value
    return Measurement(**arrays)


BIN = r"pt \[30, 50\), abseta \[0, 1.2\)"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"value": np.nan}, f"nominal can't be written in {BIN}"),
        ({"value": np.inf}, f"nominal can't be written in {BIN}"),
        ({"value": 0.0}, f"nominal can't be written in {BIN}"),
        ({"down": 2.0}, f"down can't be written in {BIN}"),
        ({"up": 0.0, "down": 0.0}, f"stat_up and stat_down, which equal the nominal one, can't be written in {BIN}"),
    ],
)
def test_refused_scale_factor(values: dict[str, float], text: str) -> None:
    with pytest.raises(ScaleFactorError, match=f"^muon_id: {text}$"):
        dumps(result(scale_factor=changed(result().scale_factor, **values)))


def test_refused_efficiency() -> None:
    efficiencies = result().efficiencies
    with pytest.raises(ScaleFactorError, match=f"efficiency in simulation can't be written in {BIN}"):
        dumps(result(efficiencies={**efficiencies, "mc": changed(efficiencies["mc"], value=0.0)}))


def test_refused_bin_and_systematic() -> None:
    with pytest.raises(ScaleFactorError, match=rf"failed bins are not written: {BIN} \(no minimum found\)"):
        dumps(result(status=("valid", "valid", "no minimum found", "valid", "valid", "valid")))
    empty = dataclasses.replace(result(), systematics={"signal": (np.zeros((3, 2)), np.zeros((3, 2)))})
    with pytest.raises(ScaleFactorError, match="systematic 'signal' changes nothing"):
        dumps(empty)
    # that of a scale factor which isn't applied yet
    assert "signal_up" in dumps(empty, allow_null_systematics=True)
    rounding = 1e-14 * result().scale_factor.value
    with pytest.raises(ScaleFactorError, match="systematic 'signal' changes nothing"):
        dumps(dataclasses.replace(result(), systematics={"signal": (rounding, -rounding)}))


@pytest.mark.parametrize("coupled", ["signal", "stat3", "stat"])
def test_two_sources_of_one_name(coupled: str) -> None:
    shift = np.full((3, 2), 0.01)
    with pytest.raises(ScaleFactorError, match=r"^muon_id: two sources of uncertainty are named"):
        dumps(result(coupled={coupled: (shift, -shift)}))


@pytest.mark.parametrize("key", ["systematics", "coupled"])
@pytest.mark.parametrize("shift", [-2.0, np.nan, np.inf])
def test_refused_shift(key: str, shift: float) -> None:
    up = np.full((3, 2), 0.01)
    up[1, 0] = shift
    with pytest.raises(ScaleFactorError, match=rf"(up|down|hf_up) can't be written in {BIN}"):
        dumps(result(**{key: {"hf": (up, -np.full((3, 2), 0.01))}}))
