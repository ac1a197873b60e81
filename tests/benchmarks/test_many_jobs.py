from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.many_jobs import TURNS, Submission

pytestmark = pytest.mark.slow


def test_calls_grow_as_the_number_of_jobs(tmp_path: Path) -> None:
    jobs, calls = [], []
    for branches in (400, 800):
        folder = tmp_path / str(branches)
        folder.mkdir()
        with pytest.MonkeyPatch.context() as patch:
            submission = Submission.prepare(branches, folder, patch)
            costs = submission.run(count_calls=True)
            jobs.append(len(submission.schedd.jobs))
            calls.append(costs.calls)
            commands = submission.schedd.calls
        assert len(costs.looks) == commands["condor_q"] - 1
        assert commands["condor_submit"] == 1
        assert TURNS <= commands["condor_q"] <= TURNS + 4
    assert jobs[1] / jobs[0] == pytest.approx(2, abs=0.1)
    assert calls[0] > 100_000
    assert calls[1] / calls[0] < 1.1 * jobs[1] / jobs[0]
