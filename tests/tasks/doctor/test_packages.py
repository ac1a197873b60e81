from __future__ import annotations

import sys
from pathlib import Path

import awkward
import pytest

from pocket.io.nanoaod import baskets
from tasks.doctor.checks import Status, decompression, packages
from tests.law_runner import ROOT


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "requirements.lock"
    path.write_text(
        f"awkward=={awkward.__version__} ; python_full_version >= '3.11' \\\n    --hash=sha256:0\n"
        "awkward==1 ; python_full_version < '3.11' \\\n    --hash=sha256:0\n"
    )
    return path


def test_packages_of_the_lock(lock: Path) -> None:
    found = packages(lock)
    assert (found.status, found.found) == (Status.OK, f"those of requirements.lock, in {sys.prefix}")


def test_another_version(lock: Path) -> None:
    lock.write_text("awkward==0.1 \\\n")
    found = packages(lock)
    assert found.status is Status.WARNING
    assert found.found == f"awkward is {awkward.__version__}, but 0.1 in requirements.lock"


def test_packages_of_somebody_else(lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "view" / "hist").mkdir(parents=True)
    (tmp_path / "view" / "hist" / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path / "view"))
    monkeypatch.delitem(sys.modules, "hist", raising=False)
    found = packages(lock)
    assert found.status is Status.PROBLEM
    assert found.found == f"hist is imported from {tmp_path}/view/hist, not from {sys.prefix}"


def test_packages_of_the_system_on_purpose(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_ENVIRONMENT", "system")
    found = packages(ROOT / "requirements.lock")
    assert (found.status, found.found) == (Status.OK, f"those of {sys.executable}, as POCKET_ENVIRONMENT says")


def test_packages_of_an_image(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_ENVIRONMENT", "system")
    # As if the image's lock were beside the packages.
    monkeypatch.setattr(Path, "is_file", lambda path: path == Path(sys.prefix, "requirements.lock"))
    assert packages(lock).found == f"those of requirements.lock, in {sys.prefix}"
    lock.write_text("awkward==0.1 \\\n")
    found = packages(lock)
    assert (found.status, found.advice) == (Status.WARNING, "build the image anew")


@pytest.mark.parametrize(
    ("library", "version", "found"),
    [
        ("lzma", "5.8.1", "unpacked by liblzma 5.8.1"),
        ("lzma", "", "unpacked by liblzma of Python"),
        ("cramjam", "5.2.5", "unpacked by cramjam, since liblzma 5.2.5 takes longer"),
    ],
)
def test_decompression(library: str, version: str, found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baskets, "xz_library", lambda: library)
    monkeypatch.setattr(baskets, "liblzma_version", lambda: version)
    assert decompression().found == found
