"""The exceptions that users may see, and the search for the name they meant.

Every error raised on purpose derives from :class:`PocketError`. Its message is one sentence that names the thing, the
place and the nearest right value, so tasks print it without a traceback.

>>> str(UnknownNameError("category", "signl", ["signal", "control"], "plots"))
"unknown category 'signl' in plots, did you mean 'signal'?"
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class PocketError(Exception):
    """Base of all errors that are part of the interface."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors travel from worker processes, whatever arguments their classes take.
        return _restore, (type(self), str(self))


class ConfigError(PocketError):
    """A configuration, a parameter file or a command-line value is wrong."""


class BrokenConfigError(ConfigError):
    """A configuration that other configurations of its analysis don't need is wrong."""


class UnknownNameError(ConfigError):
    """A name is not among the known ones.

    Args:
        kind: what the name stands for, e.g. ``"weight"``.
        name: the unknown name.
        known: the valid names.
        where: the place where it was found, e.g. ``"weights.common.inclusive of 'tnp'"``.
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


class UnknownKeyError(UnknownNameError, KeyError):
    """Code looks for an unknown key of a mapping; the base class is what Python raises, so that ``get`` works."""

    # KeyError would show the representation of the string.
    __str__ = Exception.__str__


class UnknownParameterError(UnknownNameError, AttributeError, KeyError):
    """Code looks for an unknown parameter; the base classes are what Python raises, so that ``hasattr`` works."""

    # KeyError would show the representation of the string.
    __str__ = Exception.__str__


class MissingParameterError(ConfigError):
    """Code looks for a parameter whose value is still ``???``."""


class DatasetError(PocketError):
    """A dataset definition or a fileset is wrong or empty."""


class OtherFileError(DatasetError):
    """A file differs from the one in the fileset."""


class ChangedFileError(PocketError):
    """A file was changed while it was used, so it is unknown which content was used."""


class ChangedCodeError(PocketError):
    """Code, parameters or definitions differ from those at the start of a run, so trying again is useless."""


class BadFileError(PocketError):
    """An input file can't be read: missing, truncated or corrupt."""


class RemoteStoreError(PocketError):
    """The remote store can't be read or written, or an output in it differs from its manifest."""


class DamagedOutputError(PocketError):
    """A file of an output differs from what was written."""


class MissingBranchError(PocketError):
    """A branch that the configuration needs is not in the file.

    Attributes:
        field: the field that code asked for, empty if only the message has it.
    """

    field = ""


class HistogramError(PocketError):
    """A histogram can't be filled, merged or read."""


class ColumnError(PocketError):
    """Columns can't be exported, merged or read."""


class ScaleFactorError(PocketError):
    """A scale factor can't be derived, written or evaluated."""


class UnstableFitError(ScaleFactorError):
    """A fit that a scale factor is from has no minimum, or no interval."""


class StatisticsError(PocketError):
    """A statistical model can't be built or evaluated."""


class FitError(StatisticsError):
    """A fit has no minimum, or its parameters are degenerate."""


class UserCodeError(PocketError):
    """Code of the analysis raised an exception, which is the cause of this error."""


class ProcessDiedError(PocketError):
    """A process ended while it ran a job."""


class ClosureError(PocketError):
    """The closure of a scale factor failed."""


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
        where: the place where they were found.

    Raises:
        UnknownNameError: for the first unknown name.
    """
    valid = list(known)
    for name in names:
        if name not in valid:
            raise UnknownNameError(kind, name, valid, where)


def nearest(name: str, known: Iterable[str], n: int = 3, likeness: float = 0.6) -> list[str]:
    """Return up to ``n`` of ``known`` that resemble ``name``, best first; a likeness of 1 means equal names."""
    by_lower: dict[str, str] = {}
    for item in known:
        by_lower.setdefault(item.lower(), item)
    return [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, n, likeness)]
