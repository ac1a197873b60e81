"""The command ``law run``: its words are checked, then luigi builds the task that they ask for.

A wrong option ends the command with one sentence, instead of luigi's usage or traceback. Law's own command runs the
same tasks, with luigi's lines.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

import law
import luigi
import luigi.retcodes
from law.parser import root_task
from luigi.cmdline_parser import CmdlineParser
from luigi.execution_summary import LuigiStatusCode
from luigi.parameter import MissingParameterException
from luigi.task_register import Register

from pocket.base.snapshots.process import shown
from pocket.errors import PocketError, UnknownNameError, nearest
from tasks.core.console import discard_output, say
from tasks.core.help import HELPS, example_of, help_of
from tasks.core.log import heed_option
from tasks.core.report import LUIGI
from tasks.core.reporting_worker import Workers
from tasks.core.several import make_tasks
from tasks.core.terminal import FOR_PEOPLE, option_of, sentence_of
from tasks.core.tree import TREES
from tasks.settings.run_options import ELSEWHERE

#: exit code of a wrong command line, the same as argparse's
USAGE_ERROR = 2

_EXPECTED: tuple[tuple[type[Any], str], ...] = (
    (law.BytesParameter, "a size, e.g. 2GB"),
    (luigi.IntParameter, "an integer"),
    (luigi.FloatParameter, "a number"),
    (luigi.BoolParameter, "True or False"),
    (law.MultiRangeParameter, "integers and ranges, e.g. 0,3:6"),
    (law.CSVParameter, "values with commas in between"),
)
_NEGATIVE = re.compile(r"-\d")
#: what a run came to → name of its exit code in law.cfg, for all that aren't a success
_CODES = {
    LuigiStatusCode.FAILED: "task_failed",
    LuigiStatusCode.FAILED_AND_SCHEDULING_FAILED: "scheduling_error",
    LuigiStatusCode.SCHEDULING_FAILED: "scheduling_error",
    LuigiStatusCode.NOT_RUN: "not_run",
    LuigiStatusCode.MISSING_EXT: "missing_data",
}

# These classes have no type annotations.
_tasks: Any = Register
_luigis_parser: Any = CmdlineParser
_retcodes: Any = luigi.retcodes.retcode
_build: Any = luigi.build


class Words(NamedTuple):
    """The words of a command line: options of the task with their values, and words with all other options."""

    own: Mapping[str, Any]
    others: Sequence[str]


def run(family: str, words: Sequence[str]) -> int:
    """Run a task with all that it requires, and return the exit code of the command."""
    given = parse(family, words)
    heed_option(words)
    # Tasks ask luigi's parser for the options that they have on their own. It knows nothing of those of the task
    # itself, since it would take --scheduler for an abbreviation of --scheduler-host.
    with _luigis_parser.global_instance([family, *given.others]):
        try:
            task = make_task(family, given.own)
            root_task(task)
            has_number = any(word.startswith("--workers=") for word in given.others)
            result = _build([task], Workers(task, has_number), detailed_summary=True)
        except Exception:
            logging.getLogger(LUIGI).exception("Uncaught exception")
            return int(_retcodes().unhandled_exception)
        code = _CODES.get(result.status)
        return int(getattr(_retcodes(), code)) if code else 0


def parse(family: str, words: Sequence[str]) -> Words:
    """Return the options of a command line."""
    cls = _tasks.get_task_cls(family)
    found = vars(_Parser(family).parse_args(_join_negative(words)))
    kind = next((kind for kind in HELPS if found[f"help_{kind}"]), "")
    if kind or found["core_help"]:
        print(help_of(cls, kind))
        raise SystemExit(0)
    names = {name for name, _ in cls.get_params()}
    own, others = {}, []
    for option, name, parameter in _options(family):
        # An empty value stands for the default.
        if text := found[name]:
            value = _value(f"option {option} of {family}", parameter, text)
            if name in names:
                own[name] = value
            else:
                others.append(f"{option}={text}")
    return Words(own, others)


def _value(option: str, parameter: Any, text: str) -> Any:
    """Return the value of an option, or end the command if it is invalid."""
    try:
        return parameter.parse(text)
    except PocketError as error:
        _end(f"{option}: {error}")
    # A parameter's parser may raise any exception.
    except Exception as error:
        expected = next((words for kind, words in _EXPECTED if isinstance(parameter, kind)), str(error))
        if isinstance(parameter, luigi.ChoiceParameter):
            expected = _one_of(text, parameter)
        _end(f"{option} is {text!r}, expected {expected}")


def _one_of(value: str, parameter: luigi.ChoiceParameter) -> str:
    """Return the values that an option can have, and the nearest to the one that it has."""
    # luigi names them in the description, in another order each time.
    choices = sorted(str(parameter.description).rpartition("{")[2].rstrip("}").split(", "))
    near = nearest(value, choices, 1)
    return f"one of {', '.join(choices)}" + (f", did you mean {near[0]!r}?" if near else "")


class _Parser(argparse.ArgumentParser):
    """Parser of the options of a task, of the other tasks and of luigi."""

    def __init__(self, family: str) -> None:
        super().__init__(add_help=False)
        self._family = family
        for option, name, parameter in _options(family):
            is_switch = isinstance(parameter, luigi.BoolParameter)
            self.add_argument(option, dest=name, nargs="?" if is_switch else None, const="True" if is_switch else None)
        for option in HELPS.values():
            self.add_argument(option, action="store_true")

    def error(self, message: str) -> NoReturn:
        """End the command with one sentence; argparse would print hundreds of options before."""
        family = self._family
        _, unknown, arguments = message.partition("unrecognized arguments: ")
        if not unknown:
            found = re.fullmatch("argument (--[^ /:]+).*: expected (?:one|at least one) argument", message)
            _end(f"option {found[1]} of {family} needs a value{example_of(found[1])}" if found else message)
        words = arguments.split()
        option = next((word.partition("=")[0] for word in words if word.startswith("-")), None)
        if option is None:
            _end(f"unexpected argument {words[0]!r} of {family}, options begin with --")
        if option in ELSEWHERE:
            _end(f"{family} has no option {option}: {ELSEWHERE[option]}")
        if option == "--version":
            _end(f"{family} needs no --version, because it writes no output to the store")
        if option.lstrip("-")[:1].isupper():  # An option of another task begins with its name, --RunProcessor-cores.
            known = [name for name, *_ in _options(family) if name[2].isupper()]
        else:
            known = [option_of(name) for name, _ in _tasks.get_task_cls(family).get_params()]
        _end(str(UnknownNameError("option", option, known, family)))


def _options(family: str) -> Iterator[tuple[str, str, Any]]:
    """Yield option, name in luigi's parser, and parameter of all options of a task, of other tasks and of luigi."""
    for task, without_section, name, parameter in _tasks.get_all_params():
        yield option_of(name if without_section else f"{task}_{name}"), f"{task}_{name}", parameter
        if task == family:
            yield option_of(name), name, parameter


