"""PocketCoffea's recipe of the energies of jets, to the last digit.

The corrections are the same as ours. What differs is the smearing: PocketCoffea takes the random numbers of JME's
``JERSmear``, which depend on the calibrated pt, and asks only for the pt of a generated jet, not for its distance.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np

from pocket.base.arrays.fields import collection
from pocket.base.typing import Floats
from pocket.calibrators import jets as ours
from pocket.calibrators.jet_corrections import JetCorrections
from pocket.calibrators.jet_regression import check_regression, with_regression
from pocket.calibrators.smearing import MAX_DEVIATION, flat, hash_generator
from pocket.objects.nanoaod import rho


class JetsCalibrator(ours.JetsCalibrator):
    """Calibrator of jets with PocketCoffea's smearing."""

    name = "jet_calibration"

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True, **kwargs: Any) -> None:
        super().__init__(params, metadata, do_variations)
        #: Collection → type of jet with whose regression its energy is.
        self._regressed = {
            name: jet_type
            for jet_type, like, names in self.corrected_types()
            if self.is_regressed(like)
            for name in names
        }
        for jet_type in self._regressed.values():
            check_regression(jet_type)

    def kinds(self, corrections: JetCorrections, requested: Sequence[str]) -> Sequence[str]:
        """Return the requested variations without the resolution of jets that aren't smeared."""
        return [kind for kind in requested if kind != ours.JER or corrections.resolution is not None]

    def is_regressed(self, like: str) -> bool:
        """Tell whether the parameters ask for the regression of a type of jet."""
        switch = self._of_year("apply_pt_regr_MC" if self.isMC else "apply_pt_regr_Data")
        return bool(switch.get(like, False))

    def compute(self, events: Any) -> dict[str, ours.JetEnergies]:
        return super().compute(with_regression(events, self._regressed))

    @property
    def jetcoll_to_alias(self) -> dict[str, str]:
        """Collection → type of jet whose parameters it is calibrated with."""
        return {name: corrections.jet_type for name, corrections in self._corrections.items()}

    def energies_class(self) -> type[ours.JetEnergies]:
        return JetEnergies


class JetEnergies(ours.JetEnergies):
    """Energies of one collection in one chunk, see :class:`pocket.calibrators.jets.JetEnergies`."""

    raw = staticmethod(ours.NodeEnergies.raw)

    def gen_pt(self, events: Any, jets: ak.Array, pt: Floats, resolution: Floats) -> Floats:
        """Return the pt in GeV of the generated jet of each jet, -1 if it doesn't match; 0 stands for no jet at all."""
        linked = np.zeros_like(pt)
        link = next((field for field in ours.GEN_JETS if field in jets.fields), None)
        if link is not None:
            gen = collection(events, ours.GEN_JETS[link])["pt"]
            position = jets[link]
            exists = (position >= 0) & (position < ak.num(gen))
            found = gen[ak.mask(position, exists)]
            linked = np.asarray(ak.flatten(ak.fill_none(found, 0.0)), dtype=np.float64)
        return np.where(np.abs(pt - linked) < MAX_DEVIATION * pt * resolution, linked, -1.0)

    def random_numbers(self, seed: int, events: Any, jets: ak.Array, pt: Floats) -> Floats:
        """Return a random number with mean 0 and width 1 for each jet, the one of ``JERSmear``."""
        counts = np.asarray(ak.num(jets))
        density, event = (
            np.repeat(np.asarray(column, dtype=np.float64), counts) for column in (rho(events), events["event"])
        )
        return np.asarray(_generator().evaluate(pt, flat(jets["eta"]), density, event))

    @staticmethod
    def smear_factor(pt: Floats, gen_pt: Floats, resolution: Floats, scale_factor: Floats, normal: Floats) -> Floats:
        """Return the factor on each jet's momentum."""
        # The regression leaves jets without pt, which match nothing.
        relative = np.divide(pt - gen_pt, pt, out=np.zeros_like(pt), where=pt != 0)
        scaled = 1 + (scale_factor - 1) * relative
        random = 1 + np.sqrt(np.maximum(scale_factor**2 - 1, 0)) * resolution * normal
        return np.where(gen_pt >= 0, scaled, random)


@functools.cache
def _generator() -> Any:
    return hash_generator({"JetPt": "real", "JetEta": "real", "Rho": "real", "EventID": "int"}, "normal")
