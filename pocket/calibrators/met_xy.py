"""Correction of the modulation of the missing transverse momentum in the azimuth (MET-xy)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pocket.base.arrays.fields import branch, collection
from pocket.base.typing import Floats
from pocket.calibrators.base import Calibrator
from pocket.corrections.evaluation import evaluate
from pocket.errors import ConfigError, check_known
from pocket.parameters.access import parameter

#: Name of the correction in files of Run 3.
_RUN_3 = "met_xy_corrections"
#: The two results of the corrections.
_RESULTS = ("pt", "phi")
#: The files hold for momenta below this one, in GeV.
_MAX_PT = 6500.0
#: More vertices count as this number in the linear shift, as in its source (:func:`shifted_momentum`).
_MOST_VERTICES = 100.0
#: Variation in files of Run 3 → how the input pt_phi ends, and the input variation.
_VARIATIONS = {
    "xy_pileupUp": ("", "pu_up"),
    "xy_pileupDown": ("", "pu_dn"),
    "xy_statxUp": ("_stat_xup", "nom"),
    "xy_statxDown": ("_stat_xdn", "nom"),
    "xy_statyUp": ("_stat_yup", "nom"),
    "xy_statyDown": ("_stat_ydn", "nom"),
}
#: Keys of ``met_xy_calibration.<year>``.
_KEYS = ("collection", "file", "algorithm", "epoch")


class METXYCalibrator(Calibrator):
    """Calibrator that removes the modulation of the missing momentum in the azimuth.

    It comes after :class:`~pocket.calibrators.METCalibrator`, whose variations it corrects, too.
    ``met_xy_calibration.<year>`` of the parameters has

    - ``collection``: the missing momentum, e.g. ``PuppiMET``;
    - ``file``: JetMET's file: of Run 2, met.json.gz, with corrections by the number of vertices and the run, or of
      Run 3, met_xyCorrections_….json.gz, by the number of good vertices. Without a file, the shift is linear in the
      number of vertices (:func:`shifted_momentum`), with the numbers of ``MET_xy``;
    - ``algorithm``: for files of Run 2, ``pfmet`` or ``puppimet``;
    - ``epoch``: for files of Run 3, e.g. ``2022EE``.

    Files of Run 3 have uncertainties: ``{collection}_xy_pileup``, ``_xy_statx`` and ``_xy_staty``, each ``Up`` and
    ``Down``, in simulation. Sources: POG/JME of https://gitlab.cern.ch/cms-nanoAOD/jsonpog-integration and
    https://twiki.cern.ch/twiki/bin/view/CMS/MissingETRun2Corrections.
    """

    name = "met_xy_calibration"
    has_variations = True
    inputs = ("PV",)

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True) -> None:
        super().__init__(params, metadata, do_variations)
        place = ("met_xy_calibration", self.year)
        table = parameter(params, *place)
        where = ".".join(place)
        check_known("key", table, _KEYS, where)
        self._met = str(parameter(params, *place, "collection"))
        self._file = table.get("file")
        self._algorithm, self._epoch = table.get("algorithm"), table.get("epoch")
        if self._file is not None and (self._algorithm is None) == (self._epoch is None):
            raise ConfigError(f"{where} has a file, so it needs either algorithm, for Run 2, or epoch, for Run 3")
        self._coefficients = None if self._file else xy_coefficients(params, metadata)
        self.calibrated_collections = tuple(f"{self._met}.{name}" for name in _RESULTS)
        #: Variation → see _VARIATIONS.
        self._shifts = {f"{self._met}_{name}": how for name, how in _VARIATIONS.items()} if self._epoch else {}
        self._variations = tuple(self._shifts) if self.isMC and self._file else ()

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return (file, name) of the corrections."""
        if self._file is None:
            return ()
        names = [_RUN_3] if self._epoch else [self._of_run_2(result) for result in _RESULTS]
        return [(str(self._file), name) for name in names]

    def _of_run_2(self, result: str) -> str:
        return f"{result}_metphicorr_{self._algorithm}_{'mc' if self.isMC else 'data'}"

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return pt in GeV and azimuth of the missing momentum.

        Raises:
            MissingBranchError: if the events have no number of vertices.
        """
        met, vertices = collection(events, self._met), collection(events, "PV")
        pt, phi = (_numbers(branch(met, name, self._met)) for name in _RESULTS)
        if self._coefficients is not None:
            number = np.minimum(_numbers(branch(vertices, "npvs", "PV")), _MOST_VERTICES)
            found = shifted_momentum(pt, phi, number, self._coefficients)
        else:
            found = self._of_file(events, vertices, pt, phi, variation)
        return {f"{self._met}.{name}": values.astype(np.float32) for name, values in zip(_RESULTS, found, strict=True)}

    def _of_file(self, events: Any, vertices: Any, pt: Floats, phi: Floats, variation: str) -> list[Floats]:
        inside = pt < _MAX_PT
        inputs: dict[str, Any] = {"met_pt": pt[inside], "met_phi": phi[inside]}
        if self._epoch:
            ending, shift = self._shifts.get(variation, ("", "nom"))
            number = _numbers(branch(vertices, "npvsGood", "PV"))[inside]
            kind = {"met_type": self._met, "epoch": str(self._epoch), "dtmc": "MC" if self.isMC else "DATA"}
            inputs |= {"npvGood": number, "variation": shift, **kind}
            calls = [(_RUN_3, {**inputs, "pt_phi": f"{result}{ending}"}) for result in _RESULTS]
        else:
            inputs |= {"npvs": _numbers(branch(vertices, "npvs", "PV"))[inside]}
            inputs |= {"run": _numbers(events["run"])[inside]}
            calls = [(self._of_run_2(result), inputs) for result in _RESULTS]
        found = [pt.copy(), phi.copy()]
        for values, (name, given) in zip(found, calls, strict=True):
            # A run that the file doesn't cover must not get the correction of another one.
            values[inside] = evaluate(str(self._file), name, given, clamped=False)
        return found


def xy_coefficients(params: Any, metadata: Mapping[str, Any]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return slope and offset of the shift of x, and those of y, from ``MET_xy`` of the parameters."""
    place: tuple[str, ...] = ("MET_xy", "MC" if metadata["isMC"] else "Data", str(metadata["year"]))
    if not metadata["isMC"]:
        if "era" not in metadata:
            raise ConfigError(f"{'.'.join(place)} depends on the era, but the metadata of the dataset have none")
        place = (*place, str(metadata["era"]))
    x, y = parameter(params, *place)
    return (float(x[0]), float(x[1])), (float(y[0]), float(y[1]))


def shifted_momentum(pt: Any, phi: Any, vertices: Any, coefficients: Sequence[Sequence[float]]) -> list[Any]:
    """Return pt in GeV and azimuth after a shift of x and y that is linear in the number of vertices.

    The coefficients are slope and offset of what is subtracted from x, and those of y, in GeV. Source:
    https://lathomas.web.cern.ch/METStuff/XYCorrections/XYMETCorrection_withUL17andUL18andUL16.h.

    Examples:
        >>> import numpy as np
        >>> pt, phi = shifted_momentum(np.array([10.0]), np.array([0.0]), np.array([20]), [[0.1, 1.0], [0.0, 0.0]])
        >>> pt.tolist(), phi.tolist()
        ([7.0], [0.0])
    """
    (slope_x, offset_x), (slope_y, offset_y) = coefficients
    x = pt * np.cos(phi) - (slope_x * vertices + offset_x)
    y = pt * np.sin(phi) - (slope_y * vertices + offset_y)
    return [np.hypot(x, y), np.arctan2(y, x)]


def _numbers(values: Any) -> Floats:
    return np.asarray(values, dtype=np.float64)
