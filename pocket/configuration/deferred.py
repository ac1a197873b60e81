"""Errors of configurations, which are raised at the first use if an analysis is being imported."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from types import TracebackType
from typing import Any

from pocket.configuration.import_errors import add_lines
from pocket.configuration.user_errors import describe, suggestion
from pocket.errors import BrokenConfigError, ConfigError, PocketError


class Broken:
    """Base of configurations that couldn't be made: each use raises the error."""

    sentence: str

    def __getattr__(self, name: str) -> Any:
        """Raise the error, because nothing else is known of the configuration."""
        # Python looks for methods such as __deepcopy__ by itself.
        if name.startswith("__"):
            raise AttributeError(name)
        raise BrokenConfigError(self.sentence)


_made: ContextVar[list[Broken] | None] = ContextVar("_made", default=None)


@contextlib.contextmanager
def deferred_errors() -> Iterator[list[Broken]]:
    """Let wrong configurations be made in the block, and yield the list of them."""
    broken: list[Broken] = []
    token = _made.set(broken)
    try:
        yield broken
    finally:
        _made.reset(token)


def make_configs(configs: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the configurations, those that functions make called, and name → error message of those that are wrong."""
    made: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for name, config in configs.items():
        try:
            found = config() if callable(config) else config
            if isinstance(found, Broken):
                wrong[name] = found.sentence.removeprefix(f"configuration {name!r}: ")
            else:
                made[name] = found
        except PocketError as error:
            add_lines(error)
            wrong[name] = str(error)
        except Exception as error:
            raised = ConfigError(f"{describe(error)}{suggestion(error)}").with_traceback(error.__traceback__)
            add_lines(raised)
            wrong[name] = str(raised)
    return made, wrong


def are_deferred() -> bool:
    """Tell whether errors are raised at the first use of what is wrong, since an analysis is being imported."""
    return _made.get() is not None


def deferred(cls: type, error: PocketError) -> Broken:
    """Return the broken configuration for an error that its class raised."""
    broken = _made.get()
    if broken is None:
        raise error
    _add_callers(error)
    add_lines(error)
    made: Broken = object.__new__(_broken_class(cls))
    made.sentence = str(error)
    broken.append(made)
    return made


@functools.cache
def _broken_class(cls: type) -> type[Any]:
    return type(cls)(f"Broken{cls.__name__}", (Broken, cls), {})


def _add_callers(error: PocketError) -> None:
    """Add the lines that led to the call to an error's traceback, as if nobody had caught it."""
    trace, frame = error.__traceback__, inspect.currentframe()
    # The traceback begins in the frame that has caught the error.
    while frame is not None and trace is not None and frame is not trace.tb_frame:
        frame = frame.f_back
    frame = frame.f_back if frame is not None else None
    while frame is not None:
        trace = TracebackType(trace, frame, frame.f_lasti, frame.f_lineno)
        frame = frame.f_back
    error.__traceback__ = trace
