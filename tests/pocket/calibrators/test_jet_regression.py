"""Regressed energies of jets, against the formula, and which of PocketCoffea's calibrators applies them."""

from __future__ import annotations

from typing import Any

import awkward as ak
import numpy as np
import pytest

from pocket.calibrators.jet_regression import JetRegressionCalibrator, with_regression
from pocket.calibrators.jets import JetsCalibrator as OwnJetsCalibrator
from pocket.calibrators.sequence import CalibratorSequence
from pocket.compat.jet_energies import JetsCalibrator
from pocket.compat.legacy_jets import JetsCalibrator as WithoutRegression
from pocket.compat.legacy_jets import JetsPtRegressionCalibrator
from pocket.errors import UnknownNameError
from tests.pocket.calibrators.conftest import JET_TYPE, MC, YEAR, events, jerc, params

__all__ = ["events", "jerc", "params"]
REGRESSED = f"{JET_TYPE}PNetRegressionPlusNeutrino"


@pytest.mark.parametrize(
    ("jet_type", "factors"),
    [
        ("AK4PFPuppiPNetRegression", ["PNetRegPtRawCorr"]),
        (REGRESSED, ["PNetRegPtRawCorr", "PNetRegPtRawCorrNeutrino"]),
        ("AK4PFPuppiUParTAK4Regression", ["UParTAK4RegPtRawCorr"]),
        ("AK4PFPuppiUParTAK4RegressionPlusNeutrino", ["UParTAK4RegPtRawCorrNeutrino"]),
        ("AK4PFPuppiUParTAK4V1Regression", ["UParTAK4V1RegPtRawCorr"]),
    ],
)
def test_formula(jet_type: str, factors: list[str]) -> None:
    jet = {"pt": 50.0, "mass": 8.0, "rawFactor": 0.2}
    numbers = {
        "PNetRegPtRawCorr": 1.1,
        "PNetRegPtRawCorrNeutrino": 1.2,
        "UParTAK4RegPtRawCorr": 1.3,
        "UParTAK4RegPtRawCorrNeutrino": 1.4,
        "UParTAK4V1RegPtRawCorr": 1.5,
    }
    original = ak.Array({"Jet": [[{**jet, **numbers}], [], [{**jet, **numbers, "pt": 100.0}]]})
    jets = with_regression(original, {"Jet": jet_type}).Jet
    factor = 0.8 * np.prod([numbers[name] for name in factors])
    assert ak.num(jets).to_list() == [1, 0, 1]
    assert ak.flatten(jets.pt).to_list() == pytest.approx([50 * factor, 100 * factor])
    assert ak.flatten(jets.mass).to_list() == pytest.approx([8 * factor, 8 * factor])
    assert jets.rawFactor.to_list() == [[0], [], [0]]
    assert original.Jet.pt.to_list() == [[50], [], [100]]


def regress(params: dict[str, Any]) -> None:
    """Give the jets of the parameters a type whose energy is regressed, with the corrections of the other type."""
    section = params["jets_calibration"]
    section["collection"] = {YEAR: {REGRESSED: "Jet"}}
    section["collection_name_alias"] = {YEAR: {REGRESSED: JET_TYPE}}
    section["apply_pt_regr_MC"] = {YEAR: {JET_TYPE: True}}


def calibrated(kind: type[JetsCalibrator], params: dict[str, Any], events: ak.Array, variation: str = "nominal") -> Any:
    """Return the events as a calibrator leaves them."""
    return CalibratorSequence([kind], params, MC, [kind.name]).calibrate(events, variation).events


def test_is_corrected_after_the_regression(events: ak.Array, params: dict[str, Any]) -> None:
    regress(params)
    jets, before = calibrated(JetsCalibrator, params, events).Jet, events.Jet
    expected = before.pt * (1 - before.rawFactor) * before.PNetRegPtRawCorr * before.PNetRegPtRawCorrNeutrino
    assert ak.flatten(ak.sort(jets.pt_raw)).to_list() == pytest.approx(
        ak.flatten(ak.sort(expected)).to_list(), rel=1e-6
    )
    up = calibrated(JetsCalibrator, params, events, f"{REGRESSED}_JES_TotalUp").Jet
    assert ak.sum(up.pt) > ak.sum(jets.pt)


