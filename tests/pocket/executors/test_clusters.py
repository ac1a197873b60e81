from __future__ import annotations

import os
import re
import shlex
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pocket.errors import ConfigError, PocketError
from pocket.executors import clusters
from pocket.executors.clusters import HELD, ClusterSpec, held_jobs, no_worker, running_cluster
from tests.waiting import wait_for


@contextmanager
def cluster(tmp_path: Path, kind: str, **changes: Any) -> Iterator[Any]:
    given = {"min_workers": 0, "max_workers": 3, "memory": "1GB", "retries": 2, "death_timeout": 50.0}
    spec = ClusterSpec(kind, log_folder=tmp_path / "logs", host="127.0.0.1", **given | changes)
    with running_cluster(spec) as made:
        yield made
    # no keys are left
    assert not spec.log_folder.exists() or list(spec.log_folder.iterdir()) == []


def test_local(tmp_path: Path) -> None:
    with cluster(tmp_path, "local", min_workers=1, max_workers=1) as made:
        (worker,) = made.scheduler_info["workers"].values()
        assert (worker["nthreads"], worker["memory_limit"]) == (1, 10**9)
        assert made.scheduler.allowed_failures == 2
        assert made.scheduler_address.startswith("tls://127.0.0.1:")
        assert made.dashboard_link.startswith("http://127.0.0.1:")
    assert not (tmp_path / "logs").exists()


def test_local_workers_have_a_folder_of_their_own(tmp_path: Path) -> None:
    with cluster(tmp_path, "local", min_workers=1, max_workers=1) as made:
        (worker,) = made.workers.values()
        scratch = next(path for path in Path(worker.local_directory).parents if path.name.startswith("pocketlaw-dask-"))
        # it may hold a proxy
        assert scratch.stat().st_mode & 0o077 == 0
    assert not scratch.exists()


def test_job_of_htcondor(tmp_path: Path) -> None:
    with cluster(tmp_path, "htcondor", disk="3GB", directives={"MY.SendCredential": "True"}) as made:
        script = made.job_script()
        (arguments,) = re.findall(r"""^Arguments = "-c '(.*)'"$""", script, re.MULTILINE)
        # HTCondor reads two quotes as one, and the shell reads the words.
        *words, address = shlex.split(arguments.replace("''", "'"))[:4]
        assert words == [sys.executable, "-m", "distributed.cli.dask_worker"]
        assert address.startswith("tls://127.0.0.1:")
        assert "--nthreads 1" in script
        assert "--nworkers" not in script
        assert "--death-timeout 50.0" in script
        assert "MY.SendCredential = True" in script
        assert f"MY.DaskWorkerDisk = {3 * 10**9}" in script
        check_keys(made, tmp_path / "logs", script)


def test_job_of_slurm(tmp_path: Path) -> None:
    options = {"walltime": "01:00:00", "queue": "short", "account": "cms"}
    directives = {"--constraint": "el9", "gres": "gpu:1", "exclusive": "", "comment": "for a thesis"}
    with cluster(tmp_path, "slurm", directives=directives, **options) as made:
        script = made.job_script()
        own = ("--constraint=el9", "--gres=gpu:1", "--exclusive", '--comment="for a thesis"')
        for line in ("-t 01:00:00", "-p short", "-A cms", *own, "-n 1", "--cpus-per-task=1"):
            assert f"#SBATCH {line}\n" in script
        assert "--nworkers" not in script
        check_keys(made, tmp_path / "logs", script)


@pytest.mark.parametrize(
    ("kind", "command", "named", "chosen"),
    [
        ("htcondor", "condor_rm", 'MY.PocketlawCluster = "{}"', '-constraint PocketlawCluster == "{}"'),
        ("slurm", "scancel", "#SBATCH -J {}", "--name={}"),
    ],
)
def test_jobs_that_dask_left_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, command: str, named: str, chosen: str
) -> None:
    fake = tmp_path / command
    fake.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/removed\n')
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    labels = []
    for _ in range(2):
        with cluster(tmp_path, kind) as made:
            (label,) = set(re.findall(r"pocketlaw-[0-9a-f]{16}", made.job_script()))
            assert named.format(label) in made.job_script().splitlines()
            labels.append(label)
    assert (tmp_path / "removed").read_text().splitlines() == [chosen.format(label) for label in labels]
    assert labels[0] != labels[1]


