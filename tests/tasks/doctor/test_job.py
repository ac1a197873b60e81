from __future__ import annotations

import inspect
import json
import platform
import re
from pathlib import Path

import pytest

from tasks.batch import htcondor, slurm, submission
from tasks.batch import proxy as retrying
from tasks.doctor.checks import Status
from tasks.doctor.doctor import DoctorJob, judge, report
from tests.grid import write_proxy

FOUND = {
    "host": "node1",
    "python": "3.11.2",
    "checkout": "/c",
    "analysis": "a",
    "store": "/s",
    "proxy": "X509_USER_PROXY isn't set",
}


def test_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_STORE", "/store")
    monkeypatch.delenv("X509_USER_PROXY", raising=False)
    found = report("mine")
    assert (found["python"], found["store"]) == (platform.python_version(), "/store")
    assert (Path(found["checkout"]) / "tasks" / "doctor" / "doctor.py").is_file()
    assert found["proxy"] == "X509_USER_PROXY isn't set"
    monkeypatch.setenv("X509_USER_PROXY", str(tmp_path / "none"))
    assert "No such file" in report("mine")["proxy"]
    monkeypatch.setenv("X509_USER_PROXY", str(write_proxy(tmp_path / "proxy", 600)))
    assert 500 < report("mine")["proxy"] <= 600


def test_job_writes_its_report(tmp_path: Path) -> None:
    job = DoctorJob(folder=str(tmp_path), branch=0)
    assert not job.complete()
    job.run()
    assert job.complete()
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert json.loads((tmp_path / "report.json").read_text())["analysis"] == "zmumu"


def test_job_that_does_not_see_the_folder_leaves_its_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POCKET_SUBMITTED_STORE", "/store")
    monkeypatch.setenv("LAW_JOB_INIT_DIR", str(tmp_path))
    job = DoctorJob(folder="/store/.doctor/1", branch=0)
    job.run()
    assert job.complete()
    # by the name that law tells HTCondor
    assert [path.name for path in tmp_path.iterdir()] == ["report_0To1.json"]


def test_what_a_report_means() -> None:
    result = judge(FOUND, 14, proxy_wanted=False)
    assert result.status is Status.OK
    assert (
        result.found
        == "done in 14 s on node1, with Python 3.11.2, the checkout /c, the analysis a and the store /s, no proxy"
    )
    assert judge({**FOUND, "proxy": 7300.0}, 14, proxy_wanted=True).status is Status.OK
    for proxy in ("X509_USER_PROXY isn't set", -5.0):
        result = judge({**FOUND, "proxy": proxy}, 14, proxy_wanted=True)
        assert (result.status, bool(result.advice)) == (Status.PROBLEM, True)


def test_the_job_has_all_that_proxies_ask_a_task_for() -> None:
    """The job is no workflow of the chain, and its own tests need a batch system."""
    code = "".join(inspect.getsource(module) for module in (retrying, submission, htcondor, slurm))
    asked = set(re.findall(r"self\.task\.(\w+)", code))
    assert "branch_output" in asked
    assert [name for name in sorted(asked) if not hasattr(DoctorJob, name)] == []
