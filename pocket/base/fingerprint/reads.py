"""Record of the inputs that user code reads at run time: files, listed folders, and environment variables.

Fingerprints cover code and values, but not the files that a function opens. So the engine records these while user code
runs, an output names them with checksums, and the output is out of date once one of them has changed. Inputs that can't
be checked again, such as servers and databases, are refused.

An audit hook (https://docs.python.org/3/library/audit_events.html) reports what Python opens; libraries that open files
themselves report the arguments of their readers (:mod:`pocket.base.fingerprint.watching`). Reads inside an import don't
count as the user's, nor do those of the engine: the innermost frame outside of libraries decides.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import os
import site
import stat
import sys
import sysconfig
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pocket.base.fingerprint import watching
from pocket.base.fingerprint.dynamic import CREDENTIALS
from pocket.base.fingerprint.frames import caller, imported_module, passes
from pocket.base.fingerprint.kept_records import KeptRecords, functions_of_the_user, may_call
from pocket.base.fingerprint.places import located, portable
from pocket.base.runtime.file_state import FileState, checksum, file_state
from pocket.errors import ChangedFileError, ConfigError

#: Files that Python and libraries open as code, which fingerprints cover; user code may open others as data.
_CODE = (".py", ".pyc", ".so", ".pyd", ".nbi", ".nbc")
_READ_CODE = frozenset({"importlib", "linecache", "numba", "zipimport"})
_SYSTEM = ("/dev/", "/proc/", "/sys/")
_SHARED_MEMORY = "/dev/shm/"
#: Libraries that look up paths and variables for their caller.
_HELPERS = frozenset({
    "_collections_abc", "collections", "genericpath", "glob", "omegaconf", "os", "pathlib", "posixpath", "re", "string",
})  # fmt: skip
#: Functions that look at the folders of a path, or at ``HOME``, to spell it out.
_SPELLING = frozenset({"_joinrealpath", "realpath", "resolve"})
_NOTHING, _FOLDER = "nothing", "folder"
#: Event → kind of the input, and the argument that names it.
_REFUSED = {
    "ftplib.connect": ("server", 1),
    "http.client.connect": ("server", 1),
    "os.exec": ("program", 0),
    "os.fork": ("process", 0),
    "os.forkpty": ("process", 0),
    "os.posix_spawn": ("program", 0),
    "os.system": ("program", 0),
    "pty.spawn": ("program", 0),
    "socket.connect": ("server", 1),
    "socket.getaddrinfo": ("server", 0),
    "socket.gethostbyname": ("server", 0),
    "sqlite3.connect": ("database", 0),
    "subprocess.Popen": ("program", 0),
    "urllib.Request": ("URL", 0),
    watching.PROCESS: ("process", 0),
    watching.VARIABLES: ("environment", 0),
}


@dataclass
class Reads:
    """Inputs that were read."""

    files: dict[str, FileState] = field(default_factory=dict)  # Path → state of the file when it was first opened.
    folders: dict[str, str] = field(default_factory=dict)  # Path → digest of the names when it was first listed.
    variables: dict[str, str | None] = field(default_factory=dict)  # Name → value, ``None`` if it wasn't set.
    states: dict[str, str] = field(default_factory=dict)  # Path → ``120 bytes``, ``folder`` or ``nothing``.
    written: set[str] = field(default_factory=set)  # Paths of files that the code wrote: reading them back is no input.
    readers: dict[str, frozenset[str]] = field(default_factory=dict)  # Input → names of the user's functions.

    def adopt(self, earlier: Reads, names: Collection[str] | None) -> None:
        """Count earlier inputs as read if functions with these names read them; their first state stays."""
        for kind in ("files", "folders", "variables", "states"):
            for name, state in getattr(earlier, kind).items():
                if may_call(names, earlier.readers.get(name, ())):
                    getattr(self, kind).setdefault(name, state)
        self.readers = {**earlier.readers, **self.readers}

    def is_out_of_date(self) -> bool:
        """Tell whether a file, a folder or a variable has changed since it was read."""
        try:
            return (
                any(file_state(path) != state for path, state in self.files.items())
                or any(_listing(path) != names for path, names in self.folders.items())
                or any(_state(path) != state for path, state in self.states.items())
                or any(os.environ.get(name) != value for name, value in self.variables.items())
            )
        except OSError:
            return True

    def checksums(self) -> dict[str, str]:
        """Return portable name → checksum of files and listed folders (``name/``), or only their state."""
        found = {portable(f"{path}/"): digest for path, digest in self.folders.items()}
        for path, there in self.states.items():
            if path not in self.files and _state(path) != there:
                raise ChangedFileError(f"{path} was changed while it was used: run this again")
            found[portable(path)] = there
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
        """Return the entry of a manifest, as :func:`changed_reads` takes it."""
        # The output depends on processed files anyway, as it does on files in the store.
        for path in inputs:
            self.files.pop(_absolute(path), None)
            self.states.pop(_absolute(path), None)
        files = {name: checksum for name, checksum in self.checksums().items() if not name.startswith("<store>")}
        return {"files": files, "variables": self.variable_digests()}

    def variable_digests(self) -> dict[str, str | None]:
        """Return name → digest of the value of environment variables; a digest, since a value may be a secret."""
        return {name: _digest_of_value(value) for name, value in sorted(self.variables.items())}


_active: ContextVar[Reads | None] = ContextVar("reads", default=None)
_handling = threading.local()
#: Folders of ``sys.path``: those from before user code ran, and those that it has added since.
_known_folders: set[str] = set()
_added_folders: set[str] = set()


#: Inputs that code has read in this process.
EARLIER: KeptRecords[Reads] = KeptRecords(Reads)


@contextlib.contextmanager
def recording_reads(whose: object = None, names: Collection[str] | None = None) -> Iterator[Reads]:
    """Record the inputs that user code reads in a block, in this thread and in those that user code starts.

    Inputs that the owner of the code read earlier in this process may count as read, as far as it uses their names.

    >>> with recording_reads() as reads:
    ...     pass
    >>> reads.checksums()
    {}
    """
    watch()
    if _active.get() is None:
        _known_folders.clear()
        _known_folders.update(set(sys.path) - _added_folders)
    with EARLIER.recording(whose, names) as reads:
        token = _active.set(reads)
        try:
            yield reads
        finally:
            _active.reset(token)
            _added_folders.update(set(sys.path) - _known_folders)
            # What wasn't there and is there now was made by the code itself.
            reads.states = {
                path: state
                for path, state in reads.states.items()
                if path not in reads.written and (state != _NOTHING or _state(path) == _NOTHING)
            }


def changed_reads(files: Mapping[str, str], variables: Mapping[str, str | None]) -> list[str]:
    """Return the names of files, folders and environment variables that have changed since they were recorded.

    Files of the checkout, the analysis, the store or the home directory must exist; any other is unchanged if it
    doesn't, since outputs are also checked on machines that can't make any.
    """
    changed = [name for name, digest in files.items() if _current(name, digest) != digest]
    return changed + [name for name, digest in variables.items() if _digest_of_value(os.environ.get(name)) != digest]


def _current(name: str, recorded: str) -> str:
    path = located(name)
    try:
        if recorded in (_NOTHING, _FOLDER) or recorded.endswith(" bytes"):
            now = _state(path)
            return recorded if now == _NOTHING and not name.startswith("<") else now
        return _listing(path.rstrip("/")) if path.endswith("/") else checksum(path)
    except OSError:
        return "" if name.startswith("<") else recorded


def _state(path: str) -> str:
    try:
        found = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        return _NOTHING
    return _FOLDER if stat.S_ISDIR(found.st_mode) else f"{found.st_size} bytes"


def _listing(path: str) -> str:
    return hashlib.sha256("\n".join(sorted(os.listdir(path))).encode("utf-8", "surrogateescape")).hexdigest()  # noqa: PTH208


def _digest_of_value(value: str | None) -> str | None:
    return None if value is None else hashlib.sha256(portable(value).encode("utf-8", "surrogateescape")).hexdigest()


@functools.cache
def watch() -> None:
    """Let Python and libraries report what they read, once per process, before the modules of an analysis name them."""
    # The hook can't be removed, and hears nothing unless a block is recorded.
    for package in list(watching.READERS):
        if package in sys.modules:
            watching.watch(package)
    watching.watch_python()
    sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "import" and arguments[0] in watching.READERS and arguments[0] not in sys.modules:
        with contextlib.suppress(ImportError):
            importlib.import_module(arguments[0])
            watching.watch(arguments[0])
    handle = _HANDLERS.get(event)
    if handle is None or (reads := _active.get()) is None or getattr(_handling, "is_busy", False):
        return
    # What the handler itself reads doesn't count.
    _handling.is_busy = True
    try:
        handle(reads, event, arguments)
    finally:
        _handling.is_busy = False


def _opened(reads: Reads, event: str, arguments: tuple[Any, ...]) -> None:
    path, mode, flags = arguments
    if isinstance(path, int) or path is None:
        return
    name = _absolute(path)
    is_code = (name.endswith(_CODE) or "/__pycache__/" in name) and passes(_READ_CODE)
    if is_code or _is_left_out(name) or caller() is None:
        return
    access = (flags or 0) & os.O_ACCMODE
    if (mode and any(letter in mode for letter in "wxa")) or access == os.O_WRONLY:
        reads.written.add(name)
    else:
        _note_file(reads, name)


def _note_file(reads: Reads, name: str) -> None:
    if name in reads.files or name in reads.written or _is_left_out(name):
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
    if not _is_left_out(f"{name}/") and name not in reads.folders and caller() is not None:
        with contextlib.suppress(OSError):
            reads.folders[name] = _listing(name)
            reads.readers[name] = functions_of_the_user()


def _made_folder(reads: Reads, event: str, arguments: tuple[Any, ...]) -> None:
    if not isinstance(arguments[0], int):
        reads.written.add(_absolute(arguments[0]))


def _asked_for_state(reads: Reads, event: str, arguments: tuple[Any, ...]) -> None:
    path = arguments[0][0]
    if not isinstance(path, str | bytes | os.PathLike) or caller(_HELPERS) is None or passes(_SPELLING):
        return
    name = _absolute(path)
    if not _is_left_out(name) and name not in reads.written and name not in reads.states:
        reads.states[name] = _state(name)
        reads.readers.setdefault(name, functions_of_the_user())


def _asked_for_variable(reads: Reads, event: str, arguments: tuple[Any, ...]) -> None:
    if not isinstance(arguments[0], str | bytes):
        return
    name = os.fsdecode(arguments[0])
    if name not in CREDENTIALS and caller(_HELPERS) is not None and not passes({"expanduser"}):
        reads.variables.setdefault(name, os.environ.get(name))
        reads.readers.setdefault(name, functions_of_the_user())


def _ran(reads: Reads, event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse code that fingerprints can't follow, since no import names it or its folder isn't searched by them."""
    file = arguments[1] if event == "import" else getattr(arguments[0], "co_filename", None)
    name = _absolute(file or "")
    if not file or not os.path.isfile(name) or _is_left_out(name) or (place := caller(importing=True)) is None:  # noqa: PTH113
        return
    module = imported_module()
    if module is None and passes({"numba"}):
        # To compile expressions of arrays, numba runs code that it makes of the function.
        return
    if module is None:
        raise _refusal(place, f"runs the file {file}", "whose code fingerprints don't cover; import it by its name")
    folder = Path(name).parents[module.count(".") + name.endswith("/__init__.py")]
    if str(folder) in set(map(_absolute, sys.path)) - set(map(_absolute, _known_folders)):
        why = "which fingerprints don't search; add the folder where the analysis is imported, outside of functions"
        raise _refusal(place, f"imports {file} from a folder that a function added to sys.path", why)


