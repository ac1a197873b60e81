"""A row of the mutation table: an edit, and the tasks that it makes run again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.tasks.mutations.world import World

Edit = Callable[[World], object]

NOTHING: frozenset[str] = frozenset()
PLOT = frozenset({"PlotTemplates corrected"})
PLOT_OF_SCALE_FACTOR = frozenset({"PlotScaleFactors tight"})
SCALE_FACTOR = frozenset({"ComputeScaleFactors tight", "ValidateScaleFactors tight"}) | PLOT_OF_SCALE_FACTOR
PROBES = frozenset({"RunProcessor probes", "MergeOutputs probes"})
MAIN = frozenset({"RunProcessor main", "MergeOutputs main"}) | PLOT
CORRECTED = frozenset({"RunProcessor corrected", "MergeOutputs corrected"}) | PLOT
#: all that follows from a scale factor
MEASURED = SCALE_FACTOR | CORRECTED
#: all that follows from the processor of ``probes``
FROM_PROBES = PROBES | MEASURED
DATASETS = frozenset({"BuildDatasets datasets"})
MERGED = frozenset({"MergeOutputs probes", "MergeOutputs main", "MergeOutputs corrected"}) | PLOT
EVERYTHING = FROM_PROBES | MAIN | DATASETS
PROCESSED = EVERYTHING - DATASETS


@dataclass(frozen=True)
class Row:
    """An edit of the study and what it makes run again.

    Args:
        name: what is edited, in words.
        edit: makes the edit.
        reruns: tasks that must run again, and no others; as family and configuration.
        tolerated: tasks for which nothing is said, because the truth depends on numbers.
        branches: task → how many of its branches run again, where that is said.
        waiting: the same, where it is known before anything runs.
        before: prepares the study before the chain runs, with what it doesn't have by itself.
        refused: pattern of the sentence by which a run may or must be refused instead.
        must_refuse: whether it must.
        patched: what of the engine the analysis replaces, by its whole name.
        environment: variables of the environment that the edit changes.
    """

    name: str
    edit: Edit
    reruns: frozenset[str] = NOTHING
    tolerated: frozenset[str] = NOTHING
    branches: Mapping[str, int] = field(default_factory=dict)
    waiting: Mapping[str, int] = field(default_factory=dict)
    before: Edit | None = None
    refused: str = ""
    must_refuse: bool = False
    patched: tuple[str, ...] = ()
    environment: Mapping[str, str | None] = field(default_factory=dict)


def edit(name: str, old: str, new: str) -> Edit:
    """Return the edit that replaces a text in the definition of an object."""
    return lambda world: world.edit(name, old, new)


def insert(name: str, text: str) -> Edit:
    """Return the edit that inserts lines in front of an object."""
    return lambda world: world.insert(name, text)


def append(name: str, text: str) -> Edit:
    """Return the edit that appends lines to the module that defines an object."""
    return lambda world: world.append(name, text)


def write(file: str, content: str | bytes) -> Edit:
    """Return the edit that writes a file of the analysis."""
    return lambda world: world.write(file, content)


def parameter(key: str, value: Any) -> Edit:
    """Return the edit that sets a parameter in YAML."""
    return lambda world: world.set_parameter(key, value)


def all_of(*edits: Edit) -> Edit:
    """Return an edit that makes several."""

    def make(world: World) -> None:
        for each in edits:
            each(world)

    return make


def nothing(world: World) -> None:
    """Edit nothing."""
