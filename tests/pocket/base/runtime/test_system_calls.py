from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pocket.base.runtime.system_calls import (
    FILE,
    FOLDER,
    PROGRAM,
    SERVER,
    Access,
    can_trace,
    find_reader,
    read_trace,
    traced,
    unrecorded,
)

CALLS = {
    "1": [
        'execve("/usr/bin/python3", ["python3"], 0x7) = 0',
        'openat(AT_FDCWD</work>, "early.txt", O_RDONLY|O_CLOEXEC) = 3</work/early.txt>',
        'openat(AT_FDCWD</work>, "begin", O_WRONLY|O_CREAT|O_EXCL, 0666) = 3</work/begin>',
        'openat(AT_FDCWD</work>, "a.txt", O_RDONLY|O_CLOEXEC) = 3</data/a.txt>',
        'openat(AT_FDCWD</work>, "missing.txt", O_RDONLY) = -1 ENOENT (No such file or directory)',
        'openat(AT_FDCWD</work>, "own.txt", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 4</work/own.txt>',
        'openat(AT_FDCWD</work>, "own.txt", O_RDONLY) = 4</work/own.txt>',
        'openat(AT_FDCWD</work>, "log.txt", O_WRONLY|O_CREAT|O_APPEND, 0666) = 4</work/log.txt>',
        'openat(AT_FDCWD</work>, "log.txt", O_RDONLY) = 4</work/log.txt>',
        'openat(AT_FDCWD</work>, "m\\303\\274.txt", O_RDONLY) = 4</work/m\\303\\274.txt>',
    ],
    "2": [
        'openat(AT_FDCWD</work>, "folder", O_RDONLY|O_DIRECTORY) = 5</work/folder>',
        "getdents64(5</work/folder>, 0x5 /* 3 entries */, 32768) = 80",
        'execve("/bin/cat", ["cat"], 0x7) = 0',
        'connect(3<socket:[1]>, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("192.0.2.1")}, 16) = 0',
        'connect(3<socket:[1]>, {sa_family=AF_UNIX, sun_path="/run/nscd"}, 16) = -1 ENOENT',
        "+++ exited with 0 +++",
    ],
}
READ = [
    *(Access(FILE, name) for name in ("/data/a.txt", "/work/log.txt", "/work/mü.txt")),
    *(Access(FOLDER, "/work/folder"), Access(PROGRAM, "/bin/cat"), Access(SERVER, "192.0.2.1:80")),
]


def test_trace_is_read(tmp_path: Path) -> None:
    number = 0
    for thread, lines in CALLS.items():
        timed = [f"{1000 + (number := number + 1)}.5 {line}\n" for line in lines]
        (tmp_path / f"calls.{thread}").write_text("".join(timed))
    assert read_trace(tmp_path / "calls", Path("/work/begin")) == READ
    assert read_trace(tmp_path / "calls", Path("/work/other")) == []


def test_what_is_unrecorded(tmp_path: Path) -> None:
    # a folder that is gone was the process' own
    assert list(unrecorded(READ, [], [])) == [*READ[:3], *READ[4:]]
    read = [*READ[:3], Access(FOLDER, str(tmp_path)), *READ[4:]]
    assert list(unrecorded(read, [], [])) == read
    assert list(unrecorded(read, ["/data/a.txt", f"{tmp_path}/"], [])) == [*read[1:3], *read[4:]]
    assert list(unrecorded(read, [], ["/work", "/data", str(tmp_path)], servers=True)) == [read[4]]
    (tmp_path / "cuts.py").touch()
    assert read[3] not in unrecorded(read, [], [])
    # a file beside a folder that is known
    assert list(unrecorded([Access(FILE, "/workshop/a")], [], ["/work"])) == [Access(FILE, "/workshop/a")]
    system = ("/usr/lib/libm.so.6", "/etc/passwd", "/proc/self/maps", "/work/cuts.py", f"{sys.prefix}/share/a.json")
    assert list(unrecorded([Access(FILE, name) for name in system], [], [])) == []
    assert list(unrecorded([Access(FILE, "/usr/share/numbers.txt")], [], [])) != []


PROGRAM_TEXT = """
import ctypes, sys
from pocket.base.runtime.system_calls import print_on_signal

def hidden():
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    assert libc.fopen(sys.argv[2].encode(), b"r")

print_on_signal()
open(sys.argv[1], "x").close()
hidden()
"""


@pytest.mark.strace
def test_a_process_is_observed(tmp_path: Path) -> None:
    assert can_trace()
    (tmp_path / "secret.txt").write_text("7")
    (tmp_path / "program.py").write_text(PROGRAM_TEXT)
    root = str(Path(__file__).parents[4])
    environment = {**os.environ, "PYTHONPATH": root}
    command = [sys.executable, str(tmp_path / "program.py"), str(tmp_path / "begin"), str(tmp_path / "secret.txt")]
    subprocess.run(traced(command, tmp_path / "calls"), env=environment, check=True)
    found = list(unrecorded(read_trace(tmp_path / "calls", tmp_path / "begin"), [], []))
    assert found == [Access(FILE, str(tmp_path / "secret.txt"))]
    (tmp_path / "begin").unlink()
    reader = find_reader(command, environment, str(tmp_path / "secret.txt"), tmp_path)
    assert reader == f"hidden in {tmp_path / 'program.py'}, line 8"
    (tmp_path / "begin").unlink()
    assert find_reader(command, environment, str(tmp_path / "other.txt"), tmp_path) == ""
