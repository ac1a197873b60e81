"""Simulated batch systems with the outputs of a finished chain."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tasks.chain.processing import RunProcessor
from tests.checkout import PYTHON
from tests.tasks.small_chain import Chain

SCRIPT = Path(__file__).with_name("fake_condor.py")
COMMANDS = ("condor_submit", "condor_q", "condor_history", "condor_rm", "condor_version")


@dataclass(frozen=True)
class Schedd:
    """A schedd whose jobs put the outputs of branches in place.

    Args:
        folder: its state.
    """

    folder: Path

    @property
    def calls(self) -> Counter[str]:
        """How often each command was called."""
        return Counter((self.folder / "calls.txt").read_text().split())

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """All jobs there were."""
        return list(json.loads((self.folder / "state.json").read_text())["jobs"].values())

    def plan(
        self, outcomes: Mapping[str, Sequence[str]], silent: Sequence[str] = (), slots: int = 10**6, **hosts: str
    ) -> None:
        """Say how jobs end: branches like ``_0To1`` → one word per attempt; and where they run.

        Commands don't answer as often as they are in ``silent``. At each look at the queue, so many jobs begin as there
        are ``slots``.
        """
        path = self.folder / "plan.json"
        given = {"outcomes": outcomes, "hosts": hosts, "silent": list(silent), "slots": slots}
        plan = {**json.loads(path.read_text()), **given}
        path.write_text(json.dumps(plan))


def take_over(
    chain: Chain,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: Path = SCRIPT,
    commands: Sequence[str] = COMMANDS,
    **params: Any,
) -> Schedd:
    """Take the outputs of all branches of ``main`` away, for jobs to put back, and those that were made from them."""
    folder.mkdir()
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    for name in commands:
        # With the Python of the tests, whichever comes first on PATH; an environment's path may have a space.
        (bin_folder / name).write_text(f"#!{PYTHON} -IS\n" + script.read_text().partition("\n")[2])
        (bin_folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(bin_folder), prepend=":")
    monkeypatch.setenv("FAKE_BATCH", str(folder))
    # the bindings would look for another schedd
    monkeypatch.setenv("POCKET_HTCONDOR", "commands")
    outputs = {}
    for number, task in enumerate(chain.task(RunProcessor, config="main", **params).get_branch_tasks().values()):
        place, kept = task.output().directory, folder / f"output_{number}"
        shutil.move(place, kept)
        outputs[f"_{number}To{number + 1}"] = [str(kept), str(place)]
    (folder / "plan.json").write_text(json.dumps({"outputs": outputs, "outcomes": {}}))
    for merged in chain.outputs("MergeOutputs", "main"):
        shutil.rmtree(merged)
    return Schedd(folder)
