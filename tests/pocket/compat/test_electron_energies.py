"""Energies of electrons under PocketCoffea's names."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import awkward as ak
import correctionlib
import numpy as np
import pytest
from omegaconf import OmegaConf

from pocket.calibrators.sequence import CalibratorSequence
from pocket.compat.electron_energies import (
    ElectronsScaleCalibrator,
    get_ele_scaled,
    get_ele_scaled_etdependent,
    get_ele_smeared,
    get_ele_smeared_etdependent,
)
from pocket.parameters import get_default_parameters
from tests.pocket import egamma

YEAR, RUN = "2023_preBPix", 356000


@pytest.fixture(scope="module")
def events() -> ak.Array:
    events = egamma.objects_of("Electron", RUN)
    eta = events.Electron.eta + events.Electron.deltaEtaSC
    return ak.with_field(events, ak.with_field(events.Electron, eta, "etaSC"), "Electron")


@pytest.fixture(scope="module")
def items(events: ak.Array) -> list[dict[str, Any]]:
    return [electron for event in egamma.rows(events, "Electron") for electron in event]


def close(found: ak.Array, expected: list[float]) -> None:
    np.testing.assert_allclose(np.asarray(ak.flatten(found)), expected, rtol=1e-12)


def test_functions_of_files_by_gain(events: ak.Array, items: list[dict[str, Any]], tmp_path: Path) -> None:
    file = str(egamma.write_classic(tmp_path / "SS.json.gz", "Scale", "Smearing", seed=4))
    found = correctionlib.CorrectionSet.from_file(file)

    def scale(key: str, electron: dict[str, Any]) -> float:
        names = ("etaSC", "r9", "pt")
        return float(found["Scale"].evaluate(key, electron["seedGain"], float(RUN), *(electron[n] for n in names)))

    data = get_ele_scaled(events.Electron, file, "Scale", False, events.run)
    close(data["nominal"], [electron["pt"] * scale("total_correction", electron) for electron in items])
    simulation = get_ele_scaled(events.Electron, file, "Scale", True, events.run)
    for side, sign in (("up", 1), ("down", -1)):
        close(simulation[side], [e["pt"] * (1 + sign * scale("total_uncertainty", e)) for e in items])
    smeared = get_ele_smeared(events.Electron, file, "Smearing", True, only_nominal=False, seed=7)
    width, error = (
        np.array([found["Smearing"].evaluate(key, electron["etaSC"], electron["r9"]) for electron in items])
        for key in ("rho", "err_rho")
    )
    generator, pt = np.random.default_rng(7), np.array([electron["pt"] for electron in items])
    for side, each in (("nominal", width), ("up", width + error), ("down", width - error)):
        close(smeared[side], (pt * generator.normal(1.0, each)).tolist())
    assert get_ele_smeared(events.Electron, file, "Smearing", False) is None
    assert set(get_ele_smeared(events.Electron, file, "Smearing", True)) == {"nominal"}


def test_functions_of_files_by_energy(events: ak.Array, items: list[dict[str, Any]], tmp_path: Path) -> None:
    file = str(egamma.write_et_dependent(tmp_path / "SS.json.gz", "Scale", "SmearAndSyst", seed=4, absolute=False))
    found = correctionlib.CorrectionSet.from_file(file)

    def width(key: str, electron: dict[str, Any], factor: float = 1.0) -> float:
        return float(found["SmearAndSyst"].evaluate(key, electron["pt"] * factor, electron["r9"], electron["etaSC"]))

    def widened(electron: dict[str, Any], of_width: float, factor: float) -> float:
        energy = math.hypot(electron["pt"] * math.cosh(electron["eta"]), electron["mass"])
        return math.hypot(electron["energyErr"], energy * of_width) * factor

    data = get_ele_scaled_etdependent(events.Electron, file, "Scale", "SmearAndSyst", False, events.run, YEAR)
    scales = [
        found.compound["Scale"].evaluate("scale", float(RUN), e["etaSC"], e["r9"], e["pt"], e["seedGain"])
        for e in items
    ]
    close(data["pt"]["nominal"], [e["pt"] * scale for e, scale in zip(items, scales, strict=True)])
    errors = [widened(e, width("smear", e, scale), scale) for e, scale in zip(items, scales, strict=True)]
    close(data["energyErr"]["nominal"], errors)
    simulation = get_ele_scaled_etdependent(events.Electron, file, "Scale", "SmearAndSyst", True, events.run, YEAR)
    for side, sign in (("up", 1), ("down", -1)):
        close(simulation["pt"][side], [e["pt"] * (1 + sign * width("escale", e)) for e in items])
        close(simulation["energyErr"][side], [e["energyErr"] * (1 + sign * width("escale", e)) for e in items])
    smeared = get_ele_smeared_etdependent(events.Electron, file, "SmearAndSyst", True, only_nominal=False, seed=7)
    normal = np.random.default_rng(7).normal(size=len(items))
    for side, key in (("nominal", "smear"), ("up", "smear_up"), ("down", "smear_down")):
        factors = [1 + width(key, e) * n for e, n in zip(items, normal, strict=True)]
        close(smeared["pt"][side], [e["pt"] * factor for e, factor in zip(items, factors, strict=True)])
        errors = [widened(e, width(key, e), factor) for e, factor in zip(items, factors, strict=True)]
        close(smeared["energyErr"][side], errors)
    assert get_ele_smeared_etdependent(events.Electron, file, "SmearAndSyst", False) is None
    assert set(get_ele_smeared_etdependent(events.Electron, file, "SmearAndSyst", True)["pt"]) == {"nominal"}


def test_the_calibrator_varies_the_scale_of_unsmeared_electrons(events: ak.Array, tmp_path: Path) -> None:
    file = str(egamma.write_et_dependent(tmp_path / "SS.json.gz", "Scale", "SmearAndSyst", seed=4, absolute=False))
    settings = {"correctionlib_config": {YEAR: {"file": file}}}
    params = OmegaConf.merge(
        get_default_parameters(), {"lepton_scale_factors": {"electron_sf": {"scale_and_smearing": settings}}}
    )
    chain = CalibratorSequence(
        [ElectronsScaleCalibrator], params, {"year": YEAR, "isMC": True}, ["electron_scale_and_smearing"]
    )
    assert chain.variations == ("ele_scaleUp", "ele_scaleDown", "ele_smearUp", "ele_smearDown")
    simulated = ak.with_field(events, np.ones(len(events), np.uint32), "run")
    chain.initialize(simulated)
    expected = get_ele_scaled_etdependent(simulated.Electron, file, "Scale", "SmearAndSyst", True, simulated.run, YEAR)
    for side in ("up", "down"):
        found = chain.calibrate(simulated, f"ele_scale{side.title()}").events.Electron
        for field in ("pt", "energyErr"):
            np.testing.assert_allclose(ak.flatten(found[field]), ak.flatten(expected[field][side]), rtol=3e-7)
    nominal = chain.calibrate(simulated).events.Electron
    assert np.std(ak.flatten(nominal.pt / simulated.Electron.pt)) > 0.005


def test_years_without_a_switch_are_left_alone() -> None:
    calibrator = ElectronsScaleCalibrator({}, {"year": "2018", "isMC": True}, salt="x")
    assert (calibrator.variations, calibrator.corrections(), calibrator.calibrate(None, {}, "nominal")) == ((), (), {})
