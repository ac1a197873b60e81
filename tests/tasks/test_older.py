"""Outputs of an earlier version beside those that are made."""

from __future__ import annotations

import json
import re

import pytest

from pocket.io.store.older import RECORDS, report_older
from tasks.chain.merging import MergeOutputs
from tests.tasks.small_chain import Chain, unpack_branches

pytestmark = pytest.mark.slow


def test_they_are_reported_once_and_stay(chain: Chain, capsys: pytest.CaptureFixture[str]) -> None:
    # That version wrote branches as folders.
    unpack_branches(chain.store)
    for manifest in chain.store.rglob("manifest.json"):
        content = json.loads(manifest.read_text())
        content["info"].pop(RECORDS, None)
        manifest.write_text(json.dumps(content))
    before = chain.ids("RunProcessor", "main") | chain.ids("MergeOutputs", "main")
    told = []
    for pt in (21, 22):
        chain.edit("parameters.yaml", f"pt: {pt - 1}", f"pt: {pt}")
        # as in another process
        report_older.cache_clear()
        assert {"RunProcessor main", "MergeOutputs main"} <= set(chain.build(MergeOutputs, config="main"))
        text = capsys.readouterr().err
        told.append(re.findall(r"^(\d+ outputs?) in .*/small/(\w+)/main/v1 w\w+ made before 0\.2", text, re.MULTILINE))
    assert sorted(told[0]) == [("1 output", "MergeOutputs"), ("1 output", "RunProcessor")]
    assert told[1] == []
    assert (chain.ids("RunProcessor", "main") | chain.ids("MergeOutputs", "main")).items() > before.items()
