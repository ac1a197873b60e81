"""Fingerprint nodes of plain values, containers and instances."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import datetime
import decimal
import fractions
import functools
import hashlib
import inspect
import logging
import os
import re
import sys
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from enum import Enum
from pathlib import PurePath
from types import EllipsisType, FunctionType, MappingProxyType, NoneType, NotImplementedType
from typing import Any

from pocket.base.fingerprint.code import describe_code
from pocket.base.fingerprint.graph import Node
from pocket.base.fingerprint.imports import Closure, code_closure
from pocket.base.fingerprint.modules import is_library, public_name, top_level
from pocket.base.fingerprint.places import portable
from pocket.base.fingerprint.reductions import describe_reduced
from pocket.base.fingerprint.sources import read_source
from pocket.base.runtime.file_state import checksum
from pocket.errors import ConfigError, UnknownNameError

#: Types whose repr is their value.
_WRITTEN_OUT = frozenset({
    NoneType, bool, int, float, complex, str, bytes, EllipsisType, NotImplementedType, range,
    datetime.timedelta, datetime.timezone, decimal.Decimal, fractions.Fraction,
})  # fmt: skip
_TABLES = (dict, MappingProxyType)
_CONTAINERS = (dict, list, tuple, set, frozenset)
_DISPATCH = functools.singledispatch(len).__code__  # type: ignore[attr-defined]
#: Types that a user's class may be derived from.
_BUILTIN: tuple[Any, ...] = (*_CONTAINERS, int, float, complex, str, bytes)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Item:
    key: object
    value: object


def describe(obj: object, place: str) -> Node:
    """Return the node of any object that can be fingerprinted."""
    kind = type(obj)
    # The most common types come first.
    if kind is str and os.sep not in str(obj):
        return _word(str(obj))
    if isinstance(obj, Closure):
        return Node(f"code {obj}", exact=f"code {obj.exact}", reads=obj.reads)
    if isinstance(obj, _Item):
        return Node("item", [("", obj.key), ("", obj.value)])
    if kind in _WRITTEN_OUT and kind is not str:
        return Node(f"{kind.__name__} {obj!r}")
    own = getattr(kind, "__fingerprint__", None)
    if own is not None:
        return Node(f"custom {_name(kind)}", [(".__fingerprint__()", own(obj))])
    node = (
        _describe_value(obj)
        or _describe_numpy(obj)
        or _describe_omegaconf(obj, place)
        or _describe_container(obj)
        or _describe_dispatch(obj)
        or describe_code(obj)
        or _describe_instance(obj)
        or describe_reduced(obj)
    )
    if node is None:
        raise ConfigError(
            f"{_where(place)} can't be fingerprinted: its type {_name(kind)} has no defined "
            "content; use plain values, make it inside the function (a correction by load_correction), or give its "
            "class a __fingerprint__() method"
        )
    return node


def _where(place: str) -> str:
    return place.lstrip(".") if place[:1] in (".", "[") else f"the object{place}"


def _name(kind: type) -> str:
    return f"{public_name(kind.__module__)}.{kind.__qualname__}"


def _describe_value(obj: object) -> Node | None:
    kind = type(obj)
    if isinstance(obj, PurePath):
        return _describe_text(obj.as_posix(), "path")
    if kind is str:
        return _describe_text(str(obj), "str")
    if isinstance(obj, Enum):
        return Node(f"enum {_name(kind)}.{obj.name}", [(".value", obj.value)])
    if isinstance(obj, datetime.date | datetime.time):
        return Node(f"{kind.__name__} {obj.isoformat()}")
    if isinstance(obj, re.Pattern):
        return Node(f"pattern {obj.flags}", [(".pattern", obj.pattern)])
    if isinstance(obj, slice):
        return Node("slice", [(".start", obj.start), (".stop", obj.stop), (".step", obj.step)])
    if isinstance(obj, logging.Logger | ContextVar) or kind is object:
        # Loggers and context variables affect no output; a bare object is a marker.
        return Node(kind.__name__)
    if obj is os.environ:
        # Each variable that code reads counts by itself.
        return Node("environment")
    return None


@functools.lru_cache(maxsize=1 << 15)
def _word(text: str) -> Node:
    """Return the node of a string that can't be a path."""
    return Node(f"str {text!r}")


def _describe_text(text: str, kind: str) -> Node:
    """Return the node of a string; a path of this machine gets a portable name, and the file's content counts."""
    named = portable(text)
    return Node(f"{kind} {named!r}", [] if named is text else describe_file(text))


def _describe_numpy(obj: object) -> Node | None:
    # If numpy isn't loaded, the object can't be one of its types.
    np = sys.modules.get("numpy")
    if np is None:
        return None
    if isinstance(obj, np.dtype):
        return Node(f"dtype {obj!r}")
    if type(obj) is not np.ndarray and not isinstance(obj, np.generic):
        return None
    array = np.asarray(obj)
    label = f"{'scalar' if isinstance(obj, np.generic) else 'array'} {array.dtype!r} {array.shape}"
    if array.dtype.hasobject:
        return Node(label, _numbered(array.ravel().tolist()))
    return Node(f"{label} {hashlib.sha256(array.tobytes()).hexdigest()}")


