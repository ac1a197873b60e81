"""Record of the inputs that user code reads at run time: files, listed folders, and environment variables.

Fingerprints cover code and values, but not the files that a function opens. So the engine records these while user code
runs, an output names them with checksums, and the output is out of date once one of them has changed. Inputs that can't
be checked again, such as servers and databases, are refused.

An audit hook (https://docs.python.org/3/library/audit_events.html) reports what Python opens; for libraries that open
files themselves, the arguments of their readers are recorded. Reads inside an import don't count as the user's, nor do
those of the engine: the innermost frame outside of libraries decides.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import os
import site
import sys
import sysconfig
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, KeysView, Mapping
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, TypeVar

from pocket.base.fingerprint.dynamic import CREDENTIALS
from pocket.base.fingerprint.kept_records import KeptRecords, functions_of_the_user, may_call
from pocket.base.fingerprint.modules import owner
from pocket.base.fingerprint.places import located, portable
from pocket.base.runtime.file_state import FileState, checksum, file_state
from pocket.errors import ChangedFileError, ConfigError

#: Compiled and imported files are code, which fingerprints cover.
_CODE = (".py", ".pyc", ".so", ".pyd", ".nbi", ".nbc")
_SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/usr")
#: Readers of libraries that open files without Python: the class or function in the library, and its argument.
_READERS: Mapping[str, tuple[tuple[str, int | str], ...]] = {
    "correctionlib": (("CorrectionSet.from_file", 0),),
    "h5py": (("File.__init__", 1),),
    "onnxruntime": (("InferenceSession.__init__", 1),),
    "pyarrow": (),
    "pyarrow.dataset": (("dataset", 0),),
    "pyarrow.feather": (("read_table", 0),),
    "pyarrow.parquet": (
        *(("read_table", 0), ("read_schema", 0), ("read_metadata", 0)),
        *(("ParquetFile.__init__", 1), ("ParquetDataset.__init__", 1)),
    ),
    "torch": (("jit.load", 0),),
    "uproot": (("open", 0),),
    "xgboost": (("Booster.load_model", 1),),
}
#: Event → kind of the input, and the argument that names it.
_REFUSED = {
    "ftplib.connect": ("server", 1),
    "http.client.connect": ("server", 1),
    "os.exec": ("program", 0),
    "os.posix_spawn": ("program", 0),
    "os.system": ("program", 0),
    "socket.connect": ("server", 1),
    "socket.getaddrinfo": ("server", 0),
    "socket.gethostbyname": ("server", 0),
    "sqlite3.connect": ("database", 0),
    "subprocess.Popen": ("program", 0),
    "urllib.Request": ("URL", 0),
}


T = TypeVar("T")


@dataclass
class Reads:
    """Inputs that were read.

    Args:
        files: path → state of the file when it was first opened.
        folders: path → digest of the names in the folder when it was first listed.
        variables: name → value of an environment variable, ``None`` for one that wasn't set.
        written: paths of files that the code wrote: reading them back is no input.
        readers: file, folder or variable → names of the user's functions that were running.
    """

    files: dict[str, FileState] = field(default_factory=dict)
    folders: dict[str, str] = field(default_factory=dict)
    variables: dict[str, str | None] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    readers: dict[str, frozenset[str]] = field(default_factory=dict)

    def adopt(self, earlier: Reads, names: Collection[str] | None) -> None:
        """Count earlier inputs as read if functions with these names read them; their first state stays."""
        self.files |= self._added(self.files, earlier.files, earlier.readers, names)
        self.folders |= self._added(self.folders, earlier.folders, earlier.readers, names)
        self.variables |= self._added(self.variables, earlier.variables, earlier.readers, names)
        self.readers = {**earlier.readers, **self.readers}

    @staticmethod
    def _added(
        own: Collection[str],
        others: Mapping[str, T],
        readers: Mapping[str, Collection[str]],
        names: Collection[str] | None,
    ) -> dict[str, T]:
        return {
            name: state for name, state in others.items() if name not in own and may_call(names, readers.get(name, ()))
        }

    def is_out_of_date(self) -> bool:
        """Tell whether a file, a folder or a variable has changed since it was read."""
        try:
            return (
                any(file_state(path) != state for path, state in self.files.items())
                or any(_listing(path) != names for path, names in self.folders.items())
                or any(os.environ.get(name) != value for name, value in self.variables.items())
            )
        except OSError:
            return True

    def checksums(self) -> dict[str, str]:
        """Return portable name → checksum of the files and folders; names of folders end with a slash.

        Raises:
            ChangedFileError: if a file was changed after it was opened, so that its content at that time isn't known.
        """
        found = {portable(f"{path}/"): digest for path, digest in self.folders.items()}
        for path, state in self.files.items():
            try:
                sha256 = checksum(path, state)
                if file_state(path) != state:
                    raise ChangedFileError(f"{path} was changed while it was used: run this again")
            except FileNotFoundError:
                raise ChangedFileError(f"{path} was removed while it was used: run this again") from None
            found[portable(path)] = sha256
        return dict(sorted(found.items()))

    def record(self, inputs: Collection[str] = ()) -> dict[str, dict[str, Any]]:
        """Return the entry of a manifest, as :func:`changed_reads` takes it.

        Args:
            inputs: processed files, left out since the output depends on them anyway, as it does on files in the store.

        Raises:
            ChangedFileError: as :meth:`checksums`.
        """
        for path in inputs:
            self.files.pop(_absolute(path), None)
        files = {name: checksum for name, checksum in self.checksums().items() if not name.startswith("<store>")}
        return {"files": files, "variables": self.variable_digests()}

    def variable_digests(self) -> dict[str, str | None]:
        """Return name → digest of the value of environment variables; a digest, since a value may be a secret."""
        return {name: _digest_of_value(value) for name, value in sorted(self.variables.items())}


_active = threading.local()


#: Inputs that code has read in this process.
EARLIER: KeptRecords[Reads] = KeptRecords(Reads)


@contextlib.contextmanager
def recording_reads(whose: object = None, names: Collection[str] | None = None) -> Iterator[Reads]:
    """Record the inputs that user code reads in a block, in this thread.

    Args:
        whose: owner of the code. Inputs that it read earlier in this process may count as read
            (:mod:`pocket.base.fingerprint.kept_records`).
        names: names that the code uses, if they are known.

    Example:
        >>> with recording_reads() as reads:
        ...     pass
        >>> reads.checksums()
        {}
    """
    _install()
    before = getattr(_active, "reads", None)
    with EARLIER.recording(whose, names) as reads:
        _active.reads = reads
        try:
            yield reads
        finally:
            _active.reads = before


def changed_reads(files: Mapping[str, str], variables: Mapping[str, str | None]) -> list[str]:
    """Return the names of files, folders and environment variables that have changed since they were recorded.

    A file with an absolute path that doesn't exist on this machine counts as unchanged, since outputs are also checked
    on machines that can't make any. Files of the checkout, the analysis, the store or the home directory must exist.

    Args:
        files: as :meth:`Reads.checksums` returns them.
        variables: as :meth:`Reads.variable_digests` returns them.
    """
    changed = [name for name, digest in files.items() if _current(name, digest) != digest]
    return changed + [name for name, digest in variables.items() if _digest_of_value(os.environ.get(name)) != digest]


def _current(name: str, recorded: str) -> str:
    path = located(name)
    try:
        return _listing(path.rstrip("/")) if path.endswith("/") else checksum(path)
    except OSError:
        return "" if name.startswith("<") else recorded


def _listing(path: str) -> str:
    return hashlib.sha256("\n".join(sorted(os.listdir(path))).encode("utf-8", "surrogateescape")).hexdigest()  # noqa: PTH208


def _digest_of_value(value: str | None) -> str | None:
    return None if value is None else hashlib.sha256(portable(value).encode("utf-8", "surrogateescape")).hexdigest()


@functools.cache
def _install() -> None:
    """Install the audit hook, once per process, since it can't be removed."""
    for package in list(_READERS):
        if package in sys.modules:
            _watch(package)
    os.environ.__class__ = _Environment
    sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    handle = _HANDLERS.get(event)
    if handle is not None:
        reads = getattr(_active, "reads", None)
        if reads is not None:
            # Reads by the handler itself don't count.
            _active.reads = None
            try:
                handle(reads, event, arguments)
            finally:
                _active.reads = reads


