"""Combinations of the categories that events or objects belong to.

Many events share a combination. All that depends on it, such as the place of a histogram's entries, is computed once
per combination.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from pocket.base.typing import Indices, Mask

Words = npt.NDArray[np.uint64]


class Patterns:
    """The different combinations of categories, and the combination of each event or object.

    Categories are bits of words, of shape (n rows, n words) of events or objects and (n patterns, n words) of
    combinations: number k is bit k % 64 of word k // 64. ``of_row`` has the number of each row's combination.
    """

    def __init__(self, words: Words) -> None:
        self.of_row: Indices = np.empty(len(words), dtype=np.int64)
        first: Indices = np.empty(len(words), dtype=np.int64)
        # There are few combinations in most cases, and a small table stays in the CPU's caches.
        number = _find(words, self.of_row, first, 512)
        if number < 0:
            number = _find(words, self.of_row, first, len(words))
        self.words: Words = words[first[:number]]

    def contain(self, categories: Indices) -> Mask:
        """Tell whether combinations contain categories (negative: never), shape (n patterns, n categories)."""
        return bits_of(self.words, np.maximum(categories, 0)) & (categories >= 0)

    def sums(self, values: Any = None) -> Any:
        """Return the sum of values of each combination's rows, shape (n patterns,); 1 for each by default, a count."""
        return np.bincount(self.of_row, values, len(self.words))


def joined(parts: Sequence[Patterns]) -> Patterns:
    """Return the combinations of several sets of categories that occur together in an event or object.

    Word k of each pattern is the number of the combination in ``parts[k]``.
    """
    return Patterns(np.stack([part.of_row for part in parts], axis=1).astype(np.uint64))


def bits_of(words: Words, numbers: Any) -> Mask:
    """Tell which bits are set, shape (n rows,) for one number, (n rows, n numbers) for several."""
    found: Mask = (words[:, numbers >> 6] >> np.asarray(numbers & 63, dtype=np.uint64)) & np.uint64(1) != 0
    return found


@numba.njit(cache=True, nogil=True)
def set_bits(words: Words, mask: Mask, number: Any) -> None:
    """Set a bit of each word where the mask is true; both have shape (n rows,)."""
    for row in range(np.uint64(len(words))):
        words[row] |= np.uint64(mask[row]) << number


@numba.njit(cache=True, nogil=True)
def _find(words: Words, of_row: Indices, first: Indices, most: int) -> int:
    """Number the different rows of words in ``of_row``, in their order, and set the first row of each in ``first``.

    The return value is how many there are, -1 if more than ``most``.
    """
    # The hash table has at least twice as many places, and its size is a power of two.
    size = 2
    while size < 2 * most:
        size *= 2
    table = np.full(size, -1, dtype=np.int64)
    found = 0
    for row in range(len(words)):
        place = np.uint64(0)
        for word in range(words.shape[1]):
            # Multiply by the golden ratio, as Fibonacci hashing does.
            place = (place ^ words[row, word]) * np.uint64(0x9E3779B97F4A7C15)
            place ^= place >> np.uint64(32)
        while True:
            place &= np.uint64(size - 1)
            known = table[place]
            if known < 0:
                if found == most:
                    return -1
                table[place] = known = found
                first[found] = row
                found += 1
                break
            same = True
            for word in range(words.shape[1]):
                same &= words[first[known], word] == words[row, word]
            if same:
                break
            place += np.uint64(1)
        of_row[row] = known
    return found
