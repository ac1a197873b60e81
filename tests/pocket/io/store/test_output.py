from __future__ import annotations

import datetime
import itertools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pocket.base.containers import existing_place
from pocket.errors import ConfigError, PocketError
from pocket.io.store import is_complete, manifest_id, manifest_of, read_manifest, write_output
from pocket.io.store.packing import contents_of_output
from pocket.io.store.publishing import _host, prepare_places
from tests.entries import check_each
from tests.pocket.io.store.writer import write

ROOT = Path(__file__).parents[4]


def holds(directory: Path) -> int:
    """Return the number that all files of a writer's output and its manifest agree on."""
    manifest = manifest_of(directory)
    assert manifest is not None
    number = int(manifest.info["number"])
    assert manifest.inputs == {"number": str(number)}
    assert set(manifest.files) == {"a.txt", "b.txt", "sub/c.txt"}
    contents = contents_of_output(existing_place(directory))
    assert all(contents[name].decode() == f"{number:06d}" * 1000 for name in manifest.files)
    return number


def start_writer(directory: Path, first: int, times: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.pocket.io.store.writer", str(directory), str(first), str(times)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.stdout.close()
    return process


def test_manifest_tells_what_was_written(tmp_path: Path) -> None:
    bad_files: list[str] = []
    with write_output(tmp_path / "a" / "b", task="Merge", inputs={"x": "1"}, bad_files=bad_files) as temporary:
        assert temporary.parent == tmp_path / "a"
        assert re.fullmatch(rf"\.b\.tmp-{re.escape(_host())}-{os.getpid()}-[0-9a-f]+", temporary.name)
        (temporary / "one.txt").write_bytes(b"abc")
        bad_files.append("broken.root")
        assert not (tmp_path / "a" / "b").exists()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]
    manifest = read_manifest(tmp_path / "a" / "b")
    assert manifest is not None
    assert (manifest.task, manifest.inputs, manifest.info) == ("Merge", {"x": "1"}, {"bad_files": ["broken.root"]})
    record = manifest.files["one.txt"]
    assert record.size == 3
    assert record.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert record.mtime_ns == (tmp_path / "a" / "b" / "one.txt").stat().st_mtime_ns
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(manifest.created)
    assert datetime.timedelta(seconds=-1) < age < datetime.timedelta(minutes=1)
    assert manifest.software["python"] == sys.version.split()[0]
    assert json.loads((tmp_path / "a" / "b" / "manifest.json").read_text())["id"] == manifest.id


def test_an_output_made_again_replaces_the_old_one_and_has_the_same_id(tmp_path: Path) -> None:
    write(tmp_path / "out", 1)
    (tmp_path / "out" / "extra").write_text("of the old one")
    first = read_manifest(tmp_path / "out")
    assert first is not None
    write(tmp_path / "out", 1)
    second = read_manifest(tmp_path / "out")
    assert second is not None
    assert second.id == first.id
    assert second.writing != first.writing
    assert not (tmp_path / "out" / "extra").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@check_each(
    ("content", "info", "same"),
    [
        ("a", {}, True),
        ("a", {"skipped": {}, "params": ["x=1"], "cpu": 3.0}, True),
        ("b", {}, False),
        ("a", {"skipped": {"file.root": "it is empty"}}, False),
        ("a", {"missing": {"DY": 0.1}}, False),
        ("a", {"absent_triggers": ["HLT_IsoMu22"]}, False),
        ("a", {"failed": ["a check"]}, False),
        ("a", {"iterations": 4}, False),
    ],
)
def test_the_id_is_that_of_the_content(tmp_path: Path, content: str, info: dict[str, object], same: bool) -> None:
    ids = []
    for inputs, text, record in (({"x": "1"}, "a", {}), ({"x": "2"}, content, info)):
        with write_output(tmp_path / "out", task="T", inputs=inputs, **record) as folder:
            (folder / "file").write_text(text)
        ids.append(manifest_id(tmp_path / "out"))
    assert (ids[0] == ids[1]) == same


