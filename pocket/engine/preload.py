"""Warm-up of the fork server. Importing this module loads what every worker needs, so that workers start fast."""

import gc

import awkward as ak

from pocket.base.arrays.jagged import count_true

# On the first call of a compiled function, numba loads for a second.
count_true(ak.Array([[True]]))
# Half a million objects of libraries stay alive, so garbage collection need not visit them again.
gc.collect()
gc.freeze()
