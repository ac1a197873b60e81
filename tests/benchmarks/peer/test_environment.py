from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.peer import environment
from benchmarks.peer.environment import PeerUnavailableError, default_location, peer_python

FAKE_UV = """#!/bin/sh
echo "$@" >> {log}
if [ "$1" = venv ]; then mkdir -p "$4/bin" && touch "$4/bin/python"; fi
{then}
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace uv by a program that only writes down how it was called."""
    monkeypatch.delenv(environment.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    write_uv(tmp_path, "exit 0")
    return tmp_path / "log"


def write_uv(folder: Path, then: str) -> None:
    """Write the program, with what it does last."""
    uv = folder / "bin" / "uv"
    uv.parent.mkdir(exist_ok=True)
    uv.write_text(FAKE_UV.format(log=folder / "log", then=then))
    uv.chmod(0o755)


def test_environment_is_built_once_with_the_version_pinned(tmp_path: Path, log: Path) -> None:
    location = tmp_path / "cache" / "peer"
    assert peer_python(location) == location / "bin" / "python"
    calls = log.read_text().splitlines()
    assert calls[0].startswith("venv --python 3.11")
    assert "pocket-coffea==0.9.13" in calls[1]
    peer_python(location)
    assert log.read_text().splitlines() == calls


def test_interrupted_installation_does_not_count(tmp_path: Path, log: Path) -> None:
    location = tmp_path / "peer"
    peer_python(location)
    (location / environment.STAMP).unlink()
    peer_python(location)
    assert len(log.read_text().splitlines()) == 4


def test_failure_says_why(tmp_path: Path, log: Path) -> None:
    write_uv(tmp_path, "echo no network >&2; exit 2")
    with pytest.raises(PeerUnavailableError, match=r"pocket.*0\.9\.13 isn't there: no network|no network"):
        peer_python(tmp_path / "peer")
    assert not (tmp_path / "peer" / environment.STAMP).exists()


def test_ready_environment_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(environment.VARIABLE, str(tmp_path))
    assert default_location() == tmp_path
    with pytest.raises(PeerUnavailableError, match="no bin/python"):
        peer_python(tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    assert peer_python(tmp_path) == tmp_path / "bin" / "python"


def test_default_location_is_in_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(environment.VARIABLE, raising=False)
    monkeypatch.setenv("POCKET_STORE", str(tmp_path))
    assert default_location() == tmp_path / "cache" / "pocketcoffea"
