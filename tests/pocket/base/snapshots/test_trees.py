from __future__ import annotations

import os
import py_compile
import subprocess
import time
from pathlib import Path

import pytest

from pocket.base.snapshots import trees
from pocket.base.snapshots.trees import (
    BY_JOBS,
    KEPT,
    KEPT_FOR_JOBS,
    USED,
    ChangedMeanwhileError,
    make_snapshot,
    read_mark,
    read_tree,
    remove_unused,
    use,
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "check out"
    for name, text in {
        "pkg/__init__.py": "",
        "pkg/cuts.py": "pt = 1\n",
        "pkg/params/cuts.yaml": "pt: 1\n",
        "pkg/models/m.onnx": "weights",
        "run.sh": "#!/bin/sh\n",
        "data/events.root": "events",
        "key.pem": "secret",
        ".gitignore": "*.onnx\n/data/\n/snapshots/\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "run.sh").chmod(0o755)
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


@pytest.fixture
def place(checkout: Path) -> Path:
    folder = checkout / "snapshots"
    folder.mkdir()
    return folder


def snapshot(checkout: Path, place: Path) -> Path:
    return make_snapshot(read_tree(checkout, place / "index.json"), place)


def test_code_is_copied_and_all_else_is_found(checkout: Path, place: Path) -> None:
    made = snapshot(checkout, place)
    copied = [path for path in made.rglob("*") if path.is_file() and not path.is_symlink()]
    assert sorted(str(path.relative_to(made)) for path in copied) == [
        ".gitignore",
        trees.MARK,
        USED,
        "pkg/__init__.py",
        "pkg/cuts.py",
        "pkg/params/cuts.yaml",
        "run.sh",
    ]
    assert os.access(made / "run.sh", os.X_OK)
    for name in ("pkg/models/m.onnx", "data/events.root", "key.pem"):
        assert (made / name).read_text() == (checkout / name).read_text()
    # where code looks from its own file, links resolved
    assert (made / "pkg" / "cuts.py").resolve().parents[1] == made.resolve()


def test_an_edit_changes_no_snapshot(checkout: Path, place: Path) -> None:
    first = snapshot(checkout, place)
    assert snapshot(checkout, place) == first
    (checkout / "pkg" / "cuts.py").write_text("pt = 2\n")
    second = snapshot(checkout, place)
    assert second != first
    assert (first / "pkg" / "cuts.py").read_text() == "pt = 1\n"
    assert (second / "pkg" / "cuts.py").read_text() == "pt = 2\n"
    (checkout / "pkg" / "cuts.py").write_text("pt = 1\n")
    assert snapshot(checkout, place) == first


def test_what_is_new_beside_the_code_is_found(checkout: Path, place: Path) -> None:
    first = snapshot(checkout, place)
    (checkout / "pkg" / "models" / "new.onnx").write_text("new")
    assert snapshot(checkout, place) == first
    assert (first / "pkg" / "models" / "new.onnx").read_text() == "new"


def test_a_snapshot_that_was_edited_is_made_anew(checkout: Path, place: Path) -> None:
    first = snapshot(checkout, place)
    (first / "pkg" / "cuts.py").write_text("pt = 3\n")
    assert snapshot(checkout, place) == first
    assert (first / "pkg" / "cuts.py").read_text() == "pt = 1\n"


def test_an_edited_file_goes_into_no_other_snapshot(checkout: Path, place: Path) -> None:
    first = snapshot(checkout, place)
    (first / "pkg" / "cuts.py").write_text("pt = 33\n")
    (checkout / "pkg" / "new.py").write_text("")
    assert (snapshot(checkout, place) / "pkg" / "cuts.py").read_text() == "pt = 1\n"


def test_two_checkouts_have_two_snapshots(checkout: Path, place: Path, tmp_path: Path) -> None:
    subprocess.run(["cp", "-r", checkout, tmp_path / "second"], check=True)
    tree = read_tree(tmp_path / "second", place / "second.json")
    first = read_tree(checkout, place / "index.json")
    assert tree.name == first.name
    assert make_snapshot(tree, place) != make_snapshot(first, place)


def test_compiled_code_stays_valid(checkout: Path, place: Path) -> None:
    source = checkout / "pkg" / "cuts.py"
    before = time.time() - 100
    os.utime(source, (before, before))
    py_compile.compile(str(source))
    numba = source.parent / "__pycache__" / "cuts.count-1.py311.nbi"
    numba.write_text("index")
    ours = source.parent / "__pycache__" / f"pocketlaw-{os.geteuid()}"
    ours.mkdir()
    (ours / "cuts.cpython-311.digest").write_text("digest")
    first = snapshot(checkout, place)
    assert (first / "pkg" / "__pycache__" / ours.name / "cuts.cpython-311.digest").read_text() == "digest"
    assert (first / "pkg" / "cuts.py").stat().st_mtime_ns == source.stat().st_mtime_ns
    compiled = sorted(path.name for path in source.parent.joinpath("__pycache__").iterdir())
    assert len(compiled) == 3
    assert sorted(path.name for path in (first / "pkg" / "__pycache__").iterdir()) == compiled
    # later ones take what the one before has, also after the times in the checkout changed
    (first / "pkg" / "__pycache__" / "cuts.more-2.py311.nbi").write_text("index")
    (checkout / "pkg" / "new.py").write_text("")
    source.touch()
    second = snapshot(checkout, place)
    assert len(list((second / "pkg" / "__pycache__").iterdir())) == 4
    assert (second / "pkg" / "cuts.py").stat().st_mtime_ns == (first / "pkg" / "cuts.py").stat().st_mtime_ns
    # but nothing of another content
    source.write_text("pt = 4\n")
    assert not (snapshot(checkout, place) / "pkg" / "__pycache__").exists()


@pytest.mark.parametrize("planted", ["link", "folder for all", "compiled at once"])
def test_what_may_not_be_ours_is_compiled_again(checkout: Path, place: Path, planted: str) -> None:
    source = checkout / "pkg" / "cuts.py"
    before = time.time() - (100 if planted != "compiled at once" else 0)
    os.utime(source, (before, before))
    compiled = Path(py_compile.compile(str(source)) or "")
    if planted == "link":
        compiled.rename(checkout / "elsewhere.pyc")
        compiled.symlink_to(checkout / "elsewhere.pyc")
    elif planted == "folder for all":
        compiled.parent.chmod(0o777)
    assert not (snapshot(checkout, place) / "pkg" / "__pycache__").exists()


def test_a_file_that_changes_while_it_is_copied(checkout: Path, place: Path) -> None:
    tree = read_tree(checkout, place / "index.json")
    (checkout / "pkg" / "cuts.py").write_text("pt = 2\n")
    with pytest.raises(ChangedMeanwhileError, match=r"cuts\.py was changed while the command started"):
        make_snapshot(tree, place)
    assert [path.name for path in place.iterdir()] == ["index.json"]


def test_files_that_change_all_the_time(checkout: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "unchanged", lambda folder, files: False)
    with pytest.raises(ChangedMeanwhileError, match="is changed all the time"):
        read_tree(checkout, place / "index.json")


def test_what_nobody_uses_is_removed(checkout: Path, place: Path) -> None:
    made = snapshot(checkout, place)
    began = time.time()
    remove_unused(place, began + KEPT - 60)
    assert made.exists()
    remove_unused(place, began + KEPT + 60)
    assert not made.exists()


def test_what_is_used_stays(checkout: Path, place: Path) -> None:
    made = snapshot(checkout, place)
    use(made)
    remove_unused(place, time.time() + 100 * KEPT_FOR_JOBS)
    assert made.exists()


def test_what_jobs_may_wait_for_stays_longer(checkout: Path, place: Path) -> None:
    made = snapshot(checkout, place)
    (made / BY_JOBS).touch()
    remove_unused(place, time.time() + KEPT + 60)
    assert made.exists()
    remove_unused(place, time.time() + KEPT_FOR_JOBS + 60)
    assert not made.exists()


def test_only_snapshots_have_a_mark(checkout: Path, place: Path) -> None:
    mark = read_mark(snapshot(checkout, place))
    assert mark is not None
    assert mark["origin"] == str(checkout)
    assert read_mark(checkout) is None
