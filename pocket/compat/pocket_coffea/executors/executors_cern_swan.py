"""Names of ``pocket_coffea.executors.executors_cern_swan``."""

from pocket.compat.executors import (
    DaskExecutorFactory,
    ExecutorFactoryABC,
    FuturesExecutorFactory,
    IterativeExecutorFactory,
    get_executor_factory,
)
