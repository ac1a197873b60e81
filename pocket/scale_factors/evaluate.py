"""Scale factors from a correction, applied to the objects of events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.errors import ScaleFactorError, UnknownNameError

if TYPE_CHECKING:
    from correctionlib.highlevel import Correction

Array = npt.NDArray[np.float64]


def object_weight(correction: Correction, inputs: Sequence[ak.Array], systematic: str) -> Array:
    """Return the product of the scale factors of an event's objects, 1 without objects; shape (events,).

    Args:
        correction: the scale factor.
        inputs: per input of the correction but ``systematic``, in its order, the values per event and object.
        systematic: ``nominal``, ``up``, ``down``, …

    Raises:
        ScaleFactorError: if inputs don't fit the correction, hold NaN, or are out of range where that is an error.
        UnknownNameError: if the correction doesn't know the systematic.
    """
    return _product(_evaluate(correction, inputs, systematic))


def any_of_weight(
    efficiency_data: Correction, efficiency_mc: Correction, inputs: Sequence[ak.Array], systematic: str
) -> Array:
    """Return the weight of a requirement that any object of an event may fulfil, as a trigger; shape (events,).

    (1 − Π(1 − ε_data)) / (1 − Π(1 − ε_MC)), the ratio of the probabilities that at least one object passes. An event
    without objects has no such probability in either; its weight is 1.

    Args:
        efficiency_data: efficiency of an object in data.
        efficiency_mc: efficiency of an object in simulation.
        inputs: as in :func:`object_weight`.
        systematic: as in :func:`object_weight`; the efficiency in simulation doesn't vary.

    Raises:
        ScaleFactorError: as :func:`object_weight`, and if no object of an event can pass in simulation.
        UnknownNameError: as :func:`object_weight`.
    """
    data = _evaluate(efficiency_data, inputs, systematic)
    mc = _evaluate(efficiency_mc, inputs, systematic)
    some = ak.to_numpy(ak.num(mc)) > 0
    numerator, denominator = 1 - _product(1 - data), 1 - _product(1 - mc)
    if np.any(denominator[some] <= 0):
        raise ScaleFactorError(f"correction {efficiency_mc.name!r}: an event has no object with efficiency above zero")
    return np.divide(numerator, denominator, out=np.ones_like(numerator), where=some)
