"""Words of another framework, which a package of ``pocket`` with a module ``dialect`` adds to ours.

The package registers itself by having that module, and may be missing. What it adds is asked for here by all others,
which therefore neither import nor name it.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

T = TypeVar("T")

_POCKET = Path(__file__).parents[1]


def _unchanged(value: T) -> T:
    return value


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """What a package adds. The defaults add nothing.

    Args:
        enter: makes this process understand the names that analyses import.
        steps: names of methods of a workflow that nothing here calls → replacement.
        parameters_in_own_form: returns parameters with our sections, and the same if they have them already.
        parameter_keys: section of the parameters → keys that nothing here reads, in the form of the schema.
        parameter_modules: the modules that decide these two, on which cached parameters depend.
        parameter_functions: name → function that was in ``pocket.parameters.upstream`` before.
        resolvers: names of resolvers in parameters that give the same value next time.
        correction_name: returns the path that a name of a correction file stands for, any other string as it is.
        style_in_own_words: returns options of ``plotting_style`` with our names and colours.
        ignored_style: options of ``plotting_style`` that have no effect here.

    >>> Dialect().style_in_own_words({"label": "Preliminary"})
    {'label': 'Preliminary'}
    """

    enter: Callable[[], None] = lambda: None
    steps: Mapping[str, str] = field(default_factory=dict)
    parameters_in_own_form: Callable[[Any], Any] = _unchanged
    parameter_keys: Mapping[str, Any] = field(default_factory=dict)
    parameter_modules: Collection[ModuleType] = ()
    parameter_functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    resolvers: Collection[str] = ()
    correction_name: Callable[[str], str] = _unchanged
    style_in_own_words: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    ignored_style: Collection[str] = ()


def top_level_names() -> frozenset[str]:
    """Return the packages in that package, which analyses import by these names."""
    return frozenset(path.parent.name for path in _POCKET.glob("*/*/__init__.py") if _has_dialect(path.parents[1]))


def _has_dialect(package: Path) -> bool:
    return (package / "dialect.py").is_file()


@functools.cache
def dialect() -> Dialect:
    """Return the ``DIALECT`` of the package that has one, or one that adds nothing."""
    found = [package.name for package in sorted(_POCKET.iterdir()) if _has_dialect(package)]
    assert len(found) <= 1, found
    added: Dialect = importlib.import_module(f"pocket.{found[0]}.dialect").DIALECT if found else Dialect()
    return added
