"""PocketCoffea's calibrators of the momenta of muons, with its numbers and names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import branch, collection
from pocket.base.typing import Floats
from pocket.calibrators import muon_momenta as ours
from pocket.calibrators.base import Calibrator
from pocket.calibrators.muon_scale_resolution import OF_DATA, OF_SIMULATION
from pocket.calibrators.rochester import RochesterCorrections, RochesterMuons
from pocket.calibrators.smearing import flat, uniform_numbers
from pocket.compat.muon_scale_resolution import pt_resol, pt_resol_var, pt_scale, pt_scale_var
from pocket.compat.objects import load_correction_set
from pocket.parameters.access import parameter

_PLACE = ("lepton_scale_factors", "muon_sf")
#: Seed of the random numbers, where the parameters have none.
_SEED = 1


class _MuonCalibrator(Calibrator):
    """Base class of the two calibrators, which keep the pt of the file as ``pt_original``.

    They are ``enabled`` if the parameters ask for them in the dataset's year.
    """

    has_variations = True
    _section: str
    _stem: tuple[str, ...]

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True, **kwargs: Any) -> None:
        super().__init__(params, metadata, do_variations)
        section = params
        # Parameters of older releases don't have it.
        for key in (*_PLACE, self._section):
            section = section.get(key, {})
        self._parameters = section
        self.enabled = bool(section.get("apply", {}).get(self.year, False))
        varied = self._stem if self.enabled and self.isMC else ()
        self._variations = [f"{stem}{side}" for stem in varied for side in ("Up", "Down")]
        self.calibrated_collections = self._outputs() if self.enabled else ()

    def _outputs(self) -> tuple[str, ...]:
        return ("Muon.pt", "Muon.pt_original")

    @property
    def variations(self) -> list[str]:  # type: ignore[override]
        return list(self._variations or ())

    def _result(self, pt: Any) -> dict[str, Any]:
        return {"Muon.pt": pt, "Muon.pt_original": self.muons["pt_original"]}

    def initialize(self, events: Any) -> None:
        """Compute the momenta of a chunk; those of variations are computed when they are used."""
        if not self.enabled:
            return
        muons = collection(events, "Muon")
        self.muons = ak.with_field(muons, branch(muons, "pt", "Muon"), "pt_original")
        self._momenta: dict[str, Any] = {}
        self._prepare(events)

    def _prepare(self, events: Any) -> None:
        raise NotImplementedError

    def _pt(self, variation: str) -> Any:
        raise NotImplementedError

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return pt in double precision, and what belongs to it; nothing where the parameters don't ask for it."""
        if not self.enabled:
            return {}
        which = variation if variation in self.variations else "nominal"
        if which not in self._momenta:
            self._momenta[which] = self._result(self._pt(which))
        return dict(self._momenta[which])


class MuonsCalibrator(_MuonCalibrator):
    """Calibrator of the scale and resolution of muons in Run 3.

    The parameters are those of :class:`pocket.calibrators.MuonsScaleResolutionCalibrator`, without ``variations``:
    varied are the statistical uncertainties.
    """

    name = "muons_scale_and_resolution"
    inputs = ()
    _section, _stem = "scale_and_resolution", ("muon_scale", "muon_smear")

    def _outputs(self) -> tuple[str, ...]:
        return (*super()._outputs(), "Muon.energyErr")

    def _result(self, pt: Any) -> dict[str, Any]:
        return {**super()._result(pt), "Muon.energyErr": self.muons["energyErr"]}

    @property
    def _file(self) -> str:
        return str(parameter(self.params, *_PLACE, self._section, "correctionlib_config", self.year, "file"))

    def corrections(self) -> Sequence[tuple[str, str]]:
        return [(self._file, name) for name in (OF_SIMULATION if self.isMC else OF_DATA)] if self.enabled else ()

    def _prepare(self, events: Any) -> None:
        muons = self.muons
        self.muons = ak.with_field(muons, ak.zeros_like(muons["pt"]), "energyErr")
        self._cset = load_correction_set(self._file)
        place = (muons["eta"], muons["phi"], muons["charge"])
        self._scaled = self._corrected = pt_scale(not self.isMC, muons["pt"], *place, self._cset, nested=True)
        if self.isMC:
            seeds = (events["event"], events["luminosityBlock"])
            self._corrected = pt_resol(
                self._scaled, *place[:2], muons["nTrackerLayers"], *seeds, self._cset, nested=True
            )

    def _pt(self, variation: str) -> Any:
        muons, side = self.muons, "up" if variation.endswith("Up") else "dn"
        if variation == "nominal":
            return self._corrected
        if variation.startswith("muon_smear"):
            return pt_resol_var(self._scaled, self._corrected, muons["eta"], side, self._cset, nested=True)
        return pt_scale_var(self._corrected, muons["eta"], muons["phi"], muons["charge"], side, self._cset, nested=True)

    @property
    def smeared_pt(self) -> dict[str, dict[str, Any]]:
        """The smeared pt, nominal, up and down, and its error."""
        return self._sides("muon_smear", self._corrected)

    @property
    def scaled_pt(self) -> dict[str, dict[str, Any]]:
        """The pt with the scale corrected, and its variations after the smearing."""
        return self._sides("muon_scale", self._scaled)

    def _sides(self, stem: str, nominal: Any) -> dict[str, dict[str, Any]]:
        up, down = (self._pt(f"{stem}{side}") if self.isMC else self._scaled for side in ("Up", "Down"))
        sides = {"nominal": nominal, "up": up, "down": down}
        return {"pt": sides, "energyErr": dict.fromkeys(sides, self.muons["energyErr"])}


