"""Names of ``pocket_coffea.executors.executors_RWTH``."""

from pocket.compat.executors import (
    DaskExecutorFactory,
    ExecutorFactoryABC,
    FuturesExecutorFactory,
    IterativeExecutorFactory,
    ParslCondorExecutorFactory,
    get_executor_factory,
)
