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
#: Ways in which files are stored.
_KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
#: Value of a number that is elsewhere, since it is larger; such archives have a record of this size before their end.
_LARGE, _LOCATOR = 0xFFFFFFFF, 20

#: Returns bytes of a file, from an offset on; the number of bytes comes second.
Read = Callable[[int, int], bytes]


class BrokenContainerError(ValueError):
    """A file isn't a whole container."""


@dataclass(frozen=True)
class Member:
    """File in a container.

    Args:
        name: its name, with ``/`` between folders.
        offset: place of its content, in bytes.
        size: size in the container, in bytes.
        crc: CRC-32 of its content.
        is_compressed: whether it is compressed, as only the last file is.
    """

    name: str
    container: str
    offset: int
    size: int
    crc: int
    is_compressed: bool

    def open(self) -> MemberFile:
        """Return an open file with the content, which isn't compressed."""
        return MemberFile(self)

    def content(self) -> bytes:
        """Return the content."""
        return self.unpacked(self.open().read())

    def unpacked(self, stored: bytes) -> bytes:
        """Return the content, from the bytes in the container."""
        if not self.is_compressed:
            return stored
        try:
            return zlib.decompress(stored, -zlib.MAX_WBITS)
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
        """Return ``True``."""
        return True

    def seekable(self) -> bool:
        """Return ``True``."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Change the position."""
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._member.size}[whence]
        self._position = max(0, begin + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as the file reaches."""
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

    Example:
        >>> is_container("store/DY/0-1000.zip"), is_container("store/DY/0-1000")
        (True, False)
    """
    return str(place).endswith(SUFFIX)


def folder_of(container: str | Path) -> str:
    """Return the path of the folder that a container stands for, where outputs from before containers are.

    Example:
        >>> folder_of("store/DY/0-1000.zip")
        'store/DY/0-1000'
    """
    return str(container).removesuffix(SUFFIX)


def existing_place(place: str | Path) -> Path:
    """Return the place of an output: a container, or the folder that it stands for if there is only that."""
    if is_container(place) and not os.path.lexists(place) and os.path.isdir(folder := folder_of(place)):  # noqa: PTH112
        return Path(folder)
    return Path(place)


def write_container(path: Path, folder: Path, names: Iterable[str], last: str) -> None:
    """Write a new container, without flushing it to disk.

    Args:
        names: paths of the files relative to the folder, in the order in which they are stored.
    """
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
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return list_members(str(path), os.fstat(descriptor).st_size, lambda at, size: os.pread(descriptor, size, at))
    finally:
        os.close(descriptor)


def read_last(path: str | Path, name: str) -> bytes | None:
    """Return the content of the last file of a container, ``None`` if it has another name or isn't whole."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return last_content(name, os.fstat(descriptor).st_size, lambda at, size: os.pread(descriptor, size, at))
    finally:
        os.close(descriptor)


def last_content(name: str, size: int, read: Read) -> bytes | None:
    """Return the content of the last file of a container, ``None`` if it has another name or isn't whole.

    Args:
        name: the file's name.
    """
    read = _remembering_end(size, read)
    try:
        last = _last_member(name, size, read)
        content = last.unpacked(read(last.offset, last.size))
    except (ValueError, struct.error):
        return None
    return content if zlib.crc32(content) == last.crc else None


def _last_member(name: str, size: int, read: Read) -> Member:
    """Return the last file of a container, whose entry in the list of files is right before the end of that list."""
    own = name.encode()
    entry_size = _ENTRY.size + len(own)
    end = read(size - _END.size - entry_size, entry_size + _END.size)
    entry = _ENTRY.unpack_from(end)
    sign, *_, length, start, comment = _END.unpack_from(end, entry_size)
    is_last = entry[0] == b"PK\1\2" and end[_ENTRY.size : entry_size] == own and entry[11] == entry[12] == 0
    if is_last and sign == b"PK\5\6" and not comment and start + length + _END.size == size:
        return _member(name, "", entry[16], entry[8], entry[7], entry[4], read)
    *_, last = list_members("", size, read).values()
    if last.name != name:
        raise BrokenContainerError(f"the last file is {last.name}")
    return last


def list_members(path: str, size: int, read: Read) -> dict[str, Member]:
    """Return name → file of a container that is read by a function, as :func:`members` does."""
    read = _remembering_end(size, read)
    try:
        sign, *_, count, length, start, comment = _END.unpack(read(size - _END.size, _END.size))
        if sign != b"PK\5\6" or comment:
            raise BrokenContainerError(f"{path} isn't a whole zip archive")
        if read(size - _END.size - _LOCATOR, 4) == b"PK\6\7":
            return _large_members(path, size, read)
        found, entries, here = {}, read(start, length), 0
        if start + length + _END.size != size:
            raise BrokenContainerError(f"{path} isn't a whole zip archive")
        for _ in range(count):
            entry = _ENTRY.unpack_from(entries, here)
            kind, crc, stored, whole, name_size, extra, note, offset = entry[4], *entry[7:13], entry[16]
            if entry[0] != b"PK\1\2" or kind not in _KINDS:
                raise BrokenContainerError(f"{path} isn't a whole zip archive")
            if _LARGE in (stored, whole, offset):
                return _large_members(path, size, read)
            name = entries[here + _ENTRY.size :][:name_size].decode()
            found[name] = _member(name, path, offset, stored, crc, kind, read)
            here += _ENTRY.size + name_size + extra + note
    except (struct.error, UnicodeDecodeError) as error:
        raise BrokenContainerError(f"{path} isn't a whole zip archive") from error
    return found


def _member(name: str, path: str, header: int, size: int, crc: int, kind: int, read: Read) -> Member:
    sign, *_, name_size, extra = _HEADER.unpack(read(header, _HEADER.size))
    if sign != b"PK\3\4":
        raise BrokenContainerError(f"{path} isn't a whole zip archive: {name} isn't where it should be")
    return Member(name, path, header + _HEADER.size + name_size + extra, size, crc, kind != zipfile.ZIP_STORED)


def _large_members(path: str, size: int, read: Read) -> dict[str, Member]:
    """Return the files of an archive above 4 GB, whose lists have another form."""
    try:
        with zipfile.ZipFile(_Whole(size, read)) as archive:
            infos = archive.infolist()
    except zipfile.BadZipFile as error:
        raise BrokenContainerError(f"{path} isn't a whole zip archive") from error
    return {
        one.filename: _member(
            one.filename, path, one.header_offset, one.compress_size, one.CRC, one.compress_type, read
        )
        for one in infos
    }


class _Whole(io.RawIOBase):
    """A container as a file, for Python's reader of archives."""

    def __init__(self, size: int, read: Read) -> None:
        self._size, self._read, self._position = size, read, 0

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence] + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        content = self._read(self._position, max(0, min(len(buffer), self._size - self._position)))
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)


def _remembering_end(size: int, read: Read) -> Read:
    """Return a function that reads the end of a container once."""
    if isinstance(read, _Remembering):
        return read
    return _Remembering(size, read)


class _Remembering:
    """Bytes of a container, of which the end is read at once.

    Args:
        size: size of the container in bytes.
        read: returns bytes of the container.
    """

    def __init__(self, size: int, read: Read) -> None:
        self._begin = max(0, size - _END_SIZE)
        self._end = read(self._begin, size - self._begin)
        self._read = read

    def __call__(self, offset: int, size: int) -> bytes:
        if offset < 0:
            return b""
        if offset < self._begin:
            return self._read(offset, size)
        return self._end[offset - self._begin :][:size]
