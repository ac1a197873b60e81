"""Reading of NanoAOD: ranges of entries as NanoEvents, and errors that name the file."""

from __future__ import annotations

import contextlib
import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, TypeVar

import awkward as ak

from pocket.base.fingerprint.modules import RECORDERS, owner, top_level
from pocket.base.runtime.user_code import note_file
from pocket.datasets.branches import Segment
from pocket.errors import BadFileError, MissingBranchError, OtherFileError, PocketError
from pocket.io.nanoaod.events import NanoTree, Piece, events_of
from pocket.io.nanoaod.sharing import shared_file
from pocket.io.nanoaod.ttree import structure
from pocket.io.remote.attempts import Found, first_readable
from pocket.io.remote.client import open_root
from pocket.io.remote.failures import why_unreadable

T = TypeVar("T")

_NO_FIELD = re.compile(r"no field (?:named )?['\"](\w+)['\"]")
# Without the option, a fileset of remote files is complete, since servers aren't asked.
_REMEDY = "make the fileset again (law run BuildDatasets … --remove-output 0,a,y)"
_NO_COORDINATE = re.compile(r"\w+: missing \w+ coordinates?: .*")


def read_segment(segment: Segment, read: Callable[[Segment], T]) -> Found[T]:
    """Read a segment from the first replica of its file that can be read, see :mod:`pocket.io.remote.attempts`.

    ``read`` is called with the segment at one location; it must start over each time, so that no event counts twice.
    """
    return first_readable(segment.locations, lambda location: read(segment.at(location)))


@contextlib.contextmanager
def open_file(segment: Segment) -> Iterator[Any]:
    """Open the file of a segment, and close it at the end of the block."""
    with reading(segment.path), shared_file(segment.path, open_root) as file:
        uuid = str(file.file.uuid)
        if uuid != segment.uuid:
            # This isn't a bad file: skipping it would change the dataset without a change of the fileset.
            raise OtherFileError(
                f"{segment.path} was replaced since the fileset was built: its UUID is {uuid}, not {segment.uuid}; "
                f"{_REMEDY}"
            )
        size, end = int(file.file.source.num_bytes), int(file.file.fEND)
        if end > size:
            raise BadFileError(f"file {segment.path} can't be read: it is truncated, it has {size} of {end} bytes")
        if segment.size not in (0, size):
            raise OtherFileError(
                f"{segment.path} was changed since the fileset was built: it has {size} bytes, not {segment.size}; "
                f"{_REMEDY}"
            )
        if segment.structure not in ("", structure(file)):
            raise OtherFileError(
                f"{segment.path} was changed in place since the fileset was built: its objects are elsewhere or newer; "
                f"{_REMEDY}"
            )
        yield file


def nano_events(nano: NanoTree, segment: Segment, start: int, stop: int) -> Any:
    """Return a range of entries of a file as NanoEvents, whose columns are read on first access."""
    available = nano.num_entries
    if stop > available:
        raise BadFileError(
            f"{segment.path}: {max(0, available - start)} entries in [{start}, {stop}), expected {stop - start}"
        )
    return nano.events(start, stop, then=segment.stop)


def joined_events(nanos: Iterable[NanoTree], segments: Iterable[Segment]) -> Iterator[Any]:
    """Yield the events of several files, those of consecutive files with the same columns together."""
    found = [Piece(nano, segment.start, segment.stop) for nano, segment in zip(nanos, segments, strict=True)]
    if missing := [nano.file_path for nano, _, stop in found if stop > nano.num_entries]:
        raise BadFileError(f"{missing[0]} has fewer entries than expected")
    for _, same in groupby(found, key=lambda piece: id(piece.nano.schema)):
        yield events_of(list(same))


@contextlib.contextmanager
def reading(path: str) -> Iterator[None]:
    """Turn exceptions that a file causes into errors that name it, and note it on all others.

    :func:`pocket.configuration.user_errors.explaining` makes sentences of those.
    """
    try:
        yield
    except PocketError as error:
        note_file(error, path)
        raise
    except Exception as error:
        explained = _explain(path, error)
        if explained is None:
            note_file(error, path)
            raise
        raise explained from error


def _explain(path: str, error: Exception) -> PocketError | None:
    """Return the error that names the file, ``None`` if the file isn't the cause."""
    reason = " ".join(str(error).split())
    if isinstance(error, AttributeError | ak.errors.FieldNotFoundError) and (match := _NO_FIELD.search(reason)):
        missing = MissingBranchError(f"no branch for field {match.group(1)!r} in {path}")
        missing.field = match.group(1)
        note_file(missing, path)
        return missing
    if match := _NO_COORDINATE.search(reason):
        return MissingBranchError(f"{path} lacks branches of a collection of momenta: {match.group(0)}")
    if isinstance(error, FileNotFoundError) and _comes_from_reading(error):
        return BadFileError(f"{path} can't be read: it does not exist (any more)")
    # A lack of memory isn't caused by the file, which must not be skipped for it.
    if _comes_from_reading(error) and not isinstance(error, MemoryError):
        return BadFileError(f"{path} {why_unreadable(path, error)}")
    return None


def _comes_from_reading(error: BaseException) -> bool:
    """Tell whether an error, of whatever type, was raised in uproot while this package called it.

    User code may open a file of its own with uproot, which isn't the processed file.
    """
    is_ours = True
    for frame, _ in traceback.walk_tb(error.__traceback__):
        module = frame.f_globals.get("__name__", "")
        if module.startswith("uproot.") and is_ours:
            return True
        if owner(module) != "library" and module not in RECORDERS:
            is_ours = top_level(module) == "pocket"
    return False
