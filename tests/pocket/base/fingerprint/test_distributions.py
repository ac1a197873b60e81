from __future__ import annotations

from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from pocket.base.fingerprint.distributions import number_library, version


def test_versions_are_those_of_the_distribution() -> None:
    assert version("numpy.linalg") == f"numpy {metadata.version('numpy').partition('.')[0]}"
    assert version("vector.backends") == f"vector {metadata.version('vector').partition('.')[0]}"


@pytest.mark.parametrize(
    ("release", "counted"),
    [("2.4.6", "2"), ("2026.9.0", "2026"), ("0.68.1", "0.68"), ("0.1", "0.1"), ("3", "3"), ("1.0rc1", "1")],
)
def test_releases_with_the_same_promise_count_as_one(
    release: str, counted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = SimpleNamespace(version=release, read_text=lambda name: None)
    monkeypatch.setattr(metadata, "distribution", lambda name: found)
    assert version.__wrapped__("numpy.linalg") == f"numpy {counted}"


_RECORD = """\
muons/__init__.py,sha256={hash},30
muons/__pycache__/__init__.cpython-311.pyc,,
muons-1.0.dist-info/direct_url.json,sha256={own},20
../../../bin/muons,sha256={own},10
"""


def _installed(folder: Path, record: str, **files: str) -> str:
    """Write the metadata of a distribution as installers do, and return how it counts."""
    info = folder / "muons-1.0.dist-info"
    for path in (folder / "muons" / "__init__.py", info / "METADATA"):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: muons\nVersion: 1.0\n")
    (info / "RECORD").write_text(record)
    for name, text in files.items():
        (info / name.replace("direct_url", "direct_url.json")).write_text(text)
    return version.__wrapped__("muons")


def test_files_count_of_what_was_installed_from_no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    first, second = _RECORD.format(hash="one", own="here"), _RECORD.format(hash="two", own="here")
    assert _installed(tmp_path, first, INSTALLER="pip\n") == "muons 1"
    assert _installed(tmp_path, second, INSTALLER="uv") == "muons 1"

    url = '{"url": "https://example.org/muons.git", "vcs_info": {"vcs": "git", "commit_id": "0"}}'
    before = _installed(tmp_path, first, direct_url=url)
    assert before.startswith("muons 1 ")
    assert _installed(tmp_path, second) != before
    assert _installed(tmp_path, _RECORD.format(hash="one", own="elsewhere")) == before

    # The packages of conda have the folder that they were built in.
    assert _installed(tmp_path, first, INSTALLER="conda\n") == "muons 1"


def test_libraries_that_decide_no_number_have_no_version() -> None:
    assert version("yaml") == "yaml"
    assert version("json.decoder") == "python"
    assert number_library("yaml") == number_library("json.decoder") == ""
    assert number_library("numpy.linalg") == f"numpy {metadata.version('numpy').partition('.')[0]}"
