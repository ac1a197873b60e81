"""Thresholds, as objects of several kinds."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

least_by_getattr = 3
THRESHOLDS = {"first": 3, "second": 5}


class Thresholds:
    """A base class."""

    LEAST = 3

    def least(self) -> int:
        """Return the threshold."""
        return 3


def scaled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compare what a function returns with a threshold."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs) * 2 > 6

    return wrapper