def _join_negative(words: Iterable[str]) -> list[str]:
    """Return words with values such as ``-1,1`` joined to their options, since argparse takes these for options.

    >>> _join_negative(["--print-status", "-1,1", "--cores", "1"])
    ['--print-status=-1,1', '--cores', '1']
    """
    joined: list[str] = []
    for word in words:
        if _NEGATIVE.match(word) and joined and joined[-1].startswith("--") and "=" not in joined[-1]:
            joined[-1] = f"{joined[-1]}={word}"
        else:
            joined.append(word)
    return joined


def make_task(family: str, given: Mapping[str, Any]) -> Any:
    """Return the task that options ask for, or one that requires all of them; a tree or an error ends the command."""
    cls = _tasks.get_task_cls(family)
    try:
        with _names_kept(cls, given):
            task = make_tasks(cls, {name: value for name, value in given.items() if name not in TREES})
            if asked := [name for name in TREES if name in given]:
                for name in asked:
                    TREES[name](task, *given[name])
                raise SystemExit(0)
            return task
    except MissingParameterException as error:
        _end(sentence_of(error))
    except BrokenPipeError:
        discard_output()
        raise SystemExit(0) from None
    except FOR_PEOPLE as error:
        from pocket.configuration.loading import UnknownAnalysisError

        is_usage = isinstance(error, UnknownAnalysisError)
        _end(sentence_of(error), USAGE_ERROR if is_usage else _retcodes().unhandled_exception)


@contextlib.contextmanager
def _names_kept(cls: Any, given: Mapping[str, Any]) -> Iterator[None]:
    """Write the names of the analysis for completion if the block succeeds, or ends the command because it is done."""
    try:
        yield
    except SystemExit as end:
        if not end.code:
            getattr(cls, "keep_names", bool)(given)
        raise
    getattr(cls, "keep_names", bool)(given)


def _end(sentence: str, code: int = USAGE_ERROR) -> NoReturn:
    say(shown(f"error: {sentence}"))
    raise SystemExit(code)
