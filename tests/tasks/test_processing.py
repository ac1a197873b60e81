from __future__ import annotations

import shutil

from tests.tasks.chain import Chain


def test_only_a_deleted_branch_runs_again(chain: Chain) -> None:
    branches, templates = chain.ids("RunProcessor", "main"), chain.templates()
    deleted = list(branches)[1]
    shutil.rmtree(deleted)
    assert chain.build() == ["RunProcessor main", "MergeOutputs main", "PlotTemplates corrected"]
    again = chain.ids("RunProcessor", "main")
    assert {path for path, identifier in again.items() if identifier != branches[path]} == {deleted}
    assert chain.templates() == templates
    assert chain.missing() == set()
    assert chain.build() == []
