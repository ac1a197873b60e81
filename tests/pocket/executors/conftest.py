"""Dask schedulers for the tests in this folder."""

from tests.facility import facility, scheduler, tls_scheduler

__all__ = ["facility", "scheduler", "tls_scheduler"]
