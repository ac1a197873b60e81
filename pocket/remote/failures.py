"""What a failure to read a file means: whether it makes sense to try again."""

from __future__ import annotations

import enum
import re
import textwrap

from pocket.remote.client import is_remote
from pocket.tokens import redacted

# errors of the protocol (XProtocol.hh) that the same request will give again: arguments, no permission, no such file,
# not supported, not a file, a directory, authentication, no such checksum
_FINAL_CODES = frozenset({3000, 3001, 3002, 3006, 3010, 3011, 3013, 3015, 3016, 3030})
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
    if (code := _CODE.search(text)) and int(code[1]) in _FINAL_CODES:
        return Failure.FINAL
    return Failure.TIMEOUT if _TIMEOUT.search(text) else Failure.TRANSIENT


def why_unreadable(location: str, error: BaseException) -> str:
    """Return in one line why a location can't be read, as a clause that follows its name."""
    reason = redacted(" ".join(str(error).split()))
    if isinstance(error, OSError) and is_remote(location) and (status := _STATUS.search(reason)):
        return f"can't be read: {textwrap.shorten(reason[status.start() :], 200)}"
    text = textwrap.shorten(f"{type(error).__name__}: {reason}", 200)
    return f"can't be read, it is truncated or corrupt: {text}"
