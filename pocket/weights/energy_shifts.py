"""Keys of tagging corrections that belong to variations of the jets' energy.

The tagging groups publish scale factors for jets whose energy is shifted. They are no uncertainties of their own: they
are the scale factors to use inside the variation of the energy. Sources of the energy scale have the names of JME
(:class:`pocket.calibrators.JetsCalibrator`), with ``Regrouped_`` for those of the reduced set.

Source of the reduced set: https://twiki.cern.ch/twiki/bin/view/CMS/JECUncertaintySources.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

_SHIFT = re.compile(r"(?:(?P<jets>.+)_)?(?:JES_(?P<source>.+)|JER)(?P<side>Up|Down)")
_YEAR = re.compile(r"_20\d\d\w*")
_REDUCED = "Regrouped_"
#: Sources of the reduced set, without the year, that are one of the full set alone → its name there.
ALONE: Mapping[str, str] = {"EC2": "PileUpPtEC2", "HF_": "RelativeStatHF", "RelativeSample_": "RelativeSample"}


@dataclass(frozen=True)
class EnergyShift:
    """Shift of the jets' energy by a source of the scale (``"Absolute_2018"``), ``""`` for the resolution."""

    source: str
    side: str

    def key(self, known: Container[Any], total: str = "jes") -> str | None:
        """Return the key of a correction for this shift, such as ``"up_jesFlavorQCD"``; ``None`` if it has none.

        For a source of the reduced set that is one source of the full set alone, it may be the key of the latter.
        """
        if not self.source:
            names = ["jer"]
        elif self.source == "Total":
            names = [total]
        else:
            # The year is part of the names of those sources alone that are uncorrelated between years.
            without_year = _YEAR.sub("_", self.source)
            names = [f"jes{name}" for name in (self.source, ALONE.get(without_year)) if name]
        return next((key for name in names if (key := f"{self.side}_{name}") in known), None)


def energy_shift(shape_variation: str, params: Any, year: str) -> EnergyShift | None:
    """Return the shift of AK4 jets that a shape variation is, ``None`` for any other one, also for AK8 jets alone."""
    match = _SHIFT.fullmatch(shape_variation)
    if match is None:
        return None
    jets = match["jets"] or ""
    merged = params.get("jets_calibration", {}).get("merge_collections_for_variations", {}).get(year, {})
    if all(jet_type.startswith("AK8") for jet_type in merged.get(jets, [jets])):
        return None
    source = match["source"] or ""
    return EnergyShift(source.removeprefix(_REDUCED), match["side"].lower())
