"""Failures to read a file, and whether they may be temporary."""

from __future__ import annotations

import enum
import re
import textwrap

from pocket.io.remote.client import is_remote
from pocket.io.remote.tokens import redacted

_MISSING = 3011
# Errors of the protocol (XProtocol.hh) that the same request will give again: arguments, no space, no permission, no
# such file, not supported, not a file, a directory, exists already, over quota, read-only, authentication.
_FINAL_CODES = frozenset({3000, 3001, 3002, 3006, 3009, 3010, _MISSING, 3013, 3015, 3016, 3018, 3021, 3025, 3030})
# Servers report a read-only folder with this message and the code of any file system error.
_READ_ONLY = re.compile(r"\bread.?only\s*$", re.IGNORECASE)
_STATUS = re.compile(r"\[(?:ERROR|FATAL)\]")
_CODE = re.compile(r"\[(3\d\d\d)\]")
_TIMEOUT = re.compile(r"operation expired|time-?out", re.IGNORECASE)


class Failure(enum.Enum):
    """Kind of a failure."""

    #: The file is missing, corrupt or forbidden, and will stay so.
    FINAL = enum.auto()
    #: The server is down or lost the connection.
    TRANSIENT = enum.auto()
    #: The server didn't answer in time, so another try costs that time again.
    TIMEOUT = enum.auto()


def failure_of(location: str, error: BaseException | None) -> Failure:
    """Return the kind of failure that an exception of uproot or the XRootD client, if there is one, means."""
    if not is_remote(location) or not isinstance(error, OSError):
        return Failure.FINAL
    text = str(error)
    if isinstance(error, TimeoutError):
        return Failure.TIMEOUT
    if not _STATUS.search(text) or "auth failed" in text.lower():
        return Failure.FINAL
    if _code(text) in _FINAL_CODES or _READ_ONLY.search(text):
        return Failure.FINAL
    return Failure.TIMEOUT if _TIMEOUT.search(text) else Failure.TRANSIENT


def is_missing(error: OSError) -> bool:
    """Tell whether a server reports that a file or folder doesn't exist."""
    return _code(str(error)) == _MISSING


def why_unreadable(location: str, error: BaseException) -> str:
    """Return the reason why a location can't be read, in one line, as a clause that follows its name."""
    reason = redacted(" ".join(str(error).split()))
    if isinstance(error, OSError) and is_remote(location) and (status := _STATUS.search(reason)):
        return f"can't be read: {textwrap.shorten(reason[status.start() :], 200)}"
    text = textwrap.shorten(f"{type(error).__name__}: {reason}", 200)
    return f"can't be read, it is truncated or corrupt: {text}"


def _code(text: str) -> int | None:
    return int(found[1]) if (found := _CODE.search(text)) else None
