"""Outputs of an earlier version beside those that are made."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from pocket.base.containers import folder_of
from pocket.io.store.older import RECORDS
from pocket.io.store.packing import contents_of_output
from tests.tasks.small_chain import Chain

pytestmark = pytest.mark.slow


def test_they_are_reported_once_and_stay(chain: Chain) -> None:
    # That version wrote branches as folders.
    for container in chain.store.rglob("*.zip"):
        for name, content in contents_of_output(container).items():
            path = Path(folder_of(container), name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            os.utime(path, ns=(container.stat().st_mtime_ns,) * 2)
        container.unlink()
    for manifest in chain.store.rglob("manifest.json"):
        content = json.loads(manifest.read_text())
        content["info"].pop(RECORDS, None)
        manifest.write_text(json.dumps(content))
    before = chain.ids("RunProcessor", "main") | chain.ids("MergeOutputs", "main")
    told = []
    for pt in (21, 22):
        chain.edit("parameters.yaml", f"pt: {pt - 1}", f"pt: {pt}")
        run = chain.run("MergeOutputs", "--config", "main")
        assert run.code == 0, run.text
        told.append(
            re.findall(r"^(\d+ outputs?) in .*/small/(\w+)/main/v1 w\w+ made before 0\.2", run.text, re.MULTILINE)
        )
    assert sorted(told[0]) == [("1 output", "MergeOutputs"), ("1 output", "RunProcessor")]
    assert told[1] == []
    assert (chain.ids("RunProcessor", "main") | chain.ids("MergeOutputs", "main")).items() > before.items()