def _loaded(reads: Reads, event: str, arguments: tuple[Any, ...]) -> None:
    """Record a library in C that user code loads by its path; the system finds others by their name."""
    if isinstance(arguments[0], str | bytes) and caller({"ctypes", "numpy"}) is not None:
        _note_file(reads, _absolute(arguments[0]))


def _refused(reads: Reads, event: str, arguments: tuple[Any, ...]) -> None:
    kind, position = _REFUSED[event]
    place = caller(_HELPERS if kind == "environment" else None)
    # Local sockets, such as those of a logging daemon, hold no data.
    if place is None or (event == "socket.connect" and isinstance(arguments[1], str | bytes)):
        return
    if kind == "process":
        raise _refusal(place, "starts a process", "whose reads nobody records; use threads instead")
    if kind == "environment":
        why = "so that a change of those it looks at couldn't be noticed; ask for each by its name"
        raise _refusal(place, "copies all variables of the environment", why)
    raise _unrepeatable(place, kind, arguments[position])


def _unrepeatable(place: str, kind: str, name: object) -> ConfigError:
    shown = name[0] if isinstance(name, tuple) and name else name
    shown = os.fsdecode(shown) if isinstance(shown, bytes) else shown
    does = "starts the program" if kind == "program" else f"reads the {kind}"
    instead = "run it before and read" if kind == "program" else "read"
    why = (
        f"whose content nobody could compare later; {instead} a file instead, by "
        "pocket.corrections.files.load_correction(path, name) or pocket.parameters.locations.local_path(path)"
    )
    return _refusal(place, f"{does} {shown}", why)


