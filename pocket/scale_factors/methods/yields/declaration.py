"""Declarations of scale factors that are ratios of yields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from pocket.errors import ConfigError
from pocket.scale_factors.declarations.measured import BackgroundScaleFactor, ScaleFactor


@dataclass(frozen=True, kw_only=True)
class DataMCRatio(BackgroundScaleFactor):
    """Data less background over simulation, which corrects mismodelling in ``axes``.

    Args:
        keep_yield: whether a common factor preserves the yield of simulation.
    """

    method: ClassVar[str] = "pocket.scale_factors.methods.yields.data_mc_ratio:measure"
    algebra: ClassVar[str] = "pocket.scale_factors.validation.algebra:data_mc_ratio"
    injection: ClassVar[str] = "pocket.scale_factors.validation.injections:yields"
    injected: ClassVar[tuple[float, ...]] = (0.9, 1.0, 1.1)
    folds_flow: ClassVar[bool] = True

    keep_yield: bool = False


@dataclass(frozen=True, kw_only=True)
class NormRatio(ScaleFactor):
    """Restores the yields that a weight changes: sums of weights without it over sums with it, sample by sample.

    ``category`` is filled without the weight. The same events are in all three categories.

    Args:
        weighted: category with the weight.
        covariance: category with the square root of the weight (:class:`pocket.weights.square_root.SquareRoot`), whose
            sum of squared weights is the covariance of both sums.
        weight: name of the weight. Its variations in the templates are normalised as well and written under their
            names less the weight's, for :class:`pocket.weights.scale_factor.ScaleFactorWeight` with ``follows``.
        together: whether all samples are combined; the correction then has no input ``sample``.

    Raises:
        ConfigError: as in other declarations, and if categories coincide.
    """

    method: ClassVar[str] = "pocket.scale_factors.methods.yields.norm_ratio:measure"
    algebra: ClassVar[str] = "pocket.scale_factors.validation.algebra:norm_ratio"
    injection: ClassVar[str] = "pocket.scale_factors.validation.injections:simulation"
    becomes_one: ClassVar[bool] = False
    folds_flow: ClassVar[bool] = True
    fixed: ClassVar[tuple[str, ...]] = (*ScaleFactor.fixed, "together")
    renamed: ClassVar[Mapping[str, str]] = {"root": "covariance"}

    weighted: str
    covariance: str
    weight: str
    together: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.categories())) < 3:
            raise ConfigError(f"{self.where}: category, weighted and covariance must differ, not {self.categories()}")

    def categories(self) -> tuple[str, ...]:
        """Return all categories that are read."""
        return (self.category, self.weighted, self.covariance)

    def read_variations(self) -> tuple[str, ...]:
        """Return the variations that are read, including those of the weight."""
        return (*super().read_variations(), self.weight)

    def same_events_categories(self) -> tuple[str, ...]:
        """Return the categories that the closure in the same events reads; there is no error in it."""
        return (self.category, self.weighted)

    def per_sample(self) -> Mapping[str, Self]:
        """Return sample → what is measured for it alone."""
        if self.together:
            return {}
        return {sample: self._of_samples((sample,), together=True) for sample in self.mc}
