"""What the first call of a compiled function makes numba load: a second, spent when this is imported."""

import awkward as ak

from pocket.ragged import count_true

count_true(ak.Array([[True]]))
