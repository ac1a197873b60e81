"""Branches of a workflow, made after the pattern of one."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from luigi.task import task_id_str

# not typed
_identify: Any = task_id_str


class BranchTemplate:
    """Makes branches of a workflow that differ in their number alone.

    law makes each from the parameters of the workflow, which it compares with all of its options anew: 10 ms, for
    thousands of branches a minute before anything is known of them.

    Args:
        workflow: the workflow.
        values: parameters of one of its branches.
    """

    def __init__(self, workflow: Any, values: Mapping[str, Any]) -> None:
        self._class: Any = type(workflow)
        # past luigi's cache of tasks: one that was in use knows more than its parameters
        branch = type.__call__(type(workflow), **values)
        branch._workflow_task = workflow
        self._family = branch.get_task_family()
        self._significant = branch.to_str_params(only_significant=True, only_public=True)
        self._attributes = dict(vars(branch))

    def make(self, number: int) -> Any:
        """Return the branch with a number."""
        task = self._class.__new__(self._class)
        attributes = vars(task)
        # law has bound to the new task what depends on the branch map
        for name, value in self._attributes.items():
            if name not in attributes:
                attributes[name] = copy.copy(value) if isinstance(value, list | dict) else value
        task_id = _identify(self._family, {**self._significant, "branch": str(number)})
        attributes.update(
            branch=number,
            param_kwargs={**self._attributes["param_kwargs"], "branch": number},
            task_id=task_id,
            _Task__hash=hash(task_id),
        )
        return task
