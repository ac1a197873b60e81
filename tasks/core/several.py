"""Several tasks that one command line asks for, e.g. the plots of two configurations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partialmethod
from typing import Any, ClassVar

import law
import luigi

from pocket.base.snapshots.process import shown
from pocket.errors import PocketError
from tasks.core.console import say
from tasks.core.targets import are_complete

#: key of a group → its tasks, and the errors of those that can't be made
_groups: dict[str, tuple[Sequence[Any], Sequence[PocketError]]] = {}


class Several(law.Task):
    """Requires several tasks of one kind, and makes nothing itself."""

    key = luigi.Parameter(description="names of the tasks")
    cancel_jobs = luigi.BoolParameter(default=False, significant=False)
    dry_run = luigi.BoolParameter(default=False, significant=False)
    compact = luigi.BoolParameter(default=False, significant=False)

    # This isn't an option, since the task writes no log.
    log_file = None

    interactive_params: ClassVar = [*law.Task.interactive_params, "cancel_jobs", "dry_run", "compact"]
    exclude_index = True

    @property
    def tasks(self) -> Sequence[Any]:
        return _groups[self.key][0]

    @property
    def progress_label(self) -> str:
        return str(self.key)

    def requires(self) -> list[Any]:
        return list(self.tasks)

    def output(self) -> list[Any]:
        return [task.output() for task in self.tasks]

    def complete(self) -> bool:
        """Whether all tasks are complete, and each could be made."""
        return not _groups[self.key][1] and are_complete(list(self.tasks))

    def run(self) -> None:
        """Do nothing, since the tasks are done."""
        for error in _groups[self.key][1]:
            raise error

    def _each(self, method: str, value: Any) -> None:
        for task in self.tasks:
            getattr(task, method)(value)

    _cancel_jobs = partialmethod(_each, "_cancel_jobs")
    _dry_run = partialmethod(_each, "_dry_run")
    _compact = partialmethod(_each, "_compact")


def warn_of_broken(task: Any) -> None:
    """Print which configurations and models of a task's analysis can't be used, although the task can."""
    if getattr(task, "analysis", law.NO_STR) == law.NO_STR or not getattr(task, "is_loaded_before", False):
        # A card needs no analysis.
        return
    analysis = getattr(task, "analysis_inst", None)
    for kind, attribute in {"configuration": "broken", "model": "broken_models"}.items():
        for name, reason in getattr(analysis, attribute, {}).items():
            say(shown(f"warning: {kind} {name!r} can't be used, others can: {reason}"))


def make_tasks(cls: Any, given: Mapping[str, Any]) -> Any:
    """Return the task that a command line asks for, or a task that requires all of them."""
    wanted = cls.each(given) if hasattr(cls, "each") else [dict(given)]
    if len(wanted) == 1:
        task = cls(**wanted[0])
        warn_of_broken(task)
        return task
    interactive = {name: value for name, value in given.items() if name in cls.interactive_params}
    tasks, errors = [], []
    for values in wanted:
        try:
            tasks.append(cls(**{name: value for name, value in values.items() if name not in interactive}))
        except PocketError as error:
            errors.append(error)
    if not tasks:
        raise errors[0]
    for each in errors:
        say(shown(f"warning: a {cls.task_family} is left out: {each}"))
    if not errors:
        warn_of_broken(tasks[0])
    parts = [str(getattr(task, "config_part", task.task_family)) for task in tasks]
    key = f"{cls.task_family} {', '.join(parts)}"
    _groups[key] = tasks, errors
    return Several(key=key, **interactive)