def test_which_files_were_skipped_counts_and_not_why(tmp_path: Path) -> None:
    ids = []
    for name, reason in (("a", "no server"), ("a", "timeout"), ("b", "timeout")):
        with write_output(tmp_path / "out", task="T", inputs={}, skipped={name: reason}) as folder:
            (folder / "file").touch()
        ids.append(manifest_id(tmp_path / "out"))
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), SystemExit(1)])
def test_what_was_there_stays_if_the_body_fails(tmp_path: Path, error: BaseException) -> None:
    def fail() -> None:
        with write_output(tmp_path / "out", task="T", inputs={}) as temporary:
            (temporary / "half").write_text("…")
            raise error

    for expected in ([], ["out"]):
        with pytest.raises(type(error)):
            fail()
        assert [path.name for path in tmp_path.iterdir()] == expected
        write(tmp_path / "out", 1)
    assert holds(tmp_path / "out") == 1


def test_the_manifests_name_is_reserved(tmp_path: Path) -> None:
    with (
        pytest.raises(ConfigError, match=r"task 'T' wrote a file 'manifest\.json'"),
        write_output(tmp_path / "out", task="T", inputs={}) as temporary,
    ):
        (temporary / "manifest.json").write_text("{}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_an_output_without_a_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="task 'T' wrote no file: write_output"):  # noqa: SIM117
        with write_output(tmp_path / name, task="T", inputs={}) as folder:
            (folder / "empty").mkdir()
    assert not is_complete(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_store_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    for directory in (tmp_path / "file" / "out", tmp_path / "file" / "deep" / "out", Path("/proc/pocket/out")):
        with (
            pytest.raises(PocketError, match=f"^can't write {re.escape(str(directory))} in the store: .*"),
            write_output(directory, task="T", inputs={}),
        ):
            pytest.fail("the body must not run")
    with (
        pytest.raises(PocketError, match=r"can't write .*file in the store: Not a directory"),
        write_output(tmp_path / "file", task="T", inputs={}) as folder,
    ):
        (folder / "file").touch()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_only_leftovers_of_dead_processes_are_removed(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    dead = process.pid
    kept = [
        f".out.tmp-{_host()}-{os.getpid()}-ab",
        f".out.tmp-elsewhere-{dead}-ab",
        f".other.old-{_host()}-{os.getpid()}-ab",
        f".out.tmp-{_host()}-7-{dead}-ab",
        f"out.tmp-{_host()}-{dead}-ab",
        ".out.tmp-unknown",
    ]
    # of a job, so long ago that it doesn't run any more
    abandoned = f".out.tmp-elsewhere-{os.getpid()}-cd"
    left = [f".{of}.{kind}-{_host()}-{dead}-1b" for of in ("out", "other") for kind in ("tmp", "old")]
    for name in [*kept, *left, abandoned]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("…")
    os.utime(tmp_path / abandoned, times=(0, 0))
    containers = f".out.zip.tmp-{_host()}-{os.getpid()}-ab", f".out.zip.tmp-{_host()}-{dead}-ab"
    for name in containers:
        (tmp_path / name).write_text("…")
    kept, left = [*kept, containers[0]], [*left, containers[1]]
    write(tmp_path / "out", 1)
    # outputs list no folder, of which there may be thousands: a task does so once
    assert {path.name for path in tmp_path.iterdir()} == {*kept, *left, abandoned, "out"}
    prepare_places([tmp_path])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*kept, "out"])


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_process_that_ended_is_dead_before_its_parent_looks(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    left = tmp_path / f".out.tmp-{_host()}-{process.pid}-1b"
    left.mkdir()
    os.kill(process.pid, 0)  # its number is still there
    prepare_places([tmp_path])
    assert not left.exists()
    process.wait()


def test_process_of_somebody_else_is_not_dead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(process: int, signal: int) -> None:
        raise PermissionError(process)

    monkeypatch.setattr(os, "kill", refuse)
    theirs = tmp_path / f".out.tmp-{_host()}-{os.getpid()}-ab"
    theirs.mkdir()
    prepare_places([tmp_path])
    assert theirs.exists()


# No version writes folders where containers were.
@pytest.mark.parametrize(
    ("name", "old"), [("out", ""), ("out", "out"), ("out.zip", ""), ("out.zip", "out"), ("out.zip", "out.zip")]
)
@pytest.mark.parametrize("scratch", [False, True])
def test_a_killed_writer_leaves_nothing_half_written(
    tmp_path: Path, name: str, old: str, scratch: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setenv("POCKET_SCRATCH", str(tmp_path / "scratch") if scratch else "")
    directory = tmp_path / "store" / name
    command = [sys.executable, "-m", "tests.pocket.io.store.killed_writer", str(directory)]
    seen: list[int | None] = []
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for moment in itertools.count(1):
            shutil.rmtree(directory.parent)
            if old:
                write(directory.with_name(old), 1)
            print(2, moment, file=process.stdin, flush=True)
            status = int(process.stdout.readline())
            if status == 0:
                # It had no such step any more.
                break
            assert os.WTERMSIG(status) == signal.SIGKILL
            if is_complete(directory):
                seen.append(holds(directory))
            else:
                assert not existing_place(directory).exists()
                seen.append(None)
            # What it left goes when a task begins to write there.
            prepare_places([directory.parent])
            write(directory.with_name("other"), 1)
            assert {path.name for path in directory.parent.iterdir()} <= {"other", name, old}
            write(directory, 3)
            assert holds(directory) == 3
            assert {path.name for path in directory.parent.iterdir()} == {"other", name}
        process.stdin.close()
    # The old folder goes aside, and the new one takes its place; between these two there is none. A container replaces
    # it at once.
    states = [state for state, _ in itertools.groupby(seen)]
    assert states == ([None, 2] if not old else [1, None, 2] if name == "out" else [1, 2])
    assert seen.count(states[0]) > 10


def test_writer_killed_before_it_removed_the_old_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "out", 1)
    process = start_writer(tmp_path / "out", first=2, times=0)
    process.wait()
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: process.pid)
        patch.setattr("shutil.rmtree", lambda path, ignore_errors: None)
        write(tmp_path / "out", 2)
    (old,) = tmp_path.glob(".*")
    assert holds(tmp_path / "out") == 2
    assert holds(old) == 1
    prepare_places([tmp_path])
    write(tmp_path / "other", 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "out"]
    assert holds(tmp_path / "out") == 2


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_concurrent_writers_leave_the_output_of_one(tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    processes = [start_writer(directory, first=1000 * writer, times=15) for writer in range(4)]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    assert holds(directory) % 1000 == 14
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("inputs", "share", "stays"), [({"a": "1"}, 0.1, True), ({"a": "2"}, 0.1, False), ({"a": "1"}, 0.2, False)]
)
def test_an_equal_output_written_meanwhile_stays(
    tmp_path: Path, inputs: dict[str, str], share: float, stays: bool
) -> None:
    place = tmp_path / "out"
    for _ in range(2):
        # something may have been made from the one that another process wrote since; the one from before is replaced
        with write_output(place, task="T", inputs={"a": "1"}, missing={"DY": 0.1}, cpu=1.0) as ours:
            (ours / "x").write_text("ours")
            with write_output(place, task="T", inputs=inputs, missing={"DY": share}, cpu=2.0) as theirs:
                (theirs / "x").write_text("theirs")
            identifier = manifest_id(place)
        assert (manifest_id(place) == identifier) == stays
        assert (place / "x").read_text() == ("theirs" if stays else "ours")
        assert [path.name for path in tmp_path.iterdir()] == ["out"]
        assert is_complete(place)


@pytest.mark.parametrize(("replaces", "stays"), [(None, False), ("", True), ("another", True)])
def test_an_equal_output_written_since_the_task_began_stays(tmp_path: Path, replaces: str | None, stays: bool) -> None:
    place = tmp_path / "out"
    for number, before in ((1, None), (2, replaces)):
        with write_output(place, task="T", inputs={}, replaces=before, number=number) as folder:
            (folder / "file").touch()
    manifest = read_manifest(place)
    assert manifest is not None
    assert manifest.info["number"] == (1 if stays else 2)
