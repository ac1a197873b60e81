"""The base class of executors, and the search for an executor by name."""

from __future__ import annotations

import importlib
import os
import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Protocol

from pocket.errors import ConfigError, UnknownNameError, check_known
from pocket.io.store.provenance import begin_work

Progress = Callable[[int], None]


class Job(Protocol):
    """A piece of work for one process; it must pickle."""

    @property
    def size(self) -> int:
        """Amount of work, in the unit of the progress bar."""

    def run(self, progress: Progress) -> None:
        """Do the work, and call ``progress`` with each finished amount."""


def pickled(name: str, call: object) -> bytes:
    """Return a call for another process, pickled."""
    # An executor of Python that fails to send a call may never end.
    try:
        return pickle.dumps(call)
    except (AttributeError, TypeError, pickle.PicklingError) as error:
        raise ConfigError(
            f"the job of {name} can't go to a worker process: {error}; give it plain data, such as paths and names"
        ) from error


#: function that runs jobs, name → job, to their end and raises the first error; jobs write their outputs themselves
Executor = Callable[[Mapping[str, Job], Progress], None]


class ExecutorFactoryABC(ABC):
    """Makes an executor from the options of the command line.

    :meth:`setup` is called first, then the executor that :meth:`get` returns runs the jobs, and :meth:`close` is called
    at the end, even after an error.

    Args:
        run_options: ``cores``, the number of processes on this machine, 0 for all; ``analysis``, the reference of the
            analysis; ``log_folder``, a folder for logs that isn't created yet; and the options that the user gave:
            ``cluster``, ``scheduler``, ``min_workers``, ``max_workers``, ``worker_memory``, and those in
            ``--executor-options``, as strings.
    """

    #: options of the executor besides ``cores``, ``analysis`` and ``log_folder``; ``None`` accepts any option
    known_options: ClassVar[tuple[str, ...] | None] = None

    def __init__(self, run_options: Mapping[str, Any]) -> None:
        self.run_options = run_options

    @classmethod
    def check(cls, run_options: Mapping[str, Any]) -> None:
        """Refuse invalid options before anything runs.

        Raises:
            ConfigError: if the executor doesn't have one of them.
        """
        short = cls.__name__.removesuffix("ExecutorFactory")
        label = cls.__name__ if short == cls.__name__ else short.lower()
        if cls.known_options == () and run_options:
            names = ", ".join(sorted(run_options))
            raise ConfigError(f"executor {label} takes no options, but got {names}; did you mean --executor dask?")
        if cls.known_options is not None:
            check_known("option", run_options, cls.known_options, f"executor {label}")

    @classmethod
    def combined(cls, site: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options of a site, updated with those that the user gave."""
        return {**site, **given}

    def setup(self) -> None:  # noqa: B027 (not every executor needs it)
        """Start what the executor needs, such as a cluster."""

    @abstractmethod
    def get(self) -> Executor:
        """Return the executor."""

    def customized_args(self) -> dict[str, Any]:
        """Return the arguments of the executor, for :meth:`get`."""
        return {}

    def close(self) -> None:  # noqa: B027 (see above)
        """Stop what was started; this is also called if :meth:`setup` failed."""


class IterativeExecutorFactory(ExecutorFactoryABC):
    """Runs one job after the other in this process."""

    known_options = ()

    def get(self) -> Executor:
        """Return the executor, a loop over jobs."""
        return run_iteratively


def run_iteratively(jobs: Mapping[str, Job], progress: Progress) -> None:
    """Run one job after the other in this process."""
    for job in jobs.values():
        begin_work()
        job.run(progress)


#: number of processes that share the cores of this machine
_sharing = 1


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // _sharing)


def divide_cores(processes: int) -> None:
    """Divide the cores among processes that are forked from this one, such as those of luigi's ``--workers``."""
    global _sharing
    _sharing = processes


def find_factory(name: str, known: Mapping[str, str | type[ExecutorFactoryABC]]) -> type[ExecutorFactoryABC]:
    """Return the class of an executor, which is one of the known names, or ``module:Class``, as may be its value."""
    if ":" not in name and name not in known:
        raise UnknownNameError("executor", name, known, "--executor, which takes also my.module:MyFactory")
    found = known.get(name, name)
    if isinstance(found, str):
        found = _import(found)
    if not (isinstance(found, type) and issubclass(found, ExecutorFactoryABC)):
        raise ConfigError(f"executor {name!r} is {found!r}, expected a class derived from ExecutorFactoryABC")
    return found


def _import(reference: str) -> Any:
    module_name, _, class_name = reference.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise
        raise ConfigError(f"executor {reference!r}: there is no module {module_name!r}") from None
    if not hasattr(module, class_name):
        classes = [name for name, value in vars(module).items() if isinstance(value, type)]
        raise UnknownNameError("executor", class_name, classes, f"module {module_name!r}")
    return getattr(module, class_name)