def _opened(reads: Reads, event: str, arguments: tuple[Any, ...]) -> None:
    path, mode, flags = arguments
    if isinstance(path, int) or path is None:
        return
    name = _absolute(path)
    if _is_left_out(name) or not _by_user():
        return
    access = (flags or 0) & os.O_ACCMODE
    if (mode and any(letter in mode for letter in "wxa")) or access == os.O_WRONLY:
        reads.written.add(name)
    else:
        _note_file(reads, name)


def _note_file(reads: Reads, name: str) -> None:
    if name in reads.files or name in reads.written:
        return
    # If the file doesn't exist, the code that opens it gets the error.
    with contextlib.suppress(OSError):
        if os.path.isfile(name):  # noqa: PTH113
            reads.files[name] = file_state(name)
            reads.readers[name] = functions_of_the_user()


def _listed(reads: Reads, event: str, arguments: tuple[Any, ...]) -> None:
    path = arguments[0]
    if isinstance(path, int):
        return
    name = _absolute(path or ".")
    if not _is_left_out(f"{name}/") and name not in reads.folders and _by_user():
        with contextlib.suppress(OSError):
            reads.folders[name] = _listing(name)
            reads.readers[name] = functions_of_the_user()


def _imported(reads: Reads, event: str, arguments: tuple[Any, ...]) -> None:
    package = str(arguments[0])
    if package in _READERS and package not in sys.modules:
        with contextlib.suppress(ImportError):
            importlib.import_module(package)
            _watch(package)


