from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pocket.io.store import is_complete, manifest_id, read_manifest, why_incomplete, write_output

INPUTS = {"dataset": "d1", "muon_id": "s1"}


@pytest.fixture
def output(tmp_path: Path) -> Path:
    directory = tmp_path / "v1" / "0a"
    with write_output(directory, task="Merge", inputs=INPUTS) as temporary:
        (temporary / "templates.h5").write_bytes(b"templates")
        (temporary / "deep" / "er").mkdir(parents=True)
        (temporary / "deep" / "er" / "cutflow.json").write_text("{}")
    return directory


def rewrite(path: Path, content: bytes) -> None:
    """Change a file in place, and make sure that its time differs even where clocks are coarse."""
    before = path.stat().st_mtime_ns
    path.write_bytes(content)
    os.utime(path, ns=(before + 1, before + 1))


def test_an_untouched_output_is_complete(output: Path) -> None:
    assert is_complete(output)
    assert is_complete(output, INPUTS)
    assert why_incomplete(output, INPUTS) is None


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda output: (output / "templates.h5").unlink(), r"templates\.h5 in .* can't be read: No such file"),
        (lambda output: shutil.rmtree(output / "deep"), r"deep/er/cutflow\.json in .* can't be read"),
        (lambda output: rewrite(output / "templates.h5", b"temp"), r"templates\.h5 in .* has 4 bytes instead of 9"),
        (lambda output: rewrite(output / "templates.h5", b"tEmplates"), r"templates\.h5 in .* has changed since"),
        (lambda output: (output / "manifest.json").unlink(), r"has no manifest\.json"),
        (lambda output: (output / "manifest.json").write_text("{"), r"has no manifest\.json that can be read"),
        (lambda output: (output / "manifest.json").write_text("[1]"), r"has no manifest\.json that can be read"),
        (lambda output: (output / "manifest.json").write_text('{"files": {}}'), r"has no manifest\.json that can be"),
        (lambda output: shutil.rmtree(output), r"has no manifest\.json"),
    ],
)
def test_damage_is_seen_and_explained(output: Path, damage: Callable[[Path], object], reason: str) -> None:
    damage(output)
    assert not is_complete(output)
    assert re.search(reason, why_incomplete(output) or "")


def test_repaired_damage_is_seen_too(output: Path) -> None:
    rewrite(output / "templates.h5", b"tEmplates")
    assert not is_complete(output)
    rewrite(output / "templates.h5", b"templates")
    assert is_complete(output)


def test_a_copy_with_other_times_is_complete(output: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(output, copy, copy_function=shutil.copyfile)
    os.utime(copy / "templates.h5", ns=(1, 1))
    assert is_complete(copy, INPUTS)


def test_other_files_do_not_matter(output: Path) -> None:
    (output / "notes.txt").write_text("mine")
    assert is_complete(output)


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({"dataset": "d2", "muon_id": "s1"}, "input dataset has changed"),
        ({"dataset": "d1", "muon_id": "s1", "trigger": "t1"}, "input trigger is new"),
        ({"dataset": "d1"}, "muon_id isn't an input any more"),
        ({}, "dataset isn't an input any more"),
    ],
)
def test_other_inputs_are_seen_and_named(output: Path, inputs: dict[str, str], reason: str) -> None:
    assert not is_complete(output, inputs)
    assert why_incomplete(output, inputs) == f"{output}: {reason}"
    assert is_complete(output)


def test_id_is_there_without_looking_at_the_files(output: Path, tmp_path: Path) -> None:
    manifest = read_manifest(output)
    assert manifest is not None
    (output / "templates.h5").unlink()
    assert manifest_id(output) == manifest.id
    assert manifest_id(tmp_path / "nothing") is None
