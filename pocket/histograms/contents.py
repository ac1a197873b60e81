"""Checksums of parts of templates, so that outputs depend only on the parts that they are made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.histograms.readings import Reading

if TYPE_CHECKING:
    from hist import Hist

CONTENTS = "contents.json"
#: Hexadecimal digits of a checksum: 64 bits are enough for some thousand parts of one output.
_LENGTH = 16
#: Placeholder of the variation for histograms without variations, such as those of data.
_NO_VARIATION = ""

#: Histogram → sample → dataset → ``bins``: checksum of the axes, ``parts``: category → variation → checksum.
Contents = Mapping[str, Mapping[str, Mapping[str, Mapping[str, Any]]]]
#: histograms by sample and dataset, one variable after another
Items = Iterator[tuple[str, Mapping[str, Mapping[str, "Hist[Any]"]]]]


def write_contents(directory: Path, variables: Items) -> Items:
    """Yield variables with their histograms, after writing their checksums to the folder of the histograms.

    Each variable has a line, so that a reader finds it without the others.
    """
    with (directory / CONTENTS).open("w", encoding="utf-8") as file:
        separator = "{\n"
        for variable, samples in variables:
            described = {
                sample: {dataset: _describe(histogram) for dataset, histogram in datasets.items()}
                for sample, datasets in samples.items()
            }
            file.write(f"{separator}{json.dumps(variable)}:{json.dumps(described, separators=(',', ':'))}")
            separator = ",\n"
            yield variable, samples
        file.write("\n}" if separator == ",\n" else "{}")


def read_contents(directory: str | Path, variables: Collection[str] | None = None) -> Contents:
    """Return the checksums that :func:`write_contents` wrote, of all variables or of those that are there."""
    path = Path(directory) / CONTENTS
    if variables is None:
        contents: Contents = json.loads(path.read_text(encoding="utf-8"))
        return contents
    found = {}
    decoder = json.JSONDecoder()
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith('"'):
                variable, end = decoder.raw_decode(line)
                if variable in variables:
                    found[variable], _ = decoder.raw_decode(line, end + 1)
    return found


def checksum_of(contents: Contents, readings: Iterable[Reading]) -> str:
    """Return one checksum of all parts that are read, including their names; missing parts are left out."""
    read = [
        (
            *(reading.variable, sample, dataset, histogram["bins"]),
            [
                (category, variation, checksum)
                for category in reading.categories
                for variation, checksum in histogram["parts"].get(category, {}).items()
                if variation == _NO_VARIATION or reading.reads_variation(variation)
            ],
        )
        for reading in readings
        for sample in reading.samples
        for dataset, histogram in contents.get(reading.variable, {}).get(sample, {}).items()
    ]
    return digest_json(read)


def checksum_in_category(contents: Contents, variable: str, category: str) -> str | None:
    """Return one checksum of a histogram in a category, for all samples and variations; ``None`` if it is missing."""
    if variable not in contents:
        return None
    return digest_json(
        [
            (sample, dataset, histogram["bins"], list(histogram["parts"].get(category, {}).items()))
            for sample, datasets in contents[variable].items()
            for dataset, histogram in datasets.items()
        ]
    )


def digest_json(value: Any) -> str:
    """Return the SHA-256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def only_read(histogram: Hist[Any], reading: Reading) -> Hist[Any]:
    """Return a histogram with only the categories and variations that are read."""
    import hist

    kept: dict[str, list[str]] = {"cat": [name for name in histogram.axes["cat"] if name in reading.categories]}
    if "variation" in histogram.axes.name:
        kept["variation"] = [name for name in histogram.axes["variation"] if reading.reads_variation(name)]
    if all(len(names) == len(histogram.axes[axis]) for axis, names in kept.items()):
        return histogram
    view = histogram.view(flow=True)
    axes = []
    for number, axis in enumerate(histogram.axes):
        if axis.name in kept:
            names = list(axis)
            view = view.take([names.index(name) for name in kept[axis.name]], axis=number)
            axis = hist.axis.StrCategory(kept[axis.name], name=axis.name, label=axis.label, overflow=False)
        axes.append(axis)
    chosen: Hist[Any] = hist.Hist(*axes, storage=histogram.storage_type())
    chosen.view(flow=True)[...] = view
    return chosen


def _describe(histogram: Hist[Any]) -> dict[str, Any]:
    categories = list(histogram.axes["cat"])
    varied = "variation" in histogram.axes.name
    variations = list(histogram.axes["variation"]) if varied else [_NO_VARIATION]
    view = histogram.view(flow=True)
    view = view if varied else view[:, None]
    others = [axis for axis in histogram.axes if axis.name not in ("cat", "variation")]
    bins = [histogram.storage_type.__name__, [_describe_axis(axis) for axis in others]]
    return {
        "bins": digest_json(bins)[:_LENGTH],
        "parts": {
            category: {
                variation: hashlib.sha256(view[row, column].tobytes()).hexdigest()[:_LENGTH]
                for column, variation in enumerate(variations)
            }
            for row, category in enumerate(categories)
        },
    }


def _describe_axis(axis: Any) -> list[Any]:
    # Only properties that decide the bin of a value are included; the label is for plots.
    edges = list(axis) if axis.traits.discrete else axis.edges.tolist()
    return [axis.name, type(axis).__name__, edges, repr(axis.traits)]
