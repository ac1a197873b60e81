"""The declarative configuration of one step: what is read, selected, weighted and filled."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig

from pocket.cut import Cut
from pocket.datasets.definitions import DatasetDefinition, read_definitions
from pocket.datasets.fileset import DatasetInfo, select_datasets
from pocket.errors import ConfigError, check_known
from pocket.histograms.config import HistConf
from pocket.parameters.defaults import project_path, to_plain
from pocket.selections import StandardSelection, check_cuts
from pocket.weights.common import common_weights
from pocket.weights.derived import ScaleFactorWeight
from pocket.weights.plan import WeightPlan, build_plan, variation_names
from pocket.weights.wrapper import WeightWrapper
from pocket.workflows.base import BaseProcessorABC

#: sections of the parameters that plots and the toys read, but never the processor
NOT_PROCESSED = ("plotting_style", "toys")

#: metadata that only the normalisation reads, or that depend on the files at hand
NOT_PROCESSED_METADATA = ("xsec", "nevents", "size")


def processing_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of a dataset that the processor may read."""
    return {key: value for key, value in metadata.items() if key not in NOT_PROCESSED_METADATA}


class Configurator:
    """A validated configuration.

    Args:
        parameters: composed parameters (:mod:`pocket.parameters.defaults`).
        datasets: ``{"jsons": […], "filter": {"samples": […], "samples_exclude": […], "year": […]}}``; definition
            files are relative to the project.
        workflow: class derived from :class:`~pocket.workflows.base.BaseProcessorABC`.
        workflow_options: free options for the workflow.
        skim: cuts on NanoAOD columns, before objects are defined.
        preselections: cuts on objects, common to all categories.
        categories: category → list of cuts, or a selection object.
        weights: see :func:`pocket.weights.plan.build_plan`.
        variations: ``{"weights": …}``, likewise.
        variables: histogram name → :class:`~pocket.histograms.config.HistConf`.
        weights_classes: weights that may be named, besides the common ones.

    Raises:
        ConfigError: for anything that doesn't fit, with the place and the nearest right value.
    """

    def __init__(
        self,
        *,
        parameters: DictConfig,
        datasets: Mapping[str, Any],
        workflow: type[BaseProcessorABC],
        variables: Mapping[str, HistConf],
        categories: StandardSelection | Mapping[str, Sequence[Cut]],
        skim: Sequence[Cut] = (),
        preselections: Sequence[Cut] = (),
        weights: Mapping[str, Any] | None = None,
        variations: Mapping[str, Any] | None = None,
        weights_classes: Sequence[type[WeightWrapper]] = (),
        workflow_options: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(parameters, DictConfig):
            raise ConfigError(f"parameters must be composed parameters (a DictConfig), not {type(parameters).__name__}")
        if not (inspect.isclass(workflow) and issubclass(workflow, BaseProcessorABC)):
            raise ConfigError(f"workflow must be a class derived from BaseProcessorABC, not {workflow!r}")
        self.parameters = parameters
        self.workflow = workflow
        self.workflow_options = dict(workflow_options or {})
        self.definition_files, self.dataset_filter = _read_datasets(datasets)
        self.definitions = _selected_definitions(self.definition_files, self.dataset_filter)
        self.skim = check_cuts(skim, "skim")
        self.preselections = check_cuts(preselections, "preselections")
        self.categories = categories if isinstance(categories, StandardSelection) else StandardSelection(categories)
        self.weights: WeightPlan = build_plan(
            weights or {}, variations or {}, (*common_weights, *weights_classes), self.categories.names, self.samples
        )
        self.variables = dict(variables)
        self._check_variables()

    @property
    def samples(self) -> dict[str, bool]:
        """Sample → whether it is simulation, in the order of the definitions."""
        return {definition.sample: definition.is_mc for definition in self.definitions.values()}

    @property
    def scale_factors(self) -> tuple[str, ...]:
        """Names of the derived scale factors that the weights apply."""
        classes = self.weights.classes.values()
        return tuple(dict.fromkeys(cls.scale_factor for cls in classes if issubclass(cls, ScaleFactorWeight)))

    def processing_spec(self) -> dict[str, Any]:
        """Return everything of the configuration that decides what the processor fills.

        Cross sections are no part of it: normalisation happens when outputs are merged.
        """
        return {
            "parameters": to_plain(self.parameters, without=NOT_PROCESSED),
            "workflow": self.workflow,
            "workflow_options": self.workflow_options,
            "datasets": {
                name: (definition.source, definition.values, processing_metadata(definition.metadata()))
                for name, definition in self.definitions.items()
            },
            "skim": self.skim,
            "preselections": self.preselections,
            "categories": {name: list(self.categories.categories[name]) for name in self.categories},
            "category_order": self.categories.names,
            "weights": self.weights,
            "variables": self.variables,
        }

    def _check_variables(self) -> None:
        if not self.variables:
            raise ConfigError("variables: at least one histogram is needed")
        known = {"category": ("categories", self.categories.names), "sample": ("samples", tuple(self.samples))}
        variations = {
            variation
            for definition in self.definitions.values()
            for variation in variation_names(
                self.weights, self.weights.samples[definition.sample], self.parameters, definition.metadata()
            )
        }
        for name, conf in self.variables.items():
            if not isinstance(conf, HistConf):
                raise ConfigError(f"variables.{name} must be a HistConf, not {conf!r}")
            if not name or "/" in name:
                raise ConfigError(f"variables: {name!r} can't be a histogram's name")
            for kind, (plural, names) in known.items():
                for option in (f"only_{plural}", f"exclude_{plural}"):
                    check_known(kind, getattr(conf, option) or (), names, f"{option} of histogram {name!r}")
            check_known("variation", conf.only_variations or (), variations, f"only_variations of histogram {name!r}")


def _read_datasets(datasets: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    check_known("key", datasets, ("jsons", "filter"), "datasets")
    jsons = datasets.get("jsons", ())
    if isinstance(jsons, str) or not jsons:
        raise ConfigError(f"datasets.jsons must be a list of dataset definition files, not {jsons!r}")
    chosen = datasets.get("filter", {})
    check_known("key", chosen, ("samples", "samples_exclude", "year"), "datasets.filter")
    for key, values in chosen.items():
        if isinstance(values, str):
            raise ConfigError(f"datasets.filter.{key} must be a list, not {values!r}")
    return tuple(map(str, jsons)), {key: tuple(map(str, values)) for key, values in chosen.items()}


def _selected_definitions(files: Sequence[str], chosen: Mapping[str, Sequence[str]]) -> dict[str, DatasetDefinition]:
    definitions = read_definitions(project_path(file) for file in files)
    bare = {name: DatasetInfo(metadata=definition.metadata(), files={}) for name, definition in definitions.items()}
    selected = {name: definitions[name] for name in select_datasets(bare, chosen)}
    kinds: dict[str, DatasetDefinition] = {}
    for definition in selected.values():
        if kinds.setdefault(definition.sample, definition).is_mc != definition.is_mc:
            raise ConfigError(f"sample {definition.sample!r} is both data and simulation: {definition.where}")
    return selected
