"""Arguments of declarative classes and functions: a wrong one is one sentence with the nearest right name."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, ParamSpec, TypeVar

from pocket.errors import ConfigError, UnknownNameError

P = ParamSpec("P")
R = TypeVar("R")


class Declarative(type):
    """Metaclass of what configurations are declared with: wrong arguments raise an error that is meant for people."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Make an instance.

        Raises:
            UnknownNameError: for an argument that the class doesn't have.
            ConfigError: for one that is missing or one too many.
        """
        try:
            return super().__call__(*args, **kwargs)
        except TypeError:
            # A signature is looked at only now, since it takes longer than to make the instance.
            _, *parameters = inspect.signature(inspect.getattr_static(cls, "__init__")).parameters.values()
            check_arguments(cls.__name__, parameters, args, kwargs, sys._getframe(1))
            raise


def declarative(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that raises the errors of :class:`Declarative` for wrong arguments."""

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TypeError:
            parameters = list(inspect.signature(function).parameters.values())
            check_arguments(function.__qualname__, parameters, args, kwargs, sys._getframe(1))
            raise

    return checked


def check_arguments(
    name: str,
    parameters: Sequence[inspect.Parameter],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    caller: FrameType,
) -> None:
    """Check that arguments fit the signature of what is called.

    Args:
        name: what is called.
        parameters: its parameters, without ``self``.
        args: positional arguments.
        kwargs: arguments by name.
        caller: frame of the code that calls it.

    Raises:
        UnknownNameError: for an argument that it doesn't have, with the nearest one.
        ConfigError: for one that is missing or one too many.
    """
    where = f"{name}() ({Path(caller.f_code.co_filename).name}, line {caller.f_lineno})"
    by_name = [one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    if not any(one.kind is one.VAR_KEYWORD for one in parameters):
        for argument in kwargs:
            if argument not in by_name:
                raise UnknownNameError("argument", argument, by_name, where)
    try:
        inspect.Signature(parameters).bind(*args, **kwargs)
    except TypeError as error:
        raise ConfigError(f"{where}: {error}") from None