def _refused(reads: Reads, event: str, arguments: tuple[Any, ...]) -> None:
    frame = _user_frame()
    if frame is None:
        return
    # Local sockets, such as those of a logging daemon, hold no data.
    if event == "socket.connect" and isinstance(arguments[1], str | bytes):
        return
    kind, position = _REFUSED[event]
    raise _refusal(frame, kind, arguments[position])


def _refusal(frame: FrameType, kind: str, name: object) -> ConfigError:
    code = frame.f_code
    shown = name[0] if isinstance(name, tuple) and name else name
    shown = os.fsdecode(shown) if isinstance(shown, bytes) else shown
    does = "starts the program" if kind == "program" else f"reads the {kind}"
    instead = "run it before and read" if kind == "program" else "read"
    return ConfigError(
        f"{code.co_qualname} in {code.co_filename}, line {frame.f_lineno}, {does} {shown}, whose content nobody could "
        f"compare later; {instead} a file instead, by pocket.corrections.files.load_correction(path, name) or "
        "pocket.parameters.locations.local_path(path)"
    )


_HANDLERS: Mapping[str, Callable[[Reads, str, tuple[Any, ...]], None]] = {
    "open": _opened,
    "os.listdir": _listed,
    "os.scandir": _listed,
    "import": _imported,
    **dict.fromkeys(_REFUSED, _refused),
}


def _watch(package: str) -> None:
    """Wrap the readers of a library so that the files they open are recorded."""
    for reader, argument in _READERS[package]:
        owner: Any = sys.modules[package]
        *path, name = reader.split(".")
        for part in path:
            owner = getattr(owner, part, None)
        found = vars(owner).get(name) if owner is not None else None
        if found is None or getattr(found, "__pocket_watched__", False):
            continue
        with contextlib.suppress(TypeError, AttributeError):  # The class may not allow changes.
            setattr(owner, name, _telling(found, argument))


