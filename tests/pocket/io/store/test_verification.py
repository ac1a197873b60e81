from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from pocket.base.runtime.file_state import FileState, checksum
from pocket.errors import DamagedOutputError
from pocket.io.store import is_complete, read_manifest, verify, verify_all, verify_files
from pocket.io.store.verification import DAMAGED, find_output
from tests.pocket.io.store.test_output import holds
from tests.pocket.io.store.writer import write
from tests.tasks.damage import rot


@pytest.fixture
def output(tmp_path: Path) -> Path:
    write(tmp_path / "output", 1)
    return tmp_path / "output"


def test_what_is_as_it_was_written_passes(output: Path) -> None:
    verify(output)
    verify_all([output])
    verify_files([output / "a.txt", output / "no file of it", "/nowhere/x", "root://host//a/b.root"])
    # a copy has other times
    shutil.copytree(output, output.with_name("copy"), copy_function=shutil.copyfile)
    verify(output.with_name("copy"))
    assert holds(output) == 1


@pytest.mark.parametrize("name", ["b.txt", "sub/c.txt"])
def test_bits_that_changed_are_noticed_once_and_named(output: Path, name: str) -> None:
    rot(output / name)
    assert is_complete(output)
    sentence = f"^{re.escape(f'{name} in {output}')} isn't what was written: its checksum is another one; the output "
    verify(output, {"a.txt"})
    verify_files([output / "a.txt"])
    with pytest.raises(DamagedOutputError, match=sentence):
        verify_files([output / "a.txt", output / name])
    assert not is_complete(output)
    assert read_manifest(output) is None
    found = f"^the output in {re.escape(str(output))} was found damaged: run this again, which makes it anew$"
    with pytest.raises(DamagedOutputError, match=found):
        verify(output)
    with pytest.raises(DamagedOutputError, match=found):
        verify_files([output / name])
    write(output, 2)
    verify(output)
    verify_files([output / name])
    assert holds(output) == 2
    assert not (output / DAMAGED).exists()


def test_a_file_that_is_gone(output: Path) -> None:
    (output / "b.txt").unlink()
    with pytest.raises(DamagedOutputError, match=r"^b\.txt in .* can't be read \(No such file or directory\); "):
        verify(output)
    assert not is_complete(output)


def test_all_damaged_outputs_are_set_aside_at_once(tmp_path: Path) -> None:
    outputs = [tmp_path / str(number) for number in range(4)]
    for number, output in enumerate(outputs):
        write(output, number)
    for output in outputs[1:3]:
        rot(output / "a.txt")
    with pytest.raises(DamagedOutputError, match=r"^a\.txt in .*1 isn't .*\(damaged outputs besides: 1\)$"):
        verify_all(outputs)
    assert [is_complete(output) for output in outputs] == [True, False, False, True]


def test_an_output_that_was_replaced_meanwhile_stays(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rot(output / "a.txt")
    replaced = []

    def replace_first(path: Path, state: FileState) -> str:
        found = checksum(path, state)
        if not replaced:
            replaced.append(path)
            write(output, 2)
        return found

    monkeypatch.setattr("pocket.io.store.verification.checksum", replace_first)
    verify(output)
    assert replaced
    assert holds(output) == 2


def test_files_know_their_output(output: Path) -> None:
    found = find_output(output / "sub" / "c.txt")
    assert found is not None
    directory, name, record = found
    assert (directory, name, record.size) == (output, "sub/c.txt", 6000)
    assert find_output(output / "manifest.json") is None
    assert find_output(output.parent / "x") is None
