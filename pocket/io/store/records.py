"""Records of outputs: specifications, code, and installed packages, each stored once.

They are in ``$POCKET_STORE/.records/<kind>/<first two digits>/<id>…``, and manifests name their ids. A specification's
id is its fingerprint, so that every output's folder names its specification; the other ids are checksums of the
content.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import os
import sysconfig
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

from pocket.base.fingerprint import Specification
from pocket.base.snapshots.trees import read_mark
from pocket.io.store.paths import store_root
from pocket.io.store.publishing import replacing_file

FOLDER = ".records"
#: Kind → suffix of its file.
SUFFIXES = {"spec": ".json.gz", "code": ".tar.gz", "lock": ".txt.gz"}
#: Characters of a checksum in an id.
_DIGITS = 20
# Higher levels take much longer and save little space.
_COMPRESSION = 1


def record_file(kind: str, identifier: str, store: Path | None = None) -> Path:
    """Return the path of a record, whether it exists or not, in a store or that of the environment."""
    return (store or store_root()) / FOLDER / kind / identifier[:2] / f"{identifier}{SUFFIXES[kind]}"


def keep_record(kind: str, identifier: str, content: Callable[[], bytes]) -> None:
    """Write a record, unless it exists already."""
    path = record_file(kind, identifier)
    if path.exists():
        return
    compressed = gzip.compress(content(), _COMPRESSION, mtime=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing_file(path) as file:
        file.write(compressed)


def keep_specification(identifier: str, make: Callable[[], Specification]) -> None:
    """Write the content of a fingerprint; arguments as for :func:`keep_record`."""
    keep_record("spec", identifier, lambda: json.dumps(make().to_json()).encode())


def read_specification(path: Path) -> Specification | None:
    """Return the specification in a file, ``None`` if there is none."""
    try:
        return Specification.from_json(json.loads(gzip.decompress(path.read_bytes())))
    except (OSError, EOFError, ValueError, KeyError, TypeError):
        return None


def keep_code(folders: Iterable[tuple[str, Path]]) -> str:
    """Write the code of snapshots, by their names in the archive, as one archive, and return its id."""
    # In a store that others can enter, files are left out that the group of the store can't read in the original.
    members: dict[str, tuple[Path, bool, str]] = {}
    store_root().mkdir(parents=True, exist_ok=True)
    store = store_root().stat()
    for name, folder in folders:
        mark = read_mark(folder) or {"files": {}, "origin": str(folder)}
        files = mark["files"]
        assert isinstance(files, dict)
        for file, (_, _, checksum) in files.items():
            path = folder / file
            if store.st_mode & 0o077 and not _is_readable(Path(str(mark["origin"])), file, store.st_gid):
                continue
            members[f"{name}/{file}"] = path, os.access(path, os.X_OK), checksum
    lines = (f"{name}\0{members[name][1]:d}\0{members[name][2]}\n" for name in sorted(members))
    identifier = hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:_DIGITS]

    def content() -> bytes:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name in sorted(members):
                path, executable, _ = members[name]
                written = path.read_bytes()
                # Owner and time are left out, since they may differ for the same content.
                info = tarfile.TarInfo(name)
                info.mode, info.size = 0o755 if executable else 0o644, len(written)
                archive.addfile(info, io.BytesIO(written))
        return buffer.getvalue()

    keep_record("code", identifier, content)
    return identifier


def _is_readable(origin: Path, file: str, group: int) -> bool:
    """Tell whether a group can read a file, given its name in a folder, as far as that isn't up to the folder."""
    try:
        found = [path.stat() for path in (origin / file, *(origin / file).parents) if path.is_relative_to(origin)]
    except OSError:
        return False
    # Of the file the right to read, of the folders that to enter; the last one is the folder itself.
    bits = [0o4] + [0o1] * (len(found) - 2)
    modes = (each.st_mode | (each.st_mode >> 3 if each.st_gid == group else 0) for each in found)
    return all(mode & bit for mode, bit in zip(modes, bits, strict=False))


def keep_lock(root: Path) -> str:
    """Write the locked packages of a checkout and the installed ones, and return the id."""
    locked = b""
    with contextlib.suppress(OSError):
        locked = (root / "requirements.lock").read_bytes()
    content = b"\n".join([b"# installed", *(line.encode() for line in installed_packages()), b"# locked", locked])
    identifier = hashlib.sha256(content).hexdigest()[:_DIGITS]
    keep_record("lock", identifier, lambda: content)
    return identifier


def installed_packages() -> list[str]:
    """Return the installed packages with their versions, sorted, e.g. ``"awkward==2.9.0"``."""
    found: set[str] = set()
    for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        with contextlib.suppress(OSError):
            # The metadata have the same versions, but take longer to read.
            folders = Path(place).glob("*.dist-info")
            found.update("==".join(folder.stem.rsplit("-", 1)) for folder in folders)
    return sorted(found)
