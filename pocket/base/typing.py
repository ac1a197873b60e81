"""Arrays by the type of their numbers, for annotations: one name for each, in all modules."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

#: double precision: weights, sums, values of corrections
Floats: TypeAlias = npt.NDArray[np.float64]
#: single precision, as models take it
Float32s: TypeAlias = npt.NDArray[np.float32]
#: positions and counts
Indices: TypeAlias = npt.NDArray[np.int64]
#: one boolean per event or object
Mask: TypeAlias = npt.NDArray[np.bool_]
