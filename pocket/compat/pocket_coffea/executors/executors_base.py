"""Names of ``pocket_coffea.executors.executors_base``."""

from pocket.compat.executors import (
    ExecutorFactoryABC,
    FuturesExecutorFactory,
    IterativeExecutorFactory,
    get_executor_factory,
)
