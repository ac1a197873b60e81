"""Bins of a scale factor: edges or categories per axis, and joined bins."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pocket.base.typing import Floats
from pocket.errors import ScaleFactorError


@dataclass(frozen=True)
class Categories:
    """An axis of names or integers instead of intervals, such as the sample or the flavour.

    Args:
        values: only strings or only integers.
    """

    values: tuple[str | int, ...]


#: edges of bins in ascending order, possibly ± infinity at the ends; or categories
Axis = tuple[float, ...] | Categories


def length(axis: Axis) -> int:
    """Return the number of bins of an axis."""
    return len(axis.values) if isinstance(axis, Categories) else len(axis) - 1


def shape(axes: Mapping[str, Axis]) -> tuple[int, ...]:
    """Return the number of bins of each axis."""
    return tuple(length(axis) for axis in axes.values())


def bin_text(axis: Axis, index: int) -> str:
    """Return a description of a bin: ``[20, 30)``, or the name of a category."""
    if isinstance(axis, Categories):
        return str(axis.values[index])
    return f"[{axis[index]:g}, {axis[index + 1]:g})"


def bin_labels(axes: Mapping[str, Axis]) -> list[str]:
    """Return a label such as ``pt [25, 30), abseta [0, 1.2)`` for each bin, with the last axis running fastest."""
    return [
        ", ".join(f"{name} {bin_text(axis, i)}" for (name, axis), i in zip(axes.items(), index, strict=True))
        for index in np.ndindex(shape(axes))
    ]


@dataclass(frozen=True, eq=False)
class Binning:
    """The bins of a measurement, some of which may be joined.

    Args:
        groups: number of each bin's group, one dimension per axis. Groups count from 0 in the order of their first
            appearance (C order); bins of one group are measured together.
    """

    axes: Mapping[str, Axis]
    groups: npt.NDArray[np.int64]

    @classmethod
    def separate(cls, axes: Mapping[str, Axis]) -> Binning:
        """Return the bins without joined ones."""
        size = shape(axes)
        return cls(axes, np.arange(math.prod(size)).reshape(size))

    @property
    def size(self) -> int:
        """Number of groups."""
        return int(self.groups.max()) + 1

    @property
    def labels(self) -> list[str]:
        """Labels of the bins in each group."""
        texts: list[list[str]] = [[] for _ in range(self.size)]
        for group, label in zip(self.groups.ravel(), bin_labels(self.axes), strict=True):
            texts[group].append(label)
        return [" + ".join(members) for members in texts]

    @property
    def joined(self) -> npt.NDArray[np.bool_]:
        """Whether each bin shares its group with others, one dimension per axis."""
        shared: npt.NDArray[np.bool_] = np.bincount(self.groups.ravel())[self.groups] > 1
        return shared

    def collapse(self, values: Floats) -> Floats:
        """Return the sum over the bins of each group."""
        flat = values.reshape(self.groups.size, *values.shape[self.groups.ndim :])
        total = np.zeros((self.size, *flat.shape[1:]))
        np.add.at(total, self.groups.ravel(), flat)
        return total

    def expand(self, values: Floats) -> Floats:
        """Return the value of each bin's group: from shape (groups,) to one dimension per axis."""
        return values[self.groups]


def join_bins(axes: Mapping[str, Axis], entries: Floats, least: float, along: str, what: str) -> Binning:
    """Return bins in which neighbours along an axis are joined until each group has enough entries.

    Starting at the first bin, bins are added until there are enough; the remaining bins join the last group.

    Args:
        entries: sums of weights and of squared weights of each role (data, simulation), shape (roles, 2, bins of each
            axis …). The effective number of entries is (Σw)²/Σw², and 0 where Σw isn't positive.
    """
    position = list(axes).index(along)
    if isinstance(axes[along], Categories):
        few = (effective_entries(entries[:, 0], entries[:, 1]) < least).any(axis=0).ravel()
        if few.any():
            found = "; ".join(label for label, bad in zip(bin_labels(axes), few, strict=True) if bad)
            raise ScaleFactorError(
                f"{what}: fewer than {least:g} effective entries in {found}, and bins of {along!r} have no neighbours "
                "to be joined with"
            )
        return Binning.separate(axes)
    groups = np.empty(shape(axes), dtype=np.int64)
    lines = np.moveaxis(groups, position, -1)
    sums = np.moveaxis(entries, position + 2, -1)
    others = {name: axis for name, axis in axes.items() if name != along}
    labels = bin_labels(others) if others else [f"the range of {along!r}"]
    for number, (index, label) in enumerate(zip(np.ndindex(lines.shape[:-1]), labels, strict=True)):
        joined = _join_line(sums[(slice(None), slice(None), *index)], least)
        if joined is None:
            raise ScaleFactorError(
                f"{what}: fewer than {least:g} effective entries in {label}, even with all bins of {along!r} together; "
                "min_n_eff must be lower"
            )
        lines[index] = joined + number * lines.shape[-1]
    first = {old: new for new, old in enumerate(dict.fromkeys(groups.ravel().tolist()))}
    return Binning(axes, np.array([first[group] for group in groups.ravel().tolist()]).reshape(groups.shape))


def effective_entries(sumw: Floats, sumw2: Floats) -> Floats:
    """Return the effective number of entries (Σw)²/Σw², and 0 where Σw isn't positive."""
    return np.where(sumw > 0, sumw**2 / np.where(sumw2 > 0, sumw2, np.inf), 0.0)


def _join_line(sums: Floats, least: float) -> npt.NDArray[np.int64] | None:
    """Return the group of each bin of a line with sums of shape (roles, 2, bins), ``None`` if all have too few."""
    bins = sums.shape[-1]

    def enough(start: int, stop: int) -> bool:
        sumw, sumw2 = np.moveaxis(sums[..., start:stop].sum(axis=-1), -1, 0)
        return bool((effective_entries(sumw, sumw2) >= least).all())

    starts = [0]
    for stop in range(1, bins + 1):
        if enough(starts[-1], stop):
            starts.append(stop)
    # The bins after the last start join the previous group. If their weights are negative, it may then have too few
    # entries.
    starts.pop()
    while starts and not enough(starts[-1], bins):
        starts.pop()
    return np.repeat(np.arange(len(starts)), np.diff([*starts, bins])) if starts else None
