"""The compiled loop over pairs of objects in (eta, phi)."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]


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
    """Find the distance of each object to the closest other one of the event, as :func:`~.matching.delta_r` has it.

    Args:
        eta: pseudorapidities of the objects, shape (n objects,).
        phi: their azimuths in radians, same shape.
        offsets: first object of each event and the end of the last event's, shape (n events + 1,).
        eta2: pseudorapidities of the others, shape (n others,).
        phi2: their azimuths, same shape.
        offsets2: the same as ``offsets`` for them.
        smallest: the distances, shape (n objects,), set by this function; infinite in events without others, NaN if
            one of the numbers is.
    """
    pi = smallest.dtype.type(np.pi)
    turn = 2 * pi
    # indices without sign needn't be compared with 0
    for event in range(np.uint64(len(offsets) - 1)):
        following = event + np.uint64(1)
        for row in range(np.uint64(offsets[event]), np.uint64(offsets[following])):
            square = smallest.dtype.type(np.inf)
            for other in range(np.uint64(offsets2[event]), np.uint64(offsets2[following])):
                angle = phi[row] - phi2[other] + pi
                # the remainder by a turn takes longer than all the rest; next to it, it is this sum or difference, of
                # which the processor needn't foresee which
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
