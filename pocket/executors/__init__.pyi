"""Public names of :mod:`pocket.executors`, loaded when they are used."""

from .base import (
    Executor as Executor,
    ExecutorFactoryABC as ExecutorFactoryABC,
    IterativeExecutorFactory as IterativeExecutorFactory,
    Job as Job,
    Progress as Progress,
    available_cores as available_cores,
    divide_cores as divide_cores,
)
from .dask_executor import DaskExecutorFactory as DaskExecutorFactory
