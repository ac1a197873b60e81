"""Independent calls of one function, which the command that runs may spread over processes.

A measurement of many bins says only that its fits are independent. By default they run here, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Spread(Protocol):
    """Function that calls another one for each argument."""

    def __call__(self, function: Callable[[T], R], arguments: Sequence[T]) -> list[R]:
        """Return the results in the order of the arguments."""


def _call_here(function: Callable[[T], R], arguments: Sequence[T]) -> list[R]:
    return [function(argument) for argument in arguments]


_offered: ContextVar[Any] = ContextVar("offered", default=_call_here)


def spread(function: Callable[[T], R], arguments: Sequence[T]) -> list[R]:
    """Return the results of independent calls of a function in order; it runs here if it can't be pickled.

    >>> spread(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    calls: Spread = _offered.get()
    return calls(function, arguments)


@contextmanager
def spreading(by: Spread) -> Iterator[None]:
    """Let :func:`spread` call functions in another way within the block.

    >>> with spreading(lambda function, arguments: [function(each) for each in reversed(arguments)][::-1]):
    ...     spread(abs, [-1, 2])
    [1, 2]
    """
    token = _offered.set(by)
    try:
        yield
    finally:
        _offered.reset(token)
