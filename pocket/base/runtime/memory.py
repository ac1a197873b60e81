"""Memory that the process keeps from one chunk to the next."""

from __future__ import annotations

import ctypes
import functools
import os

#: Most free memory in bytes that stays in the process; beyond it, some is returned to the system.
KEPT = 512_000_000
#: Largest array in bytes whose memory stays in the process; glibc allows no more.
LARGEST = 32 * 1024**2
#: Numbers of the parameters in glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
#: Environment variables by which a user, or Dask, configures malloc.
_VARIABLES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


@functools.cache
def keep_memory() -> bool:
    """Make the C library keep the memory of freed arrays, once per process, and tell whether it does."""
    # Otherwise it returns memory to the system when an array at the end of the heap is freed, and the system clears the
    # memory before the next array gets it. Nothing changes if the environment configures malloc, or if the C library
    # isn't glibc (see mallopt(3)).
    if any(name in os.environ for name in _VARIABLES):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(
        mallopt(parameter, value) == 1 for parameter, value in ((_M_TRIM_THRESHOLD, KEPT), (_M_MMAP_THRESHOLD, LARGEST))
    )
