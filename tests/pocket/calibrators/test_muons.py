"""Scale of muons."""

from __future__ import annotations

import awkward as ak
import pytest

from pocket.calibrators import MuonScaleCalibrator
from pocket.calibrators.sequence import CalibratorSequence
from pocket.errors import UnknownNameError

EVENTS = ak.Array({"Muon": ak.zip({"pt": [[100.0, 50.0], [], [10.0]]}), "MET": ak.zip({"pt": [1.0, 2.0, 3.0]})})
PARAMS = {"muon_scale": {"toys": {"uncertainty": 0.01}}}


@pytest.mark.parametrize(
    ("variation", "expected"),
    [
        ("nominal", [[100, 50], [], [10]]),
        ("muon_scaleUp", [[101, 50.5], [], [10.1]]),
        ("muon_scaleDown", [[99, 49.5], [], [9.9]]),
    ],
)
def test_scale(variation: str, expected: list[list[float]]) -> None:
    chain = CalibratorSequence([MuonScaleCalibrator], PARAMS, {"year": "toys", "isMC": True}, ["muon_scale"])
    assert chain.variations == ("muon_scaleUp", "muon_scaleDown")
    calibrated = chain.calibrate(EVENTS, variation)
    assert ak.all(abs(calibrated.events.Muon.pt - ak.Array(expected)) < 1e-9)
    assert calibrated.changed == (set() if variation == "nominal" else {"Muon"})
    assert calibrated.events.MET.pt.tolist() == EVENTS.MET.pt.tolist()


def test_data_are_left_alone() -> None:
    chain = CalibratorSequence([MuonScaleCalibrator], {}, {"year": "toys", "isMC": False}, ["muon_scale"])
    assert (chain.calibrators, chain.variations) == ((), ())


def test_unknown_year() -> None:
    chain = CalibratorSequence([MuonScaleCalibrator], PARAMS, {"year": "2018", "isMC": True}, ["muon_scale"])
    with pytest.raises(UnknownNameError, match="unknown parameter '2018' in muon_scale; known: toys"):
        chain.calibrate(EVENTS, "muon_scaleUp")
