"""Agreement of two engines' templates, without which their times mean nothing."""

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
    """How the templates of an engine compare with ours.

    Args:
        compared: number of arrays.
        largest: largest relative difference of those that agree in every bin.
        moved: templates that agree in their sums, but not in every bin.
        different: what does not agree, described.
    """

    compared: int
    largest: float
    moved: int
    different: tuple[str, ...]


def compare(ours: Templates, theirs: Templates) -> Agreement:
    """Compare templates bin by bin, and numbers of entries exactly.

    The sums are in another order, so that they agree to rounding only. ROOT and boost-histogram compute the bin of a
    value in another way, so that a value right on an edge may be on either side of it: such templates agree if
    their sums do. A template that one engine did not fill agrees with one of zeros.

    Args:
        ours: see ``drivers/templates.py``.
        theirs: of the other engine.
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
    """Tell whether the sums over bins agree, and no more than a small part of them lies in other bins."""
    if ours is None or theirs is None or ours.shape != theirs.shape or ours.ndim != 2:
        return False
    if relative_difference(ours.sum(axis=1), theirs.sum(axis=1)) > TOLERANCE:
        return False
    # of the sums of squares, which nothing cancels in
    return bool(np.abs(ours - theirs)[1].sum() <= MOVED * ours[1].sum())


def _numbers(values: npt.NDArray[Any] | None) -> Numbers | None:
    return None if values is None else np.asarray(values, dtype=np.float64)
