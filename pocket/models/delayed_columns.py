"""Delayed columns: values of an event, such as a network's score, computed once for all shape variations.

They are computed after the preselection, because models are slow and the preselection drops most events. If a shape
variation doesn't change an event's inputs, the event's known value is used. So a column is always the result of the
model for the event's inputs, whatever the size of chunks and the order of variations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import awkward as ak
import numpy as np
import numpy.typing as npt

from pocket.base.arguments import Declarative
from pocket.base.runtime.user_code import UserCall
from pocket.base.typing import Float32s
from pocket.errors import ConfigError


@dataclass(frozen=True)
class DelayedColumn(metaclass=Declarative):
    """Column that a model computes from several numbers of each event.

    Args:
        name: name of the column, ``events.{name}``.
        inputs: called as ``inputs(events, params)`` with the preselected events, returns the inputs of the model, shape
            (n events, n features). They are converted to single precision.
        evaluate: called as ``evaluate(features, params)`` with some rows of the inputs, returns one value for each,
            shape (n rows,), or several, shape (n rows, n values). A row's value must not depend on other rows.

    Raises:
        ConfigError: if the name is empty or one of the functions can't be called.

    Examples:
        >>> import numpy as np
        >>> def inputs(events, params):
        ...     return np.stack([events.nJetGood, events.MET.pt], axis=-1)
        >>> def evaluate(features, params):
        ...     return 1 / (1 + np.exp(-features @ [0.1, 0.01]))
        >>> DelayedColumn("score", inputs=inputs, evaluate=evaluate).name
        'score'
    """

    name: str
    inputs: Callable[[Any, Any], Any] = field(repr=False)
    evaluate: Callable[[Float32s, Any], Any] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.name:
            raise ConfigError("a delayed column needs a name")
        for part in ("inputs", "evaluate"):
            if not callable(getattr(self, part)):
                raise ConfigError(f"delayed column {self.name!r}: {part} must be callable, not {getattr(self, part)!r}")


def check_delayed_columns(columns: object) -> tuple[DelayedColumn, ...]:
    """Return the columns as a tuple."""
    if not isinstance(columns, Sequence):
        raise ConfigError(f"delayed_columns must be a list of DelayedColumn, not {columns!r}")
    for position, column in enumerate(columns):
        if not isinstance(column, DelayedColumn):
            raise ConfigError(f"delayed_columns[{position}] must be a DelayedColumn, not {column!r}")
        if column.name in (other.name for other in columns[:position]):
            raise ConfigError(f"delayed_columns: two columns are named {column.name!r}")
    return tuple(columns)


class DelayedColumns:
    """Delayed columns of one chunk, with the values that are known so far."""

    def __init__(self, columns: Sequence[DelayedColumn]) -> None:
        self._columns = [_ColumnValues(column) for column in columns]

    def fill(self, events: Any, index: npt.NDArray[np.int64], params: Any) -> None:
        """Add the columns to events, which have the positions ``index`` in the chunk."""
        for values in self._columns:
            name = values.column.name
            if name in events.fields:
                raise ConfigError(f"delayed column {name!r}: the events have a column or collection of that name")
            with UserCall("delayed column", name):
                events[name] = values.of(events, index, params)


class _ColumnValues:
    """Values of one column, by event and inputs."""

    def __init__(self, column: DelayedColumn) -> None:
        self.column = column
        self._rows: dict[bytes, int] = {}
        self._values: Float32s | None = None

    def of(self, events: Any, index: npt.NDArray[np.int64], params: Any) -> Float32s:
        features = self._features(self.column.inputs(events, params), len(events))
        keys = _keys(index, features)
        new = [row for row, key in enumerate(keys) if key not in self._rows]
        if new:
            chosen = np.array(new, dtype=np.int64)
            values = self._checked(self.column.evaluate(features[chosen], params), len(new))
            known = len(self._rows)
            self._rows.update((keys[row], known + position) for position, row in enumerate(new))
            self._values = values if self._values is None else np.concatenate([self._values, values])
        if self._values is None:
            return np.zeros(0, dtype=np.float32)
        return self._values[[self._rows[key] for key in keys]]

    def _features(self, features: Any, size: int) -> Float32s:
        array = self._array(features, "inputs")
        if array.ndim != 2 or len(array) != size or not array.shape[1]:
            raise self._wrong("inputs", f"of shape {array.shape}, expected ({size} events, n features)")
        return array

    def _checked(self, values: Any, size: int) -> Float32s:
        array = self._array(values, "evaluate")
        if array.ndim not in (1, 2) or len(array) != size:
            raise self._wrong("evaluate", f"of shape {array.shape}, expected ({size},) or ({size}, n values)")
        return array

    def _array(self, values: Any, function: str) -> Float32s:
        try:
            return np.asarray(ak.to_numpy(values, allow_missing=False), dtype=np.float32)
        except (TypeError, ValueError):
            raise self._wrong(function, "that is jagged, has None in it or isn't of numbers") from None

    def _wrong(self, function: str, what: str) -> ConfigError:
        return ConfigError(f"delayed column {self.column.name!r}: {function} returned an array {what}")


def _keys(index: npt.NDArray[np.int64], features: Float32s) -> list[bytes]:
    """Return the keys of values: the bytes of the event's number and its inputs."""
    rows = np.empty(len(index), dtype=[("event", np.int64), ("features", np.float32, features.shape[1:])])
    rows["event"], rows["features"] = index, features
    keys: list[bytes] = rows.view(f"V{rows.dtype.itemsize}").tolist()
    return keys