#: runs the job of a submission at once, as HTCondor's manual reads arguments
CONDOR_SUBMIT = """
(arguments,) = re.findall(r'^Arguments = "(.*)"$', text, re.MULTILINE)
words = re.findall(r"'((?:[^']|'')*)'|([^ ']+)", arguments.replace('""', '"'))
command = ["/bin/sh", *(quoted.replace("''", "'") or plain for quoted, plain in words)]
print("1 job(s) submitted to cluster 1.")
"""
SBATCH = """
command = ["/bin/bash", "-c", text]
print("Submitted batch job 1")
"""
BATCH = """#!{python}
import pathlib, re, subprocess, sys
text = pathlib.Path(sys.argv[-1]).read_text()
{how}
process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
pathlib.Path(__file__).with_name("process").write_text(str(process.pid))
"""
REMOVE = '#!/bin/sh\nkill -TERM -- "-$(cat "$(dirname "$0")/process")"\ntrue\n'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "submit", "how", "remove"),
    [("htcondor", "condor_submit", CONDOR_SUBMIT, "condor_rm"), ("slurm", "sbatch", SBATCH, "scancel")],
)
def test_paths_with_spaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, submit: str, how: str, remove: str
) -> None:
    from distributed import Client

    folder = tmp_path / "my store"
    folder.mkdir()
    python = folder / "python"
    texts = {
        python: f'#!/bin/sh\nexec {sys.executable} "$@"\n',
        tmp_path / submit: BATCH.format(python=sys.executable, how=how),
        tmp_path / remove: REMOVE,
    }
    for path, text in texts.items():
        path.write_text(text)
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with cluster(folder, kind, min_workers=1, max_workers=1, python=str(python)) as made, Client(made) as client:
        client.wait_for_workers(1, timeout=60)
        assert client.submit(os.getpid).result(timeout=60) != os.getpid()


@pytest.mark.slow
def test_jobs_that_are_refused_hide_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, code in (("sbatch", 1), ("scancel", 0)):
        (tmp_path / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/{name}-was-called\nexit {code}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    kept = []

    def wait_in_vain() -> None:
        with cluster(tmp_path, "slurm", min_workers=1, max_workers=1) as made:
            kept.append(made)
            wait_for((tmp_path / "sbatch-was-called").exists)
            raise no_worker("slurm", 5, [], "the logs")

    with pytest.raises(PocketError, match=r"^no worker of the Dask cluster \(slurm\) came"):
        wait_in_vain()
    assert [made.status.name for made in kept] == ["closed"]


def check_keys(made: Any, logs: Path, script: str) -> None:
    """Check that connections are encrypted, and that nobody else can read the keys."""
    assert made.scheduler_address.startswith("tls://")
    (keys,) = logs.iterdir()
    assert sorted(path.name for path in keys.iterdir()) == ["ca_file.pem", "cert.pem", "key.pem"]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in keys.iterdir())
    assert f"--tls-key {keys}/key.pem" in script
    assert stat.S_IMODE(logs.stat().st_mode) == 0o700
    assert "PRIVATE KEY" not in script


def test_lxplus_without_its_package(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="needs the package dask_lxplus"), cluster(tmp_path, "lxplus"):
        pass


def test_held_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "condor_q"
    command.write_text('#!/bin/sh\necho "$@" >"$0.calls"\necho "memory exceeded"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    made = SimpleNamespace(workers={0: SimpleNamespace(job_id="7.0"), 1: SimpleNamespace(job_id=None)})
    assert held_jobs(made, "htcondor") == (1, ["memory exceeded"])
    assert Path(f"{command}.calls").read_text() == f"7.0 -constraint {HELD} -af HoldReason\n"
    assert held_jobs(made, "slurm") == (0, [])
    assert held_jobs(SimpleNamespace(workers={}), "htcondor") == (0, [])


def test_htcondor_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*arguments: Any, **options: Any) -> None:
        raise subprocess.TimeoutExpired("condor_q", 30)

    made = SimpleNamespace(workers={0: SimpleNamespace(job_id="7.0")})
    monkeypatch.setattr(clusters.subprocess, "run", hang)
    assert held_jobs(made, "htcondor") == (1, [])


def test_error_without_workers() -> None:
    assert str(no_worker("slurm", 60.2, [], "the logs")) == (
        "no worker of the Dask cluster (slurm) came within 60 s; see the logs"
    )
    assert "; held: no disk; see" in str(no_worker("htcondor", 60.2, ["no disk", "no disk"], "the logs"))
