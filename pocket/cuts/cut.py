"""A cut: a function with a name and parameters that selects events or objects."""

from __future__ import annotations

import hashlib
import json
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.arguments import Declarative
from pocket.base.arrays.fields import collection, is_optional
from pocket.errors import ConfigError

EVENTS = "events"


@dataclass(frozen=True)
class Cut(metaclass=Declarative):
    """Selection with a name and parameters, which can be reused.

    Args:
        name: name of the cut in cutflows and dumps.
        params: second argument of the function.
        function: called as ``function(events, params, year=, sample=, isMC=, processor_params=)``, returns a
            boolean mask; ``None`` entries count as ``False``.
        collection: ``"events"`` for one boolean per event, or the name of a collection for one per object.

    Raises:
        ConfigError: if the name is empty or the function can't be called.

    Examples:
        >>> def at_least(events, params, **kwargs):
        ...     return events.nMuonGood >= params["n"]
        >>> two_muons = Cut(name="two_muons", params={"n": 2}, function=at_least)
        >>> two_muons.name
        'two_muons'
    """

    name: str
    params: Mapping[str, Any]
    function: Callable[..., Any] = field(repr=False)
    collection: str = EVENTS

    def __post_init__(self) -> None:
        if not self.name:
            raise ConfigError("Cut(): the name is empty, give the cut a name")
        if not callable(self.function):
            raise ConfigError(f"cut {self.name!r}: function must be callable, not {self.function!r}")
        if not self.collection:
            raise ConfigError(f"cut {self.name!r}: collection must be 'events' or the name of a collection")

    def __hash__(self) -> int:
        # Equal cuts have equal parameters, but these are often dictionaries and lists, which have no hash.
        return hash((self.name, self.collection, self.function))

    @property
    def id(self) -> str:
        """The name with a digest of everything that defines the cut, equal in all processes."""
        function = getattr(self.function, "__qualname__", type(self.function).__qualname__)
        content = json.dumps([self.collection, self.params, function], sort_keys=True, default=str)
        return f"{self.name}__{hashlib.sha256(content.encode()).hexdigest()[:12]}"

    @property
    def per_object(self) -> bool:
        """Whether the cut selects objects instead of events."""
        return self.collection != EVENTS

    def get_mask(
        self, events: Any, processor_params: Any, *, year: str, sample: str = "", isMC: bool, **kwargs: Any
    ) -> npt.NDArray[np.bool_]:
        """Return the mask of the cut.

        Args:
            events: events of one chunk, length n.
            processor_params: the parameters of the analysis.
            year: data-taking period of the dataset.
            sample: sample name of the dataset, if the cut depends on it.
            isMC: whether the dataset is simulation.
            **kwargs: passed to the function.

        Returns:
            Boolean mask of shape (n,); for a cut on a collection one entry per object, shape (total number of
            objects,), in the order of the events.

        Raises:
            ConfigError: if the function returns anything else.
            UnknownNameError: if there is no such collection.
        """
        mask = self.function(
            events, self.params, processor_params=processor_params, year=year, sample=sample, isMC=isMC, **kwargs
        )
        if self.per_object:
            return self._object_mask(mask, collection(events, self.collection))
        wanted = f"cut {self.name!r} must return one boolean per event ({len(events)})"
        dimensions = getattr(mask, "ndim", 0)
        if dimensions != 1:
            raise ConfigError(f"{wanted}, not {'one per object' if dimensions else reprlib.repr(mask)}")
        if not isinstance(mask, np.ndarray):
            mask = ak.Array(mask)
            mask = ak.fill_none(mask, False, axis=0) if is_optional(mask) else mask
        array = np.asarray(mask)
        if array.shape != (len(events),) or array.dtype != np.bool_:
            raise ConfigError(f"{wanted}, not {len(array)} of type {array.dtype}")
        return array

    def _object_mask(self, mask: Any, objects: Any) -> npt.NDArray[np.bool_]:
        wanted = f"cut {self.name!r} must return one boolean per object of {self.collection!r}"
        if getattr(mask, "ndim", 0) != 2:
            raise ConfigError(f"{wanted}, not {'one per event' if getattr(mask, 'ndim', 0) else reprlib.repr(mask)}")
        counts = np.asarray(ak.fill_none(ak.num(objects, axis=1), 0), dtype=np.int64)
        mask = ak.Array(mask)
        missing = ak.is_none(mask)
        if ak.any(missing):
            # If an event has no mask, none of its objects passes.
            nothing = ak.unflatten(np.zeros(counts.sum(), dtype=np.bool_), counts)
            mask = ak.where(missing, nothing, ak.fill_none(mask, [], axis=0))
        if len(mask) != len(counts) or not np.array_equal(np.asarray(ak.num(mask, axis=1)), counts):
            raise ConfigError(f"{wanted}, its numbers of booleans per event are different ones")
        flat = ak.flatten(mask, axis=1)
        array = np.asarray(ak.to_numpy(ak.fill_none(flat, False, axis=0)))
        if len(array) and array.dtype != np.bool_:
            raise ConfigError(f"{wanted}, not values of type {array.dtype}")
        return array.astype(np.bool_, copy=False)
