"""Manifests: contents and inputs of outputs. An output without a manifest isn't complete.

An output is a folder with its files and their manifest. If the name of its place is that of a container
(:mod:`pocket.base.containers`), it is one with the same files, of which the manifest is the last. Instead of a
container, earlier outputs may have the folder that it stands for.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pocket.base.containers import existing_place, folder_of, is_container, members, read_last
from pocket.base.runtime.file_state import FileState, checksum, file_state

NAME = "manifest.json"
#: Bytes that are read at a time for a checksum.
_BLOCK = 8 * 2**20

#: Keys of a manifest's ``info`` that later outputs depend on. All others describe how the output was made.
COUNTED = ("skipped", "missing", "absent_triggers", "failed", "accepted", "iterations")


@dataclass(frozen=True)
class FileRecord:
    """One file of an output, whose content isn't read again if its time, in ns since 1970, is the same."""

    size: int
    sha256: str
    mtime_ns: int


@dataclass(frozen=True)
class Manifest:
    """Record that is written into an output last."""

    id: str  # Digest of the content (:func:`content_id`).
    task: str
    created: str  # Time of writing, UTC, ISO 8601.
    inputs: Mapping[str, str]  # Label → manifest id of each output that it was made from.
    files: Mapping[str, FileRecord]  # Path relative to the output → record.
    software: Mapping[str, str]
    revision: str | None  # Git revision of the code, followed by ``-dirty`` if it was modified; ``None`` if not known.
    info: Mapping[str, Any]

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @functools.cached_property
    def writing(self) -> str:
        """The digest of the whole manifest, which distinguishes two writings of the same content."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:20]

    @property
    def counted(self) -> dict[str, Any]:
        """The part of ``info`` that later outputs depend on."""
        return _counted(self.info)


def content_id(task: str, files: Mapping[str, FileRecord], info: Mapping[str, Any]) -> str:
    """Return the id of an output, which is the same for the same content."""
    # Times, inputs, software and machine don't matter.
    content = [task, sorted((name, record.sha256) for name, record in files.items()), _counted(info)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:20]


def read_manifest(directory: str | Path) -> Manifest | None:
    """Return the manifest of an output that is a folder, ``None`` if it has none that can be read."""
    path = os.path.join(directory, NAME)  # noqa: PTH118  Strings are faster for thousands of files.
    try:
        return _manifest(path, file_state(path))
    except OSError:
        return None


def manifest_of(place: str | Path) -> Manifest | None:
    """Return the manifest of an output, a folder or a container; ``None`` if it has none that can be read."""
    if not is_container(place):
        return read_manifest(place)
    path = str(place)
    try:
        return _manifest(path, file_state(path))
    except FileNotFoundError:
        return read_manifest(folder_of(path))
    except OSError:
        return None


def manifest_text(directory: str | Path) -> bytes:
    """Return the content of the manifest of an output as it is now, empty if there is none."""
    place = existing_place(directory)
    try:
        return (read_last(place, NAME) or b"") if is_container(place) else (place / NAME).read_bytes()
    except OSError:
        return b""


def parse_manifest(text: bytes) -> Manifest | None:
    """Return the manifest with this content, ``None`` if it isn't one."""
    try:
        content = json.loads(text)
        files = {name: FileRecord(**record) for name, record in content.pop("files").items()}
        return Manifest(files=files, **content)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


@functools.lru_cache(maxsize=100_000)
def _manifest(path: str, state: FileState) -> Manifest | None:
    """Read a manifest from its file or container, cached by the state of that, since a chain asks for it many times."""
    # Network file systems may use a file number again, but not with the same times.
    return parse_manifest((read_last(path, NAME) or b"") if is_container(path) else Path(path).read_bytes())


def manifest_id(directory: Path) -> str | None:
    """Return the id of an output's manifest, ``None`` if there is none; its files aren't checked."""
    manifest = manifest_of(directory)
    return manifest.id if manifest else None


def written(directory: Path) -> str:
    """Return the digest that distinguishes the current output from others at its place; empty if there is none."""
    manifest = manifest_of(directory)
    return manifest.writing if manifest else ""


def is_complete(directory: Path, inputs: Mapping[str, str] | None = None) -> bool:
    """Tell whether an output exists unmodified and was made from the inputs, label → manifest id, if given."""
    return why_incomplete(directory, inputs) is None


