"""PocketCoffea's calibrators over ours, and those that are only accepted where they change nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pocket.base.runtime.remarks import remark
from pocket.calibrators import base
from pocket.compat.jet_energies import JetsCalibrator
from pocket.compat.missing_momentum import METCalibrator
from pocket.compat.muon_momenta import MuonsCalibrator
from pocket.errors import ConfigError


class Calibrator(base.Calibrator):
    """Base class of calibrators, see :class:`pocket.calibrators.base.Calibrator`, whose variations are a list.

    Args:
        params: parameters of the analysis.
        metadata: metadata of the dataset.
        do_variations: whether its variations are requested.
        **kwargs: what PocketCoffea passes, too; not used.
    """

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True, **kwargs: Any) -> None:
        super().__init__(params, metadata, do_variations)

    @property
    def variations(self) -> list[str]:  # type: ignore[override]
        """Names of the shape variations, such as ``"muon_scaleUp"``."""
        return list(self._variations or ())


class _UnlessApplied(base.Calibrator):
    """Base class of calibrators that process data of years only for which the parameters switch them off.

    Attributes:
        switch: section of the parameters with ``apply``: year → whether the calibrator is applied.
        varied: its variations, without ``Up`` and ``Down``.
    """

    has_variations = True
    inputs = ()
    switch: ClassVar[tuple[str, ...]]
    varied: ClassVar[tuple[str, ...]]

    def __init__(self, params: Any, metadata: Mapping[str, Any], do_variations: bool = True, **kwargs: Any) -> None:
        super().__init__(params, metadata, do_variations)
        section = params
        for key in self.switch:
            section = section.get(key, {})
        self._applied = bool(section.get("apply", {}).get(self.year, False))
        varied = self.varied if self._applied and self.isMC else ()
        self._variations = tuple(f"{name}{side}" for name in varied for side in ("Up", "Down"))

    def corrections(self) -> Sequence[tuple[str, str]]:
        """Return nothing; a configuration asks for it when it is loaded, so this is where to remark."""
        if self._applied:
            remark(f"data and simulation of {self.year} can't be processed: {self._refusal()}")
        return ()

    def _refusal(self) -> str:
        place = ".".join((*self.switch, "apply", self.year))
        return (
            f"calibrator {self.name!r} isn't there yet: leave it out of calibrators, or set {place} of the parameters "
            "to false"
        )

    def initialize(self, events: Any) -> None:
        """Refuse events of a year that the calibrator would have to calibrate.

        Raises:
            ConfigError: if the parameters ask for it.
        """
        if self._applied:
            raise ConfigError(self._refusal())

    def calibrate(
        self, events: Any, original: Mapping[str, Any], variation: str, already_applied: Sequence[str] = ()
    ) -> Mapping[str, Any]:
        """Return nothing, since nothing is calibrated."""
        return {}


class ElectronsScaleCalibrator(_UnlessApplied):
    """Scale and smearing of electrons, which PocketCoffea doesn't apply in Run 2."""

    name = "electron_scale_and_smearing"
    switch = ("lepton_scale_factors", "electron_sf", "scale_and_smearing")
    varied = ("ele_scale", "ele_smear")


#: PocketCoffea's default, in its order.
default_calibrators_sequence: list[type[base.Calibrator]] = [
    JetsCalibrator,
    ElectronsScaleCalibrator,
    MuonsCalibrator,
    METCalibrator,
]
