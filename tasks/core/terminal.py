"""Options on the command line: a wrong one ends the program with one sentence instead of luigi's usage or traceback."""

from __future__ import annotations

import argparse
import contextlib
import functools
import logging
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn

import law
import luigi
import luigi.retcodes
from luigi.cmdline_parser import CmdlineParser
from luigi.parameter import MissingParameterException, ParameterException
from luigi.task_register import Register

from pocket.base.snapshots.process import current_snapshot, shown
from pocket.errors import PocketError, UnknownNameError, nearest
from pocket.io.remote.tokens import redacted
from tasks.core.console import counted, discard_output, replace_what_encodings_lack
from tasks.core.log import heed_option, is_command
from tasks.core.snapshot import runs_law
from tasks.core.startup import collect_when_tasks_run, notice_hidden
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

# These classes have no type annotations.
_parser: Any = CmdlineParser
_retcodes: Any = luigi.retcodes.retcode
_tasks: Any = Register
_luigis_build_parser = _parser._build_parser
_luigis_init = _parser.__init__
_NEGATIVE = re.compile(r"-\d")
#: words of a command line → state of luigi's parser after parsing them
_parsed: dict[tuple[str, ...], dict[str, Any]] = {}


def one_sentence_options() -> None:
    """Install the checks in luigi's command line parser."""
    _parser._build_parser = staticmethod(_build_parser)
    _parser.__init__ = _init
    _parser.get_task_obj = _get_task_obj


def _build_parser(root_task: str | None = None, help_all: bool = False) -> Any:
    # luigi asks for the parser several times at each start, so it is cached.
    return _parser_of(root_task, help_all, tuple(_tasks.task_names()))


@functools.cache
def _parser_of(root_task: str | None, help_all: bool, known_tasks: tuple[str, ...]) -> Any:
    """Return the parser of a task; the known tasks are part of the cache key."""
    parser = _luigis_build_parser(root_task, help_all)
    if root_task is None:
        # This parser only finds the task. It would take --scheduler as an abbreviation of luigi's --scheduler-host.
        parser.allow_abbrev = False
    elif not help_all and root_task in known_tasks:
        parser.print_help = functools.partial(_print_help, root_task)
        parser.add_argument("--help-batch", action=_HelpBatch, nargs=0, task=root_task, help=argparse.SUPPRESS)
    # argparse would print the usage before its error, with hundreds of options.
    parser.error = functools.partial(_refuse_arguments, root_task or "")
    return parser


def _print_help(task: str, batch: bool = False) -> None:
    """Print the help of a task, which argparse would print with each option twice."""
    from tasks.core.help import help_of

    print(help_of(_tasks.get_task_cls(task), batch))


