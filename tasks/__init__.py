"""The steps of the chain as law tasks; the only code that imports law."""

import os

# before anything loads NumPy: a process has one core, but OpenBLAS starts a thread for each core of the machine, which
# takes a tenth of a second with two of them, and much memory on a login node with a hundred
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from tasks.core.snapshot import begin

# before more of this checkout is imported
begin()
