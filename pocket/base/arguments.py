"""Checks of the arguments of declarative classes and functions, whose errors name the nearest valid argument."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType, MappingProxyType, ModuleType, SimpleNamespace
from typing import Any, ParamSpec, TypeVar

from pocket.errors import ConfigError, UnknownNameError

P = ParamSpec("P")
R = TypeVar("R")

#: Messages that Python gives for a call whose arguments don't fit the signature.
_REFUSED = re.compile(
    r"(?P<name>[\w.<>]+)\(\) (?P<reason>got an unexpected keyword argument '(?P<argument>\w+)'.*"
    r"|missing \d+ required .*|takes .* positional arguments? but .*|got multiple values for argument .*)"
)


class Declarative(type):
    """Metaclass of declarative classes, which raises readable errors for wrong arguments."""

    #: former name of an argument → its name now; a class with such arguments has a ``ClassVar`` of this name
    renamed: Mapping[str, str] = {}

    @property
    def __signature__(cls) -> inspect.Signature:
        """The arguments of the class, for ``help()`` and notebooks, which would see those of :meth:`__call__`."""
        _, *parameters = inspect.signature(inspect.getattr_static(cls, "__init__")).parameters.values()
        return inspect.Signature(parameters)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except TypeError:
            # The signature is inspected only after an error, since that takes longer than making the instance.
            check_arguments(cls.__name__, list(cls.__signature__.parameters.values()), args, kwargs, cls.renamed)
            raise


def declarative(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function that raises the errors of :class:`Declarative` for wrong arguments."""

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TypeError:
            parameters = list(inspect.signature(function).parameters.values())
            check_arguments(function.__qualname__, parameters, args, kwargs)
            raise

    return checked


def refused_call(error: TypeError) -> ConfigError | None:
    """Return a readable error for a call whose arguments don't fit the function, ``None`` for any other error."""
    match = _REFUSED.fullmatch(str(error))
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if match is None or trace is None:
        return None
    # Python refuses wrong arguments before the function begins, so the innermost frame is the caller's.
    where = f"{match['name']}() ({Path(trace.tb_frame.f_code.co_filename).name}, line {trace.tb_lineno})"
    if match["argument"]:
        function = _find_function(match["name"], trace.tb_frame)
        known = inspect.signature(function).parameters if callable(function) else ()
        return UnknownNameError("argument", match["argument"], known, where)
    return ConfigError(f"{where}: {match['reason']}")


def _find_function(qualname: str, frame: FrameType) -> object:
    """Return the object that a frame knows by a qualified name, ``None`` if there is none; modules are searched too."""
    first, *rest = qualname.split(".")
    names = {**frame.f_globals, **frame.f_locals}
    modules = (value for value in names.values() if isinstance(value, ModuleType))
    found = next((vars(place)[first] for place in (SimpleNamespace(**names), *modules) if first in vars(place)), None)
    for name in rest:
        found = getattr(found, name, None)
    return found


def check_arguments(
    name: str,
    parameters: Sequence[inspect.Parameter],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Check that arguments fit the parameters of a signature, without ``self``; ``name`` is for errors."""
    by_name = [one.name for one in parameters if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    if not any(one.kind is one.VAR_KEYWORD for one in parameters):
        for argument in kwargs:
            if argument not in by_name:
                if argument in renamed:
                    raise ConfigError(f"{name}(): {argument} is called {renamed[argument]} now")
                raise UnknownNameError("argument", argument, by_name, f"{name}()")
    try:
        inspect.Signature(parameters).bind(*args, **kwargs)
    except TypeError as error:
        raise ConfigError(f"{name}(): {error}") from None
