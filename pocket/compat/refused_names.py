"""Stand-ins for names of PocketCoffea that aren't here: importing them is allowed, using them is an error.

Many files import what they never call, or call it only in a branch that isn't taken.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, NoReturn

from pocket.base.runtime.remarks import remark, some_of
from pocket.errors import ConfigError

#: Names that were imported since the last remark, in order.
_imported: dict[str, None] = {}


class RefusedName:
    """Stand-in for a function, class or value."""

    __slots__ = ("_name", "_sentence")

    def __init__(self, name: str, sentence: str) -> None:
        self._name, self._sentence = name, sentence

    def __repr__(self) -> str:
        return f"<{self._name} of PocketCoffea, which isn't here>"

    def __fingerprint__(self) -> str:
        """Return the name, since code that comes so far ends there."""
        return self._name

    def _refuse(self, *arguments: Any, **named: Any) -> NoReturn:
        raise ConfigError(f"{self._name} of PocketCoffea isn't here: {self._sentence}")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):  # Python and libraries ask for these of any object.
            raise AttributeError(name)
        self._refuse()

    __call__ = __getitem__ = __iter__ = __contains__ = __mro_entries__ = __instancecheck__ = __subclasscheck__ = _refuse


class RefusedModule(ModuleType):
    """Stand-in for a module, whose names are all there and are refused."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(name)
        self._sentence = sentence
        vars(self)["__getattr__"] = names_that_are_refused(name, lambda _: sentence)
        # Every module of a refused package is refused, too.
        self.__path__: list[str] = []


def names_that_are_refused(module: str, replacement: Callable[[str], str | None]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a module, which gives stand-ins for the names that have a replacement.

    The replacement is the sentence about a name, ``None`` if there is no such name.
    """

    def find(name: str) -> object:
        # ``import a.b as c`` asks the package for a module that has been loaded, too.
        if (loaded := sys.modules.get(f"{module}.{name}")) is not None:
            return loaded
        sentence = None if name.startswith("__") else replacement(name)
        if sentence is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        _imported[name] = None
        return RefusedName(f"{module}.{name}", sentence)

    return find


def refusal(value: object) -> str | None:
    """Return the sentence about what a stand-in stands for, ``None`` for any other object."""
    return value._sentence if isinstance(value, RefusedName | RefusedModule) else None


def remark_refused_names() -> None:
    """Remark once which names were imported that aren't here, if there are any."""
    if _imported:
        remark(f"not here, so that using them is an error: {some_of(list(_imported))} (`law run Migrate` says more)")
        _imported.clear()
