from __future__ import annotations

import dataclasses
import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import correctionlib
import numpy as np
import pytest

from pocket.errors import ScaleFactorError
from pocket.scale_factors.result import Measurement, ScaleFactorResult
from pocket.scale_factors.writer import dumps

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
    assert "signal_up" in dumps(empty, unchanged=True)
