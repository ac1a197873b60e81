"""Independent calls of a measurement, such as its fits, in the worker processes of this command."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from multiprocessing import parent_process
from typing import Any, TypeVar

from pocket.base.runtime.spreading import Spread
from pocket.errors import ConfigError
from pocket.executors import Progress, available_cores
from pocket.executors.base import pickled
from tasks.framework.pool import are_there, run_in_workers

T = TypeVar("T")
R = TypeVar("R")

#: seconds that calls take here before it is known how long the others would take
_SECONDS_HERE = 1.5
#: seconds that the others would take here for which it is worth to start workers, which takes half as long
_WORTH = 6.0
#: parts of the calls per process, so that all processes end at about the same time
_PARTS = 4


def spread_over(cores: int) -> Spread:
    """Return a function that spreads calls over this command's workers, which it starts for long work; 0: all cores."""
    number = cores or available_cores()

    def spread(function: Callable[[T], R], arguments: Sequence[T]) -> list[R]:
        results: list[R] = []
        if number > 1 and len(arguments) > 1 and _travels(function, arguments[0]):
            if not are_there():
                results += _call_for_a_while(function, arguments)
            results += _call_in_workers(function, arguments[len(results) :], number)
        results += [function(argument) for argument in arguments[len(results) :]]
        return results

    return spread


def _travels(function: Any, argument: Any) -> bool:
    """Tell whether a call can be sent to another process."""
    try:
        pickled("a call", (function, argument))
    except ConfigError:
        return False
    return True


def _call_for_a_while(function: Callable[[T], R], arguments: Sequence[T]) -> list[R]:
    """Return the results of the first calls, of all unless those that are left would take long."""
    begin = time.monotonic()
    results: list[R] = []
    for argument in arguments:
        seconds, left = time.monotonic() - begin, len(arguments) - len(results)
        if results and seconds > _SECONDS_HERE and seconds * left > _WORTH * len(results):
            break
        results.append(function(argument))
    return results


def _call_in_workers(function: Callable[[T], R], arguments: Sequence[T], number: int) -> list[R]:
    """Return the results of calls in the workers, of none if there are few or this is a worker."""
    if len(arguments) < 2 or parent_process() is not None:
        return []
    size = max(1, len(arguments) // (_PARTS * number))
    parts = [arguments[start : start + size] for start in range(0, len(arguments), size)]
    calls = {f"part {index} of the fits": partial(_call_each, function, part) for index, part in enumerate(parts)}
    return [result for of_part in run_in_workers(calls, number).values() for result in of_part]


def _call_each(function: Callable[[T], R], arguments: Sequence[T], progress: Progress) -> list[R]:
    return [function(argument) for argument in arguments]
