"""Names of ``pocket_coffea.executors.executors_CLAIX``."""

from pocket.compat.executors import (
    DaskExecutorFactory,
    ExecutorFactoryABC,
    FuturesExecutorFactory,
    IterativeExecutorFactory,
    ParslSlurmExecutorFactory,
    get_executor_factory,
)
