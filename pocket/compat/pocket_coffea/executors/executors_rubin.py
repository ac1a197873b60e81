"""Names of ``pocket_coffea.executors.executors_rubin``."""

from pocket.compat.executors import (
    DaskExecutorFactory,
    ExecutorFactoryABC,
    ExecutorFactoryManualABC,
    FuturesExecutorFactory,
    IterativeExecutorFactory,
    get_executor_factory,
)
