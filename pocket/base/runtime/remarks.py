"""Remarks: warnings about what was accepted although it may not be what was meant, each made once per command."""

from __future__ import annotations

import functools
import logging
import multiprocessing
from collections.abc import Sequence

_log = logging.getLogger(__name__)
#: Number of names that a remark lists.
_SHOWN = 6


@functools.cache
def remark(sentence: str) -> None:
    """Log a warning once per command.

    Args:
        sentence: names the thing, the place, and what happens to it.
    """
    # Every worker process loads the analysis again, and would repeat the sentence.
    if multiprocessing.parent_process() is None:
        _log.warning(sentence)


def some_of(names: Sequence[str]) -> str:
    """Return the first names of a list, for a sentence.

    >>> some_of(["a", "b"]), some_of(list("abcdefgh"))
    ('a, b', 'a, b, c, d, e, f, …')
    """
    return ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
