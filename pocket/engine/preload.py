"""Warm-up of the fork server. Importing this module loads what every worker needs, so that workers start fast."""

import contextlib
import gc

import awkward as ak

from pocket.base.arrays.jagged import count_true
from pocket.errors import ConfigError
from pocket.parameters.defaults import get_default_parameters

# the first call of a compiled function makes numba load for a second
count_true(ak.Array([[True]]))
# the files of default parameters are known from here on; those that can't be read are an error where they are used
with contextlib.suppress(ConfigError):
    get_default_parameters()
# half a million objects of libraries stay, and needn't be looked through for garbage again and again
gc.collect()
gc.freeze()
