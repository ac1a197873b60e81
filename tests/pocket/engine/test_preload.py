from __future__ import annotations

import subprocess
import sys

import pytest

from tests.law_runner import ROOT

PROCESS = """
import gc
import pocket.engine.preload
print(gc.get_freeze_count() > 100_000)
"""


@pytest.mark.slow
def test_what_stays_is_exempt_from_collection() -> None:
    run = subprocess.run([sys.executable, "-c", PROCESS], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout.split() == ["True"], run.stderr
