"""Scale factors in files: their values in bins with uncertainties, and their evaluation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np

from pocket.base.typing import Floats
from pocket.corrections.derived import DECORRELATED, SYSTEMATIC, DerivedCorrection
from pocket.corrections.files import find_corrections, load_correction, names_of, read_corrections
from pocket.errors import ConfigError, ScaleFactorError, check_known
from pocket.interactive.tables import Table
from pocket.interactive.templates import refuse_absent, refuse_changed
from pocket.io.store.manifest import NAME as MANIFEST
from pocket.scale_factors.files.imported_result import axes_of
from pocket.scale_factors.measurement.binning import Categories, bin_labels
from pocket.scale_factors.measurement.result import sides
from pocket.scale_factors.validation.units import evaluate

_TOTAL = "total"
#: file with the details of the measurement
RESULT = "result.json"


@dataclass(frozen=True)
class ScaleFactorFile:
    """A correction in a file of correctionlib with the systematics that ``ComputeScaleFactors`` writes.

    Args:
        path: the file.
        name: name of the correction in it.

    Example:
        >>> sf = ScaleFactorFile(Path("tight_id/tight_id.json"), "tight_id")
        >>> sf.inputs
        {'pt': 'real'}
        >>> sf.systematics[:5]
        ('nominal', 'background_down', 'background_up', 'down', 'stat_down')
    """

    path: Path
    name: str

    @cached_property
    def _written(self) -> dict[str, Any]:
        corrections = read_corrections(find_corrections(str(self.path)))
        return next((each for each in corrections if each["name"] == self.name), {"data": 0.0, "inputs": []})

    @property
    def _correction(self) -> DerivedCorrection:
        return DerivedCorrection(str(self.path), self.name)

    @property
    def corrections(self) -> tuple[str, ...]:
        """Names of all corrections in the file, such as efficiencies in data and in simulation."""
        return names_of(find_corrections(str(self.path)))

    @property
    def inputs(self) -> dict[str, str]:
        """Input of :meth:`evaluate` → its type: ``real``, ``int`` or ``string``."""
        return self._correction.axes

    @property
    def systematics(self) -> tuple[str, ...]:
        """Systematics of :meth:`evaluate`: ``nominal``, ``up``, ``down`` and those of single sources."""
        keys = self._correction.systematics
        return ("nominal", *sorted((key for key in keys if key != "nominal"), key=_order))

    @cached_property
    def bins(self) -> dict[str, tuple[Any, ...]]:
        """Axis → edges, or categories; empty if a formula determines the values."""
        axes = axes_of(self._written)
        return {name: axis.values if isinstance(axis, Categories) else axis for name, axis in axes.items()}

    @property
    def values(self) -> Floats:
        """Nominal values, one dimension per axis.

        Raises:
            ScaleFactorError: if there are no bins.
        """
        return self._in_bins("nominal")

    @cached_property
    def uncertainties(self) -> dict[str, tuple[Floats, Floats]]:
        """Source, and ``total`` → distances up and down of the values, both not negative, one dimension per axis.

        Weight variations that change together with the scale factor are among the sources, but aren't in the total.

        Raises:
            ScaleFactorError: if there are no bins.
        """
        found: dict[str, tuple[Floats, Floats]] = {}
        for up in self.systematics:
            source = up.removesuffix("up").removesuffix("_")
            if not up.endswith("up") or DECORRELATED.fullmatch(source):
                continue
            shifts = tuple(self._in_bins(key) - self.values for key in (up, f"{up.removesuffix('up')}down"))
            found[source or _TOTAL] = sides((shifts[0], shifts[1]))
        return dict(sorted(found.items(), key=lambda each: each[0] != _TOTAL))

    def evaluate(self, systematic: str = "nominal", **inputs: Any) -> Any:
        """Return the values for objects or events.

        Args:
            systematic: one of :attr:`systematics`.
            **inputs: a number, a string or an array for each input; arrays of one shape, or jagged in the same way.

        Returns:
            A number if all inputs are, else an array of their shape, which misses what an input misses.

        Raises:
            UnknownNameError: if an input or the systematic is unknown.
            ConfigError: if an input is missing, out of a range without overflow, or negative for an absolute value.
        """
        where = f"correction {self.name!r} of {self.path.name}"
        check_known("input", inputs, self.inputs, where)
        if missing := [name for name in self.inputs if name not in inputs]:
            raise ConfigError(f"{where} needs {', '.join(missing)}")
        check_known("systematic", [systematic], self.systematics, where)
        texts = {name: value for name, value in inputs.items() if isinstance(value, str)}
        numbers = {name: value for name, value in inputs.items() if name not in texts}
        values = list(numbers.values())
        if any(isinstance(value, ak.Array) for value in values):
            arrays = ak.broadcast_arrays(*values)
            found = self._evaluate(texts, dict(zip(numbers, map(_flat, arrays), strict=True)), systematic)
            return _shaped(found, arrays[0])
        arrays = np.broadcast_arrays(*values) if values else [np.zeros(())]
        found = self._evaluate(texts, dict(zip(numbers, map(np.ravel, arrays), strict=False)), systematic)
        return found.reshape(arrays[0].shape) if arrays[0].ndim else float(found[0])

    def _evaluate(self, texts: Mapping[str, str], numbers: Mapping[str, Any], systematic: str) -> Floats:
        for name, values in numbers.items():
            # The first bin would take them as its own.
            if name.startswith("abs") and self.bins.get(name, ("",))[0] == 0 and np.any(np.asarray(values) < 0):
                raise ConfigError(
                    f"correction {self.name!r} of {self.path.name} takes absolute values as {name}, and one is negative"
                )
        size = max((len(values) for values in numbers.values()), default=1)
        return self._correction.evaluate({**texts, **numbers}, systematic, size)

    def _in_bins(self, systematic: str) -> Floats:
        axes = axes_of(self._written)
        if not axes:
            raise ScaleFactorError(f"correction {self.name!r} of {self.path.name} has no bins: evaluate it instead")
        return evaluate(load_correction(str(self.path), self.name), axes, {SYSTEMATIC: systematic})

    def table(self) -> Table:
        """Return a table with value and uncertainties of each bin.

        Raises:
            ScaleFactorError: if there are no bins.
        """
        labels = bin_labels(axes_of(self._written))
        columns = {"value": [f"{value:.4f}" for value in self.values.ravel()]}
        for source, (up, down) in self.uncertainties.items():
            columns[source] = [f"+{high:.4f} −{low:.4f}" for high, low in zip(up.ravel(), down.ravel(), strict=True)]
        rows = {label: {column: cells[i] for column, cells in columns.items()} for i, label in enumerate(labels)}
        return Table(self.name, "Bin", rows)

    def __repr__(self) -> str:
        """Return the name, the file, and the inputs with their bins."""
        inputs = (
            f"{name} {list(self.bins[name]) if name in self.bins else kind}" for name, kind in self.inputs.items()
        )
        return f"ScaleFactorFile of {self.name!r} in {self.path}: {', '.join(inputs)}"

    def _repr_html_(self) -> str:
        """Return the table for notebooks, or the inputs if there are no bins."""
        return self.table()._repr_html_() if self.bins else repr(self)


def _order(systematic: str) -> tuple[int, str]:
    """Return the place of a systematic: decorrelated statistical errors come last, by their numbers."""
    decorrelated = DECORRELATED.match(systematic)
    return (int(decorrelated[1]) if decorrelated else 0, systematic)


def read_scale_factor(output: str | os.PathLike[str], correction: str | None = None) -> ScaleFactorFile:
    """Return a scale factor of an output of ``ComputeScaleFactors``.

    Args:
        output: its folder, or the JSON file for correctionlib in it.
        correction: name of a correction in the file; by default the first, which is the scale factor itself.

    Raises:
        ConfigError: if there is no such file.
        UnknownNameError: if the correction isn't in it.
        DamagedOutputError: if a file was changed since it was written.

    Example:
        >>> sf = read_scale_factor("tight_id")
        >>> sf.bins
        {'pt': (20.0, 40.0, 200.0)}
        >>> print(sf.table())
                                           tight_id
        ┏━━━━━━━━━━━━━━┳━━━━━━━━┳━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┓
        ┃ Bin          ┃  value ┃           total ┃      background ┃            stat ┃
        ┡━━━━━━━━━━━━━━╇━━━━━━━━╇━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━┩
        │ pt [20, 40)  │ 0.9700 │ +0.0100 −0.0100 │ +0.0060 −0.0060 │ +0.0080 −0.0080 │
        │ pt [40, 200) │ 0.9900 │ +0.0100 −0.0100 │ +0.0080 −0.0080 │ +0.0060 −0.0060 │
        └──────────────┴────────┴─────────────────┴─────────────────┴─────────────────┘
        >>> sf.evaluate(pt=[25.0, 50.0])
        array([0.97, 0.99])
        >>> sf.evaluate("up", pt=25.0)
        0.98
    """
    path = Path(output).expanduser()
    refuse_absent(output, path)
    folder = path if path.is_dir() else path.parent
    refuse_changed(folder)
    if path.is_dir():
        path = _file_in(path)
    names = names_of(find_corrections(str(path)))
    name = correction or names[0]
    load_correction(str(path), name)
    return ScaleFactorFile(path, name)


def _file_in(folder: Path) -> Path:
    """Return the file for correctionlib in a folder."""
    files = [path for path in sorted(folder.glob("*.json")) if path.name not in (MANIFEST, RESULT)]
    if len(files) != 1:
        found = ", ".join(path.name for path in files) or "none"
        raise ConfigError(
            f"{folder} is no output of ComputeScaleFactors: it needs one file of a correction, and has {found}"
        )
    return files[0]


def _flat(array: ak.Array) -> Any:
    if array.ndim > 2:
        raise ConfigError(f"inputs have {array.ndim} dimensions, expected one number per event or per object")
    return ak.to_numpy(ak.flatten(array, axis=None))


def _shaped(found: Floats, array: ak.Array) -> ak.Array:
    """Return values of an array's entries in its shape; what it misses is missing."""
    entries = ak.flatten(array) if array.ndim > 1 else array
    missing = ak.to_numpy(ak.is_none(entries))
    shaped = ak.Array(found)
    if missing.any():
        places = np.cumsum(~missing) - 1
        shaped = shaped[ak.mask(places, ~missing)]
    return ak.unflatten(shaped, ak.num(array)) if array.ndim > 1 else shaped