def _telling(reader: Any, argument: int | str) -> Any:
    static = isinstance(reader, staticmethod | classmethod)
    function = reader.__func__ if static else reader
    position = argument if isinstance(argument, int) else 0
    if isinstance(reader, classmethod):
        position += 1

    @functools.wraps(function)
    def telling(*args: Any, **kwargs: Any) -> Any:
        reads = getattr(_active, "reads", None)
        if reads is not None:
            # Arguments by name may be in any order; those that are no files aren't recorded.
            given = args[position : position + 1] or kwargs.values()
            _active.reads = None
            try:
                for name in _paths_in(given):
                    _note_given(reads, name)
            finally:
                _active.reads = reads
        return function(*args, **kwargs)

    telling.__pocket_watched__ = True  # type: ignore[attr-defined]
    return type(reader)(telling) if static else telling


def _paths_in(given: Iterable[Any]) -> Iterator[str]:
    """Yield the strings and paths in arguments, also those in lists."""
    for value in given:
        if isinstance(value, str | os.PathLike):
            yield os.fsdecode(value)
        elif isinstance(value, list | tuple):
            yield from _paths_in(value)


def _note_given(reads: Reads, given: str) -> None:
    """Record the argument that a reader of a library got."""
    frame = _user_frame()
    if frame is None:
        return
    if "://" in given and not given.startswith("file://"):
        raise _refusal(frame, "URL", given)
    name = _absolute(given)
    if not _is_left_out(name):
        _note_file(reads, name)


def _absolute(path: Any) -> str:
    return os.path.abspath(os.fsdecode(path))  # noqa: PTH100  Links stay.


def _is_left_out(name: str) -> bool:
    return name.endswith(_CODE) or "/__pycache__/" in name or name.startswith(_left_out_folders())


@functools.cache
def _left_out_folders() -> tuple[str, ...]:
    """Return the folders of the system and of Python's packages."""
    packages = {*map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib")), site.getusersitepackages()}
    return tuple(f"{folder}/" for folder in (*_SYSTEM, *sorted(packages)))


def _by_user() -> bool:
    return _user_frame() is not None


def _user_frame() -> FrameType | None:
    """Return the innermost frame outside of libraries and this module if it is the user's, else ``None``."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name == "importlib._bootstrap":
            return None
        if name != __name__ and owner(name) != "library":
            return frame if owner(name) == "user" else None
        frame = frame.f_back
    return None


class _Listed(str):
    """Name of an environment variable that was listed with all the others."""

    __slots__ = ()


class _Environment(os._Environ):  # type: ignore[type-arg]
    """The environment, which records the variables that user code reads."""

    def __getitem__(self, key: str) -> str:
        reads = getattr(_active, "reads", None)
        is_read = reads is not None and type(key) is not _Listed and isinstance(key, str) and key not in CREDENTIALS
        if reads is not None and is_read and self._is_asked_by_user():
            if key not in reads.readers:
                reads.readers[key] = functions_of_the_user()
            try:
                value = super().__getitem__(key)
            except KeyError:
                reads.variables.setdefault(key, None)
                raise
            reads.variables.setdefault(key, value)
            return str(value)
        return str(super().__getitem__(key))

    def keys(self) -> KeysView[str]:
        """Return the names, marked as listed: copying the whole environment doesn't read each variable."""
        return dict.fromkeys(map(_Listed, super().keys())).keys()

    @staticmethod
    def _is_asked_by_user() -> bool:
        frame: FrameType | None = sys._getframe(2)
        while frame is not None and (
            frame.f_globals.get("__name__") in ("os", "_collections_abc", "collections.abc")
            # In newer versions of Python, a function within it asks.
            or frame.f_code.co_qualname.partition(".")[0] == "expandvars"
        ):
            if frame.f_code.co_name == "copy":
                return False
            frame = frame.f_back
        name = "" if frame is None else frame.f_globals.get("__name__", "")
        return owner(name) == "user"
