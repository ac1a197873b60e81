from __future__ import annotations

import subprocess
import sys

import pytest

FAULTS = """
import resource
import numpy as np
from pocket.base.runtime.memory import keep_memory

print(keep_memory())

def arrays():
    for _ in range(4):
        np.ones(3_000_000)

arrays()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
arrays()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.parametrize(
    ("environment", "keeps"), [({}, True), ({"MALLOC_TRIM_THRESHOLD_": "65536"}, False)], ids=["kept", "as Dask has it"]
)
def test_freed_memory_is_used_again(environment: dict[str, str], keeps: bool) -> None:
    command = [sys.executable, "-c", FAULTS]
    kept, faults = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()
    assert kept == str(keeps)
    # pages of 24 MB, 4 kB each, which the system has to clear for each of the four arrays
    assert (int(faults) < 100) == keeps
