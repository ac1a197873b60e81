"""Fingerprint nodes of functions, classes, methods and modules."""

from __future__ import annotations

import collections
import dataclasses
import functools
import inspect
import operator
import sys
import typing
from collections.abc import Mapping
from contextvars import ContextVar
from enum import Enum
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, MethodType, ModuleType

from pocket.base.fingerprint.distributions import version
from pocket.base.fingerprint.dynamic import dynamic_references
from pocket.base.fingerprint.graph import Node, Parts
from pocket.base.fingerprint.imports import Closure
from pocket.base.fingerprint.modules import ENGINE_PACKAGES, is_library, owner, public_name, top_level
from pocket.base.fingerprint.normal_form import BY_NAME
from pocket.base.fingerprint.references import extensions_of_numba, local_imports, module_code, references
from pocket.base.fingerprint.syntax import aliases, function_form

_METHODS = (FunctionType, staticmethod, classmethod, property)
#: Functions that Python 3.14 adds to a class.
_ANNOTATIONS = frozenset({"__annotate__", "__annotate_func__"})
#: Types of the descriptors that named tuples have for their fields.
_GENERATED = (type(collections.namedtuple("_Example", ["field"]).field),)  # type: ignore[attr-defined]
#: Attributes that decorators set on functions.
_NO_STATE = frozenset({"__wrapped__", "__isabstractmethod__", "__dataclass_transform__", "__final__", "__override__"})
#: Types of wrappers → the attributes that they consist of.
_WRAPPERS: Mapping[type, tuple[str, ...]] = {
    MethodType: ("__func__", "__self__"),
    **dict.fromkeys((functools.partial, functools.partialmethod), ("func", "args", "keywords")),
    **dict.fromkeys((staticmethod, classmethod), ("__func__",)),
    property: ("fget", "fset", "fdel"),
    functools.cached_property: ("func",),
}
_GETTERS = (operator.attrgetter, operator.itemgetter, operator.methodcaller)


def describe_code(obj: object) -> Node | None:
    """Return the node of a function, class, method, module or the like; ``None`` for anything else."""
    if isinstance(obj, FunctionType):
        return _describe_function(obj)
    if isinstance(obj, type):
        return _describe_class(obj)
    if isinstance(obj, ModuleType):
        name = obj.__name__
        if is_library(name):
            return Node(f"module {name} {version(name)}")
        closure = module_code(name)
        return Node(f"module {closure}", exact=f"module {closure.exact}", reads=closure.reads)
    if isinstance(obj, CodeType):
        return _describe_bytecode(obj)
    return _describe_wrapper(obj) or _describe_named(obj)


def _describe_function(function: FunctionType) -> Node:
    watched = vars(function).get("__pocket_watched__")
    if watched is not None and (node := describe_code(watched)) is not None:
        # It is a library's function that raises an event.
        return node
    if is_library(module_of(function)):
        return _describe_library_function(function)
    code = function.__code__
    form = function_form(code)
    used = references(function)
    is_users = top_level(module_of(function)) not in ENGINE_PACKAGES
    if is_users:
        # The engine gets names from configurations, which fingerprints contain.
        used |= dynamic_references(function)
        used |= {f"{name}.get()": _current(value) for name, value in used.items() if isinstance(value, ContextVar)}
    # The normal form has the own name of what is imported under another one.
    called = aliases(code) if form else {}
    names = ((name.partition("."), value) for name, value in used.items())
    used = dict(sorted((f"{called.get(first, first)}{dot}{rest}", value) for (first, dot, rest), value in names))
    parts: Parts = [] if form else [(".__code__", code)]
    parts += [*_bound_values(function), *((f" -> {name}", value) for name, value in used.items())]
    own = {name: value for name, value in vars(function).items() if name not in _NO_STATE}
    if own:
        parts.append((".__dict__", own))
    imports = local_imports(function)
    closures = [each for each in imports if isinstance(each, Closure)]
    rest = [*code.co_freevars, "uses", *used, *imports]
    normal, exact = (form.normal, form.exact) if form else ("", "")
    named = (top_level(str(getattr(value, name, ""))) for value in used.values() for name in ("__name__", "__module__"))
    if not BY_NAME.isdisjoint(named):
        normal = exact
    return Node(
        " ".join(["function", normal, *rest]),
        parts,
        exact=" ".join(["function", exact, *rest, *(each.exact for each in closures)]),
        # Nobody knows what code without source reads.
        reads=is_users and (form is None or form.reads or any(each.reads for each in closures)),
    )


def _describe_library_function(function: FunctionType) -> Node:
    inner = getattr(function, "__wrapped__", None)
    if isinstance(inner, FunctionType) and is_library(module_of(inner)):
        return _describe_library_function(inner)
    module, name = module_of(function), function.__code__.co_qualname
    # The name alone doesn't identify a function that was defined in a call, so its bound values count as well.
    parts = _bound_values(function) if "<locals>" in name else []
    return Node(f"library {public_name(module)}.{name} {version(module)}", parts)


def module_of(function: FunctionType) -> str:
    """Return the name of the module that defines a function; ``__module__`` may be that of a wrapped function."""
    return str(function.__globals__.get("__name__", ""))


def _bound_values(function: FunctionType) -> Parts:
    """Return the default values of a function's arguments and the contents of its closure."""
    cells = function.__closure__ or ()
    return [
        (".__defaults__", function.__defaults__),
        (".__kwdefaults__", function.__kwdefaults__),
        *((f" -> {name}", _content(cell)) for name, cell in zip(function.__code__.co_freevars, cells, strict=True)),
    ]


