"""Names of ``pocket_coffea.executors.executors_lxplus``."""

from pocket.compat.executors import (
    DaskExecutorFactory,
    ExecutorFactoryABC,
    ExecutorFactoryCondorCERN,
    ExecutorFactoryManualABC,
    FuturesExecutorFactory,
    IterativeExecutorFactory,
    get_executor_factory,
)
