"""An installed package that adds a task and a site, without a file in the checkout."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.installed import install
from tests.law_runner import Law
from tests.sockets.test_task import TASK
from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow

SETTINGS = "[modules]\nour_group.steps\n\n[site_ours]\nmemory: 2500\nworkflows: htcondor\n"


@pytest.fixture
def law(chain: Chain, tmp_path: Path) -> Law:
    """The caller of law where the package is installed."""
    steps = TASK.replace('code_closure("my_tasks", "my_tasks")', 'code_closure("our_group.steps", "our_group.steps")')
    files = {"law.cfg": SETTINGS, "steps.py": steps}
    install(tmp_path, "our_group", files, "ours")
    (chain.folder / "law" / "index").unlink()
    return Law(chain.folder, {"PYTHONPATH": f"{tmp_path}:{chain.law.environment['PYTHONPATH']}"})


def test_a_package_adds_by_being_installed(law: Law, chain: Chain) -> None:
    options = ("--category", "baseline", "--cores", "1")
    run = law.run(*chain.arguments("WriteYields", "--config", "main", *options))
    assert run.code == 0, run.text
    assert run.executed[-1] == "WriteYields"
    listed = law.run().text
    assert re.search(r"^  WriteYields +Writes the yields of ", listed, re.MULTILINE)
    other = law.run(*chain.arguments("RunProcessor", "--config", "main", "--workflow", "htcondor", "--site", "oursx"))
    assert other.errors == ["unknown site 'oursx' in --site, did you mean 'ours'?"]
