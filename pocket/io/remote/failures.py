"""Failures to read a file: whether it makes sense to try again."""

from __future__ import annotations

import enum
import re
import textwrap

from pocket.io.remote.client import is_remote
from pocket.io.remote.tokens import redacted

_MISSING = 3011
# errors of the protocol (XProtocol.hh) that the same request will give again: arguments, no space, no permission, no
# such file, not supported, not a file, a directory, exists already, over quota, read-only, authentication
_FINAL_CODES = frozenset({3000, 3001, 3002, 3006, 3009, 3010, _MISSING, 3013, 3015, 3016, 3018, 3021, 3025, 3030})
# what servers say of a read-only folder with the code of any error of a file system
_READ_ONLY = re.compile(r"\bread.?only\s*$", re.IGNORECASE)
_STATUS = re.compile(r"\[(?:ERROR|FATAL)\]")
_CODE = re.compile(r"\[(3\d\d\d)\]")
_TIMEOUT = re.compile(r"operation expired|time-?out", re.IGNORECASE)


class Failure(enum.Enum):
    """Kind of a failure."""

    #: the file is missing, corrupt or forbidden: it will be so the next time
    FINAL = enum.auto()
    #: the server is down or lost the connection
    TRANSIENT = enum.auto()
    #: the server didn't answer in time: trying again costs that time again
    TIMEOUT = enum.auto()


def failure_of(location: str, error: BaseException | None) -> Failure:
    """Return what an exception of uproot or the XRootD client means.

    Args:
        location: path or URL that was read; what fails on a path is final.
        error: the exception, ``None`` for what was found wrong without one.
    """
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
    """Whether a server says that there is no such file or folder."""
    return _code(str(error)) == _MISSING


def why_unreadable(location: str, error: BaseException) -> str:
    """Return in one line why a location can't be read, as a clause that follows its name."""
    reason = redacted(" ".join(str(error).split()))
    if isinstance(error, OSError) and is_remote(location) and (status := _STATUS.search(reason)):
        return f"can't be read: {textwrap.shorten(reason[status.start() :], 200)}"
    text = textwrap.shorten(f"{type(error).__name__}: {reason}", 200)
    return f"can't be read, it is truncated or corrupt: {text}"


def _code(text: str) -> int | None:
    return int(found[1]) if (found := _CODE.search(text)) else None
