"""Branches that a workflow of PocketCoffea registers, which are computed once per event on its nominal objects.

Configurations of our own declare delayed columns instead (:mod:`pocket.models.delayed_columns`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.errors import ConfigError

#: Column with the position of an event in the nominal events.
_INDEX = "__nominal_index"


@dataclass(frozen=True)
class _Branches:
    """Branches that one function of nominal events computes.

    Args:
        defaults: name → value of events that aren't computed, which gives shape and type.
        single: whether the function returns the values of one branch, and not name → values.
    """

    names: tuple[str, ...]
    compute: Callable[[Any], Any]
    defaults: Mapping[str, npt.NDArray[Any]]
    single: bool


class DelayedEvalBranchManager:
    """Delayed branches of a workflow, and their values in the current chunk.

    Examples:
        >>> branches = DelayedEvalBranchManager()
        >>> branches.register("score", lambda events: events.x * 2, default_value=-1.0)
        >>> events = ak.Array({"x": [1.0, 2.0, 3.0]})
        >>> branches.prepare_nominal_snapshot(events)
        >>> selected = events[[2, 0]]
        >>> branches.add_to(selected)
        >>> selected.score.tolist()
        [6.0, 2.0]
    """

    def __init__(self) -> None:
        self.registered: dict[Any, _Branches] = {}
        self.forget()

    def forget(self) -> None:
        """Forget the values of the last chunk."""
        self._nominal: Any = None
        self._done: npt.NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)
        self._values: dict[str, npt.NDArray[Any]] = {}

    def register(self, name: str | Sequence[str], compute_fn: Callable[[Any], Any], default_value: Any = 1.0) -> None:
        """Register a branch, or several that one function computes.

        The function of nominal events returns an array with one entry per event, or name → array. The default value,
        for several branches also by name, gives shape and type.
        """
        names = (name,) if isinstance(name, str) else tuple(name)
        if isinstance(default_value, Mapping):
            if set(default_value) != set(names):
                raise ConfigError(f"delayed branches {list(names)} have default values for {list(default_value)}")
            defaults = {each: np.asarray(default_value[each]) for each in names}
        else:
            defaults = {each: np.asarray(default_value) for each in names}
        key = name if isinstance(name, str) else names
        self.registered[key] = _Branches(names, compute_fn, defaults, isinstance(name, str))

    def ensure_nominal_index(self, events: Any) -> str:
        """Number events before their preselection, and return the name of the column."""
        if _INDEX not in ak.fields(events):
            events[_INDEX] = ak.Array(np.arange(len(events), dtype=np.int64))
        return _INDEX

    def prepare_nominal_snapshot(self, events: Any) -> None:
        """Keep the nominal events before their preselection."""
        self.ensure_nominal_index(events)
        self._nominal = events
        self._done = np.zeros(len(events), dtype=np.bool_)
        self._values = {
            name: np.full((len(events), *default.shape), default)
            for branches in self.registered.values()
            for name, default in branches.defaults.items()
        }

    def add_to(self, events: Any) -> None:
        """Add the branches to selected events of a variation, and compute those that aren't known yet."""
        index = np.asarray(events[_INDEX])
        new = np.unique(index[~self._done[index]])
        if len(new):
            self._compute(new)
        for name, values in self._values.items():
            events[name] = ak.Array(values[index])

    def _compute(self, index: npt.NDArray[np.int64]) -> None:
        events = self._nominal[index]
        for branches in self.registered.values():
            computed = branches.compute(events)
            for name in branches.names:
                values = _checked(computed if branches.single else computed[name], name, self._values[name], len(index))
                self._values[name][index] = values
        self._done[index] = True


def _checked(values: Any, name: str, known: npt.NDArray[Any], size: int) -> npt.NDArray[Any]:
    try:
        array: npt.NDArray[Any] = ak.to_numpy(values)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"delayed branch {name!r} isn't a regular array: {error}") from None
    expected = (size, *known.shape[1:])
    if array.shape != expected:
        raise ConfigError(f"delayed branch {name!r} has the shape {array.shape}, expected {expected}")
    return array