def test_older_calibrators_share_the_types(events: ak.Array, params: dict[str, Any]) -> None:
    regress(params)
    both = calibrated(JetsCalibrator, params, events).Jet
    assert ak.all(calibrated(WithoutRegression, params, events).Jet.pt == events.Jet.pt)
    assert ak.all(calibrated(JetsPtRegressionCalibrator, params, events).Jet.pt == both.pt)
    params["jets_calibration"]["apply_pt_regr_MC"] = {YEAR: {JET_TYPE: False}}
    corrected = calibrated(WithoutRegression, params, events).Jet
    assert ak.any(corrected.pt != both.pt)
    assert ak.all(corrected.pt == calibrated(JetsCalibrator, params, events).Jet.pt)
    assert ak.all(calibrated(JetsPtRegressionCalibrator, params, events).Jet.pt == events.Jet.pt)


def test_an_unknown_algorithm_is_named(params: dict[str, Any]) -> None:
    params["jets_calibration"]["apply_pt_regr_MC"] = {YEAR: {JET_TYPE: True}}
    with pytest.raises(UnknownNameError, match=r"unknown algorithm of the regression 'AK4PFPuppi' in .*known: PNet, U"):
        JetsCalibrator(params, MC)


def test_own_calibrator_before_that_of_jets(events: ak.Array, params: dict[str, Any]) -> None:
    """It gives what PocketCoffea's calibrator does in one step, but for the smearing."""
    regress(params)
    section = params["jets_calibration"]
    section["apply_jer_MC"][YEAR][JET_TYPE] = False
    section["variations"][JET_TYPE][YEAR] = ["JES_Total"]
    classes = [JetRegressionCalibrator, OwnJetsCalibrator]
    chain = CalibratorSequence(classes, params, MC, [OwnJetsCalibrator.name])
    for variation in ("nominal", f"{REGRESSED}_JES_TotalUp"):
        found = chain.calibrate(events, variation).events.Jet
        expected = calibrated(JetsCalibrator, params, events, variation).Jet
        assert ak.flatten(found.pt).to_list() == pytest.approx(ak.flatten(expected.pt).to_list(), rel=1e-6)
        assert np.isfinite(np.asarray(ak.flatten(found.pt))).all()
    section["apply_pt_regr_MC"] = {YEAR: {JET_TYPE: False}}
    assert JetRegressionCalibrator(params, MC).calibrated_collections == ()
    del section["apply_pt_regr_MC"]
    assert JetRegressionCalibrator(params, MC).calibrated_collections == ()
    section["apply_pt_regr_Data"] = {YEAR: {JET_TYPE: True}}
    assert JetRegressionCalibrator(params, {**MC, "isMC": False}).calibrated_collections == ("Jet",)


def test_jets_without_a_factor_have_no_pt_and_no_nan(events: ak.Array, params: dict[str, Any]) -> None:
    regress(params)
    jets = ak.with_field(
        events.Jet, events.Jet.PNetRegPtRawCorr * (ak.local_index(events.Jet.pt) > 0), "PNetRegPtRawCorr"
    )
    chain = CalibratorSequence([JetRegressionCalibrator, OwnJetsCalibrator], params, MC, [OwnJetsCalibrator.name])
    found = chain.calibrate(ak.with_field(events, jets, "Jet"), f"{REGRESSED}_JERUp").events.Jet
    assert np.isfinite(np.asarray(ak.flatten(found.pt))).all()
    assert ak.sum(found.pt == 0) == ak.sum(ak.num(events.Jet) > 0) + ak.sum(jets.PNetRegPtRawCorr[:, 1:] == 0)
