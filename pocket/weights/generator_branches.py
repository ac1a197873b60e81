"""Branches of the generator's variations: their entries, titles and sums over all events of a sample.

NanoAOD says in the title of a branch what its entries are: the LHAPDF numbers of LHEPdfWeight, the scales of
LHEScaleWeight, the names of the shower's variations in PSWeight (CMSSW, GenWeightsTableProducer). Sums over all
generated events are in the tree ``Runs``, divided by ``genEventSumw``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import awkward as ak
import numpy as np

from pocket.base.typing import Floats
from pocket.errors import BadFileError, ConfigError
from pocket.weights.base import WeightWrapper

#: Branch of the events → branch of ``Runs`` with its sums, which is also the key in the metadata of a dataset.
SUMS = {"LHEScaleWeight": "LHEScaleSumw", "LHEPdfWeight": "LHEPdfSumw", "PSWeight": "PSSumw"}
_NORM = "genEventSumw"


class GeneratorBranch(WeightWrapper):
    """Base class of weights whose variations are entries of a branch of the generator."""

    has_variations = True

    def entries(self, events: Any, source: str, expected: Sequence[int] = ()) -> Floats:
        """Return a branch with the same number of entries for each event, shape (n events, n entries)."""
        values = events[source]
        counts = np.unique(np.asarray(ak.num(values, axis=1))).tolist()
        if not counts:
            return np.ones((0, expected[0] if expected else 0))
        if len(counts) > 1 or (expected and counts[0] not in expected):
            numbers = " or ".join(map(str, expected))
            needed = f"{numbers} entries per" if numbers else "the same number of entries for each"
            raise ConfigError(
                f"weight {self.name!r} needs {needed} event in {source}, sample {self.metadata.get('sample')!r} has "
                f"{' and '.join(map(str, counts))}"
            )
        return np.asarray(ak.to_numpy(ak.flatten(values, axis=1)), dtype=np.float64).reshape(len(values), counts[0])

    def mean_weights(self, source: str, expected: int | None = None) -> Floats:
        """Return the mean of each entry over all generated events, weighted by ``genWeight``, from the metadata."""
        key = SUMS[source]
        means = self.metadata.get(key)
        if means is None:
            raise ConfigError(
                f"weight {self.name!r} is renormalised, but the metadata of dataset {self.metadata.get('dataset')!r} "
                f"lack {key!r}: pocket.weights.generator_means(files) reads it from the tree Runs"
            )
        array = np.asarray(means, dtype=np.float64)
        count = len(array) if expected is None and array.ndim == 1 else expected
        if array.shape != (count,) or not (np.isfinite(array) & (array > 0)).all():
            raise ConfigError(
                f"weight {self.name!r}: {key} in the metadata of dataset {self.metadata.get('dataset')!r} must be "
                f"{count or 'a list of'} positive numbers, one for each entry of {source}"
            )
        return array


def title_of(events: Any, source: str) -> str:
    """Return the title of a branch, empty if the events don't come from a file."""
    layout = events[source].layout
    while True:
        title = layout.parameters.get("__doc__")
        if title:
            return str(title)
        if layout.is_numpy or layout.is_record or layout.is_union or layout.is_unknown:
            return ""
        layout = layout.content


def generator_means(files: Iterable[str]) -> dict[str, list[float]]:
    """Return the means of the generator's variations over all events of a dataset, for its metadata.

    They are read from the trees ``Runs`` of all files, where NanoAOD has the sums over all generated events, before
    any filter of NanoAOD. Names end in an underscore in releases before version 7.

    Args:
        files: all NanoAOD files of the dataset, by path or URL.

    Returns:
        ``LHEScaleSumw``, ``LHEPdfSumw`` and ``PSSumw`` → mean of each entry, weighted by ``genWeight``; without those
        that the files lack.

    Raises:
        BadFileError: if a file has no such tree, no sum of weights, or other entries than another file.

    Example:
        >>> generator_means([])
        {}
    """
    import uproot

    norm, sums = 0.0, dict[str, Floats]()
    for number, path in enumerate(files):
        with uproot.open(path) as file:
            if "Runs" not in file:
                raise BadFileError(f"{path} has no tree Runs, which holds the sums of the generator's weights")
            runs = file["Runs"]
            found = _sums_of(runs, path)
            norm += found.pop(_NORM)
            for key in {*found, *sums} if number else found:
                if key not in found or (number and (key not in sums or len(sums[key]) != len(found[key]))):
                    raise BadFileError(f"{path}: {key} has other entries in Runs than the files before")
                sums[key] = sums[key] + found[key] if number else found[key]
    return {key: (values / norm).tolist() for key, values in sums.items()}


def _sums_of(runs: Any, path: str) -> dict[str, Any]:
    """Return the sums of weights of one file, by name, and ``genEventSumw``."""
    names: Mapping[str, str] = {name.removesuffix("_"): name for name in runs.keys()}  # noqa: SIM118  uproot's tree
    if _NORM not in names:
        raise BadFileError(f"{path}: the tree Runs has no {_NORM}, the sum of the generator's weights")
    weights = runs[names[_NORM]].array(library="np").astype(np.float64)
    found: dict[str, Any] = {_NORM: float(weights.sum())}
    for key in SUMS.values():
        if key not in names:
            continue
        means = runs[names[key]].array()
        if len(set(ak.to_list(ak.num(means, axis=1)))) == 1 and (table := ak.to_numpy(means)).shape[1]:
            found[key] = weights @ np.asarray(table, dtype=np.float64)
    return found
