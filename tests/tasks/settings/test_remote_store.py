from __future__ import annotations

from pathlib import Path

import law
import pytest

from pocket.errors import ConfigError, UnknownNameError
from tasks.settings.remote_store import read_stores, remote_store, remote_url

URL = "root://eos.example//eos/user/m/me"


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POCKET_STORE", str(tmp_path))
    monkeypatch.delenv("POCKET_REMOTE_STORE", raising=False)
    return tmp_path


def configure(monkeypatch: pytest.MonkeyPatch, **options: str) -> None:
    monkeypatch.setattr(law.config, "has_section", lambda section: True)
    known = law.config.options

    monkeypatch.setattr(law.config, "options", lambda section: options if section == "store" else known(section))
    monkeypatch.setattr(law.config, "get_expanded", lambda section, option, default=None: options.get(option, default))


def test_none_is_shipped(store: Path) -> None:
    assert remote_store() is None
    assert remote_url("MergeOutputs", store / "a" / "b") is None


def test_environment_goes_first(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, remote="root://other//a")
    assert remote_store() == "root://other//a"
    monkeypatch.setenv("POCKET_REMOTE_STORE", f"{URL}/")
    assert remote_store() == URL
    assert remote_url("MergeOutputs", store / "small" / "MergeOutputs" / "main") == f"{URL}/small/MergeOutputs/main"
    monkeypatch.setenv("POCKET_REMOTE_STORE", "")
    assert remote_store() == "root://other//a"


@pytest.mark.parametrize("url", ["/eos/user", "root://host", "root://host/a", "root://host//a?authz=x", "root://h//"])
def test_wrong_form(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("POCKET_REMOTE_STORE", url)
    with pytest.raises(ConfigError, match=r"^\$POCKET_REMOTE_STORE is '.*', expected root://host//path"):
        remote_store()
    monkeypatch.delenv("POCKET_REMOTE_STORE")
    configure(monkeypatch, remote=url)
    with pytest.raises(ConfigError, match=r"^remote in \[store\] of law\.cfg is "):
        remote_store()


def test_some_tasks(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, remote=URL, tasks="MergeOutputs, PlotTemplates")
    assert remote_url("MergeOutputs", store / "a") == f"{URL}/a"
    assert remote_url("RunProcessor", store / "a") is None


def test_unknown_names(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(monkeypatch, remote=URL, tasks="MergeOutput")
    with pytest.raises(UnknownNameError, match=r"'MergeOutput' in tasks in \[store\] of law.cfg, did you mean 'Merge"):
        remote_url("MergeOutputs", store / "a")
    configure(monkeypatch, remotes=URL)
    with pytest.raises(UnknownNameError, match=r"unknown option 'remotes' in \[store\] of law.cfg, did you mean"):
        remote_store()


def test_further_stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("POCKET_STORE", str(tmp_path / "own"))
    for name in ("own", "one", "two"):
        (tmp_path / name).mkdir()
    assert read_stores() == ()
    text = f"{tmp_path}/two, {tmp_path}/one,{tmp_path}/own, {tmp_path}/none"
    configure(monkeypatch, read=text)
    assert read_stores() == (tmp_path / "two", tmp_path / "one")
    assert caplog.messages == [
        f"{tmp_path}/none, which read in [store] of law.cfg names, isn't there: no output is searched in it"
    ]
