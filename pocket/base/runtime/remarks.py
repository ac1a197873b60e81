"""Remarks: warnings about what was accepted although it may not be what was meant, each made once per command."""

from __future__ import annotations

import functools
import logging
import multiprocessing
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_log = logging.getLogger(__name__)
#: Number of names that a remark lists.
_SHOWN = 6


@functools.cache
def remark(sentence: str) -> None:
    """Log a warning once per command."""
    # Every worker process loads the analysis again, and would repeat the sentence.
    if multiprocessing.parent_process() is None:
        _log.warning(sentence)


def some_of(names: Sequence[str]) -> str:
    """Return the first names of a list, for a sentence.

    >>> some_of(["a", "b"]), some_of(list("abcdefgh"))
    ('a, b', 'a, b, c, d, e, f, …')
    """
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


def former_names(module: str, renamed: Mapping[str, str], names_now: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a ``__getattr__`` for a module, in which former names work for one release more and warn once."""

    def find(name: str) -> Any:
        if name in renamed:
            # Python shows its own warning to developers only.
            sentence = f"{module}.{name} is called {renamed[name]} now: the former name goes with the next release"
            remark(sentence)
            warnings.warn(sentence, DeprecationWarning, stacklevel=2)
            return names_now(renamed[name])
        return names_now(name)

    return find
