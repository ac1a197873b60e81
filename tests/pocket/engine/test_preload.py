from __future__ import annotations

import subprocess
import sys

import pytest

from tests.law_runner import ROOT

PROCESS = """
import gc
import pocket.engine.preload
from pocket.parameters import defaults
before = defaults._parsed.cache_info()
defaults.get_default_parameters()
after = defaults._parsed.cache_info()
print(after.misses - before.misses, after.hits - before.hits, gc.get_freeze_count() > 100_000)
"""


@pytest.mark.slow
def test_files_of_parameters_are_known_and_what_stays_is_exempt_from_collection() -> None:
    run = subprocess.run([sys.executable, "-c", PROCESS], cwd=ROOT, capture_output=True, text=True)
    files = len(list((ROOT / "params").glob("*.yaml")))
    assert run.stdout.split() == ["0", str(files), "True"], run.stderr
