from __future__ import annotations

import os
from typing import Any

import pytest

from pocket.base.fingerprint import Specification, code_closure, specification
from pocket.base.fingerprint.specification import SCHEME
from pocket.io.store.packing import remove_output
from tasks.chain.merging import MergeOutputs
from tasks.chain.plotting import PlotTemplates
from tasks.chain.processing import RunProcessor
from tasks.core.graph import Node
from tasks.core.states import OTHER_INPUTS, OTHER_RULES, changes_since
from tasks.framework.base import StoreTask
from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow


def reasons(chain: Chain, cls: type[StoreTask] = RunProcessor, **params: Any) -> list[str]:
    return [*Node(chain.task(cls, **{"config": "main", **params})).reasons]


def test_what_has_changed_since_the_last_output(chain: Chain) -> None:
    assert reasons(chain) == []
    changed = chain.task(RunProcessor, config="main", params=("object_preselection.Muon.pt=11",))
    assert Node(changed).reasons == ("parameter object_preselection.Muon.pt: 10.0 → 11.0",)
    chain.edit("cuts.py", '> params["pt"]', '>= params["pt"]')
    assert reasons(chain) == ["cut leading_muon: small/cuts.py:12 has changed"]


def test_an_attempt_that_failed_is_no_output(chain: Chain) -> None:
    chain.edit("cuts.py", '> params["pt"]', '> params["ptt"]')
    assert "ptt" in chain.error(RunProcessor, config="main")
    chain.edit("cuts.py", '> params["ptt"]', '>= params["pt"]')
    changed = chain.task(RunProcessor, config="main", params=("object_preselection.Muon.pt=11",))
    failed = next(path for path in changed.directory.parent.iterdir() if not any(next(path.iterdir()).iterdir()))
    # The folder of the attempt is the newest one.
    os.utime(failed)
    assert Node(changed).reasons == (
        "parameter object_preselection.Muon.pt: 10.0 → 11.0",
        "cut leading_muon: small/cuts.py:12 has changed",
    )


def test_code_that_differs_has_a_line_for_each_module(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    def code(module: str) -> list[object]:
        return [code_closure(f"pocket.{module}")]

    earlier = specification({"code": code("cuts.cut")})
    monkeypatch.setattr("tasks.core.states._newest_specification", lambda directory: earlier)
    task = chain.task(RunProcessor, config="main")
    monkeypatch.setattr(task, "fingerprint_spec", lambda: {"code": code("errors")})
    assert "module pocket.cuts.cut is gone" in (changes := changes_since(task))
    assert [change for change in changes if "words" in change] == []


def test_specifications_by_other_rules_are_not_compared(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> None:
    content = specification({"code": code_closure("pocket.cuts.cut")}).to_json()
    assert content["scheme"] == SCHEME
    # those of earlier versions have no number
    del content["scheme"]
    monkeypatch.setattr("tasks.core.states._newest_specification", lambda directory: Specification.from_json(content))
    chain.edit("cuts.py", '> params["pt"]', '>= params["pt"]')
    assert reasons(chain) == [OTHER_RULES]


def test_what_upstream_tasks_make_is_no_reason_of_its_own(chain: Chain) -> None:
    chain.edit("cuts.py", '> params["pt"]', '>= params["pt"]')
    assert reasons(chain, MergeOutputs) == ["after RunProcessor main"]


def test_another_comparison_and_other_inputs(chain: Chain) -> None:
    assert reasons(chain, PlotTemplates, config="corrected", compare="none") == ["compare main → none"]
    assert reasons(chain, PlotTemplates) == []
    # The templates with other parameters are complete, and those of the newest plots are others.
    params = ("object_preselection.Muon.pt=11",)
    chain.build(MergeOutputs, config="main", params=params)
    chain.build(PlotTemplates, config="main", variables=("npvs",))
    assert reasons(chain, PlotTemplates, params=params) == [OTHER_INPUTS]


def test_what_an_output_lacks(chain: Chain) -> None:
    (reason,) = reasons(chain, PlotTemplates, config="corrected", formats=("svg",))
    assert reason.startswith("the output has no svg of baseline/")
    (path,) = [path for path in chain.output("MergeOutputs", "main").iterdir() if path.name == "sums.json"]
    path.write_text("{}")
    (reason,) = reasons(chain, MergeOutputs)
    assert reason.startswith(f"sums.json in {path.parent.name} has 2 bytes instead of ")


def test_what_is_gone_has_no_reason(chain: Chain) -> None:
    for path in chain.outputs("RunProcessor", "main"):
        remove_output(path)
    node = Node(chain.task(RunProcessor, config="main"))
    assert (node.reasons, node.state.name, node.state.branches, node.amount) == ((), "would run", 4, "3.2k events")


def test_part_of_the_branches(chain: Chain) -> None:
    for path in chain.outputs("RunProcessor", "main")[:3]:
        remove_output(path)
    state = Node(chain.task(RunProcessor, config="main")).state
    assert (state.name, len(state.left), state.branches) == ("1 of 4 branches", 3, 4)
