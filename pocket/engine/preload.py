"""Warm-up of the fork server. Importing this module loads what every worker needs, so that workers start fast."""

import contextlib
import gc

import awkward as ak
import correctionlib  # noqa: F401
import h5py  # noqa: F401
import uhi.io.json  # noqa: F401

import pocket.columns.parquet
import pocket.cuts.library
import pocket.engine.run
import pocket.histograms.raw  # noqa: F401
from pocket.base.arrays.jagged import count_true
from pocket.errors import ConfigError
from pocket.parameters.defaults import get_default_parameters

# On the first call of a compiled function, numba loads for a second.
count_true(ak.Array([[True]]))
# This imports what reads parameters. Files that can't be read raise an error where they are used.
with contextlib.suppress(ConfigError):
    get_default_parameters()
# Half a million objects of libraries stay alive, so garbage collection need not visit them again.
gc.collect()
gc.freeze()
