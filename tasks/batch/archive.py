"""Archives named by their content: the same files make the same archive, other files another one."""

from __future__ import annotations

import functools
import gzip
import hashlib
import io
import json
import operator
import os
import stat
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pocket.base.runtime.file_state import file_checksum
from pocket.errors import PocketError
from pocket.io.store.publishing import replacing_file

#: gzip level; 1 is faster but makes larger archives, 6 takes twice as long for little gain
_COMPRESSION = 4
#: approximate ratio of the size of packages to the size of their archive
_SMALLER = 3
#: number of digits of the content's checksum in a file name
_DIGITS = 16


@dataclass(frozen=True)
class Archive:
    """A compressed tar archive; without a checksum, it isn't made yet and its size in bytes is an estimate."""

    path: Path
    sha256: str
    size: int
    unpacked: int


@dataclass(frozen=True)
class _Member:
    """A file as it goes into an archive: without owner and time, which differ between machines."""

    name: str
    path: Path
    mode: int
    readers: int
    sha256: str
    size: int

    @classmethod
    def read(cls, name: str, path: Path) -> _Member:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            checksum = hashlib.file_digest(file, "sha256").hexdigest()
        mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
        return cls(name, path, mode, status.st_mode & 0o444, checksum, status.st_size)

    def write(self, archive: tarfile.TarFile) -> None:
        """Add the file."""
        info = tarfile.TarInfo(self.name)
        info.mode, info.size = self.mode, self.size
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise PocketError(f"{self.path} can't be put into a bundle: {error}") from None
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise PocketError(f"{self.path} was changed while it was put into a bundle: run this again")
        archive.addfile(info, io.BytesIO(content))


def make_archive(folder: Path, label: str, members: Mapping[str, Path]) -> Archive:
    """Return the archive of some files (name → file) as they are now, and make it unless a complete one exists."""
    files, path = _named(folder, label, members)
    record = _record(path)
    if (found := _recorded(path, record)) is not None:
        return found
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (
            replacing_file(path) as file,
            # The gzip header has neither a time nor a name, so that equal content gives equal bytes.
            gzip.GzipFile("", "wb", _COMPRESSION, file, mtime=0) as compressed,
            tarfile.open(fileobj=compressed, mode="w") as archive,
        ):
            # Whoever can't read one of the files must not read it in the archive either.
            readers = functools.reduce(operator.and_, (member.readers for member in files), 0o444) | 0o200
            os.fchmod(file.fileno(), os.fstat(file.fileno()).st_mode & readers)
            for member in files:
                member.write(archive)
        made = Archive(path, file_checksum(path), path.stat().st_size, sum(member.size for member in files))
        with replacing_file(record) as file:
            file.write(json.dumps({**asdict(made), "path": path.name}).encode())
    except OSError as error:
        raise PocketError(f"the bundle {path} can't be written: {error.strerror}") from None
    return made


def plan_archive(folder: Path, label: str, members: Mapping[str, Path]) -> Archive:
    """Return the archive that :func:`make_archive` would make, without making it."""
    files, path = _named(folder, label, members)
    unpacked = sum(member.size for member in files)
    return _recorded(path, _record(path)) or Archive(path, "", unpacked // _SMALLER, unpacked)


def _named(folder: Path, label: str, members: Mapping[str, Path]) -> tuple[list[_Member], Path]:
    """Return the files of an archive as they are now, and the path of the archive, which is named by their content."""
    try:
        files = [_Member.read(name, members[name]) for name in sorted(members)]
    except OSError as error:
        raise PocketError(f"{error.filename} can't be put into a bundle: {error.strerror}") from None
    content = "".join(f"{file.name}\0{file.mode:o}\0{file.sha256}\n" for file in files)
    digest = hashlib.sha256(content.encode()).hexdigest()[:_DIGITS]
    return files, folder / f"{label}-{digest}.tar.gz"


def _record(path: Path) -> Path:
    return path.with_name(f"{path.name.removesuffix('.tar.gz')}.json")


def _recorded(path: Path, record: Path) -> Archive | None:
    """Return the archive that was made earlier, ``None`` if there is none or it is damaged."""
    try:
        found = Archive(**{**json.loads(record.read_bytes()), "path": path})
        whole = path.stat().st_size == found.size and file_checksum(path) == found.sha256
    except (OSError, ValueError, TypeError):
        return None
    return found if whole else None
