"""Calls with copies of what they take and return, as in another process."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from typing import Any


def spread_in_copies(function: Callable[[Any], Any], arguments: Sequence[Any]) -> list[Any]:
    """Return the results of a function for each argument."""
    results = []
    for argument in arguments:
        there, taken = pickle.loads(pickle.dumps((function, argument)))
        results.append(pickle.loads(pickle.dumps(there(taken))))
    return results
