"""Result of a measurement: values, errors, their correlation and the fits."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.base.typing import Floats
from pocket.scale_factors.declarations.measured import Flow
from pocket.scale_factors.measurement.binning import Axis, Binning, Categories
from pocket.scale_factors.methods.pass_fail_template.diagnostics import TemplateFitDiagnostics

#: status of a bin whose fit converged or whose counts suffice
VALID = "valid"
#: status of a bin whose value isn't measured but given, with its uncertainty
FROZEN = "frozen"
#: status of a valid bin that was measured together with its neighbours
JOINED = "joined"

#: signed shifts up and down of a value
Shifts = tuple[Floats, Floats]


@dataclass(frozen=True, eq=False)
class Measurement:
    """Values with asymmetric errors, one dimension per axis of the scale factor.

    Args:
        value: nominal values.
        up: distance to the upper end of the 68.3 % interval, not negative.
        down: distance to the lower end, not negative.
    """

    value: Floats
    up: Floats
    down: Floats


@dataclass(frozen=True, eq=False)
class Region:
    """Mass spectrum of the passing or failing pairs in one bin."""

    data: Floats
    errors: Floats
    prefit_signal: Floats
    prefit_background: Floats
    postfit_signal: Floats
    postfit_background: Floats


@dataclass(frozen=True, eq=False)
class FitDiagnostics:
    """One fit, with the details for plots.

    Args:
        label: the bin, e.g. ``pt [25, 30), abseta [0, 1.2)``.
        mass_edges: edges of the mass bins [unit of the mass axis].
        chi2: twice the logarithm of the likelihood ratio to the saturated model.
        status: :data:`VALID`, or the failure.
        overridden: settings of this bin alone; empty if it has those of all bins.
    """

    label: str
    model: str
    mass_edges: Floats
    regions: dict[str, Region]
    chi2: float
    ndf: int
    parameters: dict[str, tuple[float, float]]
    status: str
    attempts: int
    overridden: str = ""


#: one fit, with the details for plots
Diagnostics = FitDiagnostics | TemplateFitDiagnostics


@dataclass(frozen=True, eq=False)
class Measured:
    """Output of a method: numbers per group of bins, all of shape (groups,).

    With ``leading`` the shape is (categories × groups,), with all groups of the first category first.

    Args:
        values: the scale factor with its statistical errors; for an efficiency map the efficiency.
        efficiencies: efficiencies in ``data`` and in ``mc`` with their statistical errors, if there are any.
        systematics: source → shifts, for sources that the method determines itself.
        coupled: variation → shifts, for variations of a weight that is applied together with this scale factor. They
            are written, but aren't uncertainties of it.
        covariance: statistical covariance, shape (groups, groups); ``None`` if the groups are independent.
        status: status per group; empty if all are valid.
        diagnostics: the fits of the measurement.
        leading: name and categories of an additional first axis, for methods that measure several scale factors at
            once.
    """

    values: Measurement
    efficiencies: Mapping[str, Measurement] = field(default_factory=dict)
    systematics: Mapping[str, Shifts] = field(default_factory=dict)
    coupled: Mapping[str, Shifts] = field(default_factory=dict)
    covariance: Floats | None = None
    status: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostics, ...] = ()
    leading: tuple[str, Categories] | None = None

    @property
    def statuses(self) -> tuple[str, ...]:
        """Status of each value."""
        return self.status or (VALID,) * len(self.values.value)

    def labels(self, groups: Sequence[str]) -> list[str]:
        """Return the label of each value, from those of the groups."""
        first = [f"{self.leading[0]} {one}, " for one in self.leading[1].values] if self.leading else [""]
        return [f"{category}{label}" for category in first for label in groups]


@dataclass(frozen=True, eq=False)
class ScaleFactorResult:
    """A measured scale factor, one dimension per axis.

    Args:
        quantity: ``weight``, ``efficiency`` for a map of efficiencies, or ``calibration`` of objects.
        axes: edges or categories of each axis, in the order of the correction's inputs.
        flow: ``clamp`` or ``error`` per axis with edges.
        systematics: source → signed shifts of the scale factor up and down; one source moves all bins together.
        groups: number of each bin's group; bins of one group were measured together.
        status: status per bin, C order.
        efficiencies: efficiencies in ``data`` and ``mc`` with statistical errors; empty if the method has none.
        coupled: shifts in variations of a weight that is applied together with it; not uncertainties.
        stat_covariance: statistical covariance of the groups; ``None`` if they are independent.
    """

    name: str
    method: str
    description: str
    quantity: str
    axes: dict[str, Axis]
    flow: dict[str, Flow]
    scale_factor: Measurement
    systematics: dict[str, Shifts]
    groups: npt.NDArray[np.int64]
    status: tuple[str, ...]
    efficiencies: dict[str, Measurement] = field(default_factory=dict)
    coupled: dict[str, Shifts] = field(default_factory=dict)
    stat_covariance: Floats | None = None
    diagnostics: tuple[Diagnostics, ...] = ()

    @property
    def binning(self) -> Binning:
        """The bins with their groups."""
        return Binning(self.axes, self.groups)

    @property
    def valid(self) -> npt.NDArray[np.bool_]:
        """Whether each bin has a measurement, one dimension per axis."""
        return np.isin(self.status, (VALID, JOINED, FROZEN)).reshape(self.scale_factor.value.shape)

    @property
    def total_up(self) -> Floats:
        """Statistical error and the upward shift of each source, added in quadrature."""
        return np.sqrt(sum((sides(pair)[0] ** 2 for pair in self.systematics.values()), self.scale_factor.up**2))

    @property
    def total_down(self) -> Floats:
        """Statistical error and the downward shift of each source, added in quadrature; not negative."""
        return np.sqrt(sum((sides(pair)[1] ** 2 for pair in self.systematics.values()), self.scale_factor.down**2))

    @property
    def statistical_covariance(self) -> Floats:
        """Statistical covariance of the groups, shape (groups, groups).

        Independent groups have the mean of up and down as standard deviation.
        """
        if self.stat_covariance is not None:
            return self.stat_covariance
        return np.diag(self.per_group((self.scale_factor.up + self.scale_factor.down) / 2) ** 2)

    @property
    def covariance(self) -> Floats:
        """Covariance of the groups, shape (groups, groups).

        Each systematic source is one common shift, half of the difference between up and down.
        """
        matrix = self.statistical_covariance.copy()
        for up, down in self.systematics.values():
            shift = self.per_group((up - down) / 2)
            matrix += np.outer(shift, shift)
        return matrix

    def per_group(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the values of the groups, shape (groups,), from bins whose values are equal within a group."""
        _, first = np.unique(self.groups, return_index=True)
        picked: npt.NDArray[Any] = values.ravel()[first]
        return picked

    def to_json(self) -> str:
        """Return plain JSON, from which :meth:`from_json` restores the result without loss."""
        content = {key.name: getattr(self, key.name) for key in fields(self)}
        content["axes"] = {
            name: {"categories": axis.values}
            if isinstance(axis, Categories)
            else [edge if np.isfinite(edge) else str(edge) for edge in axis]
            for name, axis in self.axes.items()
        }
        return json.dumps(content, default=_plain, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> ScaleFactorResult:
        """Return the result from the output of :meth:`to_json`."""
        content = json.loads(text)
        axes = {
            name: Categories(tuple(axis["categories"]))
            if isinstance(axis, dict)
            else tuple(float(edge) for edge in axis)
            for name, axis in content["axes"].items()
        }
        covariance = content["stat_covariance"]
        return cls(
            **{key: content[key] for key in ("name", "method", "description", "quantity", "flow")},
            axes=axes,
            scale_factor=Measurement(**_arrays(content["scale_factor"])),
            systematics=_shifts(content["systematics"]),
            groups=np.array(content["groups"], dtype=np.int64),
            status=tuple(content["status"]),
            efficiencies={of: Measurement(**_arrays(values)) for of, values in content["efficiencies"].items()},
            coupled=_shifts(content["coupled"]),
            stat_covariance=None if covariance is None else np.array(covariance, dtype=float),
            diagnostics=tuple(_diagnostics(fit) for fit in content["diagnostics"]),
        )


def sides(shifts: Shifts) -> tuple[Floats, Floats]:
    """Return the absolute sizes of shifts upwards and downwards, whichever variation they come from."""
    return np.maximum(np.maximum(*shifts), 0.0), np.maximum(-np.minimum(*shifts), 0.0)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {key: part for key, part in asdict(value).items() if key != "overridden" or part}
    return np.ndarray.tolist(value)


def _shifts(content: Mapping[str, list[Any]]) -> dict[str, Shifts]:
    return {name: (np.array(up, dtype=float), np.array(down, dtype=float)) for name, (up, down) in content.items()}


def _arrays(lists: Mapping[str, list[Any]]) -> dict[str, Floats]:
    return {key: np.array(values, dtype=float) for key, values in lists.items()}


def _diagnostics(content: dict[str, Any]) -> Diagnostics:
    if "nuisances" in content:
        return TemplateFitDiagnostics.from_plain(content)
    return FitDiagnostics(
        **{key: content[key] for key in ("label", "model", "chi2", "ndf", "status", "attempts")},
        mass_edges=np.array(content["mass_edges"], dtype=float),
        regions={name: Region(**_arrays(region)) for name, region in content["regions"].items()},
        parameters={name: (value, error) for name, (value, error) in content["parameters"].items()},
        overridden=content.get("overridden", ""),
    )
