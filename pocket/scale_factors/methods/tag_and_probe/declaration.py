"""Declarations of tag-and-probe efficiencies, from fits to the dilepton mass or from counts in its peak."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from pocket.base.arguments import Declarative
from pocket.base.edges import bins_within, missing_edge
from pocket.base.typing import Floats, Mask
from pocket.errors import ConfigError, UnknownNameError, check_known
from pocket.histograms.config import Axis
from pocket.histograms.edges import declared_edges
from pocket.scale_factors.declarations.measured import DataScaleFactor, PassFail

#: mass and width of the Z boson [GeV] (Particle Data Group, Phys. Rev. D 110 (2024) 030001)
Z_MASS, Z_WIDTH = 91.188, 2.4955
#: smallest number of mass bins in a fit
LEAST_BINS = 20
ALTERNATIVE_FITS = ("signal", "background", "mass_range")
#: uncertainty from the alternative fits: one source for each, or a single source
COMBINATIONS = ("quadrature", "maximum", "mean", "spread")
SIGNALS = ("template", "breit_wigner", "crystal_ball")
#: shape of the background → its parameters in passing and in failing pairs
BACKGROUNDS: Mapping[str, tuple[str, ...]] = {
    "exponential": ("background", "slope"),
    "quadratic": ("background_low", "background_middle", "background_high"),
    "cms_shape": ("background", "alpha", "beta", "gamma"),
    "bernstein": ("background", "bernstein_1", "bernstein_2", "bernstein_3"),
    "power_law": ("background", "power"),
}
#: parameters of all fits; those of the background follow
PARAMETERS = ("signal", "efficiency", "shift", "sigma", "odds_linear", "odds_quadratic")


@dataclass(frozen=True, kw_only=True)
class TagAndProbe(PassFail, DataScaleFactor):
    """Base of efficiencies of probes from the dilepton mass of passing and failing pairs.

    Args:
        mass_axis: histogram axis of the dilepton mass.
    """

    injection: ClassVar[str] = "pocket.scale_factors.validation.injections:efficiency"
    injects_events: ClassVar[bool] = True

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


def background_parameters(background: str) -> list[str]:
    """Return the parameters of a shape of the background in the fit of passing and failing pairs.

    >>> background_parameters("exponential")
    ['background_pass', 'slope_pass', 'background_fail', 'slope_fail']
    """
    return [f"{name}_{region}" for region in ("pass", "fail") for name in BACKGROUNDS[background]]


@dataclass(frozen=True, kw_only=True)
class Fit(metaclass=Declarative):
    """Settings of the fit of a single bin, in place of those of all bins.

    Args:
        start: parameter → initial value [unit of the parameter].
        ranges: parameter → lowest and highest value.
        signal: spectrum of the signal.
        background: shape of the background.
        mass_range: lowest and highest mass in the fit, on edges of the mass axis.

    Raises:
        ConfigError: if nothing is given, or a range is empty or lacks the initial value.

    Examples:
        >>> str(Fit(background="quadratic", start={"sigma": 0.8}))
        'background quadratic, start of sigma 0.8'
    """

    start: Mapping[str, float] = dataclasses.field(default_factory=dict)
    ranges: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    signal: str = ""
    background: str = ""
    mass_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not str(self):
            raise ConfigError("Fit: nothing is given; arguments are start, ranges, signal, background and mass_range")
        for name, (low, high) in self.ranges.items():
            value = self.start.get(name, low)
            if not low < high or not low <= value <= high:
                raise ConfigError(
                    f"Fit: the range of {name!r}, ({low}, {high}), must rise and contain its start {value}"
                )

    def __str__(self) -> str:
        """Return what is given, for reports."""
        return ", ".join(
            [
                *(
                    f"{key} {getattr(self, key)}"
                    for key in ("signal", "background", "mass_range")
                    if getattr(self, key)
                ),
                *(f"start of {name} {value:g}" for name, value in self.start.items()),
                *(f"range of {name} ({low:g}, {high:g})" for name, (low, high) in self.ranges.items()),
            ]
        )

    def without(self, *parts: str) -> dict[str, Any]:
        """Return the arguments that remain if others than this fit decide some of them.

        Args:
            parts: arguments; the start and the range of their parameters don't remain either.
        """
        gone = ("shift", "sigma") if "signal" in parts else ()
        suffixes = ("_pass", "_fail") if "background" in parts else ()
        kept = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name not in parts}
        for key in {"start", "ranges"} & set(kept):
            kept[key] = {
                name: value for name, value in kept[key].items() if name not in gone and not name.endswith(suffixes)
            }
        return {key: value for key, value in kept.items() if value}


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
            ``exponential``; a ``quadratic`` polynomial; ``cms_shape``, an exponential behind a turn-on; a positive
            ``bernstein`` polynomial of third degree; or a ``power_law``.
        alternative_signal: spectrum of the alternative fit ``signal``.
        alternative_background: shape of the alternative fit ``background``.
        combine_fits: uncertainty from the alternative fits: one source for each of them (``quadrature``); or a single
            source ``fits`` with the largest shift of each bin (``maximum``), with the standard deviation of all fits
            (``spread``), or with this and the mean of all fits as the value (``mean``).
        mass: mass of the resonance [unit of the axis]. Initial values, limits and constraints of the fit scale with it.
        width: its natural width [unit of the axis].
        mass_bins: edges of the mass bins in the fit, some of those of the axis, if it shall have fewer.
        overrides: bin, as reports name it → what its fit has in place of these arguments.

    Raises:
        ConfigError: as in other declarations, if the mass range is empty or lacks the resonance, an alternative is the
            nominal one, there are no alternative fits to combine, or a systematic uncertainty changes those whose mean
            is the value.
        UnknownNameError: as in other declarations, and if an alternative fit, a spectrum, a shape, or a bin or a
            parameter of ``overrides`` is unknown.

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

    mass_range: tuple[float, float]
    alternative_fits: tuple[str, ...] = ALTERNATIVE_FITS
    signal: str = "template"
    background: str = "exponential"
    alternative_signal: str = "breit_wigner"
    alternative_background: str = "quadratic"
    combine_fits: str = dataclasses.field(default="quadrature", metadata={"fingerprint": "given"})
    mass: float = dataclasses.field(default=Z_MASS, metadata={"fingerprint": "given"})
    width: float = dataclasses.field(default=Z_WIDTH, metadata={"fingerprint": "given"})
    mass_bins: tuple[float, ...] = dataclasses.field(default=(), metadata={"fingerprint": "given"})
    overrides: Mapping[str, Fit] = dataclasses.field(default_factory=dict, metadata={"fingerprint": "given"})

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
        if not self.mass_range[0] < self.mass < self.mass_range[1] or not 0 < self.width < math.inf:
            raise ConfigError(
                f"{self.where}: a resonance with mass={self.mass:g} and width={self.width:g} can't be fitted in "
                f"mass_range={self.mass_range}; default is the Z boson"
            )
        if any(high <= low for low, high in itertools.pairwise(self.mass_bins)):
            raise ConfigError(f"{self.where}: mass_bins must rise, not {self.mass_bins}")
        check_known("combine_fits", [self.combine_fits], COMBINATIONS, self.where)
        if self.combine_fits != "quadrature" and not self.alternative_fits:
            raise ConfigError(f"{self.where}: combine_fits={self.combine_fits!r} needs alternative_fits")
        for label, override in self.overrides.items():
            self._check_override(label, override)

    def _check_override(self, label: str, fit: Fit) -> None:
        where = f"overrides of {self.where}, {label}"
        years = [year for year in self.years if label.startswith(f"year {year}, ")]
        if self.years and not years:
            raise ConfigError(f"{where}: the bin must begin with its year, such as 'year {self.years[0]}, {label}'")
        check_known("signal", [fit.signal or self.signal], SIGNALS, where)
        background = fit.background or self.background
        check_known("background", [background], BACKGROUNDS, where)
        known = (*PARAMETERS, *background_parameters(background))
        check_known("parameter", (*fit.start, *fit.ranges), known, where)
        if fit.mass_range:
            self._require_range(f"mass_range in overrides, {label}", fit.mass_range)

    def check_axes(self, axes: Sequence[Axis], where: str) -> None:
        """Check the declared axes of the histogram, ``mass_bins``, and the bins of ``overrides`` and ``accept``.

        Raises:
            UnknownNameError: as in other declarations, and if there is no such bin.
            ConfigError: as in other declarations, and if there is no such edge.
        """
        super().check_axes(axes, where)
        edges = {axis.name: found for axis in axes if (found := declared_edges(axis)) is not None}
        if self.mass_axis in edges:
            self.kept_edges(edges[self.mass_axis])
        named = {"overrides": self.overrides, "accept in the closure": self.closure.accept}
        if any(named.values()) and set(self.axes) <= set(edges):
            from pocket.scale_factors.measurement.binning import bin_labels

            bins = bin_labels({name: tuple(self.bins.get(name, edges[name])) for name in self.axes})
            years = [f"year {year}, " for year in self.years] or [""]
            # Which bins are joined depends on the events.
            for argument, labels in named.items():
                for label in labels:
                    year = next((one for one in years if label.startswith(one)), years[0])
                    members = [f"{year}{one}" for one in label.removeprefix(year).split(" + ")]
                    check_known("bin", members, [f"{year}{one}" for one in bins], f"{argument} of {where}")

    def kept_edges(self, edges: Floats) -> Mask:
        """Return which edges of the mass axis the fits have: ``mass_bins`` and those beyond, shape (bins + 1,).

        Args:
            edges: edges of the histogram, shape (bins + 1,).

        Raises:
            ConfigError: if one of ``mass_bins`` is no edge, or the range of a fit holds too few bins.
        """
        where = f"{self.where}, axis {self.mass_axis!r}"
        if missing := missing_edge(self.mass_bins, edges):
            raise ConfigError(f"{where}: {missing[0]:g} in mass_bins is no edge, nearest: {missing[1]:g}")
        kept = np.full(len(edges), True)
        if self.mass_bins:
            low, high = self.mass_bins[0], self.mass_bins[-1]
            kept = (edges < low) | (edges > high) | np.isclose(edges[:, None], self.mass_bins).any(axis=1)
        of_bins = {f" in overrides, {label}": fit.mass_range for label, fit in self.overrides.items()}
        for which, bounds in {"": self.mass_range, **of_bins}.items():
            if bounds and (size := int(bins_within(edges[kept], bounds).sum())) < LEAST_BINS:
                raise ConfigError(f"{where}: mass_range{which} holds {size} bins, a fit needs {LEAST_BINS}")
        return np.asarray(kept)

    def of_year(self, year: str) -> Self:
        """Return the measurement in one year, whose bins have no year in their names."""
        if not (year and self.overrides):
            return self
        prefix = f"year {year}, "
        own = {label.removeprefix(prefix): fit for label, fit in self.overrides.items() if label.startswith(prefix)}
        return dataclasses.replace(self, years=(), overrides=own)

    def fit_of(self, label: str, model: str) -> Fit:
        """Return all settings of a fit.

        An override holds in alternative fits that don't change what it sets. Where it has the alternative shape, the
        alternative fit has that of the other bins.

        Args:
            label: the bin.
            model: ``nominal``, or an alternative fit.
        """
        shapes = {"signal": self.signal, "background": self.background, "mass_range": self.mass_range}
        override, changed = self.overrides.get(label), [model] if model in ("signal", "background") else []
        nominal, settings = ({**shapes, **(override.without(*one) if override else {})} for one in ([], changed))
        for part in changed:
            alternative = getattr(self, f"alternative_{part}")
            settings[part] = shapes[part] if alternative == nominal[part] else alternative
        return Fit(**settings)

    def _changed_by(self, changes: Mapping[str, Any]) -> Self:
        if self.combine_fits == "mean" and {"alternative_fits", "combine_fits"} & set(changes):
            raise ConfigError(f"{self.where}: combine_fits='mean' needs the same alternative_fits in each measurement")
        kept = {label: fit.without(*changes) for label, fit in self.overrides.items()}
        own = {"overrides": {label: Fit(**fit) for label, fit in kept.items() if fit}} if kept else {}
        return dataclasses.replace(self.bare(), **{**own, **changes})

    def entry_range(self) -> tuple[str, tuple[float, float]]:
        """Return the axis of the mass and the range of the fit."""
        return self.mass_axis, self.mass_range

    def range_in(self, label: str) -> tuple[float, float] | None:
        """Return the range of the fit in a bin that has its own."""
        return self.fit_of(label, "nominal").mass_range

    def bare(self) -> Self:
        """Return the measurement without sources of uncertainty and alternative fits that don't change the value."""
        if self.combine_fits == "mean":
            return super().bare()
        return dataclasses.replace(super().bare(), alternative_fits=(), combine_fits="quadrature")


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
    counts_entries: ClassVar[bool] = True

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
