"""Requests to servers side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

#: requests at once: a server's answer takes some ms, whoever else waits for one
_THREADS = 8


def in_threads(function: Callable[[T], object], items: Iterable[T]) -> None:
    """Call a function on each item, several at once.

    Raises:
        Exception: the first error, when the calls that had begun are done; the others aren't made then.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            for future in futures:
                future.result()
        finally:
            pool.shutdown(cancel_futures=True)
