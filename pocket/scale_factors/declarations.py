"""Declarations of scale factors: what is measured, from which histogram and in which bins.

Plain data without heavy imports, because an analysis builds them when it is loaded.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

from pocket.errors import ConfigError, UnknownNameError

Flow = Literal["clamp", "error"]
FLOWS = get_args(Flow)
SYSTEMATICS = ("signal", "background", "mass_range")
#: Inputs and axes that the written correction and the engine add themselves.
RESERVED_AXES = ("systematic", "cat", "variation")


@dataclass(frozen=True, kw_only=True)
class ScaleFactor:
    """Base of all scale factors; a subclass sets ``method``.

    Args:
        input: name of the configuration that fills the histogram.
        variable: name of the histogram.
        category: category in which the scale factor is measured.
        axes: histogram axes that bin the scale factor; they are the inputs of the correction, in this order.
        data: samples of data.
        mc: simulated samples that define the efficiency in simulation.
        flow: outside of the axes take the nearest bin (``clamp``) or refuse (``error``), for all axes or
            per axis; axes that aren't named clamp.
        description: text written into the correction.

    Raises:
        ConfigError: if a name or a list is empty or an axis appears twice.
        UnknownNameError: if a flow or the axis it stands for is unknown.
    """

    #: ``module:function`` of the method: ``function(name, declaration, templates) -> ScaleFactorResult``
    method: ClassVar[str]

    input: str
    variable: str
    category: str
    axes: tuple[str, ...]
    data: tuple[str, ...]
    mc: tuple[str, ...]
    flow: Flow | Mapping[str, Flow] = "clamp"
    description: str = ""

    def __post_init__(self) -> None:
        for key in ("input", "variable", "category"):
            if not getattr(self, key):
                raise ConfigError(f"{self._where()}: {key} is empty")
        for key in ("axes", "data", "mc"):
            object.__setattr__(self, key, _names(getattr(self, key), key, self._where()))
        self._refuse_axes(RESERVED_AXES, "is added by the engine")
        for axis, flow in self.flows().items():
            if flow not in FLOWS:
                raise UnknownNameError("flow", flow, FLOWS, f"axis {axis!r} of {self._where()}")
        if not isinstance(self.flow, str):
            for axis in self.flow:
                if axis not in self.axes:
                    raise UnknownNameError("axis", axis, self.axes, f"flow of {self._where()}")

    def flows(self) -> dict[str, Flow]:
        """Return the flow of every axis."""
        if isinstance(self.flow, str):
            return dict.fromkeys(self.axes, self.flow)
        return {axis: self.flow.get(axis, "clamp") for axis in self.axes}

    def histogram_axes(self) -> tuple[str, ...]:
        """Return all axes that the histogram must have."""
        return self.axes

    def _where(self) -> str:
        return f"{type(self).__name__} of variable {self.variable!r}"

    def _refuse_axes(self, taken: Iterable[str], reason: str) -> None:
        for axis in taken:
            if axis in self.axes:
                raise ConfigError(f"{self._where()}: axis {axis!r} {reason}, it can't bin the scale factor")


@dataclass(frozen=True, kw_only=True)
class TagAndProbe(ScaleFactor):
    """Efficiency of probes from fits to the dilepton mass of passing and failing pairs.

    The efficiency in data comes from a fit, see :mod:`pocket.scale_factors.tnp_fit`; that in simulation from
    counting. Both refer to the pairs within ``mass_range``.

    Args:
        mass_range: lowest and highest mass in the fit, on edges of the mass axis [unit of the axis].
        mass_axis: histogram axis of the dilepton mass.
        pass_axis: histogram axis that is 1 for passing and 0 for failing probes.
        systematics: alternative fits that give a systematic uncertainty: another ``signal`` or ``background``
            model, or a narrower ``mass_range``.

    Raises:
        ConfigError: as :class:`ScaleFactor`, and if the mass range is empty.
        UnknownNameError: as :class:`ScaleFactor`, and if a systematic is unknown.
    """

    method: ClassVar[str] = "pocket.scale_factors.tnp_fit:measure"

    mass_range: tuple[float, float]
    mass_axis: str = "mass"
    pass_axis: str = "passing"
    systematics: tuple[str, ...] = SYSTEMATICS

    def __post_init__(self) -> None:
        super().__post_init__()
        self._refuse_axes((self.mass_axis, self.pass_axis), "separates signal from background")
        low, high = self.mass_range
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ConfigError(f"{self._where()}: mass_range must rise, not {self.mass_range!r}")
        for systematic in self.systematics:
            if systematic not in SYSTEMATICS:
                raise UnknownNameError("systematic", systematic, SYSTEMATICS, self._where())

    def histogram_axes(self) -> tuple[str, ...]:
        """Return all axes that the histogram must have."""
        return (*self.axes, self.mass_axis, self.pass_axis)


@dataclass(frozen=True, kw_only=True)
class EfficiencyRatio(ScaleFactor):
    """Ratio of counted efficiencies, for events chosen without the tested requirement (a trigger).

    Args:
        pass_axis: histogram axis that is 1 for passing and 0 for failing objects.
    """

    method: ClassVar[str] = "pocket.scale_factors.efficiency_ratio:measure"

    pass_axis: str = "passing"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._refuse_axes((self.pass_axis,), "separates passing from failing")

    def histogram_axes(self) -> tuple[str, ...]:
        """Return all axes that the histogram must have."""
        return (*self.axes, self.pass_axis)


def _names(values: Iterable[str], key: str, where: str) -> tuple[str, ...]:
    if isinstance(values, str):
        raise ConfigError(f"{where}: {key} must be a list of names, not the text {values!r}")
    names = tuple(values)
    if not names or not all(names):
        raise ConfigError(f"{where}: {key} needs at least one name and no empty one, not {names!r}")
    if len(set(names)) < len(names):
        raise ConfigError(f"{where}: {key} names something twice: {', '.join(names)}")
    return names
