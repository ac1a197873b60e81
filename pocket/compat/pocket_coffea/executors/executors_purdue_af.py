"""Names of ``pocket_coffea.executors.executors_purdue_af``."""

from pocket.compat.executors import ExecutorFactoryABC, FuturesExecutorFactory, IterativeExecutorFactory
from pocket.compat.executors import PurdueExecutorFactory as DaskGatewayExecutorFactory
from pocket.compat.executors import get_purdue_factory as get_executor_factory
