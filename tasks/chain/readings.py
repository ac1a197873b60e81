"""The parts of upstream templates that a task reads, which are all that its fingerprint and inputs depend on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pocket.histograms.readings import Reading, of_config
from tasks.framework.base import StoreTask, input_ids

if TYPE_CHECKING:
    from tasks.chain.merging import MergeOutputs

#: entry of a manifest: label → id of the templates that the input with this label was read from
READ_FROM = "read_from"


def templates_label(config: str) -> str:
    """Return the label of a configuration's templates in manifests."""
    return f"templates {config}"


def fingerprint_of(config: str, task: MergeOutputs, readings: Sequence[Reading] | None) -> Any:
    """Return what determines the templates of a configuration that are read; without ``readings``, all of them."""
    return task.fingerprint if readings is None else task.spec_of(of_config(readings, config))


def template_ids(
    reader: StoreTask,
    templates: Mapping[str, MergeOutputs],
    checksum: Callable[[str, Path], str] | None,
) -> dict[str, str] | None:
    """Return the parts of templates that a task reads as its inputs, ``None`` if some templates don't exist.

    The checksum of the parts is of a configuration and the folder of its templates; ``None`` stands for all parts.
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
            # The checksum is known from the manifest, so the templates needn't be fetched.
            read[label] = made_from[label]
        else:
            targets[label].fetch()
            read[label] = checksum(config, targets[label].directory)
    return read


def read_from(templates: Mapping[str, MergeOutputs]) -> dict[str, Any]:
    """Return the entry of a task's manifest about the templates that it reads."""
    return {READ_FROM: input_ids({templates_label(config): task.output() for config, task in templates.items()}) or {}}
