from __future__ import annotations

from pathlib import Path

from tasks.chain.branch_jobs import ToyCorrectionsJob, ToyJob
from tasks.chain.toys import MakeToySamples
from tests.tasks.pickled_jobs import elsewhere, run
from tests.tasks.small_chain import Chain


def test_toys(chain: Chain, tmp_path: Path) -> None:
    jobs = {branch: chain.task(MakeToySamples, branch=branch).job() for branch in (2, 6)}
    toys, corrections = jobs.values()
    assert isinstance(toys, ToyJob)
    assert (toys.process, toys.part, toys.size) == ("ttsemi", 0, 200)
    assert run(toys, output=elsewhere(toys, tmp_path / "toys"), size=10) == 10
    assert [path.name for path in sorted((tmp_path / "toys").iterdir())] == ["events.root", "manifest.json"]
    assert isinstance(corrections, ToyCorrectionsJob)
    assert run(corrections, output=elsewhere(corrections, tmp_path / "corrections")) == corrections.size == 0
    assert len(list((tmp_path / "corrections").iterdir())) == 7
