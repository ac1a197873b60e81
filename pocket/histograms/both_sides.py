"""The other side of one-sided variations, in histograms and sums of merged outputs, so that all readers find both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pocket.histograms.one_sided import MIRROR, NOMINAL, other_side


def with_both_sides(histogram: Any, one_sided: Mapping[str, str]) -> Any:
    """Return a histogram in which each one-sided variation has its other side; the same histogram if none is missing.

    A mirrored side is 2 nominal − given. Its sum of squared weights is that of the given side, since the correlation
    isn't known from sums; only the nominal one enters errors. ``one_sided`` has variation → mode.
    """
    import numpy as np

    if "variation" not in histogram.axes.name:
        return histogram
    names = list(histogram.axes["variation"])
    added = {other_side(name): name for name in names if name in one_sided and other_side(name) not in names}
    if not added:
        return histogram
    wanted = [each for name in names for each in (name, *(new for new, given in added.items() if given == name))]
    result = with_variations(histogram, wanted)
    position = histogram.axes.name.index("variation")
    view = np.moveaxis(result.view(flow=True), position, 0)
    for new, given in added.items():
        if one_sided[given] == MIRROR:
            here, there, nominal = (view[wanted.index(name)] for name in (new, given, NOMINAL))
            if view.dtype.names:
                here["value"] = 2 * nominal["value"] - there["value"]
                here["variance"] = there["variance"]
            else:
                here[...] = 2 * nominal - there
    return result


def with_variations(histogram: Any, names: Sequence[str]) -> Any:
    """Return a histogram with the given variations; those that it lacks are equal to nominal."""
    known = list(histogram.axes["variation"])
    sources = [known.index(name if name in known else NOMINAL) for name in names]
    return _with_axis(histogram, names, sources)


def with_renamed_variations(histogram: Any, names: Sequence[str]) -> Any:
    """Return a histogram with other names of its variations, in their order."""
    return _with_axis(histogram, names, range(len(names)))


def _with_axis(histogram: Any, names: Sequence[str], sources: Sequence[int]) -> Any:
    """Return a histogram whose variations have some names, with the contents of those at some places."""
    import numpy as np
    from hist import Hist, axis

    position = histogram.axes.name.index("variation")
    old = histogram.axes[position]
    new = axis.StrCategory(
        names, name=old.name, label=old.label, growth=old.traits.growth, overflow=old.traits.overflow
    )
    result = Hist(
        *(new if each is old else each for each in histogram.axes), storage=histogram.storage_type(),
        name=histogram.name, label=histogram.label,
    )  # fmt: skip
    # The bins after the last category stay there.
    taken = [*sources, *range(old.size, old.extent)]
    result.view(flow=True)[...] = np.take(histogram.view(flow=True), taken, axis=position)
    return result


def with_both_sums(sums: dict[str, Any], one_sided: Mapping[str, str], *, squared: bool) -> dict[str, Any]:
    """Return variation → sum of (squared) weights, with the other side of each one-sided variation."""
    result = {}
    for name, value in sums.items():
        result[name] = value
        if name in one_sided and other_side(name) not in sums:
            mirrored = value if squared else 2 * sums[NOMINAL] - value
            result[other_side(name)] = mirrored if one_sided[name] == MIRROR else sums[NOMINAL]
    return result
