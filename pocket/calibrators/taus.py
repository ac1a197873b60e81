"""Energy scale of hadronic taus."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.arrays.fields import branch, collection
from pocket.base.typing import Floats
from pocket.calibrators.base import Calibrator
from pocket.calibrators.jet_corrections import DIRECTIONS
from pocket.calibrators.smearing import as_stored, flat
from pocket.corrections.bin_cache import Inputs
from pocket.corrections.evaluation import evaluate, kind_input
from pocket.errors import ConfigError
from pocket.objects.taus import of_year
from pocket.parameters.access import parameter

#: Name of the correction in the group's files.
CORRECTION = "tau_energy_scale"
#: Generated particle → its values of NanoAOD's ``genPartFlav``.
GENERATED: Mapping[str, tuple[int, ...]] = {"tau": (5,), "e": (1, 3), "mu": (2, 4)}
_PART = re.compile(r"(?P<particle>tau|e|mu)(?:_dm(?P<mode>\d+))?")


class TauEnergyScaleCalibrator(Calibrator):
    """Calibrator that scales pt and mass of taus in simulation, and varies the scale.

    The scale is the correction ``tau_energy_scale`` of ``tau_scale_factors.JSONfiles.<year>.file``, by decay mode and
    generated particle (NanoAOD's ``genPartFlav``); tagger and working points are those of ``object_preselection.Tau``.
    Taus that match nothing, or whose decay mode isn't in ``object_preselection.Tau.decay_modes``, stay as they are. The
    missing momentum isn't changed.

    The variation is ``tau_energy_scaleUp`` and ``Down``. To split it, ``energy_scale_variations.<year>`` of
    ``tau_scale_factors`` lists generated particles and decay modes that vary alone, such as ``[tau_dm0, tau_dm1,
    tau_dm10, tau_dm11, e, mu]``, with variations ``tau_energy_scale_tau_dm0Up``, …. ``total`` is all of it. Source:
    TAU, tau.json.gz
    (https://cms-nanoaod-integration.web.cern.ch/commonJSONSFs/summaries/TAU_2018_UL_tau.html), and
    https://twiki.cern.ch/twiki/bin/view/CMS/TauIDRecommendationForRun2.

    Example:
        >>> from pocket.parameters.defaults import get_default_parameters
        >>> calibrator = TauEnergyScaleCalibrator(get_default_parameters(), {"year": "2018", "isMC": True})
        >>> calibrator.variations
        ('tau_energy_scaleUp', 'tau_energy_scaleDown')
    """

    name = "tau_energy_scale"
    has_variations = True
    isMC_only = True  # noqa: N815  PocketCoffea's spelling
    calibrated_collections = ("Tau.pt", "Tau.mass")
    inputs = ()

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True) -> None:
        super().__init__(params, metadata, do_variations)
        #: Variation → generated particle and decay mode that it changes, and its side.
        self._shifts: dict[str, tuple[str, str]] = {}
        place = ("tau_scale_factors", "energy_scale_variations")
        for part in parameter(params, *place, self.year):
            if part != "total" and not _PART.fullmatch(part):
                raise ConfigError(
                    f"{'.'.join((*place, self.year))}: {part!r} is neither total nor a generated particle, such as "
                    "tau, e, mu or tau_dm10"
                )
            stem = self.name if part == "total" else f"{self.name}_{part}"
            for side, direction in DIRECTIONS.items():
                self._shifts[f"{stem}{side}"] = (part, direction)
        self._variations = tuple(self._shifts)

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return file and name of the correction."""
        return [(str(parameter(self.params, "tau_scale_factors", "JSONfiles", self.year, "file")), CORRECTION)]

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return pt and mass of the taus in GeV."""
        taus = collection(events, "Tau")
        counts = ak.num(taus)
        columns = {name: flat(branch(taus, name, "Tau")) for name in ("pt", "eta", "mass")}
        mode, generated = (_integers(branch(taus, name, "Tau")) for name in ("decayMode", "genPartFlav"))
        modes = [int(each) for each in of_year(self.params, "Tau", "decay_modes", self.year)]
        covered = np.isin(mode, modes) & np.isin(
            generated, [value for values in GENERATED.values() for value in values]
        )
        texts = {"id": "tagger", "wp": "VSjet", "wpvse": "VSe"}
        inputs = Inputs(
            {
                **{axis: str(of_year(self.params, "Tau", key, self.year)) for axis, key in texts.items()},
                "pt": columns["pt"][covered],
                "eta": columns["eta"][covered],
                "dm": mode[covered],
                "genmatch": generated[covered],
            }
        )

        def scale(kind: str) -> Floats:
            scales = np.ones(len(covered))
            scales[covered] = evaluate(*self.corrections()[0], inputs.with_texts(kind_input(kind)))
            return scales

        scales = scale("nom")
        if variation in self._shifts:
            part, side = self._shifts[variation]
            scales = np.where(_is_part(part, generated, mode), scale(side), scales)
        return {f"Tau.{name}": as_stored(columns[name] * scales, counts) for name in ("pt", "mass")}


def _is_part(part: str, generated: npt.NDArray[Any], mode: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    match = _PART.fullmatch(part)
    if match is None:
        return np.ones(len(mode), dtype=bool)
    chosen = np.isin(generated, GENERATED[match["particle"]])
    return chosen if match["mode"] is None else chosen & (mode == int(match["mode"]))


def _integers(column: ak.Array) -> npt.NDArray[np.int64]:
    return np.asarray(ak.flatten(column), dtype=np.int64)
