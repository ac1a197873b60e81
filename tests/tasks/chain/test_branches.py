from __future__ import annotations

from pathlib import Path

import pytest

from pocket.errors import ConfigError
from tasks.batch.own_store import check_reach
from tasks.chain import branches
from tasks.chain.merging import MergeBranches
from tasks.chain.processing import RunProcessor
from tasks.settings import remote_store
from tasks.settings.sites import Site
from tests.tasks.small_chain import Chain


def test_ids_of_what_is_merged(chain: Chain) -> None:
    containers = chain.contents("RunProcessor", "main")
    task = chain.task(RunProcessor, config="main")
    ids = dict(task.merging_ids())
    assert len(ids.pop("metadata")) == 64
    assert ids == {f"{path.parent.name}/{path.stem}": identifier for path, identifier in containers.items()}
    next(iter(containers)).unlink()
    assert task.merging_ids() is None


def test_nothing_is_known_before_the_filesets(on_files: Chain) -> None:
    task = on_files.task(RunProcessor, config="main")
    assert task.merging_ids() is None
    assert not task.has_toys
    assert task.made_files().toys is None


def test_acceptance_is_a_share_of_each_simulated_dataset_and_all_of_the_data(chain: Chain) -> None:
    task = chain.task(RunProcessor, config="main", acceptance=0.5)
    of = {number: branch.dataset for number, branch in task.get_branch_map().items()}
    simulated = [number for number, name in of.items() if name.startswith("DY")]
    events = {number: task.branch_size(number) for number in simulated}
    for left_out in simulated:
        share = 1 - events[left_out] / sum(events.values())
        assert task.accepts(of.keys() - {left_out}) is (share >= 0.5)
        assert chain.task(RunProcessor, config="main", acceptance=share).accepts(of.keys() - {left_out})
    assert not task.accepts(of.keys() - set(simulated))
    for data in of.keys() - set(simulated):
        assert not chain.task(RunProcessor, config="main", acceptance=0.01).accepts(of.keys() - {data})


def test_only_jobs_with_threads_ask_for_more_cores(chain: Chain) -> None:
    options = {"config": "main", "threads": 3, "branches_per_merge": 2}
    assert chain.task(RunProcessor, **options).job_cores == 3
    assert chain.task(MergeBranches, **options).job_cores == 1


def test_branches_of_merges_are_no_branches_of_the_processor(chain: Chain) -> None:
    merges = chain.task(MergeBranches, config="main", branches_per_merge=2, branches=((1, 1),))
    assert merges.branches == ((1, 1),)
    assert merges.processor.branches == ()


def test_branch_fetches_the_events_of_its_own_alone(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[Path] = []
    monkeypatch.setattr(branches, "fetch", lambda outputs: fetched.extend(output.directory for output in outputs))
    branch = chain.task(RunProcessor, config="main", branch=0)
    branch.fetch_needed()
    (segment,) = branch.branch_data.segments
    toys = {folder for folder in fetched if "MakeToySamples" in folder.parts}
    assert toys == {Path(segment.path).parent, branch.toys.corrections}
    assert {folder.parts[-4] for folder in set(fetched) - toys} == {"BuildDatasets"}


@pytest.mark.parametrize("tasks", ["", "RunProcessor"])
def test_jobs_without_the_store_reach_what_they_need(chain: Chain, monkeypatch: pytest.MonkeyPatch, tasks: str) -> None:
    site = Site("far", store="remote", environment="bundle")
    task = chain.task(RunProcessor, config="main")
    assert task.workflow_condition()
    monkeypatch.setenv("POCKET_REMOTE_STORE", "root://host//results")
    monkeypatch.setattr(remote_store, "_option", lambda name: tasks if name == "tasks" else "")
    outputs = [*task.needed(), *task.branch_outputs.values()]
    written = {branch.output().directory for branch in task.get_branch_tasks().values()}
    assert written < {output.directory for output in outputs}
    if tasks:
        with pytest.raises(ConfigError, match=r"^jobs at site 'far' don't see .*, and tasks in \[store\] of law.cfg "):
            check_reach(site, outputs, task.read_branches())
    else:
        check_reach(site, outputs, task.read_branches())
