"""Attempts to read a file: after pauses for temporary failures, and from all replicas."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from pocket.errors import BadFileError, OtherFileError
from pocket.io.remote.failures import Failure, failure_of

T = TypeVar("T")

#: Seconds before each further round over the replicas; the first is also the pause before a second try of a replica.
PAUSES = (1.0, 2.0, 4.0, 8.0)

# An unresponsive server costs the time-out of a request each time.
_MOST_TIMEOUTS = 2

# Seconds during which a server that failed comes after other replicas' servers, since it would delay every file.
_AVOIDED = 300.0
_failed: dict[str, float] = {}  # Server → time of its last failure.


@dataclass(frozen=True)
class Found(Generic[T]):
    """Result of reading from a location, and the reasons of locations that failed before, perhaps the same one."""

    value: T
    location: str
    failures: Mapping[str, str]


def first_readable(
    locations: Sequence[str],
    read: Callable[[str], T],
    *,
    pauses: Sequence[float] = PAUSES,
    sleep: Callable[[float], None] = time.sleep,
) -> Found[T]:
    """Return the result of a function for the first replica of a file on which it succeeds.

    A replica whose server is down is tried twice before the next one. If none is left, all with temporary failures are
    tried again after increasing pauses in s. Missing or corrupt replicas aren't tried again. Servers that failed in the
    last minutes come last. The cause of a BadFileError, or OtherFileError, of ``read`` decides whether to try again.
    """
    errors: dict[str, BadFileError | OtherFileError] = {}
    timeouts = dict.fromkeys(locations, 0)
    left = in_order(locations)
    for number, pause in enumerate((0.0, *pauses)):
        if number and left:
            sleep(pause)
        for location in tuple(left):
            for attempt in range(1 if number or not pauses else 2):
                if attempt:
                    sleep(pauses[0])
                try:
                    value = read(location)
                except (BadFileError, OtherFileError) as error:
                    errors[location] = error
                    failure = failure_of(location, error.__cause__)
                else:
                    _failed.pop(_server(location), None)
                    return Found(value, location, {name: str(error) for name, error in errors.items()})
                timeouts[location] += failure is Failure.TIMEOUT
                if failure is not Failure.FINAL:
                    _failed[_server(location)] = time.monotonic()
                if failure is Failure.FINAL or timeouts[location] == _MOST_TIMEOUTS:
                    left.remove(location)
                if failure is not Failure.TRANSIENT:
                    break
    raise _all_failed(locations[0], errors)


def in_order(locations: Sequence[str]) -> list[str]:
    """Return the different replicas of a file, those last whose servers failed in the last minutes."""
    now = time.monotonic()

    def is_avoided(location: str) -> bool:
        failed = _failed.get(_server(location))
        return failed is not None and now - failed < _AVOIDED

    return sorted(dict.fromkeys(locations), key=is_avoided)


def _server(location: str) -> str:
    return urlsplit(location).netloc


def _all_failed(preferred: str, errors: Mapping[str, BadFileError | OtherFileError]) -> BadFileError | OtherFileError:
    error, *more = errors.values()
    if not more:
        return error
    reasons = "; ".join(str(error) if name in str(error) else f"{name}: {error}" for name, error in errors.items())
    other = next((error for error in errors.values() if isinstance(error, OtherFileError)), None)
    return type(other or error)(f"none of the {len(errors)} replicas of {preferred} can be read: {reasons}")
