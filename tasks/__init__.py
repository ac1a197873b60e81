"""The steps of the chain as law tasks; the only code that imports law."""

import os

# OpenBLAS starts a thread for each core when NumPy is loaded. A process here uses one core, so the other threads would
# only cost start-up time, and much memory on a login node with a hundred cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from tasks.core.snapshot import begin

# The snapshot must exist before more of this checkout is imported.
begin()
