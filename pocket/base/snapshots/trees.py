"""Trees of source files, named by their content: they are made, checked, used and removed here."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pocket.base.snapshots.digests import Digests, SourceFile, file_state, unchanged
from pocket.base.snapshots.sources import LEFT_OUT, listed_files
from pocket.errors import PocketError

#: File in a snapshot that describes it.
MARK = ".snapshot.json"
#: File in a snapshot that is touched at each use, and locked while a process uses the snapshot.
USED = ".used"
#: File in a snapshot that marks it as used by jobs of a batch system.
BY_JOBS = ".by-jobs"
#: Characters of the checksums in a snapshot's name: of the content, and of the original's path.
_DIGITS, _OF_ORIGIN = 20, 6
#: Seconds after which an unused snapshot is removed, and one that jobs may still wait for.
KEPT, KEPT_FOR_JOBS = 2 * 24 * 3600.0, 30 * 24 * 3600.0
# Attempts to read files that are being written.
_ATTEMPTS = 20
#: Time in ns by which compiled code must be younger than its source, whose time Python knows in seconds.
_MARGIN_NS = 2_000_000_000
_CACHE = "__pycache__"


class ChangedMeanwhileError(PocketError):
    """The files are changed all the time, so that no consistent snapshot can be taken."""


@dataclass(frozen=True)
class Tree:
    """The source files of a folder that are copied, and links: files and folders that aren't, such as data."""

    origin: Path
    files: Mapping[str, SourceFile]
    links: tuple[str, ...]

    @functools.cached_property
    def name(self) -> str:
        """Name of the tree: a checksum of names and contents."""
        files = self.files
        lines = (f"{name}\0{files[name].state.executable:d}\0{files[name].sha256}\n" for name in sorted(files))
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:_DIGITS]

    @property
    def folder(self) -> str:
        """Name of the snapshot's folder; it includes the original's path, since links lead there."""
        return f"{self.name}-{hashlib.sha256(os.fsencode(self.origin)).hexdigest()[:_OF_ORIGIN]}"


def read_tree(origin: Path, record: Path, names: Iterable[str] | None = None) -> Tree:
    """Return the source files of a folder in a consistent state, by default those that git has or would add."""
    digests = Digests(origin, record)
    store = os.environ.get("POCKET_STORE", "")
    inside = os.path.relpath(store, origin) if store else ".."
    excluded = () if inside.startswith("..") or inside == "." else (inside,)
    for _ in range(_ATTEMPTS):
        listed = listed_files(origin, excluded, digests.known) if names is None else sorted(names)
        if excluded:
            listed = [name for name in listed if not name.startswith(tuple(f"{top}/" for top in excluded))]
        found = digests.files(listed)
        # Either all files of a save are included, or none that is saved later: if all states are those from when the
        # checksums were written, they existed at the same moment.
        if not digests.changed or unchanged(origin, found):
            digests.save()
            copied = {name: file for name, file in found.items() if file.sha256}
            return Tree(origin, copied, tuple(_others(str(origin), copied)))
    raise ChangedMeanwhileError(f"{origin} is changed all the time: run this again")


def _others(origin: str, files: Mapping[str, SourceFile]) -> Iterator[str]:
    """Yield the files and folders beside source files that contain no source files."""
    folders = {""}
    for name in files:
        folder = name.rpartition("/")[0]
        while folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    for folder in sorted(folders):
        with contextlib.suppress(OSError), os.scandir(f"{origin}/{folder}") as entries:
            for entry in entries:
                name = f"{folder}/{entry.name}" if folder else entry.name
                kept_out = entry.name in LEFT_OUT and entry.name != ".venv"
                if not (name in files or name in folders or kept_out or entry.name == MARK):
                    yield name


