"""Current outputs of tasks, looked up from Python without running anything."""

from __future__ import annotations

import importlib
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import law
from luigi.task_register import Register

from pocket.errors import ConfigError, UnknownNameError

if TYPE_CHECKING:
    from pocket.io.store import Manifest
    from tasks.framework.base import StoreTask


# luigi has no type annotations.
_register: Any = Register


@dataclass(frozen=True)
class Output:
    """The output that a task has or would write. It can be used like its path: ``output / "mll.json"``.

    Args:
        task: name of the task, and of the configuration or scale factor.
        path: folder or container of the output, which may not exist.
        manifest: the manifest in it; ``None`` without one, and for all branches of a workflow together.
        is_complete: whether the output exists, and was made from the current outputs of all tasks that it needs.
        state: what ``law run`` would do with it, as ``--print-status`` says it.
        command: the command that makes it.
    """

    task: str
    path: Path
    manifest: Manifest | None
    is_complete: bool
    state: str
    command: str = field(compare=False)

    def __fspath__(self) -> str:
        return str(self.path)

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def __repr__(self) -> str:
        created = f", made {self.manifest.created}" if self.manifest else ""
        return f"{self.task}: {self.state}{created}\n{self.path}"


def find(task: str, **parameters: Any) -> Output:
    """Return the current output of a task, as ``law run`` with these parameters would find it.

    Nothing runs, and nothing is written. The analysis is imported again, so that edits count.

    Args:
        task: name of the task, such as ``MergeOutputs``.
        **parameters: its parameters, in the words of the command line with ``_`` for ``-``; ``params`` may be a
            dictionary.

    Raises:
        UnknownNameError: if the task, a parameter, the analysis, the configuration, … is unknown.
        ConfigError: if a parameter is missing or wrong, or law has not been set up by ``setup.sh``.

    Example:
        >>> find("MergeOutputs", analysis="zmumu", config="nominal", version="none").is_complete
        False
    """
    cls = _find_task(task)
    from pocket.configuration.loading import forget_analyses

    # What was found out about tasks and analyses may be outdated.
    _register.clear_instance_cache()
    forget_analyses()
    values = _parameters(cls, parameters)
    return _output_of(cls(**values), _command(cls, values))


def _find_task(name: str) -> type[StoreTask]:
    # law also reads a law.cfg in the working folder. That of an analysis has the modules only with what it inherits.
    modules = law.config.options("modules") if law.config.has_section("pocketlaw") else []
    if not modules:
        raise ConfigError("law finds no law.cfg of Pocketlaw: start Python in a shell that has sourced setup.sh")
    for module in modules:
        importlib.import_module(module)
    from tasks.framework.base import StoreTask

    known = {cls.__name__: cls for cls in _derived(StoreTask) if not cls.exclude_index}
    if name not in known:
        raise UnknownNameError("task", name, known)
    return known[name]


def _derived(cls: type[Any]) -> list[type[Any]]:
    return [each for derived in cls.__subclasses__() for each in (derived, *_derived(derived))]


def _parameters(cls: type[StoreTask], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of parameters; strings are parsed as on the command line."""
    known: dict[str, Any] = dict(cls.get_params())
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise UnknownNameError("parameter", name, known, cls.__name__)
        if name == "params" and isinstance(value, Mapping):
            value = tuple(f"{key}={item}" for key, item in value.items())
        text = os.fspath(value) if isinstance(value, os.PathLike) else value
        try:
            values[name] = known[name].parse(text) if isinstance(text, str) else text
        except ValueError as error:
            raise ConfigError(f"{name} of {cls.__name__} is {value!r}: {error}") from None
    missing = [
        name
        for name, parameter in known.items()
        if name not in given and not parameter.has_task_value(cls.__name__, name)
    ]
    if missing:
        raise ConfigError(f"{cls.__name__} needs {' and '.join(missing)}, e.g. {missing[0]}=…")
    return values


def _command(cls: type[StoreTask], values: Mapping[str, Any]) -> str:
    known: dict[str, Any] = dict(cls.get_params())
    options = (
        f"--{name.replace('_', '-')} {shlex.quote(known[name].serialize(value))}" for name, value in values.items()
    )
    return " ".join(["law run", cls.__name__, *options])


def _output_of(task: StoreTask, command: str) -> Output:
    from tasks.core.states import is_workflow, state_of
    from tasks.core.targets import remembering

    label = f"{task.task_family} {task.config_part}"
    with remembering():
        is_complete, state = bool(task.complete()), state_of(task).text
    if not is_workflow(task):
        output = task.output()
        return Output(label, output.location, output.manifest, is_complete, state, command)
    return Output(label, task.directory, None, is_complete, state, command)
