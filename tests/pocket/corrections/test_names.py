from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pocket.base.runtime.remarks import remark
from pocket.corrections import names as correction_names
from pocket.corrections.names import check_corrections
from pocket.errors import ConfigError, UnknownNameError
from tests.pocket.correction_files import binned, write_corrections


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A store of its own, and a process that has seen no file."""
    monkeypatch.setenv("POCKET_STORE", str(tmp_path / "store"))
    correction_names._names.cache_clear()
    yield tmp_path / "store"
    correction_names._names.cache_clear()


@pytest.fixture
def path(tmp_path: Path) -> str:
    return write(tmp_path / "sf.json", "muon_id")


def write(path: Path, *names: str) -> str:
    """Write a file with some corrections."""
    return write_corrections(path, *(binned(name, {"pt": [0, 10]}, lambda kind, i: 1.0, "kind") for name in names))


def test_a_correction_that_is_there(path: str) -> None:
    check_corrections([(path, "muon_id")])


def test_a_correction_that_is_not_there(path: str) -> None:
    with pytest.raises(UnknownNameError, match=r"unknown correction 'muon_ID' in sf\.json, did you mean 'muon_id'"):
        check_corrections([(path, "muon_id"), (path, "muon_ID")])


@pytest.mark.parametrize("file", ["/no/such.json", "toys://puWeights.json.gz", "nowhere://a.json"])
def test_a_file_that_is_not_there_is_somewhere_else_perhaps(file: str) -> None:
    check_corrections([(file, "muon_id")])


def test_a_file_with_nearly_the_name_of_another_is_noted(path: str, caplog: pytest.LogCaptureFixture) -> None:
    remark.cache_clear()
    misspelt = path.replace("sf.json", "sff.json")
    check_corrections([(misspelt, "muon_id"), (misspelt, "muon_iso")])
    check_corrections([(path.replace("sf.json", "muon_Z.json"), "muon_id")])
    assert caplog.messages == [f"correction file {misspelt} isn't on this machine, did you mean {path}?"]


def test_a_file_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "sf.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"sf\.json is not a correctionlib file"):
        check_corrections([(str(tmp_path / "sf.json"), "muon_id")])


def test_a_file_is_loaded_once_for_all_processes(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check_corrections([(path, "muon_id")])
    correction_names._names.cache_clear()
    monkeypatch.setattr(correction_names, "names_of", lambda content: pytest.fail("loaded again"))
    check_corrections([(path, "muon_id")])
    with pytest.raises(UnknownNameError):
        check_corrections([(path, "muon_iso")])


def test_another_content_has_other_names(path: str) -> None:
    check_corrections([(path, "muon_id")])
    write(Path(path), "muon_iso", "muon_reco")
    check_corrections([(path, "muon_iso")])
    with pytest.raises(UnknownNameError):
        check_corrections([(path, "muon_id")])


def test_names_that_were_cut_off_are_read_again(path: str, store: Path) -> None:
    check_corrections([(path, "muon_id")])
    (kept,) = (store / "cache" / "corrections").iterdir()
    kept.write_text('["muon')
    correction_names._names.cache_clear()
    check_corrections([(path, "muon_id")])


def test_a_process_without_a_store(path: str, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POCKET_STORE")
    monkeypatch.delenv("POCKET_ROOT", raising=False)
    check_corrections([(path, "muon_id")])
    assert not store.exists()
