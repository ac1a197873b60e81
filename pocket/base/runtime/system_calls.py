"""Observer of what a process reads: its system calls, as strace prints them.

Records of reads that a process makes itself miss what its libraries open. The kernel misses nothing, so an audit holds
the records against its calls (:func:`unrecorded`).
"""

from __future__ import annotations

import codecs
import functools
import os
import re
import shutil
import site
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FILE, FOLDER, PROGRAM, SERVER = "file", "folder", "program", "server"

#: Calls that open, list, start or connect; the others cost nothing with seccomp.
_CALLS = "open,openat,openat2,creat,getdents,getdents64,execve,execveat,connect"
_STRACE = ("strace", "-ff", "-y", "-ttt", "-s", "4096", "-qqq", "--seccomp-bpf")
_LINE = re.compile(r"^(?P<time>[\d.]+) (?P<call>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+)(?:<(?P<path>.*)>)?")
_DESCRIPTOR = re.compile(r"^\d+<(?P<path>.*?)>, ")
_STRING = re.compile(r'"(?P<text>(?:[^"\\]|\\.)*)"')
_ADDRESS = re.compile(r'inet_(?:addr|pton)\((?:AF_INET6, )?"([^"]+)"')
_PORT = re.compile(r"sin6?_port=htons\((\d+)\)")
#: Files that are code, which fingerprints cover, or libraries of the system.
_CODE = re.compile(r"\.(py|pyc|pyi|nbi|nbc|pth)$|\.so(\.[\d.]+)?$|/gconv-modules\.cache$")
#: Files of the system: the kernel's, and settings that libraries look at when they are loaded.
_SYSTEM = (
    *("/proc/", "/sys/", "/dev/", "/run/", "/var/run/", "/etc/", "/usr/lib/locale/", "/usr/share/locale/"),
    *("/usr/share/zoneinfo/", "/usr/share/fonts/", "/usr/share/fontconfig/", "/var/cache/fontconfig/"),
    *("/usr/share/ca-certificates/", "/usr/lib/ssl/"),
)
#: Names of folders of packages.
_PACKAGES = ("site-packages", "dist-packages")
#: Programs that Python's own modules start, such as ``platform``, and matplotlib for its list of fonts.
_PROGRAMS = ("uname", "fc-list")
_FRAME = re.compile(r'^  File "(?P<file>[^"]+)", line (?P<line>\d+) in (?P<function>.+)$', re.MULTILINE)


@dataclass(frozen=True)
class Access:
    """Something that a process read, listed, started or connected to: a path without links, or address and port."""

    kind: str
    name: str


@functools.cache
def can_trace() -> bool:
    """Tell whether strace is here and may trace processes, which containers may forbid."""
    if shutil.which("strace") is None:
        return False
    try:
        return subprocess.run([*_STRACE, "-o", os.devnull, "true"], capture_output=True).returncode == 0
    except OSError:
        return False


def traced(command: Sequence[str], trace: Path) -> list[str]:
    """Return the command that runs another one, and writes the calls of each of its threads beside ``trace``."""
    return [*_STRACE, "-e", f"trace={_CALLS}", "-o", str(trace), *command]


def read_trace(trace: Path, begin: Path) -> list[Access]:
    """Return what processes read after they made the file ``begin``, without what they had written."""
    files = trace.parent.glob(f"{trace.name}.*")
    lines = (line for file in files for line in file.read_text("utf-8", "replace").splitlines())
    calls = sorted((match for match in map(_LINE.match, lines) if match), key=lambda match: float(match["time"]))
    own: set[str] = set()
    found: dict[Access, None] = {}
    for call in calls:
        access = _access(call["call"], call["arguments"], int(call["result"]), _decoded(call["path"] or ""), own)
        if access is not None and str(begin) in own:
            found[access] = None
    return list(found)


