"""Evaluation of corrections of the physics object groups for the objects of events.

The groups' files differ in the order and spelling of inputs (``working_point``, ``WorkingPoint``), and many raise an
error for a value outside of their bins. So inputs are given by name, and a value beyond the outermost bin uses that
bin.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pocket.base.typing import Floats
from pocket.corrections.bin_cache import Input, Inputs, binned
from pocket.corrections.files import find_corrections, inputs_of, load_correction, read_corrections
from pocket.corrections.tree import Keys, Node, binned_inputs, children, kind_of
from pocket.errors import ConfigError, check_known
from pocket.parameters.access import parameter
from pocket.parameters.checksums import FileContent


def named_correction(params: Any, *path: str) -> tuple[str, str]:
    """Return ``file`` and ``name`` of a correction at a path in the parameters."""
    return str(parameter(params, *path, "file")), str(parameter(params, *path, "name"))


def evaluate(file: str, name: str, inputs: Mapping[str, Input], clamped: bool = True) -> Floats:
    """Return the values of a correction for objects.

    Args:
        file: correctionlib file, by its path or by name (:func:`pocket.corrections.files.load_correction`).
        name: name of the correction in it.
        inputs: name of the input, also in lower case and without underscores → values; inputs that the correction
            doesn't have are ignored. Instances of :class:`~pocket.corrections.bin_cache.Inputs` cache the bins for
            other variations.
        clamped: whether values beyond the bins use the outermost bin if the correction has no rule for them. Otherwise
            they raise an error.

    Returns:
        One value per object.

    Raises:
        ConfigError: if the file can't be read, an input isn't given or has NaN, or a value isn't covered.
        UnknownNameError: if the file doesn't have the correction, or the correction the value of a string input.
    """
    correction = load_correction(file, name)
    content = find_corrections(file)
    known = coverage(content, name)
    place = f"correction {name!r} of {Path(file).name}"
    inputs = Inputs.of(inputs)
    names: dict[str, str] = {}
    for variable in correction.inputs:
        plain = plain_name(variable.name)
        if variable.name not in inputs and plain not in inputs:
            given = ", ".join(sorted(inputs))
            raise ConfigError(
                f"{place} needs the input {variable.name!r}; given: {given}; it has {inputs_of(correction)}"
            )
        names[variable.name] = variable.name if variable.name in inputs else plain
    every_text = inputs.texts
    texts = {variable: every_text[name] for variable, name in names.items() if name in every_text}
    for variable, text in texts.items():
        if variable in known.keys and None not in known.keys[variable]:
            check_known(variable, [text], known.keys[variable], place)
    covered = {
        variable.name: known.range(variable.name, texts) if clamped and variable.type == "real" else None
        for variable in correction.inputs
    }

    def evaluated(what: Any, variables: Sequence[Any]) -> Floats:
        arguments = [
            texts[variable.name]
            if variable.name in texts
            else _numbers(
                inputs[names[variable.name]],  # type: ignore[arg-type]
                variable.type == "int",
                f"{place}: input {variable.name!r}",
                covered[variable.name],
            )
            for variable in variables
        ]
        try:
            return np.asarray(what.evaluate(*arguments), dtype=np.float64)
        except (IndexError, RuntimeError, TypeError, ValueError) as error:
            text = re.sub(r"argument (\d+)", lambda match: repr(variables[int(match[1])].name), str(error))
            raise ConfigError(f"{place}: {' '.join(text.split())}; it has {inputs_of(correction)}") from None

    if len(texts) < len(names) and (found := binned(content, name, frozenset(texts.items()))):
        bins, values = found
        # Clamped values may get different bins in another variation, so the ranges are part of the key.
        places = inputs.places((bins, *covered.values()), lambda: evaluated(bins, bins.inputs))
        result = values.take(places)
        # Most variations have all bins; correctionlib decides about objects in missing ones.
        if not (np.isnan(values).any() and np.isnan(result).any()):
            return result
    return evaluated(correction, correction.inputs)


def kinds(file: str, name: str, inputs: Collection[str] = ()) -> frozenset[Any]:
    """Return the variations that a correction has, whatever the name of that input."""
    load_correction(file, name)
    keys = coverage(find_corrections(file), name).keys
    return frozenset().union(*(keys[variable] for variable in keys if plain_name(variable) in (inputs or KIND)))


#: Names that the groups use for the input of the variation.
KIND = ("systematic", "valtype", "scalefactors", "syst")


def kind_input(kind: str) -> dict[str, str]:
    """Return the input of a variation, under all names that corrections use."""
    return dict.fromkeys(KIND, kind)


@dataclass(frozen=True)
class Coverage:
    """Values for which a correction is defined: keys of inputs, ``None`` for any other one, and ranges.

    A range has the keys of other inputs on the path, and the edges of bins beyond which there is an error.
    """

    keys: Mapping[str, frozenset[Any]]
    ranges: Mapping[str, frozenset[tuple[Keys, float, float]]]

    def range(self, variable: str, texts: Mapping[str, str]) -> tuple[float, float]:
        """Return the range of an input that is covered for all values of the numeric inputs."""
        low, high = -np.inf, np.inf
        for keys, lower, upper in self.ranges.get(variable, ()):
            if all(texts.get(other, key) == key for other, key in keys):
                low, high = max(low, lower), min(high, upper)
        return low, high


@functools.lru_cache(maxsize=256)
def coverage(content: FileContent, name: str) -> Coverage:
    """Return the values for which a correction in a file is defined."""
    corrections = read_corrections(content)
    keys: dict[str, set[Any]] = {}
    ranges: dict[str, set[tuple[Keys, float, float]]] = {}

    # The JSON has compound corrections elsewhere; they are defined where their parts are.
    tree = next((correction["data"] for correction in corrections if correction["name"] == name), None)

    def collect(node: Node, above: Keys, limited: frozenset[str], magnitudes: frozenset[str]) -> None:
        match kind_of(node):
            case "category":
                if node["input"] not in limited:
                    keys.setdefault(node["input"], set()).update(children(node))
                for key, child in children(node).items():
                    collect(child, above if key is None else above | {(node["input"], key)}, limited, magnitudes)
            case "transform":
                # Nodes below don't restrict the given values of the replaced input, but for those of its magnitude.
                replaced = frozenset({node["input"]})
                sizes = magnitudes | replaced if _is_magnitude(node["rule"]) else magnitudes - replaced
                collect(node["content"], above, limited | replaced, sizes)
            case "binning" | "multibinning":
                axes = binned_inputs(node)
                for variable, axis in axes:
                    if node["flow"] != "error" or (variable in limited and variable not in magnitudes):
                        continue
                    ends = (axis["low"], axis["high"]) if isinstance(axis, dict) else (axis[0], axis[-1])
                    low, high = map(float, ends)
                    if variable in magnitudes:
                        # The upper edge of the magnitude isn't covered on either side.
                        low = float(np.nextafter(-high, np.inf)) if low <= 0 else -np.inf
                    ranges.setdefault(variable, set()).add((above, low, high))
                # A bin may be divided again in its own variable: those edges are inside of the range, not its ends.
                divided = frozenset(variable for variable, _ in axes)
                for child in node["content"]:
                    collect(child, above, limited | divided, magnitudes - divided)

    collect(tree, frozenset(), frozenset(), frozenset())
    return Coverage(_frozen(keys), _frozen(ranges))


def _is_magnitude(rule: Node) -> bool:
    """Tell whether a rule is the magnitude of its input, as that of η in files of the muon group."""
    return isinstance(rule, dict) and rule.get("expression") == "abs(x)" and len(rule["variables"]) == 1


def _frozen(sets: Mapping[str, set[Any]]) -> dict[str, frozenset[Any]]:
    return {name: frozenset(values) for name, values in sets.items()}


def _numbers(
    values: npt.NDArray[Any], integer: bool, where: str, covered: tuple[float, float] | None
) -> npt.NDArray[Any]:
    whole = values.dtype.kind in "biu"
    # correctionlib assigns NaN to some bin instead of refusing it.
    if not whole and np.isnan(values).any():
        raise ConfigError(f"{where} has NaN")
    if not integer:
        numbers = values.astype(np.float64)
        if covered is not None and np.isfinite(covered).any():
            low, high = covered
            # The upper edge itself is outside of the last bin.
            np.clip(numbers, low, np.nextafter(high, -np.inf) if np.isfinite(high) else high, out=numbers)
        return numbers
    if not whole and not np.all(np.isfinite(values) & (np.rint(values) == values)):
        raise ConfigError(f"{where} has numbers that are no integers")
    return values.astype(np.int64)


def plain_name(name: str) -> str:
    """Return the name of an input in lower case and without underscores, as :func:`evaluate` takes it."""
    return name.replace("_", "").lower()
