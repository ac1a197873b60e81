"""Error messages for exceptions of the user's code: the call, the line, the events and the file of the traceback."""

from __future__ import annotations

import builtins
import contextlib
import functools
import inspect
import linecache
import logging
import os
import re
import signal
import site
import sysconfig
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

from omegaconf.errors import OmegaConfBaseException

from pocket.base.containers import folder_of
from pocket.base.fingerprint.modules import owner
from pocket.base.runtime.remarks import some_of
from pocket.base.runtime.user_code import call_of, code_of, events_of, is_noted, take_file
from pocket.base.snapshots.process import shown
from pocket.configuration.moved_names import name_now
from pocket.corrections.files import inputs_of
from pocket.errors import (
    BadFileError,
    ChangedCodeError,
    ChangedFileError,
    ColumnError,
    ConfigError,
    DamagedOutputError,
    DatasetError,
    HistogramError,
    MissingBranchError,
    PocketError,
    RemoteStoreError,
    UserCodeError,
    nearest,
)
from pocket.io.remote.client import open_root
from pocket.io.remote.tokens import redacted
from pocket.io.store.publishing import replacing_file
from pocket.parameters.explaining import omegaconf_reason, shown_file
from pocket.parameters.locations import project_root

_log = logging.getLogger(__name__)

