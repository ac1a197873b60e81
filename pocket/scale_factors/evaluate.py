"""Scale factors from a correction, applied to the objects of events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.errors import ScaleFactorError

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
        ScaleFactorError: if inputs don't fit the correction, hold NaN, or are out of range where that is an error, or
            the correction doesn't know the systematic.
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
    """
    data = _evaluate(efficiency_data, inputs, systematic)
    mc = _evaluate(efficiency_mc, inputs, systematic)
    some = ak.to_numpy(ak.num(mc)) > 0
    numerator, denominator = 1 - _product(1 - data), 1 - _product(1 - mc)
    if np.any(denominator[some] <= 0):
        raise ScaleFactorError(f"correction {efficiency_mc.name!r}: an event has no object with efficiency above zero")
    return np.divide(numerator, denominator, out=np.ones_like(numerator), where=some)


def _evaluate(correction: Correction, inputs: Sequence[ak.Array], systematic: str) -> ak.Array:
    names = [variable.name for variable in correction.inputs]
    axes = [name for name in names if name != "systematic"]
    if len(inputs) != len(axes):
        raise ScaleFactorError(
            f"correction {correction.name!r} needs {len(axes)} inputs ({', '.join(axes)}), not {len(inputs)}"
        )
    counts = ak.num(inputs[0])
    values: dict[str, Array | str] = {"systematic": systematic}
    for axis, objects in zip(axes, inputs, strict=True):
        if not ak.array_equal(ak.num(objects), counts):
            raise ScaleFactorError(f"correction {correction.name!r}: the inputs differ in their numbers of objects")
        flat = ak.to_numpy(ak.flatten(objects)).astype(np.float64)
        # correctionlib takes some bin for NaN instead of refusing it.
        if np.isnan(flat).any():
            raise ScaleFactorError(f"correction {correction.name!r}: input {axis!r} has NaN")
        values[axis] = flat
    try:
        evaluated = correction.evaluate(*(values[name] for name in names))
    except (IndexError, RuntimeError) as error:  # a systematic or a value that the correction doesn't cover
        raise ScaleFactorError(f"correction {correction.name!r}, systematic {systematic!r}: {error}") from None
    return ak.unflatten(evaluated, counts)


def _product(values: ak.Array) -> Array:
    return np.asarray(ak.to_numpy(ak.prod(values, axis=1)), dtype=np.float64)
