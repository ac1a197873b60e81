"""Results of fits as plain records, which are written as JSON and read back."""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any

from pocket.errors import StatisticsError

#: (downwards, upwards), each a positive number if the value goes that way
Pair = tuple[float, float]


@dataclass(frozen=True)
class ParameterResult:
    """A parameter after the fit.

    Args:
        kind: ``"poi"``, ``"free"`` or ``"nuisance"``.
        error: parabolic error; that of a nuisance was 1 before the fit.
        floating: whether the fit could change it.
        bound: ``"lower"`` or ``"upper"`` if the value is at that bound of its range.
        pull: for nuisances, distance from the measured value, in units of the error before the fit.
    """

    name: str
    kind: str
    value: float
    error: float
    floating: bool = True
    bound: str | None = None
    pull: float | None = None


@dataclass(frozen=True)
class FitResult:
    """The best fit.

    Args:
        correlation: names of the floating parameters, and their correlations in that order, row by row.
        deviance: −2·ln of the ratio to the saturated likelihood.
        distance: estimated distance of the deviance from its minimum.
    """

    parameters: dict[str, ParameterResult]
    # A hundred parameters have ten thousand correlations, so they aren't shown.
    correlation: tuple[tuple[str, ...], tuple[tuple[float, ...], ...]] = field(repr=False)
    deviance: float
    iterations: int
    distance: float
    minimiser: str


@dataclass(frozen=True)
class Interval:
    """A confidence interval of one parameter, from its profile.

    Args:
        bounded: whether (the lower, the upper) end is a bound of the range instead of a crossing.
    """

    name: str
    value: float
    low: float
    high: float
    level: float
    bounded: tuple[bool, bool] = (False, False)

    @property
    def errors(self) -> Pair:
        """Distances (down, up) of the ends from the value."""
        return self.value - self.low, self.high - self.value


@dataclass(frozen=True)
class Scan:
    """The profile of one parameter or two.

    Args:
        rise: by how much the deviance is above its minimum, by point.
    """

    names: tuple[str, ...]
    points: tuple[tuple[float, ...], ...]
    rise: tuple[float, ...]
    best: tuple[float, ...]


@dataclass(frozen=True)
class Impact:
    """The effect of one parameter on those of interest.

    Args:
        errors: distances (down, up) at which the deviance has risen by one.
        effects: parameter of interest → its changes (with the parameter down, with it up), with their signs.
        measured: value that an auxiliary measurement gives it; 1 for a factor such as that of few simulated events.
        prior: its error before the fit.
    """

    name: str
    value: float
    errors: Pair
    effects: dict[str, Pair]
    measured: float = 0.0
    prior: float = 1.0

    @property
    def pull(self) -> float:
        """Distance from the measured value, in units of the error before the fit."""
        return (self.value - self.measured) / self.prior

    @property
    def constraint(self) -> Pair:
        """Errors (down, up) in units of that before the fit."""
        return self.errors[0] / self.prior, self.errors[1] / self.prior

    def size(self, poi: str) -> float:
        """Return the largest change of a parameter of interest, without its sign."""
        return max(map(abs, self.effects[poi]))


@dataclass(frozen=True)
class Breakdown:
    """The error of a parameter of interest by group of nuisances.

    Args:
        total: its errors (down, up).
        groups: group → by how much, in quadrature, the errors shrink if its parameters don't float. ``"mc_stat"`` are
            the statistical errors of simulation, ``"stat"`` is what is left if neither these nor nuisances float.
    """

    poi: str
    value: float
    total: Pair
    groups: dict[str, Pair] = field(default_factory=dict)


@dataclass(frozen=True)
class Significance:
    """The significance of a signal.

    Args:
        statistic: q₀, by how much the deviance is larger without signal; infinite if there are data of which nothing
            is expected then.
        significance: √q₀, in standard deviations.
    """

    poi: str
    statistic: float
    significance: float
    p_value: float


