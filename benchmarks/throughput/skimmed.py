"""A skim of the benchmark's files, for templates from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.throughput.ours import part_of
from pocket.configuration.configurator import Configurator
from pocket.engine.resources import Resources
from pocket.plan.skim import SkimPlan
from pocket.skims.datasets import skim_fileset
from pocket.skims.run import skim_branch


def skim_request(config: Configurator, asked: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the request to process a skim of the files by the preselection.

    Args:
        config: the configuration with the preselection.
        asked: see :func:`benchmarks.throughput.engines.request`.
        folder: parent of the folder with the skim.
    """
    branch = part_of(asked["fileset"], asked["events"])
    place = folder / "skim"
    place.mkdir()
    record = skim_branch(
        config.plan(),
        SkimPlan("presel_any_variation"),
        branch,
        asked["fileset"][branch.dataset]["metadata"],
        Resources(toys=asked["corrections"]),
        place,
        identity="benchmark",
        chunk_size=asked["chunk_size"],
    )
    return {**asked, "fileset": skim_fileset(asked["fileset"], [(branch.dataset, place, record)])}
