"""Compiled loops over jagged arrays."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from pocket.base.typing import Indices


@numba.njit(cache=True, nogil=True)
def count_true(elements: npt.NDArray[np.bool_], offsets: Indices, counts: Indices) -> None:
    """Count the true elements of each list.

    Args:
        offsets: first element of each list, and the end of the last one, shape (n lists + 1,).
        counts: set by this function, shape (n lists,).
    """
    # Build a running count first: one loop over all elements has no branch per list, which the CPU would mispredict.
    # Indices are unsigned, so numba skips the check for negative ones. The uint32 counter may overflow; differences of
    # two counts stay correct.
    before = np.empty(len(elements) + 1, dtype=np.uint32)
    total = before[0] = np.uint32(0)
    for position in range(np.uint64(len(elements))):
        total += np.uint32(elements[position])
        before[position + np.uint64(1)] = total
    for row in range(np.uint64(len(counts))):
        counts[row] = before[np.uint64(offsets[row + np.uint64(1)])] - before[np.uint64(offsets[row])]


@numba.njit(cache=True, nogil=True)
def choose(elements: npt.NDArray[np.bool_], offsets: Indices, positions: Indices, chosen: Indices) -> Any:
    """Return the number of true elements, and write their positions and the place of each list among them.

    Args:
        elements: of all lists, fewer than 2 to the power of 32, shape (n elements,).
        positions: of the true elements, and arbitrary values after them, set by this function; shape (n elements + 1,).
        chosen: like ``offsets`` for the true elements, set by this function; shape (n lists + 1,).
    """
    # The loop has no condition, which the CPU would mispredict: the next position overwrites that of a false element.
    before = np.empty(len(elements) + 1, dtype=np.uint32)
    total = np.uint64(0)
    for position in range(np.uint64(len(elements))):
        before[position], positions[total] = total, position
        total += np.uint64(elements[position])
    before[np.uint64(len(elements))] = total
    for row in range(np.uint64(len(offsets))):
        chosen[row] = before[np.uint64(offsets[row])]
    return total


@numba.njit(cache=True, nogil=True)
def multiply(values: npt.NDArray[np.float64], counts: Indices, products: npt.NDArray[np.float64]) -> None:
    """Multiply the elements of each list, from the first to the last.

    Args:
        products: set by this function, shape (n lists,); 1 for a list without elements.
    """
    first, eight, room = np.uint64(0), np.uint64(8), np.uint64(len(values))
    largest = np.int64(0)
    for row in range(np.uint64(len(counts))):
        largest = max(largest, counts[row])
    if largest <= 1:
        for row in range(np.uint64(len(counts))):
            # The value is read in any case, since the CPU can't predict whether the list has an element.
            value = values[first] if first < room else 1.0
            products[row] = value if counts[row] else 1.0
            first += np.uint64(counts[row])
        return
    # Multiply eight at once, with 1 for missing elements, so that the CPU predicts the end of most lists.
    for row in range(len(counts)):
        count, done, product = np.uint64(counts[row]), np.uint64(0), 1.0
        if first + eight <= room:
            for number in range(8):
                value = values[first + np.uint64(number)]
                product *= value if np.uint64(number) < count else 1.0
            done = eight
        for number in range(done, count):
            product *= values[first + number]
        first += count
        products[row] = product


@numba.njit(cache=True, nogil=True)
def values_at(
    values: npt.NDArray[Any], starts: Indices, positions: npt.NDArray[Any], counts: Indices, found: npt.NDArray[Any]
) -> None:
    """Look up values by their positions in lists.

    Args:
        values: elements of all lists, of which ``starts`` are the first ones, shape (n elements,).
        positions: of elements in their lists; negative ones are left as they are, shape (n positions,).
        counts: number of positions for each list, shape (n lists,).
        found: the values, set by this function, shape (n positions,).
    """
    number = 0
    for row in range(len(counts)):
        start = starts[row]
        for _ in range(counts[row]):
            place = np.uint64(number)
            if positions[place] >= 0:
                found[place] = values[start + positions[place]]
            number += 1


@numba.njit(cache=True, nogil=True)
def smallest_distances(
    eta: npt.NDArray[Any],
    phi: npt.NDArray[Any],
    offsets: Indices,
    eta2: npt.NDArray[Any],
    phi2: npt.NDArray[Any],
    offsets2: Indices,
    smallest: npt.NDArray[Any],
) -> None:
    """Find the distance of each object to the closest of the others in its event, with :func:`~.matching.delta_r`.

    Args:
        phi: azimuths of the objects in radians, shape (n objects,); those of the others are ``phi2``.
        offsets: first object of each event and the end of the last event's, shape (n events + 1,).
        smallest: the distances, shape (n objects,), set by this function; infinite in events without others, NaN if
            one of the numbers is.
    """
    pi = smallest.dtype.type(np.pi)
    turn = 2 * pi
    # Indices are unsigned, so numba skips the check for negative ones.
    for event in range(np.uint64(len(offsets) - 1)):
        following = event + np.uint64(1)
        for row in range(np.uint64(offsets[event]), np.uint64(offsets[following])):
            square = smallest.dtype.type(np.inf)
            for other in range(np.uint64(offsets2[event]), np.uint64(offsets2[following])):
                angle = phi[row] - phi2[other] + pi
                # The modulo dominates the cost. Within one turn of the interval, adding or subtracting 2π once is
                # enough, and compiles to a branch-free select.
                if -turn <= angle < 2 * turn:
                    angle = angle + turn if angle < 0 else angle
                    angle = angle - turn if angle >= turn else angle
                else:
                    angle = angle % turn
                delta_phi = angle - pi
                delta_eta = eta[row] - eta2[other]
                distance = delta_eta * delta_eta + delta_phi * delta_phi
                square = distance if (distance < square) | (distance != distance) else square
            smallest[row] = math.sqrt(square)
