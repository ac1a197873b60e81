"""Executors of a workflow's branches: this process, processes of this machine, or a Dask cluster."""

from pocket.executors.base import Executor, ExecutorFactoryABC, Job, Progress, available_cores

__all__ = ["Executor", "ExecutorFactoryABC", "Job", "Progress", "available_cores"]
