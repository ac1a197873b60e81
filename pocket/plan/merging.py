"""The plan of merging: all that the merging of outputs knows of a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pocket.columns.formats import ColumnFormat
from pocket.cuts.categories import StandardSelection
from pocket.datasets.definitions import DatasetDefinition
from pocket.datasets.sample_variations import DedicatedVariation
from pocket.histograms.config import HistConf
from pocket.parameters.values import Parameters
from pocket.plan.era_names import EraNames
from pocket.plan.processing import processing_metadata
from pocket.plan.samples import SampleNames
from pocket.weights.base import NormalisationWeight


def merging_names(datasets: Mapping[str, Mapping[str, Any]], names: EraNames) -> dict[str, Any]:
    """Return the metadata of dedicated samples, and the table and the stored names across eras, as far as there are."""
    varying = {name: processing_metadata(one) for name, one in datasets.items() if one.get("varies")}
    return {
        **({"dedicated_samples": varying} if varying else {}),
        **({"era_names": {"correlated": names.correlated, "names": names.by_dataset}} if names else {}),
    }


@dataclass(frozen=True, eq=False)
class MergingPlan(SampleNames):
    """How outputs of branches are normalised, and how the variations of templates are completed and named.

    :meth:`pocket.configuration.configurator.Configurator.merging_plan` makes it of checked values. An attribute without
    a description is that of the configuration.

    Args:
        datasets: dataset → its metadata.
        categories: names of the categories.
        weights: sample, or ``{sample}__{subsample}`` → category → names of the weights that are applied.
        factors: name → weight that is applied once, when outputs are merged.
        dedicated: variations that datasets fill.
        one_sided: one-sided variation → mode of its other side (:mod:`pocket.histograms.one_sided`).
        names: stored names of variations.
        column_formats: formats of merged columns besides parquet.
        parameters: section → contents that the factors may read, plain and resolved.
        guarded: the same with attribute access, which raises a ``ConfigError`` for all other parameters.

    >>> from pocket import load_analysis
    >>> plan = load_analysis("zmumu").config("nominal").merging_plan()
    >>> list(plan.factors)
    ['lumi', 'XS']
    """

    datasets: Mapping[str, Mapping[str, Any]]
    categories: tuple[str, ...]
    subsamples: Mapping[str, StandardSelection]
    variables: Mapping[str, HistConf]
    workflow_options: Mapping[str, Any]
    weights: Mapping[str, Mapping[str, tuple[str, ...]]]
    factors: Mapping[str, type[NormalisationWeight]]
    dedicated: tuple[DedicatedVariation, ...]
    one_sided: Mapping[str, str]
    names: EraNames
    column_formats: tuple[type[ColumnFormat], ...]
    parameters: Mapping[str, Any]
    guarded: Parameters

    def spec(self, definitions: Mapping[str, DatasetDefinition]) -> dict[str, Any]:
        """Return all values that determine merged outputs beside those of the processor, for their fingerprint.

        Args:
            definitions: the datasets with the cross sections of toys, which configurations don't have.
        """
        return {
            "normalisation": {name: (definitions[name].xsec, definitions[name].before_skim) for name in self.datasets},
            "parameters": self.parameters,
            **({"one_sided": self.one_sided} if self.one_sided else {}),
            **({"varied_datasets": self.dedicated} if self.dedicated else {}),
            **({"late_names": self.names.late} if self.names.late else {}),
            **({"column_formats": self.column_formats} if self.column_formats else {}),
            **merging_names(self.datasets, self.names),
        }
