"""Missing transverse momentum from calibrated jets, and its uncertainty from unclustered energy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import branch, collection
from pocket.base.typing import Floats
from pocket.calibrators.base import Calibrator
from pocket.calibrators.jet_corrections import DIRECTIONS
from pocket.calibrators.smearing import flat
from pocket.errors import ConfigError, MissingBranchError, check_known
from pocket.parameters.access import parameter

#: Jets are used above this pt in GeV and below this fraction of electromagnetic energy.
JET_PT_MIN, EM_FRACTION_MAX = 15.0, 0.9


class METCalibrator(Calibrator):
    """Calibrator that computes the type-1 corrected missing momentum from the raw one and the calibrated jets.

    MET = raw MET - sum over jets of (p - p_l1), with the calibrated momentum p and the momentum p_l1 with the pileup
    correction alone (https://twiki.cern.ch/twiki/bin/view/CMS/METType1Type2Formulae); see :func:`type1_change`. The
    jets are those of the collection and, below its threshold, those of ``CorrT1METJet``. Both must be calibrated
    before, so that smearing and all variations of jets propagate to the missing momentum.

    ``met_calibration.<year>`` of the parameters has the names of the collections (``MET_collection``,
    ``RawMET_collection``, ``Jet_collection``, and ``CorrT1METJet_collection`` or null), and whether this is applied
    (``apply_MC``, ``apply_data``). With ``leptons``, a list of collections such as ``[Muon]``, the missing momentum
    also follows the calibrations of these leptons, see :func:`lepton_change`; where this isn't applied, it starts from
    the missing momentum of the file. With ``unsmeared_jets: true``, smearing isn't propagated, so that the variation of
    the resolution doesn't change it, either, see :func:`without_smearing`.

    The variations ``{MET}_unclusteredUp`` and ``Down`` add NanoAOD's shift of the unclustered energy.
    """

    name = "met_calibration"
    has_variations = True
    correlated = False

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True) -> None:
        super().__init__(params, metadata, do_variations)
        place = ("met_calibration", self.year)
        self._met, self._raw, jets, soft = (
            parameter(params, *place, f"{name}_collection") for name in ("MET", "RawMET", "Jet", "CorrT1METJet")
        )
        self._jets = (jets,) if soft is None else (jets, soft)
        leptons = parameter(params, *place).get("leptons", None) or ()
        self._leptons = (leptons,) if isinstance(leptons, str) else tuple(leptons)
        self._applied = bool(parameter(params, *place, "apply_MC" if self.isMC else "apply_data"))
        self._unsmeared = bool(parameter(params, *place).get("unsmeared_jets", False))
        self.inputs = (self._raw, *self._jets, *self._leptons)
        self._variations = ()
        if self._applied or self._leptons:
            self.calibrated_collections = (f"{self._met}.pt", f"{self._met}.phi")
        if self._applied and self.isMC:
            self._variations = tuple(f"{self._met}_unclustered{side}" for side in DIRECTIONS)

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return pt and phi of the missing momentum.

        Raises:
            ConfigError: if the jets haven't been calibrated, or a calibrator replaces a whole collection of leptons.
            UnknownNameError: if there is no collection of leptons with a name.
            MissingBranchError: if NanoAOD has no shift of the unclustered energy.
        """
        if not (self._applied or self._leptons):
            return {}
        x, y = _components(collection(events, self._raw if self._applied else self._met))
        changes = []
        for name in self._jets if self._applied else ():
            jets = collection(events, name)
            changes.append(type1_change(without_smearing(jets, variation) if self._unsmeared else jets, name))
        place = f"met_calibration.{self.year}.leptons"
        check_known("collection", self._leptons, events.fields, place)
        for name in self._leptons:
            if name in original:
                raise ConfigError(
                    f"{place} has {name!r}, but a calibrator returns all of {name!r} instead of '{name}.pt', so the "
                    "missing momentum can't follow"
                )
            if f"{name}.pt" in original:
                changes.append(lepton_change(collection(events, name), original[f"{name}.pt"], name))
        for change_x, change_y in changes:
            x, y = x - change_x, y - change_y
        if variation in self.variations:
            shift_x, shift_y = unclustered_shift(collection(events, self._met), self._met, variation.endswith("Up"))
            x, y = x + shift_x, y + shift_y
        return {
            f"{self._met}.pt": np.hypot(x, y).astype(np.float32),
            f"{self._met}.phi": np.arctan2(y, x).astype(np.float32),
        }


def type1_change(jets: ak.Array, name: str) -> tuple[Floats, Floats]:
    """Return x and y of the change of the sum of jet momenta by their calibration in GeV, shape (n events,) each.

    Jets are used if their pt without muons is above 15 GeV after the energy scale (without smearing and shift, so that
    the same jets are used in all variations), and less than 90% of their energy is electromagnetic. The scale is
    applied to the jet without muons, smearing and shifts to the whole jet, as in CMSJMECalculators and nanoAOD-tools
    (jetmetUncertainties).
    """
    if "pt_l1" not in jets.fields:
        raise ConfigError(
            f"met_calibration needs calibrated {name!r}: JetsCalibrator must come before METCalibrator, and "
            f"jets_calibration.collection and apply_jec_MC or apply_jec_Data of the parameters must include it"
        )
    muon_share = _stored(jets, "muonSubtrFactor")
    muons = flat(jets["pt_raw"]) * muon_share
    pt_jec = flat(jets["pt_jec"])
    others, others_l1 = pt_jec * (1 - muon_share), flat(jets["pt_l1"]) * (1 - muon_share)
    em_fraction = _stored(jets, "EmEF") + _stored(jets, "chEmEF") + _stored(jets, "neEmEF")
    counted = (others > JET_PT_MIN) & (em_fraction < EM_FRACTION_MAX)
    # Jets that a regression wasn't made for have no pt, and aren't counted.
    scaled = (others + muons) * flat(jets["pt"]) / np.where(counted, pt_jec, 1)
    change = np.where(counted, scaled - (others_l1 + muons), 0)
    return _sums(change, flat(jets["phi"]) + _stored(jets, "muonSubtrDeltaPhi"), jets)


def without_smearing(jets: ak.Array, variation: str) -> ak.Array:
    """Return jets with the pt that they would have without smearing; the variation of the resolution has no effect."""
    if "smearing" not in jets.fields:
        return jets
    is_resolution = variation.removesuffix("Up").removesuffix("Down").endswith("_JER")
    return ak.with_field(jets, jets["pt_jec"] if is_resolution else jets["pt"] / jets["smearing"], "pt")


def lepton_change(leptons: ak.Array, before: ak.Array, name: str) -> tuple[Floats, Floats]:
    """Return x and y of the change of the sum of lepton momenta by their calibration in GeV, shape (n events,) each.

    Leptons that are no particle-flow candidates aren't in the missing momentum; all count if the file doesn't say.

    Examples:
        >>> muons = ak.Array([[{"pt": 30.0, "phi": 0.0}, {"pt": 20.0, "phi": np.pi / 2}], []])
        >>> x, y = lepton_change(muons, ak.Array([[29.0, 20.5], []]), "Muon")
        >>> x.round(6).tolist(), y.round(6).tolist()
        ([1.0, 0.0], [-0.5, 0.0])
    """
    change = flat(branch(leptons, "pt", name)) - flat(before)
    if "isPFcand" in leptons.fields:
        change = np.where(np.asarray(ak.flatten(leptons["isPFcand"])), change, 0)
    return _sums(change, flat(branch(leptons, "phi", name)), leptons)


def unclustered_shift(met: ak.Array, name: str, up: bool) -> tuple[Floats, Floats]:
    """Return x and y in GeV, shape (n events,), of NanoAOD's shift of missing momentum for the unclustered energy."""
    side = "Up" if up else "Down"
    if f"ptUnclustered{side}" in met.fields:
        x, y = _components(met)
        shifted_x, shifted_y = _components(met, f"Unclustered{side}")
        return shifted_x - x, shifted_y - y
    if "MetUnclustEnUpDeltaX" not in met.fields:
        raise MissingBranchError(f"{name} has neither ptUnclustered{side} nor MetUnclustEnUpDeltaX")
    sign = 1 if up else -1
    return sign * _numbers(met["MetUnclustEnUpDeltaX"]), sign * _numbers(branch(met, "MetUnclustEnUpDeltaY", name))


def _components(met: ak.Array, suffix: str = "") -> tuple[Floats, Floats]:
    pt, phi = _numbers(met[f"pt{suffix}"]), _numbers(met[f"phi{suffix}"])
    return pt * np.cos(phi), pt * np.sin(phi)


def _numbers(values: ak.Array) -> Floats:
    return np.asarray(values, dtype=np.float64)


def _sums(pt: Floats, phi: Floats, objects: ak.Array) -> tuple[Floats, Floats]:
    """Return the sums of x and y over the objects of each event."""
    x, y = (ak.unflatten(pt * part, ak.num(objects)) for part in (np.cos(phi), np.sin(phi)))
    return _numbers(ak.sum(x, axis=1)), _numbers(ak.sum(y, axis=1))


def _stored(jets: ak.Array, field: str) -> Floats | float:
    """Return a field, 0 if it isn't stored."""
    return flat(jets[field]) if field in jets.fields else 0.0
