"""Objects of a collection as flat arrays for the evaluation of corrections, and products over those of an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.arrays.fields import branch, collection, field, is_optional
from pocket.base.arrays.jagged import (
    as_numbers,
    count_true,
    counts_of,
    elements_of,
    products_of,
    to_lists,
    without_gaps,
)
from pocket.base.typing import Floats, Indices
from pocket.corrections.bin_cache import Input, Inputs
from pocket.corrections.evaluation import plain_name
from pocket.corrections.files import load_correction
from pocket.errors import ConfigError, ScaleFactorError


class FlatObjects:
    """Objects of a collection as flat arrays, as correctionlib needs them, without those that are ``None``."""

    def __init__(self, events: Any, name: str) -> None:
        objects = without_gaps(collection(events, name))
        # Test one field for missing objects: on whole records awkward would read every field.
        some = "pt" if "pt" in objects.fields else next(iter(objects.fields), "pt")
        column = branch(objects, some, name)
        if is_optional(column) and ak.any(missing := ak.is_none(column, axis=1), axis=None):
            objects = objects[~missing]
            column = objects[some]
        self.objects, self._name = objects, name
        #: Number of objects of each event, shape (n events,).
        self.per_event = counts_of(column)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """Return a field, named as in :func:`pocket.base.arrays.fields.field`; shape (n objects,)."""
        column = elements_of(field(self.objects, name, self._name))
        return flat(column, f"{self._name}.{name}", "object")

    def flags(self, name: str, where: str) -> npt.NDArray[np.bool_]:
        """Return a field that is true or false; ``where`` names what needs it, for errors. Shape (n objects,)."""
        values = self[name]
        if values.dtype != bool:
            raise ConfigError(f"{where}: {self._name}.{name} is not true or false")
        return values

    def __contains__(self, name: str) -> bool:
        return name in self.objects.fields

    @property
    def size(self) -> int:
        """Number of objects of all events."""
        return int(self.per_event.sum())

    def numbers(self, mask: npt.NDArray[np.bool_]) -> Indices:
        """Return the number of objects of each event that a mask (n objects,) selects, shape (n events,)."""
        return np.asarray(count_true(to_lists(mask, self.per_event)))

    def product(self, values: npt.NDArray[Any]) -> Floats:
        """Return the product over the objects of each event, 1 without objects; shape (n events,)."""
        return products_of(values, self.per_event)

    def sum(self, values: npt.NDArray[Any]) -> Floats:
        """Return the sum over the objects of each event, 0 without objects; shape (n events,)."""
        return np.asarray(ak.sum(to_lists(values.astype(np.float64), self.per_event), axis=1), dtype=np.float64)


def flat(values: ak.Array, what: str, each: str) -> npt.NDArray[Any]:
    """Return numbers as a flat array; ``each`` is ``event`` or ``object``, for errors."""
    try:
        array = as_numbers(values)
    except ValueError:  # The values are lists, or some are None.
        array = None
    if array is None or array.ndim != 1 or array.dtype.kind not in "biuf":
        raise ConfigError(f"{what} is not one number per {each}")
    return array


def any_of(data: Floats, mc: Floats, objects: FlatObjects, name: str) -> Floats:
    """Return the weight of a requirement that one object of an event must pass, such as a trigger; shape (events,).

    The weight is (1 − Π(1 − ε_data)) / (1 − Π(1 − ε_MC)), the ratio of the probabilities that at least one object
    passes. The weight of an event without objects is 1.
    """
    some = objects.per_event > 0
    numerator, denominator = 1 - objects.product(1 - data), 1 - objects.product(1 - mc)
    if np.any(denominator[some] <= 0):
        raise ScaleFactorError(f"scale factor {name!r}: an event has no object with efficiency above zero")
    return np.divide(numerator, denominator, out=np.ones_like(numerator), where=some)


def each_of(data: Floats, mc: Floats, passing: npt.NDArray[np.bool_], objects: FlatObjects) -> Floats:
    """Return the weight of a selection in which objects pass or fail, such as probes; shape (events,).

    It is Π(passing) ε_data / ε_MC · Π(failing) (1 − ε_data) / (1 − ε_MC), which changes the efficiency to that in data.
    """
    return objects.product(np.where(passing, data / mc, (1 - data) / (1 - mc)))


def inputs_by_jets(weight: str, jets: FlatObjects, file: str, name: str, text: Callable[[str], str]) -> Inputs:
    """Return inputs of a correction: strings by ``text``; the numbers are those of jets and their scalar sum of pt."""
    numbers = iter((jets.per_event, jets.sum(jets["pt"])))
    inputs: dict[str, Input] = {}
    for variable in load_correction(file, name).inputs:
        value = text(variable.name) if variable.type == "string" else next(numbers, None)
        if value is None:
            raise ConfigError(f"weight {weight!r}: {name!r} needs more than n jets and HT")
        inputs[plain_name(variable.name)] = value
    return Inputs(inputs)
