"""Parts of the sums in merged outputs, so that outputs depend only on the sums that they are made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pocket.base.sample_blocks import SUBSAMPLE
from pocket.histograms.one_sided import NOMINAL
from pocket.histograms.readings import Reading, of_config

#: sums of a merged output, see :func:`pocket.histograms.files.read_sums`
Sums = Mapping[str, Any]
#: sums over all events of a dataset, before any cut
GENERATED = ("sum_genweights", "sum_signOf_genweights")


def sums_of(output: Mapping[str, Any]) -> dict[str, Any]:
    """Return an output without histograms and columns, see :func:`pocket.engine.chunk.empty_output`."""
    return {key: value for key, value in output.items() if key not in ("variables", "columns")}


def read_part(sums: Sums, config: str, readings: Iterable[Reading] | None) -> Sums:
    """Return the part of a configuration's sums that is read: of yields, the nominal ones of the categories.

    Readings without a histogram are yields; all sums are read if readings are unknown (``None``).
    """
    if readings is None:
        return sums
    read = of_config(readings, config)
    samples = {name for reading in read for name in reading.samples}
    datasets = list(datasets_of(sums, sorted(samples), ()))
    yields = [reading for reading in read if not reading.variable]
    categories = {category for reading in yields for category in reading.categories}

    def of_datasets(part: Mapping[str, Any]) -> dict[str, Any]:
        return {dataset: part[dataset] for dataset in datasets if dataset in part}

    def of_category(part: Mapping[str, Any]) -> dict[str, Any]:
        return {
            dataset: {sample: {NOMINAL: by_variation[NOMINAL]} for sample, by_variation in by_sample.items()}
            for dataset, by_sample in of_datasets(part).items()
        }

    return {
        "cutflow": {stage: of_datasets(sums["cutflow"][stage]) for stage in ("initial", "skim")},
        **{key: of_datasets(sums[key]) for key in GENERATED if key in sums},
        **{key: {name: of_category(sums[key][name]) for name in sorted(categories)} for key in ("sumw", "sumw2")},
        "datasets_metadata": {
            dataset: {key: metadata[key] for key in ("sample", "year")}
            for dataset, metadata in of_datasets(sums["datasets_metadata"]).items()
        },
    }


def datasets_of(sums: Sums, samples: Sequence[str], years: Sequence[str]) -> Iterator[str]:
    """Yield the datasets of samples, of some years if any are given."""
    whole = {sample.partition(SUBSAMPLE)[0] for sample in samples}
    for dataset, metadata in sums["datasets_metadata"].items():
        if metadata["sample"] in whole and (not years or str(metadata["year"]) in years):
            yield dataset
