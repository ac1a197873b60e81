from __future__ import annotations

from pathlib import Path

import pytest

from pocket.errors import DamagedOutputError
from pocket.io.store import is_complete, read_manifest, write_output
from pocket.io.store.manifest import NAME, written
from pocket.io.store.output import receive_output


def contents(folder: Path, text: str = "1 2 3") -> dict[str, bytes]:
    """Return an output as it travels."""
    with write_output(folder, task="Made", inputs={}) as temporary:
        (temporary / "columns").mkdir()
        (temporary / "columns" / "numbers.txt").write_text(text)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_output_is_put_at_its_place(tmp_path: Path) -> None:
    sent = contents(tmp_path / "elsewhere")
    place = tmp_path / "store" / "task" / "branch"
    receive_output(place, sent)
    assert is_complete(place)
    assert (place / "columns" / "numbers.txt").read_text() == "1 2 3"
    # its content needn't be read to know that it is what was written
    manifest = read_manifest(place)
    assert manifest is not None
    assert (place / "columns" / "numbers.txt").stat().st_mtime_ns == manifest.files["columns/numbers.txt"].mtime_ns
    assert [path.name for path in place.parent.iterdir()] == ["branch"]


def test_output_replaces_another_one(tmp_path: Path) -> None:
    place = tmp_path / "store" / "branch"
    contents(place, "old")
    before = written(place)
    receive_output(place, contents(tmp_path / "elsewhere", "new"), before)
    assert (place / "columns" / "numbers.txt").read_text() == "new"
    # an equal one that came meanwhile stays
    now = written(place)
    receive_output(place, contents(tmp_path / "elsewhere", "new"), before)
    assert written(place) == now


@pytest.mark.parametrize("lost", [NAME, "columns/numbers.txt"])
def test_output_that_did_not_arrive_whole(tmp_path: Path, lost: str) -> None:
    sent = contents(tmp_path / "elsewhere")
    del sent[lost]
    with pytest.raises(DamagedOutputError, match="didn't arrive as it was written: run this again"):
        receive_output(tmp_path / "store" / "branch", sent)
    assert not (tmp_path / "store").exists()
