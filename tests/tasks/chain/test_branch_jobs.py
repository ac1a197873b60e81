from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import pytest

from pocket.errors import DamagedOutputError
from pocket.executors.travel import RESULT, local_inputs, place_of, run_here, take_back
from pocket.histograms.raw_sums import add_raw
from pocket.io.nanoaod import kept_reads, sharing
from pocket.io.store import manifest_of
from pocket.io.store.manifest import written
from pocket.io.store.packing import contents_of_output
from tasks.chain.branch_jobs import ProcessingJob, SharedJob, share
from tasks.chain.processing import RunProcessor
from tests.tasks.damage import rot
from tests.tasks.pickled_jobs import elsewhere, run
from tests.tasks.small_chain import Chain


def test_processing(chain: Chain, tmp_path: Path) -> None:
    task: RunProcessor = chain.task(RunProcessor, config="main", branch=1)
    job = task.job()
    assert isinstance(job, ProcessingJob)
    assert job.size == 900
    assert run(job, output=elsewhere(job, tmp_path / "again"), chunk_size=400) == 900
    made, again = manifest_of(task.output().directory), manifest_of(tmp_path / "again")
    assert made is not None
    assert again is not None
    assert again.inputs == made.inputs
    reading = {"events": {"expected": 900, "processed": 900}, "failures": {}}
    assert made.info["reading"] == reading
    # made in another process
    of_process = ("usage", "records")
    assert {name: value for name, value in again.info.items() if name not in of_process} == {
        **{name: value for name, value in made.info.items() if name not in of_process},
        "skipped": {},
    }
    before, after = add_raw([task.output().directory]), add_raw([tmp_path / "again"])
    assert after["cutflow"] == before["cutflow"]
    assert list(after["variables"]) == ["muon_pt", "npvs"]


def test_sizes_of_chunks_make_no_other_output(chain: Chain, tmp_path: Path) -> None:
    job = chain.task(RunProcessor, config="main", branch=1).job()
    # both began when there was nothing: something may have been made from the output of the first one
    output = {**elsewhere(job, tmp_path / "out"), "replaces": ""}
    found = []
    ways = ({"chunk_size": 2000, "chunk_memory": 1}, {"chunk_size": 100, "chunk_memory": 0, "threads": 2})
    for sizes in ways:
        assert run(job, output=output, **sizes) == 900
        found.append(written(tmp_path / "out"))
    assert found[0] == found[1] != ""


def job_of(chain: Chain, config: str, branch: int = 1) -> Any:
    return chain.task(RunProcessor, config=config, branch=branch).job()


def place(folder: Path, config: str) -> Path:
    return folder / f"{config}.zip"


def moved(job: Any, directory: Path) -> Any:
    return dataclasses.replace(job, output={**elsewhere(job, directory), "replaces": ""})


def test_each_writes_what_it_writes_alone(chain: Chain, tmp_path: Path) -> None:
    jobs = [moved(job_of(chain, config), place(tmp_path, config)) for config in ("probes", "main", "corrected")]
    shared = SharedJob(jobs[0], tuple(jobs[1:]))
    assert shared.size == 3 * jobs[0].size
    done: list[int] = []
    shared.run(done.append)
    assert sum(done) == shared.size
    assert sharing.kept is None
    for job in jobs:
        alone = contents_of_output(chain.task(RunProcessor, config=job.config, branch=1).output().directory)
        together = contents_of_output(place(tmp_path, job.config))
        assert {name: together[name] for name in alone if name != "manifest.json"} == {
            name: content for name, content in alone.items() if name != "manifest.json"
        }
        assert add_raw([place(tmp_path, job.config)])["cutflow"]


def test_an_error_loses_nothing_of_the_others(chain: Chain, tmp_path: Path) -> None:
    jobs = [moved(job_of(chain, config), place(tmp_path, config)) for config in ("probes", "main", "corrected")]
    wrong = dataclasses.replace(jobs[1], config="unknown")
    SharedJob(jobs[0], (wrong, jobs[2])).run(lambda amount: None)
    assert written(place(tmp_path, "probes"))
    assert written(place(tmp_path, "corrected"))
    with pytest.raises(Exception, match="unknown"):
        SharedJob(wrong, (moved(jobs[2], place(tmp_path, "again")),)).run(lambda amount: None)
    assert written(place(tmp_path, "again"))


def test_damage_that_another_one_finds_is_not_lost(chain: Chain, tmp_path: Path) -> None:
    jobs = [moved(job_of(chain, config), place(tmp_path, config)) for config in ("probes", "corrected")]
    damaged = Path(next(iter(jobs[1].resources.scale_factors.values())))
    rot(damaged)
    with pytest.raises(DamagedOutputError, match=f"{damaged.name} in {damaged.parent} isn't what was written"):
        SharedJob(jobs[0], (jobs[1],)).run(lambda amount: None)
    assert written(place(tmp_path, "probes"))


def test_an_interrupt_ends_it_at_once(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Any, progress: Any) -> None:
        raise KeyboardInterrupt

    jobs = [moved(job_of(chain, config), place(tmp_path, config)) for config in ("probes", "main")]
    run = type(jobs[0]).run
    monkeypatch.setattr(
        type(jobs[0]), "run", lambda self, progress: (interrupted if self is jobs[0] else run)(self, progress)
    )
    with pytest.raises(KeyboardInterrupt):
        SharedJob(jobs[0], (jobs[1],)).run(lambda amount: None)
    assert not place(tmp_path, "main").exists()


def test_outputs_travel_back_from_a_worker_without_the_store(chain: Chain, tmp_path: Path) -> None:
    store, worker = tmp_path / "store", tmp_path / "worker"
    configs = ("probes", "main", "corrected")
    jobs = [moved(job_of(chain, config), place(store, config)) for config in configs]
    jobs[1] = dataclasses.replace(jobs[1], config="unknown")
    shared = SharedJob(jobs[0], tuple(jobs[1:]))
    places = {str(store): str(worker)}
    assert place_of(shared, places) == RESULT
    assert set(local_inputs(shared)) == {path for job in jobs for path in local_inputs(job)}
    outcome = run_here(pickle.dumps(shared), places, local_inputs(shared), {}, "tcp://a:1")
    assert (outcome.place, outcome.error) == (RESULT, b"")
    assert not store.exists()
    assert list(worker.rglob("*.zip")) == []
    take_back(outcome, shared)
    assert [bool(written(place(store, config))) for config in configs] == [True, False, True]


def test_the_memory_for_what_is_kept(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[int] = []

    original = kept_reads.keeping_reads
    monkeypatch.setattr(kept_reads, "keeping_reads", lambda limit: (limits.append(limit), original(limit))[1])
    job = moved(job_of(chain, "main"), place(tmp_path, "main"))
    for memory in (800, 0):
        SharedJob(dataclasses.replace(job, chunk_memory=memory), ()).run(lambda amount: None)
    assert limits == [200_000_000, 1_000_000_000]


def test_jobs_share_what_reads_the_same(chain: Chain) -> None:
    probes, main = job_of(chain, "probes"), job_of(chain, "main")
    other = job_of(chain, "main", 0)
    smaller = dataclasses.replace(main, chunk_size=10)
    shared, configs = share({"a": probes, "b": other}, {"main": {"x": main}, "none": {"y": smaller}})
    assert shared == {"a": SharedJob(probes, (main,)), "b": other}
    assert configs == ["main"]
    assert share({"a": probes}, {}) == ({"a": probes}, [])
