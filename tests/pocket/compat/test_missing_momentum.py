"""The missing momentum as PocketCoffea computes it, against a loop over events."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import pytest

from pocket.calibrators import Calibrator
from pocket.calibrators.sequence import CalibratorSequence
from pocket.compat.jet_energies import JetsCalibrator
from pocket.compat.missing_momentum import METCalibrator
from tests.pocket.calibrators.conftest import JET_TYPE, MC, YEAR, events, jerc, params

__all__ = ["events", "jerc", "params"]


class Muons(Calibrator):
    """Scales muons."""

    name = "muons"
    calibrated_collections = ("Muon.pt",)
    inputs = ()

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str]
    ) -> Mapping[str, Any]:
        """Scale."""
        return {"Muon.pt": events.Muon.pt * 1.1}


def added(jets: list[dict[str, float]], raw: str) -> tuple[float, float]:
    """Return the momentum that the correction adds to jets without their muons, in x and y."""
    x = y = 0.0
    for jet in jets:
        before = (jet["pt"] * (1 - jet["rawFactor"]) if raw == "pt" else jet["rawPt"]) * (1 - jet["muonSubtrFactor"])
        after = before / (1 - jet["rawFactor"])
        if after > 15 and jet.get("chEmEF", 0.0) + jet.get("neEmEF", 0.0) < 0.9:
            phi = jet["phi"] + jet.get("muonSubtrDeltaPhi", 0.0)
            x += (after - before) * math.cos(phi)
            y += (after - before) * math.sin(phi)
    return x, y


@pytest.mark.parametrize("variation", ["nominal", f"{JET_TYPE}_JES_TotalUp", "unclust_EnUp", "unclust_EnDown"])
def test_against_a_loop(events: ak.Array, params: dict[str, Any], variation: str) -> None:
    names = [JetsCalibrator.name, METCalibrator.name]
    sequence = CalibratorSequence([JetsCalibrator, Muons, METCalibrator], params, MC, names)
    calibrated = sequence.calibrate(events, variation).events
    fields = ("pt", "phi", "rawFactor", "muonSubtrFactor", "muonSubtrDeltaPhi", "chEmEF", "neEmEF")
    jets = calibrated.Jet[[name for name in fields if name in calibrated.Jet.fields]].to_list()
    soft_fields = ["rawPt", "phi", "rawFactor", "muonSubtrFactor", "muonSubtrDeltaPhi"]
    soft = calibrated.CorrT1METJet[[n for n in soft_fields if n in calibrated.CorrT1METJet.fields]].to_list()
    muons = events.Muon[["pt", "phi"]].to_list()
    raws, mets = events.RawPuppiMET[["pt", "phi"]].to_list(), events.PuppiMET.to_list()
    found = calibrated.PuppiMET[["pt", "phi"]].to_list()
    for number, (raw, met) in enumerate(zip(raws, mets, strict=True)):
        x, y = raw["pt"] * math.cos(raw["phi"]), raw["pt"] * math.sin(raw["phi"])
        for change_x, change_y in (added(jets[number], "pt"), added(soft[number], "rawPt")):
            x, y = x - change_x, y - change_y
        for muon in muons[number]:
            x -= 0.1 * muon["pt"] * math.cos(muon["phi"])
            y -= 0.1 * muon["pt"] * math.sin(muon["phi"])
        if variation.startswith("unclust"):
            side = variation.removeprefix("unclust_En")
            for sign, suffix in ((1, f"Unclustered{side}"), (-1, "")):
                x += sign * met[f"pt{suffix}"] * math.cos(met[f"phi{suffix}"])
                y += sign * met[f"pt{suffix}"] * math.sin(met[f"phi{suffix}"])
        assert found[number]["pt"] == pytest.approx(math.hypot(x, y), rel=1e-4, abs=1e-3)
        assert math.remainder(found[number]["phi"] - math.atan2(y, x), 2 * math.pi) == pytest.approx(0, abs=1e-3)


def test_without_the_correction_it_is_the_raw_one(events: ak.Array, params: dict[str, Any]) -> None:
    params["met_calibration"][YEAR]["apply_MC"] = False
    sequence = CalibratorSequence([METCalibrator], params, MC, [METCalibrator.name])
    assert sequence.variations == ("unclust_EnUp", "unclust_EnDown")
    met = sequence.calibrate(events).events.PuppiMET
    assert ak.all(abs(met.pt - events.RawPuppiMET.pt) < 1e-4 * events.RawPuppiMET.pt)