def _access(call: str, arguments: str, result: int, path: str, own: set[str]) -> Access | None:
    if call == "connect":
        address = _ADDRESS.search(arguments)
        port = _PORT.search(arguments)
        return Access(SERVER, f"{address[1]}:{port[1] if port else ''}") if address else None
    if result < 0:
        return None
    if call.startswith("execve"):
        program = _STRING.search(arguments)
        return Access(PROGRAM, _decoded(program["text"]) if program else arguments)
    if call.startswith("getdents"):
        listed = _DESCRIPTOR.match(arguments)
        return Access(FOLDER, _decoded(listed["path"])) if listed else None
    if call == "creat" or "O_TRUNC" in arguments or ("O_CREAT" in arguments and "O_EXCL" in arguments):
        own.add(path)
    if path in own or "O_WRONLY" in arguments or "O_DIRECTORY" in arguments or "O_PATH" in arguments:
        return None
    return Access(FILE, path) if path.startswith("/") else None


def _decoded(text: str) -> str:
    content, _ = codecs.escape_decode(text.encode())
    return os.fsdecode(content)


def unrecorded(
    accesses: Iterable[Access], recorded: Iterable[str], folders: Iterable[str], *, servers: bool = False
) -> Iterator[Access]:
    """Yield what was read, but neither recorded nor part of Python, its packages, code or the system.

    Args:
        recorded: paths of files, and of listed folders with a slash at their end.
        folders: folders whose files are known otherwise, such as the store and temporary folders.
        servers: whether reading from servers is expected, since the data are there.
    """
    files = {os.path.realpath(path) + ("/" if path.endswith("/") else "") for path in recorded}
    known = (*_python(), *(f"{os.path.realpath(folder)}/" for folder in folders))
    for access in accesses:
        name = access.name
        if access.kind == SERVER:
            if not servers:
                yield access
        elif access.kind == PROGRAM:
            if os.path.realpath(name) != os.path.realpath(sys.executable) and Path(name).name not in _PROGRAMS:
                yield access
        elif access.kind == FOLDER:
            path = f"{name.rstrip('/')}/"
            if path not in files and not path.startswith((*known, *_SYSTEM)) and not _has_code(name):
                yield access
        # A folder may be opened like a file.
        elif name not in files and not _CODE.search(name) and not f"{name}/".startswith((*known, *_SYSTEM)):
            yield access


@functools.cache
def _python() -> tuple[str, ...]:
    folders = {*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix, site.getusersitepackages()} - {"/", "/usr"}
    # An environment may have the packages of another one.
    folders |= {folder for folder in sys.path if Path(folder).name in _PACKAGES}
    return tuple(f"{os.path.realpath(folder)}/" for folder in sorted(folders))


def _has_code(folder: str) -> bool:
    """Tell whether Python lists a folder to import from it."""
    try:
        return any(name.endswith(".py") for name in os.listdir(folder)) or folder in map(os.path.realpath, sys.path)  # noqa: PTH208
    except OSError:
        return True


def find_reader(command: Sequence[str], environment: Mapping[str, str], path: str, folder: Path) -> str:
    """Return the innermost function outside of packages in which a command opens a file; empty if it isn't found."""
    # The command runs again, and gets a signal from strace when it opens the file; print_on_signal() waits for that.
    out = folder / "reader"
    options = ("-P", path, "-e", "inject=open,openat,openat2:signal=USR1", "-o", str(folder / "again"))
    subprocess.run(
        [*_STRACE, *options, *command], env={**environment, _PRINTS: str(out)}, capture_output=True, check=False
    )
    frames = _FRAME.finditer(out.read_text() if out.exists() else "")
    for frame in frames:
        if not os.path.realpath(frame["file"]).startswith(_python()) and not frame["file"].startswith("<"):
            return f"{frame['function']} in {frame['file']}, line {frame['line']}"
    return ""


#: Environment variable with the file that a traceback is written to, see :func:`print_on_signal`.
_PRINTS = "POCKET_PRINTS_READER"


def print_on_signal() -> None:
    """Write the traceback of this process when it opens the file for which :func:`find_reader` started it."""
    if place := os.environ.get(_PRINTS):
        import faulthandler
        import signal

        faulthandler.register(signal.SIGUSR1, file=Path(place).open("w"), all_threads=False)  # noqa: SIM115 (stays open)
