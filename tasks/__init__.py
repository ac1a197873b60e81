"""The steps of the chain as law tasks; the only code that imports law."""

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.framework.outputs import Output as Output
    from tasks.framework.outputs import find as find

__all__ = ["Output", "find"]

# OpenBLAS starts a thread for each core when NumPy is loaded. A process here uses one core, so the other threads would
# only cost start-up time, and much memory on a login node with a hundred cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from tasks.core.snapshot import begin

# The snapshot must exist before more of this checkout is imported.
begin()


def __getattr__(name: str) -> Any:
    """Load the functions for notebooks when they are used, since they load law and all that tasks need."""
    if name in ("Output", "find"):
        from tasks.framework import outputs

        return getattr(outputs, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