def _refusal(place: str, does: str, why: str) -> ConfigError:
    return ConfigError(f"{place}, {does}, {why}")


def _given(reads: Reads, event: str, arguments: tuple[Any, ...]) -> None:
    """Record the files that a reader of a library got; arguments that are no files aren't recorded."""
    place = caller()
    for given in _paths_in(arguments[0]) if place else ():
        if place and "://" in given and not given.startswith("file://"):
            raise _unrepeatable(place, "URL", given)
        _note_file(reads, _absolute(given))


def _paths_in(given: Iterable[Any]) -> Iterator[str]:
    """Yield the strings and paths in arguments, also those in lists, and what an asynchronous file system reads."""
    for value in given:
        if isinstance(value, str | os.PathLike):
            yield os.fsdecode(value)
        elif isinstance(value, list | tuple):
            yield from _paths_in(value)
        elif isinstance(value, type) and getattr(value, "async_impl", False):
            yield from (f"{protocol}://" for protocol in _paths_in([getattr(value, "protocol", ())]))


_HANDLERS: Mapping[str, Callable[[Reads, str, tuple[Any, ...]], None]] = {
    "ctypes.dlopen": _loaded,
    "exec": _ran,
    "import": _ran,
    "open": _opened,
    "os.listdir": _listed,
    "os.mkdir": _made_folder,
    "os.scandir": _listed,
    watching.GIVEN: _given,
    watching.STATE: _asked_for_state,
    watching.VARIABLE: _asked_for_variable,
    **dict.fromkeys(_REFUSED, _refused),
}


def _absolute(path: Any) -> str:
    return os.path.abspath(os.fsdecode(path))  # noqa: PTH100  Links stay.


def _is_left_out(name: str) -> bool:
    """Tell whether a file belongs to the system, or to Python and its packages."""
    if name.startswith(_SYSTEM):
        return not name.startswith(_SHARED_MEMORY)
    return name.startswith(_packages()) or "/site-packages/" in name or "/dist-packages/" in name


@functools.cache
def _packages() -> tuple[str, ...]:
    packages = {*map(sysconfig.get_path, ("stdlib", "platstdlib", "purelib", "platlib")), site.getusersitepackages()}
    return tuple(f"{folder}/" for folder in packages)
