"""Energy scale of taus."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.calibrators import TauEnergyScaleCalibrator
from pocket.calibrators.sequence import CalibratorSequence
from pocket.errors import ConfigError
from pocket.parameters.defaults import get_default_parameters
from tests.group_files import ROOT, needs_files
from tests.params.test_shipped import DATA
from tests.pocket.tau_files import write_tau_file

N_TAUS = 10_000
MODES = (0, 1, 10, 11)


@pytest.fixture(scope="module")
def events() -> ak.Array:
    """Taus of all kinds and decay modes, also those without corrections."""
    rng = np.random.default_rng(1)
    pt, eta = rng.exponential(60, N_TAUS) + 18, rng.uniform(-2.6, 2.6, N_TAUS)
    for edge in (-2.5, -1.5, 0, 1.5, 2.3, 2.5):
        eta[rng.integers(0, N_TAUS, 40)] = edge
    columns = {
        "pt": pt.astype(np.float32),
        "eta": eta.astype(np.float32),
        "mass": rng.uniform(0.1, 1.6, N_TAUS).astype(np.float32),
        "decayMode": rng.choice(np.array([0, 1, 2, 5, 6, 10, 11], dtype=np.int32), N_TAUS),
        "genPartFlav": rng.choice(np.arange(6, dtype=np.uint8), N_TAUS),
    }
    counts = rng.multinomial(N_TAUS, np.full(4000, 1 / 4000))
    return ak.Array({"Tau": ak.unflatten(ak.zip(columns), counts)})


def parameters(year: str, file: str, variations: list[str] | None = None) -> Any:
    changes: dict[str, Any] = {"JSONfiles": {year: {"file": file}}}
    if variations is not None:
        changes["energy_scale_variations"] = {year: variations}
    return OmegaConf.merge(get_default_parameters(), {"tau_scale_factors": changes})


def sequence(params: Any, year: str) -> CalibratorSequence:
    metadata = {"year": year, "isMC": True}
    return CalibratorSequence([TauEnergyScaleCalibrator], params, metadata, ["tau_energy_scale"])


def scaled(events: ak.Array, field: str, scale: Any) -> list[float]:
    """Return a field of all taus in single precision, times a scale that is computed tau by tau."""
    return [float(np.float32(tau[field] * scale(tau))) for taus in events.Tau.to_list() for tau in taus]


def check(events: ak.Array, params: Any, year: str, correction: Any, texts: tuple[str, ...], shifts: Any) -> None:
    """Compare pt and mass in all variations; ``shifts`` tells for each of them the uncertainty of a tau."""
    chain = sequence(params, year)
    assert chain.variations == tuple(name for name in shifts if name != "nominal")
    for variation, kind in shifts.items():

        def scale(tau: dict[str, Any], kind: Any = kind) -> float:
            if tau["genPartFlav"] == 0 or tau["decayMode"] not in MODES:
                return 1.0
            given = (tau[name] for name in ("pt", "eta", "decayMode", "genPartFlav"))
            return float(correction.evaluate(*given, *texts, kind(tau)))

        calibrated = chain.calibrate(events, variation)
        for field in ("pt", "mass"):
            found = calibrated.events.Tau[field]
            assert str(ak.flatten(found).type).endswith("float32")
            assert ak.flatten(found).to_list() == scaled(events, field, scale), variation
        assert calibrated.changed == (set() if variation == "nominal" else {"Tau"})
    assert events.Tau.fields == calibrated.events.Tau.fields


def always(kind: str) -> Any:
    return lambda tau: kind


ALL = {"nominal": always("nom"), "tau_energy_scaleUp": always("up"), "tau_energy_scaleDown": always("down")}


@needs_files
def test_scale_of_2018(events: ak.Array, tmp_path: Path) -> None:
    with gzip.open(ROOT / "POG" / "TAU" / "2018_UL" / "tau.json.gz", "rt") as file:
        content = json.load(file)
    # The corrections of the trigger fill most of the file.
    content["corrections"] = [each for each in content["corrections"] if each["name"] != "tau_trigger"]
    path = tmp_path / "tau.json"
    path.write_text(json.dumps(content))
    correction = correctionlib.CorrectionSet.from_file(str(path))["tau_energy_scale"]
    check(events, parameters("2018", str(path)), "2018", correction, ("DeepTau2017v2p1",), ALL)


@pytest.mark.parametrize("year", DATA)
def test_all_years(events: ak.Array, year: str, tmp_path: Path) -> None:
    tagger = "DeepTau2017v2p1" if year < "2019" else "DeepTau2018v2p5"
    file = write_tau_file(tmp_path / "tau.json", tagger, year)
    correction = correctionlib.CorrectionSet.from_file(file)["tau_energy_scale"]
    texts = (tagger,) if year < "2019" else (tagger, "Medium", "VVLoose")
    check(events, parameters(year, file), year, correction, texts, ALL)


@pytest.mark.slow
def test_variations_of_parts(events: ak.Array, tmp_path: Path) -> None:
    file = write_tau_file(tmp_path / "tau.json", "DeepTau2018v2p5", "2022_preEE")
    correction = correctionlib.CorrectionSet.from_file(file)["tau_energy_scale"]
    parts = {
        "tau_dm0": lambda tau: tau["genPartFlav"] == 5 and tau["decayMode"] == 0,
        "tau_dm11": lambda tau: tau["genPartFlav"] == 5 and tau["decayMode"] == 11,
        "e_dm1": lambda tau: tau["genPartFlav"] in (1, 3) and tau["decayMode"] == 1,
        "mu": lambda tau: tau["genPartFlav"] in (2, 4),
    }
    shifts: dict[str, Any] = {"nominal": always("nom")}
    for part, is_part in parts.items():
        for side in ("Up", "Down"):
            shifts[f"tau_energy_scale_{part}{side}"] = lambda tau, is_part=is_part, side=side: (
                side.lower() if is_part(tau) else "nom"
            )
    params = parameters("2022_preEE", file, list(parts))
    check(events, params, "2022_preEE", correction, ("DeepTau2018v2p5", "Medium", "VVLoose"), shifts)
    with pytest.raises(
        ConfigError, match=r"energy_scale_variations.2022_preEE: 'dm0' is neither total nor a generated"
    ):
        sequence(parameters("2022_preEE", file, ["dm0"]), "2022_preEE")


def test_data_are_left_alone() -> None:
    metadata = {"year": "2018", "isMC": False}
    chain = CalibratorSequence([TauEnergyScaleCalibrator], {}, metadata, ["tau_energy_scale"])
    assert (chain.calibrators, chain.variations) == ((), ())
