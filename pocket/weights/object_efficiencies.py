"""Event weights from efficiencies of objects in data and simulation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pocket.base.typing import Floats
from pocket.errors import ScaleFactorError
from pocket.weights.objects import FlatObjects


def any_of(data: Floats, mc: Floats, objects: FlatObjects, name: str) -> Floats:
    """Return the weight of a requirement that one object of an event must pass, such as a trigger; shape (events,).

    The weight is (1 − Π(1 − ε_data)) / (1 − Π(1 − ε_MC)), the ratio of the probabilities that at least one object
    passes. The weight of an event without objects is 1.

    Args:
        data: efficiency of each object in data, shape (n objects,).
    """
    some = objects.per_event > 0
    numerator, denominator = 1 - objects.product(1 - data), 1 - objects.product(1 - mc)
    if np.any(denominator[some] <= 0):
        raise ScaleFactorError(f"scale factor {name!r}: an event has no object with efficiency above zero")
    return np.divide(numerator, denominator, out=np.ones_like(numerator), where=some)


def each_of(data: Floats, mc: Floats, passing: npt.NDArray[np.bool_], objects: FlatObjects) -> Floats:
    """Return the weight of a selection in which objects pass or fail, such as probes; shape (events,).

    It is Π(passing) ε_data / ε_MC · Π(failing) (1 − ε_data) / (1 − ε_MC), which changes the efficiency to that in data.

    Args:
        data: efficiency of each object in data, shape (n objects,).
    """
    return objects.product(np.where(passing, data / mc, (1 - data) / (1 - mc)))
