"""Names of ``pocket_coffea.executors.executors_lxplus``."""

from pocket.compat.executors import (
    ExecutorFactoryABC,
    ExecutorFactoryCondorCERN,
    ExecutorFactoryManualABC,
    FuturesExecutorFactory,
    IterativeExecutorFactory,
)
from pocket.compat.executors import LxplusExecutorFactory as DaskExecutorFactory
from pocket.compat.executors import get_lxplus_factory as get_executor_factory
