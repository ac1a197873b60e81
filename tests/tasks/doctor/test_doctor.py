from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from tasks.doctor.checks import Result, Status
from tasks.doctor.doctor import Doctor, DoctorJob
from tests.tasks.in_process import Here


def rows(text: str) -> dict[str, str]:
    """Return the status of each check."""
    return {name.strip(): status for status, name in re.findall(r"^(ok|warning|problem) +(.{12})", text, re.MULTILINE)}


def test_laptop_without_a_batch_system(tmp_path: Path) -> None:
    law = Here(tmp_path)
    # not even HTCondor, should this machine have it
    scripts = law.environment["PATH"].partition(os.pathsep)[0]
    alone = Here(tmp_path, {"PATH": scripts, "X509_USER_PROXY": str(tmp_path / "none")})
    run = alone.run("Doctor")
    assert run.code == 0, run.text
    found = rows(run.text)
    assert "problem" not in found.values()
    assert {"proxy", "XRootD", "index", "store", "batch system"} <= found.keys()
    assert "test job" not in found
    assert "none is here, and local runs need none" in run.text
    # a diagnosis leaves nothing
    assert not law.store.exists()


def test_problems_are_an_error_and_nothing_is_submitted(tmp_path: Path) -> None:
    law = Here(tmp_path, {"X509_USER_PROXY": str(tmp_path / "none")})
    run = law.run("Doctor", "--site", "lxplus-eos", "--proxy", "auto")
    assert run.code == 30
    found = rows(run.text)
    assert (found["proxy"], found["placement"], found["test job"]) == ("problem", "problem", "warning")
    (error,) = run.errors
    assert error.startswith("jobs at site 'lxplus-eos' would fail because of proxy, placement")
    assert not law.store.exists()


def test_unknown_site(tmp_path: Path) -> None:
    run = Here(tmp_path).run("Doctor", "--site", "lxplsu")
    assert run.code != 0
    assert run.errors == ["unknown site 'lxplsu' in --site, did you mean 'lxplus' or 'lxplus-eos'?"]


def test_the_test_job_may_take_as_long_as_is_waited_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def diagnose(job: Any, reporter: Any, minutes: float) -> Result:
        # law takes hours.
        asked.append((job.walltime * 60, minutes, job.memory, job.workflow))
        return Result("test job", Status.OK, "done")

    monkeypatch.setenv("POCKET_STORE", str(tmp_path))
    monkeypatch.setattr(Doctor, "checks", lambda self: iter(()))
    monkeypatch.setattr(DoctorJob, "diagnose", diagnose)
    doctor = Doctor(workflow="slurm", wait=15.0, memory=1234.0)
    assert [result.name for result in doctor.results()] == ["test job"]
    assert asked == [(pytest.approx(15.0), 15.0, 1234.0, "slurm")]
