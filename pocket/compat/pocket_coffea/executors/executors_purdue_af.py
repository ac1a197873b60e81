"""Names of ``pocket_coffea.executors.executors_purdue_af``."""

from pocket.compat.executors import (
    DaskGatewayExecutorFactory,
    ExecutorFactoryABC,
    FuturesExecutorFactory,
    IterativeExecutorFactory,
    get_executor_factory,
)
