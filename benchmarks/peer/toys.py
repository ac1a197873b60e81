"""Toy files that both sides read, and their fileset."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pocket.configuration.configurator import Configurator
from pocket.datasets.build import build_fileset
from pocket.datasets.fileset import Fileset
from pocket.toys.config import ToyConfig
from pocket.toys.generator import generate
from pocket.toys.nanoaod import write_nanoaod
from pocket.toys.plan import file_uuid
from pocket.toys.resources import write_golden_json, write_pileup_weights, write_scale_factors

EVENTS_PER_FILE = 50_000


@dataclass(frozen=True)
class Toys:
    """Toy files on disk.

    Args:
        config: the toys' configuration.
        files: process → its files.
        corrections: folder of the corrections that belong to them.
    """

    config: ToyConfig
    files: Mapping[str, list[Path]]
    corrections: Path


def make_toys(folder: Path, parameters: Mapping[str, Any], events: Mapping[str, int]) -> Toys:
    """Return toy files, which are written unless an earlier call did.

    Args:
        folder: folder of the files.
        parameters: the section ``toys`` of the parameters.
        events: process → number of events.
    """
    config = ToyConfig.from_params(parameters)
    files = {process: [folder / name for name, _ in _plan(process, number)] for process, number in events.items()}
    corrections = folder / "corrections"
    request = json.dumps([repr(config), dict(events)])
    stamp = folder / "toys.json"
    if not stamp.exists() or stamp.read_text() != request:
        corrections.mkdir(parents=True, exist_ok=True)
        write_pileup_weights(corrections / "puWeights.json.gz", config)
        write_golden_json(corrections / "golden.json", config)
        write_scale_factors(corrections, config)
        for process, number in events.items():
            for part, (name, size) in enumerate(_plan(process, number)):
                content = generate(process, size, config, part=part)
                write_nanoaod(folder / name, content, file_uuid=file_uuid(process, part, config))
        stamp.write_text(request)
    return Toys(config, files, corrections)


def toy_fileset(config: Configurator, toys: Toys) -> Fileset:
    """Return the fileset of a configuration that reads toys."""
    definitions = {
        name: replace(definition, xsec=sum(toys.config.process(process).xsec for process in definition.values))
        if definition.is_mc
        else definition
        for name, definition in config.definitions.items()
    }
    return build_fileset(definitions, toy_files=toys.files, cache=toys.corrections).fileset


def _plan(process: str, number: int) -> list[tuple[str, int]]:
    """Return name and number of events of each file."""
    starts = range(0, number, EVENTS_PER_FILE)
    return [(f"{process}_{start // EVENTS_PER_FILE}.root", min(EVENTS_PER_FILE, number - start)) for start in starts]
