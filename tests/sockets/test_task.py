from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.law_runner import ROOT, Law
from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow

TASK = '''
"""The yields of a configuration's samples in a category, as JSON."""

import json

import luigi

from pocket.base.fingerprint import code_closure
from pocket.io.store import write_output
from tasks.chain.merging import MergeOutputs
from tasks.framework.base import ConfigTask, input_ids


class WriteYields(ConfigTask):
    """Writes the yields of a configuration's samples in a category."""

    category = luigi.Parameter(description="category whose yields are written; no default")

    def requires(self):
        """The templates."""
        return MergeOutputs.req(self)

    def fingerprint_spec(self):
        """The templates, the category and this code."""
        code = code_closure("my_tasks", "my_tasks")
        return {"templates": self.requires().fingerprint, "category": self.category, "code": code}

    def input_ids(self):
        """The templates."""
        return input_ids({"templates": self.requires().output()})

    def make(self):
        """Write the yields."""
        from pocket.histograms.files import list_variables, read_templates

        folder = self.requires().directory
        templates = read_templates(folder, sorted(list_variables(folder))[0])
        yields = {
            sample: float(h[{"cat": self.category}].project(*h.axes.name[-1:]).sum(flow=True).value)
            for sample, h in templates.items() if "variation" not in h.axes.name
        }
        with write_output(**self.write_info()) as folder:
            (folder / "yields.json").write_text(json.dumps(yields))
'''


def test_one_file_adds_a_task(chain: Chain, tmp_path: Path) -> None:
    (tmp_path / "my_tasks.py").write_text(TASK)
    config = (ROOT / "law.cfg").read_text()
    (tmp_path / "law.cfg").write_text(config.replace("[modules]\n", "[modules]\nmy_tasks\n"))
    (chain.folder / "law" / "index").unlink()
    extra = {
        "PYTHONPATH": f"{tmp_path}:{chain.law.environment['PYTHONPATH']}",
        "LAW_CONFIG_FILE": str(tmp_path / "law.cfg"),
    }
    law = Law(chain.folder, extra)
    arguments = chain.arguments("WriteYields", "--config", "main", "--category", "baseline", "--cores", "1")
    run = law.run(*arguments)
    assert run.code == 0, run.text
    # what it needs is there already
    assert run.executed == ["WriteYields"]
    (folder,) = law.outputs("WriteYields", "small")
    assert sum(json.loads((folder / "yields.json").read_text()).values()) > 0
    assert law.run(*arguments).executed == []
    # an edit of the task makes it again, and nothing else
    (tmp_path / "my_tasks.py").write_text(TASK.replace("sum(flow=True)", "sum()"))
    assert law.run(*arguments).executed == ["WriteYields"]
    other = law.run(*arguments, "--category", "none")
    assert other.code != 0
    assert "none" in other.text
