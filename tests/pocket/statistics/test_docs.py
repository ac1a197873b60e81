"""The examples of docs/reference/statistics.md, run one after the other."""

from __future__ import annotations

import re
from typing import Any

import pytest

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
    # The table names all functions that fit.
    for name in re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE):
        assert name in __import__("pocket.statistics", fromlist=["__all__"]).__all__
