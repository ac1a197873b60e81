"""The libraries that a command imports anyway, a compiled function, and the bare read: less than any command needs."""

import importlib
import json
import os
from pathlib import Path

import numba
import numpy as np
from bare_driver import prepare

#: what workflows, arrays, histograms, corrections and files are made with
LIBRARIES = ("law", "awkward", "coffea.processor", "hist", "correctionlib", "h5py", "omegaconf")


@numba.njit(cache=True)
def total(values):
    """Add values; the first call of a compiled function loads numba."""
    found = 0
    for value in values:
        found += value
    return found


if __name__ == "__main__":
    for name in LIBRARIES:
        importlib.import_module(name)
    total(np.ones(1, dtype=np.int64))
    request = json.loads(Path(os.environ["BENCHMARK_REQUEST"]).read_text())
    read, _ = prepare({**request, "warm_up": 0})
    read()
