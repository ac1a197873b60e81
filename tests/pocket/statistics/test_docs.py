"""The examples of docs/reference/statistics.md, run one after the other."""

from __future__ import annotations

import re
from typing import Any

import pytest

import pocket.statistics
from tests.checkout import REPOSITORY

PAGE = (REPOSITORY / "docs" / "reference" / "statistics.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_examples_run(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(compile(block, "docs/reference/statistics.md", "exec"), names)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) >= 8
    assert names["best"].value("r") > 0


def test_functions_of_the_table_are_public() -> None:
    fits = PAGE[PAGE.index("\n## Fits\n") : PAGE.index("\n### Asimov data and toys\n")]
    names = re.findall(r"^\| `(\w+)` \|", fits, re.MULTILINE)
    assert len(names) >= 9
    assert set(names) <= set(pocket.statistics.__all__)