def why_incomplete(directory: Path, inputs: Mapping[str, str] | None = None) -> str | None:
    """Return the reason why an output isn't complete as a sentence, ``None`` if it is complete.

    If only the time of a file differs, for example after a copy, its checksum decides. Other files don't matter.
    """
    if is_container(directory):
        try:
            return _why_incomplete_container(str(directory), file_state(directory), inputs)
        except FileNotFoundError:
            directory = Path(folder_of(directory))
        except OSError as error:
            return f"{directory} can't be read: {error.strerror}"
    manifest = read_manifest(directory)
    if manifest is None:
        return f"{directory} has no {NAME} that can be read"
    if inputs is not None and (reason := other_input(manifest.inputs, inputs)):
        return f"{directory}: {reason}"
    for name, record in manifest.files.items():
        if reason := _change(os.path.join(directory, name), record):  # noqa: PTH118  Strings are faster.
            return f"{name} in {directory} {reason}"
    return None


def _why_incomplete_container(path: str, state: FileState, inputs: Mapping[str, str] | None) -> str | None:
    manifest = _manifest(path, state)
    if manifest is None:
        return f"{path} isn't a whole container: it was cut short, or something else wrote there"
    if inputs is not None and (reason := other_input(manifest.inputs, inputs)):
        return f"{path}: {reason}"
    # Its last file was read, so it wasn't cut short.
    return None if state.mtime_ns == time_of(manifest.files) else container_change(Path(path), manifest)


def time_of(files: Mapping[str, FileRecord]) -> int:
    """Return the time of modification that a container with some files has, in ns since 1970."""
    return max((record.mtime_ns for record in files.values()), default=0)


def have_same_content(one: FileRecord, other: FileRecord | None) -> bool:
    """Tell whether two files have the same content."""
    return other is not None and (one.size, one.sha256) == (other.size, other.sha256)


def member_checksums(container: Path) -> Mapping[str, FileRecord]:
    """Return the records of all files in a container as they are now, computed once while its state stays."""
    return _member_records(str(container), file_state(container))


@functools.lru_cache(maxsize=100_000)
def _member_records(container: str, state: FileState) -> Mapping[str, FileRecord]:
    records = {}
    for name, member in members(container).items():
        if name != NAME:
            with member.open() as file:
                digest = hashlib.sha256()
                while block := file.read(_BLOCK):
                    digest.update(block)
            records[name] = FileRecord(member.size, digest.hexdigest(), state.mtime_ns)
    return records


def container_change(container: Path, manifest: Manifest) -> str | None:
    """Return the difference of the files in a container from a manifest as a sentence, ``None`` if there is none."""
    try:
        now = member_checksums(container)
    except OSError as error:
        return f"{container} can't be read: {error.strerror}"
    except ValueError as error:
        return str(error)
    changed = [name for name, record in manifest.files.items() if not have_same_content(record, now.get(name))]
    return f"{changed[0]} in {container} has changed since it was written" if changed else None


def other_input(made_from: Mapping[str, str], inputs: Mapping[str, str]) -> str | None:
    """Return the difference of inputs (label → manifest id) to those of an output, as a clause; ``None`` if equal."""
    for label, identifier in inputs.items():
        if label not in made_from:
            return f"input {label} is new"
        if made_from[label] != identifier:
            return f"input {label} has changed"
    superfluous = [label for label in made_from if label not in inputs]
    return f"{superfluous[0]} isn't an input any more" if superfluous else None


def _counted(info: Mapping[str, Any]) -> dict[str, Any]:
    # An empty list of skipped files is none.
    counted = {key: info[key] for key in COUNTED if info.get(key)}
    if "skipped" in counted:
        # The reasons quote servers and paths. What a reader gets depends on which files are missing.
        counted["skipped"] = sorted(counted["skipped"])
    return counted


def _change(path: str, record: FileRecord) -> str | None:
    try:
        state = file_state(path)
        if state.size != record.size:
            return f"has {state.size} bytes instead of {record.size}"
        if state.mtime_ns != record.mtime_ns and checksum(path, state) != record.sha256:
            return "has changed since it was written"
    except OSError as error:
        return f"can't be read: {error.strerror}"
    return None