def _describe_omegaconf(obj: object, place: str) -> Node | None:
    omegaconf = sys.modules.get("omegaconf")
    if omegaconf is None or not isinstance(obj, omegaconf.Container):
        return None
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        plain = OmegaConf.to_container(obj, resolve=True)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{_where(place)} can't be resolved: {error}") from None
    return describe(plain, place)


def _describe_container(obj: object) -> Node | None:
    if isinstance(obj, _CONTAINERS) and not is_library(type(obj).__module__):
        return None  # A class of the user's has more than its content.
    if isinstance(obj, _TABLES):
        # The order of a dict counts, since code may loop over it.
        return Node("dict", [*_items(obj), *_factory(obj)])
    if isinstance(obj, list):
        return Node("list", _numbered(obj))
    if isinstance(obj, tuple):
        return Node("tuple", _numbered(obj))
    if isinstance(obj, set | frozenset):
        return Node("set", [("{}", item) for item in obj], ordered=False)
    return None


def _describe_dispatch(obj: object) -> Node | None:
    """Return the node of a ``functools.singledispatch`` function: the functions by type, without what it looked up."""
    if isinstance(obj, FunctionType) and obj.__code__ is _DISPATCH:
        registry = vars(obj)["registry"].items()
        return Node("singledispatch", [(f"[{pair[0].__qualname__}]", pair) for pair in registry], ordered=False)
    return None


def _items(table: Mapping[object, object]) -> list[tuple[str, object]]:
    return [
        (f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]", _Item(key, value))
        for key, value in table.items()
    ]


def _factory(obj: object) -> list[tuple[str, object]]:
    """Return what makes the missing entries of a table, which is no attribute that an instance's state has."""
    return [(".default_factory", obj.default_factory)] if isinstance(obj, collections.defaultdict) else []


def _numbered(values: Iterable[object]) -> list[tuple[str, object]]:
    return [(f"[{position}]", value) for position, value in enumerate(values)]


def _counts(field: dataclasses.Field[Any], obj: object) -> bool:
    counts = field.metadata.get("fingerprint", True)
    if counts != "given":
        return bool(counts)
    default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
    return bool(getattr(obj, field.name) != default)


def _describe_instance(obj: object) -> Node | None:
    kind = type(obj)
    fields = dataclasses.fields(obj) if dataclasses.is_dataclass(obj) and not isinstance(obj, type) else None
    library = is_library(kind.__module__)
    # Of a library's other types, only descriptors are known by their attributes: its base classes add them to classes.
    if fields is None and library and not (hasattr(kind, "__get__") and hasattr(obj, "__dict__")):
        return None
    if fields is None:
        state = _state(obj)
    else:
        state = {field.name: getattr(obj, field.name) for field in fields if _counts(field, obj)}
    parts = [(f".{name}", value) for name, value in state.items()]
    if top_level(kind.__module__) == "pocket":
        parts.append((".__class__", _class_code(kind.__module__, kind.__qualname__)))
    elif not library or fields is None:
        parts.append((".__class__", kind))
    parts += [("", builtin(obj)) for builtin in _BUILTIN if isinstance(obj, builtin)]
    parts += _factory(obj)
    if fields is None and not library and any(map(_has_reduction, kind.__mro__)):
        reduced = describe_reduced(obj)
        parts += reduced.parts if reduced is not None else []
    # Code of the user's and of the engine may move to another module, since its class is a part.
    name = _name(kind) if library else kind.__qualname__
    return Node(f"instance {name} {' '.join(state)}", parts)


@functools.cache
def _has_reduction(kind: type) -> bool:
    """Tell whether a library's class stores more of its instances than their attributes and items."""
    known = kind is object or issubclass(kind, _BUILTIN) or not is_library(kind.__module__)
    return not known and not {"__reduce__", "__reduce_ex__", "__getstate__"}.isdisjoint(vars(kind))


@functools.cache
def _class_code(module: str, name: str) -> Closure:
    """Return the code of a class of the engine; for a class that a function makes, that of the whole module."""
    if "<locals>" not in name:
        with contextlib.suppress(UnknownNameError):
            return code_closure(f"{module}:{name.partition('.')[0]}")
    return code_closure(module)


def _state(obj: object) -> dict[str, object]:
    """Return the attributes of an instance, without values of cached properties."""
    slots = [kind.__dict__.get("__slots__", ()) for kind in type(obj).__mro__]
    named = {name for each in slots for name in ((each,) if isinstance(each, str) else each)}
    named -= {"__dict__", "__weakref__"}
    state = {name: getattr(obj, name) for name in named if hasattr(obj, name)} | getattr(obj, "__dict__", {})
    return {
        name: state[name]
        for name in sorted(state)
        if not isinstance(inspect.getattr_static(type(obj), name, None), functools.cached_property)
    }


def describe_file(path: str) -> list[tuple[str, object]]:
    """Return the content of a file as a part of the value that names it; empty if there is no such file."""
    # Python source counts by its syntax, so that a comment in a file that names itself changes no fingerprint.
    try:
        if not os.path.isfile(path):  # noqa: PTH113
            return []
        if path.endswith(".py"):
            stat = os.stat(path)  # noqa: PTH116
            return [("()", read_source(path, stat.st_mtime_ns, stat.st_size).digest)]
        return [("()", checksum(path))]
    except (OSError, ValueError, ConfigError):
        return []
