from __future__ import annotations

import hashlib
import importlib.util
import subprocess
from pathlib import Path

import pytest

from pocket.datasets import coffea_samples
from pocket.datasets.coffea_samples import SAMPLES, sample_path
from pocket.errors import DatasetError, UnknownNameError
from tests.real_files import real_file


@pytest.fixture
def nano_dy() -> bytes:
    return real_file("nano_dy.root").read_bytes()


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No file is there yet; the cache to be filled."""
    monkeypatch.delenv("POCKET_SAMPLES", raising=False)
    monkeypatch.setattr(coffea_samples, "_BESIDE_CHECKOUT", tmp_path / "none")
    return tmp_path / "cache"


def test_given_folder_comes_first(
    nano_dy: bytes, nowhere: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere.mkdir()
    (nowhere / "nano_dy.root").write_bytes(nano_dy)
    assert sample_path("nano_dy.root", cache=nowhere) == nowhere / "nano_dy.root"
    given = tmp_path / "given"
    given.mkdir()
    (given / "nano_dy.root").write_bytes(nano_dy)
    monkeypatch.setenv("POCKET_SAMPLES", str(given))
    assert sample_path("nano_dy.root", cache=nowhere) == given / "nano_dy.root"
    (given / "nano_dy.root").write_bytes(nano_dy[:-1])
    with pytest.raises(DatasetError, match=r"given/nano_dy\.root is not the nano_dy\.root of coffea .*SHA-256"):
        sample_path("nano_dy.root", cache=nowhere)


def test_download(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sample_path("golden_2017.json", cache=nowhere)
    assert {file.name for file in nowhere.iterdir()} == set(SAMPLES)
    for name, (_, digest) in SAMPLES.items():
        assert hashlib.sha256((nowhere / name).read_bytes()).hexdigest() == digest
    # the second time nothing is run
    monkeypatch.setattr(subprocess, "run", None)
    assert sample_path("golden_2017.json", cache=nowhere) == path
    assert sample_path("nano_dimuon.root", cache=nowhere).parent == nowhere


def test_download_fails(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = subprocess.CompletedProcess([], 1, "", "WARNING: retrying\nERROR: no matching distribution\n")
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: failed)
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/uv")
    with pytest.raises(DatasetError, match=r"can't be downloaded \(ERROR: no matching distribution\)"):
        sample_path("nano_dy.root", cache=nowhere)
    assert not list(nowhere.iterdir())


def test_no_installer(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DatasetError, match="neither pip nor uv is installed"):
        sample_path("nano_dy.root", cache=nowhere)


def test_unknown_name(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"'nano_dyy\.root', did you mean 'nano_dy\.root'"):
        sample_path("nano_dyy.root", cache=tmp_path)
