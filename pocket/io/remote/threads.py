"""Parallel requests to servers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

#: Number of parallel requests: each waits some ms for the server's answer.
_THREADS = 8


def in_threads(function: Callable[[T], object], items: Iterable[T]) -> None:
    """Call a function on each item, several at once."""
    with ThreadPoolExecutor(_THREADS) as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            for future in futures:
                future.result()
        finally:
            pool.shutdown(cancel_futures=True)
