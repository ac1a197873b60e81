"""Groups of options, each declared once, and presets of size and parallelism (``--resources``, sections of law.cfg)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import law
import luigi

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


def _unchanged(task: Any, params: dict[str, Any]) -> dict[str, Any]:
    return params


#: groups that a class of tasks lists
Groups: TypeAlias = "tuple[OptionGroup, ...]"


@dataclass(frozen=True, eq=False)
class OptionGroup:
    """Options that belong together.

    Args:
        title: heading of the group in ``--help``, which groups may share; empty for the task's own options.
        heading: heading of the options in the reference; empty for those of each task.
        parameters: name of an option → parameter of luigi.
        prepare: function of the task's class and of the values of its parameters, which returns these, perhaps changed;
            those of all groups come before the first check.
        check: the same for what is known of all values.
        explained: options that ``--help`` explains, all if no group of the title has any; it only names the others.
        help: kind of the help that explains all, one of :data:`tasks.core.help.HELPS`.
        of_workflow: options that single branches of a workflow don't have.
        actions: option → function of the task that runs if the option is given, and nothing else does.
    """

    title: str
    parameters: Mapping[str, Any]
    heading: str = ""
    prepare: Callable[[Any, dict[str, Any]], dict[str, Any]] = _unchanged
    check: Callable[[Any, dict[str, Any]], dict[str, Any]] = _unchanged
    explained: tuple[str, ...] = ()
    help: str = ""
    of_workflow: frozenset[str] = frozenset()
    actions: Mapping[str, Callable[[Any], None]] = field(default_factory=dict)


#: type of a default → kind of the parameter
_KINDS = {
    bool: luigi.BoolParameter,
    int: luigi.IntParameter,
    float: luigi.FloatParameter,
    str: luigi.Parameter,
    tuple: law.CSVParameter,
}


def option(text: str, default: Any, shown: str = "", kind: Any = None, least: int | None = None, **more: Any) -> Any:
    """Return an option that decides an output.

    Args:
        shown: words for the default, by default itself; no text and no values are no default.
        kind: class of the parameter, by default that for the type of the default.
        least: smallest value, ``None`` for no limit.

    >>> option("number of toys", 100).description
    'number of toys; default: 100'
    """
    words = f"default: {shown or default}" if shown or default not in (law.NO_STR, ()) else "no default"
    parameter = (kind or _KINDS[type(default)])(default=default, description=f"{text}; {words}", **more)
    parameter.least = least
    return parameter


def dial(*arguments: Any, **more: Any) -> Any:
    """Return an option that changes no output, with the arguments of :func:`option`."""
    return option(*arguments, significant=False, **more)


def check_options(task: Any, params: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a class of tasks as its groups have checked them."""
    for group in task.option_groups:
        params = group.prepare(task, params)
    for name, parameter in task.get_params():
        least = getattr(parameter, "least", None)
        if least is not None and params.get(name, least) < least:
            raise ConfigError(f"--{name.replace('_', '-')} is {params[name]}, expected {least} or more")
    for group in task.option_groups:
        params = group.check(task, params)
    return params


def add_options(cls: Any) -> None:
    """Add the options of the groups that a class lists to the class, unless it defines them itself."""
    for group in vars(cls).get("options", ()):
        for name, parameter in group.parameters.items():
            if name not in vars(cls):
                setattr(cls, name, parameter)
                # Python calls this only for attributes in the body of a class.
                parameter.__set_name__(cls, name)
        for name, action in group.actions.items():
            # law calls methods of these names, and exits afterwards.
            setattr(cls, f"_{name}", lambda task, value, action=action: action(task))
        cls.interactive_params = [*cls.interactive_params, *group.actions]
        cls.exclude_params_branch = {*getattr(cls, "exclude_params_branch", ()), *group.of_workflow}
    listed = (vars(base).get("options", ()) for base in reversed(cls.__mro__))
    cls.option_groups = tuple(dict.fromkeys(group for groups in listed for group in groups))
