"""Jets as PocketCoffea calibrates them, against a loop that asks correctionlib for one jet at a time."""

from __future__ import annotations

from typing import Any

import awkward as ak
import correctionlib
import correctionlib.schemav2 as cs
import numpy as np
import pytest

from pocket.calibrators.sequence import CalibratorSequence
from pocket.compat.jet_energies import JetsCalibrator
from tests.pocket.calibrators.conftest import DATA, JET_TYPE, MC, RESOLUTION, SCALE, YEAR, events, jerc, params

__all__ = ["events", "jerc", "params"]


def random_number(pt: float, eta: float, rho: float, event: int) -> float:
    """Return the random number of JME's JERSmear."""
    names = {"JetPt": "real", "JetEta": "real", "Rho": "real", "EventID": "int"}
    correction = cs.Correction(
        name="numbers",
        version=1,
        inputs=[cs.Variable(name=name, type=kind) for name, kind in names.items()],
        output=cs.Variable(name="number", type="real"),
        data=cs.HashPRNG(nodetype="hashprng", inputs=list(names), distribution="normal"),
    )
    return float(correction.to_evaluator().evaluate(pt, eta, rho, event))


@pytest.mark.parametrize(("variation", "systematic"), [("nominal", "nom"), ("JERUp", "up"), ("JERDown", "down")])
def test_smearing_against_a_loop(
    events: ak.Array, params: dict[str, Any], jerc: str, variation: str, systematic: str
) -> None:
    params["jets_calibration"]["sort_by_pt"][YEAR][JET_TYPE] = False
    sequence = CalibratorSequence([JetsCalibrator], params, MC, [JetsCalibrator.name])
    name = variation if variation == "nominal" else f"{JET_TYPE}_{variation}"
    found = sequence.calibrate(events, name).events.Jet.pt.to_list()
    corrections = correctionlib.CorrectionSet.from_file(jerc)
    scale = corrections.compound[f"{SCALE}_L1L2L3Res_{JET_TYPE}"]
    resolution, ratio = (corrections[f"{RESOLUTION}_{kind}_{JET_TYPE}"] for kind in ("PtResolution", "ScaleFactor"))
    jets = events.Jet[["pt", "eta", "area", "rawFactor", "genJetIdx"]].to_list()
    gen_jets = events.GenJet.pt.to_list()
    rhos, numbers = events.Rho.fixedGridRhoFastjetAll.to_list(), events.event.to_list()
    scaled = smeared = 0
    for in_event, gen, rho, number, pts in zip(jets, gen_jets, rhos, numbers, found, strict=True):
        for jet, pt in zip(in_event, pts, strict=True):
            raw = float(np.float32(1 - np.float32(jet["rawFactor"])) * np.float32(jet["pt"]))
            corrected = raw * scale.evaluate(jet["area"], jet["eta"], raw, rho)
            width = resolution.evaluate(jet["eta"], corrected, rho)
            factor = ratio.evaluate(jet["eta"], corrected, systematic)
            index = jet["genJetIdx"]
            linked = gen[index] if 0 <= index < len(gen) else 0.0
            if abs(corrected - linked) < 3 * corrected * width:
                expected = corrected + (factor - 1) * (corrected - linked)
                scaled += 1
            else:
                normal = random_number(corrected, jet["eta"], rho, number)
                expected = corrected * (1 + np.sqrt(max(factor**2 - 1, 0)) * width * normal)
                smeared += 1
            assert pt == pytest.approx(expected, rel=3e-7)
    assert min(scaled, smeared) > 100


def test_data_are_corrected_only(events: ak.Array, params: dict[str, Any]) -> None:
    assert JetsCalibrator(params, DATA, jme_factory=None).variations == ()


def test_jets_that_are_not_smeared_have_no_variation_of_it(params: dict[str, Any]) -> None:
    assert f"{JET_TYPE}_JERUp" in JetsCalibrator(params, MC).variations
    params["jets_calibration"]["apply_jer_MC"][YEAR][JET_TYPE] = False
    variations = JetsCalibrator(params, MC).variations
    assert f"{JET_TYPE}_JERUp" not in variations
    assert f"{JET_TYPE}_JES_TotalUp" in variations
