"""The batch systems: what each is called, what it takes, and how it is asked.

One is added by a module that law.cfg names (``batch_systems`` in ``[pocketlaw]``), see docs/extending.md.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import law

from pocket.errors import ConfigError

#: those that are shipped
SHIPPED = ("tasks.batch.htcondor", "tasks.batch.slurm")


@dataclass(frozen=True)
class BatchSystem:
    """A batch system.

    Args:
        kind: what ``--workflow`` calls it; law asks for hooks that begin with it.
        name: what people call it.
        commands: commands that submitting, watching and removing jobs need.
        queue: question that the server with the queue answers, if only by nothing.
        machines: question that is answered with a line at least if jobs can run anywhere.
        why: command that tells why a job doesn't start.
        options: options that it alone has: name, with underscores → parameter of luigi, not significant.
        lacks: options of all batch systems that it has no word for, of ``container``, ``environment``, ``flavour``.
        unsuitable: characters that it, or law's scripts for it, can't take in the path of a submission.

    Raises:
        ConfigError: if an option decides outputs.
    """

    kind: str
    name: str
    commands: tuple[str, ...]
    queue: tuple[str, ...]
    machines: tuple[str, ...]
    why: str
    options: Mapping[str, Any] = field(default_factory=dict)
    lacks: tuple[str, ...] = ()
    unsuitable: re.Pattern[str] | None = None

    def __post_init__(self) -> None:
        for name, parameter in self.options.items():
            if parameter.significant:
                raise ConfigError(f"batch system {self.kind!r}: option {name!r} must have significant=False")

    def check_characters(self, path: str) -> None:
        """Check that it can be told a path.

        Raises:
            ConfigError: if it can't.
        """
        if self.unsuitable and (found := self.unsuitable.search(path)):
            raise ConfigError(
                f"{self.name} can't be told the path {path}, which has {found[0]!r}: set POCKET_STORE to another one, "
                "or log_directory in the site's section of law.cfg"
            )


#: what ``--workflow`` calls it → batch system, once the modules are loaded
BATCH_SYSTEMS: dict[str, BatchSystem] = {}


def register(system: BatchSystem) -> None:
    """Add a batch system.

    Raises:
        ConfigError: if there is another one of that name.
    """
    if system.kind == "local" or BATCH_SYSTEMS.get(system.kind, system) != system:
        raise ConfigError(f"batch system {system.kind!r}: there is another one of that name")
    BATCH_SYSTEMS[system.kind] = system


def load_batch_systems() -> None:
    """Import the modules of all batch systems, which register them.

    Raises:
        ConfigError: if one that law.cfg names can't be imported.
    """
    named = str(law.config.get_expanded("pocketlaw", "batch_systems", default="") or "")
    for module in (*SHIPPED, *(name.strip() for name in named.split(",") if name.strip())):
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ConfigError(f"batch_systems in [pocketlaw] of law.cfg: {module}: {error}") from None
