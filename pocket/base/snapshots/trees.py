"""Trees of source files, named by their content: how one is made, checked, used and removed."""

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

#: file in a snapshot that says what it is of
MARK = ".snapshot.json"
#: file in a snapshot that is touched whenever the snapshot is used, and locked as long as a process uses it
USED = ".used"
#: file in a snapshot that jobs of a batch system run from
BY_JOBS = ".by-jobs"
#: characters of the checksums in the name of a snapshot: of the content, and of the original's path
_DIGITS, _OF_ORIGIN = 20, 6
#: s after which a snapshot that nobody uses is removed, and one that jobs may still wait for
KEPT, KEPT_FOR_JOBS = 2 * 24 * 3600.0, 30 * 24 * 3600.0
# attempts to read files that somebody is writing
_ATTEMPTS = 20
#: s that what Python has compiled must be younger than its source, whose time Python knows to a second
_MARGIN_NS = 2_000_000_000
_CACHE = "__pycache__"


class ChangedMeanwhileError(PocketError):
    """The files are changed all the time."""


@dataclass(frozen=True)
class Tree:
    """The source files of a folder.

    Args:
        origin: the folder.
        files: name → file, of those that are copied.
        links: names of files and folders that aren't, such as data and what git ignores.
    """

    origin: Path
    files: Mapping[str, SourceFile]
    links: tuple[str, ...]

    @functools.cached_property
    def name(self) -> str:
        """Name of the tree: a checksum of the names and contents."""
        files = self.files
        lines = (f"{name}\0{files[name].state.executable:d}\0{files[name].sha256}\n" for name in sorted(files))
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()[:_DIGITS]

    @property
    def folder(self) -> str:
        """Name of its snapshot's folder, another one for each original, since links lead there."""
        return f"{self.name}-{hashlib.sha256(os.fsencode(self.origin)).hexdigest()[:_OF_ORIGIN]}"


def read_tree(origin: Path, record: Path, names: Iterable[str] | None = None) -> Tree:
    """Return the source files of a folder as they are at one moment.

    Args:
        origin: the folder.
        record: file that keeps checksums for the next time.
        names: the files, relative to the folder; by default those that git has or would add.

    Raises:
        ChangedMeanwhileError: if somebody writes them all the time.
        ConfigError: if git fails.
    """
    digests = Digests(origin, record)
    store = os.environ.get("POCKET_STORE", "")
    inside = os.path.relpath(store, origin) if store else ".."
    excluded = () if inside.startswith("..") or inside == "." else (inside,)
    for _ in range(_ATTEMPTS):
        listed = listed_files(origin, excluded, digests.known) if names is None else sorted(names)
        if excluded:
            listed = [name for name in listed if not name.startswith(tuple(f"{top}/" for top in excluded))]
        found = digests.files(listed)
        # of files that are saved one after the other, either all or those before a moment; if all are as they were when
        # the checksums were written, they were so at one moment
        if not digests.changed or unchanged(origin, found):
            digests.save()
            copied = {name: file for name, file in found.items() if file.sha256}
            return Tree(origin, copied, tuple(_others(str(origin), copied)))
    raise ChangedMeanwhileError(f"{origin} is changed all the time: run this again")


def _others(origin: str, files: Mapping[str, SourceFile]) -> Iterator[str]:
    """Yield the files and folders beside source files that hold none."""
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
    """Return the folder of a snapshot, which is made unless it is there.

    Files are copied with their times, so that what Python and numba have compiled of them stays valid. It is taken from
    an earlier snapshot or from beside the original, file by file: an edit of the analysis doesn't compile the engine.

    Args:
        tree: the files.
        place: folder of all snapshots of the user.

    Raises:
        ChangedMeanwhileError: if a file was changed since the tree was read.
        OSError: if the folder can't be written.
    """
    folder = place / tree.folder
    if not _is_whole(folder, tree):
        temporary = place / f".{tree.folder}.tmp-{secrets.token_hex(8)}"
        try:
            _fill(temporary, tree, _latest(place, tree.origin))
            _publish(temporary, folder, tree)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        remove_unused(place)
    _link(folder, tree)
    return folder


