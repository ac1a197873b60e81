"""Treatment of the templates of one process and one nuisance, from stored variations to what enters the model.

The steps are, in this order: bins that aren't positive, a side that is missing, symmetrise, smooth, shape or rate
alone, share of the correlation between years, prune. Each that changes something is recorded with what was before and
after.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pocket.base.typing import Floats, Mask
from pocket.statistics.declarations import Prune
from pocket.statistics.smoothing import smooth

#: smallest factor of a yield; a variation that leaves less is cut off there
SMALLEST_FACTOR = 1e-2

#: changes below this are rounding of sums
_ROUNDING = 1e-12

#: templates (up, down)
Pair = tuple[Floats, Floats]


@dataclass(frozen=True)
class Step:
    """A step of the treatment that changed templates by a method or for a reason, with name → template."""

    name: str
    how: str
    before: dict[str, Floats]
    after: dict[str, Floats]

    def plain(self) -> dict[str, Any]:
        """Return the step as plain data."""
        before, after = (
            {name: values.tolist() for name, values in templates.items()} for templates in (self.before, self.after)
        )
        return {"step": self.name, "how": self.how, "before": before, "after": after}


@dataclass(frozen=True)
class Options:
    """How the templates of a nuisance are treated, see :class:`~pocket.statistics.declarations.Stored`.

    The share is the power of effects that this parameter has: √ρ or √(1 − ρ) for partly correlated years.
    """

    symmetrise: str | None = None
    smooth: str | None = None
    only: str | None = None
    share: float = 1.0
    prune: Prune | None = None


@dataclass(frozen=True, eq=False)
class Treated:
    """The effect of a nuisance on a process in a region.

    Args:
        factors: factors of the yield (at −1, at +1).
        shapes: templates (up, down), or ``None`` if the effect is a factor of the yield or nothing.
        kind: ``"shape"``, ``"rate"`` for a factor alone, or ``"pruned"``.
        largest: largest relative change of a bin at the same yield.
    """

    factors: tuple[float, float]
    shapes: Pair | None
    kind: str
    largest: float
    steps: tuple[Step, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "kind": self.kind,
            "factors": list(self.factors),
            "largest_shape": self.largest,
            "steps": [step.plain() for step in self.steps],
        }


def remove_negative(values: Floats) -> tuple[Floats, Mask]:
    """Return a template whose negative bins are 0, at the same yield if that is positive, and these bins."""
    negative = values < 0
    if not negative.any():
        return values, negative
    positive = np.where(negative, 0, values)
    total, kept = values.sum(), positive.sum()
    return positive * (total / kept if total > 0 else 1.0), negative


def symmetrise(nominal: Floats, pair: Pair, how: str) -> Pair:
    """Return templates (up, down) that differ from nominal by opposite changes, see :class:`Options`."""
    up, down = pair
    if how == "average":
        change = (up - down) / 2
    elif how == "mirror":
        change = nominal - down if np.array_equal(up, nominal) else up - nominal
    else:
        # The sign is that of the difference of both sides, which a fluctuation of one of them doesn't turn.
        size = np.maximum(np.abs(up - nominal), np.abs(down - nominal))
        change = np.where(up >= down, size, -size)
    return nominal + change, nominal - change


def at_yield(values: Floats, total: float) -> Floats:
    """Return a template scaled to a yield; one that is empty stays as it is.

    >>> at_yield(np.array([1.0, 3.0]), 8.0).tolist()
    [2.0, 6.0]
    """
    present = values.sum()
    return values * (total / present) if present > 0 else values


def take_share(nominal: Floats, values: Floats, share: float) -> Floats:
    """Return a template with a part of its change: the power of the factor of the yield, and that part of the shape.

    Yields with shares √ρ and √(1 − ρ), of a common parameter and of one for each year, have the correlation ρ.
    """
    if share == 1:
        return values
    total = nominal.sum()
    factor = (values.sum() / total) ** share
    return np.asarray(factor * ((1 - share) * nominal + share * at_yield(values, total)))


def largest_shape(nominal: Floats, pair: Pair) -> float:
    """Return the largest relative change of a bin by either template, at the yield of nominal."""
    filled = nominal > 0
    changes = [
        np.abs(at_yield(values, nominal.sum())[filled] / nominal[filled] - 1).max(initial=0.0) for values in pair
    ]
    if any((values[~filled] > 0).any() for values in pair):
        return math.inf
    return float(max(changes))


@dataclass
class _Work:
    """Templates on their way, and the steps so far."""

    pair: Pair
    steps: list[Step] = field(default_factory=list)

    def apply(self, name: str, how: str, pair: Pair) -> None:
        if all(np.array_equal(new, old) for new, old in zip(pair, self.pair, strict=True)):
            return
        before, after = (dict(zip(("up", "down"), each, strict=True)) for each in (self.pair, pair))
        self.steps.append(Step(name, how, before, after))
        self.pair = pair


def treat(
    nominal: Floats,
    variances: Floats,
    sides: Sequence[Floats | None],
    options: Options,
    removed: Mask | None = None,
) -> Treated:
    """Return the effect of a nuisance on a process in a region.

    Args:
        nominal: treated template, shape (bins,), without negative bins and with a positive sum.
        sides: stored templates (up, down), of which one may be missing.
        removed: bins that were negative in nominal, so that variations have nothing there either.
    """
    up, down = (nominal if side is None else side for side in sides)
    work = _Work((up, down))
    _make_positive(work, nominal, removed)
    missing = [side is None for side in sides]
    if any(missing) and not all(missing):
        up, down = work.pair
        mirrored = (2 * nominal - down, down) if missing[0] else (up, 2 * nominal - up)
        work.apply("one-sided", "the missing side is mirrored", mirrored)
    if options.symmetrise:
        work.apply("symmetrise", options.symmetrise, symmetrise(nominal, work.pair, options.symmetrise))
    if options.smooth:
        up, down = (smooth(values, nominal, variances, options.smooth) for values in work.pair)
        work.apply("smooth", options.smooth, (up, down))
    if options.symmetrise or options.smooth or any(missing):
        # Mirrored sides may be negative, and shapes at fixed yield need a yield.
        _make_positive(work, nominal, removed)
    total = nominal.sum()
    if options.only == "shape":
        up, down = (at_yield(values, total) for values in work.pair)
        work.apply("shape only", "yields as nominal", (up, down))
    elif options.only == "rate":
        up, down = (nominal * (values.sum() / total) for values in work.pair)
        work.apply("rate only", "shapes as nominal", (up, down))
    if options.share != 1:
        up, down = (take_share(nominal, values, options.share) for values in work.pair)
        work.apply("share of years", f"{options.share:.6g} of the effect", (up, down))
    return _prune(work, nominal, options)


def _make_positive(work: _Work, nominal: Floats, removed: Mask | None) -> None:
    """Remove negative bins and those that nominal lost, at the same yields, which must leave something of nominal."""
    pair = []
    least = SMALLEST_FACTOR * nominal.sum()
    for values in work.pair:
        total = values.sum()
        changed, _ = remove_negative(values)
        if removed is not None and changed[removed].any():
            changed = np.where(removed, 0, changed)
        if total < least or not changed.sum() > 0:
            changed = nominal * SMALLEST_FACTOR
        elif changed is not values:
            changed = at_yield(changed, total)
        pair.append(changed)
    work.apply("bins", "bins that aren't positive are 0, at the same yield", (pair[0], pair[1]))


def _prune(work: _Work, nominal: Floats, options: Options) -> Treated:
    total = nominal.sum()
    up, down = work.pair
    factors = float(down.sum() / total), float(up.sum() / total)
    if all(abs(factor - 1) < _ROUNDING for factor in factors):
        factors = (1.0, 1.0)
    largest = largest_shape(nominal, work.pair) if len(nominal) > 1 else 0.0
    limits = options.prune or Prune()
    keeps_rate = any(abs(factor - 1) >= limits.rate for factor in factors) and factors != (1.0, 1.0)
    keeps_shape = largest > _ROUNDING and largest >= limits.shape
    reasons = []
    if not keeps_rate and factors != (1.0, 1.0):
        if keeps_shape:
            work.pair = (at_yield(up, total), at_yield(down, total))
            reasons.append(f"rate below {limits.rate:g}")
        factors = (1.0, 1.0)
    shapes = work.pair if keeps_shape else None
    kind = "shape" if keeps_shape else "rate" if keeps_rate else "pruned"
    if not keeps_shape and largest > _ROUNDING:
        reasons.append(f"shape below {limits.shape:g}")
    if kind == "pruned":
        reasons.append(f"rate below {limits.rate:g}" if limits.rate else "no effect")
    # The factors show what these steps leave out.
    steps = (*work.steps, *(Step("prune", reason, {}, {}) for reason in reasons))
    return Treated(factors, shapes, kind, largest, steps)
