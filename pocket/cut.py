"""A cut: a named, parametrised function that selects events or objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.errors import ConfigError


@dataclass(frozen=True)
class Cut:
    """A selection that can be parametrised and reused.

    Args:
        name: label of the cut in cutflows and dumps.
        params: what the function reads as its second argument.
        function: called as ``function(events, params, year=, sample=, isMC=, processor_params=)``, returns a
            boolean mask; ``None`` entries count as ``False``.
        collection: ``"events"`` for a mask with one entry per event.

    Raises:
        ConfigError: if the name is empty or the function can't be called.
    """

    name: str
    params: Mapping[str, Any]
    function: Callable[..., Any] = field(repr=False)
    collection: str = "events"

    def __post_init__(self) -> None:
        if not self.name:
            raise ConfigError("a cut needs a name")
        if not callable(self.function):
            raise ConfigError(f"cut {self.name!r}: function must be callable, not {self.function!r}")
        if self.collection != "events":
            raise ConfigError(f"cut {self.name!r}: masks per object ({self.collection!r}) are not supported yet")

    def get_mask(
        self, events: Any, processor_params: Any, *, year: str, sample: str, isMC: bool, **kwargs: Any
    ) -> npt.NDArray[np.bool_]:
        """Evaluate the cut.

        Args:
            events: events of one chunk, length n.
            processor_params: the parameters of the analysis.
            year: data-taking period of the dataset.
            sample: sample name of the dataset.
            isMC: whether the dataset is simulation.
            **kwargs: handed to the function.

        Returns:
            Boolean mask of shape (n,).

        Raises:
            ConfigError: if the function returns anything else.
        """
        mask = self.function(
            events, self.params, processor_params=processor_params, year=year, sample=sample, isMC=isMC, **kwargs
        )
        wanted = f"cut {self.name!r} must return one boolean per event ({len(events)})"
        dimensions = getattr(mask, "ndim", 0)
        if dimensions != 1:
            raise ConfigError(f"{wanted}, not {'one per object' if dimensions else repr(mask)}")
        array = np.asarray(ak.to_numpy(ak.fill_none(ak.Array(mask), False, axis=0)))
        if array.shape != (len(events),) or array.dtype != np.bool_:
            raise ConfigError(f"{wanted}, not {len(array)} of type {array.dtype}")
        return array
