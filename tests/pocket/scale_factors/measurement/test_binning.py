from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pocket.base.typing import Floats
from pocket.errors import ScaleFactorError
from pocket.scale_factors.measurement.binning import (
    Binning,
    Categories,
    bin_labels,
    effective_entries,
    join_bins,
    shape,
)

PT, FLAVOUR = (20.0, 30.0, math.inf), Categories((0, 5))


def test_labels() -> None:
    assert bin_labels({"flavor": FLAVOUR, "pt": PT}) == [
        "flavor 0, pt [20, 30)",
        "flavor 0, pt [30, inf)",
        "flavor 5, pt [20, 30)",
        "flavor 5, pt [30, inf)",
    ]
    groups = np.array([[0, 0], [1, 2]])
    assert Binning({"flavor": FLAVOUR, "pt": PT}, groups).labels == [
        "flavor 0, pt [20, 30) + flavor 0, pt [30, inf)",
        "flavor 5, pt [20, 30)",
        "flavor 5, pt [30, inf)",
    ]


def test_separate() -> None:
    binning = Binning.separate({"flavor": FLAVOUR, "pt": PT})
    assert binning.groups.tolist() == [[0, 1], [2, 3]]
    assert binning.size == 4
    assert not binning.joined.any()


def test_effective_entries() -> None:
    found = effective_entries(np.array([3.0, -1.0, 0.0, 0.0, 2.0]), np.array([3.0, 1.0, 1.0, 0.0, 8.0]))
    assert found.tolist() == [3, 0, 0, 0, 0.5]


def line(weights: list[list[float]]) -> Floats:
    """Sums of one role in bins of one axis, from the weights in each bin."""
    return np.array([[[sum(bin_) for bin_ in weights], [sum(w * w for w in bin_) for bin_ in weights]]])


def test_groups_of_a_line() -> None:
    axes = {"pt": tuple(float(edge) for edge in range(8))}
    entries = line([[], [1] * 5, [1] * 3, [1] * 9, [], [1] * 8, [1] * 2])
    assert join_bins(axes, entries, 8, "pt", "sf").groups.tolist() == [0, 0, 0, 1, 2, 2, 2]


def test_rest_with_negative_weights_takes_one_group_more() -> None:
    axes = {"pt": (0.0, 1.0, 2.0, 3.0)}
    # 25 and 25 effective entries; with the rest the second has (25 - 10)²/35 = 6.4, both have (50 - 10)²/60 = 26.7
    entries = line([[1] * 25, [1] * 25, [-1] * 10])
    assert join_bins(axes, entries, 25, "pt", "sf").groups.tolist() == [0, 0, 0]
    with pytest.raises(ScaleFactorError, match="fewer than 30 effective entries in the range of 'pt'"):
        join_bins(axes, entries, 30, "pt", "sf")


def test_every_role_needs_entries() -> None:
    axes = {"pt": (0.0, 1.0, 2.0, 3.0)}
    entries = np.concatenate([line([[1] * 9, [1] * 9, [1] * 9]), line([[1], [1] * 9, [1] * 9])])
    assert join_bins(axes, entries, 9, "pt", "sf").groups.tolist() == [0, 0, 1]


def test_categories_are_not_joined() -> None:
    axes = {"flavor": FLAVOUR, "pt": PT}
    entries = np.full((1, 2, 2, 2), 10.0)
    assert join_bins(axes, entries, 10, "flavor", "map").groups.tolist() == [[0, 1], [2, 3]]
    entries[..., 1, 0] = 9
    with pytest.raises(ScaleFactorError, match=r"^map: fewer than 10 .* in flavor 5, pt \[20, 30\), and"):
        join_bins(axes, entries, 10, "flavor", "map")
    assert join_bins(axes, entries, 10, "pt", "map").groups.tolist() == [[0, 1], [2, 2]]


def test_too_few_names_the_line() -> None:
    entries = np.full((1, 2, 2, 2), 10.0)
    entries[..., 1, :] = 0
    with pytest.raises(ScaleFactorError, match=r"^map: fewer than 5 effective entries in flavor 5, even with all bins"):
        join_bins({"flavor": FLAVOUR, "pt": PT}, entries, 5, "pt", "map")


@st.composite
def measurements(draw: st.DrawFn) -> tuple[dict[str, tuple[float, ...]], Floats, str]:
    """Axes, sums of random weights in data and simulation, and the axis to join along."""
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    axes = {f"axis{i}": tuple(float(edge) for edge in range(size + 1)) for i, size in enumerate(sizes)}
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    mean, negative = draw(st.sampled_from([1, 5, 30])), draw(st.sampled_from([0, 0.1, 0.4]))
    entries = np.zeros((2, 2, *sizes))
    for index in np.ndindex(*sizes):
        count = rng.poisson(mean)
        entries[(0, slice(None), *index)] = count
        weights = np.where(rng.random(rng.poisson(mean)) < negative, -1, 1) * rng.uniform(0.5, 2)
        entries[(1, slice(None), *index)] = weights.sum(), (weights**2).sum()
    return axes, entries, draw(st.sampled_from(list(axes)))


@given(measurements(), st.sampled_from([1.0, 8.0, 40.0]))
@settings(max_examples=200)
def test_groups_are_intervals_with_enough_entries(
    measurement: tuple[dict[str, tuple[float, ...]], Floats, str], least: float
) -> None:
    axes, entries, along = measurement
    try:
        binning = join_bins(axes, entries, least, along, "sf")
    except ScaleFactorError:
        # some line has too few even as a whole
        whole = entries.sum(axis=list(axes).index(along) + 2)
        assert (effective_entries(whole[:, 0], whole[:, 1]) < least).any()
        return
    for role in entries:
        sumw, sumw2 = (binning.collapse(part) for part in role)
        assert (effective_entries(sumw, sumw2) >= least).all()
    # numbered from 0 in the order of their first bins
    order = list(dict.fromkeys(binning.groups.ravel().tolist()))
    assert order == list(range(binning.size))
    lines = np.moveaxis(binning.groups, list(axes).index(along), -1).reshape(-1, shape(axes)[list(axes).index(along)])
    for one in lines:
        # neighbours: a group, once left, doesn't come back
        assert len(set(one)) == 1 + np.count_nonzero(np.diff(one))
    assert sum(len(set(one)) for one in lines) == binning.size
    assert (binning.joined == (np.bincount(binning.groups.ravel())[binning.groups] > 1)).all()


@given(measurements())
@settings(max_examples=50)
def test_collapse_adds_and_expand_repeats(measurement: tuple[dict[str, tuple[float, ...]], Floats, str]) -> None:
    axes, entries, along = measurement
    assume(entries[0, 0].sum(axis=list(axes).index(along)).min() > 0)
    binning = join_bins(axes, entries[:1], 1, along, "sf")
    further = np.stack([entries[0, 0], 2 * entries[0, 0]], axis=-1)
    collapsed = binning.collapse(further)
    assert collapsed.shape == (binning.size, 2)
    for group in range(binning.size):
        total = sum(further[index] for index in np.ndindex(shape(axes)) if binning.groups[index] == group)
        assert collapsed[group] == pytest.approx(total)
    numbers = np.arange(binning.size, dtype=float)
    expanded = binning.expand(numbers)
    assert expanded.shape == shape(axes)
    assert (expanded == binning.groups).all()
