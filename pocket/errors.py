"""The exceptions a user may meet, and the search for the name they meant.

Every error raised on purpose derives from :class:`PocketError`; its text is one sentence that names
the thing, the place and the nearest right value, so the tasks print it without a traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class PocketError(Exception):
    """Base of all errors that are part of the interface."""

    def __reduce__(self) -> tuple[Any, ...]:
        # errors travel from worker processes, whatever arguments their class takes
        return _restore, (type(self), str(self))


class ConfigError(PocketError):
    """A configuration, a parameter file or a command-line value is wrong."""


class BrokenConfigError(ConfigError):
    """A configuration that others of its analysis don't need is wrong."""


class UnknownNameError(ConfigError):
    """A name is not among the known ones.

    Args:
        kind: what the name stands for, e.g. ``"weight"``.
        name: the unknown name.
        known: the valid names.
        where: the place it was found in, e.g. ``"weights.common.inclusive of 'tnp'"``.
    """

    def __init__(self, kind: str, name: object, known: Iterable[object], where: str = "") -> None:
        names = sorted({str(item) for item in known})
        close = nearest(str(name), names)
        place = f" in {where}" if where else ""
        if close:
            hint = f", did you mean {' or '.join(map(repr, close))}?"
        elif names:
            listed = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
            hint = f"; known: {listed}"
        else:
            hint = "; none is defined"
        super().__init__(f"unknown {kind} {str(name)!r}{place}{hint}")


class UnknownParameterError(UnknownNameError, AttributeError, KeyError):
    """Code looks for a parameter that isn't there; also what Python raises then, so that ``hasattr`` works."""

    # that of KeyError shows the representation of the text
    __str__ = Exception.__str__


class MissingParameterError(ConfigError):
    """Code looks for a parameter that is still ``???``."""


class DatasetError(PocketError):
    """A dataset definition or a fileset is wrong or empty."""


class OtherFileError(DatasetError):
    """A file is another one than the fileset says."""


class ChangedFileError(PocketError):
    """A file was changed while it was used, so that nobody knows which content counted."""


class ChangedCodeError(PocketError):
    """Code, parameters or definitions aren't those that a run began with; trying again changes nothing."""


class BadFileError(PocketError):
    """An input file can't be read: missing, truncated or corrupt."""


class RemoteStoreError(PocketError):
    """The remote store can't be read or written, or an output isn't there as its manifest says."""


class DamagedOutputError(PocketError):
    """A file of an output isn't what was written."""


class MissingBranchError(PocketError):
    """A branch that the configuration needs is not in the file."""


class HistogramError(PocketError):
    """A histogram can't be filled, merged or read."""


class ColumnError(PocketError):
    """Columns can't be exported, merged or read."""


class ScaleFactorError(PocketError):
    """A scale factor can't be derived, written or evaluated."""


class UserCodeError(PocketError):
    """Code of the analysis raised an exception, which is the cause of this one."""


class ProcessDiedError(PocketError):
    """A process ended while it ran a job."""


class ClosureError(PocketError):
    """A scale factor doesn't do what it is for."""


def _restore(kind: type[PocketError], text: str) -> PocketError:
    error = kind.__new__(kind)
    error.args = (text,)
    return error


def check_known(kind: str, names: Iterable[object], known: Iterable[object], where: str) -> None:
    """Check that all names are among the known ones.

    Args:
        kind: what the names stand for, e.g. ``"weight"``.
        names: the names to check.
        known: the valid names.
        where: the place they were found in.

    Raises:
        UnknownNameError: for the first that isn't.
    """
    valid = list(known)
    for name in names:
        if name not in valid:
            raise UnknownNameError(kind, name, valid, where)


def nearest(name: str, known: Iterable[str], n: int = 3, likeness: float = 0.6) -> list[str]:
    """Return up to ``n`` of ``known`` that look like ``name``, best first; a likeness of 1 is the name itself."""
    by_lower: dict[str, str] = {}
    for item in known:
        by_lower.setdefault(item.lower(), item)
    return [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, n, likeness)]
