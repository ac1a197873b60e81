"""Declaration of the energy scale and the smearing of leptons, from the peak of a resonance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from pocket.base.edges import bins_within
from pocket.base.typing import Floats, Mask
from pocket.corrections.keys import PARAMETER
from pocket.errors import ConfigError, UnknownNameError
from pocket.histograms.config import Axis
from pocket.histograms.edges import declared_edges
from pocket.scale_factors.declarations.measured import BackgroundScaleFactor

SmearingFunction = Literal["gaussian", "tails"]

#: smallest number of mass bins of a fit
LEAST_BINS = 10


@dataclass(frozen=True, kw_only=True)
class EnergyScale(BackgroundScaleFactor):
    """Scale of the energies of leptons in data, and their smearing in simulation, by category.

    The histogram has the mass of pairs, and each of ``axes`` for both leptons, in any order. The mass in simulation is
    folded with scales and smearings of all categories until it describes the data of all pairs of categories, whose
    numbers are free; ``background`` is added as it is. The correction's first input is ``parameter``: ``scale`` is the
    factor on energies in data, ``smearing`` the relative width of the Gaussian with which energies in simulation are
    smeared.
    :class:`~pocket.calibrators.measured.MeasuredEnergyCalibrator` applies both.

    Args:
        partner_axes: the axes of the other lepton, in the order of ``axes`` and with the same bins.
        mass_range: range of the fit in GeV. The histogram reaches beyond it, since masses move into it.
        smearing: whether simulation is smeared; without, only the scale is measured.
        smearing_function: ``gaussian``, or ``tails`` for a tenth of the leptons with twice the width, a source of
            uncertainty in :class:`~pocket.scale_factors.declarations.systematics.Alternative`.
        mass_axis: axis of the mass, whose bins should be no wider than a third of the resolution.

    Raises:
        ConfigError: as in other declarations, and if axes don't correspond, the range is none, or a sample is signal
            and background.
        UnknownNameError: as in other declarations, and if the smearing function is unknown.

    >>> EnergyScale(input="scale", variable="mee", category="all", axes=("abseta",), partner_axes=("other_abseta",),
    ...     mc=("DY",), data=("Data",), mass_range=(80, 100)).input_names()
    ('parameter', 'abseta')
    """

    method: ClassVar[str] = "pocket.scale_factors.methods.energy_scale.measure:measure"
    injection: ClassVar[str] = "pocket.scale_factors.validation.injections:energy_scale"
    injected: ClassVar[tuple[float, ...]] = (0.998, 1.0, 1.002)
    quantity: ClassVar[str] = "calibration"
    fixed: ClassVar[tuple[str, ...]] = (*BackgroundScaleFactor.fixed, "partner_axes")
    # With other random numbers for the smearing, scales measured again differ by 0.38 to 0.58 of their errors.
    same_events_error: ClassVar[float] = 0.6
    # Smearing can't be negative, so where it is applied it isn't measured again.
    remeasured_with: ClassVar[Mapping[str, Any]] = {"smearing": False}

    partner_axes: tuple[str, ...]
    mass_range: tuple[float, float]
    smearing: bool = True
    smearing_function: SmearingFunction = "gaussian"
    mass_axis: str = "mass"

    def __post_init__(self) -> None:
        self._set_names("partner_axes")
        super().__post_init__()
        self._refuse_axes((self.mass_axis, PARAMETER), "has another meaning")
        if len(self.partner_axes) != len(self.axes):
            raise ConfigError(
                f"{self.where}: partner_axes names {', '.join(self.partner_axes)}, but axes {', '.join(self.axes)}: "
                "each axis needs that of the other lepton"
            )
        self._refuse_axes(self.partner_axes, "is that of the other lepton")
        low, high = self.mass_range
        if not 0 < low < high < math.inf:
            raise ConfigError(f"{self.where}: mass_range must be two rising masses, not {self.mass_range!r}")
        if self.smearing_function not in get_args(SmearingFunction):
            raise UnknownNameError("smearing function", self.smearing_function, get_args(SmearingFunction), self.where)
        if self.bins or self.min_n_eff:
            raise ConfigError(
                f"{self.where}: both leptons have the bins of the histogram, so bins= and min_n_eff= aren't possible"
            )

    def histogram_axes(self) -> tuple[str, ...]:
        """Return all axes that the histogram must have."""
        return (*super().histogram_axes(), *self.partner_axes, self.mass_axis)

    def input_names(self) -> tuple[str, ...]:
        """Return the inputs of the correction, with the parameter first."""
        return (PARAMETER, *super().input_names())

    def check_axes(self, axes: Sequence[Axis], where: str) -> None:
        """Check that the declared axes of the histogram suit, and are the same for both leptons.

        Raises:
            UnknownNameError, ConfigError: as in other declarations, and if bins differ between the leptons.
        """
        super().check_axes(axes, where)
        declared = {axis.name: axis for axis in axes}
        if (masses := declared_edges(declared[self.mass_axis])) is not None:
            self.masses_in_range(masses)
        for name, partner in zip(self.axes, self.partner_axes, strict=True):
            own, other = (declared_edges(declared[axis]) for axis in (name, partner))
            if own is None or other is None or not np.array_equal(own, other):
                raise ConfigError(
                    f"{where}: axes {name!r} and {partner!r} of histogram {self.variable!r} must have the same bins"
                )

    def masses_in_range(self, edges: Floats) -> Mask:
        """Return which bins of the mass are in the range of the fit, shape (bins,).

        Args:
            edges: edges of the bins of the mass in GeV, shape (bins + 1,).

        Raises:
            ConfigError: if there are too few.
        """
        inside = bins_within(edges, self.mass_range)
        if inside.sum() < LEAST_BINS:
            raise ConfigError(
                f"{self.where}, axis {self.mass_axis!r}: mass_range holds {inside.sum()} bins, a fit needs {LEAST_BINS}"
            )
        return inside
