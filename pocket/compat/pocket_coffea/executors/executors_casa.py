"""Names of ``pocket_coffea.executors.executors_casa``."""

from pocket.compat.executors import CasaExecutorFactory as DaskExecutorFactory
from pocket.compat.executors import ExecutorFactoryABC, FuturesExecutorFactory, IterativeExecutorFactory
from pocket.compat.executors import get_casa_factory as get_executor_factory
