"""Tasks of law: the steps from datasets to plots, each with its output in the store."""

import os

# before anything loads numpy: a process has one core, but OpenBLAS starts a thread for each core of the machine, which
# costs every start a tenth of its time here, and on a login node with a hundred cores much memory
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
