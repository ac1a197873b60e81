from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from pocket.store import is_complete, read_manifest
from tests.tasks.chain import Chain, unfinished


def kill_after(chain: Chain, seconds: float) -> None:
    """Start the whole chain in two processes, and kill all of it at some moment."""
    process = chain.law.start(*chain.arguments("PlotTemplates", "--cores", "2"))
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)


def check_store(store: Path) -> None:
    """Check that whatever has a manifest is complete."""
    for manifest in store.rglob("manifest.json"):
        if not any(part.startswith(".") for part in manifest.relative_to(store).parts):
            assert read_manifest(manifest.parent) is not None
            assert is_complete(manifest.parent), manifest


def test_kill_at_any_moment_leaves_nothing_that_counts(on_files: Chain, chain: Chain) -> None:
    """Killed again and again, the chain goes on where it was, and ends with the same numbers."""
    killed = Chain.make(on_files.folder / "killed", on_files.folder / "law" / "index")
    for seconds in (1.5, 2.5, 3.5, 4.5, 5.5):
        kill_after(killed, seconds)
        check_store(killed.store)
    last = killed.run("PlotTemplates")
    assert last.code == 0, last.text
    check_store(killed.store)
    assert unfinished(killed.store) == []
    for part in ("main", "corrected"):
        assert killed.templates(part) == chain.templates(part)


def test_branch_alone(chain: Chain) -> None:
    branches = chain.outputs("RunProcessor", "main")
    for branch in branches:
        shutil.rmtree(branch)
    run = chain.run("RunProcessor", "--config", "main", "--branch", "1")
    assert run.code == 0, run.text
    (alone,) = chain.outputs("RunProcessor", "main")
    assert alone in branches


@pytest.mark.parametrize("workflow", ["dask", "lokal"])
def test_unknown_kind_of_workflow_is_refused(chain: Chain, workflow: str) -> None:
    run = chain.run("RunProcessor", "--config", "main", "--workflow", workflow)
    assert run.code != 0
    assert f"unknown workflow {workflow!r}" in run.errors[0]
