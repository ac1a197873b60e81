from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import uproot

from pocket.datasets import content
from pocket.datasets.content import content_id
from pocket.io.nanoaod.ttree import structure
from pocket.io.remote.client import open_root
from pocket.io.store import write_output
from tests.pocket.datasets.files import write_root
from tests.real_files import real_file
from tests.tasks.damage import overwrite


def identify(path: Path) -> str:
    with open_root(str(path)) as file:
        return content_id(file, str(path), "Events")


def layout(path: Path) -> str:
    with open_root(str(path)) as file:
        return structure(file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return Path(shutil.copyfile(real_file("nano_dy.root"), tmp_path / "file.root"))


def update(path: Path) -> None:
    """Halve all values of a column; the UUID stays."""
    with uproot.open(path) as file:
        uuid, columns = file.file.uuid, file["Events"].arrays(["genWeight", "run"], library="np")
    with uproot.update(path) as file:
        file.mktree("Events", {name: column.dtype for name, column in columns.items()})
        file["Events"].extend(columns | {"genWeight": columns["genWeight"] / 2})
    with uproot.open(path) as file:
        assert file.file.uuid == uuid


def in_the_middle(path: Path) -> None:
    overwrite(path, path.stat().st_size // 2, 1)


def in_the_tree(path: Path) -> None:
    with uproot.open(path) as file:
        key = file.key("Events")
        overwrite(path, key.fSeekKey + key.fNbytes // 2, 1)


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"0")


@pytest.mark.parametrize("whole", [True, False])
def test_a_copy_has_the_same_id(tmp_path: Path, file: Path, whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "READ_WHOLE", 2**30 if whole else 0)
    copy = Path(shutil.copyfile(file, tmp_path / "copy.root"))
    assert identify(file) == identify(copy)
    assert layout(file) == layout(copy)
    assert identify(file).startswith("sha256:" if whole else f"sampled:{file.stat().st_size}:{layout(file)}:")


@pytest.mark.parametrize(
    ("change", "whole", "noticed"),
    [
        (update, True, True),
        (update, False, True),
        (longer, True, True),
        (longer, False, True),
        (in_the_tree, False, True),
        (in_the_middle, True, True),
        # one basket of a large file between the samples: ROOT decompresses it, or the size of the file changes
        (in_the_middle, False, False),
    ],
)
def test_changes_in_place(
    file: Path, change: Callable[[Path], None], whole: bool, noticed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "READ_WHOLE", 2**30 if whole else 0)
    monkeypatch.setattr(content, "SAMPLE_BYTES", 64)
    before, at = identify(file), layout(file)
    change(file)
    assert (identify(file) != before) == noticed
    assert (layout(file) != at) == (change is update)


def test_a_large_file_is_not_read_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.root"
    with uproot.recreate(path) as file:
        file.mktree("Events", {"x": np.float64})
        file["Events"].extend({"x": np.random.default_rng(1).normal(size=300_000)})
    monkeypatch.setattr(content, "READ_WHOLE", 2**20)
    with open_root(str(path)) as file:
        before = file.file.source._num_requested_bytes
        content_id(file, str(path), "Events")
        assert file.file.source._num_requested_bytes - before < path.stat().st_size / 10


def test_file_of_an_output_has_the_checksum_of_its_manifest(tmp_path: Path) -> None:
    with write_output(tmp_path / "output", task="T", inputs={}) as folder:
        path = write_root(folder / "events.root", 3)
        elsewhere = Path(shutil.copyfile(path, tmp_path / "copy.root"))
    inside = tmp_path / "output" / "events.root"
    assert identify(inside) == identify(elsewhere)
    overwrite(inside, inside.stat().st_size - 1, 1)
    assert identify(inside) == identify(elsewhere)
