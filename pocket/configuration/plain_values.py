"""Values of a configuration for JSON: plain values unchanged, code as its name, place and hash."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import linecache
import math
from collections.abc import Iterable, Mapping
from enum import Enum
from pathlib import Path, PurePath
from types import FunctionType, MethodType
from typing import Any

import numpy as np
from omegaconf import DictConfig, ListConfig, OmegaConf

from pocket.base.fingerprint import fingerprint


def plain(value: object) -> Any:
    """Return a value in a form for JSON, the same in every process; code is described, any other object has its hash.

    Infinities and NaN become strings, since JSON has no numbers for them.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, DictConfig | ListConfig):
        return plain(OmegaConf.to_container(value, resolve=True))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(map(plain, value), key=str)
    if isinstance(value, Iterable) and not isinstance(value, type):
        return [plain(item) for item in value]
    if callable(value):
        return describe_code(value)
    return {"type": f"{type(value).__module__}.{type(value).__qualname__}", "hash": fingerprint(value)}


def describe_code(obj: object) -> dict[str, Any]:
    """Return the description of a function, a class, or an object made from a function (partial, compiled, method)."""
    code = _underlying(obj)
    place = _place(code)
    found = {
        "name": code.__qualname__,
        "module": code.__module__,
        "source": place and f"{_from_package(code.__module__, place[0])}:{place[1]}",
        "doc": (inspect.getdoc(code) or "").partition("\n")[0] or None,
        "code": linecache.getline(*place).strip() if place and code.__name__ == "<lambda>" else None,
        "bound": plain([*obj.args, obj.keywords]) if isinstance(obj, functools.partial) else None,
        "hash": fingerprint(obj),
    }
    return {key: value for key, value in found.items() if value is not None}


def _underlying(obj: object) -> Any:
    """Return the function or class with a definition in a file."""
    if isinstance(obj, type):
        # A class made by a call, such as WeightLambda.wrap_func, has no definition in a file, but its base does.
        return next((cls for cls in obj.__mro__[:-1] if _place(cls)), obj)
    if isinstance(obj, functools.partial):
        return _underlying(obj.func)
    if isinstance(obj, MethodType):
        return obj.__func__
    wrapped = getattr(obj, "__wrapped__", None)  # This covers numba.njit, functools.cache and other decorators.
    if wrapped is not None:
        return _underlying(wrapped)
    return obj if hasattr(obj, "__qualname__") else _underlying(type(obj))


# Finding the lines of a class means parsing its file.
@functools.lru_cache(maxsize=4096)
def _place(code: object) -> tuple[str, int] | None:
    """Return file and line of a function or class, ``None`` if unknown."""
    if isinstance(code, FunctionType):
        return code.__code__.co_filename, code.__code__.co_firstlineno
    try:
        return str(inspect.getsourcefile(code)), inspect.getsourcelines(code)[1]  # type: ignore[arg-type]
    except (OSError, TypeError):
        return None


def _from_package(module: str, file: str) -> str:
    """Return the path of a module's file relative to the parent folder of its top-level package."""
    path = Path(file)
    depth = module.count(".") + (2 if path.stem == "__init__" else 1)
    return Path(*path.parts[-depth:]).as_posix()
