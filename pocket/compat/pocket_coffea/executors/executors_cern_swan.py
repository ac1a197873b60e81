"""Names of ``pocket_coffea.executors.executors_cern_swan``."""

from pocket.compat.executors import ExecutorFactoryABC, FuturesExecutorFactory, IterativeExecutorFactory
from pocket.compat.executors import SwanExecutorFactory as DaskExecutorFactory
from pocket.compat.executors import get_swan_factory as get_executor_factory
