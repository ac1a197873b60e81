"""Corrections of one type of jet, with the names and inputs of JME's correctionlib files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pocket.base.typing import Floats
from pocket.corrections.files import load_correction
from pocket.errors import ConfigError, check_known
from pocket.parameters.access import parameter

Inputs = Mapping[str, Any]

#: Suffix of the name of a variation → direction.
DIRECTIONS = {"Up": "up", "Down": "down"}
#: Last |η| of the uncertainties of the energy scale, beyond which the files have -999.
_LAST_ETA = float(np.nextafter(5.4, 0))


@dataclass(frozen=True)
class JetCorrections:
    """Energy scale and resolution of one type of jet in one period.

    Names and inputs are those of ``jet_jerc.json.gz`` and ``fatJet_jerc.json.gz`` of
    https://gitlab.cern.ch/cms-nanoAOD/jsonpog-integration (POG/JME): ``{scale}_{level}_{jet_type}``,
    ``{scale}_{source}_{jet_type}``, ``{resolution}_PtResolution_{jet_type}``, ``{resolution}_ScaleFactor_{jet_type}``.

    Args:
        jet_type: e.g. ``"AK4PFchs"``.
        scale: version of the energy scale, e.g. ``"Summer19UL18_V5_MC"``.
        resolution: version of the energy resolution, e.g. ``"Summer19UL18_JRV2_MC"``; ``None`` without smearing.
        uncertainties: (file, version of the energy scale in it) of the uncertainties of the scale; ``None`` if they are
            in ``path``.
        resolution_path: file of the resolution; ``None`` if it is in ``path``.
        matched_only: \\|η\\| between which jets without a generated jet aren't smeared; ``None`` for nowhere.
    """

    path: str
    jet_type: str
    scale: str
    levels: tuple[str, ...]
    resolution: str | None
    uncertainties: tuple[str, str] | None = None
    resolution_path: str | None = None
    matched_only: tuple[float, float] | None = None

    @classmethod
    def from_params(cls, params: Any, jet_type: str, metadata: Mapping[str, Any]) -> JetCorrections:
        """Return the corrections in the section ``jets_calibration`` of the parameters."""
        year = str(metadata["year"])
        place = ("jets_calibration", "jet_types", jet_type, year)
        is_mc = metadata["isMC"]
        smeared = is_mc and parameter(params, "jets_calibration", "apply_jer_MC", year, jet_type)
        table = parameter(params, *place)
        level = parameter(params, *place, "level")
        scale = str(parameter(params, *place, "jec_mc")) if is_mc else _of_era(params, place, metadata)
        further, of_resolution = (table.get(f"json_path_{name}") for name in ("uncertainties", "resolution"))
        if further is None and table.get("jec_uncertainties") is not None:
            raise ConfigError(
                f"{'.'.join(place)} has jec_uncertainties, but no json_path_uncertainties to find them in"
            )
        return cls(
            path=str(parameter(params, *place, "json_path")),
            jet_type=jet_type,
            scale=scale,
            levels=(level,) if isinstance(level, str) else tuple(level),
            resolution=str(parameter(params, *place, "jer")) if smeared else None,
            uncertainties=None if further is None else (str(further), str(table.get("jec_uncertainties") or scale)),
            resolution_path=None if of_resolution is None else str(of_resolution),
            matched_only=_limits(table.get("jer_matched_only"), place),
        )

    def corrections(self, sources: Iterable[str] = ()) -> list[tuple[str, str]]:
        """Return (file, name) of the corrections."""
        names = [(self.path, f"{self.scale}_{level}") for level in self.levels]
        file, scale = self._uncertainties
        names += [(file, f"{scale}_{source}") for source in sources]
        if self.resolution is not None:
            kinds = ("PtResolution", "ScaleFactor")
            names += [(self.resolution_path or self.path, f"{self.resolution}_{kind}") for kind in kinds]
        return [(file, f"{name}_{self.jet_type}") for file, name in names]

    @property
    def _uncertainties(self) -> tuple[str, str]:
        return self.uncertainties or (self.path, self.scale)

    def scale_factor(self, inputs: Inputs, raw_pt: Floats) -> Floats:
        """Return the factor from the raw to the calibrated momentum; each level uses the pt after the previous ones."""
        factor = np.ones_like(raw_pt)
        for level in self.levels:
            factor = factor * self._evaluate(f"{self.scale}_{level}", {**inputs, "JetPt": raw_pt * factor})
        return factor

    def pileup_factor(self, inputs: Inputs, raw_pt: Floats) -> Floats:
        """Return the factor of the first level, L1FastJet, which subtracts the energy from pileup."""
        return self._evaluate(f"{self.scale}_L1FastJet", {**inputs, "JetPt": raw_pt})

    def uncertainty(self, source: str, inputs: Inputs, pt: Floats) -> Floats:
        """Return the relative uncertainty of the energy scale from one source, e.g. ``"Total"``.

        Jets beyond \\|η\\| of 5.4 have that of the last bin.
        """
        file, scale = self._uncertainties
        eta = np.clip(inputs["JetEta"], -_LAST_ETA, _LAST_ETA)
        return self._evaluate(f"{scale}_{source}", {**inputs, "JetEta": eta, "JetPt": pt}, file)

    def relative_resolution(self, inputs: Inputs, pt: Floats) -> Floats:
        """Return the relative resolution of pt in simulation, 0 where the file's formula isn't defined.

        JetMET's parametrisation of AK8 jets of 2016 is the square root of a negative number for some jets below 17 GeV,
        which thus match no generated jet, and aren't smeared.
        """
        found = self._evaluate(f"{self.resolution}_PtResolution", {**inputs, "JetPt": pt}, self.resolution_path)
        return np.where(np.isnan(found), 0.0, found)

    def resolution_ratio(self, inputs: Inputs, pt: Floats, systematic: str) -> Floats:
        """Return the ratio of the resolutions in data and simulation, for ``"nom"``, ``"up"`` or ``"down"``."""
        name, file = f"{self.resolution}_ScaleFactor", self.resolution_path
        ratio = self._evaluate(name, {**inputs, "JetPt": pt, "systematic": systematic}, file)
        if systematic == "nom" or "systematic" in self._input_names(name, file):
            return ratio
        # Newer files have the relative uncertainty as a separate correction.
        uncertainty = self._evaluate(f"{self.resolution}_SFUncertainty", {**inputs, "JetPt": pt}, file)
        return ratio * (1 + uncertainty if systematic == "up" else 1 - uncertainty)

    def _input_names(self, name: str, file: str | None = None) -> list[str]:
        correction = load_correction(file or self.path, f"{name}_{self.jet_type}")
        return [variable.name for variable in correction.inputs]

    def _evaluate(self, name: str, inputs: Inputs, file: str | None = None) -> Floats:
        names = self._input_names(name, file)
        check_known("input", names, inputs, f"correction {name!r} for {self.jet_type}")
        path = file or self.path
        correction = load_correction(path, f"{name}_{self.jet_type}")
        try:
            return np.asarray(correction.evaluate(*(inputs[each] for each in names)), dtype=np.float64)
        # correctionlib raises these for a value or a string that the correction doesn't have.
        except (IndexError, RuntimeError) as error:
            place = f"correction {name!r} for {self.jet_type} in {Path(path).name}"
            raise ConfigError(f"{place}: {' '.join(str(error).split())}; inputs: {', '.join(names)}") from None


def _limits(region: Any, place: tuple[str, ...]) -> tuple[float, float] | None:
    if region is None:
        return None
    if isinstance(region, str | float | int) or len(region) != 2:
        raise ConfigError(f"{'.'.join(place)}.jer_matched_only is {region!r}, expected two limits on |η|")
    return float(region[0]), float(region[1])


def _of_era(params: Any, place: tuple[str, ...], metadata: Mapping[str, Any]) -> str:
    scale = parameter(params, *place, "jec_data")
    if isinstance(scale, str):
        return scale
    if "era" not in metadata:
        raise ConfigError(f"{'.'.join(place)}.jec_data depends on the era, but the metadata of the dataset have none")
    return str(parameter(params, *place, "jec_data", str(metadata["era"])))


def jet_collections(params: Any, year: str) -> dict[str, list[str]]:
    """Return type of jet → its collections in the parameters of a year."""
    table = parameter(params, "jets_calibration", "collection", year)
    if not isinstance(table, Mapping):
        raise ConfigError(f"jets_calibration.collection.{year} is {table!r}, expected a table of types of jets")
    return {
        jet_type: [names] if isinstance(names, str) else list(names)
        for jet_type, names in table.items()
        if names is not None
    }
