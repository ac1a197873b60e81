"""Jet corrections of the toys, evaluated and applied to toys with the shipped parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import awkward as ak
import correctionlib
import numpy as np
import pytest
from coffea.nanoevents import NanoEventsFactory
from omegaconf import OmegaConf

from pocket.calibrators import JetsCalibrator, METCalibrator
from pocket.calibrators.sequence import CalibratorSequence
from pocket.io.nanoaod.schema import Schema
from pocket.parameters.defaults import get_default_parameters
from pocket.toys.config import ToyConfig
from pocket.toys.generator import generate
from pocket.toys.jerc import resolution_formula, write_jet_corrections
from pocket.toys.nanoaod import write_nanoaod


@pytest.fixture(scope="module")
def path(config: ToyConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("jerc") / "jet_jerc.json.gz"
    write_jet_corrections(path, config)
    return path


def test_values(config: ToyConfig, path: Path) -> None:
    corrections = correctionlib.CorrectionSet.from_file(str(path))
    # the response 1 - 0.04 - 1.5 / pt of pocket.toys.jets at 50 GeV
    raw = 50 * (1 - 0.04 - 1.5 / 50)
    factor = corrections.compound["Toys_V1_MC_L1L2L3Res_AK4PFchs"].evaluate(0.5, 1.0, raw, 20.0)
    assert raw * factor == pytest.approx(50)
    absolute, flavour, total = (
        corrections[f"Toys_V1_MC_{source}_AK4PFchs"].evaluate(1.0, 50.0)
        for source in ("Regrouped_Absolute", "Regrouped_FlavorQCD", "Total")
    )
    assert (absolute, flavour) == pytest.approx((0.01, 0.013))
    assert total == pytest.approx(np.hypot(absolute, flavour))
    ratio = corrections["Toys_JRV1_MC_ScaleFactor_AK4PFchs"]
    assert [ratio.evaluate(1.0, 50.0, kind) for kind in ("nom", "up", "down")] == [1.0, 1.1, 0.9]
    jet = config.detector.jet
    expected = np.sqrt((jet.noise / 50) ** 2 + jet.stochastic**2 / 50 + jet.constant**2)
    assert corrections["Toys_JRV1_MC_PtResolution_AK4PFchs"].evaluate(1.0, 50.0, 20.0) == pytest.approx(expected)
    assert "sqrt(" in resolution_formula(jet)


def test_same_bytes(config: ToyConfig, path: Path, tmp_path: Path) -> None:
    write_jet_corrections(tmp_path / "again.json.gz", config)
    assert (tmp_path / "again.json.gz").read_bytes() == path.read_bytes()


def test_toys_with_shipped_parameters(config: ToyConfig, path: Path, tmp_path: Path) -> None:
    """Calibrating toys again changes neither jets nor missing momentum on average, and the variations do."""
    write_nanoaod(tmp_path / "toys.root", generate("ttsemi", 500, config, part=0), file_uuid=uuid4())
    events = NanoEventsFactory.from_root(
        {str(tmp_path / "toys.root"): "Events"}, schemaclass=Schema, mode="virtual"
    ).events()
    params: Any = OmegaConf.merge(
        get_default_parameters(), {"jets_calibration": {"jet_types": {"AK4PFchs": {"toys": {"json_path": str(path)}}}}}
    )
    classes = [JetsCalibrator, METCalibrator]
    chain = CalibratorSequence(classes, params, {"year": "toys", "isMC": True}, [cls.name for cls in classes])
    assert chain.variations == (
        *(f"AK4PFchs_{kind}{side}" for kind in ("JES_Total", "JER") for side in ("Up", "Down")),
        *(f"MET_unclustered{side}" for side in ("Up", "Down")),
    )
    chain.initialize(events)
    nominal = chain.calibrate(events).events
    ratio = ak.flatten(ak.sort(nominal.Jet.pt) / ak.sort(events.Jet.pt))
    assert ak.mean(ratio) == pytest.approx(1, abs=0.002)
    assert ak.std(ratio) < 0.02
    assert np.median(abs(nominal.MET.pt - events.MET.pt)) < 2 < np.median(abs(events.RawMET.pt - events.MET.pt))
    up = chain.calibrate(events, "AK4PFchs_JES_TotalUp").events
    assert ak.mean(up.Jet.pt) > 1.01 * ak.mean(nominal.Jet.pt)
    smeared = chain.calibrate(events, "AK4PFchs_JERUp").events
    matched = nominal.Jet.pt_gen > 0
    assert 0.5 < ak.mean(matched) < 1
    assert ak.std((smeared.Jet.pt - smeared.Jet.pt_gen)[smeared.Jet.pt_gen > 0]) > 1.05 * ak.std(
        (nominal.Jet.pt - nominal.Jet.pt_gen)[matched]
    )
