from __future__ import annotations

from pathlib import Path

import pytest

from pocket.store import manifest_id, write_output
from tasks.targets import StoreTarget


@pytest.fixture
def written(tmp_path: Path) -> Path:
    folder = tmp_path / "output"
    with write_output(folder, task="T", inputs={"files": "one"}, skipped={"a.root": "truncated"}) as temporary:
        (temporary / "content.txt").write_text("content")
    return folder


def test_exists_if_it_was_made_from_the_inputs_that_are_there(written: Path) -> None:
    assert StoreTarget(written, lambda: {"files": "one"}).exists()
    assert not StoreTarget(written, lambda: {"files": "two"}).exists()
    assert not StoreTarget(written, dict).exists()
    # an input isn't there
    assert not StoreTarget(written, lambda: None).exists()


def test_output_that_left_out_files_counts_only_where_that_is_accepted(written: Path) -> None:
    assert not StoreTarget(written, lambda: {"files": "one"}, accept_skipped=False).exists()
    with write_output(written, task="T", inputs={"files": "one"}, skipped={}):
        pass
    assert StoreTarget(written, lambda: {"files": "one"}, accept_skipped=False).exists()


def test_changed_file_and_missing_manifest(written: Path) -> None:
    target = StoreTarget(written, lambda: {"files": "one"})
    (written / "content.txt").write_text("CONTENT")
    assert not target.exists()
    (written / "content.txt").write_text("content")
    assert target.exists()
    (written / "manifest.json").unlink()
    assert not target.exists()


def test_id_is_that_of_the_manifest(written: Path, tmp_path: Path) -> None:
    target = StoreTarget(written, dict)
    assert target.directory == written
    assert target.id == manifest_id(written)
    assert StoreTarget(tmp_path / "nothing", dict).id is None


def test_remove(written: Path) -> None:
    StoreTarget(written, dict).remove()
    assert not written.exists()
