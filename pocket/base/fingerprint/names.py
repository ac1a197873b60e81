"""Names that code may use: identifiers in it, and words of its strings.

The code of a program doesn't tell which entries of a table it reads. But if it reads an entry by a name that is written
somewhere, the name is among these.
"""

from __future__ import annotations

import dis
import functools
import inspect
import sys
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType, ModuleType

from pocket.base.fingerprint.graph import digest_of
from pocket.base.fingerprint.imports import Closure
from pocket.base.fingerprint.modules import is_library, top_level
from pocket.base.fingerprint.normal_form import WORD
from pocket.base.fingerprint.places import portable
from pocket.base.fingerprint.references import local_imports, module_code
from pocket.base.fingerprint.syntax import function_form, nested_codes
from pocket.base.fingerprint.values import describe
from pocket.base.runtime.kept import kept_table
from pocket.errors import ConfigError

_ENGINE = "pocket"
_IMPORTS = dis.opmap["IMPORT_NAME"]
_WITH_DOCSTRING = 0x4000000
_COMPREHENSIONS = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")


def names_in(obj: object, without: Iterable[object] = ()) -> frozenset[str]:
    """Return the names that code may use, for an object that :func:`pocket.base.fingerprint.digest` takes.

    These are the names of attributes and globals, and the words of all strings, in the functions and classes that the
    object refers to, directly or not, in what functions import, and in the object's values. Names that are put together
    at run time can't be known.
    """
    names: set[str] = set()
    seen = {id(one) for one in without}
    # Visited objects are stored, since the id of a freed object may be used again.
    kept: list[object] = []
    to_do = [obj]
    known = kept_table("names")
    while to_do:
        one = to_do.pop()
        if isinstance(one, str):
            # The folders of this machine aren't names.
            names.update(WORD.findall(portable(one)))
        elif id(one) not in seen:
            seen.add(id(one))
            kept.append(one)
            if id(one) not in known:
                own: set[str] = set()
                try:
                    known[id(one)] = one, list(_parts(one, own)), own
                except ConfigError:
                    # The digest raises the same error with the place of the object, which isn't known here.
                    digest_of(obj, describe)
                    raise
            _, parts, own = known[id(one)]
            names |= own
            to_do += parts
    return frozenset(names)


def _parts(obj: object, names: set[str]) -> Iterable[object]:
    """Return the objects that an object refers to, and add its own names."""
    if isinstance(obj, ModuleType):
        return [] if is_library(obj.__name__) else _add_closure(module_code(obj.__name__), names)
    if isinstance(obj, FunctionType):
        module = str(obj.__globals__.get("__name__", ""))
        if is_library(module):
            return [part for _, part in describe(obj, "").parts]
        used, imports = _of_code(obj.__code__)
        names.update(used)
        for digest in local_imports(obj) if imports else ():
            if isinstance(digest, Closure):
                _add_closure(digest, names)
        if top_level(module) == _ENGINE:
            return _engine_parts(obj)
    parts = [part for _, part in describe(obj, "").parts]
    if top_level(type(obj).__module__) == _ENGINE:
        # Instances don't have their class as a part, because tasks include the engine as a whole.
        parts.append(type(obj))
    return parts


def _add_closure(closure: Closure, names: set[str]) -> list[object]:
    for words in closure.words:
        names.update(words.split())
    return []


@functools.cache
def _of_code(code: CodeType) -> tuple[frozenset[str], bool]:
    """Return the names in a function's code, and whether it may import anything."""
    names: set[str] = set()
    imports = False
    for nested in nested_codes(code):
        names.update(nested.co_names)
        for constant in nested.co_consts[_has_docstring(nested) :]:
            names.update(_words(constant))
        # Other bytes may look like the opcode, which only costs time.
        imports |= _IMPORTS in nested.co_code[::2]
    form = function_form(code)
    return frozenset(names.difference(form.texts.split()) if form else names), imports


def _engine_parts(function: FunctionType) -> Iterator[object]:
    """Yield the objects that a function of the engine may refer to: globals by any name in it, defaults, closure."""
    # All names are looked up, since finding out which of them are globals takes much longer.
    yield from (function.__defaults__, function.__kwdefaults__)
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # The cell isn't assigned yet.
            continue
    for code in nested_codes(function.__code__):
        for name in code.co_names:
            value = function.__globals__.get(name)
            if isinstance(value, ModuleType) and not is_library(value.__name__):
                yield from (vars(value)[other] for other in code.co_names if other in vars(value))
            else:
                yield value


def _has_docstring(code: CodeType) -> bool:
    """Tell whether a code object's first constant is a docstring; before Python 3.14 it is that or ``None``."""
    if sys.version_info >= (3, 14):
        return bool(code.co_flags & _WITH_DOCSTRING)
    is_function = code.co_flags & inspect.CO_OPTIMIZED and code.co_name not in _COMPREHENSIONS
    return bool(is_function) and isinstance(code.co_consts[0], str)


def _words(constant: object) -> Iterator[str]:
    if isinstance(constant, str):
        yield from WORD.findall(constant)
    elif isinstance(constant, tuple | frozenset):
        for item in constant:
            yield from _words(item)
