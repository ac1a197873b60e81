"""Masks: each cut evaluated once per chunk, categories as bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.cut import Cut
from pocket.selections import StandardSelection

Mask = npt.NDArray[np.bool_]


class CutMasks:
    """Masks of cuts on one set of events; a cut used in several categories is evaluated once.

    Args:
        evaluate: returns the mask of a cut, shape (n events,).
        size: number of events.
    """

    def __init__(self, evaluate: Callable[[Cut], Mask], size: int) -> None:
        self._evaluate = evaluate
        self._size = size
        self._masks: dict[int, tuple[Cut, Mask]] = {}

    def of(self, cut: Cut) -> Mask:
        """Return the mask of one cut."""
        # by identity: the pair keeps the cut alive, so its id stays its own
        if id(cut) not in self._masks:
            self._masks[id(cut)] = (cut, self._evaluate(cut))
        return self._masks[id(cut)][1]

    def all_of(self, cuts: Sequence[Cut]) -> Mask:
        """Return the logical AND of cuts; all ``True`` without any."""
        mask = np.ones(self._size, dtype=np.bool_)
        for cut in cuts:
            mask &= self.of(cut)
        return mask


def category_masks(selection: StandardSelection, masks: CutMasks) -> dict[str, Mask]:
    """Return category → mask, shape (n events,) each."""
    return {name: masks.all_of(selection.categories[name]) for name in selection}


def to_bits(masks: Sequence[Mask], size: int) -> npt.NDArray[np.uint64]:
    """Pack masks into 64-bit words, mask k in bit k % 64 of word k // 64.

    Args:
        masks: masks of shape (size,).
        size: number of events.

    Returns:
        Shape (size, number of words).
    """
    words = np.zeros((size, (len(masks) + 63) // 64), dtype=np.uint64)
    for number, mask in enumerate(masks):
        words[:, number // 64] |= mask.astype(np.uint64) << np.uint64(number % 64)
    return words


def evaluator(events: Any, params: Any, metadata: Any) -> Callable[[Cut], Mask]:
    """Return the function that evaluates cuts on these events of this dataset."""

    def evaluate(cut: Cut) -> Mask:
        return cut.get_mask(
            events,
            params,
            year=str(metadata["year"]),
            sample=str(metadata["sample"]),
            isMC=bool(metadata["isMC"]),
            metadata=metadata,
        )

    return evaluate
