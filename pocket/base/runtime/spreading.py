"""Independent calls of one function, which the command that runs may spread over processes.

A measurement of many bins says only that its fits are independent. By default they run here, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


#: Function that calls another one for each argument, and returns the results in this order.
Spread = Callable[[Callable[[Any], Any], Sequence[Any]], list[Any]]
_offered: ContextVar[Spread | None] = ContextVar("offered", default=None)


def spread(function: Callable[[T], R], arguments: Sequence[T]) -> list[R]:
    """Return the results of independent calls of a function in order; it runs here if it can't be pickled.

    >>> spread(abs, [-1, 2, -3])
    [1, 2, 3]
    """
    calls = _offered.get()
    return calls(function, arguments) if calls else [function(argument) for argument in arguments]


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
