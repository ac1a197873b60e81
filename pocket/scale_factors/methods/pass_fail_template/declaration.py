"""Declaration of scale factors of a tagger's working point, from templates in pass and fail."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pocket.errors import ConfigError, check_known
from pocket.scale_factors.declarations.measured import DataScaleFactor, PassFail
from pocket.scale_factors.declarations.systematics import LogNormal, Shape, Systematic


@dataclass(frozen=True, kw_only=True)
class PassFailTemplate(PassFail, DataScaleFactor):
    """Scale factors of a working point per flavour, from a fit to a discriminant of passing and failing entries.

    The correction's first input is ``flavor``. Sources of uncertainty of the types
    :class:`~pocket.scale_factors.declarations.systematics.Shape` and
    :class:`~pocket.scale_factors.declarations.systematics.LogNormal` are nuisance parameters of the fit, see
    :mod:`pocket.scale_factors.methods.pass_fail_template.model`; for others the measurement is repeated.

    Args:
        discriminant: histogram axis whose shape separates the flavours. Entries outside of it aren't fitted.
        flavours: flavour → its values on ``flavour_axis``, which are the keys of the correction.
        floating: flavours whose scale factors are measured.
        frozen: each other flavour → its scale factor and relative uncertainty, a nuisance parameter of the fit.
        fractions: flavour → relative uncertainty of its yield, a nuisance parameter for each.
        flavour_axis: histogram axis of the flavour; the values of data don't matter.
        free_normalisation: whether a common factor of all simulation floats.
        barlow_beeston: whether the fit includes the MC statistics of every bin; without them the errors are too small.

    Raises:
        ConfigError: as in other declarations, and if a flavour neither floats nor is frozen, or an uncertainty isn't
            positive.
        UnknownNameError: as in other declarations, and if a flavour is unknown.
    """

    method: ClassVar[str] = "pocket.scale_factors.methods.pass_fail_template.measure:measure"
    injection: ClassVar[str] = "pocket.scale_factors.validation.injections:working_point"

    discriminant: str
    flavours: Mapping[str, tuple[int, ...]]
    floating: tuple[str, ...]
    frozen: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    fractions: Mapping[str, float] = dataclasses.field(default_factory=dict)
    flavour_axis: str = "flavor"
    free_normalisation: bool = True
    barlow_beeston: bool = True

    def __post_init__(self) -> None:
        self._set_names("floating")
        super().__post_init__()
        self._refuse_axes((self.discriminant, self.flavour_axis, "flavor"), "tells the flavours apart")
        for key, names in (("floating", self.floating), ("frozen", self.frozen), ("fractions", self.fractions)):
            check_known("flavour", names, self.flavours, f"{key} of {self.where}")
        for flavour in self.flavours:
            if (flavour in self.floating) == (flavour in self.frozen):
                raise ConfigError(f"{self.where}: flavour {flavour!r} must be either in floating or in frozen")
        values = [value for numbers in self.flavours.values() for value in numbers]
        if len(set(values)) < len(values):
            raise ConfigError(f"{self.where}: flavours share values: {', '.join(map(str, values))}")
        of_frozen = [(flavour, error) for flavour, (_, error) in self.frozen.items()]
        for flavour, error in (*of_frozen, *self.fractions.items()):
            if not (math.isfinite(error) and error > 0):
                raise ConfigError(f"{self.where}: the uncertainty of {flavour!r} must be above 0, not {error!r}")

    def fitted(self) -> tuple[Shape | LogNormal, ...]:
        """Return the sources that are nuisance parameters of the fit."""
        return tuple(systematic for systematic in self.systematics if isinstance(systematic, Shape | LogNormal))

    def remeasured_systematics(self) -> tuple[Systematic, ...]:
        """Return the sources for which the scale factors are measured again."""
        return tuple(systematic for systematic in self.systematics if systematic not in self.fitted())

    def input_names(self) -> tuple[str, ...]:
        """Return the inputs of the correction, with the flavour first."""
        return ("flavor", *super().input_names())

    def histogram_axes(self) -> tuple[str, ...]:
        """Return all axes that the histogram must have."""
        return (*super().histogram_axes(), self.flavour_axis, self.discriminant)
