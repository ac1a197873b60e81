"""PocketCoffea's calibrators over ours, and those that are only accepted where they change nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pocket.calibrators import base
from pocket.compat.electron_energies import ElectronsScaleCalibrator
from pocket.compat.jet_energies import JetsCalibrator
from pocket.compat.missing_momentum import METCalibrator
from pocket.compat.muon_momenta import MuonsCalibrator


class Calibrator(base.Calibrator):
    """Base class of calibrators, see :class:`pocket.calibrators.base.Calibrator`, whose variations are a list."""

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True, **kwargs: Any) -> None:
        super().__init__(params, metadata, do_variations)

    @property
    def variations(self) -> list[str]:  # type: ignore[override]
        return list(self._variations or ())


#: PocketCoffea's default, in its order.
default_calibrators_sequence: list[type[base.Calibrator]] = [
    JetsCalibrator,
    ElectronsScaleCalibrator,
    MuonsCalibrator,
    METCalibrator,
]
