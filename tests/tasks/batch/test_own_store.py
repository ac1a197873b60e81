from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pocket.datasets.branches import Branch, Segment
from pocket.errors import ConfigError
from tasks.batch.own_store import (
    VARIABLE,
    check_own_store,
    check_reach,
    is_made_elsewhere,
)
from tasks.core.targets import StoreTarget
from tasks.settings.sites import Site

SITE = Site("far", store="remote", environment="bundle")
REMOTE = "root://host//results"


@pytest.fixture
def in_a_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, "/home/me/store")
    monkeypatch.setenv("POCKET_STORE", str(tmp_path))
    monkeypatch.setenv("POCKET_EXPECTED", "RunProcessor=1234")


def branch(path: str) -> Branch:
    return Branch("DY", 0, 5, (Segment(path, "uuid", "Events", 0, 5),))


def output(folder: Path, remote: str | None = REMOTE) -> StoreTarget:
    return StoreTarget(folder, dict, remote=remote)


def test_all_is_made_by_other_processes() -> None:
    assert not is_made_elsewhere("BuildDatasets")


@pytest.mark.usefixtures("in_a_job")
def test_what_a_job_does_not_make_was_there_before_it() -> None:
    assert is_made_elsewhere("BuildDatasets")
    assert not is_made_elsewhere("RunProcessor")


def test_what_jobs_without_the_store_need(monkeypatch: pytest.MonkeyPatch) -> None:
    begin = r"^jobs at site 'far' see nothing of this machine \(store: remote\), "
    monkeypatch.setenv("POCKET_REMOTE_STORE", REMOTE)
    check_own_store(SITE, "htcondor")
    with pytest.raises(ConfigError, match=begin + "which is for --workflow htcondor, not slurm$"):
        check_own_store(SITE, "slurm")
    with pytest.raises(ConfigError, match=begin + "so they need --environment bundle, not shared$"):
        check_own_store(replace(SITE, environment="shared"), "htcondor")
    monkeypatch.delenv("POCKET_REMOTE_STORE")
    with pytest.raises(ConfigError, match=begin + "so they need a remote store: set POCKET_REMOTE_STORE to "):
        check_own_store(SITE, "htcondor")
    check_own_store(Site("near"), "slurm")


def test_what_jobs_do_not_reach(tmp_path: Path) -> None:
    toys = tmp_path / "toys"
    check_reach(SITE, [output(toys)], [branch(f"{toys}/events.root"), branch("root://host//x"), branch("/cvmfs/x")])
    with pytest.raises(ConfigError, match=r"^jobs at site 'far' don't see /data/x.root: put it on a server, and name "):
        check_reach(SITE, [output(toys)], [branch("/data/x.root")])
    with pytest.raises(ConfigError, match=rf"^jobs at site 'far' don't see {toys}, and tasks in \[store\] of law.cfg "):
        check_reach(SITE, [output(toys, None)], [])
