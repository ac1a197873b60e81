from __future__ import annotations

import shutil

from tasks.merging import MergeBranches
from tasks.processing import RunProcessor
from tests.tasks.chain import Chain


def test_ids_of_what_is_merged(chain: Chain) -> None:
    folders = chain.contents("RunProcessor", "main")
    task = chain.task(RunProcessor, config="main")
    ids = dict(task.merging_ids())
    assert len(ids.pop("metadata")) == 64
    assert ids == {f"{folder.parent.name}/{folder.name}": identifier for folder, identifier in folders.items()}
    shutil.rmtree(next(iter(folders)))
    assert task.merging_ids() is None


def test_nothing_is_known_before_the_filesets(on_files: Chain) -> None:
    task = on_files.task(RunProcessor, config="main")
    assert task.merging_ids() is None
    assert not task.has_toys
    assert task.made_files().toys is None


def test_only_jobs_with_threads_ask_for_more_cores(chain: Chain) -> None:
    options = {"config": "main", "threads": 3, "branches_per_merge": 2}
    assert chain.task(RunProcessor, **options).job_cores == 3
    assert chain.task(MergeBranches, **options).job_cores == 1
