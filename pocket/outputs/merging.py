"""Merging of the outputs of all branches, and their normalisation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pocket.datasets.generator_sums import restore_sums
from pocket.errors import DatasetError
from pocket.histograms.both_sides import with_both_sides, with_both_sums
from pocket.histograms.files import relabel
from pocket.histograms.sums import sums_of
from pocket.outputs.dedicated_samples import (
    dedicated_metadata,
    fold_dedicated_histograms,
    fold_dedicated_sums,
)
from pocket.outputs.normalisation import divided_by, normalisation_factors
from pocket.outputs.renaming import rename_histograms, rename_sums
from pocket.plan.merging import MergingPlan

Output = dict[str, Any]
#: sample → category → factor
Factors = Mapping[str, Mapping[str, float]]


def merge_outputs(
    plan: MergingPlan,
    outputs: Iterable[Output],
    metadata: Mapping[str, Mapping[str, Any]],
    *,
    all_files: bool = True,
) -> Output:
    """Return the normalised sum of the raw outputs of branches, with their metadata, in the same layout.

    Simulation is divided by the sum over all processed events before any cut that belongs to its weights
    (:mod:`pocket.outputs.normalisation`), which stays in ``divided_by``, and scaled by the weights ``lumi`` and ``XS``
    if they are used. For a skim, the sums are those before the skim, from its metadata. Histograms with ``no_weights``
    and the cutflow stay unweighted. A dataset that varies a sample becomes a variation of it
    (:mod:`pocket.outputs.dedicated_samples`), and variations get their names across eras
    (:mod:`pocket.plan.era_names`). Histograms are merged when they are asked for (:class:`MergedHistograms`),
    columns file by file (:func:`pocket.columns.merging.merge_columns`).

    Args:
        metadata: dataset → its metadata, including the number of events in the fileset, ``nevents``, if it is known.
        all_files: whether no file was left out.
    """
    from coffea.processor import accumulate

    parts = list(outputs)
    # The sum starts with an empty dictionary, because coffea returns a single output itself, but the scaling needs a
    # copy.
    merged: Output = accumulate(map(sums_of, parts), {})
    merged["divided_by"] = {}
    factors: dict[str, Factors] = {}
    for dataset in plan.datasets:
        if dataset not in merged.get("cutflow", {}).get("initial", {}):
            raise DatasetError(f"dataset {dataset!r} has no output to merge")
        if dataset not in metadata:
            raise DatasetError(f"dataset {dataset!r} has no metadata to normalise it by")
        if (expected := metadata[dataset].get("nevents")) is not None:
            check_events(dataset, merged["cutflow"]["initial"][dataset], expected, all_files=all_files)
        restore_sums(merged, dataset, metadata[dataset])
        if metadata[dataset]["isMC"]:
            merged["divided_by"][dataset] = divided_by(plan, merged, dataset, metadata[dataset])
            factors[dataset] = normalisation_factors(plan, merged, dataset, metadata[dataset])
            _normalise(merged, dataset, factors[dataset])
    fold_dedicated_sums(plan, merged, metadata)
    remaining = {dataset: dict(meta) for dataset, meta in metadata.items() if dataset not in dedicated_metadata(merged)}
    for dataset in factors:
        if dataset in remaining:
            _add_other_sides(merged, dataset, plan.one_sided)
    rename_sums(plan.names, merged)
    merged["datasets_metadata"] = remaining
    merged["variables"] = MergedHistograms(plan, [part.get("variables", {}) for part in parts], factors)
    return merged


@dataclass(frozen=True, eq=False)
class MergedHistograms(Mapping[str, dict[str, dict[str, Any]]]):
    """Variable → sample → dataset → histogram, each added and normalised when it is asked for.

    All histograms of a large configuration need more memory than there is. Simulated datasets have factors.
    """

    plan: MergingPlan
    parts: Sequence[Mapping[str, Any]]
    factors: Mapping[str, Factors]

    def __getitem__(self, name: str) -> dict[str, dict[str, Any]]:
        from coffea.processor import accumulate

        parts = [part[name] for part in self.parts if name in part]
        if not parts:
            raise KeyError(name)
        variable = self.plan.variables[name]
        for part in parts:
            relabel(part, {axis.name: axis.label or axis.name for axis in variable.axes})
        samples: dict[str, dict[str, Any]] = accumulate(parts, {})
        for dataset, by_sample in self.factors.items() if not variable.no_weights else ():
            for sample, factors in by_sample.items():
                if dataset in samples.get(sample, {}):
                    _scale(samples[sample][dataset], factors)
        fold_dedicated_histograms(self.plan, name, samples)
        for datasets in samples.values():
            for dataset in self.factors.keys() & datasets:
                datasets[dataset] = with_both_sides(datasets[dataset], self.plan.one_sided)
        rename_histograms(self.plan.names, samples)
        return samples

    def __contains__(self, name: object) -> bool:
        return any(name in part for part in self.parts)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(name for part in self.parts for name in part))

    def __len__(self) -> int:
        return len(list(iter(self)))


def check_events(dataset: str, processed: float, expected: int, *, all_files: bool) -> None:
    """Check that each event of a dataset was processed once, or at most once if files were left out.

    For a skim, the numbers are those of surviving events.
    """
    # Without any events of a dataset its templates would be empty. A skim may have no events, though.
    if expected and not processed:
        raise DatasetError(f"dataset {dataset!r}: none of its files could be read, there is nothing to merge")
    if processed > expected or (all_files and processed < expected):
        raise DatasetError(f"dataset {dataset!r}: {processed} events were processed, its fileset has {expected}")


def _normalise(merged: Output, dataset: str, by_sample: Factors) -> None:
    """Scale the sums of weights of a dataset, in place."""
    for sample, factors in by_sample.items():
        for category, factor in factors.items():
            for sums, power in (("sumw", 1), ("sumw2", 2)):
                by_variation = merged[sums][category][dataset][sample]
                for variation in by_variation:
                    by_variation[variation] *= factor**power


def _add_other_sides(merged: Output, dataset: str, one_sided: Mapping[str, str]) -> None:
    """Add the other side of one-sided variations to all sums of weights of a dataset, in place."""
    for sums in ("sumw", "sumw2"):
        for datasets in merged[sums].values():
            datasets[dataset] = {
                sample: with_both_sums(by_variation, one_sided, squared=sums == "sumw2")
                for sample, by_variation in datasets[dataset].items()
            }


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
