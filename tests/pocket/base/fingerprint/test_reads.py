from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import linecache
import multiprocessing
import os
import pickle
import runpy
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import correctionlib
import fsspec
import h5py
import numba
import numpy as np
import pyarrow
import pyarrow.dataset
import pyarrow.feather
import pyarrow.parquet
import pytest
import uproot
import yaml

from pocket.base.fingerprint.reads import changed_reads, recording_reads
from pocket.base.typing import Floats
from pocket.corrections.files import load_correction
from pocket.errors import ChangedFileError, ConfigError
from tests.entries import check_each
from tests.pocket.base.fingerprint.sources import write_modules

CORRECTION = {
    "schema_version": 2,
    "corrections": [
        {
            "name": "sf",
            "version": 1,
            "inputs": [],
            "output": {"name": "sf", "type": "real"},
            "data": {"nodetype": "formula", "expression": "1", "parser": "TFormula", "variables": []},
        }
    ],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "numbers.json"
    path.write_text(json.dumps(CORRECTION))
    return path


def load(path: Path, loader: Callable[[Any], object]) -> object:
    with path.open("rb") as opened:
        return loader(opened)


READERS: dict[str, Callable[[Path], Any]] = {
    "open": lambda path: open(path).close(),  # noqa: PTH123
    "os.open": lambda path: os.close(os.open(path, os.O_RDONLY)),
    "path": lambda path: path.read_text(),
    "json": lambda path: json.loads(path.read_bytes()),
    "pickle": lambda path: load(path, lambda opened: pickle.Unpickler(opened)),
    "yaml": lambda path: load(path, yaml.safe_load),
    "relative": lambda path: Path(os.path.relpath(path)).read_text(),
    "correctionlib": lambda path: correctionlib.CorrectionSet.from_file(str(path)),
}


@pytest.mark.parametrize("reader", READERS)
def test_files_are_recorded_with_the_checksum_of_their_content(file: Path, reader: str) -> None:
    with recording_reads() as reads:
        READERS[reader](file)
    assert reads.checksums() == {str(file): hashlib.sha256(file.read_bytes()).hexdigest()}


def test_files_that_libraries_open_are_recorded(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(3))
    with h5py.File(tmp_path / "a.h5", "w") as written:
        written["x"] = [1, 2]
    with recording_reads() as reads:
        np.load(tmp_path / "a.npy")
        h5py.File(tmp_path / "a.h5").close()
    assert list(reads.checksums()) == [str(tmp_path / "a.h5"), str(tmp_path / "a.npy")]


def test_files_that_readers_get_in_other_forms_are_recorded(tmp_path: Path) -> None:
    table = pyarrow.table({"x": [1]})
    files = [tmp_path / name for name in ("a.feather", "a.h5", "a.parquet", "b.parquet")]
    pyarrow.feather.write_feather(table, files[0])
    h5py.File(files[1], "w").close()
    for file in files[2:]:
        pyarrow.parquet.write_table(table, file)
    reading: list[tuple[Callable[[], object], list[Path]]] = [
        (lambda: h5py.File(mode="r", name=files[1]).close(), files[1:2]),
        (lambda: pyarrow.parquet.read_table(columns=["x"], source=files[2]), files[2:3]),
        (lambda: pyarrow.parquet.read_schema(files[2]), files[2:3]),
        (lambda: pyarrow.dataset.dataset(list(map(str, files[2:]))).to_table(), files[2:]),
        (lambda: pyarrow.feather.read_table(str(files[0])), files[:1]),
    ]
    for read, expected in reading:
        with recording_reads() as reads:
            read()
        assert list(reads.checksums()) == list(map(str, expected))


def test_a_library_that_is_imported_by_the_code_itself_is_watched(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a stand-in for a library that opens files in C++
    session = "import os\nclass InferenceSession:\n    def __init__(self, path): self.size = os.stat(path).st_size\n"
    write_modules(tmp_path / "site-packages", {"onnxruntime": session})
    monkeypatch.syspath_prepend(str(tmp_path / "site-packages"))
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    with recording_reads() as reads:
        import onnxruntime

        assert onnxruntime.InferenceSession(str(file)).size == file.stat().st_size
    assert list(reads.checksums()) == [str(file)]
    del sys.modules["onnxruntime"]


def test_what_the_engine_opens_is_its_own_business(file: Path) -> None:
    with recording_reads() as reads:
        load_correction(str(file), "sf")
    assert reads.files == {}


def test_code_packages_and_the_system_are_no_files_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_modules(tmp_path, {"lib_of_reads": "X = 1"})
    monkeypatch.syspath_prepend(str(tmp_path))
    with recording_reads() as reads:
        for path in (Path(yaml.__file__).with_name("py.typed"), Path("/proc/self/status")):
            with contextlib.suppress(FileNotFoundError):
                path.read_bytes()
        import lib_of_reads  # type: ignore[import-not-found]

        linecache.getlines(lib_of_reads.__file__)
    assert reads.checksums() == {}
    del sys.modules["lib_of_reads"]


def test_nothing_is_recorded_outside_of_the_block_or_by_a_thread_of_before(file: Path) -> None:
    begin = threading.Event()
    thread = threading.Thread(target=lambda: (begin.wait(), file.read_text()))
    thread.start()
    with recording_reads() as reads:
        begin.set()
        thread.join()
    file.read_text()
    assert reads.files == {}


def test_what_the_code_wrote_itself_is_no_input(tmp_path: Path) -> None:
    with recording_reads() as reads, tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "own.txt")
        path.write_text("own")
        assert path.read_text() == "own"
    assert reads.checksums() == {}


def test_folders_are_recorded_with_the_names_in_them(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with recording_reads() as reads:
        os.listdir(tmp_path)  # noqa: PTH208
    recorded = reads.checksums()
    assert list(recorded) == [f"{tmp_path}/"]
    assert changed_reads(recorded, {}) == []
    (tmp_path / "b.json").write_text("{}")
    assert changed_reads(recorded, {}) == [f"{tmp_path}/"]


def test_files_below_the_checkout_are_named_relative_to_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_ROOT", str(file.parent))
    with recording_reads() as reads:
        file.read_text()
    recorded = reads.checksums()
    assert list(recorded) == ["<checkout>/numbers.json"]
    # in another checkout it may have another content, or be missing
    other = file.parent / "other"
    other.mkdir()
    monkeypatch.setenv("POCKET_ROOT", str(other))
    assert changed_reads(recorded, {}) == ["<checkout>/numbers.json"]
    (other / file.name).write_bytes(file.read_bytes())
    assert changed_reads(recorded, {}) == []


def test_a_changed_file_is_noticed(file: Path) -> None:
    with recording_reads() as reads:
        file.read_text()
    recorded = reads.checksums()
    assert changed_reads(recorded, {}) == []
    file.write_text("{}")
    assert changed_reads(recorded, {}) == [str(file)]
    file.unlink()
    assert changed_reads(recorded, {}) == []


def test_a_file_that_changes_meanwhile_is_an_error(file: Path) -> None:
    with recording_reads() as reads:
        file.read_text()
        file.write_text("[]")
    # it was written by the code itself, so it is as it should be for that
    with recording_reads() as reads:
        file.read_text()
    file.write_text("{}")
    with pytest.raises(ChangedFileError, match=r"numbers\.json was changed while it was used: run this again"):
        reads.checksums()
    file.unlink()
    with pytest.raises(ChangedFileError, match="was removed"):
        reads.checksums()


def test_inputs_and_outputs_of_steps_are_no_files_of_the_user(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    store.mkdir()
    (store / "result.json").write_text("{}")
    monkeypatch.setenv("POCKET_STORE", str(store))
    with recording_reads() as reads:
        for path in (file, store / "result.json"):
            path.read_text()
    assert reads.record([str(file)]) == {"files": {}, "variables": {}}


@pytest.fixture
def variable(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("MY_LIMIT", "30")
    return "MY_LIMIT"  # type: ignore[return-value]


@pytest.mark.parametrize(
    "ask",
    [lambda name: os.environ[name], os.environ.get, os.getenv, lambda name: os.path.expandvars(f"${name}")],
)
def test_environment_variables_are_recorded(
    variable: str, ask: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with recording_reads() as reads:
        assert ask(variable) == "30"
    recorded = reads.variable_digests()
    assert list(recorded) == [variable]
    assert "30" not in json.dumps(recorded)
    assert changed_reads({}, recorded) == []
    monkeypatch.setenv(variable, "25")
    assert changed_reads({}, recorded) == [variable]
    monkeypatch.delenv(variable)
    assert changed_reads({}, recorded) == [variable]


def test_a_variable_that_is_not_set_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_LIMIT", raising=False)
    with recording_reads() as reads:
        assert os.environ.get("MY_LIMIT") is None
        assert "MY_LIMIT" not in os.environ
    recorded = reads.variable_digests()
    assert recorded == {"MY_LIMIT": None}
    assert changed_reads({}, recorded) == []
    monkeypatch.setenv("MY_LIMIT", "30")
    assert changed_reads({}, recorded) == ["MY_LIMIT"]


def test_credentials_are_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X509_USER_PROXY", "/tmp/x509up_u0")
    with recording_reads() as reads:
        assert os.environ["X509_USER_PROXY"] == "/tmp/x509up_u0"
    assert reads.variables == {}


def run_by_path(path: str) -> None:
    spec = importlib.util.spec_from_file_location("by_path", path)
    assert spec is not None
    assert spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


@pytest.mark.parametrize("run", [run_by_path, runpy.run_path])
def test_code_by_its_path_is_refused(tmp_path: Path, run: Callable[[str], object]) -> None:
    write_modules(tmp_path, {"by_path": "LEAST = 3"})
    run(str(tmp_path / "by_path.py"))
    expected = r"in .*test_reads\.py, line \d+, runs the file .*by_path\.py, .* import it by its name"
    with recording_reads(), pytest.raises(ConfigError, match=expected):
        run(str(tmp_path / "by_path.py"))


def test_compilation_of_an_expression_of_arrays_is_not_refused() -> None:
    @numba.njit
    def scaled(values: Floats) -> Floats:
        return 2 * values + 1

    with recording_reads() as reads:
        assert scaled(np.ones(2)).tolist() == [3.0, 3.0]
    assert list(reads.files) == []


def test_an_import_from_a_folder_that_a_function_adds_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_modules(tmp_path, {"late_of_reads": "LEAST = 3", "known.of_reads": "LEAST = 3"})
    monkeypatch.setattr(sys, "path", [str(tmp_path / "known"), *sys.path])
    monkeypatch.setattr("pocket.base.fingerprint.reads._added_folders", set())

    def load(name: str) -> None:
        sys.path.insert(0, str(tmp_path))
        importlib.import_module(name)

    # also when the folder is still there from before
    for _ in range(2):
        expected = r"load in .*, line \d+, imports .*late_of_reads\.py from a folder that a function added to sys\.path"
        with recording_reads(), pytest.raises(ConfigError, match=expected):
            load("late_of_reads")
    with recording_reads():
        load("of_reads")
    del sys.modules["of_reads"]


def start_process(method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    context.Process(target=print).start()


PROCESSES: list[Callable[[], object]] = [
    lambda: os.fork() or os._exit(0),
    lambda: start_process("fork"),
    lambda: start_process("spawn"),
    lambda: start_process("forkserver"),
    lambda: ProcessPoolExecutor(1).submit(int),
]


@pytest.mark.parametrize("start", PROCESSES)
def test_processes_are_refused(start: Callable[[], object]) -> None:
    with recording_reads(), pytest.raises(ConfigError, match=r"test_reads\.py, line \d+, starts a process, .* threads"):
        start()


def connect(port: int) -> None:
    with socket.socket() as client:
        client.settimeout(1)
        client.connect(("127.0.0.1", port))


@check_each(
    ("read", "what"),
    [
        (lambda: connect(9), r"reads the server 127\.0\.0\.1"),
        (lambda: socket.getaddrinfo("nowhere.invalid", 80), r"reads the server nowhere\.invalid"),
        (lambda: socket.gethostbyname("nowhere.invalid"), r"reads the server nowhere\.invalid"),
        (lambda: urllib.request.urlopen("http://127.0.0.1:9/"), r"reads the URL http://127\.0\.0\.1:9/"),
        (lambda: uproot.open("root://127.0.0.1:9//a.root"), r"reads the URL root://127\.0\.0\.1:9//a\.root"),
        (lambda: fsspec.open("http://127.0.0.1:9/a").open(), r"reads the URL http://"),
        (lambda: fsspec.filesystem("https"), r"reads the URL http://"),
        (lambda: sqlite3.connect(":memory:"), "reads the database :memory:"),
        (lambda: subprocess.run(["true"]), "starts the program true"),
        (lambda: os.system("true"), "starts the program true"),
    ],
)
def test_what_can_not_be_compared_later_is_refused(read: Callable[[], object], what: str) -> None:
    expected = rf"test_reads\.py, line \d+, {what}, .*load_correction.*local_path"
    with recording_reads(), pytest.raises(ConfigError, match=expected):
        read()
