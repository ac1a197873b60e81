"""Memory that the process keeps from one chunk to the next."""

from __future__ import annotations

import ctypes
import functools
import os

#: bytes of free memory from which on some of it is given back
KEPT = 512_000_000
#: largest size in bytes of an array whose memory is kept; glibc allows no more
LARGEST = 32 * 1024**2
#: numbers of the parameters in glibc's malloc.h
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
#: variables by which a user, or Dask, decides it
_VARIABLES = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")


@functools.cache
def keep_memory() -> bool:
    """Have the C library keep the memory of arrays that are freed, once per process.

    Else it gives memory back to the system as soon as an array is freed at the end of it, and the system clears it
    before the next array has it again: up to a tenth of the time. Nothing changes where the environment decides how
    much is kept, or where the C library isn't glibc (see mallopt(3)).

    Returns:
        Whether it will.
    """
    if any(name in os.environ for name in _VARIABLES):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(
        mallopt(parameter, value) == 1 for parameter, value in ((_M_TRIM_THRESHOLD, KEPT), (_M_MMAP_THRESHOLD, LARGEST))
    )