class UpstreamRochester(RochesterCorrections):
    """Rochester corrections as PocketCoffea's compiled copy of RoccoR has them: with an approximate error function."""

    pi = math.pi

    @staticmethod
    def inverse_erf(x: Floats) -> Floats:
        """Return Winitzki's approximation of the inverse of the error function.

        Source: https://sites.google.com/site/winitzki/sergei-winitzkis-files (A handy approximation for the error
        function and its inverse), with its constant 0.147.
        """
        logarithm = np.log(1 - x * x)
        half = 2 / (math.pi * 0.147) + logarithm / 2
        return np.copysign(np.sqrt(np.sqrt(half * half - logarithm / 0.147) - half), x)


class RoccoR:
    """Rochester corrections of a text file, under PocketCoffea's name, with its numbers, and without its program."""

    def __init__(self, txt_file: str, so_path: str = "./RoccoR.so") -> None:
        self._corrections = UpstreamRochester.from_file(str(txt_file))

    def _muons(self, *columns: Any) -> RochesterMuons:
        return self._corrections.muons(*(np.asarray(column, dtype=np.float64) for column in columns))

    def kScaleDT(self, charge: Any, pt: Any, eta: Any, phi: Any, s: int = 0, m: int = 0) -> Floats:
        """Return the factor on pt in data, for an error set and a member of it."""
        return self._muons(charge, pt, eta, phi).of_data(s, m)

    def kSpreadMC(self, charge: Any, pt: Any, eta: Any, phi: Any, gen_pt: Any, s: int = 0, m: int = 0) -> Floats:
        """Return the factor on pt in simulation with generated muons."""
        return self._muons(charge, pt, eta, phi).spread(np.asarray(gen_pt, dtype=np.float64), s, m)

    def kSmearMC(
        self, charge: Any, pt: Any, eta: Any, phi: Any, n_tracker_layers: Any, u_random: Any, s: int = 0, m: int = 0
    ) -> Floats:
        """Return the factor on pt in simulation without generated muons."""
        layers, uniform = np.asarray(n_tracker_layers, dtype=np.int64), np.asarray(u_random, dtype=np.float64)
        return self._muons(charge, pt, eta, phi).smear(layers, uniform, s, m)


class MuonsRochesterCalibrator(_MuonCalibrator):
    """Calibrator of muons in Run 2 with the Rochester corrections.

    As in PocketCoffea, ``muon_roccorUp`` and ``Down`` are the first two statistical replicas;
    :class:`pocket.calibrators.MuonsRochesterCalibrator` has the uncertainties that the muon group recommends. The
    random numbers of muons without a generated one don't depend on chunks, as they do in PocketCoffea.
    """

    name = "muons_rochester"
    inputs = ("GenPart",)
    _section, _stem = "rochester", ("muon_roccor",)
    _MEMBERS = {"nominal": (0, 0), "muon_roccorUp": (1, 0), "muon_roccorDown": (1, 1)}  # noqa: RUF012

    def _prepare(self, events: Any) -> None:
        columns = [flat(branch(self.muons, name, "Muon")) for name in ("charge", "pt", "eta", "phi")]
        file = str(parameter(self.params, *_PLACE, self._section, "txt_file", self.year))
        self._of_muons, self._flat_pt = UpstreamRochester.from_file(file).muons(*columns), columns[1]
        if self.isMC:
            self._gen_pt = ours.generated_pt(events, self.muons)
            self._layers = flat(branch(self.muons, "nTrackerLayers", "Muon")).astype(np.int64)
            self._uniform = uniform_numbers(int(self._parameters.get("smearing_seed", _SEED)), events, self.muons)

    def _pt(self, variation: str) -> Any:
        member = self._MEMBERS[variation]
        if not self.isMC:
            factor = self._of_muons.of_data(*member)
        else:
            matched = self._gen_pt > 0
            spread = self._of_muons.spread(np.where(matched, self._gen_pt, self._flat_pt), *member)
            factor = np.where(matched, spread, self._of_muons.smear(self._layers, self._uniform, *member))
        return ak.unflatten(self._flat_pt * factor, ak.num(self.muons))