#: largest number of characters of an exception's message in a sentence
_LONGEST = 300
_STACK = re.compile(r'File "(.+)", line (\d+) in (\S+)')
_REFUSED_METHOD = re.compile(r"\w[\w.<>]*\.(\w+)\(\) (?:takes|missing|got) ")
_LOOKED_INTO = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\[")
#: errors that may come from events, whose messages get these
_OF_EVENTS = (ColumnError, ConfigError, HistogramError, MissingBranchError)
#: separator between the sentence and the file with the traceback
_LOG = "; the traceback is in "


def explain(error: Exception, path: str = "") -> UserCodeError | None:
    """Return the error with the failed call, its place and the events; ``None`` for a bug of this package."""
    if not call_of(error) and user_place(error) is None:
        return None
    place = user_place(error) or _called(error) or user_place(error, own=True)
    at = f" in {place[0]} ({place[1]})" if place else ""
    events = events_of(error, path)
    sentence = f"{call_of(error) or 'the analysis'} failed{at}: {describe(error)}{_hint(error)}"
    return UserCodeError(f"{sentence}, on {events}" if events else sentence)


def describe(error: BaseException) -> str:
    """Return the type and the message of an exception in one line."""
    # After an empty line, awkward adds the operation and its arrays.
    text = str(error).strip().partition("\n\n")[0]
    if isinstance(error, OmegaConfBaseException):
        # OmegaConf adds its own types on further lines.
        place = f" ({error.full_key})" if error.full_key else ""
        text = reason if (reason := omegaconf_reason(error)).startswith("unknown ") else f"{reason}{place}"
    text = redacted(" ".join(text.split()))
    shortened = f"{text[:_LONGEST]} …" if len(text) > _LONGEST else text
    return f"{type(error).__name__}: {shortened}".rstrip(": ")


def _called(error: BaseException) -> tuple[str, str] | None:
    """Return the user's function that was called, as :func:`user_place`; Python may refuse the call itself."""
    code = code_of(error)
    if isinstance(code, type) and (match := _REFUSED_METHOD.match(str(error))):
        code = getattr(code, match[1], code)
    place = defined_at(code)
    return (place, getattr(code, "__qualname__", "").replace("<locals>.", "")) if place else None


def user_place(error: BaseException, own: bool = False) -> tuple[str, str] | None:
    """Return file with line, and function, of an exception's innermost line in the user's code, if there is one."""
    lines = user_lines(error)
    if own and not lines:
        lines = [
            _place(frame, line)
            for frame, line in traceback.walk_tb(error.__traceback__)
            if owner(_module(frame)) == "engine"
        ]
    return lines[-1] if lines else None


def place_of(error: BaseException) -> str:
    """Return the innermost line of the user's code that caused an error, or the first one of what was called."""
    place = user_place(error)
    return place[0] if place else defined_at(code_of(error))


def defined_at(code: Any) -> str:
    """Return file and first line of a function or class of the user, empty for any other object."""
    code = getattr(code, "function", code)
    code = inspect.unwrap(code.func if isinstance(code, functools.partial) else code)
    module = getattr(code, "__module__", None)
    if not isinstance(module, str) or owner(module) != "user":
        return ""
    try:
        return f"{shown_file(inspect.getsourcefile(code) or '')}:{inspect.getsourcelines(code)[1]}"
    except (OSError, TypeError):
        return ""


@contextlib.contextmanager
def explaining() -> Iterator[None]:
    """Turn exceptions of the user's code in the block into errors with one sentence, which names file and events."""
    try:
        yield
    except PocketError as error:
        if (path := take_file(error)) and isinstance(error, _OF_EVENTS):
            _complete(error, path)
        raise
    except Exception as error:
        path = take_file(error)
        explained = explain(error, path if is_noted(error) else "")
        if explained is None:
            raise
        raise explained from error


def _complete(error: PocketError, path: str) -> None:
    """Add to an error's message the call, the place, the dataset, the entries and the file that it lacks."""
    if isinstance(error, MissingBranchError) and error.field and error.__cause__ is not None:
        error.args = (missing_branch(path, error.field, error.__cause__),)
        return
    call = "" if call_of(error) in str(error) else call_of(error)
    missing = [text for text in (call, place_of(error) if is_noted(error) else "", events_of(error, path)) if text]
    error.args = (f"{error} ({', '.join(missing)})",)


@contextlib.contextmanager
def one_sentence(log: Path | None = None) -> Iterator[None]:
    """Explain exceptions in the block (:func:`explaining`), and write the traceback of one of the user's code.

    The file for the traceback is removed when the block succeeds.
    """
    try:
        with explaining():
            yield
    except UserCodeError as error:
        if isinstance(error.__cause__, Exception):
            add_log(error, log)
        raise
    else:
        if log is not None:
            with contextlib.suppress(OSError):
                log.unlink(missing_ok=True)


def traceback_file(output: Path) -> Path:
    """Return the hidden file for the traceback of an error while an output is made, which is no output."""
    return output.with_name(f".{folder_of(output.name)}.traceback.txt")


def add_log(error: UserCodeError, log: Path | None) -> None:
    """Write the traceback of an error's cause to a file atomically, and name the file in the sentence."""
    if log is None or error.__cause__ is None or _LOG in str(error):
        return
    text = shown(redacted("".join(traceback.format_exception(error.__cause__))))
    elsewhere = ""
    if os.environ.get("POCKET_HOST_KIND"):
        # The folder of a batch job or of a Dask worker may vanish with it, so the traceback is also logged.
        _log.warning("traceback of the error below:\n%s", text)
        elsewhere = " and in the log of the job"
    # If the file can't be written, the sentence remains without it.
    with contextlib.suppress(OSError):
        log.parent.mkdir(parents=True, exist_ok=True)
        with replacing_file(log) as file:
            file.write(f"{error}\n\n{text}".encode())
        error.args = (f"{error}{_LOG}{log}{elsewhere}",)


#: errors that have nothing to do with the configuration
_OF_FILES = (BadFileError, ChangedCodeError, ChangedFileError, DamagedOutputError, DatasetError, RemoteStoreError)


@contextlib.contextmanager
def in_configuration(name: str) -> Iterator[None]:
    """Name the configuration in the messages of errors in the block, unless they are about files."""
    try:
        yield
    except PocketError as error:
        # Errors of no kind of their own are those of the store, such as a full disk.
        is_of_files = isinstance(error, _OF_FILES) or type(error) is PocketError
        if not is_of_files and f"configuration {name!r}" not in str(error):
            error.args = (f"configuration {name!r}: {error}",)
        raise


def user_lines(error: BaseException) -> list[tuple[str, str]]:
    """Return the lines of an exception's traceback in the user's code, as :func:`user_place`, innermost last."""
    return [_place(frame, line) for frame, line in traceback.walk_tb(error.__traceback__) if _is_user(frame)]


def explain_death(code: int, trace: Path) -> str:
    """Return what happened to a process, as the rest of a sentence; ``trace`` is faulthandler's file, if it crashed."""
    if code >= 0:
        return f"ended with exit code {code}, maybe by a library that calls exit()"
    if -code == signal.SIGKILL:
        return "was killed (SIGKILL), most likely because memory ran out: try fewer --cores or less --chunk-memory"
    by = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
    stack = trace.read_text(encoding="utf-8", errors="replace") if trace.is_file() else ""
    called = f" that {line} called" if (line := _crash_line(stack)) else ""
    place = f"{called} (the stack is in {trace})" if stack else ""
    why = "e.g. on a malformed file or formula, most likely not for lack of memory"
    return f"was ended by {by}: a library crashed{place}, {why}"


def is_own_file(file: str) -> bool:
    """Whether a source file is neither Python's, nor of an installed package, nor of this one."""
    others = (
        sysconfig.get_path("stdlib"),
        *site.getsitepackages(),
        *(f"{project_root()}/{name}" for name in ("pocket", "tasks")),
    )
    return not file.startswith(("<", *others)) and "site-packages" not in file


def _crash_line(stack: str) -> str:
    """Return the innermost line of the user's code in a stack of :mod:`faulthandler`, empty if there is none."""
    # The stacks of other threads come first.
    for file, line, function in _STACK.findall(stack[stack.find("Current thread") :]):
        if is_own_file(file):
            return f"{shown_file(file)}:{line} ({function})"
    return ""


def missing_branch(path: str, field: str, error: BaseException) -> str:
    """Return the message for a field that was used and isn't in a file: code, field and the nearest branches."""
    with open_root(path) as file:
        branches = file["Events"].keys(recursive=False)
    # The field may be a branch, a collection, or the part of a branch's name after the underscore.
    by_field: dict[str, list[str]] = {}
    for branch in branches:
        for key in {branch, branch.partition("_")[0], branch.partition("_")[2]} - {""}:
            by_field.setdefault(key, []).append(branch)
    # Branches of other collections resemble an attribute by chance.
    collection, fields = _collection(branches, error)
    events = f" ({found})" if (found := events_of(error, "")) else ""
    # Code has added fields to the events, and has made records that no file has.
    own = list(getattr(getattr(error, "obj", None), "fields", ()))
    if own and not collection:
        of_record = nearest(field, own)
        if not _is_of_events(error):
            hint = f"did you mean {' or '.join(map(repr, of_record))}?" if of_record else f"it has {some_of(own)}"
            return f"{_user_code(error)}: no field {field!r} in a record{events}; {hint}"
        by_field |= {name: [name] for name in of_record if name not in by_field}
    close = [f"{collection}_{name}" for name in nearest(field, fields)] or [
        branch for key in nearest(field, by_field) for branch in by_field[key][:3]
    ]
    listed = ", ".join(list(dict.fromkeys(close))[:6])
    none = f"{collection} has {some_of(fields)}" if fields else f"none of its {len(branches)} branches is close"
    hint = f"nearest branches: {listed}" if listed else none
    return f"{_user_code(error)}: no branch for field {field!r} in {path}{events}; {hint}"


def _collection(branches: list[str], error: BaseException) -> tuple[str, list[str]]:
    """Return the collection whose attribute was looked for, if Python knows it, and its fields in the file."""
    layout = getattr(getattr(error, "obj", None), "layout", None)
    collection = layout.purelist_parameter("collection_name") if layout is not None else None
    if not collection:
        return "", []
    fields = [branch.removeprefix(f"{collection}_") for branch in branches if branch.startswith(f"{collection}_")]
    return str(collection), fields


def _is_of_events(error: BaseException) -> bool:
    """Tell whether an attribute was looked for in the events themselves."""
    layout = getattr(getattr(error, "obj", None), "layout", None)
    return layout is not None and layout.purelist_parameter("__record__") == "NanoEvents"


def _user_code(error: BaseException) -> str:
    """Return the code that used a field and its place, e.g. ``cut 'dimuon' at analysis/mine/cuts.py:12 in dimuon``."""
    place = user_place(error, own=True)
    line = " in ".join(place) if place else ""
    return " at ".join(filter(None, (call_of(error), line))) or "the configuration"


def suggestion(error: BaseException) -> str:
    """Return a hint with the names nearest to an unknown name or attribute, empty if there are none."""
    names: list[str] = []
    if "did you mean" in str(error).lower():
        return ""
    if type(error) is KeyError:
        return _key_hint(error)
    if isinstance(error, NameError):
        for frame, _ in traceback.walk_tb(error.__traceback__):
            names = [*frame.f_locals, *frame.f_globals, *dir(builtins)]
    elif isinstance(error, AttributeError) and error.obj is not None:
        # The user's object may raise anything when its attributes are listed.
        with contextlib.suppress(Exception):
            names = dir(error.obj)
    name = getattr(error, "name", None)
    for cls in type(error.obj).__mro__ if isinstance(error, AttributeError) else ():
        if now := name_now(f"{cls.__name__}.{name}"):
            return f" (it is {now} now)"
    close = nearest(name, [known for known in names if known != name], 1, 0.7) if isinstance(name, str) else []
    return f" (did you mean {' or '.join(map(repr, close))}?)" if close else ""


def _key_hint(error: KeyError) -> str:
    """Return a hint with the keys of the table that a line of the user looks into, empty if it isn't known."""
    frame, number = list(traceback.walk_tb(error.__traceback__))[-1]
    if not (error.args and _is_user(frame)):
        return ""
    (key,) = error.args[:1]
    for name in _LOOKED_INTO.findall(linecache.getline(frame.f_code.co_filename, number)):
        table = frame.f_locals.get(name, frame.f_globals.get(name))
        if isinstance(table, Mapping) and key not in table:
            known = list(map(str, table))
            close = nearest(str(key), known)
            if close:
                return f" ({name} has no {key!r}, did you mean {' or '.join(map(repr, close))}?)"
            return f" ({name} has {some_of(known) or 'no keys'})"
    return ""


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _is_user(frame: FrameType) -> bool:
    # Code that was generated at run time has no source line.
    module = _module(frame)
    return not frame.f_code.co_filename.startswith("<") and bool(module) and owner(module) == "user"


def _place(frame: FrameType, line: int) -> tuple[str, str]:
    name = frame.f_code.co_qualname.replace("<locals>.", "")
    return f"{shown_file(frame.f_code.co_filename)}:{line}", name


def _hint(error: BaseException) -> str:
    """Return a hint with the nearest names or a correction's inputs, which correctionlib's errors lack."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        found = frame.f_locals
        if _module(frame).startswith("correctionlib.") and "self" in found:
            if frame.f_code.co_name == "__getitem__" and "key" in found:
                return _names_hint(str(found["key"]), list(found["self"]))
            if frame.f_code.co_name == "evaluate":
                return f" (correction {found['self'].name!r} has {inputs_of(found['self'])})"
    if "() got an unexpected keyword argument" in str(error) and not user_lines(error):
        return " (the engine passes it: end the parameters with **kwargs)"
    return suggestion(error)


def _names_hint(name: str, names: list[str]) -> str:
    close = nearest(name, names)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else f"known: {', '.join(sorted(names)[:12])}"
    return f" (there is no correction {name!r} in the file, {hint})"
