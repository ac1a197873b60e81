"""Declarations of tag-and-probe efficiencies, from fits to the dilepton mass or from counts in its peak."""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass
from typing import ClassVar, Self

from pocket.errors import ConfigError, UnknownNameError
from pocket.scale_factors.declarations.measured import DataScaleFactor, PassFail

ALTERNATIVE_FITS = ("signal", "background", "mass_range")
#: spectra of the signal, and shapes of the background
SIGNALS = ("template", "breit_wigner", "crystal_ball")
BACKGROUNDS = ("exponential", "quadratic", "cms_shape")


@dataclass(frozen=True, kw_only=True)
class TagAndProbe(PassFail, DataScaleFactor):
    """Base of efficiencies of probes from the dilepton mass of passing and failing pairs.

    Args:
        mass_axis: histogram axis of the dilepton mass.
    """

    mass_axis: str = "mass"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._refuse_axes((self.mass_axis,), "separates signal from background")

    def histogram_axes(self) -> tuple[str, ...]:
        """Return all axes that the histogram must have."""
        return (*super().histogram_axes(), self.mass_axis)

    def _require_range(self, key: str, bounds: tuple[float, float]) -> None:
        low, high = bounds
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ConfigError(f"{self.where}: {key} must rise, not {bounds!r}")


@dataclass(frozen=True, kw_only=True)
class TagAndProbeFit(TagAndProbe):
    """Efficiency of probes from fits to the dilepton mass.

    The efficiency in data comes from a fit, see :mod:`pocket.scale_factors.methods.tag_and_probe.fit`; that in
    simulation comes from counting. Both refer to the pairs within ``mass_range``.

    Args:
        mass_range: lowest and highest mass in the fit, on edges of the mass axis [unit of the axis].
        alternative_fits: fits that each give a systematic uncertainty: another ``signal`` or ``background`` model, or a
            narrower ``mass_range``.
        signal: spectrum of the signal: the ``template`` of simulation with a shift and a Gaussian smearing; a
            ``breit_wigner`` with these; or a ``crystal_ball``, a Breit–Wigner convolved with a Gaussian that has
            power-law tails on both sides, which are those of simulation.
        background: shape of the background, with its own parameters in passing and in failing pairs: an
            ``exponential``; a ``quadratic`` polynomial; or ``cms_shape``, an exponential behind a turn-on.
        alternative_signal: spectrum of the alternative fit ``signal``.
        alternative_background: shape of the alternative fit ``background``.

    Raises:
        ConfigError: as in other declarations, if the mass range is empty, or an alternative is the nominal one.
        UnknownNameError: as in other declarations, and if an alternative fit, a spectrum or a shape is unknown.

    Examples:
        >>> electron_id = TagAndProbeFit(
        ...     input="tnp",
        ...     variable="tnp_mass",
        ...     category="pairs",
        ...     axes=("pt", "etaSC"),
        ...     data=("DATA_EGamma",),
        ...     mc=("DYJetsToEE",),
        ...     mass_range=(60, 120),
        ...     background="cms_shape",
        ...     alternative_signal="crystal_ball",
        ...     alternative_background="exponential",
        ... )
        >>> electron_id.alternative_fits
        ('signal', 'background', 'mass_range')
    """

    method: ClassVar[str] = "pocket.scale_factors.methods.tag_and_probe.fit:measure"
    injection: ClassVar[str] = "pocket.scale_factors.validation.injections:efficiency"

    mass_range: tuple[float, float]
    alternative_fits: tuple[str, ...] = ALTERNATIVE_FITS
    signal: str = "template"
    background: str = "exponential"
    alternative_signal: str = "breit_wigner"
    alternative_background: str = "quadratic"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_range("mass_range", self.mass_range)
        for fit in self.alternative_fits:
            if fit not in ALTERNATIVE_FITS:
                raise UnknownNameError("alternative fit", fit, ALTERNATIVE_FITS, self.where)
        for part, known in (("signal", SIGNALS), ("background", BACKGROUNDS)):
            nominal, alternative = getattr(self, part), getattr(self, f"alternative_{part}")
            for key, value in ((part, nominal), (f"alternative_{part}", alternative)):
                if value not in known:
                    raise UnknownNameError(key, value, known, self.where)
            if part in self.alternative_fits and alternative == nominal:
                raise ConfigError(f"{self.where}: alternative_{part} is {nominal!r}, as in the nominal fit")

    def entry_range(self) -> tuple[str, tuple[float, float]]:
        """Return the axis of the mass and the range of the fit."""
        return self.mass_axis, self.mass_range

    def bare(self) -> Self:
        """Return the measurement without sources of uncertainty and alternative fits."""
        return dataclasses.replace(super().bare(), alternative_fits=())


@dataclass(frozen=True, kw_only=True)
class TagAndProbeCount(TagAndProbe):
    """Efficiency of probes from counts in the peak, with the background subtracted by means of sidebands.

    The background is assumed to be linear in the mass, or constant if there is a single sideband. Signal in the
    sidebands is included with its share in simulation, see :mod:`pocket.scale_factors.methods.tag_and_probe.count`.
    Efficiencies refer to the pairs within the peak.

    Args:
        peak: lowest and highest mass of the peak, on edges of the mass axis [unit of the axis].
        sidebands: lowest and highest mass of each sideband.

    Raises:
        ConfigError: as in other declarations, and if a range is empty or ranges overlap.
    """

    method: ClassVar[str] = "pocket.scale_factors.methods.tag_and_probe.count:measure"
    injection: ClassVar[str] = "pocket.scale_factors.validation.injections:efficiency"

    peak: tuple[float, float]
    sidebands: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.sidebands:
            raise ConfigError(f"{self.where}: sidebands needs at least one range")
        for key, bounds in (("peak", self.peak), *(("a sideband", band) for band in self.sidebands)):
            self._require_range(key, bounds)
        ranges = sorted((self.peak, *self.sidebands))
        for (_, high), (low, _) in itertools.pairwise(ranges):
            if low < high:
                raise ConfigError(f"{self.where}: peak and sidebands overlap at {low:g}")

    def entry_range(self) -> tuple[str, tuple[float, float]]:
        """Return the axis of the mass and the peak."""
        return self.mass_axis, self.peak