def _current(variable: ContextVar[object]) -> object:
    try:
        return variable.get()
    except LookupError:
        return "<empty>"


def _content(cell: CellType) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # The cell isn't assigned yet.
        return "<empty>"


def _describe_bytecode(code: CodeType) -> Node:
    """Return the node of code without source: its instructions, but not its name and location."""
    flags = code.co_flags & 0xFFF  # Flags of __future__ imports are left out.
    label = (
        code.co_code.hex(), code.co_exceptiontable.hex(), flags,
        code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount,
        code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
    )  # fmt: skip
    return Node(f"code {label!r}", [(".co_consts", constant) for constant in code.co_consts])


def _describe_class(cls: type) -> Node:
    if is_library(cls.__module__):
        return Node(f"class {public_name(cls.__module__)}.{cls.__qualname__} {version(cls.__module__)}")
    members = {member: value for member, value in sorted(vars(cls).items()) if _decides(cls, member, value)}
    if issubclass(cls, Enum):
        members = {
            **{member: value for member, value in members.items() if _is_beside_members(cls, member, value)},
            **{member: value.value for member, value in cls.__members__.items()},
        }
    parts: Parts = [(".__bases__", cls.__bases__)]
    if dataclasses.is_dataclass(cls):
        for field in dataclasses.fields(cls):
            given = [value for value in (field.default, field.default_factory) if value is not dataclasses.MISSING]
            parts.append((f".{field.name}", (field.name, field.init, field.kw_only, given)))
    parts += [(f".{member}", value) for member, value in members.items()]
    if not is_library(type(cls).__module__):
        parts.append((".__class__", type(cls)))
    # Its content counts, not its module, so that it may move.
    label = f"class {cls.__qualname__} {' '.join(members)}"
    return Node(label, parts, exact=f"{label} {cls.__doc__}")


def _decides(cls: type, name: str, value: object) -> bool:
    """Tell whether an entry of a class was written by its author."""
    dunder = name.startswith("__") and name.endswith("__")
    if name in _ANNOTATIONS:
        return False
    is_named_tuple = issubclass(cls, tuple) and any(isinstance(each, _GENERATED) for each in vars(cls).values())
    if is_named_tuple and _is_made(value):
        # The methods of named tuples differ between versions of Python.
        return False
    if isinstance(value, FunctionType):
        return not (dunder and _is_made(value) and dataclasses.is_dataclass(cls))
    if isinstance(value, _METHODS):
        return True
    # These are Python's own entries: __dict__, __doc__, __slots__, and descriptors of slots and of named tuples'
    # fields.
    kept = name == "_abc_impl" or isinstance(value, _GENERATED) or inspect.ismemberdescriptor(value)
    return not kept and (callable(value) or not dunder)


def _is_made(value: object) -> bool:
    """Tell whether a library made a method of a class, as ``dataclass()`` and ``namedtuple()`` do."""
    if isinstance(value, staticmethod | classmethod):
        value = value.__func__
    return isinstance(value, FunctionType) and (
        value.__code__.co_filename.startswith("<") or is_library(module_of(value))
    )


def _is_beside_members(cls: type[Enum], name: str, value: object) -> bool:
    """Tell whether an entry of an enumeration is neither a member nor one that the enum module adds."""
    if isinstance(value, _METHODS):
        return True
    return not (name in cls.__members__ or (name.startswith("_") and name.endswith("_")))


def _describe_wrapper(obj: object) -> Node | None:
    """Return the node of an object that wraps functions and their arguments, such as a partial."""
    parts: dict[str, object]
    if attributes := next((names for kind, names in _WRAPPERS.items() if isinstance(obj, kind)), None):
        parts = {f".{name}": getattr(obj, name) for name in attributes}
    elif isinstance(obj, _GETTERS):
        parts = {"()": obj.__reduce__()[1:]}
    elif is_library(type(obj).__module__) and hasattr(obj, "__wrapped__"):
        parts = {".__wrapped__": obj.__wrapped__}  # These are functools.cache, numba.njit and the like.
        if top_level(type(obj).__module__) == "numba" and owner(module_of(obj.__wrapped__)) == "user":
            # What they register for other functions is compiled in.
            parts |= {f" -> import {name}": module_code(name) for name in sorted(extensions_of_numba())}
    elif isinstance(obj, BuiltinFunctionType) and not isinstance(obj.__self__, ModuleType | None):
        parts = {".__name__": obj.__name__, ".__self__": obj.__self__}
    else:
        return None
    return Node(f"{public_name(type(obj).__module__)}.{type(obj).__qualname__}", list(parts.items()))


def _describe_named(obj: object) -> Node | None:
    """Return the node of an alias of a type, or of a library's object that has a name there, such as a ufunc."""
    if typing.get_origin(obj) is not None or isinstance(obj, typing.TypeVar):
        return Node(f"type {obj!r}")
    owner = getattr(obj, "__objclass__", None)
    # Ufuncs of scipy don't know their module.
    module = getattr(obj, "__module__", None) or getattr(owner, "__module__", None) or "scipy.special"
    name = getattr(obj, "__qualname__", None) or getattr(obj, "__name__", None)
    if not isinstance(module, str) or not is_library(module):
        return None
    if not isinstance(name, str):
        # A library's module makes and names it, such as scipy.stats.norm.
        module = type(obj).__module__
        there = vars(sys.modules[module]) if module in sys.modules and is_library(module) else {}
        name = next((each for each, value in there.items() if value is obj and not each.startswith("_")), "")
    try:
        found = operator.attrgetter(name)(sys.modules[module])
    except (AttributeError, KeyError):
        return None
    return Node(f"library {public_name(module)}.{name} {version(module)}") if found is obj else None
