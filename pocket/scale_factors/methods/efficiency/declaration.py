"""Declarations of ratios of counted efficiencies, and of efficiency maps."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from pocket.errors import ConfigError
from pocket.scale_factors.declarations.measured import DataScaleFactor, PassFail


@dataclass(frozen=True, kw_only=True)
class EfficiencyRatio(PassFail, DataScaleFactor):
    """Ratio of counted efficiencies, for entries selected without the tested requirement (a trigger)."""

    method: ClassVar[str] = "pocket.scale_factors.methods.efficiency.measure:measure_ratio"
    algebra: ClassVar[str] = "pocket.scale_factors.validation.algebra:efficiency_ratio"
    injection: ClassVar[str] = "pocket.scale_factors.validation.injections:efficiency"
    injects_events: ClassVar[bool] = True
    counts_entries: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class EfficiencyMap(PassFail):
    """Efficiencies in simulation, which the weight of a tagger's fixed working point needs.

    Args:
        groups: group → samples that are measured together and share their efficiencies; the correction's first input is
            then ``sample``. If empty, all samples are measured together.
        min_n_eff: as in :class:`~pocket.scale_factors.declarations.measured.ScaleFactor`; 50 by default, since an
            efficiency from few entries changes a weight by more than its error.

    Raises:
        ConfigError: as in other declarations, and if groups and ``mc`` have different samples.
    """

    method: ClassVar[str] = "pocket.scale_factors.methods.efficiency.measure:measure_map"
    algebra: ClassVar[str] = "pocket.scale_factors.validation.algebra:efficiency_map"
    injection: ClassVar[str] = "pocket.scale_factors.validation.injections:simulation"
    becomes_one: ClassVar[bool] = False
    quantity: ClassVar[str] = "efficiency"
    folds_flow: ClassVar[bool] = True
    fixed: ClassVar[tuple[str, ...]] = (*PassFail.fixed, "groups")

    groups: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    min_n_eff: float = 50.0

    def __post_init__(self) -> None:
        grouped = [sample for samples in self.groups.values() for sample in samples]
        if self.groups and sorted(grouped) != sorted(self.mc):
            raise ConfigError(f"{self.where}: groups must have each sample of mc once, not {', '.join(grouped)}")
        super().__post_init__()

    def per_sample(self) -> Mapping[str, Self]:
        """Return sample → what is measured for its group."""
        return {sample: self._of_samples(samples, groups={}) for samples in self.groups.values() for sample in samples}
