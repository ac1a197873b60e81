from __future__ import annotations

import contextlib
import ctypes
import glob
import hashlib
import os
import shutil
import string
import sys
import tempfile
import threading
from collections import ChainMap
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import awkward_cpp
import correctionlib
import fsspec
import h5py
import numpy as np
import pyarrow
import pyarrow.csv
import pyarrow.json
import pyarrow.orc
import pytest
import yaml
from omegaconf import OmegaConf

from pocket.base.fingerprint.reads import changed_reads, recording_reads, watch
from pocket.corrections.files import load_correction
from pocket.errors import ConfigError
from pocket.parameters.used_files import recording_files
from tests.pocket.base.fingerprint.sources import digest_in, loaded, write_modules
from tests.pocket.base.fingerprint.test_reads import CORRECTION, file  # noqa: F401  a fixture

assert CORRECTION


@pytest.mark.parametrize("name", ["lib.py", "lib.pyc", "lib.so", "__pycache__/lib.txt"])
def test_data_are_recorded_whatever_their_name_is(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("1")
    for read in (Path.read_text, np.loadtxt):
        with recording_reads() as reads:
            read(path)
        assert list(reads.checksums()) == [str(path)]


def test_files_of_the_system_and_in_shared_memory_are_recorded() -> None:
    shared = Path(tempfile.mkstemp(dir="/dev/shm")[1])
    try:
        with recording_reads() as reads:
            shared.read_text()
            Path("/etc/passwd").read_text()
        assert list(reads.checksums()) == [str(shared), "/etc/passwd"]
    finally:
        shared.unlink()


def run_in_thread(function: Callable[[], Any]) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


class OwnThread(threading.Thread):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def run(self) -> None:
        self.path.read_text()


def run_own(path: Path, pool: ThreadPoolExecutor) -> None:
    thread = OwnThread(path)
    thread.start()
    thread.join()


THREADS: dict[str, Callable[[Path, ThreadPoolExecutor], Any]] = {
    "target": lambda path, pool: run_in_thread(path.read_text),
    "lambda": lambda path, pool: run_in_thread(lambda: path.read_text()),
    "thread in thread": lambda path, pool: run_in_thread(lambda: run_in_thread(path.read_text)),
    "correction": lambda path, pool: run_in_thread(lambda: correctionlib.CorrectionSet.from_file(str(path))),
    "pool": lambda path, pool: list(ThreadPoolExecutor(1).map(Path.read_text, [path])),
    "pool of before": lambda path, pool: pool.submit(path.read_text).result(),
    "own class": run_own,
}


@pytest.mark.parametrize("how", THREADS)
def test_threads_of_the_user_are_recorded(file: Path, how: str) -> None:  # noqa: F811
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        with recording_reads() as reads:
            THREADS[how](file, pool)
        assert list(reads.checksums()) == [str(file)]
        # a pool has no record but the one of its caller
        with recording_reads() as other:
            pass
        pool.submit(file.read_text).result()
        assert other.files == {}


def test_corrections_that_a_thread_loads_are_noted(file: Path) -> None:  # noqa: F811
    with recording_reads(), recording_files() as used:
        run_in_thread(lambda: load_correction(str(file), "sf"))
    assert list(used) == [str(file)]


def test_a_refusal_in_a_thread_names_the_place_of_its_start() -> None:
    with recording_reads(), ThreadPoolExecutor(1) as pool:
        started = pool.submit(os.system, "true")
        with pytest.raises(ConfigError, match=r"test_a_refusal.* in .*test_watching\.py, line \d+, starts the program"):
            started.result()


COPIES: list[Callable[[], Any]] = [
    lambda: dict(os.environ),
    lambda: {**os.environ},
    lambda: os.environ.copy(),
    lambda: list(os.environ),
    lambda: list(os.environ.items()),
    lambda: list(os.environ.values()),
    lambda: os.environ | {},
    lambda: dict(os.environb),
]


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_of_the_environment_is_refused(copy: Callable[[], Any]) -> None:
    expected = r"test_watching\.py, line \d+, copies all variables of the environment, .* ask for each by its name"
    with recording_reads(), pytest.raises(ConfigError, match=expected):
        copy()


def test_libraries_may_copy_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_modules(tmp_path / "site-packages", {"copier": "import os\ndef copy(): return dict(os.environ)"})
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    import copier  # type: ignore[import-not-found]

    with recording_reads() as reads:
        copier.copy()
        Path.home()
        Path("~").expanduser()
    assert reads.variables == {}
    del sys.modules["copier"]


ASKED: list[Callable[[str], Any]] = [
    lambda name: os.environb[name.encode()],
    lambda name: os.getenvb(name.encode()),
    lambda name: string.Template(f"${name}").substitute(os.environ),
    lambda name: f"{{{name}}}".format_map(os.environ),
    lambda name: ChainMap({}, os.environ)[name],
    lambda name: OmegaConf.create({"limit": f"${{oc.env:{name}}}"}).limit,
]


@pytest.mark.parametrize("ask", ASKED)
def test_variables_are_recorded_however_they_are_asked_for(
    ask: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_LIMIT", "30")
    with recording_reads() as reads:
        assert ask("MY_LIMIT") in ("30", b"30")
    assert reads.variables == {"MY_LIMIT": "30"}


LOOKS: list[Callable[[Path], object]] = [
    lambda path: path.exists(),
    lambda path: path.stat().st_size,
    os.path.exists,
    os.path.isfile,
    os.path.isdir,
    os.path.getsize,
    os.path.lexists,
    lambda path: os.stat(path),  # noqa: PTH116
    lambda path: glob.glob(str(path)),  # noqa: PTH207
]


@pytest.mark.parametrize("ask", LOOKS)
def test_the_size_of_a_file_is_recorded(file: Path, ask: Callable[[Path], object]) -> None:  # noqa: F811
    with recording_reads() as reads:
        ask(file)
    recorded = reads.checksums()
    assert recorded == {str(file): f"{file.stat().st_size} bytes"}
    os.utime(file, (0, 0))
    assert changed_reads(recorded, {}) == []
    file.write_text("other")
    assert changed_reads(recorded, {}) == [str(file)]


def test_what_is_there_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_ROOT", str(tmp_path))
    (tmp_path / "folder").mkdir()
    with recording_reads() as reads:
        (tmp_path / "nothing").exists()
        (tmp_path / "folder").exists()
    recorded = reads.checksums()
    assert recorded == {"<checkout>/folder": "folder", "<checkout>/nothing": "nothing"}
    assert changed_reads(recorded, {}) == []
    (tmp_path / "nothing").write_text("")
    (tmp_path / "folder").rmdir()
    assert changed_reads(recorded, {}) == list(recorded)


def test_what_the_code_made_itself_or_spells_out_is_no_input(tmp_path: Path) -> None:
    with recording_reads() as reads:
        (tmp_path / "made").mkdir()
        for path in (tmp_path / "made", tmp_path / "made" / "data.npy", tmp_path / "a.h5"):
            path.exists()
        np.save(tmp_path / "made" / "data.npy", [1])
        h5py.File(tmp_path / "a.h5", "w").close()
        (tmp_path / "made" / "data.npy").stat()
        Path(__file__).resolve()
        os.path.realpath(__file__)
        Path(yaml.__file__).exists()
    assert reads.states == {}


def test_the_content_says_more_than_the_size(file: Path) -> None:  # noqa: F811
    with recording_reads() as reads:
        file.exists()
        file.read_text()
    assert reads.checksums() == {str(file): hashlib.sha256(file.read_bytes()).hexdigest()}


def test_watched_functions_take_what_they_took(file: Path) -> None:  # noqa: F811
    with recording_reads(), file.open() as opened:
        assert os.stat(opened.fileno()).st_size == os.stat(path=file).st_size  # noqa: PTH116
        assert os.stat in os.supports_fd & os.supports_follow_symlinks


def test_a_library_in_c_is_recorded(tmp_path: Path) -> None:
    library = tmp_path / "library.so"
    (kernels,) = Path(awkward_cpp.__file__).parent.rglob("libawkward-cpu-kernels.so")
    shutil.copy(kernels, library)
    with recording_reads() as reads:
        ctypes.CDLL(str(library))
        ctypes.CDLL("libm.so.6")
        ctypes.CDLL(str(kernels))
    assert list(reads.checksums()) == [str(library)]


def test_tables_of_pyarrow_are_recorded(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "a.json").write_text('{"x": 1}')
    (tmp_path / "b.bin").write_bytes(b"1")
    pyarrow.orc.write_table(pyarrow.table({"x": [1]}), tmp_path / "a.orc")
    with recording_reads() as reads:
        pyarrow.csv.read_csv(tmp_path / "a.csv")
        pyarrow.json.read_json(str(tmp_path / "a.json"))
        pyarrow.orc.read_table(tmp_path / "a.orc")
        pyarrow.memory_map(str(tmp_path / "b.bin"), "r")
    assert list(reads.checksums()) == [str(tmp_path / name) for name in ("a.csv", "a.json", "a.orc", "b.bin")]


@pytest.mark.parametrize("protocol", ["file", "memory"])
def test_file_systems_of_this_machine_are_allowed(file: Path, protocol: str) -> None:  # noqa: F811
    with recording_reads() as reads:
        fsspec.filesystem(protocol).exists("/a")
        fsspec.open(f"{file}").open().close()
    assert str(file) in reads.files


@pytest.mark.parametrize("name", ["os.stat", "uproot.open"])
def test_watched_functions_have_the_fingerprint_of_the_librarys(name: str) -> None:
    module, _, function = name.partition(".")
    code = f"from {module} import {function} as given\nused = given\ndef cut(x): return used(x)"
    with recording_reads():
        pass
    watched = digest_in("cut", code)
    original = f"from {module} import {function} as given\nused = given.__pocket_watched__\ndef cut(x): return used(x)"
    assert digest_in("cut", original) == watched


def test_modules_of_an_analysis_name_watched_functions(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.delitem(sys.modules, "pyarrow.feather", raising=False)
    watch()
    code = "from os import stat\nfrom pyarrow.feather import read_table"
    with loaded(code) as module, recording_reads() as reads, contextlib.suppress(pyarrow.ArrowInvalid):
        module.stat(file)
        module.read_table(str(file))
    assert list(reads.files) == list(reads.states) == [str(file)]
