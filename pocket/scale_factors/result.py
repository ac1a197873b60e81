"""What a scale-factor measurement gives: values, errors, their correlation and the fits behind them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.scale_factors.declarations import Flow

Array = npt.NDArray[np.float64]

#: Status of a bin whose fit converged or whose counts suffice.
VALID = "valid"


@dataclass(frozen=True, eq=False)
class Measurement:
    """Values with asymmetric errors, one dimension per axis of the scale factor.

    Args:
        value: nominal values.
        up: distance to the upper end of the 68.3 % interval, not negative.
        down: distance to the lower end, not negative.
    """

    value: Array
    up: Array
    down: Array


@dataclass(frozen=True, eq=False)
class Region:
    """Mass spectrum of the passing or failing pairs in one bin.

    Args:
        data: counts per mass bin.
        errors: their Poisson errors √N.
        prefit_signal: signal of the model before the fit, per mass bin.
        prefit_background: background before the fit.
        postfit_signal: signal after the fit.
        postfit_background: background after the fit.
    """

    data: Array
    errors: Array
    prefit_signal: Array
    prefit_background: Array
    postfit_signal: Array
    postfit_background: Array


@dataclass(frozen=True, eq=False)
class FitDiagnostics:
    """One fit, in the detail a plot needs.

    Args:
        label: the bin, e.g. ``pt [25, 30), abseta [0, 1.2)``.
        model: ``nominal`` or the name of the systematic.
        mass_edges: edges of the mass bins [unit of the mass axis].
        regions: spectra of ``pass`` and ``fail``.
        chi2: twice the logarithm of the likelihood ratio to the saturated model.
        ndf: mass bins in both regions less free parameters.
        parameters: value and error of each parameter.
        status: :data:`VALID`, or what failed.
        attempts: minimisations it took.
    """

    label: str
    model: str
    mass_edges: Array
    regions: dict[str, Region]
    chi2: float
    ndf: int
    parameters: dict[str, tuple[float, float]]
    status: str
    attempts: int


@dataclass(frozen=True, eq=False)
class ScaleFactorResult:
    """A measured scale factor.

    Args:
        name: name of the scale factor.
        method: name of the declaration's class.
        description: text for the written correction.
        axes: edges of each axis, in the order of the correction's inputs; may end at ± infinity.
        flow: ``clamp`` or ``error`` per axis.
        efficiency_data: efficiency in data, statistical errors.
        efficiency_mc: efficiency in simulation, statistical errors.
        scale_factor: their ratio, statistical errors.
        systematics: per source the shift of the scale factor up and down, with sign; one source moves all bins
            together.
        status: status per bin, C order.
        diagnostics: the fits, if the method makes any.
    """

    name: str
    method: str
    description: str
    axes: dict[str, tuple[float, ...]]
    flow: dict[str, Flow]
    efficiency_data: Measurement
    efficiency_mc: Measurement
    scale_factor: Measurement
    systematics: dict[str, tuple[Array, Array]]
    status: tuple[str, ...]
    diagnostics: tuple[FitDiagnostics, ...] = ()

    @property
    def total_up(self) -> Array:
        """Statistical error and the upward shift of each source, added in quadrature."""
        shifts = [np.maximum(np.maximum(*pair), 0.0) for pair in self.systematics.values()]
        return np.sqrt(sum((shift**2 for shift in shifts), self.scale_factor.up**2))

    @property
    def total_down(self) -> Array:
        """Statistical error and the downward shift of each source, added in quadrature; not negative."""
        shifts = [np.minimum(np.minimum(*pair), 0.0) for pair in self.systematics.values()]
        return np.sqrt(sum((shift**2 for shift in shifts), self.scale_factor.down**2))

    @property
    def covariance(self) -> Array:
        """Covariance of the bins (C order), shape (bins, bins).

        Statistical errors are independent, with the mean of up and down as standard deviation; each systematic
        source is one common shift, half of the difference between up and down.
        """
        matrix = np.diag(((self.scale_factor.up + self.scale_factor.down) / 2).ravel() ** 2)
        for up, down in self.systematics.values():
            shift = ((up - down) / 2).ravel()
            matrix += np.outer(shift, shift)
        return matrix

    def to_json(self) -> str:
        """Return plain JSON that :meth:`from_json` reads back without loss.

        Raises:
            ValueError: if a number other than an edge isn't finite.
        """
        content = asdict(self)
        content["axes"] = {
            name: [edge if np.isfinite(edge) else str(edge) for edge in edges] for name, edges in self.axes.items()
        }
        return json.dumps(content, default=np.ndarray.tolist, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> ScaleFactorResult:
        """Read what :meth:`to_json` wrote."""
        content = json.loads(text)
        return cls(
            name=content["name"],
            method=content["method"],
            description=content["description"],
            axes={name: tuple(float(edge) for edge in edges) for name, edges in content["axes"].items()},
            flow=content["flow"],
            efficiency_data=Measurement(**_arrays(content["efficiency_data"])),
            efficiency_mc=Measurement(**_arrays(content["efficiency_mc"])),
            scale_factor=Measurement(**_arrays(content["scale_factor"])),
            systematics={
                source: (np.array(up, dtype=float), np.array(down, dtype=float))
                for source, (up, down) in content["systematics"].items()
            },
            status=tuple(content["status"]),
            diagnostics=tuple(_diagnostics(fit) for fit in content["diagnostics"]),
        )


def _arrays(lists: Mapping[str, list[Any]]) -> dict[str, Array]:
    return {key: np.array(values, dtype=float) for key, values in lists.items()}


def _diagnostics(content: dict[str, Any]) -> FitDiagnostics:
    return FitDiagnostics(
        **{key: content[key] for key in ("label", "model", "chi2", "ndf", "status", "attempts")},
        mass_edges=np.array(content["mass_edges"], dtype=float),
        regions={name: Region(**_arrays(region)) for name, region in content["regions"].items()},
        parameters={name: (value, error) for name, (value, error) in content["parameters"].items()},
    )
