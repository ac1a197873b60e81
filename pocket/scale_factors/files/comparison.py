"""Comparison of a measured scale factor with a published one."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pocket.base.typing import Floats
from pocket.errors import ScaleFactorError, check_known
from pocket.histograms.config import finite_edges
from pocket.scale_factors.measurement.binning import Axis, Categories, bin_labels
from pocket.scale_factors.measurement.result import Measurement, ScaleFactorResult, sides
from pocket.scale_factors.validation.checks import Chi2, agreement

if TYPE_CHECKING:
    from correctionlib.highlevel import Correction

#: number of points per axis and bin at which a published scale factor is evaluated
POINTS = 5

#: value of an input of a correction
Value = str | float | int
#: axis of an input and its values in each bin of it, or no axis and one list for all bins
Source = tuple[str, Sequence[Sequence[Value]]]


@dataclass(frozen=True)
class Varied:
    """Values of a correction's input for the nominal scale factor, and for one standard deviation up and down."""

    nominal: str
    up: str
    down: str

    def __str__(self) -> str:
        return f"{self.nominal}:{self.up}:{self.down}"


@dataclass(frozen=True, eq=False)
class PublishedComparison:
    """A measured scale factor and a published one in its bins, arrays with one dimension per axis.

    Args:
        published: its values and errors; the errors are 0 if it has none.
        pulls: difference over the quadratic sum of the facing errors; 0 in bins without a valid measurement.
        chi2: χ² of all valid bins.
        ndf: rank of their covariance, which is their number unless sums are fixed.
        p_value: probability of a larger χ².
    """

    correction: str
    inputs: dict[str, str]
    published: Measurement
    pulls: Floats
    chi2: float
    ndf: int
    p_value: float


def read_inputs(texts: Mapping[str, str]) -> dict[str, str | Varied]:
    """Return inputs for :func:`compare_published`, with ``nominal:up:down`` converted to a :class:`Varied`."""
    inputs: dict[str, str | Varied] = {}
    for name, text in texts.items():
        values = text.split(":")
        if len(values) not in (1, 3):
            raise ScaleFactorError(
                f"input {name!r} is {text!r}, expected one value, or three as in nominal:up:down for errors"
            )
        inputs[name] = Varied(*values) if len(values) == 3 else text
    return inputs


def compare_published(
    result: ScaleFactorResult, correction: Correction, inputs: Mapping[str, str | Varied] | None = None
) -> PublishedComparison:
    """Return a published scale factor in the bins of a measured one, and their agreement.

    Each input of the correction is the axis with the same name, unless ``inputs`` has a value for it. In each bin the
    published values are averaged over :data:`POINTS` equally spaced points per axis, or over the integers in it for an
    integer input; bins that were measured together are averaged. A bin that is open to infinity is treated as wide as
    its neighbour.

    χ² = dᵀ C⁻¹ d with the difference d and C the covariance of the measurement plus the published variances; published
    errors are treated as independent of each other and of the measurement, since the file has no correlations.

    Args:
        inputs: input of the correction → a value, the name of an axis, or a :class:`Varied` for the errors.
    """
    inputs = inputs or {}
    name = f"correction {correction.name!r}"
    check_known("input", inputs, [variable.name for variable in correction.inputs], name)
    varied = [value for value in inputs.values() if isinstance(value, Varied)]
    if len(varied) > 1:
        raise ScaleFactorError(f"{name}: the values for errors belong to one input, not to {len(varied)}")
    if not result.valid.any():
        raise ScaleFactorError(f"{result.name}: no bin has a valid measurement to compare with")

    def evaluated(side: str) -> Floats:
        fixed = {key: getattr(value, side) if isinstance(value, Varied) else value for key, value in inputs.items()}
        return _evaluate(result, correction, fixed)

    nominal = evaluated("nominal")
    up, down = (evaluated(side) - nominal for side in ("up", "down")) if varied else np.zeros((2, *nominal.shape))
    published = Measurement(nominal, *sides((up, down)))
    together = _agreement(result, published)
    return PublishedComparison(
        correction=correction.name,
        inputs={key: str(value) for key, value in inputs.items()},
        published=published,
        pulls=_pulls(result, published),
        chi2=together.value,
        ndf=together.ndf,
        p_value=together.p_value,
    )