@dataclass(frozen=True)
class UpperLimit:
    """An upper limit of a parameter of interest by the CLs method.

    Args:
        observed: the limit; NaN if it isn't found.
        expected: the limits without signal at −2, −1, 0, 1, 2 standard deviations of the data; NaN where none is found.
        range_end: upper end of the parameter's range if a limit is beyond it.
        missing: limit that isn't found → the reason.
    """

    poi: str
    level: float
    observed: float
    expected: tuple[float, ...]
    range_end: float | None = None
    missing: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class GoodnessOfFit:
    """The test of a model against the saturated one.

    Args:
        degrees: bins less the parameters without constraint.
        p_value: probability of a larger one, if it follows a χ² distribution.
        regions: region → the share of its bins in the deviance; the rest is from the constraints of nuisances.
        p_toys: share of the toys with at least that of the data; None without toys.
        failed: number of toys whose fit has no minimum, which aren't among these.
    """

    deviance: float
    degrees: int
    p_value: float
    regions: dict[str, float] = field(default_factory=dict)
    toys: tuple[float, ...] = ()
    p_toys: float | None = None
    failed: int = 0


@dataclass(frozen=True)
class PointToys:
    """Fits of toys at a point of a parameter of interest.

    Args:
        at: its value in the toys.
        tested: its value in the fits that are compared with the best ones.
        rise: by how much the deviance at the tested value is above its minimum, by toy.
        failed: number of toys whose fit has no minimum, which aren't among these.
    """

    poi: str
    at: float
    tested: float
    best: tuple[float, ...]
    rise: tuple[float, ...]
    failed: int = 0


@dataclass(frozen=True)
class ToyLimit:
    """An upper limit by the CLs method, from toys.

    Args:
        error: its error from the number of toys.
        expected: the limits without signal at −2, −1, 0, 1, 2 standard deviations; NaN beyond the points.
        cls, errors: CLs of the data and its error, by point.
    """

    poi: str
    level: float
    observed: float
    error: float
    expected: tuple[float, ...]
    points: tuple[float, ...]
    cls: tuple[float, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True)
class ToySignificance:
    """The significance of a signal, from toys without one.

    Args:
        p_value: share of the toys that look at least as much like a signal.
        significance: the same in standard deviations, a lower limit if no toy does.
    """

    poi: str
    p_value: float
    error: float
    significance: float
    toys: int
    above: int


@dataclass(frozen=True)
class ToyInterval:
    """The interval of Feldman and Cousins.

    Args:
        bounded: whether (the lower, the upper) end is that of the range or of the points.
        rise, critical: rise of the deviance of the data, and the one that a share ``level`` of toys doesn't exceed, by
            point.
    """

    poi: str
    level: float
    value: float
    low: float
    high: float
    bounded: tuple[bool, bool]
    points: tuple[float, ...]
    rise: tuple[float, ...]
    critical: tuple[float, ...]


@dataclass(frozen=True)
class NoResult:
    """A result that isn't found, which is no reason to have no others.

    Args:
        result: what was asked for, such as ``"impacts"``.
        name: the parameter, or two of them.
        reason: why there is none.
    """

    result: str
    name: str
    reason: str


@dataclass(frozen=True)
class Confirmation:
    """The best fit once more, by the other minimiser from the start.

    Args:
        converged: whether it found a minimum.
        difference: its smallest deviance less that of the best fit.
    """

    minimiser: str
    converged: bool
    difference: float


#: the classes above by their names in JSON
RECORDS: dict[str, Any] = {name: one for name, one in list(globals().items()) if dataclasses.is_dataclass(one)}


def to_json(result: Any) -> str:
    """Return records as JSON.

    Args:
        result: a record, or lists and dictionaries of them.

    >>> from_json(to_json(Interval("r", 1.0, 0.5, float("inf"), 0.68)))
    Interval(name='r', value=1.0, low=0.5, high=inf, level=0.68, bounded=(False, False))
    """
    return json.dumps(_plain(result), indent=1, allow_nan=False)


def from_json(text: str) -> Any:
    """Return the records that :func:`to_json` has written.

    Raises:
        StatisticsError: if the text is something else.
    """
    try:
        return _restored(json.loads(text))
    except (ValueError, TypeError, KeyError) as error:
        raise StatisticsError(f"the text isn't the JSON of a result: {error}") from None


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {entry.name: _plain(getattr(value, entry.name)) for entry in dataclasses.fields(value)}
        return {"record": type(value).__name__, **fields}
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"number": repr(float(value))}
    return value


def _restored(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_restored(inner) for inner in value)
    if not isinstance(value, dict):
        return value
    if set(value) == {"number"}:
        return float(value["number"])
    if isinstance(value.get("record"), str):
        fields = {key: _restored(inner) for key, inner in value.items() if key != "record"}
        return RECORDS[value["record"]](**fields)
    return {key: _restored(inner) for key, inner in value.items()}
