"""Options on the command line: a wrong one ends the program with one sentence instead of luigi's usage or traceback."""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

import law
import luigi
from luigi.cmdline_parser import CmdlineParser
from luigi.task_register import Register

from pocket.base.snapshots.process import shown
from pocket.errors import UnknownNameError
from tasks.collection import collect_when_tasks_run

#: exit code of a wrong command line, as argparse has it
USAGE_ERROR = 2

_EXPECTED: tuple[tuple[type[Any], str], ...] = (
    (luigi.IntParameter, "a whole number"),
    (luigi.FloatParameter, "a number"),
    (luigi.BoolParameter, "True or False"),
    (law.MultiRangeParameter, "whole numbers and ranges, e.g. 0,3:6"),
    (law.CSVParameter, "values with commas in between"),
)

# neither is typed
_parser: Any = CmdlineParser
_tasks: Any = Register
_luigis_build_parser = _parser._build_parser
_luigis_init = _parser.__init__
#: words of a command line → what luigi's parser knows once it has parsed them
_parsed: dict[tuple[str, ...], dict[str, Any]] = {}


def one_sentence_options() -> None:
    """Install the checks in luigi's parser of the command line."""
    _parser._build_parser = staticmethod(_build_parser)
    _parser.__init__ = _init


def _build_parser(root_task: str | None = None, help_all: bool = False) -> Any:
    # luigi asks for nine at each start
    return _parser_of(root_task, help_all, tuple(_tasks.task_names()))


@functools.cache
def _parser_of(root_task: str | None, help_all: bool, known_tasks: tuple[str, ...]) -> Any:
    """Return the parser of a task, which changes when more tasks are known."""
    parser = _luigis_build_parser(root_task, help_all)
    if root_task is None:
        # only looks for the task, and would take its --scheduler for an abbreviation of luigi's --scheduler-host
        parser.allow_abbrev = False
    # argparse would print the usage in front of its error, hundreds of options long
    parser.error = functools.partial(_refuse_arguments, root_task or "")
    return parser


@functools.wraps(_luigis_init)
def _init(self: Any, cmdline_args: list[str]) -> None:
    collect_when_tasks_run()
    # luigi parses the same words at several steps of a start
    words = tuple(cmdline_args)
    if words not in _parsed:
        _luigis_init(self, cmdline_args)
        _check_values(self.known_args)
        _parsed[words] = dict(vars(self))
    vars(self).update(_parsed[words])


def _refuse_arguments(task: str, message: str) -> NoReturn:
    """End the program because of what argparse complains about."""
    _, unknown, arguments = message.partition("unrecognized arguments: ")
    if not unknown:
        _end(message)
    words = arguments.split()
    option = next((word.partition("=")[0] for word in words if word.startswith("-")), None)
    if option is None:
        _end(f"unexpected argument {words[0]!r} of {task}, options begin with --")
    if option.lstrip("-")[:1].isupper():  # that of another task begins with its name, e.g. --RunProcessor-cores
        known = [name for name, *_ in _options(task) if name[2].isupper()]
    else:
        known = [_dashed(name) for name, _ in _tasks.get_task_cls(task).get_params()]
    _end(str(UnknownNameError("option", option, known, task)))


def _check_values(arguments: argparse.Namespace) -> None:
    """End the program if the value of an option can't be understood."""
    for option, destination, parameter in _options(arguments.root_task):
        value = getattr(arguments, destination)
        if not value:
            continue
        try:
            parameter.parse(value)
        # whatever a parameter's parser stumbles over
        except Exception as error:
            expected = next((text for kind, text in _EXPECTED if isinstance(parameter, kind)), str(error))
            _end(f"option {option} of {arguments.root_task} is {value!r}, expected {expected}")


def _options(root_task: str) -> Iterator[tuple[str, str, Any]]:
    """Yield the options of a task, of all others and of luigi: option, name that its value gets, parameter."""
    for task, without_section, name, parameter in _tasks.get_all_params():
        yield _dashed(name if without_section else f"{task}_{name}"), f"{task}_{name}", parameter
        if task == root_task:
            yield _dashed(name), name, parameter


def _dashed(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _end(sentence: str) -> NoReturn:
    print(shown(f"error: {sentence}"), file=sys.stderr)
    raise SystemExit(USAGE_ERROR)