def read_mark(folder: Path) -> dict[str, object] | None:
    """Return what the mark of a snapshot says, ``None`` for any other folder."""
    try:
        found = json.loads((folder / MARK).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "origin" in found else None


def _is_whole(folder: Path, tree: Tree) -> bool:
    """Tell whether a snapshot is there, of the same folder, and nobody has changed its files."""
    mark = read_mark(folder)
    if mark is None or mark["origin"] != str(tree.origin):
        return False
    files = mark["files"]
    assert isinstance(files, dict)
    try:
        # hundreds of files at each start of a command
        for name, (size, mtime_ns, _) in files.items():
            found = os.stat(f"{folder}/{name}")  # noqa: PTH116
            if found.st_size != size or found.st_mtime_ns != mtime_ns:
                return False
    except OSError:
        return False
    return True


def _latest(place: Path, origin: Path) -> Path | None:
    """Return the snapshot of a folder that was used last."""
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
    """Share a file with another snapshot, which nobody has changed; not all file systems can."""
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
    # not read-only, which copies of it would be, too, such as what law hands to jobs
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o755 if file.state.executable else 0o644)
    with open(descriptor, "wb") as written:  # noqa: PTH123
        written.write(content)
    os.utime(path, ns=(file.state.mtime_ns, file.state.mtime_ns))


def _take_compiled(folder: Path, tree: Tree, files: Mapping[str, tuple[int, int, str]], donor: Path | None) -> None:
    """Take over what Python, numba and we have compiled of the files, as far as it is of this content and ours."""
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
            # of a source that was changed twice in a second, Python takes one for the other
            settled = is_copy or (state and found.st_mtime_ns > state.mtime_ns + _MARGIN_NS)
            if same and settled and found.st_uid in (0, os.geteuid()):
                _take(entry.path, folder / cache / entry.name)


def _is_own(folder: Path) -> bool:
    """Tell whether nobody else can have written into a folder."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return found.st_uid in (0, os.geteuid()) and not found.st_mode & 0o022


def _take(source: str, path: Path) -> None:
    if path.exists():
        return
    # not with more rights by the umask of a group: what is in it runs
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    try:
        # whoever compiles anew puts another file in its place
        os.link(source, path)
    except OSError:
        with contextlib.suppress(OSError):
            shutil.copy2(source, path)


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
            # another command was faster
            return
        with contextlib.suppress(FileNotFoundError):
            aside = folder.with_name(f".{folder.name}.tmp-{secrets.token_hex(8)}")
            folder.rename(aside)
            shutil.rmtree(aside, ignore_errors=True)
    raise PocketError(f"{folder} can't be made: others write it all the time")


def _link(folder: Path, tree: Tree) -> None:
    """Let code find what isn't copied where it is in the original."""
    for name in tree.links:
        path = f"{folder}/{name}"
        if not os.path.lexists(path):
            with contextlib.suppress(OSError):
                os.symlink(f"{tree.origin}/{name}", path)  # noqa: PTH211


#: descriptors that are locked until this process ends
_in_use: dict[str, int] = {}


def use(folder: Path) -> None:
    """Note that this process uses a snapshot, until it ends."""
    path = folder / USED
    with contextlib.suppress(OSError):
        os.utime(path)
        if str(path) not in _in_use:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            _in_use[str(path)] = descriptor
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)


def remove_unused(place: Path, now: float | None = None) -> None:
    """Remove the snapshots that weren't used for some days and aren't now, and what interrupted commands have left.

    Args:
        place: folder of the snapshots.
        now: time in seconds since 1970; by default now.
    """
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
        # where files can't be locked nothing is removed
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False
