"""Pulls of measurements repeated with toys, and the bars that they must pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pocket.errors import ScaleFactorError
from pocket.scale_factors.measurement.result import Measurement

Array = npt.NDArray[np.float64]
Window = tuple[float, float]


@dataclass(frozen=True)
class Bars:
    """Limits on pulls.

    Args:
        mean: largest absolute mean of all pulls.
        width: lowest and highest standard deviation of all pulls.
        bin_mean: like ``mean``, in each bin.
        bin_width: like ``width``, in each bin.
        valid: smallest share of toys in which a measurement succeeds.
    """

    mean: float = 0.1
    width: Window = (0.9, 1.1)
    bin_mean: float = 0.3
    bin_width: Window = (0.8, 1.2)
    valid: float = 0.99


#: limits for 20 toys with some bins
WIDE = Bars(mean=0.3, width=(0.8, 1.2), bin_mean=1.0, bin_width=(0.4, 1.6), valid=1.0)


@dataclass(frozen=True)
class Pulls:
    """Pulls of many toys.

    Args:
        values: (measured − true value) / error towards it, shape (toys that succeeded, bins).
        toys: number of toys.
    """

    values: Array
    toys: int

    def failures(self, bars: Bars) -> set[str]:
        """Return the names of the limits that are exceeded."""
        if not len(self.values):
            return {"valid"}
        means, widths = self.values.mean(axis=0), self.values.std(axis=0)
        passed = {
            "mean": abs(self.values.mean()) < bars.mean,
            "width": bars.width[0] < self.values.std() < bars.width[1],
            "bin_mean": np.abs(means).max() < bars.bin_mean,
            "bin_width": bars.bin_width[0] < widths.min() and widths.max() < bars.bin_width[1],
            "valid": len(self.values) >= bars.valid * self.toys,
        }
        return {name for name, fine in passed.items() if not fine}

    def __str__(self) -> str:
        if not len(self.values):
            return f"0/{self.toys} valid"
        means, widths = self.values.mean(axis=0), self.values.std(axis=0)
        return (
            f"{len(self.values)}/{self.toys} valid, pulls: mean {self.values.mean():+.3f} width "
            f"{self.values.std():.3f}, per bin: |mean| up to {np.abs(means).max():.2f} width {widths.min():.2f} to "
            f"{widths.max():.2f}"
        )


@dataclass(frozen=True)
class Closure:
    """A measurement in toys.

    Args:
        measure: function that returns the measurement for a seed.
        truth: the true values, with the shape of the measurement.
    """

    measure: Callable[[int], Measurement]
    truth: Array

    def pulls(self, seeds: Iterable[int]) -> Pulls:
        """Return the pulls of all toys in which the measurement succeeds."""
        pulls, toys = [], 0
        for seed in seeds:
            toys += 1
            try:
                measured = self.measure(seed)
            except ScaleFactorError:
                continue
            distance = measured.value - self.truth
            pulls.append((distance / np.where(distance > 0, measured.down, measured.up)).ravel())
        return Pulls(np.array(pulls), toys)
