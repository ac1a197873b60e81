"""Names of ``pocket_coffea.executors.executors_DESY_NAF``."""

from pocket.compat.executors import (
    ExecutorFactoryABC,
    FuturesExecutorFactory,
    IterativeExecutorFactory,
    ParslCondorExecutorFactory,
    get_executor_factory,
)
