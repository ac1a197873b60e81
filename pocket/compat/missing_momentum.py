"""PocketCoffea's missing momentum from calibrated jets and leptons, to the last digit.

It differs from :class:`pocket.calibrators.METCalibrator` where PocketCoffea does: jets before the correction of pileup
count as PUPPI jets do, the smeared pt decides which jets count, calibrations of leptons are propagated, and without the
correction of jets it is the raw missing momentum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import branch, collection
from pocket.base.arrays.jagged import counts_of, flat_values
from pocket.base.typing import Floats, Indices
from pocket.calibrators.base import Calibrator
from pocket.calibrators.met import EM_FRACTION_MAX, JET_PT_MIN, unclustered_shift
from pocket.parameters.access import parameter

#: Leptons whose calibrations change the missing momentum.
_LEPTONS = ("Electron", "Muon")
#: Variation → whether it goes up.
_UNCLUSTERED = {"unclust_EnUp": True, "unclust_EnDown": False}


class METCalibrator(Calibrator):
    """Calibrator of the missing momentum, with the parameters ``met_calibration.{year}``."""

    name = "met_type1_calibration"
    has_variations = True

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True, **kwargs: Any) -> None:
        super().__init__(params, metadata, do_variations)
        place = ("met_calibration", self.year)
        self._met, self._raw, self._jets, self._soft = (
            parameter(params, *place, f"{name}_collection") for name in ("MET", "RawMET", "Jet", "CorrT1METJet")
        )
        self._applied = bool(parameter(params, *place, "apply_MC" if self.isMC else "apply_data"))
        self.calibrated_collections = (f"{self._met}.pt", f"{self._met}.phi")
        self.inputs = (self._raw, self._jets, self._soft, *_LEPTONS)
        self._variations = tuple(_UNCLUSTERED) if self.isMC else ()
        self._directions: dict[str, tuple[Floats, Floats, Floats]] = {}

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return pt and azimuth of the missing momentum."""
        raw = collection(events, self._raw)
        x, y = _components(raw["pt"], raw["phi"])
        changes = {}
        if self._applied:
            changes[self._jets] = _of_jets(collection(events, self._jets), self._jets)
            if self._soft:
                changes[self._soft] = _of_soft_jets(collection(events, self._soft), self._soft)
        for name in _LEPTONS:
            if f"{name}.pt" in original:
                leptons = events[name]
                change = flat_values(leptons["pt"]) - flat_values(original[f"{name}.pt"])
                changes[name] = change, flat_values(leptons["phi"])
        for name, (size, azimuth) in changes.items():
            change_x, change_y = _sums(size, self._direction(name, azimuth), counts_of(events[name]))
            x, y = x - change_x, y - change_y
        if variation in _UNCLUSTERED:
            met = collection(events, self._met)
            shift_x, shift_y = unclustered_shift(met, self._met, _UNCLUSTERED[variation])
            if "ptUnclusteredUp" not in met.fields:
                x, y = _components(met["pt"], met["phi"])
            x, y = x + shift_x, y + shift_y
        return {
            f"{self._met}.pt": np.hypot(x, y).astype(np.float32),
            f"{self._met}.phi": np.arctan2(y, x).astype(np.float32),
        }

    def _direction(self, name: str, azimuth: Floats) -> tuple[Floats, Floats]:
        """Return cosine and sine, which are cached, since hardly any variation changes an azimuth."""
        known = self._directions.get(name)
        if known is None or not np.array_equal(known[0], azimuth):
            angle = azimuth.astype(np.float64)
            known = self._directions[name] = (azimuth, np.cos(angle), np.sin(angle))
        return known[1:]


def _of_jets(jets: ak.Array, name: str) -> tuple[Floats, Floats]:
    """Return how much the correction changes pt of each jet, and the azimuth."""
    share = 1 - flat_values(branch(jets, "muonSubtrFactor", name))
    scale = 1 - flat_values(branch(jets, "rawFactor", name))
    raw = flat_values(jets["pt"]) * scale * share
    with np.errstate(divide="ignore", invalid="ignore"):
        corrected = raw / scale
    em_fraction = flat_values(jets["chEmEF"]) + flat_values(jets["neEmEF"])
    counted = (corrected > JET_PT_MIN) & (em_fraction < EM_FRACTION_MAX)
    return np.where(counted, corrected - raw, 0), _azimuth(jets)


def _of_soft_jets(jets: ak.Array, name: str) -> tuple[Floats, Floats]:
    raw = flat_values(branch(jets, "rawPt", name)) * (1 - flat_values(branch(jets, "muonSubtrFactor", name)))
    with np.errstate(divide="ignore", invalid="ignore"):
        corrected = raw / (1 - flat_values(branch(jets, "rawFactor", name)))
    # PocketCoffea looks for their fraction of electromagnetic energy among the fields of the other jets.
    return np.where(corrected > JET_PT_MIN, corrected - raw, 0), _azimuth(jets)


def _azimuth(jets: ak.Array) -> Floats:
    phi = flat_values(jets["phi"])
    return phi + flat_values(jets["muonSubtrDeltaPhi"]) if "muonSubtrDeltaPhi" in jets.fields else phi


def _sums(size: Floats, direction: tuple[Floats, Floats], counts: Indices) -> tuple[Floats, Floats]:
    """Return the sums of x and y over the objects of each event."""
    event = np.repeat(np.arange(len(counts)), counts)
    # The objects are added one after the other, as awkward does.
    x, y = (np.bincount(event, size.astype(np.float64) * part, minlength=len(counts)) for part in direction)
    # Without any object, the sums would be integers.
    return x.astype(np.float64), y.astype(np.float64)


def _components(pt: ak.Array, phi: ak.Array) -> tuple[Floats, Floats]:
    size, azimuth = np.asarray(pt, dtype=np.float64), np.asarray(phi, dtype=np.float64)
    return size * np.cos(azimuth), size * np.sin(azimuth)
