"""Scale and resolution of the soft-drop mass of large jets, and their uncertainties."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import branch, collection
from pocket.base.arrays.jagged import by_descending, starts_of
from pocket.base.typing import Floats, Indices
from pocket.calibrators.base import Calibrator
from pocket.calibrators.jet_corrections import DIRECTIONS, JetCorrections
from pocket.calibrators.smearing import angular_distance, flat, linked_positions, normal_numbers, smear_factor
from pocket.corrections.evaluation import evaluate, kind_input, kinds
from pocket.errors import ConfigError, check_known
from pocket.objects.nanoaod import rho
from pocket.parameters.access import parameter

#: Names of the variations of scale and resolution, and their keys in the parameters.
_VARIED = {"JMS": "scale", "JMR": "resolution"}
#: Keys of ``softdrop_mass.<year>``.
_KEYS = ("collection", "subjets", "relative_resolution", *_VARIED.values())
#: Names that files have for the nominal value.
_NOMINAL = ("nom", "nominal")
#: Distances in (eta, phi) of a jet from its generated jet, and of that from its subjets.
_MAX_DISTANCE, _RADIUS = 0.4, 0.8
#: Number of the subjets whose mass counts.
_PRONGS = 2
#: Area of a subjet, which only the correction of pileup would use.
_AREA = 0.5


class SoftdropMassCalibrator(Calibrator):
    """Calibrator of the soft-drop mass: energy scale of the subjets, and mass scale and resolution in simulation.

    ``softdrop_mass.<year>`` of the parameters has

    - ``collection``: the jets, by default ``FatJet``;
    - ``subjets``: a type of jet, such as ``AK4PFPuppi``, with whose energy scale the subjets are corrected before
      their masses are added up (:func:`mass_of_subjets`); without it the mass of the file
      is used;
    - ``scale`` and ``resolution``: ``nominal``, ``up`` and ``down``, or ``file`` and ``name`` of a correction of eta,
      pt and the variation, such as ``JMS`` and ``JMR`` of JetMET's jmar.json.gz; either may be left out;
    - ``relative_resolution``: resolution of the mass in simulation, by default 0.1.

    Simulation is smeared by :func:`~pocket.calibrators.smearing.smear_factor`, with the mass instead of pt: the mass of
    the generated jet is that of its two leading subjets (``SubGenJetAK8``), and jets without one get a random number,
    which depends on ``jets_calibration.smearing_seed``, the event, eta and phi alone. Then the mass is multiplied by
    the scale. The method is that of https://twiki.cern.ch/twiki/bin/view/CMS/JetWtagging, as in nanoAOD-tools
    (fatJetUncertainties), except that the random factor has its mean at 1 here.

    The variations are ``{collection}_JMSUp`` and ``Down``, and ``{collection}_JMRUp`` and ``Down``. Shifts of the
    energy scale of jets don't change the mass.
    """

    name = "softdrop_mass"
    has_variations = True

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True) -> None:
        super().__init__(params, metadata, do_variations)
        place = ("softdrop_mass", self.year)
        table = parameter(params, *place)
        check_known("key", table, _KEYS, ".".join(place))
        self._jets = str(table.get("collection") or "FatJet")
        self._relative = float(table.get("relative_resolution") or 0.1)
        subjets = table.get("subjets")
        self._energy = (
            replace(JetCorrections.from_params(params, str(subjets), metadata), resolution=None) if subjets else None
        )
        #: Variation → factor, or (file, name) of its correction.
        self._factors = {kind: _factor(table[key], (*place, key)) for kind, key in _VARIED.items() if table.get(key)}
        if self._energy is None and not self._factors:
            raise ConfigError(f"{'.'.join(place)} has no subjets, no scale and no resolution: give at least one")
        changes = self._energy is not None or self.isMC
        self.calibrated_collections = (f"{self._jets}.msoftdrop",) if changes else ()
        self.inputs = (self._jets, "SubJet", "GenJetAK8", "SubGenJetAK8")
        kinds_varied = self._factors if self.isMC else ()
        self._variations = tuple(f"{self._jets}_{kind}{side}" for kind in kinds_varied for side in DIRECTIONS)

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return (file, name) of the corrections of the subjets, and of scale and resolution."""
        of_files = [factor for factor in self._factors.values() if isinstance(factor, tuple)]
        return [*(self._energy.corrections() if self._energy else ()), *of_files]

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return the soft-drop mass in GeV.

        Raises:
            MissingBranchError: if the jets have no soft-drop mass.
        """
        if not self.calibrated_collections:
            return {}
        jets = collection(events, self._jets)
        mass = branch(jets, "msoftdrop", self._jets)
        if self._energy is not None:
            mass = mass_of_subjets(events, jets, self._energy)
        mass, counts = flat(mass), np.asarray(ak.num(jets))
        if self.isMC:
            shifts = {f"{self._jets}_{kind}{side}": (kind, to) for kind in _VARIED for side, to in DIRECTIONS.items()}
            shifted, direction = shifts.get(variation, ("", ""))
            smearing, scale = (
                self._value(kind, jets, direction if kind == shifted else "nominal") for kind in ("JMR", "JMS")
            )
            if smearing is not None:
                mass = mass * self._smear(events, jets, mass, smearing)
            if scale is not None:
                mass = np.where(mass > 0, mass * scale, mass)
        return {f"{self._jets}.msoftdrop": ak.unflatten(mass.astype(np.float32), counts)}

    def _value(self, kind: str, jets: ak.Array, direction: str) -> Floats | None:
        """Return the factor of each jet, ``None`` if the parameters have none."""
        factor = self._factors.get(kind)
        if factor is None:
            return None
        if not isinstance(factor, tuple):
            return np.full(int(ak.sum(ak.num(jets))), float(factor[direction]))
        if direction == "nominal":
            known = kinds(*factor)
            direction = next((name for name in _NOMINAL if name in known), direction)
        return evaluate(*factor, {"eta": flat(jets["eta"]), "pt": flat(jets["pt"]), **kind_input(direction)})

    def _smear(self, events: Any, jets: ak.Array, mass: Floats, ratio: Floats) -> Floats:
        # The seed differs from the one of the energy, so that the two random numbers are independent.
        seed = -1 - int(parameter(self.params, "jets_calibration", "smearing_seed"))
        normal = normal_numbers(seed, events, jets)
        has_mass = mass > 0
        factor = smear_factor(
            np.where(has_mass, mass, 1.0),
            generated_mass(events, jets),
            np.full_like(mass, self._relative),
            ratio,
            normal,
        )
        return np.where(has_mass, factor, 1.0)


def _factor(table: Any, place: tuple[str, ...]) -> Mapping[str, float] | tuple[str, str]:
    where = ".".join(place)
    if "file" in table or "name" in table:
        check_known("key", table, ("file", "name"), where)
        return str(parameter(table, "file")), str(parameter(table, "name"))
    wanted = ("nominal", "up", "down")
    check_known("key", table, wanted, where)
    if missing := [key for key in wanted if key not in table]:
        raise ConfigError(f"{where} has no {' and no '.join(missing)}: give nominal, up and down, or file and name")
    return {key: float(table[key]) for key in wanted}


def generated_mass(events: Any, jets: ak.Array) -> Floats:
    """Return the mass in GeV of the two leading subjets of the generated jet of each jet, shape (n jets,).

    The generated jet is the linked one, if it is closer than 0.4 in (eta, phi); its subjets are those closer than 0.8
    to it. Without such a jet, or two subjets, it is 0.
    """
    counts = np.asarray(ak.num(jets))
    if not {"GenJetAK8", "SubGenJetAK8"} <= {*events.fields} or "genJetAK8Idx" not in jets.fields:
        return np.zeros(counts.sum())
    gen_jets, subjets = events["GenJetAK8"], by_descending(events["SubGenJetAK8"], "pt")
    n_sub = np.asarray(ak.num(subjets))
    event = np.repeat(np.arange(len(counts)), counts)
    has_link, position = linked_positions(jets["genJetAK8Idx"], gen_jets)
    linked = np.flatnonzero(has_link)
    eta, phi = (flat(gen_jets[name])[position] for name in ("eta", "phi"))
    close = angular_distance(eta - flat(jets["eta"])[linked], phi - flat(jets["phi"])[linked]) < _MAX_DISTANCE
    linked, eta, phi = linked[close], eta[close], phi[close]
    # All pairs of a generated jet and a subjet of its event, the leading subjet first.
    per_jet = n_sub[event[linked]]
    jet = np.repeat(np.arange(len(linked)), per_jet)
    subjet = np.repeat(starts_of(n_sub)[event[linked]] - starts_of(per_jet), per_jet) + np.arange(len(jet))
    sub_pt, sub_eta, sub_phi, sub_mass = (flat(subjets[name])[subjet] for name in ("pt", "eta", "phi", "mass"))
    own = angular_distance(eta[jet] - sub_eta, phi[jet] - sub_phi) < _RADIUS
    found = np.cumsum(own)
    rank: Indices = found - np.repeat((found - own)[starts_of(per_jet)[per_jet > 0]], per_jet[per_jet > 0])
    leading = own & (rank <= _PRONGS)
    x, y, z = sub_pt * np.cos(sub_phi), sub_pt * np.sin(sub_phi), sub_pt * np.sinh(sub_eta)
    energy = np.sqrt(x**2 + y**2 + z**2 + sub_mass**2)
    number, *sums = (
        np.bincount(jet[leading], values[leading], len(linked)) for values in (np.ones_like(x), energy, x, y, z)
    )
    squared = sums[0] ** 2 - sum(one**2 for one in sums[1:])
    mass = np.zeros(counts.sum())
    mass[linked] = np.where(number == _PRONGS, np.sqrt(np.maximum(squared, 0)), 0)
    return mass


def mass_of_subjets(events: Any, jets: ak.Array, energy: JetCorrections) -> ak.Array:
    """Return the mass in GeV of the sum of the corrected subjets of each jet, that of the file without them.

    JetMET gives no corrections of subjets; those of AK4 jets are the usual approximation, see
    https://twiki.cern.ch/twiki/bin/view/CMS/JetWtagging.
    """
    subjets = jets.subjets
    subjets = subjets[~ak.is_none(subjets, axis=2)]
    mass = _mass_of_sum(events, subjets, energy)
    is_corrected = (ak.num(subjets, axis=2) > 0) & (jets.msoftdrop > 0) & (mass > 0)
    return ak.where(is_corrected, mass, jets.msoftdrop)


def _mass_of_sum(events: Any, subjets: Any, energy: JetCorrections) -> ak.Array:
    """Return the mass of the sum of the corrected subjets of each jet, 0 without subjets."""
    per_event, per_jet = ak.num(subjets, axis=1), ak.num(subjets, axis=2)
    pt, eta, phi, mass, factor = (
        np.asarray(ak.flatten(subjets[name], axis=None), dtype=np.float64)
        for name in ("pt", "eta", "phi", "mass", "rawFactor")
    )
    of_event = np.asarray(ak.sum(per_jet, axis=1))
    inputs = {
        "JetEta": eta,
        "JetPhi": phi,
        "JetA": np.full_like(pt, _AREA),
        "Rho": np.repeat(np.asarray(rho(events), dtype=np.float64), of_event),
        "run": np.repeat(np.asarray(events["run"], dtype=np.float64), of_event),
    }
    raw = 1 - factor
    scale = raw * energy.scale_factor(inputs, pt * raw)
    pt, mass = pt * scale, mass * scale
    components = pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)
    total_energy = np.sqrt(sum(one**2 for one in components) + mass**2)

    def total(values: Floats) -> ak.Array:
        of_jets = ak.unflatten(values, ak.flatten(per_jet))
        return ak.unflatten(ak.sum(of_jets, axis=1), per_event)

    squared = total(total_energy) ** 2 - sum(total(one) ** 2 for one in components)
    return np.sqrt(ak.where(squared > 0, squared, 0.0))
