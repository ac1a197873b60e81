"""Virtual arrays, whose values are computed on first access."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import awkward as ak
import numpy as np

from pocket.errors import ConfigError


def lazy_column(name: str, size: int, dtype: Any, compute: Callable[[], Any]) -> ak.Array:
    """Return a virtual array whose values, of shape (size,), are computed on first access."""

    def values() -> Any:
        column = np.asarray(compute(), dtype=dtype)
        if column.shape != (size,):
            raise ConfigError(f"column {name!r} was computed with shape {column.shape}, expected ({size},)")
        return column

    form = ak.forms.NumpyForm(np.dtype(dtype).name, form_key=name)
    return ak.from_buffers(form, size, {f"{name}-data": values})
