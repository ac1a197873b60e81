"""Description of a configuration, step by step, as the content of ``config.json``."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pocket.base.fingerprint.places import portable
from pocket.base.runtime.kept import keeping_tables
from pocket.calibrators.sequence import CalibratorSequence
from pocket.configuration.configurator import Configurator
from pocket.configuration.era_names import era_names
from pocket.configuration.plain_values import describe_code, plain
from pocket.cuts.categories import CartesianSelection, StandardSelection
from pocket.parameters.defaults import dump_parameters, project_root
from pocket.plan.merging import merging_names
from pocket.weights.base import WeightLambda

#: sample or subsample → category → weight or calibrator → names of its variations
Variations = dict[str, dict[str, dict[str, list[str]]]]


def recorded_texts(cfg: Configurator, name: str) -> dict[str, str]:
    """Return the texts of a configuration and its parameters that are beside merged outputs, by name of the file."""
    texts = {"config.json": dump_config(cfg, name), "parameters.yaml": dump_parameters(cfg.parameters)}
    # Paths of a machine or a snapshot would change the output although its content is the same.
    return {file: portable(text) for file, text in texts.items()}


def dump_config(cfg: Configurator, name: str) -> str:
    """Return the content of ``config.json``, which is the same in every process for the same configuration."""
    with keeping_tables():
        described = describe_config(cfg, name)
    return json.dumps(described, indent=1, ensure_ascii=False, allow_nan=False)


def describe_config(cfg: Configurator, name: str) -> dict[str, Any]:
    """Return everything in a configuration except for the parameters.

    Functions and classes are described by module, file and line, and a hash of their code
    (:func:`pocket.configuration.plain_values.describe_code`). Steps that are applied in an order are listed in that
    order.

    Args:
        cfg: the configuration.
        name: name of the configuration in the analysis.

    Returns:
        A dictionary of values for JSON.

    Raises:
        ConfigError: if something has no defined content (:func:`pocket.base.fingerprint.digest`).

    Examples:
        >>> from pocket import load_analysis
        >>> configs = load_analysis("zmumu").configs
        >>> list(describe_config(configs["nominal"], "nominal")["categories"])
        ['type', 'collection', 'categories']
    """
    sequences = _calibrator_sequences(cfg)
    return {
        "name": name,
        "datasets": {
            "definition_files": [_from_project(Path(file)) for file in cfg.definition_files],
            "filter": plain(cfg.dataset_filter),
            "datasets": {
                dataset: {
                    "definition": _from_project(definition.origin),
                    definition.source: plain(definition.values),
                    "metadata": plain(definition.metadata()),
                }
                for dataset, definition in cfg.definitions.items()
            },
        },
        "workflow": describe_code(cfg.workflow),
        "workflow_options": plain(cfg.workflow_options),
        "skim": plain(cfg.skim),
        "preselections": plain(cfg.preselections),
        "categories": _selection(cfg.categories),
        "subsamples": {sample: _selection(selection) for sample, selection in cfg.subsamples.items()},
        "weights": {
            "classes": {weight: _configured_class(cls) for weight, cls in cfg.weights.classes.items()},
            "applied": {sample: plain(of_sample.weights) for sample, of_sample in cfg.weights.samples.items()},
            "derived_scale_factors": plain(cfg.scale_factors),
        },
        "calibrators": {
            "classes": {cls.name: _configured_class(cls) for cls in cfg.shapes.calibrators},
            "applied": {
                dataset: {
                    calibrator.name: {
                        "calibrated_collections": plain(calibrator.calibrated_collections),
                        "inputs": plain(calibrator.inputs),
                    }
                    for calibrator in sequence.calibrators
                }
                for dataset, sequence in sequences.items()
            },
        },
        "variations": {
            "weights": _weight_variations(cfg),
            "shape": _shape_variations(cfg, sequences),
            **plain(merging_names({name: one.metadata() for name, one in cfg.definitions.items()}, era_names(cfg))),
        },
        "variables": plain(cfg.variables),
        "columns": {
            sample: {category: plain(columns) for category, columns in by_category.items() if columns}
            for sample, by_category in cfg.columns.items()
        },
        "delayed_columns": plain(cfg.delayed_columns),
    }


def _selection(selection: StandardSelection) -> dict[str, Any]:
    described = {
        "type": type(selection).__name__,
        "collection": selection.collection,
        "categories": plain(selection.categories),
    }
    if isinstance(selection, CartesianSelection):
        described["multicuts"] = {
            multicut.name: {name: cut.name for name, cut in zip(multicut.cuts_names, multicut.cuts, strict=True)}
            for multicut in selection.multicuts
        }
    return described


def _configured_class(cls: type) -> dict[str, Any]:
    """Return the description of a weight or calibrator, with its public settings, including inherited ones."""
    described = describe_code(cls)
    if issubclass(cls, WeightLambda):
        described["function"] = describe_code(cls.function)
    members = {name: value for base in reversed(cls.__mro__[:-1]) for name, value in vars(base).items()}
    described["settings"] = {
        name: plain(value)
        for name, value in sorted(members.items())
        if not (name.startswith("_") or inspect.isroutine(value) or inspect.isdatadescriptor(value))
        # The names across eras are described apart, where there are some.
        and name != "correlated"
    }
    return described


def _calibrator_sequences(cfg: Configurator) -> dict[str, CalibratorSequence]:
    """Return the calibrators of each dataset as the processor creates them."""
    return {
        dataset: CalibratorSequence(
            cfg.shapes.calibrators,
            cfg.parameters,
            definition.metadata(),
            cfg.shapes.requested(cfg.counted_samples(definition.sample)),
        )
        for dataset, definition in cfg.definitions.items()
    }


def _weight_variations(cfg: Configurator) -> Variations:
    available = {
        dataset: {
            name: cfg.weights.classes[name](cfg.parameters, definition.metadata()).variation_names()
            for sample in cfg.counted_samples(definition.sample)
            for names in cfg.weights.samples[sample].variations.values()
            for name in names
        }
        for dataset, definition in cfg.definitions.items()
    }
    return _variations(cfg, {sample: plan.variations for sample, plan in cfg.weights.samples.items()}, available)


def _shape_variations(cfg: Configurator, sequences: Mapping[str, CalibratorSequence]) -> Variations:
    available = {
        dataset: {cls.name: sequence.variations_of(cls.name) for cls in cfg.shapes.calibrators}
        for dataset, sequence in sequences.items()
    }
    return _variations(cfg, cfg.shapes.samples, available)


def _variations(
    cfg: Configurator,
    wanted: Mapping[str, Mapping[str, Sequence[str]]],
    available: Mapping[str, Mapping[str, Sequence[str]]],
) -> Variations:
    """Return sample or subsample → category → weight or calibrator → names of its stored variations."""
    found: Variations = {}
    for sample in cfg.samples:
        datasets = [dataset for dataset, definition in cfg.definitions.items() if definition.sample == sample]
        for counted in cfg.counted_samples(sample):
            found[counted] = {
                category: {
                    name: list(
                        dict.fromkeys(variation for dataset in datasets for variation in available[dataset][name])
                    )
                    for name in names
                }
                for category, names in wanted[counted].items()
            }
    return found


def _from_project(path: Path) -> str:
    """Return a path relative to the project, or unchanged if it is elsewhere."""
    root = project_root()
    return (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
