"""Agreement of two engines' templates, without which their times can't be compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.peer.comparison import TOLERANCE, Numbers, relative_difference

Templates = Mapping[str, npt.NDArray[Any]]
ENTRIES = "entries/"


#: largest part of a template that may be in a neighbouring bin
MOVED = 1e-2


@dataclass(frozen=True)
class Agreement:
    """Agreement of an engine's templates with ours.

    Args:
        compared: number of arrays.
        largest: largest relative difference of those that agree in every bin.
        moved: templates that agree in their sums, but not in every bin.
        different: descriptions of arrays that don't agree.
    """

    compared: int
    largest: float
    moved: int
    different: tuple[str, ...]


def compare(ours: Templates, theirs: Templates) -> Agreement:
    """Return the bin-by-bin comparison of templates, with exact numbers of entries.

    The order of the sums differs, so they agree only up to rounding. ROOT and boost-histogram compute bins differently,
    so a value exactly on an edge may be on either side of it: such templates agree if their sums do. A template that
    one engine did not fill agrees with one of zeros.

    Args:
        ours: our templates, see ``drivers/templates.py``.
        theirs: templates of the other engine.
    """
    largest, moved, different = 0.0, 0, []
    names = list(dict.fromkeys((*ours, *theirs)))
    for name in names:
        pair = [_numbers(side.get(name)) for side in (ours, theirs)]
        difference = relative_difference(*pair)
        if difference <= (0.0 if name.startswith(ENTRIES) else TOLERANCE):
            largest = max(largest, difference)
        elif not name.startswith(ENTRIES) and _moved(*pair):
            moved += 1
        else:
            different.append(f"{name}: relative difference {difference:.2g}")
    return Agreement(len(names), largest, moved, tuple(different))


def _moved(ours: Numbers | None, theirs: Numbers | None) -> bool:
    """Return whether the sums over bins agree, and at most a small part of them is in other bins."""
    if ours is None or theirs is None or ours.shape != theirs.shape or ours.ndim != 2:
        return False
    if relative_difference(ours.sum(axis=1), theirs.sum(axis=1)) > TOLERANCE:
        return False
    # The sums of squares are compared, since they can't cancel.
    return bool(np.abs(ours - theirs)[1].sum() <= MOVED * ours[1].sum())


def _numbers(values: npt.NDArray[Any] | None) -> Numbers | None:
    return None if values is None else np.asarray(values, dtype=np.float64)
