"""Presets of size and parallelism, chosen by ``--resources``: sections ``resources_NAME`` of law.cfg."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import law

from pocket.errors import ConfigError, check_known

PREFIX = "resources_"
#: preset without ``--resources``, which is empty unless law.cfg has a section of it
DEFAULT = "default"
DIALS = (
    "chunk_size",
    "chunk_memory",
    "events_per_branch",
    "branches_per_merge",
    "tasks_per_job",
    "cores",
    "threads",
    "parallel_jobs",
)


def resource_names() -> list[str]:
    sections = [section.removeprefix(PREFIX) for section in law.config.sections() if section.startswith(PREFIX)]
    return list(dict.fromkeys([DEFAULT, *sections]))


def read_resources(name: str) -> dict[str, int]:
    """Return option → number of a preset."""
    check_known("resources", [name], resource_names(), "--resources")
    section = f"{PREFIX}{name}"
    options = list(law.config.options(section)) if law.config.has_section(section) else []
    check_known("option", options, DIALS, f"[{section}] of law.cfg")
    values = {option: str(law.config.get_expanded(section, option)).strip() for option in options}
    for option, text in values.items():
        if not text.isdecimal():
            raise ConfigError(f"{option} = {text} in [{section}] of law.cfg, expected an integer of 0 or more")
    return {option: int(text) for option, text in values.items()}


def with_resources(task: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of parameters that are given to a task, and those of its preset for others.

    A value for one task, as in ``--RunProcessor-cores 2``, also wins over the preset. If the number of chunks is
    limited (``--limit-chunks``, ``--test``), their size decides which events are read, so it isn't that of the preset.
    """
    parameters = dict(task.get_params())
    if "resources" not in parameters or given.keys() >= parameters.keys() & {*DIALS}:
        return dict(given)
    family = task.__name__
    preset = read_resources(given.get("resources", parameters["resources"].task_value(family, "resources")))
    if given.get("test") or given.get("limit_chunks"):
        preset.pop("chunk_size", None)
    usual = {
        name: number
        for name, number in preset.items()
        if name in parameters and parameters[name].task_value(family, name) == parameters[name].task_value("", name)
    }
    return {**usual, **given}
