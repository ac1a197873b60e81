"""Thresholds, as objects of several kinds."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from scipy.interpolate import interp1d

least_by_getattr = 3
THRESHOLDS = {"first": 3, "second": 5}
LEAST_BY_POINTS = interp1d([0.0, 100.0], [3.0, 3.0])
LEAST_COMPILED = 3


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
