"""Names of ``pocket_coffea.executors.executors_infn_af``."""

from pocket.compat.executors import ExecutorFactoryABC, FuturesExecutorFactory, IterativeExecutorFactory
from pocket.compat.executors import InfnExecutorFactory as DaskExecutorFactory
from pocket.compat.executors import get_infn_factory as get_executor_factory
