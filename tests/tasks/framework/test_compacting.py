from __future__ import annotations

import re
from pathlib import Path

import pytest

from pocket.base.containers import members
from tasks.chain.merging import MergeOutputs
from tasks.chain.processing import RunProcessor
from tests.law_runner import job_logs
from tests.tasks.damage import rot, truncate
from tests.tasks.small_chain import Chain, unfinished, unpack_branches


def test_branches_are_one_file_each(chain: Chain) -> None:
    branches = chain.outputs("RunProcessor", "main")
    assert len(branches) == 4
    assert all(path.is_file() for path in branches)
    assert {path.parents[1] for path in branches} == {chain.task(RunProcessor, config="main").directory}
    assert sum(1 for path in branches[0].parents[1].rglob("*") if path.is_file()) == 4
    # with columns inside
    assert any(name.endswith(".parquet") for name in members(branches[0]))


@pytest.mark.slow
def test_folders_of_before_stay_valid_and_are_packed(chain: Chain) -> None:
    contents, templates = chain.contents(""), chain.templates("corrected")
    folders = unpack_branches(chain.store)
    assert chain.missing() == set()
    assert chain.build() == []
    # what is merged of them is the same
    merged = chain.output("MergeOutputs", "main")
    before = {path.name: path.read_bytes() for path in merged.rglob("*.*") if path.suffix in (".h5", ".parquet")}
    (merged / "manifest.json").unlink()
    assert chain.build(MergeOutputs, config="main") == ["MergeOutputs main"]
    assert {path.name: path.read_bytes() for path in merged.rglob("*.*") if path.name in before} == before

    run = chain.run("PlotTemplates", "--compact")
    assert run.code == 0, run.text
    assert run.executed == []
    found = re.findall(
        r"^RunProcessor (\w+): (\d+) folders were packed: (\d+) files and folders", run.text, re.MULTILINE
    )
    assert {name for name, *_ in found} == {"main", "probes", "corrected"}
    assert sum(int(number) for _, number, _ in found) == len(folders)
    assert all(int(inodes) >= 3 * int(number) for _, number, inodes in found)
    assert not any(folder.exists() for folder in folders)
    assert chain.contents("") == contents
    assert chain.missing() == set()
    assert chain.build() == []
    assert chain.templates("corrected") == templates
    assert unfinished(chain.store) == []
    again = chain.run("PlotTemplates", "--compact")
    assert again.text.count("no folders to pack") == 3


@pytest.mark.slow
def test_damaged_folder_is_named_and_made_again(chain: Chain) -> None:
    templates = chain.templates()
    damaged = next(folder for folder in unpack_branches(chain.store) if "/main/" in str(folder))
    rot(damaged / "raw.h5")
    run = chain.run("RunProcessor", "--config", "main", "--compact")
    assert "3 folders were packed" in run.text
    assert f"left as it is: raw.h5 in {damaged} isn't what was written" in run.text
    (chain.output("MergeOutputs", "main") / "manifest.json").unlink()
    assert f"raw.h5 in {damaged} isn't what was written" in chain.error(MergeOutputs, config="main")
    chain.build()
    assert chain.templates() == templates
    assert not damaged.exists()


@pytest.mark.slow
def test_truncated_container_is_named_and_made_again(chain: Chain) -> None:
    merged = chain.ids("MergeOutputs", "main")
    damaged = chain.outputs("RunProcessor", "main")[0]
    truncate(damaged)
    status = chain.run("RunProcessor", "--config", "main", "--print-status", "0")
    assert f"3 of 4 branches  {damaged.name} isn't a whole container" in status.text
    # its content is as before, so what was merged of it stays
    chain.build()
    assert chain.ids("MergeOutputs", "main") == merged
    assert chain.missing() == set()


@pytest.mark.slow
def test_logs_of_a_complete_task_are_packed(chain: Chain) -> None:
    control: Path = chain.task(RunProcessor, config="main").control_directory("htcondor")
    control.mkdir(parents=True)
    (control / "stdall_0To1.txt").write_text("a log")
    run = chain.run("RunProcessor", "--config", "main", "--compact")
    assert "; 1 log of a job is in the archive now" in run.text
    assert [path.name for path in control.iterdir()] == ["logs.zip"]
    assert job_logs(control) == {"stdall_0To1.txt": "a log"}
    # jobs of a task that isn't complete may still write theirs
    (control / "stdall_1To2.txt").write_text("another log")
    chain.outputs("RunProcessor", "main")[0].unlink()
    chain.run("RunProcessor", "--config", "main", "--compact")
    assert (control / "stdall_1To2.txt").exists()
