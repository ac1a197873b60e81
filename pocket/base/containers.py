"""Containers: several small files in one, a zip archive of which only the last file is compressed.

The first member begins where HDF5 looks for its signature, so an HDF5 file there is read without taking it out. The
last member is found from the end, so a container that was cut short has none.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: End of the names of containers.
SUFFIX = ".zip"
#: Place of the first member's content.
_FIRST = 512
#: Number that zip archives have for an extra field that only fills space.
_FILLING = 0xD935
#: Bytes at the end that are read at first, enough for the list of some files and a manifest.
_END_SIZE = 16_384
_END = struct.Struct("<4s4H2LH")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_HEADER = struct.Struct("<4s5H3L2H")
#: Size of the records that lists of more or larger files than usual have before their end.
_LARGE = 76

#: Returns bytes of a file, from an offset on; the number of bytes comes second.
Read = Callable[[int, int], bytes]


class BrokenContainerError(ValueError):
    """A file isn't a whole container."""


@dataclass(frozen=True)
class Member:
    """File in a container, with the place and size of its content there; only the last file is compressed."""

    name: str
    container: str
    offset: int
    size: int
    is_compressed: bool

    def open(self) -> MemberFile:
        """Return an open file with the content, which isn't compressed."""
        return MemberFile(self)

    def content(self) -> bytes:
        """Return the content."""
        stored = self.open().read()
        try:
            return zlib.decompress(stored, -zlib.MAX_WBITS) if self.is_compressed else stored
        except zlib.error as error:
            raise BrokenContainerError(f"{self.name} in {self.container} can't be decompressed: {error}") from error


class MemberFile(io.RawIOBase):
    """An open file in a container. It holds no descriptor, so that thousands may be open."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self._position = 0
        #: name without folders and suffix
        self.stem = member.name.rpartition("/")[2].rpartition(".")[0]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._member.size}[whence]
        self._position = max(0, begin + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        size = max(0, min(len(view), self._member.size - self._position))
        done = 0
        descriptor = os.open(self._member.container, os.O_RDONLY)
        try:
            while done < size:
                here = self._member.offset + self._position + done
                if not (content := os.pread(descriptor, size - done, here)):
                    raise OSError(errno.EIO, "it ends before the files in it do", self._member.container)
                view[done : done + len(content)] = content
                done += len(content)
        finally:
            os.close(descriptor)
        self._position += size
        return size


def is_container(place: str | Path) -> bool:
    """Tell whether an output at a place is a container, by its name.

    >>> is_container("store/DY/0-1000.zip"), is_container("store/DY/0-1000")
    (True, False)
    """
    return str(place).endswith(SUFFIX)


def folder_of(container: str | Path) -> str:
    """Return the path of the folder that a container stands for, where outputs from before containers are."""
    return str(container).removesuffix(SUFFIX)


def existing_place(place: str | Path) -> Path:
    """Return the place of an output: a container, or the folder that it stands for if there is only that."""
    if is_container(place) and not os.path.lexists(place) and os.path.isdir(folder := folder_of(place)):  # noqa: PTH112
        return Path(folder)
    return Path(place)


def write_container(path: Path, folder: Path, names: Iterable[str], last: str) -> None:
    """Write a new container with files of a folder in this order, and then the last one, without a flush to disk."""
    with zipfile.ZipFile(path, "x") as archive:
        for number, name in enumerate([*names, last]):
            file = folder / name
            # Times are left out, so that equal files make equal containers.
            info = zipfile.ZipInfo(name)
            info.external_attr = 0o644 << 16
            info.compress_type = zipfile.ZIP_STORED if name != last else zipfile.ZIP_DEFLATED
            info.file_size = file.stat().st_size
            # Python marks large files by 20 more bytes in front of the content.
            large = info.file_size * 1.05 > zipfile.ZIP64_LIMIT
            if number == 0:
                filling = _FIRST - _HEADER.size - len(name.encode()) - 4 - 20 * large
                info.extra = struct.pack(f"<2H{filling}x", _FILLING, filling)
            with file.open("rb") as source, archive.open(info, "w", force_zip64=large) as target:
                shutil.copyfileobj(source, target, 1 << 20)
            # The list of files at the end doesn't need the space.
            info.extra = b""


def members(path: str | Path) -> dict[str, Member]:
    """Return name → file of a container, in the order in which they are stored."""
    try:
        with open(path, "rb") as file, zipfile.ZipFile(file) as archive:  # noqa: PTH123
            found = {}
            for info in archive.infolist():
                file.seek(info.header_offset)
                sign, *_, name_size, extra = _HEADER.unpack(file.read(_HEADER.size))
                if sign != b"PK\3\4":
                    raise zipfile.BadZipFile(f"{info.filename} isn't where it should be")
                place, is_compressed = file.tell() + name_size + extra, info.compress_type != zipfile.ZIP_STORED
                found[info.filename] = Member(info.filename, str(path), place, info.compress_size, is_compressed)
            return found
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error) as error:
        raise BrokenContainerError(f"{path} isn't a whole zip archive: {error}") from error


def read_last(path: str | Path, name: str) -> bytes | None:
    """Return the content of the last file of a container, ``None`` if it has another name or isn't whole."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return last_content(name, os.fstat(descriptor).st_size, lambda at, size: os.pread(descriptor, size, at))
    finally:
        os.close(descriptor)


def last_content(name: str, size: int, read: Read) -> bytes | None:
    """Return the content of the last file of a container, ``None`` if it has another name or isn't whole."""
    begin = max(0, size - _END_SIZE)
    end = read(begin, size - begin)
    entry_size = _ENTRY.size + len(name.encode())
    try:
        sign, *_, length, start, comment = _END.unpack(end[-_END.size :])
        if sign != b"PK\5\6" or comment or size - _END.size - length - start > _LARGE:
            return None
        entry = _ENTRY.unpack_from(end, len(end) - _END.size - entry_size)
        is_last = entry[0] == b"PK\1\2" and end[-_END.size - entry_size :][_ENTRY.size : entry_size] == name.encode()
        if not (is_last and entry[11] == entry[12] == 0 and start + length + _END.size == size):
            return _listed_last(name, size, max(0, begin - length), read)
        # Fast path: the entry of the last file is right before the end of the list, and zipfile reads all of that.
        kind, crc, stored, offset = entry[4], *entry[7:9], entry[16]
        if offset < begin:
            begin, end = offset, read(offset, size - offset)
        sign, *_, name_size, extra = _HEADER.unpack_from(end, offset - begin)
        content = end[offset - begin + _HEADER.size + name_size + extra :][:stored]
        content = zlib.decompress(content, -zlib.MAX_WBITS) if kind == zipfile.ZIP_DEFLATED else content
        return content if sign == b"PK\3\4" and zlib.crc32(content) == crc else None
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError):
        return None


def _listed_last(name: str, size: int, begin: int, read: Read) -> bytes | None:
    """Return what :func:`last_content` does, given where the list of files begins at the earliest."""
    with tempfile.TemporaryFile() as end:
        # Places in the list are counted from the beginning of the container.
        end.truncate(size)
        end.seek(begin)
        end.write(read(begin, size - begin))
        with zipfile.ZipFile(end) as archive:
            *_, last = archive.infolist()
            if last.filename != name or last.header_offset < 0:
                return None
            end.seek(last.header_offset)
            end.write(read(last.header_offset, max(0, begin - last.header_offset)))
            return archive.read(last)
