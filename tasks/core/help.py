"""The text of ``--help``: each option of a task once, those of the task itself first, and examples.

Few look for the options of batch jobs and executors, or for the dials of experts. These are named there, and explained
by ``--help-batch`` and ``--help-experts``.
"""

from __future__ import annotations

import inspect
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tasks.core.terminal import option_of

#: column in which descriptions begin
_COLUMN = 23
#: what every task of an analysis has, which comes after the options of the task itself
_USUAL = ("version", "config", "analysis", "params", "iteration")
#: option of law or luigi → a shorter description than theirs, which ``--help-all`` has
_OF_LAW = {
    "print_deps": "print the tree of required tasks",
    "print_status": "print what would run, and why; D,1 with incomplete branches",
    "print_output": "print the paths of outputs",
    "remove_output": "D,a removes outputs, D,a,y also makes them again",
    "fetch_output": "D,a,FOLDER copies outputs to a folder",
    "branch": "run this branch only; -1 for all; default: -1",
    "branches": "branches to run, with ranges, e.g. 0,3:6; default: all",
    "log_level": "level of messages, e.g. DEBUG; default: INFO",
    "workers": "processes in which luigi runs tasks; default: 1",
    "help": "print this, and run nothing",
    "help_batch": "print the options of batch jobs and executors",
    "help_experts": "print the options of the chain, of law and of luigi",
    "help_all": "print the options of all tasks, of law and of luigi",
}
#: options of law whose value begins with a depth
_WITH_DEPTH = ("print_deps", "print_status", "print_output", "remove_output", "fetch_output")
#: options of luigi that are named for every task
HELP_OPTIONS = ("help", "help_batch", "help_experts", "help_all")
_OF_LUIGI = ("log_level", "workers", *HELP_OPTIONS)
#: kinds of help that explain what ``--help`` only names → their options
HELPS = {"batch": "--help-batch", "experts": "--help-experts"}
_FITTED = "options of what is fitted: parameters, ranges, regions, toys"
_LAW = "options of law and luigi; D is a depth: 0 for this task, -1 for the whole chain"
#: module of options that aren't in a group of their task → their title
_TITLES = {"tasks.statistics.options": _FITTED, "law.": _LAW, "luigi.": _LAW}
#: options of law and luigi that ``--help`` explains
_EXPLAINED = {"print_deps", "print_status", "remove_output", "log_level", *HELP_OPTIONS}


@dataclass
class _Part:
    """The options under one title, those that ``--help`` explains (all if there are none), and the help for all."""

    explained: set[str] = field(default_factory=set)
    help: str = ""
    options: list[tuple[str, Any]] = field(default_factory=list)


def _parts(task: Any) -> dict[str, _Part]:
    """Return title → options of a task under it; those of the task itself have no title."""
    groups = getattr(task, "option_groups", ())
    parts = {"": _Part(), _FITTED: _Part()}
    for group in groups:
        part = parts.setdefault(group.title, _Part(help=group.help))
        part.explained |= {*group.explained}
    parts[_LAW] = _Part(_EXPLAINED, "experts")
    for name, parameter in task.get_params():
        place = f"{_owner(task, name).__module__}."
        title = next((title for module, title in _TITLES.items() if place.startswith(module)), "")
        for group in groups:
            if group.parameters.get(name) is parameter:
                title = group.title
        parts["" if name in _USUAL else title].options.append((name, parameter))
    return parts


