"""The part of others' templates that a task reads: its fingerprint and its inputs hold that alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.histograms.readings import of_config
from tasks.framework.base import StoreTask, input_ids

if TYPE_CHECKING:
    from pocket.histograms.readings import Reading
    from tasks.chain.merging import MergeOutputs

#: entry of a manifest: label → id of the templates whose checksum is the input of that label
READ_FROM = "read_from"


def templates_label(config: str) -> str:
    """Return what manifests call the templates of a configuration."""
    return f"templates {config}"


def fingerprint_of(config: str, task: MergeOutputs, readings: Sequence[Reading] | None) -> Any:
    """Return what decides the templates that are read of a configuration; all of its without ``readings``."""
    return task.fingerprint if readings is None else task.spec_of(of_config(readings, config))


def template_ids(
    reader: StoreTask,
    templates: Mapping[str, MergeOutputs],
    checksum: Callable[[str, Path], str] | None,
) -> dict[str, str] | None:
    """Return what is read of templates as the inputs of a task, or ``None`` if some aren't there.

    Args:
        reader: the task.
        templates: configuration → task that has its templates.
        checksum: returns the checksum of what is read, given the configuration and the folder of its templates; without
            it, all of them are read.
    """
    targets = {templates_label(config): task.output() for config, task in templates.items()}
    ids = input_ids(targets)
    if ids is None or checksum is None:
        return ids
    manifest = reader.output().manifest
    known, made_from = (manifest.info.get(READ_FROM, {}), manifest.inputs) if manifest else ({}, {})
    read = {}
    for config in templates:
        label = templates_label(config)
        if known.get(label) == ids[label] and label in made_from:
            # as it was, even where the templates themselves are elsewhere
            read[label] = made_from[label]
        else:
            targets[label].fetch()
            read[label] = checksum(config, targets[label].directory)
    return read


def read_from(templates: Mapping[str, MergeOutputs]) -> dict[str, Any]:
    """Return what the manifest of a task tells of the templates it reads."""
    return {READ_FROM: input_ids({templates_label(config): task.output() for config, task in templates.items()}) or {}}
