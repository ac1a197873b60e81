"""The plan of processing: all that the engine knows of a configuration, and what fingerprints of its outputs hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pocket.columns.config import ColumnPlan
from pocket.cuts.categories import StandardSelection
from pocket.cuts.cut import Cut
from pocket.datasets.skim_sums import SUMS
from pocket.histograms.config import HistConf
from pocket.models.delayed_columns import DelayedColumn
from pocket.parameters.visible import Reader
from pocket.plan.samples import SampleNames
from pocket.plan.shapes import ShapePlan
from pocket.plan.workflow import BaseProcessorABC
from pocket.weights.plan import WeightPlan

#: metadata that only the normalisation reads, or that depend on the files
NOT_PROCESSED_METADATA = ("xsec", "nevents", "size", *SUMS)


def processing_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of a dataset that the processor may read."""
    return {key: value for key, value in metadata.items() if key not in NOT_PROCESSED_METADATA}


@dataclass(frozen=True, eq=False)
class ProcessingPlan(SampleNames):
    """What is read, selected, weighted and filled.

    :meth:`pocket.configuration.configurator.Configurator.plan` makes it of checked values. An attribute without a
    description is that of the configuration.

    Args:
        datasets: dataset → its metadata that the processor may read.
        columns: sample → category → columns to export.
        patches: changes of other modules by the loaded analysis (:mod:`pocket.base.fingerprint.patches`).
        parameters: section → contents that the processor may read, plain and resolved; of a workflow's plan, those
            of this run, with attribute access.
        reader: the names of parameters that code may read.
        sections: all sections of the parameters, for errors.

    >>> from pocket import load_analysis
    >>> plan = load_analysis("zmumu").config("nominal").plan()
    >>> plan.stored_samples("DYJetsToMuMu")
    ('DYJetsToMuMu',)
    """

    workflow: type[BaseProcessorABC]
    workflow_options: Mapping[str, Any]
    datasets: Mapping[str, Mapping[str, Any]]
    skim: tuple[Cut, ...]
    preselections: tuple[Cut, ...]
    categories: StandardSelection
    subsamples: Mapping[str, StandardSelection]
    weights: WeightPlan
    shapes: ShapePlan
    variables: Mapping[str, HistConf]
    columns: ColumnPlan
    delayed_columns: tuple[DelayedColumn, ...]
    patches: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    reader: Reader = field(default_factory=lambda: Reader(frozenset()))
    sections: frozenset[str] = frozenset()

    @property
    def samples(self) -> dict[str, bool]:
        """Sample → whether it is simulation, in the order of the definitions."""
        return {str(metadata["sample"]): bool(metadata["isMC"]) for metadata in self.datasets.values()}

    def with_parameters(self, parameters: Mapping[str, Any]) -> ProcessingPlan:
        """Return the same plan with other parameters."""
        return dataclasses.replace(self, parameters=parameters)

    def spec(self) -> dict[str, Any]:
        """Return all values that determine the processor's output, for its fingerprint.

        Cross sections aren't among them, because the normalisation happens when outputs are merged. Neither are the
        reader, which :attr:`parameters` follow from, and the files, which are inputs of the branches, so that an added
        file leaves existing branches valid.
        """
        return {
            "parameters": self.parameters,
            "workflow": self.workflow,
            "workflow_options": self.workflow_options,
            # A dataset that varies a sample changes no other one, so its own branches are made from its metadata.
            "datasets": {name: one for name, one in sorted(self.datasets.items()) if one.get("varies") is None},
            "skim": self.skim,
            "preselections": self.preselections,
            "categories": {name: list(self.categories.categories[name]) for name in self.categories},
            "category_order": self.categories.names,
            "subsamples": {sample: list(selection.categories.items()) for sample, selection in self.subsamples.items()},
            "weights": self.weights,
            "shapes": self.shapes,
            "variables": dict(sorted(self.variables.items())),
            "columns": self.columns,
            "delayed_columns": self.delayed_columns,
            "patches": self.patches,
        }
