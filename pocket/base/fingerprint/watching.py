"""Audit events of functions that raise none of their own: readers of libraries, ``os.stat`` and the environment."""

from __future__ import annotations

import contextlib
import functools
import multiprocessing.process
import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from threading import Thread
from typing import Any

from pocket.base.fingerprint.frames import STARTED, caller
from pocket.base.fingerprint.kept_records import functions_of_the_user

#: Events: a reader of a library, the state of a path, a variable of the environment, all of them, a process.
GIVEN, STATE, VARIABLE, VARIABLES, PROCESS = (
    f"pocket.{name}" for name in ("given", "state", "variable", "all", "process")
)
#: Readers of libraries that open files without Python: the class or function in the library, and its argument.
READERS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "correctionlib": (("CorrectionSet.from_file", 0),),
    # Asynchronous file systems read in a thread that they share.
    "fsspec.spec": (("_Cached.__call__", 0),),
    "h5py": (("File.__init__", 1),),
    "onnxruntime": (("InferenceSession.__init__", 1),),
    "pyarrow": (("input_stream", 0), ("memory_map", 0)),
    "pyarrow.csv": (("open_csv", 0), ("read_csv", 0)),
    "pyarrow.dataset": (("dataset", 0),),
    "pyarrow.feather": (("read_table", 0),),
    "pyarrow.ipc": (("open_file", 0), ("open_stream", 0)),
    "pyarrow.json": (("open_json", 0), ("read_json", 0)),
    "pyarrow.orc": (("read_table", 0), ("ORCFile.__init__", 1)),
    "pyarrow.parquet": (
        *(("read_table", 0), ("read_schema", 0), ("read_metadata", 0)),
        *(("ParquetFile.__init__", 1), ("ParquetDataset.__init__", 1)),
    ),
    "torch": (("jit.load", 0),),
    "uproot": (("open", 0),),
    "xgboost": (("Booster.load_model", 1),),
}


def watch_python() -> None:
    """Let functions of Python raise events."""
    for name in ("lstat", "stat"):
        function = getattr(os, name)
        _wrap(os, name, STATE, 0)
        # These sets tell which functions take such arguments.
        for supported in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            if function in supported:
                supported.add(getattr(os, name))
    _wrap(multiprocessing.process.BaseProcess, "start", PROCESS, 0)
    os.environ.__class__ = os.environb.__class__ = _Environment
    _carry_records()


def _carry_records() -> None:
    """Let threads that user code starts, and functions that it gives to a pool, use the records of this moment."""
    start: Any = Thread.start
    submit: Any = ThreadPoolExecutor.submit

    @functools.wraps(start)
    def starting(self: Thread) -> None:
        if place := caller():
            self.run = functools.partial(_context(place).run, self.run)  # type: ignore[method-assign]
        start(self)

    @functools.wraps(submit)
    def submitting(self: ThreadPoolExecutor, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        place = caller()
        return submit(self, *([_context(place).run] if place else []), function, *args, **kwargs)

    Thread.start = starting  # type: ignore[method-assign]
    ThreadPoolExecutor.submit = submitting  # type: ignore[assignment,method-assign]


def _context(place: str) -> Context:
    context = copy_context()
    context.run(STARTED.set, (place, functions_of_the_user()))
    return context


def watch(package: str) -> None:
    """Let the readers of a library raise events."""
    for reader, position in READERS[package]:
        owner: Any = sys.modules[package]
        *path, name = reader.split(".")
        for part in path:
            owner = getattr(owner, part, None)
        if owner is not None and name in vars(owner):
            _wrap(owner, name, GIVEN, position)


def _wrap(owner: Any, name: str, event: str, position: int) -> None:
    """Let a function raise an event with its argument, or with all by name, since these may be in any order."""
    found = vars(owner)[name]
    static = isinstance(found, staticmethod | classmethod)
    function = found.__func__ if static else found
    if hasattr(function, "__pocket_watched__"):
        return
    position += isinstance(found, classmethod)

    @functools.wraps(function)
    def telling(*args: Any, **kwargs: Any) -> Any:
        sys.audit(event, args[position : position + 1] or tuple(kwargs.values()))
        return function(*args, **kwargs)

    telling.__pocket_watched__ = function  # type: ignore[attr-defined]
    with contextlib.suppress(TypeError, AttributeError):  # The class may not allow changes.
        setattr(owner, name, type(found)(telling) if static else telling)


class _Environment(os._Environ):  # type: ignore[type-arg]
    """The environment, which raises events."""

    def __getitem__(self, key: Any) -> Any:
        sys.audit(VARIABLE, key)
        return super().__getitem__(key)

    def __iter__(self) -> Iterator[Any]:
        sys.audit(VARIABLES)
        return super().__iter__()
