from __future__ import annotations

import pytest

from tests.services.conftest import User

JOB = """\
executable = /bin/echo
arguments = "hello from $(Cluster)"
output = job.out
error = job.err
log = job.log
request_memory = 16
queue
"""


@pytest.mark.htcondor
def test_pool_runs_a_job_of_an_ordinary_user(htcondor_pool: list[str], user: User) -> None:
    assert htcondor_pool
    first, _ = user.run("condor_submit", "-terse", "-", text=JOB).split(" - ")
    user.run("condor_wait", "-wait", "50", "job.log")
    assert (user.folder / "job.out").read_text() == f"hello from {first.split('.')[0]}\n"
