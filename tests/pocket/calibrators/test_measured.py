from __future__ import annotations

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from pocket.calibrators import Calibrator, MeasuredEnergyCalibrator
from pocket.calibrators.smearing import normal_numbers
from pocket.errors import ConfigError, MissingBranchError, UnknownNameError
from pocket.weights.base import WeightWrapper
from tests.pocket.correction_files import write_corrections
from tests.pocket.scale_factors.correction_trees import binning, category
from tests.pocket.weights.objects import with_inputs

SCALE = {"nominal": (1.002, 0.998), "up": (1.003, 1.0), "down": (1.001, 0.996)}
SMEARING = {"nominal": (0.01, 0.02), "up": (0.012, 0.025), "down": (0.008, 0.015)}
CALIBRATOR = MeasuredEnergyCalibrator.wrap("energy", scale_factor="electron_energy", collection="Electron", seed=3)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    def by_key(values: dict[str, tuple[float, float]]) -> Any:
        return category("systematic", {key: binning("abseta", [0.0, 1.5, 2.5], of) for key, of in values.items()})

    tree = category("parameter", {"scale": by_key(SCALE), "smearing": by_key(SMEARING)})
    path = tmp_path_factory.mktemp("energy") / "electron_energy.json"
    inputs = {"parameter": "string", "abseta": "real", "systematic": "string"}
    return write_corrections(path, with_inputs("electron_energy", tree, **inputs))


def events() -> ak.Array:
    rng = np.random.default_rng(1)
    counts = rng.integers(0, 4, 50)
    size = counts.sum()
    electrons = ak.zip(
        {
            "pt": ak.unflatten(rng.uniform(20, 80, size).astype(np.float32), counts),
            "eta": ak.unflatten(rng.uniform(-2.5, 2.5, size).astype(np.float32), counts),
            "phi": ak.unflatten(rng.uniform(-3, 3, size).astype(np.float32), counts),
        }
    )
    numbers = np.arange(50)
    return ak.zip({"run": 0 * numbers + 1, "luminosityBlock": numbers, "event": numbers, "Electron": electrons}, 1)


def made(is_mc: bool, file: str | None, cls: type[Calibrator] = CALIBRATOR) -> Calibrator:
    return cls({"scale_factors": {"electron_energy": file}}, {"year": "2018", "isMC": is_mc})


def calibrated(is_mc: bool, file: str, variation: str = "nominal") -> np.ndarray[Any, Any]:
    found = made(is_mc, file).calibrate(events(), {}, variation, ())
    assert list(found) == ["Electron.pt"]
    assert ak.num(found["Electron.pt"]).to_list() == ak.num(events().Electron).to_list()
    return ak.flatten(found["Electron.pt"]).to_numpy()


def of(values: tuple[float, float]) -> np.ndarray[Any, Any]:
    return np.where(np.abs(ak.flatten(events().Electron.eta).to_numpy()) < 1.5, *values)


PT = ak.flatten(events().Electron.pt).to_numpy().astype(float)


def test_data_are_scaled(file: str) -> None:
    assert made(is_mc=False, file=file).variations == ()
    assert calibrated(False, file) == pytest.approx(PT * of(SCALE["nominal"]), rel=1e-6)


@pytest.mark.parametrize(
    ("variation", "scale", "smearing"),
    [
        ("nominal", "nominal", "nominal"),
        ("energy_scaleUp", "up", "nominal"),
        ("energy_scaleDown", "down", "nominal"),
        ("energy_smearUp", "nominal", "up"),
        ("energy_smearDown", "nominal", "down"),
        ("muon_scaleUp", "nominal", "nominal"),
    ],
)
def test_simulation_is_smeared(file: str, variation: str, scale: str, smearing: str) -> None:
    numbers = normal_numbers(3, events(), events().Electron)
    expected = PT * (1 + of(SMEARING[smearing]) * numbers) * of(SCALE[scale]) / of(SCALE["nominal"])
    assert calibrated(True, file, variation) == pytest.approx(expected, rel=1e-6)


def test_variations() -> None:
    assert made(is_mc=True, file=None).variations == (
        *("energy_scaleUp", "energy_scaleDown", "energy_smearUp", "energy_smearDown"),
    )
    assert CALIBRATOR.scale_factors() == ("electron_energy",)
    assert not hasattr(WeightWrapper, "calibrated_collections")


def test_without_smearing(file: str, tmp_path: Path) -> None:
    tree = category("parameter", {"scale": category("systematic", {"nominal": 1.002, "up": 1.003, "down": 1.001})})
    inputs = {"parameter": "string", "systematic": "string"}
    scale = write_corrections(tmp_path / "scale.json", with_inputs("electron_energy", tree, **inputs))
    cls = MeasuredEnergyCalibrator.wrap("energy", "electron_energy", "Electron", smearing=False)
    assert made(is_mc=True, file=scale, cls=cls).variations == ("energy_scaleUp", "energy_scaleDown")
    found = made(is_mc=True, file=scale, cls=cls).calibrate(events(), {}, "energy_scaleUp", ())["Electron.pt"]
    assert ak.flatten(found).to_numpy() == pytest.approx(PT * 1.003 / 1.002, rel=1e-6)
    with pytest.raises(ConfigError, match="'electron_energy' measures a smearing, set smearing=True"):
        made(is_mc=True, file=file, cls=cls).calibrate(events(), {}, "nominal", ())
    with pytest.raises(ConfigError, match="'electron_energy' measures no smearing, set smearing=False"):
        made(is_mc=True, file=scale).calibrate(events(), {}, "nominal", ())


def test_without_the_scale_nothing_changes() -> None:
    assert made(is_mc=True, file=None).calibrate(events(), {}, "nominal", ()) == {}


def test_a_file_that_is_not_given(file: str) -> None:
    calibrator = CALIBRATOR({}, {"year": "2018", "isMC": True})
    with pytest.raises(ConfigError, match="calibrator 'energy': the file of 'electron_energy' was not given"):
        calibrator.calibrate(events(), {}, "nominal", ())


def test_inputs(file: str) -> None:
    def wrapped(**inputs: str) -> Calibrator:
        cls = MeasuredEnergyCalibrator.wrap("energy", "electron_energy", "Electron", inputs=inputs)
        return made(is_mc=False, file=file, cls=cls)

    electrons = events().Electron
    other = ak.with_field(events(), ak.with_field(electrons, abs(electrons.eta), "distance"), "Electron")
    named = wrapped(abseta="distance").calibrate(other, {}, "nominal", ())
    assert ak.flatten(named["Electron.pt"]).to_numpy() == pytest.approx(PT * of(SCALE["nominal"]), rel=1e-6)
    with pytest.raises(MissingBranchError, match=r"calibrator 'energy', input 'abseta' of 'electron_energy': .*etaSC"):
        wrapped(abseta="etaSC").calibrate(events(), {}, "nominal", ())
    with pytest.raises(UnknownNameError, match="unknown input 'abetsa' in inputs of calibrator 'energy'"):
        wrapped(abetsa="eta").calibrate(events(), {}, "nominal", ())
