"""Files of a processor's output: histograms as HDF5 in the UHI form, and sums as JSON."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pocket.errors import HistogramError, UnknownNameError
from pocket.histograms.both_sides import with_variations
from pocket.histograms.sums import sums_of

HISTOGRAMS = "histograms.h5"
SUMS = "sums.json"


def write_sums_and_histograms(directory: Path, output: Mapping[str, Any]) -> None:
    """Write histograms and sums of an output to ``histograms.h5`` and ``sums.json``, without columns."""
    write_sums(directory, output)
    write_histograms(directory, output["variables"].items())


def write_sums(directory: Path, output: Mapping[str, Any]) -> None:
    """Write the sums of an output to ``sums.json``."""
    (directory / SUMS).write_text(json.dumps(sums_of(output), indent=1, allow_nan=False), encoding="utf-8")


def write_histograms(directory: Path, variables: Iterable[tuple[str, Mapping[str, Mapping[str, Any]]]]) -> None:
    """Write histograms to ``histograms.h5``; each variable is written before the next one is taken."""
    import h5py
    import uhi.io.hdf5

    # The file is written to memory first, since HDF5 crashes on a full disk.
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for variable, samples in variables:
            for sample, datasets in samples.items():
                for dataset, histogram in datasets.items():
                    uhi.io.hdf5.write(file.create_group(f"{variable}/{sample}/{dataset}"), histogram)
    (directory / HISTOGRAMS).write_bytes(content.getbuffer())


def read_output(directory: str | Path) -> dict[str, Any]:
    """Return the output that :func:`write_sums_and_histograms` wrote."""
    variables = {variable: read_variable(directory, variable) for variable in list_variables(directory)}
    return {**read_sums(directory), "variables": variables}


def read_sums(directory: str | Path) -> dict[str, Any]:
    """Return the cutflow and the sums of weights, without reading histograms."""
    sums = json.loads((Path(directory) / SUMS).read_text(encoding="utf-8"))
    assert isinstance(sums, dict)
    return sums


def list_variables(directory: str | Path) -> list[str]:
    """Return the names of the histograms."""
    import h5py

    with h5py.File(Path(directory) / HISTOGRAMS) as file:
        return list(file)


def read_variable(directory: str | Path, variable: str) -> dict[str, dict[str, Any]]:
    """Return the histograms of one variable by sample and dataset, without reading others."""
    import h5py
    import hist
    import uhi.io.hdf5

    path = Path(directory) / HISTOGRAMS
    with h5py.File(path) as file:
        if variable not in file:
            raise UnknownNameError("variable", variable, list(file), str(path))
        read: Any = uhi.io.hdf5.read
        return {
            sample: {dataset: hist.Hist(read(group)) for dataset, group in datasets.items()}
            for sample, datasets in file[variable].items()
        }


def read_templates(directory: str | Path, variable: str) -> dict[str, Any]:
    """Return sample → histogram of one variable, summed over the datasets of each sample."""
    return {sample: add(datasets.values()) for sample, datasets in read_variable(directory, variable).items()}


def relabel(samples: Mapping[str, Mapping[str, Any]], labels: Mapping[str, str]) -> None:
    """Set the labels of the axes of a variable's histograms, by default their names, in place.

    Labels aren't part of a fingerprint, so branches may have old labels, and histograms with different labels can't be
    added.
    """
    for datasets in samples.values():
        for histogram in datasets.values():
            for axis in histogram.axes:
                axis.label = labels.get(axis.name, axis.name)


def add(histograms: Iterable[Any]) -> Any:
    """Return the sum of histograms; those without a variation of another one contribute their nominal to it."""
    total: Any = None
    for histogram in _with_the_same_variations(list(histograms)):
        if total is None:
            total = histogram.copy()
        elif list(total.axes) != list(histogram.axes):
            raise HistogramError("histograms of one sample have different axes and can't be added")
        else:
            total += histogram
    if total is None:
        raise HistogramError("there is no histogram to add")
    return total


def _with_the_same_variations(histograms: list[Any]) -> list[Any]:
    if any("variation" not in histogram.axes.name for histogram in histograms):
        return histograms
    several = [list(histogram.axes["variation"]) for histogram in histograms]
    names = list(dict.fromkeys(name for each in several for name in each))
    return [
        histogram if each == names else with_variations(histogram, names)
        for histogram, each in zip(histograms, several, strict=True)
    ]