def make_snapshot(tree: Tree, place: Path) -> Path:
    """Return the folder of a snapshot, which is made if it doesn't exist."""
    # Copies keep the times of the files, so that code compiled by Python and numba stays valid. Compiled code is taken
    # file by file, from an earlier snapshot or the original, so that an edit of the analysis doesn't recompile the
    # engine.
    folder = place / tree.folder
    if not _is_whole(folder, tree):
        temporary = place / f".{tree.folder}.tmp-{secrets.token_hex(8)}"
        try:
            _fill(temporary, tree, _latest(place, tree.origin))
            _publish(temporary, folder, tree)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        remove_unused(place)
    # Everything that isn't copied is linked to the original, where code finds it.
    for name in tree.links:
        path = f"{folder}/{name}"
        if not os.path.lexists(path):
            with contextlib.suppress(OSError):
                os.symlink(f"{tree.origin}/{name}", path)  # noqa: PTH211
    return folder


def read_mark(folder: Path) -> dict[str, object] | None:
    """Return the description in a snapshot, ``None`` for any other folder."""
    try:
        found = json.loads((folder / MARK).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "origin" in found else None


def _is_whole(folder: Path, tree: Tree) -> bool:
    """Tell whether a snapshot of the same folder exists and its files are unmodified."""
    mark = read_mark(folder)
    if mark is None or mark["origin"] != str(tree.origin):
        return False
    files = mark["files"]
    assert isinstance(files, dict)
    try:
        # The paths are strings, since hundreds of files are checked at each start of a command.
        for name, (size, mtime_ns, _) in files.items():
            found = os.stat(f"{folder}/{name}")  # noqa: PTH116
            if found.st_size != size or found.st_mtime_ns != mtime_ns:
                return False
    except OSError:
        return False
    return True


def _latest(place: Path, origin: Path) -> Path | None:
    times: list[tuple[float, Path]] = []
    for used in place.glob(f"*/{USED}"):
        with contextlib.suppress(OSError):
            times.append((used.stat().st_mtime, used.parent))
    for _, folder in sorted(times, reverse=True):
        if (mark := read_mark(folder)) is not None and mark["origin"] == str(origin):
            return folder
    return None


def _fill(folder: Path, tree: Tree, donor: Path | None) -> None:
    folder.mkdir()
    mark = read_mark(donor) if donor is not None else None
    given = mark["files"] if mark is not None else {}
    assert isinstance(given, dict)
    files: dict[str, tuple[int, int, str]] = {}
    made: set[str] = set()
    for name, file in tree.files.items():
        path = f"{folder}/{name}"
        parent = path.rpartition("/")[0]
        if parent not in made:
            os.makedirs(parent, exist_ok=True)  # noqa: PTH103
            made.add(parent)
        known = given.get(name, (0, 0, ""))
        same = donor is not None and known[2] == file.sha256
        if not (same and _link_file(f"{donor}/{name}", path, *known[:2])):
            _copy(f"{tree.origin}/{name}", path, file)
        state = file_state(path)
        assert state is not None
        files[name] = (state.size, state.mtime_ns, file.sha256)
    _take_compiled(folder, tree, files, donor)
    content = {"origin": str(tree.origin), "files": files}
    (folder / MARK).write_text(json.dumps(content))
    (folder / USED).touch()


def _link_file(source: str, path: str, size: int, mtime_ns: int) -> bool:
    """Make a hard link to an unmodified file of another snapshot, and tell whether that worked."""
    state = file_state(source)
    if state is None or (state.size, state.mtime_ns) != (size, mtime_ns):
        return False
    try:
        os.link(source, path)
    except OSError:
        return False
    return True


def _copy(source: str, path: str, file: SourceFile) -> None:
    try:
        content = Path(source).read_bytes()
    except OSError:
        content = b""
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise ChangedMeanwhileError(f"{source} was changed while the command started: run this again")
    # The file isn't read-only, since copies of it would be as well, such as those that law makes for jobs.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755 if file.state.executable else 0o644)
    with open(descriptor, "wb") as written:  # noqa: PTH123
        written.write(content)
    os.utime(path, ns=(file.state.mtime_ns, file.state.mtime_ns))


def _take_compiled(folder: Path, tree: Tree, files: Mapping[str, tuple[int, int, str]], donor: Path | None) -> None:
    """Take over files compiled by Python, numba and us if they belong to this content and nobody else wrote them."""
    by_folder: dict[str, dict[str, str]] = {}
    for name in files:
        if name.endswith((".py", ".yaml")):
            parent, _, base = name.rpartition("/")
            names, stem = by_folder.setdefault(parent, {}), base.partition(".")[0]
            if name.endswith(".py") or stem not in names:
                names[stem] = name
    for parent, names in by_folder.items():
        for cache in (_CACHE, f"{_CACHE}/pocketlaw-{os.geteuid()}"):
            for source in (donor, tree.origin):
                if source is not None and (source is donor or _is_own(source / parent / cache)):
                    _take_folder(source, folder, f"{parent}/{cache}", names, files, is_copy=source is donor)


def _take_folder(
    source: Path,
    folder: Path,
    cache: str,
    names: Mapping[str, str],
    files: Mapping[str, tuple[int, int, str]],
    *,
    is_copy: bool,
) -> None:
    with contextlib.suppress(OSError), os.scandir(source / cache) as entries:
        for entry in entries:
            name = names.get(entry.name.partition(".")[0], "")
            if not name or not entry.is_file(follow_symlinks=False):
                continue
            state, found = file_state(f"{source}/{name}"), entry.stat()
            same = state is not None and (state.size, state.mtime_ns) == files[name][:2]
            # If a source is changed twice within a second, Python can't tell the versions apart.
            settled = is_copy or (state and found.st_mtime_ns > state.mtime_ns + _MARGIN_NS)
            path = folder / cache / entry.name
            if same and settled and found.st_uid in (0, os.geteuid()) and not path.exists():
                # The rights are explicit, since a group's umask would let the group write files that are executed.
                path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                try:
                    # A link is safe, since recompiling replaces the file instead of writing into it.
                    os.link(entry.path, path)
                except OSError:
                    with contextlib.suppress(OSError):
                        shutil.copy2(entry.path, path)


def _is_own(folder: Path) -> bool:
    """Tell whether nobody else can have written to a folder."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return found.st_uid in (0, os.geteuid()) and not found.st_mode & 0o022


def _publish(temporary: Path, folder: Path, tree: Tree) -> None:
    for _ in range(_ATTEMPTS):
        try:
            temporary.rename(folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        else:
            return
        if _is_whole(folder, tree):
            # Another command has made the same snapshot.
            return
        with contextlib.suppress(FileNotFoundError):
            aside = folder.with_name(f".{folder.name}.tmp-{secrets.token_hex(8)}")
            folder.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)
    raise PocketError(f"{folder} can't be made: others write it all the time")


#: File descriptors that stay locked until this process ends.
_in_use: dict[str, int] = {}


def use(folder: Path) -> None:
    """Note that this process uses a snapshot until it ends."""
    path = folder / USED
    with contextlib.suppress(OSError):
        os.utime(path)
        if str(path) not in _in_use:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            _in_use[str(path)] = descriptor
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


def remove_unused(place: Path, now: float | None = None) -> None:
    """Remove snapshots that have been unused for some days, and leftovers of interrupted commands; the time is in s."""
    now = time.time() if now is None else now
    for folder in list(place.iterdir()):
        with contextlib.suppress(OSError):
            if not folder.is_dir():
                continue
            if ".tmp-" in folder.name:
                if now - folder.stat().st_mtime > KEPT:
                    shutil.rmtree(folder, ignore_errors=True)
                continue
            used = folder / USED
            kept = KEPT_FOR_JOBS if (folder / BY_JOBS).exists() else KEPT
            if now - used.stat().st_mtime > kept and not _is_used(used):
                aside = folder.with_name(f".{folder.name}.tmp-{secrets.token_hex(8)}")
                folder.rename(aside)
                shutil.rmtree(aside, ignore_errors=True)


def _is_used(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        # On file systems without locks, every snapshot counts as used.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