def help_of(task: Any, kind: str = "") -> str:
    """Return the help of a task, or one of :data:`HELPS` with all options that it explains and nothing else."""
    width = max(shutil.get_terminal_size().columns - 1, 60)
    parts = _parts(task)
    own = parts.pop("").options
    needed = {name for name, parameter in own if not parameter.has_task_value(task.__name__, name)}
    # The sort is stable, so that options of one class stay in their order.
    own.sort(key=lambda entry: (entry[0] not in needed, _rank(task, entry[0])))
    # An option and its value stay on one line.
    values = [f"{option_of(name)}\N{NO-BREAK SPACE}…" for name, _ in own if name in needed]
    usage = textwrap.wrap(
        " ".join([f"usage: law run {task.task_family}", *values, "[options]"]), width, subsequent_indent="  "
    )
    lines = [
        *(line.replace("\N{NO-BREAK SPACE}", " ") for line in usage),
        "",
        *textwrap.wrap(" ".join(inspect.cleandoc(task.__doc__ or "").partition("\n\n")[0].split()), width),
        "",
        f"options of {task.task_family}",
        *_entries([(name, _described(parameter, name in needed)) for name, parameter in own], width),
    ]
    has_batch = any(part.help == "batch" for part in parts.values())
    if kind == "batch" and not has_batch:
        return f"{task.task_family} runs no jobs and has no executors"
    if kind:
        lines = lines[: len(usage)]
    for title, part in parts.items():
        if kind and part.help != kind:
            continue
        entries = [(name, _OF_LAW.get(name, parameter.description)) for name, parameter in part.options]
        if title == _LAW:
            entries = [(name, text) for name, text in entries if name in _OF_LAW]
            entries += [(name, _OF_LAW[name]) for name in _OF_LUIGI if has_batch or name != "help_batch"]
        if not entries:
            continue
        named = [] if kind or not part.explained else [name for name, _ in entries if name not in part.explained]
        lines += ["", title, *_entries([entry for entry in entries if entry[0] not in named], width)]
        if named:
            lines += _named(named, HELPS[part.help], width)
    if kind:
        return "\n".join(lines)
    if examples := _examples(task, needed):
        lines += ["", "examples"]
        for example in examples:
            # The shell takes lines that end with a backslash as one.
            wrapped = textwrap.wrap(example, width - 4, subsequent_indent="    ", break_on_hyphens=False)
            lines.append(" \\\n".join(f"  {line}" for line in wrapped))
    more = "[…] is the default. --TASK-OPTION is an option for another task only, e.g. --RunProcessor-cores 2."
    return "\n".join([*lines, "", *textwrap.wrap(more, width)])


def example_of(option: str) -> str:
    """Return an example for the value of an option that was given without one, as a clause; empty if there is none.

    >>> example_of("--print-status"), example_of("--version")
    (', e.g. --print-status -1 for the whole chain', '')
    """
    name = option.removeprefix("--").replace("-", "_")
    return f", e.g. {option} -1 for the whole chain" if name in _WITH_DEPTH and name.startswith("print_") else ""


def _owner(task: Any, name: str) -> Any:
    return next(cls for cls in task.__mro__ if name in vars(cls))


def _rank(task: Any, name: str) -> int:
    """Return the place of an option: those of the task, then those of its bases, then what every task has."""
    is_usual = name in _USUAL
    return len(task.__mro__) + _USUAL.index(name) if is_usual else task.__mro__.index(_owner(task, name))


def _named(options: Sequence[str], explained_by: str, width: int) -> list[str]:
    text = f"{', '.join(map(option_of, options))} ({explained_by} explains {'them' if options[1:] else 'it'})"
    return textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)


def _examples(task: Any, needed: Iterable[str]) -> list[str]:
    """Return the commands in a task's docstring; without any, how to see what it would do and to do it."""
    text = inspect.cleandoc(task.__doc__ or "")
    if found := [line.strip() for line in text.splitlines() if line.strip().startswith("law run ")]:
        return found
    if set(needed) - {"version"}:
        return []
    command = " ".join(["law run", task.task_family, *(f"{option_of(name)} v1" for name in needed)])
    return [f"{command} --print-status -1", command]


def _entries(options: Iterable[tuple[str, str]], width: int) -> Sequence[str]:
    lines: list[str] = []
    for name, description in options:
        head = f"  {option_of(name)}{' D' if name in _WITH_DEPTH else ''}"
        wrapped = textwrap.wrap(_shortened(description or ""), width - _COLUMN, break_on_hyphens=False) or [""]
        if len(head) >= _COLUMN:
            lines.append(head)
        else:
            lines.append(f"{head:<{_COLUMN}}{wrapped.pop(0)}".rstrip())
        lines += [f"{'':{_COLUMN}}{line}" for line in wrapped]
    return lines


def _described(parameter: Any, is_needed: bool) -> str:
    """Return the description of an option, which says if it must be given."""
    text = str(parameter.description or "")
    return text.replace("; no default", "; default: required") if is_needed else text


def _shortened(description: str) -> str:
    """Return a description with its default in brackets.

    >>> _shortened("processes on this machine, 0 for all cores; default: 0"), _shortened("variables; no default")
    ('processes on this machine, 0 for all cores [0]', 'variables')
    """
    text, _, default = description.rpartition("; ")
    if not text or default in ("no default", "default: the site's", "default: False"):
        return text or description
    return f"{text} [{default.removeprefix('default: ')}]" if default.startswith("default: ") else description
