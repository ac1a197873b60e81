from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from tasks.batch.actions import shortened
from tests.law_runner import Run
from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _without_commands(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands of batch systems fail, as those that aren't there do."""
    for name in ("condor_version", "condor_submit", "condor_q", "sbatch", "squeue"):
        command = tmp_path / "bin" / name
        command.parent.mkdir(exist_ok=True)
        command.write_text(f"#!/bin/sh\ntouch {tmp_path}/called-{name}\nexit 127\n")
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")


def forget(chain: Chain, *tasks: str) -> None:
    """Remove outputs of a finished chain."""
    for task in tasks:
        shutil.rmtree(chain.store / "small" / task)


def dry_run(chain: Chain, workflow: str, *options: str) -> Run:
    return chain.run("MergeOutputs", "--config", "main", "--workflow", workflow, "--dry-run", *options)


def files(chain: Chain, workflow: str) -> set[str]:
    """Return the names of the files in the control folder, without law's checksums of their content."""
    (control,) = chain.store.glob(f"*/RunProcessor/main/v1/*/.{workflow}")
    return {path.relative_to(control).as_posix() for path in control.rglob("*") if path.is_file()}


def test_shows_what_would_be_submitted_to_htcondor(chain: Chain, tmp_path: Path) -> None:
    forget(chain, "RunProcessor")
    done = dry_run(chain, "htcondor", "--memory", "900", "--runtime", "90min")
    assert done.code == 0, done.text
    assert "    … 2 more\n" in done.text
    assert "RunProcessor main: 4 jobs (4 branches, " in done.text
    assert "each with 900 MB of memory and 1 h 30 min" in done.text
    assert "    request_memory = 900\n" in done.text
    found = files(chain, "htcondor")
    assert all(name.startswith("dry-run/1/") for name in found)
    assert "dry-run/1/htcondor_job.jdl" in found
    assert any(name.startswith("dry-run/1/bootstrap") for name in found)
    assert not list(tmp_path.glob("called-condor_submit"))
    # the files are those of the last dry run alone
    again = dry_run(chain, "htcondor", "--memory", "900", "--runtime", "90min")
    assert again.text == done.text
    assert files(chain, "htcondor") == found


def test_shows_what_would_be_submitted_to_slurm(chain: Chain, tmp_path: Path) -> None:
    forget(chain, "RunProcessor")
    done = dry_run(chain, "slurm", "--tasks-per-job", "3")
    assert done.code == 0, done.text
    assert "RunProcessor main: 2 jobs (4 branches, " in done.text
    assert "    #SBATCH --array=0-1\n" in done.text
    assert len([name for name in files(chain, "slurm") if "slurm_job" in name]) == 2
    assert not list(tmp_path.glob("called-sbatch"))


def test_jobs_that_are_not_known_yet_and_those_that_are_done(chain: Chain) -> None:
    assert "RunProcessor main: complete, nothing to submit" in dry_run(chain, "htcondor").text
    forget(chain, "RunProcessor", "BuildDatasets")
    done = dry_run(chain, "htcondor")
    assert done.code == 0, done.text
    assert (
        "RunProcessor main: jobs aren't known before BuildDatasets datasets is complete; make it first:\n"
        f"  law run BuildDatasets --analysis {chain.analysis} --version v1 "
    ) in done.text
    assert not (chain.store / "small" / "RunProcessor").exists()


def test_branches_that_are_done_are_left_out(chain: Chain) -> None:
    (branch, *_) = sorted((chain.store / "small" / "RunProcessor" / "main" / "v1").glob("*/*/*"))
    branch.unlink()
    assert "RunProcessor main: 1 job (1 branch, " in dry_run(chain, "htcondor").text


def test_no_bundle_is_made(chain: Chain) -> None:
    forget(chain, "RunProcessor")
    done = dry_run(chain, "htcondor", "--environment", "bundle")
    assert done.code == 0, done.text
    assert f"archives that jobs get would be made: {chain.store}/.bundles/code-" in done.text
    assert not (chain.store / ".bundles").exists()


def test_folders_that_a_site_does_not_take_are_warnings(chain: Chain) -> None:
    forget(chain, "RunProcessor")
    done = dry_run(chain, "htcondor", "--site", "lxplus-eos")
    assert done.code == 0, done.text
    warning = "warning: a submission from here would stop: site 'lxplus-eos' takes no submission from the checkout "
    assert done.text.count(warning) == 1
    assert '    MY.WantOS = "el9"\n' in done.text
    assert "dry-run/1/htcondor_job.jdl" in files(chain, "htcondor")


def test_folder_that_cannot_be_made(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forget(chain, "RunProcessor")
    (tmp_path / "file").touch()
    monkeypatch.setenv("LAW__site_lxplus__log_directory", f"{tmp_path}/file/logs")
    (sentence,) = dry_run(chain, "htcondor", "--site", "lxplus").errors
    assert sentence.startswith(f"the files of the dry run can't be written to {tmp_path}/file/logs/")
    assert sentence.endswith("; set log_directory in [site_lxplus] of law.cfg to a folder that you can write")


def test_other_problems_are_those_of_a_submission(chain: Chain) -> None:
    forget(chain, "RunProcessor")
    done = dry_run(chain, "htcondor", "--proxy", "/none/x509up")
    assert done.code != 0
    assert "/none/x509up" in done.errors[0]
    local = chain.run("MergeOutputs", "--config", "main", "--dry-run")
    assert local.errors == ["--dry-run is for --workflow htcondor or slurm, not local"]


def test_a_long_list_is_shown_in_part() -> None:
    assert shortened(["queue a from (", *"12345", ")"]) == ["queue a from (", "1", "2", "… 3 more", ")"]
    lines = ["queue a from (", "1", "2", "3", ")"]
    assert shortened(lines) == lines
    assert shortened(["no list"]) == ["no list"]


def test_a_workflow_whose_branches_are_always_known(chain: Chain, tmp_path: Path) -> None:
    card = tmp_path / "card.txt"
    rows = ["bin b b", "process signal other", "process 0 1", "rate 5 10"]
    card.write_text("\n".join(["imax 1", "jmax 1", "kmax 0", "bin b", "observation 12", *rows]) + "\n")
    done = chain.run("FitToys", "--card", str(card), "--toys", "260", "--workflow", "htcondor", "--dry-run")
    assert done.code == 0, done.text
    assert "FitToys card_card: 3 jobs (3 branches, 260 toys)" in done.text
