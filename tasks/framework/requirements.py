"""Parameters of tasks and the tasks that they require, each found once.

luigi collects the parameters of a class for each access, and law compares those of two classes and processes all values
again for each task that is asked for. The completeness of a chain is checked before and after each of its tasks, which
asks for the same hundred tasks each time.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable
from typing import Any

import law
import luigi

#: attribute of a task with what it requires: class and parameters → task
REQUIRED = "_required_before"
#: task and the one that requires it → names of the parameters that it gets from there
_passed_on: dict[tuple[type, type], tuple[str, ...]] = {}


class RequiringTask(law.Task):
    """A task that finds its parameters, and the tasks that it requires, once."""

    exclude_index = True

    @classmethod
    def get_params(cls) -> list[tuple[str, luigi.Parameter]]:
        """Return the parameters by name."""
        return list(cls._all_params())

    @classmethod
    @functools.cache
    def _all_params(cls) -> list[tuple[str, luigi.Parameter]]:
        return list(super().get_params())

    @classmethod
    def req(cls, inst: law.Task, **kwargs: Any) -> Any:
        """Return the task of this class that another one requires.

        Args:
            inst: the other task.
            kwargs: parameters that it doesn't get from there.
        """
        key = cls, tuple(sorted(kwargs.items()))
        if cls._may_differ(kwargs) or not all(isinstance(value, Hashable) for value in kwargs.values()):
            return super().req(inst, **kwargs)
        known: dict[Any, Any] = vars(inst).setdefault(REQUIRED, {})
        if key not in known:
            known[key] = super().req(inst, **kwargs)
        return known[key]

    @classmethod
    def req_params(cls, inst: law.Task, **kwargs: Any) -> dict[str, Any]:
        """Return the parameters that this task gets from another one."""
        if cls._may_differ(kwargs):
            return dict(super().req_params(inst, **kwargs))
        classes = cls, type(inst)
        if classes not in _passed_on:
            _passed_on[classes] = tuple(super().req_params(inst))
        return {**{name: getattr(inst, name) for name in _passed_on[classes]}, **kwargs}

    @classmethod
    def _may_differ(cls, kwargs: dict[str, Any]) -> bool:
        """Tell whether more decides the parameters than the two tasks: the command line, or options of law."""
        return bool(cls.prefer_params_cli) or any(name.startswith("_") for name in kwargs)
