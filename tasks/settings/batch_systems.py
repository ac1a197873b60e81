"""The batch systems: their names, options and commands.

A module that law.cfg names (``batch_systems`` in ``[pocketlaw]``) adds one, see docs/how-to/extending.md.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pocket.errors import ConfigError
from tasks.settings.own_modules import batch_system_modules

SHIPPED = ("tasks.batch.htcondor", "tasks.batch.slurm")


@dataclass(frozen=True)
class BatchSystem:
    """A batch system.

    Args:
        kind: its value of ``--workflow``, and the prefix of law's hooks.
        commands: commands that submitting, watching and removing jobs need.
        queue: command that fails if the server with the queue doesn't answer.
        machines: command that prints at least one line if jobs can run anywhere.
        why: command that explains why a job doesn't start.
        options: options of this system only: name, with underscores → parameter of luigi, not significant.
        lacks: common options that it doesn't support, of ``container``, ``environment``, ``flavour``.
        keeps_environment: whether jobs get the environment variables of who submits them, ``PYTHONPATH`` for one.
        unsuitable: characters that paths of a submission may not have on it or in law's scripts for it.
    """

    kind: str
    name: str
    commands: tuple[str, ...]
    queue: tuple[str, ...]
    machines: tuple[str, ...]
    why: str
    options: Mapping[str, Any] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()
    keeps_environment: bool = False
    unsuitable: re.Pattern[str] | None = None

    def __post_init__(self) -> None:
        for name, parameter in self.options.items():
            if parameter.significant:
                raise ConfigError(f"batch system {self.kind!r}: option {name!r} must have significant=False")

    def check_characters(self, path: str) -> None:
        """Check that a path has only characters that the batch system accepts."""
        if self.unsuitable and (found := self.unsuitable.search(path)):
            raise ConfigError(
                f"{self.name} can't be told the path {path}, which has {found[0]!r}: set POCKET_STORE to another one, "
                "or log_directory in the site's section of law.cfg"
            )


#: value of ``--workflow`` → batch system, once the modules are loaded
BATCH_SYSTEMS: dict[str, BatchSystem] = {}


def register(system: BatchSystem) -> None:
    if system.kind == "local" or BATCH_SYSTEMS.get(system.kind, system) != system:
        raise ConfigError(f"batch system {system.kind!r}: there is another one of that name")
    BATCH_SYSTEMS[system.kind] = system


def load_batch_systems() -> None:
    """Import the modules of all batch systems, which register them."""
    for module in (*SHIPPED, *batch_system_modules()):
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ConfigError(f"batch_systems in [pocketlaw] of law.cfg: {module}: {error}") from None