class _HelpBatch(argparse.Action):
    """Prints the options of batch jobs and executors of a task, and ends the command."""

    def __init__(self, *args: Any, task: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._task = task

    def __call__(self, *ignored: Any) -> NoReturn:
        """Print them."""
        _print_help(self._task, batch=True)
        raise SystemExit(0)


@functools.wraps(_luigis_init)
def _init(self: Any, cmdline_args: list[str]) -> None:
    # A process that goes on after the command, such as a notebook, sees edits and collects its garbage.
    if runs_law(sys.argv):
        collect_when_tasks_run()
    notice_hidden()
    # luigi parses the same words at several steps of a start.
    words = tuple(cmdline_args)
    if words not in _parsed:
        _luigis_init(self, _with_negative_values(words))
        _check_values(self.known_args)
        heed_option(words)
        _parsed[words] = dict(vars(self))
    vars(self).update(_parsed[words])


def _with_negative_values(words: Iterable[str]) -> list[str]:
    """Return words with values such as ``-1,1`` joined to their options, since argparse takes these for options.

    Example:
        >>> _with_negative_values(["--print-status", "-1,1", "--cores", "1"])
        ['--print-status=-1,1', '--cores', '1']
    """
    joined: list[str] = []
    for word in words:
        if _NEGATIVE.match(word) and joined and joined[-1].startswith("--") and "=" not in joined[-1]:
            joined[-1] = f"{joined[-1]}={word}"
        else:
            joined.append(word)
    return joined


def _get_task_obj(self: Any) -> Any:
    """Return the task that the command line asks for, or a task that requires all of them.

    An error is told here, because luigi would add that it is an uncaught exception.
    """
    from tasks.core.several import make_tasks

    task: Any = _tasks.get_task_cls(self.known_args.root_task)
    values = ((name, parameter, getattr(self.known_args, name)) for name, parameter in task.get_params())
    given = {name: parameter.parse(value) for name, parameter, value in values if value}
    try:
        with _names_kept(task, given):
            return make_tasks(task, given)
    except MissingParameterException as error:
        _end(sentence_of(error))
    except BrokenPipeError:
        discard_output()
        raise SystemExit(0) from None
    except FOR_PEOPLE as error:
        from pocket.configuration.analysis import UnknownAnalysisError

        if isinstance(error, UnknownAnalysisError):
            _end(str(error))
        print(shown(f"error: {sentence_of(error)}"), file=sys.stderr)
        raise SystemExit(_retcodes().unhandled_exception) from None


@contextlib.contextmanager
def _names_kept(task: Any, given: Mapping[str, Any]) -> Iterator[None]:
    """Write the names of the analysis for completion if the block succeeds, or ends the command because it is done."""
    try:
        yield
    except SystemExit as end:
        if end.code:
            raise
        getattr(task, "keep_names", bool)(given)
        raise
    getattr(task, "keep_names", bool)(given)


def _refuse_arguments(task: str, message: str) -> NoReturn:
    """Exit with an error message for arguments that argparse refuses."""
    _, unknown, arguments = message.partition("unrecognized arguments: ")
    if not unknown:
        from tasks.core.help import example_of

        found = re.fullmatch("argument (--[^ /:]+).*: expected (?:one|at least one) argument", message)
        _end(f"option {found[1]} of {task} needs a value{example_of(found[1])}" if found else message)
    words = arguments.split()
    option = next((word.partition("=")[0] for word in words if word.startswith("-")), None)
    if option is None:
        _end(f"unexpected argument {words[0]!r} of {task}, options begin with --")
    if option in ELSEWHERE:
        _end(f"{task} has no option {option}: {ELSEWHERE[option]}")
    if option == "--version":
        _end(f"{task} needs no --version, because it writes no output to the store")
    if option.lstrip("-")[:1].isupper():  # An option of another task begins with its name, e.g. --RunProcessor-cores.
        known = [name for name, *_ in _options(task) if name[2].isupper()]
    else:
        known = [_dashed(name) for name, _ in _tasks.get_task_cls(task).get_params()]
    _end(str(UnknownNameError("option", option, known, task)))


def _check_values(arguments: argparse.Namespace) -> None:
    """Exit with an error message if the value of an option is invalid."""
    for option, destination, parameter in _options(arguments.root_task):
        value = getattr(arguments, destination)
        if not value:
            continue
        try:
            parameter.parse(value)
        except PocketError as error:
            _end(f"option {option} of {arguments.root_task}: {error}")
        # A parameter's parser may raise any exception.
        except Exception as error:
            expected = next((text for kind, text in _EXPECTED if isinstance(parameter, kind)), str(error))
            if isinstance(parameter, luigi.ChoiceParameter):
                expected = _one_of(value, parameter)
            _end(f"option {option} of {arguments.root_task} is {value!r}, expected {expected}")


def _one_of(value: str, parameter: Any) -> str:
    """Return the values that an option can have, and the nearest to the one that it has."""
    choices = sorted(map(str, parameter._choices))
    near = nearest(value, choices, 1)
    return f"one of {', '.join(choices)}" + (f", did you mean {near[0]!r}?" if near else "")


def _options(root_task: str) -> Iterator[tuple[str, str, Any]]:
    """Yield option, destination and parameter of all options of a task, of other tasks and of luigi."""
    for task, without_section, name, parameter in _tasks.get_all_params():
        yield _dashed(name if without_section else f"{task}_{name}"), f"{task}_{name}", parameter
        if task == root_task:
            yield _dashed(name), name, parameter


def _dashed(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _end(sentence: str) -> NoReturn:
    print(shown(f"error: {sentence}"), file=sys.stderr)
    raise SystemExit(USAGE_ERROR)


#: errors with a message for users
FOR_PEOPLE = (PocketError, ParameterException)
# luigi formats errors during scheduling into the message of the log record.
_IN_TEXT = re.compile(r"\nTraceback .*\n(?:pocket\.errors|luigi\.parameter)\.\w+: (?P<sentence>.+?)\s*$", re.DOTALL)


_MISSING = re.compile(r"(?P<task>\w+)\[args=.* requires the '(?P<name>\w+)' parameter to be set", re.DOTALL)
_NO_DEFAULT = "; no default"


def sentence_of(error: BaseException | str) -> str:
    """Return the message of an error for users; that of a missing option names the option, and says what it is.

    Example:
        >>> sentence_of("Plot[args=(), kwargs={}]: requires the 'chunk_size' parameter to be set")
        'Plot needs --chunk-size'
    """
    missing = _MISSING.fullmatch(str(error))
    if not missing:
        return str(error)
    of_task = dict(_tasks.get_task_cls(missing["task"]).get_params()) if missing["task"] in _tasks.task_names() else {}
    described = str(getattr(of_task.get(missing["name"]), "description", None) or "").removesuffix(_NO_DEFAULT)
    option = _dashed(missing["name"])
    what = f", the {described.replace('e.g. ', f'e.g. {option} ')}" if described else ""
    return f"{missing['task']} needs {option}{what}"


class OneSentence(logging.Filter):
    """Replaces the traceback of an error for users by its message."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Shorten the record, and always keep it."""
        message = record.getMessage()
        trace = f"\n{logging.Formatter().formatException(record.exc_info)}" if record.exc_info else ""
        # The log file has the traceback of all errors.
        record.whole = f"{message}{trace}"
        error = record.exc_info[1] if record.exc_info else None
        match = _IN_TEXT.search(message)
        if isinstance(error, FOR_PEOPLE):
            sentence = sentence_of(error)
        elif match is not None:
            sentence = sentence_of(match["sentence"])
        else:
            self.redact(record, message)
            return True
        record.sentence = sentence
        record.msg = shown(f"{message.splitlines()[0].rstrip()}\nerror: {sentence}")
        record.args, record.exc_info, record.exc_text = (), None, None
        return True

    @staticmethod
    def redact(record: logging.LogRecord, message: str) -> None:
        """Remove the tokens in URLs and the paths of snapshots from a record, which keeps its traceback."""
        record.msg, record.args = shown(redacted(message)), ()
        if record.exc_info:
            # The formatter uses this attribute if it is set.
            record.exc_text = shown(redacted(logging.Formatter().formatException(record.exc_info)))


class Terminated(KeyboardInterrupt):
    """SIGTERM, which ends a command in the same way as Ctrl-C, with all cleanups."""


#: descriptions of what continues when this command is stopped, e.g. jobs in a queue
_going_on: list[str] = []


@contextlib.contextmanager
def going_on(what: str) -> Iterator[None]:
    """Name what continues if the command is stopped in the block, e.g. ``"jobs in the queue"``, to the user."""
    _going_on.append(what)
    try:
        yield
    except KeyboardInterrupt:
        # The message at the end of the program needs the entry.
        raise
    except BaseException:
        _going_on.remove(what)
        raise
    else:
        _going_on.remove(what)


def stopped_sentence(error: KeyboardInterrupt) -> str:
    """Return the message for a stopped command: what continues, and how to resume the rest."""
    by = "SIGTERM" if isinstance(error, Terminated) else "Ctrl-C"
    others = "".join(f"; {what} go on" for what in dict.fromkeys(_going_on))
    return f"stopped by {by}: finished outputs stay{others}; run the same command again to go on"


def one_sentence_errors() -> None:
    """Install the filter on luigi's logger, and handlers for uncaught errors, Ctrl-C and SIGTERM."""
    logger = logging.getLogger("luigi-interface")
    if not any(isinstance(known, OneSentence) for known in logger.filters):
        logger.addFilter(OneSentence())
    sys.excepthook = _excepthook
    if is_command():
        replace_what_encodings_lack()
    # A notebook or another program handles its signals itself.
    if Path(sys.argv[0]).name.partition(" ")[0] == "law" and threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, functools.partial(_terminate, os.getpid()))


def _terminate(process: int, number: int, frame: FrameType | None) -> None:
    if os.getpid() == process:
        raise Terminated
    # This is a forked process, which must end as if there were no handler.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


@functools.cache
def print_note(sentence: str) -> None:
    """Print a note for the user, once per process."""
    print(shown(f"note: {sentence}"), file=sys.stderr)


def print_left_out(label: str, skipped: Mapping[str, str]) -> None:
    """Print how many input files an output lacks, and why the first of them can't be read, if there are any.

    Args:
        label: the task.
        skipped: file → reason.
    """
    if skipped:
        first, *more = skipped.values()
        number = f"{counted(len(skipped), 'input file')}, the first because" if more else "an input file, because"
        print_note(f"{label}: without the events of {number} {first}")


def _excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, KeyboardInterrupt):
        print(stopped_sentence(error), file=sys.stderr)
        # Exit with the code that shells use for a signal. Python would end itself by the signal otherwise.
        raise SystemExit(128 + (signal.SIGTERM if isinstance(error, Terminated) else signal.SIGINT))
    if isinstance(error, FOR_PEOPLE):
        print(shown(f"error: {sentence_of(error)}"), file=sys.stderr)
    elif current_snapshot() is not None:
        print(shown("".join(traceback.format_exception(kind, error, trace))), file=sys.stderr, end="")
    else:
        sys.__excepthook__(kind, error, trace)
