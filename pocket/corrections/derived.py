"""Corrections in the files of derived scale factors, evaluated for objects or events."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.base.typing import Floats
from pocket.corrections.bin_cache import Input, Inputs
from pocket.corrections.evaluation import coverage, evaluate
from pocket.corrections.files import find_corrections, load_correction
from pocket.corrections.keys import systematic_key
from pocket.errors import ConfigError, MissingBranchError, check_known

SYSTEMATIC = "systematic"
#: largest efficiency in the file of a scale factor
MOST = 1 - 1e-4
#: source of one of the statistical errors that are decorrelated between bins, beside ``stat`` with all of them
DECORRELATED = re.compile(r"stat(\d+)")


@dataclass(frozen=True)
class DerivedCorrection:
    """Correction in the file of a derived scale factor."""

    file: str
    name: str

    @property
    def axes(self) -> dict[str, str]:
        """Input, without ``systematic`` → its type: ``real``, ``int`` or ``string``."""
        inputs = load_correction(self.file, self.name).inputs
        return {variable.name: variable.type for variable in inputs if variable.name != SYSTEMATIC}

    @property
    def systematics(self) -> frozenset[Any]:
        """Keys of ``systematic``; empty if the correction doesn't vary."""
        return self.keys(SYSTEMATIC)

    def nominal_in(self, shape_variation: str) -> str:
        """Return the systematic for a shape variation: the one of the same name, otherwise ``nominal``."""
        key = systematic_key(shape_variation)
        return key if key in self.systematics else "nominal"

    def inputs_of(
        self,
        names: Mapping[str, str],
        metadata: Mapping[str, Any],
        column: Callable[[str], npt.NDArray[Any]],
        where: str,
        without: Sequence[str] = (),
    ) -> Inputs:
        """Return the inputs: strings from the metadata, numbers from columns, by ``names`` where these differ."""
        found: dict[str, Input] = {}
        for axis, kind in self.axes.items():
            place, source = f"{where}, input {axis!r} of {self.name!r}", names.get(axis, axis)
            if axis in without:
                continue
            if kind == "string":
                check_known("key", [source], metadata, f"the metadata ({place})")
                found[axis] = str(metadata[source])
                continue
            try:
                found[axis] = column(source)
            except (ConfigError, MissingBranchError) as error:
                raise type(error)(f"{place}: {error}") from None
        return Inputs(found)

    def evaluate(self, inputs: Mapping[str, Input], systematic: str, size: int) -> Floats:
        """Return the values of the correction; each input is one string for all, or one number per object or event."""
        place = f"correction {self.name!r} of {Path(self.file).name}"
        inputs = Inputs.of(inputs)
        for axis, text in inputs.texts.items():
            known = self.keys(axis)
            # Without keys, the correction doesn't depend on it.
            if known and text not in known and None not in known:
                raise ConfigError(f"{place} knows no {axis} {text!r}; known: {', '.join(sorted(known))}")
        if systematic != "nominal" and not self.systematics:
            raise ConfigError(f"{place} has no systematic {systematic!r}, nor any other one")
        values = evaluate(self.file, self.name, inputs.with_texts({SYSTEMATIC: systematic}), clamped=False)
        # There is one value if all inputs are strings.
        return np.broadcast_to(values, size)

    def keys(self, axis: str) -> frozenset[Any]:
        """Return the keys of an input in categories, empty if it has none."""
        load_correction(self.file, self.name)
        return coverage(find_corrections(self.file), self.name).keys.get(axis, frozenset())


def injected(efficiencies: Floats, bins: Floats, factors: Sequence[float]) -> Floats:
    """Return known scale factors, which bins have in turn, of efficiencies in simulation.

    They are 1 where nothing fails, and at most ``MOST`` / efficiency.
    """
    known, first = np.unique(bins, return_index=True)
    of_known = np.empty(known.size)
    of_known[np.argsort(first)] = np.resize(factors, known.size)
    found = np.minimum(of_known[np.searchsorted(known, efficiencies)], MOST / efficiencies)
    return np.where(efficiencies < MOST, found, 1.0)