def _pulls(result: ScaleFactorResult, published: Measurement) -> Floats:
    difference = result.scale_factor.value - published.value
    above = difference > 0
    error = np.hypot(np.where(above, result.total_down, result.total_up), np.where(above, published.up, published.down))
    return np.divide(difference, error, out=np.zeros_like(difference), where=result.valid & (error > 0))


def _agreement(result: ScaleFactorResult, published: Measurement) -> Chi2:
    """Return the agreement of the groups with a valid measurement."""
    valid = result.per_group(result.valid)
    difference = result.per_group(result.scale_factor.value - published.value)[valid]
    errors = result.per_group((published.up + published.down) / 2)[valid]
    covariance = result.covariance[np.ix_(valid, valid)] + np.diag(errors**2)
    return agreement(difference, covariance)


def _evaluate(result: ScaleFactorResult, correction: Correction, fixed: Mapping[str, str]) -> Floats:
    """Return the correction in the bins of a scale factor, averaged over bins that were measured together."""
    sources = [_source(result, correction.name, input_.name, input_.type, fixed) for input_ in correction.inputs]
    values = np.empty(result.groups.shape)
    for index, label in zip(np.ndindex(values.shape), bin_labels(result.axes), strict=True):
        bins = dict(zip(result.axes, index, strict=True))
        points = list(itertools.product(*(values_of[bins.get(axis, 0)] for axis, values_of in sources)))
        values[index] = np.mean([_value(correction, point, label) for point in points])
        if not np.isfinite(values[index]):
            raise ScaleFactorError(f"correction {correction.name!r} isn't finite in {label}")
    binning = result.binning
    return binning.expand(binning.collapse(values) / binning.collapse(np.ones_like(values)))


def _value(correction: Correction, point: Sequence[Value], label: str) -> float:
    try:
        return float(correction.evaluate(*point))
    except (IndexError, RuntimeError, TypeError) as error:  # The correction doesn't cover this category or range.
        names = (input_.name for input_ in correction.inputs)
        at = ", ".join(f"{name}={value}" for name, value in zip(names, point, strict=True))
        raise ScaleFactorError(
            f"correction {correction.name!r} can't be evaluated in {label} ({at}): {error}"
        ) from None


def _source(result: ScaleFactorResult, correction: str, name: str, kind: str, fixed: Mapping[str, str]) -> Source:
    where = f"input {name!r} of correction {correction!r}"
    text = fixed.get(name, name)
    if text in result.axes:
        return text, _points(result.axes[text], kind == "int", f"{where}: axis {text!r}")
    if name not in fixed:
        raise ScaleFactorError(
            f"{where} ({kind}) is no axis of {result.name} ({', '.join(result.axes)}) and has no value: give it as "
            f"{name}=value, or {name}=nominal:up:down if it says which uncertainty"
        )
    kinds: dict[str, type[Value]] = {"string": str, "int": int, "real": float}
    try:
        return "", [[kinds[kind](text)]]
    except ValueError:
        expected = "an integer" if kind == "int" else "a number"
        raise ScaleFactorError(
            f"{where} must be {expected} or an axis of {result.name} ({', '.join(result.axes)}), not {text!r}"
        ) from None


def _points(axis: Axis, whole: bool, where: str) -> list[list[Value]]:
    """Return values in each bin: equally spaced ones, or all integers."""
    if isinstance(axis, Categories):
        return [[value] for value in axis.values]
    points: list[list[Value]] = []
    for low, high in itertools.pairwise(finite_edges(axis).tolist()):
        if whole:
            points.append([*range(math.ceil(low), math.ceil(high))])
        else:
            points.append([low + (high - low) * (step + 0.5) / POINTS for step in range(POINTS)])
        if not points[-1]:
            raise ScaleFactorError(f"{where} has no integer between {low:g} and {high:g}")
    return points
