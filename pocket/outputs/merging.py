"""Merging of the outputs of all branches, and their normalisation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from pocket.configuration.configurator import Configurator
from pocket.configuration.stored_variations import one_sided_variations
from pocket.datasets.generator_sums import restore_sums
from pocket.errors import DatasetError
from pocket.histograms.both_sides import with_both_sides, with_both_sums
from pocket.histograms.files import relabel
from pocket.outputs.dedicated_samples import dedicated_metadata, fold_dedicated_samples
from pocket.outputs.normalisation import divided_by, normalisation_factors
from pocket.outputs.renaming import rename_variations

Output = dict[str, Any]


def merge_outputs(
    cfg: Configurator,
    outputs: Iterable[Output],
    metadata: Mapping[str, Mapping[str, Any]],
    *,
    all_files: bool = True,
) -> Output:
    """Return the normalised sum of the raw outputs of branches.

    Simulation is divided by the sum over all processed events before any cut that belongs to its weights
    (:mod:`pocket.outputs.normalisation`), and scaled by the weights ``lumi`` and ``XS`` if they are used. For a skim,
    the sums are those before the skim, from its metadata.
    Histograms with ``no_weights`` and the cutflow stay unweighted. A dataset that varies a sample becomes a variation
    of it (:mod:`pocket.outputs.dedicated_samples`), and variations get their names across eras
    (:mod:`pocket.configuration.era_names`). Columns are left out, because they are merged file
    by file (:func:`pocket.columns.parquet.merge_columns`).

    Args:
        cfg: the configuration.
        outputs: raw outputs, see :func:`pocket.engine.chunk.empty_output`.
        metadata: dataset → its metadata, including the number of events in the fileset, ``nevents``, if it is known.
        all_files: whether no file was left out.

    Returns:
        The merged output in the same layout, with ``datasets_metadata``, and with the sums that each simulated dataset
        was divided by in ``divided_by`` (:func:`pocket.outputs.normalisation.divided_by`).

    Raises:
        DatasetError: if a dataset has no output or no metadata, its events weren't each processed once
            (:func:`check_events`), or the sum that it is divided by isn't positive.
    """
    from coffea.processor import accumulate

    # The sum starts with an empty dictionary, because coffea returns a single output itself, but the scaling needs a
    # copy.
    merged: Output = accumulate(_labelled(cfg, outputs), {})
    merged.pop("columns", None)
    merged["divided_by"] = {}
    for dataset in cfg.definitions:
        if dataset not in merged.get("cutflow", {}).get("initial", {}):
            raise DatasetError(f"dataset {dataset!r} has no output to merge")
        if dataset not in metadata:
            raise DatasetError(f"dataset {dataset!r} has no metadata to normalise it by")
        if (expected := metadata[dataset].get("nevents")) is not None:
            check_events(dataset, merged["cutflow"]["initial"][dataset], expected, all_files=all_files)
        restore_sums(merged, dataset, metadata[dataset])
        if metadata[dataset]["isMC"]:
            merged["divided_by"][dataset] = divided_by(cfg, merged, dataset, metadata[dataset])
            _normalise(cfg, merged, dataset, metadata[dataset])
    fold_dedicated_samples(cfg, merged, metadata)
    remaining = {dataset: dict(meta) for dataset, meta in metadata.items() if dataset not in dedicated_metadata(merged)}
    one_sided = one_sided_variations(cfg)
    for dataset in cfg.definitions:
        if dataset in remaining and remaining[dataset]["isMC"]:
            _add_other_sides(cfg, merged, dataset, str(remaining[dataset]["sample"]), one_sided)
    rename_variations(cfg, merged)
    merged["datasets_metadata"] = remaining
    return merged


def _labelled(cfg: Configurator, outputs: Iterable[Output]) -> Iterator[Output]:
    labels = {
        name: {axis.name: axis.label or axis.name for axis in variable.axes} for name, variable in cfg.variables.items()
    }
    for output in outputs:
        relabel(output, labels)
        yield output


def check_events(dataset: str, processed: float, expected: int, *, all_files: bool) -> None:
    """Check that each event of a dataset was processed once.

    Args:
        dataset: name of the dataset.
        processed: number of events processed in all branches, for a skim the number of surviving events.
        expected: number of events in the fileset.
        all_files: whether no file was left out.

    Raises:
        DatasetError: if there are more events than in the fileset, fewer although no file was left out, or none at all.
    """
    # Without any events of a dataset its templates would be empty. A skim may have no events, though.
    if expected and not processed:
        raise DatasetError(f"dataset {dataset!r}: none of its files could be read, there is nothing to merge")
    if processed > expected or (all_files and processed < expected):
        raise DatasetError(f"dataset {dataset!r}: {processed} events were processed, its fileset has {expected}")


def _normalise(cfg: Configurator, merged: Output, dataset: str, metadata: Mapping[str, Any]) -> None:
    for sample, factors in normalisation_factors(cfg, merged, dataset, metadata).items():
        for category, factor in factors.items():
            for sums, power in (("sumw", 1), ("sumw2", 2)):
                by_variation = merged[sums][category][dataset][sample]
                for variation in by_variation:
                    by_variation[variation] *= factor**power
        for name, samples in merged["variables"].items():
            if dataset in samples.get(sample, {}) and not cfg.variables[name].no_weights:
                _scale(samples[sample][dataset], factors)


def _add_other_sides(
    cfg: Configurator, merged: Output, dataset: str, sample: str, one_sided: Mapping[str, str]
) -> None:
    """Add the other side of one-sided variations to all templates of a dataset."""
    if not one_sided:
        return
    for counted in cfg.counted_samples(sample):
        for sums in ("sumw", "sumw2"):
            for datasets in merged[sums].values():
                by_sample = datasets[dataset]
                by_sample[counted] = with_both_sums(by_sample[counted], one_sided, squared=sums == "sumw2")
        for samples in merged["variables"].values():
            if dataset in samples.get(counted, {}):
                samples[counted][dataset] = with_both_sides(samples[counted][dataset], one_sided)


def _scale(histogram: Any, factors: Mapping[str, float]) -> None:
    """Scale each category of a histogram, whose first axis is ``cat``, in place."""
    scale = np.array([factors[category] for category in histogram.axes["cat"]])
    view = histogram.view(flow=True)
    scale = scale.reshape(-1, *[1] * (view.ndim - 1))
    if view.dtype.names:
        view["value"] *= scale
        view["variance"] *= scale**2
    else:
        view *= scale
